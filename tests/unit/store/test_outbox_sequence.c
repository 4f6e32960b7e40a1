/* test_outbox_sequence.c - a SEQUENCE stream: cumulative acknowledgement, parking and requeueing (outbox.h, 4). */
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

static const mlc_stream_spec up = {.name = "up", .mode = MLC_STREAM_SEQUENCE};

static int setup(void **state)
{
    fix *const f = calloc(1, sizeof *f);
    *state = f;
    st_init(&f->s);
    f->ob = st_stream(&f->s, &up);
    ST_OK(&f->s, ST_PUT, f->ob, .key = "a", .idem = "1", .text = "one", .at_ms = 1);
    ST_OK(&f->s, ST_PUT, f->ob, .key = "a", .idem = "2", .text = "two", .at_ms = 2);
    ST_OK(&f->s, ST_PUT, f->ob, .key = "b", .idem = "3", .text = "three", .at_ms = 3);
    ST_OK(&f->s, ST_PUT, f->ob, .key = "b", .idem = "4", .text = "four", .at_ms = 4);
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

static void test_scan_goes_on_from_any_place(void **state)
{
    fix *const f = *state;
    st_seqs_are(&f->s, st_scan_job, &(st_seqs){.ob = f->ob, .from = 1}, ST_LIST(1, 2, 3, 4, ));
    st_seqs_are(&f->s, st_scan_job, &(st_seqs){.ob = f->ob, .from = 3}, ST_LIST(3, 4, ));
    st_seqs_are(&f->s, st_scan_job, &(st_seqs){.ob = f->ob, .from = 2, .max = 1}, ST_LIST(2, ));
    st_seqs_are(&f->s, st_scan_job, &(st_seqs){.ob = f->ob, .from = 5}, ST_LIST());
    /* there is no head of a key here */
    ST_DUE_ARE(&f->s, f->ob, 1000, );
}

static void test_ack_is_cumulative(void **state)
{
    fix *const f = *state;
    ST_OK(&f->s, ST_ACK, f->ob, .seq = 3, .at_ms = 50);
    for (uint64_t seq = 1; seq <= 3; seq++)
        st_state_is(&f->s, f->ob, seq, MLC_ENTRY_DONE, "acknowledged");
    st_state_is(&f->s, f->ob, 4, MLC_ENTRY_READY, "");
    assert_int_equal(st_stats(&f->s, f->ob).acked_seq, 3);
    /* an older one is late, not wrong; it moves nothing back */
    ST_OK(&f->s, ST_ACK, f->ob, .seq = 1, .at_ms = 60);
    ST_OK(&f->s, ST_ACK, f->ob, .seq = 0, .at_ms = 60);
    assert_int_equal(st_stats(&f->s, f->ob).acked_seq, 3);
    assert_int_equal(st_stats(&f->s, f->ob).done, 3);
}

static void test_ack_beyond_the_last_is_refused(void **state)
{
    fix *const f = *state;
    assert_int_equal(ST_CODE(&f->s, ST_ACK, f->ob, .seq = 5, .at_ms = 1), MLC_E_PROTOCOL);
    assert_int_equal(ST_CODE(&f->s, ST_ACK, f->ob, .seq = UINT64_MAX, .at_ms = 1), MLC_E_PROTOCOL);
    assert_int_equal(st_stats(&f->s, f->ob).acked_seq, 0);
    assert_int_equal(st_stats(&f->s, f->ob).ready, 4);
    ST_OK(&f->s, ST_ACK, f->ob, .seq = 4, .at_ms = 1);
}

static void test_parked_stays_parked_under_an_ack(void **state)
{
    fix *const f = *state;
    ST_OK(&f->s, ST_PARK, f->ob, .seq = 2, .at_ms = 40, .text = "no such customer");
    ST_OK(&f->s, ST_ACK, f->ob, .seq = 4, .at_ms = 50);
    st_state_is(&f->s, f->ob, 2, MLC_ENTRY_PARKED, "");
    const mlc_outbox_stats s = st_stats(&f->s, f->ob);
    assert_int_equal(s.acked_seq, 4);
    assert_int_equal(s.done, 3);
    assert_int_equal(s.parked, 1);
    assert_int_equal(s.oldest_live_ms, 2);
}

static void test_released_entry_comes_again_under_a_new_sequence(void **state)
{
    fix *const f = *state;
    st_entry got;
    st_op again = {.kind = ST_PUT, .ob = f->ob, .key = "a", .idem = "2", .at_ms = 70};
    ST_OK(&f->s, ST_PARK, f->ob, .seq = 2, .at_ms = 40, .text = "no such customer");
    ST_OK(&f->s, ST_ACK, f->ob, .seq = 4, .at_ms = 50);
    const uint64_t bytes = st_stats(&f->s, f->ob).live_bytes;
    assert_int_equal(ST_OK(&f->s, ST_RELEASE, f->ob, .seq = 2, .at_ms = 60), 5);
    st_state_is(&f->s, f->ob, 2, MLC_ENTRY_DONE, "requeued as 5");
    assert_int_equal(st_get(&f->s, f->ob, 5, &got), MLC_OK);
    assert_int_equal(got.e.state, MLC_ENTRY_READY);
    assert_string_equal(got.payload, "two");
    assert_string_equal(got.e.key, "a");
    assert_string_equal(got.e.last_error, "no such customer");
    assert_int_equal(got.e.attempts, 0);
    assert_int_equal(st_find(&f->s, f->ob, "2"), 5);
    st_ok(&f->s, &again);
    assert_true(again.duplicate);
    assert_int_equal(again.seq, 5);
    const mlc_outbox_stats s = st_stats(&f->s, f->ob);
    assert_int_equal(s.parked, 0);
    assert_int_equal(s.ready, 1);
    assert_int_equal(s.next_seq, 6);
    assert_int_equal(s.live_bytes, bytes);
    assert_int_equal(ST_CODE(&f->s, ST_RELEASE, f->ob, .seq = 2, .at_ms = 60), MLC_E_CONFLICT);
    /* forgetting the old one does not forget the key, that is the new one's now */
    ST_OK(&f->s, ST_PRUNE, f->ob, .at_ms = INT64_MAX / 2);
    assert_int_equal(st_get(&f->s, f->ob, 2, &got), MLC_E_NOTFOUND);
    assert_int_equal(st_find(&f->s, f->ob, "2"), 5);
}

static void test_order_of_delivery_cannot_change(void **state)
{
    fix *const f = *state;
    mlc_error err;
    mlc_outbox *other = NULL;
    const mlc_stream_spec keyed = {.name = "up", .mode = MLC_STREAM_KEYED};
    assert_int_equal(mlc_outbox_open(&other, f->s.store, &keyed, &err), MLC_E_CONFLICT);
    assert_non_null(strstr(err.message, "up"));
    assert_null(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_scan_goes_on_from_any_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ack_is_cumulative, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ack_beyond_the_last_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_parked_stays_parked_under_an_ack, setup, teardown),
        cmocka_unit_test_setup_teardown(test_released_entry_comes_again_under_a_new_sequence, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_order_of_delivery_cannot_change, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
