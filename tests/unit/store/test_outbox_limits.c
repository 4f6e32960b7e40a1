/* test_outbox_limits.c - gapless sequences, idempotency keys, bounds and pruning (outbox.h, 1, 3, 7 and 8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_test.h"

static const int64_t DAY = (int64_t)24 * 3600 * 1000;

static uint64_t put(st_fix *f, mlc_outbox *ob, const char *key, const char *idem, int64_t at_ms)
{
    return ST_OK(f, ST_PUT, ob, .key = key, .idem = idem, .at_ms = at_ms);
}

static void test_sequences_are_gapless_whatever_fails_between(void **state)
{
    st_fix *const f = *state;
    char idem[16];
    char too_long[1100];
    mlc_outbox *ob = st_stream(f, &(mlc_stream_spec){.name = "s"});
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    for (uint64_t i = 1; i <= 20; i++) {
        (void)snprintf(idem, sizeof idem, "i-%u", (unsigned)i);
        assert_int_equal(put(f, ob, "k", idem, 1), i);
        assert_int_equal(ST_CODE(f, ST_PUT, ob, .key = too_long, .idem = "x"), MLC_E_INVALID);
        assert_int_equal(put(f, ob, "k", idem, 1), i); /* known */
        assert_int_equal(ST_CODE(f, ST_BEGIN, ob, .seq = i + 1), MLC_E_NOTFOUND);
        if (i % 7 == 0) { /* counting goes on where it was */
            mlc_outbox_close(ob);
            st_close(f);
            st_open(f);
            ob = st_stream(f, &(mlc_stream_spec){.name = "s"});
        }
    }
    for (uint64_t i = 1; i <= 20; i++)
        ST_OK(f, ST_DONE, ob, .seq = i, .at_ms = 1, .text = "ok");
    ST_OK(f, ST_PRUNE, ob, .at_ms = 100 * DAY);
    assert_int_equal(st_stats(f, ob).done, 0);
    assert_int_equal(put(f, ob, "k", "after pruning", 1), 21);
    mlc_outbox_close(ob);
}

static void test_streams_count_for_themselves(void **state)
{
    st_fix *const f = *state;
    mlc_outbox *const a = st_stream(f, &(mlc_stream_spec){.name = "a"});
    mlc_outbox *const b = st_stream(f, &(mlc_stream_spec){.name = "b"});
    mlc_outbox *const same = st_stream(f, &(mlc_stream_spec){.name = "a"});
    assert_int_equal(put(f, a, "k", "i", 1), 1);
    assert_int_equal(put(f, b, "k", "i", 1), 1);
    assert_int_equal(put(f, a, "k", "j", 1), 2);
    assert_int_equal(put(f, same, "k", "i", 1), 1);
    assert_int_equal(st_stats(f, a).ready, 2);
    assert_int_equal(st_stats(f, b).ready, 1);
    ST_OK(f, ST_DONE, a, .seq = 1, .at_ms = 1, .text = "ok");
    st_state_is(f, b, 1, MLC_ENTRY_READY, "");
    ST_DUE_ARE(f, b, 10, 1, );
    mlc_outbox_close(a);
    mlc_outbox_close(b);
    mlc_outbox_close(same);
}

static void test_known_key_stores_nothing(void **state)
{
    st_fix *const f = *state;
    st_entry got;
    mlc_outbox *const ob = st_stream(f, &(mlc_stream_spec){.name = "s"});
    st_op op = {.kind = ST_PUT, .ob = ob, .key = "a", .idem = "i", .text = "first", .at_ms = 1};
    st_ok(f, &op);
    assert_false(op.duplicate);
    const mlc_outbox_stats before = st_stats(f, ob);
    op = (st_op){.kind = ST_PUT, .ob = ob, .key = "b", .idem = "i", .text = "second", .at_ms = 2};
    st_ok(f, &op);
    assert_true(op.duplicate);
    assert_int_equal(op.seq, 1);
    const mlc_outbox_stats after = st_stats(f, ob);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(st_get(f, ob, 1, &got), MLC_OK);
    assert_string_equal(got.payload, "first");
    assert_int_equal(st_find(f, ob, "i"), 1);
    assert_int_equal(st_find(f, ob, "j"), 0);
    /* also of a done entry, until that is pruned */
    ST_OK(f, ST_DONE, ob, .seq = 1, .at_ms = 5, .text = "ok");
    assert_int_equal(put(f, ob, "a", "i", 6), 1);
    ST_OK(f, ST_PRUNE, ob, .at_ms = 100 * DAY);
    assert_int_equal(put(f, ob, "a", "i", 7), 2);
    mlc_outbox_close(ob);
}

static void test_names_and_texts_have_limits(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    char text[1100];
    mlc_outbox *ob = NULL;
    const mlc_stream_spec long_name = {.name = "a-name-that-is-longer-than-32-chars"};
    assert_int_equal(mlc_outbox_open(&ob, f->store, &long_name, &err), MLC_E_INVALID);
    ob = st_stream(f, &(mlc_stream_spec){.name = "a-name-that-has-32-characters-ok"});
    memset(text, 'x', sizeof text);
    text[1025] = '\0';
    assert_int_equal(ST_CODE(f, ST_PUT, ob, .key = "k", .idem = text), MLC_E_INVALID);
    assert_int_equal(ST_CODE(f, ST_PUT, ob, .key = "k", .idem = ""), MLC_E_INVALID);
    text[1024] = '\0';
    assert_int_equal(ST_CODE(f, ST_PUT, ob, .key = text, .idem = text), MLC_OK);
    assert_int_equal(st_find(f, ob, text), 1);
    /* what the other system said is cut, not refused */
    text[1024] = 'x';
    text[sizeof text - 1] = '\0';
    ST_OK(f, ST_PARK, ob, .seq = 1, .at_ms = 1, .text = text);
    ST_OK(f, ST_DISMISS, ob, .seq = 1, .at_ms = 1, .text = text);
    mlc_outbox_close(ob);
}

static void test_full_by_entries(void **state)
{
    st_fix *const f = *state;
    mlc_outbox *const ob = st_stream(f, &(mlc_stream_spec){.name = "s", .max_entries = 3});
    put(f, ob, "a", "1", 1);
    put(f, ob, "b", "2", 1);
    put(f, ob, "c", "3", 1);
    ST_OK(f, ST_BEGIN, ob, .seq = 1, .at_ms = 1);
    ST_OK(f, ST_PARK, ob, .seq = 2, .at_ms = 1, .text = "x");
    const mlc_outbox_stats before = st_stats(f, ob);
    assert_int_equal(ST_CODE(f, ST_PUT, ob, .key = "d", .idem = "4"), MLC_E_FULL);
    const mlc_outbox_stats after = st_stats(f, ob);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(st_find(f, ob, "4"), 0);
    assert_int_equal(put(f, ob, "a", "1", 1), 1); /* a known one needs no room */
    ST_OK(f, ST_DONE, ob, .seq = 1, .at_ms = 2, .text = "ok");
    assert_int_equal(put(f, ob, "d", "4", 1), 4);
    mlc_outbox_close(ob);
}

static void test_full_by_bytes(void **state)
{
    st_fix *const f = *state;
    static const char kilobyte[1024] = {'x'};
    mlc_outbox *const ob = st_stream(f, &(mlc_stream_spec){.name = "s", .max_bytes = 2500});
    ST_OK(f, ST_PUT, ob, .key = "a", .idem = "1", .text = kilobyte, .len = sizeof kilobyte);
    ST_OK(f, ST_PUT, ob, .key = "a", .idem = "2", .text = kilobyte, .len = sizeof kilobyte);
    assert_int_equal(
        ST_CODE(f, ST_PUT, ob, .key = "a", .idem = "3", .text = kilobyte, .len = sizeof kilobyte),
        MLC_E_FULL);
    /* a small one fits still */
    assert_int_equal(ST_CODE(f, ST_PUT, ob, .key = "a", .idem = "4"), MLC_OK);
    assert_true(st_stats(f, ob).live_bytes <= 2500);
    ST_OK(f, ST_DONE, ob, .seq = 1, .at_ms = 2, .text = "ok");
    ST_OK(f, ST_PUT, ob, .key = "a", .idem = "3", .text = kilobyte, .len = sizeof kilobyte);
    for (uint64_t seq = 1; seq <= 4; seq++)
        ST_OK(f, ST_DONE, ob, .seq = seq, .at_ms = 3, .text = "a text that came later");
    assert_int_equal(st_stats(f, ob).live_bytes, 0);
    mlc_outbox_close(ob);
}

/* Nobody may go on as if it had been stored: also a job that catches the refusal stores the rest only. */
static mlc_code put_until_full(mlc_txn *txn, void *arg, mlc_error *err)
{
    st_op *const ops = arg;
    for (size_t i = 0; i < 4; i++)
        ops[i].code = st_apply(txn, &ops[i], err);
    return MLC_OK;
}

static void test_refusal_that_a_job_survives_stores_nothing(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    mlc_outbox *const ob = st_stream(f, &(mlc_stream_spec){.name = "s", .max_entries = 2});
    st_op ops[4] = {{.kind = ST_PUT, .ob = ob, .key = "a", .idem = "1"},
                    {.kind = ST_PUT, .ob = ob, .key = "b", .idem = "2"},
                    {.kind = ST_PUT, .ob = ob, .key = "c", .idem = "3"},
                    {.kind = ST_DONE, .ob = ob, .seq = 1, .text = "ok"}};
    st_check(mlc_store_run(f->store, put_until_full, ops, &err), &err);
    assert_int_equal(ops[1].code, MLC_OK);
    assert_int_equal(ops[2].code, MLC_E_FULL);
    assert_int_equal(st_stats(f, ob).next_seq, 3);
    assert_int_equal(st_find(f, ob, "3"), 0);
    ST_DUE_ARE(f, ob, 10, 2, );
    assert_int_equal(put(f, ob, "c", "3", 1), 3);
    mlc_outbox_close(ob);
}

static uint64_t prune(st_fix *f, mlc_outbox *ob, int64_t now_ms)
{
    st_op op = {.kind = ST_PRUNE, .ob = ob, .at_ms = now_ms};
    st_ok(f, &op);
    return op.count;
}

static void test_prune_by_age(void **state)
{
    st_fix *const f = *state;
    st_entry got;
    mlc_outbox *const ob = st_stream(f, &(mlc_stream_spec){.name = "s", .keep_done_ms = 1000});
    put(f, ob, "a", "1", 1);
    put(f, ob, "b", "2", 1);
    put(f, ob, "c", "3", 1);
    put(f, ob, "d", "4", 1);
    ST_OK(f, ST_DONE, ob, .seq = 2, .at_ms = 5000, .text = "ok");
    ST_OK(f, ST_DONE, ob, .seq = 1, .at_ms = 6000, .text = "ok");
    ST_OK(f, ST_PARK, ob, .seq = 3, .at_ms = 1, .text = "x");
    assert_int_equal(prune(f, ob, 5999), 0);
    assert_int_equal(prune(f, ob, 6000), 1);
    assert_int_equal(st_get(f, ob, 2, &got), MLC_E_NOTFOUND);
    assert_int_equal(st_get(f, ob, 1, &got), MLC_OK);
    assert_int_equal(prune(f, ob, 1000 * DAY), 1);
    /* live ones, parked ones above all, stay for ever */
    st_state_is(f, ob, 3, MLC_ENTRY_PARKED, "");
    st_state_is(f, ob, 4, MLC_ENTRY_READY, "");
    assert_int_equal(st_stats(f, ob).done, 0);
    mlc_outbox_close(ob);
}

static void test_prune_by_count(void **state)
{
    st_fix *const f = *state;
    char idem[16];
    st_entry got;
    mlc_outbox *ob = st_stream(f, &(mlc_stream_spec){.name = "s", .keep_done_count = 4});
    for (uint64_t i = 1; i <= 10; i++) {
        (void)snprintf(idem, sizeof idem, "i-%u", (unsigned)i);
        put(f, ob, idem, idem, 1);
        if (i == 5)
            ST_OK(f, ST_PARK, ob, .seq = i, .at_ms = 1, .text = "x");
        else
            ST_OK(f, ST_DONE, ob, .seq = i, .at_ms = (int64_t)i, .text = "ok");
    }
    assert_int_equal(prune(f, ob, 20), 5);
    assert_int_equal(st_stats(f, ob).done, 4);
    assert_int_equal(prune(f, ob, 20), 0);
    assert_int_equal(st_get(f, ob, 6, &got), MLC_E_NOTFOUND);
    assert_int_equal(st_get(f, ob, 7, &got), MLC_OK);
    assert_int_equal(st_find(f, ob, "i-6"), 0);
    assert_int_equal(st_find(f, ob, "i-7"), 7);
    st_state_is(f, ob, 5, MLC_ENTRY_PARKED, "");
    mlc_outbox_close(ob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sequences_are_gapless_whatever_fails_between, st_setup,
                                        st_teardown),
        cmocka_unit_test_setup_teardown(test_streams_count_for_themselves, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_known_key_stores_nothing, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_names_and_texts_have_limits, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_full_by_entries, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_full_by_bytes, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_refusal_that_a_job_survives_stores_nothing, st_setup,
                                        st_teardown),
        cmocka_unit_test_setup_teardown(test_prune_by_age, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_prune_by_count, st_setup, st_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
