/* test_outbox_keyed.c - a KEYED stream: order per key, due times, attempts, parking, recovery (outbox.h, 1, 4 and 6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_test.h"

typedef struct fix {
    st_fix s;
    mlc_outbox *ob;
} fix;

static const mlc_stream_spec jde = {.name = "jde", .mode = MLC_STREAM_KEYED};

static int setup(void **state)
{
    fix *const f = calloc(1, sizeof *f);
    *state = f;
    st_init(&f->s);
    f->ob = st_stream(&f->s, &jde);
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

static uint64_t put(fix *f, const char *key, const char *idem, int64_t at_ms)
{
    return ST_OK(&f->s, ST_PUT, f->ob, .key = key, .idem = idem, .at_ms = at_ms);
}

static void test_entry_keeps_what_it_was_given(void **state)
{
    fix *const f = *state;
    st_entry got;
    const uint64_t seq = ST_OK(&f->s, ST_PUT, f->ob, .key = "order/1", .idem = "i-1", .text = "{\"a\":1}",
                               .at_ms = 1000, .not_before_ms = 5000);
    assert_int_equal(seq, 1);
    assert_int_equal(st_get(&f->s, f->ob, 1, &got), MLC_OK);
    assert_int_equal(got.e.state, MLC_ENTRY_READY);
    assert_false(got.e.uncertain);
    assert_int_equal(got.e.attempts, 0);
    assert_int_equal(got.e.created_ms, 1000);
    assert_int_equal(got.e.next_attempt_ms, 5000);
    assert_string_equal(got.e.tenant, "acme");
    assert_string_equal(got.e.key, "order/1");
    assert_string_equal(got.e.idem, "i-1");
    assert_string_equal(got.e.last_error, "");
    assert_string_equal(got.e.outcome, "");
    assert_int_equal(got.e.payload_len, 7);
    assert_string_equal(got.payload, "{\"a\":1}");
    assert_int_equal(st_get(&f->s, f->ob, 2, &got), MLC_E_NOTFOUND);
}

static void test_only_the_oldest_of_a_key_is_due(void **state)
{
    fix *const f = *state;
    put(f, "a", "1", 10);
    put(f, "a", "2", 10);
    put(f, "b", "3", 10);
    ST_DUE_ARE(&f->s, f->ob, 10, 1, 3, );
    assert_int_equal(ST_CODE(&f->s, ST_BEGIN, f->ob, .seq = 2, .at_ms = 10), MLC_E_CONFLICT);
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 10);
    /* in flight: neither it nor its successor may be sent, the other key may */
    ST_DUE_ARE(&f->s, f->ob, 10, 3, );
    assert_int_equal(ST_CODE(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 10), MLC_E_CONFLICT);
    assert_int_equal(ST_CODE(&f->s, ST_BEGIN, f->ob, .seq = 2, .at_ms = 10), MLC_E_CONFLICT);
    ST_OK(&f->s, ST_DONE, f->ob, .seq = 1, .at_ms = 11, .text = "204");
    st_state_is(&f->s, f->ob, 1, MLC_ENTRY_DONE, "204");
    ST_DUE_ARE(&f->s, f->ob, 10, 2, 3, );
    /* done once more is no fault, and does not change how it ended */
    ST_OK(&f->s, ST_DONE, f->ob, .seq = 1, .at_ms = 12, .text = "other");
    st_state_is(&f->s, f->ob, 1, MLC_ENTRY_DONE, "204");
    assert_int_equal(st_stats(&f->s, f->ob).done, 1);
}

static void test_due_is_in_order_of_time_and_tells_the_next(void **state)
{
    fix *const f = *state;
    st_seqs due = {.ob = f->ob, .now_ms = 99};
    mlc_error err;
    put(f, "c", "1", 300);
    put(f, "b", "2", 200);
    put(f, "a", "3", 100);
    ST_OK(&f->s, ST_PUT, f->ob, .key = "d", .idem = "4", .at_ms = 50, .not_before_ms = 400);
    st_check(mlc_store_read(f->s.store, st_due_job, &due, &err), &err);
    assert_int_equal(due.count, 0);
    assert_int_equal(due.next_ms, 100);
    due.now_ms = 300;
    st_seqs_are(&f->s, st_due_job, &due, ST_LIST(3, 2, 1, ));
    assert_int_equal(due.next_ms, 400);
    due.max = 2;
    st_seqs_are(&f->s, st_due_job, &due, ST_LIST(3, 2, ));
    assert_int_equal(due.next_ms, 300); /* more is due already */
    due.max = 0;
    due.now_ms = 400;
    st_seqs_are(&f->s, st_due_job, &due, ST_LIST(3, 2, 1, 4, ));
    assert_true(due.next_ms == INT64_MAX);
}

static void test_a_failed_attempt_is_tried_again_in_order(void **state)
{
    fix *const f = *state;
    st_entry got;
    put(f, "a", "1", 10);
    put(f, "a", "2", 10);
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 20);
    ST_OK(&f->s, ST_RETRY, f->ob, .seq = 1, .at_ms = 500, .text = "503", .uncertain = true);
    ST_DUE_ARE(&f->s, f->ob, 499, );
    ST_DUE_ARE(&f->s, f->ob, 500, 1, );
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 500);
    ST_OK(&f->s, ST_RETRY, f->ob, .seq = 1, .at_ms = 900, .text = "refused");
    assert_int_equal(st_get(&f->s, f->ob, 1, &got), MLC_OK);
    assert_int_equal(got.e.attempts, 2);
    assert_true(got.e.uncertain); /* of the first attempt, not forgotten */
    assert_string_equal(got.e.last_error, "refused");
    assert_int_equal(ST_CODE(&f->s, ST_RETRY, f->ob, .seq = 1, .at_ms = 1), MLC_E_CONFLICT);
    assert_int_equal(ST_CODE(&f->s, ST_BEGIN, f->ob, .seq = 77, .at_ms = 1), MLC_E_NOTFOUND);
}

static void test_parked_entry_holds_back_its_key_only(void **state)
{
    fix *const f = *state;
    st_entry got;
    put(f, "a", "1", 10);
    put(f, "a", "2", 10);
    put(f, "b", "3", 10);
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 10);
    ST_OK(&f->s, ST_PARK, f->ob, .seq = 1, .at_ms = 20, .text = "item blocked");
    put(f, "a", "4", 10);
    ST_DUE_ARE(&f->s, f->ob, 1000, 3, );
    assert_int_equal(ST_CODE(&f->s, ST_BEGIN, f->ob, .seq = 2, .at_ms = 10), MLC_E_CONFLICT);
    st_seqs_are(&f->s, st_parked_job, &(st_seqs){.ob = f->ob}, ST_LIST(1, ));
    assert_int_equal(ST_CODE(&f->s, ST_PARK, f->ob, .seq = 1, .at_ms = 1), MLC_E_CONFLICT);
    assert_int_equal(ST_CODE(&f->s, ST_RELEASE, f->ob, .seq = 2, .at_ms = 1), MLC_E_CONFLICT);
    assert_int_equal(ST_CODE(&f->s, ST_DISMISS, f->ob, .seq = 2, .at_ms = 1), MLC_E_CONFLICT);

    assert_int_equal(ST_OK(&f->s, ST_RELEASE, f->ob, .seq = 1, .at_ms = 30), 1);
    assert_int_equal(st_get(&f->s, f->ob, 1, &got), MLC_OK);
    assert_int_equal(got.e.attempts, 0);
    assert_int_equal(got.e.next_attempt_ms, 30);
    assert_string_equal(got.e.last_error, "item blocked");
    ST_DUE_ARE(&f->s, f->ob, 30, 3, 1, );
    st_seqs_are(&f->s, st_parked_job, &(st_seqs){.ob = f->ob}, ST_LIST());
}

static void test_dismissed_entry_lets_its_successor_go(void **state)
{
    fix *const f = *state;
    put(f, "a", "1", 10);
    put(f, "a", "2", 11);
    ST_OK(&f->s, ST_PARK, f->ob, .seq = 1, .at_ms = 20, .text = "wrong unit"); /* never begun */
    ST_DUE_ARE(&f->s, f->ob, 1000, );
    ST_OK(&f->s, ST_DISMISS, f->ob, .seq = 1, .at_ms = 30, .text = "entered by hand");
    st_state_is(&f->s, f->ob, 1, MLC_ENTRY_DONE, "dismissed: entered by hand");
    ST_DUE_ARE(&f->s, f->ob, 1000, 2, );
}

static void test_what_was_in_flight_is_uncertain_after_a_crash(void **state)
{
    fix *const f = *state;
    st_entry got;
    st_op recover = {.kind = ST_RECOVER, .at_ms = 60000};
    put(f, "a", "1", 10);
    put(f, "a", "2", 10);
    put(f, "b", "3", 10);
    put(f, "c", "4", 10);
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 1, .at_ms = 1000);
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 3, .at_ms = 2000);
    mlc_outbox_close(f->ob);
    st_close(&f->s);
    st_open(&f->s);
    f->ob = st_stream(&f->s, &jde);
    assert_int_equal(st_stats(&f->s, f->ob).inflight, 2);
    recover.ob = f->ob;
    st_ok(&f->s, &recover);
    assert_int_equal(recover.count, 2);
    assert_int_equal(st_get(&f->s, f->ob, 1, &got), MLC_OK);
    assert_int_equal(got.e.state, MLC_ENTRY_READY);
    assert_true(got.e.uncertain);
    assert_int_equal(got.e.attempts, 1);
    assert_int_equal(got.e.next_attempt_ms, 61000);
    ST_DUE_ARE(&f->s, f->ob, 60999, 4, );
    ST_DUE_ARE(&f->s, f->ob, 62000, 4, 1, 3, );
    assert_int_equal(st_get(&f->s, f->ob, 4, &got), MLC_OK);
    assert_false(got.e.uncertain);
    st_ok(&f->s, &recover);
    assert_int_equal(recover.count, 0);
}

static void test_stats_count_every_state(void **state)
{
    fix *const f = *state;
    put(f, "a", "1", 70);
    put(f, "b", "2", 80);
    put(f, "c", "3", 90);
    put(f, "d", "4", 95);
    const uint64_t all = st_stats(&f->s, f->ob).live_bytes;
    ST_OK(&f->s, ST_BEGIN, f->ob, .seq = 2, .at_ms = 100);
    ST_OK(&f->s, ST_PARK, f->ob, .seq = 3, .at_ms = 100, .text = "x");
    ST_OK(&f->s, ST_DONE, f->ob, .seq = 1, .at_ms = 100, .text = "ok");
    const mlc_outbox_stats s = st_stats(&f->s, f->ob);
    assert_int_equal(s.next_seq, 5);
    assert_int_equal(s.ready, 1);
    assert_int_equal(s.inflight, 1);
    assert_int_equal(s.parked, 1);
    assert_int_equal(s.done, 1);
    assert_int_equal(s.oldest_live_ms, 80);
    assert_int_equal(s.live_bytes, all / 4 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_entry_keeps_what_it_was_given, setup, teardown),
        cmocka_unit_test_setup_teardown(test_only_the_oldest_of_a_key_is_due, setup, teardown),
        cmocka_unit_test_setup_teardown(test_due_is_in_order_of_time_and_tells_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_attempt_is_tried_again_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parked_entry_holds_back_its_key_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dismissed_entry_lets_its_successor_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_in_flight_is_uncertain_after_a_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stats_count_every_state, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
