/* test_outbox_supersede.c - streams of snapshots: which older entries a newer one ends, and which not (outbox.h, 5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/audit.h"
#include "support/store_test.h"

typedef struct fix {
    st_fix s;
    mlc_outbox *ob;
} fix;

static int setup(void **state)
{
    fix *const f = calloc(1, sizeof *f);
    *state = f;
    st_init(&f->s);
    f->ob =
        st_stream(&f->s, &(mlc_stream_spec){.name = "dynamics", .mode = MLC_STREAM_KEYED, .supersede = true});
    return 0;
}

static int teardown(void **state)
{
    fix *const f = *state;
    mlc_outbox_close(f->ob);
    st_end(&f->s);
    free(f);
    return 0;
}

static uint64_t put(fix *f, const char *key, const char *idem)
{
    return ST_OK(&f->s, ST_PUT, f->ob, .key = key, .idem = idem, .at_ms = 10);
}

static bool count_superseded(const mlc_audit_item *item, void *arg)
{
    if (strstr(item->event, "\"action\":\"superseded\"") != NULL && item->personal != NULL &&
        strstr(item->personal, "superseded by ") != NULL)
        ++*(size_t *)arg;
    return true;
}

static mlc_code count_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    *(size_t *)arg = 0;
    return mlc_audit_scan(txn, 1, 1000, count_superseded, arg, err);
}

static size_t superseded_in_audit(fix *f)
{
    mlc_error err;
    size_t count = 0;
    st_check(mlc_store_read(f->s.store, count_job, &count, &err), &err);
    return count;
}

static void test_newer_ends_ready_and_parked(void **state)
{
    fix *const f = *state;
    put(f, "a", "1");
    put(f, "b", "2");
    put(f, "a", "3");
    st_state_is(&f->s, f->ob, 1, MLC_ENTRY_DONE, "superseded by 3");
    st_state_is(&f->s, f->ob, 2, MLC_ENTRY_READY, "");
    assert_int_equal(ST_CODE(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 10), MLC_E_CONFLICT);
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 3, .at_ms = 10);
    ST_OK(&f->s, ST_PARK, f->ob, .seq = 3, .at_ms = 11, .text = "name too long");
    put(f, "a", "4");
    st_state_is(&f->s, f->ob, 3, MLC_ENTRY_DONE, "superseded by 4");
    ST_DUE_ARE(&f->s, f->ob, 10, 2, 4, );
    assert_int_equal(superseded_in_audit(f), 2);
    assert_int_equal(st_stats(&f->s, f->ob).parked, 0);
    /* the keys of ended entries are still known */
    assert_int_equal(put(f, "a", "1"), 1);
    assert_int_equal(superseded_in_audit(f), 2);
}

static void test_one_in_flight_is_left_alone(void **state)
{
    fix *const f = *state;
    put(f, "a", "1");
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 10);
    put(f, "a", "2");
    put(f, "a", "3");
    st_state_is(&f->s, f->ob, 1, MLC_ENTRY_INFLIGHT, "");
    st_state_is(&f->s, f->ob, 2, MLC_ENTRY_DONE, "superseded by 3");
    ST_DUE_ARE(&f->s, f->ob, 1000, );
    ST_OK(&f->s, ST_DONE, f->ob, .seq = 1, .at_ms = 12, .text = "204");
    ST_DUE_ARE(&f->s, f->ob, 1000, 3, );
}

static void test_failed_attempt_gives_way_to_a_newer_one(void **state)
{
    fix *const f = *state;
    st_entry got;
    put(f, "a", "1");
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 10);
    put(f, "a", "2");
    ST_OK(&f->s, ST_RETRY, f->ob, .seq = 1, .at_ms = 500, .text = "503");
    assert_int_equal(st_get(&f->s, f->ob, 1, &got), MLC_OK);
    assert_int_equal(got.e.state, MLC_ENTRY_DONE);
    assert_string_equal(got.e.last_error, "503");
    ST_DUE_ARE(&f->s, f->ob, 20, 2, );
    /* the same for parking */
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 2, .at_ms = 20);
    put(f, "a", "3");
    ST_OK(&f->s, ST_PARK, f->ob, .seq = 2, .at_ms = 30, .text = "400");
    assert_int_equal(st_stats(&f->s, f->ob).parked, 0);
    ST_DUE_ARE(&f->s, f->ob, 20, 3, );
}

static void test_failed_attempt_without_a_newer_one_stays(void **state)
{
    fix *const f = *state;
    put(f, "a", "1");
    put(f, "b", "2");
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 10);
    ST_OK(&f->s, ST_RETRY, f->ob, .seq = 1, .at_ms = 500, .text = "503");
    st_state_is(&f->s, f->ob, 1, MLC_ENTRY_READY, "");
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 500);
    ST_OK(&f->s, ST_PARK, f->ob, .seq = 1, .at_ms = 600, .text = "400");
    st_state_is(&f->s, f->ob, 1, MLC_ENTRY_PARKED, "");
}

static void test_uncertain_attempt_is_looked_at_first(void **state)
{
    fix *const f = *state;
    put(f, "a", "1");
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 10);
    put(f, "a", "2");
    ST_OK(&f->s, ST_RETRY, f->ob, .seq = 1, .at_ms = 500, .text = "time out", .uncertain = true);
    st_state_is(&f->s, f->ob, 1, MLC_ENTRY_READY, "");
    ST_DUE_ARE(&f->s, f->ob, 499, );
    ST_DUE_ARE(&f->s, f->ob, 500, 1, );
}

/* A stream that becomes a superseding one has keys with many waiting entries. */
static void test_all_older_ones_end_however_many(void **state)
{
    fix *const f = *state;
    char idem[16];
    mlc_outbox *plain = st_stream(&f->s, &(mlc_stream_spec){.name = "later", .mode = MLC_STREAM_KEYED});
    for (int i = 0; i < 40; i++) {
        (void)snprintf(idem, sizeof idem, "i-%d", i);
        ST_OK(&f->s, ST_PUT, plain, .key = "a", .idem = idem, .at_ms = 10);
    }
    mlc_outbox_close(plain);
    plain =
        st_stream(&f->s, &(mlc_stream_spec){.name = "later", .mode = MLC_STREAM_KEYED, .supersede = true});
    ST_OK(&f->s, ST_PUT, plain, .key = "a", .idem = "last", .at_ms = 20);
    assert_int_equal(st_stats(&f->s, plain).done, 40);
    ST_DUE_ARE(&f->s, plain, 20, 41, );
    mlc_outbox_close(plain);
}

static void test_sequence_reader_sees_ended_ones_as_void(void **state)
{
    fix *const f = *state;
    st_seqs all = {0};
    mlc_outbox *const up =
        st_stream(&f->s, &(mlc_stream_spec){.name = "up", .mode = MLC_STREAM_SEQUENCE, .supersede = true});
    ST_OK(&f->s, ST_PUT, up, .key = "a", .idem = "1", .at_ms = 1);
    ST_OK(&f->s, ST_PUT, up, .key = "b", .idem = "2", .at_ms = 1);
    ST_OK(&f->s, ST_PUT, up, .key = "a", .idem = "3", .at_ms = 1);
    all.ob = up;
    st_seqs_are(&f->s, st_scan_job, &all, ST_LIST(1, 2, 3, ));
    assert_int_equal(all.state[0], MLC_ENTRY_DONE);
    assert_int_equal(all.state[1], MLC_ENTRY_READY);
    assert_int_equal(all.state[2], MLC_ENTRY_READY);
    /* not even its age lets it go before the reader has passed it */
    ST_OK(&f->s, ST_PRUNE, up, .at_ms = INT64_MAX / 2);
    st_state_is(&f->s, up, 1, MLC_ENTRY_DONE, "superseded by 3");
    ST_OK(&f->s, ST_ACK, up, .seq = 3, .at_ms = 5);
    st_state_is(&f->s, up, 1, MLC_ENTRY_DONE, "superseded by 3");
    st_state_is(&f->s, up, 3, MLC_ENTRY_DONE, "acknowledged");
    mlc_outbox_close(up);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_newer_ends_ready_and_parked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_in_flight_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_attempt_gives_way_to_a_newer_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_attempt_without_a_newer_one_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_uncertain_attempt_is_looked_at_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_older_ones_end_however_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sequence_reader_sees_ended_ones_as_void, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
