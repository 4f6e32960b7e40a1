/* test_inbox_cursor.c - what was received is known (inbox.h); positions and fingerprints (cursor.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/cursor.h"
#include "store/inbox.h"
#include "support/store_test.h"

static void run(st_fix *f, mlc_job_fn job, void *arg)
{
    mlc_error err;
    st_check(mlc_store_run(f->store, job, arg, &err), &err);
}

/* ---- inbox: a receiver as inbox.h describes it ---- */

typedef struct receipt {
    mlc_outbox *ob;
    const char *source, *idem, *answer;
    bool known;
    char given[64]; /* the answer given back */
} receipt;

static mlc_code receive(mlc_txn *txn, void *arg, mlc_error *err)
{
    receipt *const r = arg;
    const void *answer = NULL;
    size_t len = 0;
    mlc_code code = mlc_inbox_get(txn, r->source, r->idem, &answer, &len, err);
    r->known = code == MLC_OK;
    if (code == MLC_OK) {
        (void)snprintf(r->given, sizeof r->given, "%.*s", (int)len, (const char *)answer);
        return MLC_OK;
    }
    if (code != MLC_E_NOTFOUND)
        return code;
    st_op effect = {.kind = ST_PUT, .ob = r->ob, .key = "k", .idem = r->idem};
    code = st_apply(txn, &effect, err);
    if (code == MLC_OK)
        code = mlc_inbox_put(txn, r->source, r->idem, r->answer, strlen(r->answer), 1000, err);
    (void)snprintf(r->given, sizeof r->given, "%s", r->answer);
    return code;
}

static void test_received_twice_has_one_effect_and_one_answer(void **state)
{
    st_fix *const f = *state;
    mlc_outbox *const ob = st_stream(f, &(mlc_stream_spec){.name = "intake"});
    receipt first = {.ob = ob, .source = "webhook", .idem = "m-1", .answer = "accepted as 1"};
    receipt again = {.ob = ob, .source = "webhook", .idem = "m-1", .answer = "accepted as 2"};
    run(f, receive, &first);
    assert_false(first.known);
    run(f, receive, &again);
    assert_true(again.known);
    assert_string_equal(again.given, "accepted as 1");
    assert_int_equal(st_stats(f, ob).next_seq, 2);
    mlc_outbox_close(ob);
}

static mlc_code put_twice(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_code code = mlc_inbox_put(txn, arg, "m", "", 0, 5, err);
    return code == MLC_OK ? mlc_inbox_put(txn, arg, "m", "", 0, 6, err) : code;
}

static mlc_code put_keys(mlc_txn *txn, void *arg, mlc_error *err)
{
    char idem[1025];
    (void)arg;
    memset(idem, 'x', sizeof idem - 1);
    idem[1024] = '\0';
    mlc_code code = mlc_inbox_put(txn, "up", idem, "long", 4, 10, err);
    idem[1023] = 'y';
    if (code == MLC_OK)
        code = mlc_inbox_put(txn, "up", idem, "", 0, 20, err);
    if (code == MLC_OK)
        code = mlc_inbox_put(txn, "webhook", idem, "w", 1, 30, err);
    /* what lies between source and key belongs to neither */
    if (code == MLC_OK)
        code = mlc_inbox_put(txn, "a", "bc", "1", 1, 40, err);
    return code == MLC_OK ? mlc_inbox_put(txn, "ab", "c", "2", 1, 50, err) : code;
}

static void test_keys_belong_to_their_source(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    char source[] = "up";
    run(f, put_keys, NULL);
    assert_int_equal(mlc_store_run(f->store, put_twice, source, &err), MLC_E_EXISTS);
}

typedef struct pruning {
    int64_t before_ms;
    size_t max, pruned;
} pruning;

static mlc_code prune(mlc_txn *txn, void *arg, mlc_error *err)
{
    pruning *const p = arg;
    return mlc_inbox_prune(txn, p->before_ms, p->max, &p->pruned, err);
}

static mlc_code is_known(mlc_txn *txn, void *arg, mlc_error *err)
{
    const void *answer = NULL;
    size_t len = 0;
    const char *const *const names = arg;
    return mlc_inbox_get(txn, names[0], names[1], &answer, &len, err);
}

static void test_prune_forgets_the_oldest(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    const char *older[] = {"a", "bc"};
    const char *newer[] = {"ab", "c"};
    pruning p = {.before_ms = 50, .max = 3};
    run(f, put_keys, NULL);
    run(f, prune, &p);
    assert_int_equal(p.pruned, 3);
    assert_int_equal(mlc_store_read(f->store, is_known, older, &err), MLC_OK);
    run(f, prune, &p);
    assert_int_equal(p.pruned, 1); /* not the one of 50 */
    assert_int_equal(mlc_store_read(f->store, is_known, older, &err), MLC_E_NOTFOUND);
    assert_int_equal(mlc_store_read(f->store, is_known, newer, &err), MLC_OK);
    run(f, prune, &p);
    assert_int_equal(p.pruned, 0);
}

/* ---- cursors ---- */

typedef struct cursors {
    char found[8][64];
    size_t count;
} cursors;

static mlc_code put_cursors(mlc_txn *txn, void *arg, mlc_error *err)
{
    static const char *const names[] = {"poll/F0101", "poll/F4201", "pol", "link/up", "poll/F0101"};
    mlc_code code = MLC_OK;
    (void)arg;
    for (size_t i = 0; code == MLC_OK && i < sizeof names / sizeof names[0]; i++)
        code = mlc_cursor_put(txn, names[i], &"0123456789"[i], 1, err);
    return code;
}

static bool note(const char *name, const void *value, size_t len, void *arg)
{
    cursors *const c = arg;
    (void)snprintf(c->found[c->count++], sizeof c->found[0], "%s=%.*s", name, (int)len, (const char *)value);
    return c->count < 8;
}

static mlc_code scan_poll(mlc_txn *txn, void *arg, mlc_error *err)
{
    ((cursors *)arg)->count = 0;
    return mlc_cursor_scan(txn, "poll/", note, arg, err);
}

static mlc_code scan_all(mlc_txn *txn, void *arg, mlc_error *err)
{
    ((cursors *)arg)->count = 0;
    return mlc_cursor_scan(txn, "", note, arg, err);
}

static mlc_code delete_one(mlc_txn *txn, void *arg, mlc_error *err)
{
    return mlc_cursor_delete(txn, arg, err);
}

static void test_cursors_are_found_by_their_prefix(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    cursors c = {.count = 0};
    char name[] = "poll/F0101";
    run(f, put_cursors, NULL);
    st_check(mlc_store_read(f->store, scan_poll, &c, &err), &err);
    assert_int_equal(c.count, 2);
    assert_string_equal(c.found[0], "poll/F0101=4");
    assert_string_equal(c.found[1], "poll/F4201=1");
    st_check(mlc_store_read(f->store, scan_all, &c, &err), &err);
    assert_int_equal(c.count, 4);
    run(f, delete_one, name);
    assert_int_equal(mlc_store_run(f->store, delete_one, name, &err), MLC_E_NOTFOUND);
    st_check(mlc_store_read(f->store, scan_poll, &c, &err), &err);
    assert_int_equal(c.count, 1);
}

typedef struct sized {
    size_t name_len, value_len;
} sized;

static mlc_code put_sized(mlc_txn *txn, void *arg, mlc_error *err)
{
    const sized *const s = arg;
    static const char value[64 * 1024 + 1];
    char name[300];
    memset(name, 'n', sizeof name);
    name[s->name_len] = '\0';
    return mlc_cursor_put(txn, name, value, s->value_len, err);
}

static void test_cursors_have_limits(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    run(f, put_sized, &(sized){200, (size_t)64 * 1024});
    assert_int_equal(mlc_store_run(f->store, put_sized, &(sized){201, 1}, &err), MLC_E_INVALID);
    assert_int_equal(mlc_store_run(f->store, put_sized, &(sized){0, 1}, &err), MLC_E_INVALID);
    assert_int_equal(mlc_store_run(f->store, put_sized, &(sized){5, (size_t)64 * 1024 + 1}, &err),
                     MLC_E_INVALID);
}

/* ---- fingerprints ---- */

static mlc_code swap_prints(mlc_txn *txn, void *arg, mlc_error *err)
{
    static const uint8_t one[MLC_FINGERPRINT_LEN] = {1};
    static const uint8_t two[MLC_FINGERPRINT_LEN] = {2};
    bool *const changed = arg;
    bool known = true;
    bool same = true;
    mlc_code code = mlc_fingerprint_check(txn, "F0101", "6001", one, &known, &same, err);
    changed[0] = known || same;
    if (code == MLC_OK)
        code = mlc_fingerprint_swap(txn, "F0101", "6001", one, &changed[1], err);
    if (code == MLC_OK)
        code = mlc_fingerprint_swap(txn, "F0101", "6001", one, &changed[2], err);
    if (code == MLC_OK)
        code = mlc_fingerprint_swap(txn, "F0101", "6001", two, &changed[3], err);
    if (code == MLC_OK)
        code = mlc_fingerprint_swap(txn, "F4201", "6001", two, &changed[4], err);
    if (code == MLC_OK)
        code = mlc_fingerprint_check(txn, "F0101", "6001", one, &known, &same, err);
    changed[5] = known && !same;
    if (code == MLC_OK)
        code = mlc_fingerprint_delete(txn, "F0101", "6001", err);
    if (code == MLC_OK)
        code = mlc_fingerprint_swap(txn, "F0101", "6001", two, &changed[6], err);
    return code;
}

static void test_fingerprint_tells_a_change(void **state)
{
    st_fix *const f = *state;
    static const bool wanted[7] = {false, true, false, true, true, true, true};
    bool changed[7];
    run(f, swap_prints, changed);
    assert_memory_equal(changed, wanted, sizeof wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_received_twice_has_one_effect_and_one_answer, st_setup,
                                        st_teardown),
        cmocka_unit_test_setup_teardown(test_keys_belong_to_their_source, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_prune_forgets_the_oldest, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_cursors_are_found_by_their_prefix, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_cursors_have_limits, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_fingerprint_tells_a_change, st_setup, st_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
