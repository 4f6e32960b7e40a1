/* test_audit.c - the chain of the audit log: appending, and that every alteration is found (audit.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/audit.h"
#include "store/store_private.h"
#include "support/store_test.h"

enum { EVENTS = 5 };

static mlc_code append_events(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_code code = MLC_OK;
    (void)arg;
    for (uint64_t i = 1; code == MLC_OK && i <= EVENTS; i++) {
        uint64_t index = 0;
        const mlc_audit_event event = {.at_ms = 1000,
                                       .actor = "operator:jane",
                                       .action = "released",
                                       .key = "quote \" and line\n",
                                       .outcome = "ok",
                                       .seq = i};
        code = mlc_audit_append(txn, &event, &index, err);
        assert_int_equal(index, i);
    }
    return code;
}

static int setup(void **state)
{
    mlc_error err;
    st_fix *const f = calloc(1, sizeof *f);
    *state = f;
    st_init(f);
    st_check(mlc_store_run(f->store, append_events, NULL, &err), &err);
    return 0;
}

static int teardown(void **state)
{
    st_end(*state);
    free(*state);
    return 0;
}

typedef struct verdict {
    uint64_t count;
} verdict;

static mlc_code verify(mlc_txn *txn, void *arg, mlc_error *err)
{
    return mlc_audit_verify(txn, NULL, &((verdict *)arg)->count, err);
}

typedef struct seen {
    uint64_t from;
    size_t max, count;
    char first[512];
} seen;

static bool see(const mlc_audit_item *item, void *arg)
{
    seen *const s = arg;
    assert_int_equal(item->index, s->from + s->count);
    assert_null(item->personal);
    if (s->count++ == 0)
        (void)snprintf(s->first, sizeof s->first, "%s", item->event);
    return true;
}

static mlc_code scan(mlc_txn *txn, void *arg, mlc_error *err)
{
    seen *const s = arg;
    s->count = 0;
    return mlc_audit_scan(txn, s->from, s->max, see, s, err);
}

static void test_chain_is_whole_and_goes_on_after_reopening(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    verdict v = {0};
    seen s = {.from = 2, .max = 3};
    st_check(mlc_store_read(f->store, verify, &v, &err), &err);
    assert_int_equal(v.count, EVENTS);
    st_check(mlc_store_read(f->store, scan, &s, &err), &err);
    assert_int_equal(s.count, 3);
    assert_non_null(strstr(s.first, "\"index\":2"));
    assert_non_null(strstr(s.first, "\"actor\":\"operator:jane\""));
    assert_non_null(strstr(s.first, "quote \\\" and line\\n"));
    assert_null(strstr(s.first, "tenant"));
    st_close(f);
    st_open(f);
    st_check(mlc_store_read(f->store, verify, &v, &err), &err);
    assert_int_equal(v.count, EVENTS);
}

static void test_empty_chain_is_whole(void **state)
{
    st_fix f;
    mlc_error err;
    verdict v = {.count = 7};
    (void)state;
    st_init(&f);
    st_check(mlc_store_read(f.store, verify, &v, &err), &err);
    assert_int_equal(v.count, 0);
    st_end(&f);
}

static mlc_code append_and_fail(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_code code = append_events(txn, arg, err);
    return code == MLC_OK ? mlc_fail(err, MLC_E_REJECTED, "no") : code;
}

static mlc_code append_one(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_audit_event event = {.action = "sent"};
    return mlc_audit_append(txn, &event, arg, err);
}

static void test_failed_job_leaves_no_trace(void **state)
{
    st_fix f;
    mlc_error err;
    uint64_t index = 0;
    (void)state;
    st_init(&f);
    assert_int_equal(mlc_store_run(f.store, append_and_fail, NULL, &err), MLC_E_REJECTED);
    st_check(mlc_store_run(f.store, append_one, &index, &err), &err);
    assert_int_equal(index, 1);
    st_end(&f);
}

/* ---- alterations, by one who can write into the file ---- */

typedef struct change {
    uint64_t index;
    size_t at;          /* byte to change */
    uint64_t take_from; /* 0: change; otherwise the row of this index is put in its place */
    bool remove;
} change;

static mlc_code alter(mlc_txn *txn, void *arg, mlc_error *err)
{
    const change *const c = arg;
    uint8_t key[8];
    uint8_t other[8];
    uint8_t row[1024];
    MDB_val value;
    store_be64(key, c->index);
    store_be64(other, c->take_from != 0 ? c->take_from : c->index);
    if (c->remove)
        return store_del(txn, DB_AUDIT, key, sizeof key, err);
    const mlc_code code = store_get(txn, DB_AUDIT, other, sizeof other, &value, err);
    if (code != MLC_OK)
        return code;
    assert_in_range(value.mv_size, c->at + 1, sizeof row);
    memcpy(row, value.mv_data, value.mv_size);
    if (c->take_from == 0)
        row[c->at] ^= 1;
    return store_put(txn, DB_AUDIT, key, sizeof key, row, value.mv_size, err);
}

static void check_found(st_fix *f, change c, const char *index)
{
    mlc_error err;
    verdict v;
    st_check(mlc_store_run(f->store, alter, &c, &err), &err);
    assert_int_equal(mlc_store_read(f->store, verify, &v, &err), MLC_E_CORRUPT);
    assert_non_null(strstr(err.message, index));
}

static void test_changed_text_is_found(void **state)
{
    check_found(*state, (change){.index = 3, .at = 32 + 12}, "entry 3");
}

static void test_changed_hash_is_found(void **state)
{
    check_found(*state, (change){.index = 2, .at = 0}, "entry 2");
}

static void test_last_entry_is_covered(void **state)
{
    check_found(*state, (change){.index = EVENTS, .at = 32 + 12}, "entry 5");
}

static void test_copied_entry_is_found(void **state)
{
    check_found(*state, (change){.index = 4, .take_from = 2}, "entry 4");
}

static void test_removed_entry_is_found(void **state)
{
    check_found(*state, (change){.index = 3, .remove = true}, "entry 3");
}

static void test_removed_beginning_is_found(void **state)
{
    check_found(*state, (change){.index = 1, .remove = true}, "entry 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_chain_is_whole_and_goes_on_after_reopening, setup, teardown),
        cmocka_unit_test(test_empty_chain_is_whole),
        cmocka_unit_test(test_failed_job_leaves_no_trace),
        cmocka_unit_test_setup_teardown(test_changed_text_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_hash_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_last_entry_is_covered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copied_entry_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed_entry_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(test_removed_beginning_is_found, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
