/* test_review.c - the review queue: choosing among parked entries, taking records again from their source, and that no
 * decision is carried out twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/mlctl_test.h"

enum { HOUR = 3600 * 1000, TWO_HOURS = 2 * HOUR, RACERS = 8 };

static void is_state(admin_fix *f, mlc_outbox *stream, uint64_t seq, mlc_entry_state state)
{
    assert_string_equal(mlc_entry_state_name(lst_get(&f->s, stream, seq).state), mlc_entry_state_name(state));
}

static void test_bulk_retry_chooses(void **state)
{
    admin_fix *const f = *state;
    const uint64_t old = admin_fix_park_as(f, f->jde, "order/1", "i1", MLC_E_REJECTED, TWO_HOURS);
    const uint64_t fresh = admin_fix_park_as(f, f->jde, "order/2", "i2", MLC_E_REJECTED, 0);
    const uint64_t other = admin_fix_park_as(f, f->jde, "order/3", "i3", MLC_E_INVALID, TWO_HOURS);
    expect(f, MLCTL_OK, "rejected  item is unknown", "mlctl parked");
    expect(f, MLCTL_OK, "0 entries are to be delivered again", "mlctl retry agent jde --all --kind customer");
    expect(f, MLCTL_OK, "0 entries are to be delivered again", "mlctl retry agent jde --all --code denied");
    expect(f, MLCTL_OK, "1 entries are to be delivered again",
           "mlctl retry agent jde --all --kind order --code rejected --older 1h");
    is_state(f, f->jde, old, MLC_ENTRY_READY);
    is_state(f, f->jde, fresh, MLC_ENTRY_PARKED);
    is_state(f, f->jde, other, MLC_ENTRY_PARKED);
    expect(f, MLCTL_OK, "2 entries are to be delivered again", "mlctl retry agent jde --all --kind order");
    expect(f, MLCTL_FAILED, "code: must be the code of an error",
           "mlctl retry agent jde --all --code broken");
    expect(f, MLCTL_USAGE, "choose among --all", "mlctl retry agent jde 1 --kind order");
}

static void test_filter_looks_at_all_entries(void **state)
{
    admin_fix *const f = *state;
    char key[24];
    for (int i = 0; i < 450; i++) {
        (void)snprintf(key, sizeof key, "order/%d", i);
        (void)admin_fix_park_as(f, f->jde, key, key, i % 3 == 0 ? MLC_E_REJECTED : MLC_E_INVALID, 0);
    }
    expect(f, MLCTL_OK, "150 entries are to be delivered again",
           "mlctl retry agent jde --all --code rejected");
    expect(f, MLCTL_OK, "300 entries are to be delivered again",
           "mlctl retry agent jde --all --code invalid");
}

static void test_record_is_taken_again_from_its_source(void **state)
{
    admin_fix *const f = *state;
    const uint64_t seq = admin_fix_park(f, f->jde, "order/1", "i1");
    expect(f, MLCTL_OK, "1 records are to be taken again from their source",
           "mlctl retry agent jde 1 --refresh");
    is_state(f, f->jde, seq, MLC_ENTRY_DONE);
    assert_string_equal(lst_get(&f->s, f->jde, seq).outcome, "taken again from its source");
    assert_string_equal(lst_get(&f->s, f->up, 1).key, "refresh/order/1");
    assert_int_equal(f->refreshed, 1);
    assert_int_equal(f->released, 0);
    assert_int_equal(lst_audit_count(&f->s, "\"refreshed\"", "operator:jane"), 1);
    expect(f, MLCTL_FAILED, "only parked entries can be retried", "mlctl retry agent jde 1 --refresh");
    expect(f, MLCTL_FAILED, "only parked entries can be retried", "mlctl retry agent jde 1");
}

static void test_what_cannot_be_taken_again_stays(void **state)
{
    admin_fix *const f = *state;
    const uint64_t seq = admin_fix_park(f, f->up, "result/1", "i1");
    expect(f, MLCTL_FAILED, "correct it in JDE", "mlctl retry agent up 1 --refresh");
    is_state(f, f->up, seq, MLC_ENTRY_PARKED);
    assert_int_equal(lst_audit_count(&f->s, "refreshed", ""), 0);
}

/* What comes supersedes it; until then it is there to be seen, and may be asked for again. */
static void test_record_that_comes_later_stays_parked_until_then(void **state)
{
    admin_fix *const f = *state;
    const uint64_t seq = admin_fix_park(f, f->jde, "customer/1", "i1");
    expect(f, MLCTL_OK, "1 records are to be taken again from their source",
           "mlctl retry agent jde 1 --refresh");
    is_state(f, f->jde, seq, MLC_ENTRY_PARKED);
    assert_string_equal(lst_get(&f->s, f->up, 1).key, "refresh/customer/1");
    assert_int_equal(f->refreshed, 1);
    assert_int_equal(lst_audit_count(&f->s, "\"refreshed\"", "operator:jane"), 1);
    expect(f, MLCTL_OK, "1 records", "mlctl retry agent jde --all --refresh");
}

/* ---- two people, one entry ---- */

typedef struct race {
    ran racers[RACERS];
} race;

static void *racer(void *arg)
{
    run_in_thread(arg);
    return NULL;
}

static void run_race(void *arg)
{
    race *const r = arg;
    pthread_t threads[RACERS];
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, racer, &r->racers[i]), 0);
    for (size_t i = 0; i < RACERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

/* Retry, retry from the source and dismissal at once: one of them is carried out. */
static void test_one_of_many_decisions_is_carried_out(void **state)
{
    admin_fix *const f = *state;
    static const char *const lines[] = {"mlctl retry agent jde 1", "mlctl retry agent jde 1 --refresh",
                                        "mlctl dismiss agent jde 1 --reason no"};
    race r = {0};
    size_t good = 0;
    (void)admin_fix_park(f, f->jde, "order/1", "i1");
    for (size_t i = 0; i < RACERS; i++)
        r.racers[i] = (ran){.line = lines[i % 3], .socket = f->socket};
    admin_fix_meanwhile(f, run_race, &r);
    for (size_t i = 0; i < RACERS; i++) {
        good += r.racers[i].code == MLCTL_OK ? 1 : 0;
        free(r.racers[i].out);
        free(r.racers[i].err);
    }
    assert_int_equal(good, 1);
    assert_int_equal(lst_audit_count(&f->s, "operator:jane", ""), 1);
}

static mlc_code finish_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    admin_fix *const f = arg;
    const mlc_code code = mlc_outbox_begin(txn, f->jde, 1, 1, err);
    return code == MLC_OK ? mlc_outbox_done(txn, f->jde, 1, 2, "created 1234", err) : code;
}

static void test_no_retry_after_success(void **state)
{
    admin_fix *const f = *state;
    mlc_error err;
    (void)admin_fix_park(f, f->jde, "order/1", "i1");
    expect(f, MLCTL_OK, "entry 1 is to be delivered again", "mlctl retry agent jde 1");
    expect(f, MLCTL_FAILED, "entry 1 of stream jde is ready", "mlctl retry agent jde 1");
    lst_check(mlc_store_run(f->s.store, finish_job, f, &err), &err);
    expect(f, MLCTL_FAILED, "entry 1 of stream jde is done", "mlctl retry agent jde 1");
    expect(f, MLCTL_FAILED, "entry 1 of stream jde is done", "mlctl retry agent jde 1 --refresh");
    expect(f, MLCTL_OK, "0 entries are to be delivered again", "mlctl retry agent jde --all");
    assert_string_equal(lst_get(&f->s, f->jde, 1).outcome, "created 1234");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_bulk_retry_chooses, admin_fix_set_up, admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_filter_looks_at_all_entries, admin_fix_set_up,
                                        admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_record_is_taken_again_from_its_source, admin_fix_set_up,
                                        admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_taken_again_stays, admin_fix_set_up,
                                        admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_record_that_comes_later_stays_parked_until_then,
                                        admin_fix_set_up, admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_one_of_many_decisions_is_carried_out, admin_fix_set_up,
                                        admin_fix_tear_down),
        cmocka_unit_test_setup_teardown(test_no_retry_after_success, admin_fix_set_up, admin_fix_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
