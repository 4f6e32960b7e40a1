/* test_crossref.c - links between records of two systems: both sides, what is known of them, rivals, sweeping (crossref.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/crossref.h"
#include "support/store_test.h"

#define CUSTOMER "JDE/F0101/6001"
#define ACCOUNT  "Dynamics/accounts/1a2b"

typedef struct put_arg {
    const char *a, *b;
    const uint8_t *hash;
    int64_t now_ms;
} put_arg;

static mlc_code put_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const put_arg *const p = arg;
    return mlc_crossref_put(txn, p->a, p->b, p->hash, p->now_ms, err);
}

static void put(st_fix *f, const char *a, const char *b, const uint8_t *hash, int64_t now_ms)
{
    mlc_error err;
    put_arg p = {a, b, hash, now_ms};
    st_check(mlc_store_run(f->store, put_job, &p, &err), &err);
}

typedef struct found {
    const char *id;
    size_t count;
    char others[200];
    int64_t written_ms, seen_ms;
    uint8_t first_byte;
    bool hashed;
} found;

static bool see(const mlc_crossref *link, void *arg)
{
    found *const f = arg;
    f->count++;
    (void)snprintf(f->others + strlen(f->others), sizeof f->others - strlen(f->others), "%s;", link->other);
    f->written_ms = link->written_ms;
    f->seen_ms = link->seen_ms;
    f->hashed = link->hash != NULL;
    f->first_byte = link->hash != NULL ? link->hash[0] : 0;
    return true;
}

static mlc_code find_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    found *const f = arg;
    return mlc_crossref_find(txn, f->id, see, f, err);
}

static found find(st_fix *f, const char *id)
{
    mlc_error err;
    found out = {.id = id};
    st_check(mlc_store_read(f->store, find_job, &out, &err), &err);
    return out;
}

static void test_link_is_found_from_both_sides(void **state)
{
    st_fix *const f = *state;
    const uint8_t hash[MLC_CROSSREF_HASH_LEN] = {7};
    put(f, CUSTOMER, ACCOUNT, hash, 1000);
    put(f, CUSTOMER, "Dynamics/contacts/9", NULL, 1000);
    st_close(f);
    st_open(f);
    found got = find(f, ACCOUNT);
    assert_string_equal(got.others, CUSTOMER ";");
    assert_false(got.hashed); /* nothing was written to JDE */
    assert_int_equal(got.written_ms, 0);
    got = find(f, CUSTOMER);
    assert_int_equal(got.count, 2);
    assert_int_equal(find(f, "JDE/F0101/600").count, 0);
}

static void test_link_that_is_only_seen_keeps_what_is_known(void **state)
{
    st_fix *const f = *state;
    const uint8_t hash[MLC_CROSSREF_HASH_LEN] = {7};
    put(f, CUSTOMER, ACCOUNT, hash, 1000);
    put(f, CUSTOMER, ACCOUNT, NULL, 2000);
    const found got = find(f, CUSTOMER);
    assert_int_equal(got.count, 1);
    assert_true(got.hashed);
    assert_int_equal(got.first_byte, 7);
    assert_int_equal(got.written_ms, 1000);
    assert_int_equal(got.seen_ms, 2000);
}

static void test_new_counterpart_takes_the_place_of_the_old(void **state)
{
    st_fix *const f = *state;
    put(f, CUSTOMER, ACCOUNT, NULL, 1);
    put(f, CUSTOMER, "Dynamics/contacts/9", NULL, 1);
    put(f, CUSTOMER, "Dynamics/accounts/new", NULL, 2);
    assert_int_equal(find(f, CUSTOMER).count, 2);
    assert_int_equal(find(f, ACCOUNT).count, 0);
    put(f, "JDE/F0101/6002", "Dynamics/accounts/new", NULL, 3); /* and from the other side */
    assert_string_equal(find(f, CUSTOMER).others, "Dynamics/contacts/9;");
    assert_string_equal(find(f, "Dynamics/accounts/new").others, "JDE/F0101/6002;");
}

static void test_names_are_checked(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    char longer[MLC_CROSSREF_ID_MAX + 2];
    static const char *const bad[] = {"", "JDE", "JDE/F0101", "JDE/F0101/", "JDE//1", "/F0101/1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put_arg p = {bad[i], ACCOUNT, NULL, 1};
        assert_int_equal(mlc_store_run(f->store, put_job, &p, &err), MLC_E_INVALID);
        assert_non_null(strstr(err.message, "SYSTEM/TABLE/ID"));
        p = (put_arg){ACCOUNT, bad[i], NULL, 1};
        assert_int_equal(mlc_store_run(f->store, put_job, &p, &err), MLC_E_INVALID);
    }
    memset(longer, 'a', sizeof longer);
    memcpy(longer, "J/F/", 4);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(mlc_crossref_check(longer, &err), MLC_E_INVALID);
    longer[sizeof longer - 2] = '\0';
    assert_int_equal(mlc_crossref_check(longer, &err), MLC_OK);
    put(f, longer, ACCOUNT, NULL, 1);
    assert_int_equal(find(f, longer).count, 1);
    assert_int_equal(mlc_crossref_check("JDE/F4201/1234 SO 00001", &err), MLC_OK);
    assert_int_equal(mlc_crossref_check("JDE/F4106/30/ABC/USD", &err), MLC_OK);
}

static mlc_code sweep_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    return mlc_crossref_sweep_run(txn, arg, err);
}

static void test_sweep_forgets_what_was_not_seen(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    char a[40];
    char b[40];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(a, sizeof a, "JDE/F0101/%d", i);
        (void)snprintf(b, sizeof b, "Dynamics/accounts/%d", i);
        put(f, a, b, NULL, i % 2 == 0 ? 1000 : 2000);
    }
    put(f, "JDE/F4201/1", "Dynamics/salesorders/1", NULL, 1000);
    mlc_crossref_sweep sweep = {.prefix = "Dynamics/accounts/", .before_ms = 2000, .max = 7};
    for (int jobs = 0; !sweep.over; jobs++) {
        assert_true(jobs < 100);
        st_check(mlc_store_run(f->store, sweep_job, &sweep, &err), &err);
    }
    assert_int_equal(sweep.forgotten, 50);
    assert_int_equal(find(f, "JDE/F0101/10").count, 0);
    assert_int_equal(find(f, "Dynamics/accounts/10").count, 0);
    assert_int_equal(find(f, "JDE/F0101/11").count, 1);
    assert_int_equal(find(f, "JDE/F4201/1").count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_link_is_found_from_both_sides, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_link_that_is_only_seen_keeps_what_is_known, st_setup,
                                        st_teardown),
        cmocka_unit_test_setup_teardown(test_new_counterpart_takes_the_place_of_the_old, st_setup,
                                        st_teardown),
        cmocka_unit_test_setup_teardown(test_names_are_checked, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(test_sweep_forgets_what_was_not_seen, st_setup, st_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
