/* test_flow_resend.c - records that are sent once more (flow_run.h, flow_resend.c): as JDE has them now, whatever was sent before;
 * what is gone; in portions; between two runs; and what is faulty stays parked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/flow_test.h"

#include <curl/curl.h>

typedef struct told {
    int calls;
    mlc_code code;
} told;

static void on_resent(void *user, mlc_code code, const mlc_error *err)
{
    told *const t = user;
    assert_non_null(err);
    t->calls++;
    t->code = code;
}

static bool is_told(void *arg)
{
    return ((told *)arg)->calls > 0;
}

static mlc_code resend(flow_fix *f, const mlc_resend_id *ids, size_t count)
{
    told t = {0};
    mlc_error err;
    lst_check(mlc_flow_run_resend(f->run, ids, count, on_resent, &t, &err), &err);
    assert_true(lst_run(&f->s, is_told, &t, LST_PATIENCE_MS));
    assert_int_equal(t.calls, 1);
    return t.code;
}

/* ---- tests ---- */

static void records_go_as_they_are_now_whatever_was_sent(void **state)
{
    flow_fix *const f = *state;
    const mlc_resend_id ids[] = {{"6001", true}, {"6002", true}};
    put_address(f, 6001, "C", "Acme", "2026-01-05");
    put_address(f, 6002, "C", "Bolt", "2026-01-05");
    put_address(f, 6003, "C", "Not asked for", "2026-01-05");
    open_run(f, "customers");
    run_once(f, MLC_FLOW_DONE);
    put_address(f, 6002, "C", "Bolt, renamed", "2026-01-05"); /* no stamp tells of it */
    assert_int_equal(resend(f, ids, 2), MLC_OK);
    expect_last(f, "customer/6001", 2, "\"ALPH\":\"Acme\"");
    expect_last(f, "customer/6002", 2, "\"ALPH\":\"Bolt, renamed\"");
    assert_int_equal(look_at(f, "customer/6003").count, 1);
    /* What went is what was sent: a run has nothing more to tell. */
    run_once(f, MLC_FLOW_DONE);
    assert_int_equal(look_at(f, "").all, 5);
}

static void what_is_gone_is_told_when_it_was_known_or_has_no_row(void **state)
{
    flow_fix *const f = *state;
    const mlc_resend_id ids[] = {{"6001", true}, {"6002", false}, {"6003", false}};
    put_address(f, 6001, "X", "Deselected, known at the other side", "2026-01-05");
    put_address(f, 6002, "X", "Deselected, known to nobody", "2026-01-05");
    open_run(f, "customers");
    assert_int_equal(resend(f, ids, 3), MLC_OK);
    expect_last(f, "customer/6001", 1, "\"gone\":true");
    assert_int_equal(look_at(f, "customer/6002").count, 0);
    expect_last(f, "customer/6003", 1, "\"gone\":true");
}

static void a_faulty_record_stays_parked_until_it_is_well(void **state)
{
    flow_fix *const f = *state;
    const mlc_resend_id id = {"6001", true};
    char today[MLC_ISO_TEXT_MAX];
    (void)day(0, today);
    put_address(f, 6001, "C", "Acme", "2026-01-05");
    open_run(f, "customers");
    run_once(f, MLC_FLOW_DONE);
    ais_put(&f->ais, "F03012", 2, "{\"AN8\":6001,\"CO\":\"00000\",\"UPMJ\":\"2026-99-99\",\"UPMT\":1}");
    put_address(f, 6001, "C", "Acme", today);
    run_once(f, MLC_FLOW_DONE);
    assert_int_equal(look_at(f, "customer/6001").state, MLC_ENTRY_PARKED);
    assert_int_equal(resend(f, &id, 1), MLC_OK);
    assert_int_equal(look_at(f, "customer/6001").count, 2);
    assert_int_equal(look_at(f, "customer/6001").state, MLC_ENTRY_PARKED);
    assert_int_equal(lst_stats_of(&f->s, f->up).parked, 1);
    cJSON_DeleteItemFromArray(ais_table(&f->ais, "F03012"), 0);
    assert_int_equal(resend(f, &id, 1), MLC_OK);
    assert_int_equal(look_at(f, "customer/6001").state, MLC_ENTRY_READY);
    assert_int_equal(lst_stats_of(&f->s, f->up).parked, 0);
}

static void many_records_go_in_portions(void **state)
{
    enum { MANY = 430 };
    flow_fix *const f = *state;
    static mlc_resend_id ids[MANY];
    for (int i = 0; i < MANY; i++) {
        put_address(f, 6001 + i, "C", "Acme", "2026-01-05");
        (void)snprintf(ids[i].id, sizeof ids[i].id, "%d", 6001 + i);
    }
    open_run(f, "customers");
    assert_int_equal(resend(f, ids, MANY), MLC_OK);
    assert_int_equal(look_at(f, "").all, MANY);
    assert_int_equal(look_at(f, "customer/6430").count, 1);
}

static void a_key_of_many_columns_is_found(void **state)
{
    flow_fix *const f = *state;
    const mlc_resend_id ids[] = {{"60001/30/0//USD/EA", true}, {"60001/30/0/GONE/USD/EA", true}};
    ais_put(&f->ais, "F4101", 1,
            "{\"ITM\":60001,\"LITM\":\"X\",\"STKT\":\"S\",\"UPMJ\":\"2026-01-01\",\"TDAY\":1}");
    put_price(f, "", "2020-01-01", "2090-01-01", "12.50", "2026-01-01");
    put_price(f, "OTHER", "2020-01-01", "2090-01-01", "99", "2026-01-01");
    open_run(f, "prices");
    assert_int_equal(resend(f, ids, 2), MLC_OK);
    expect_last(f, "price/60001/30/0//USD/EA", 1, "12.5");
    expect_last(f, "price/60001/30/0/GONE/USD/EA", 1, "\"gone\":true");
    assert_int_equal(look_at(f, "").all, 2);
}

static void it_waits_for_the_run_and_the_run_for_it(void **state)
{
    flow_fix *const f = *state;
    const mlc_resend_id id = {"6001", true};
    told first = {0};
    told second = {0};
    mlc_error err;
    put_address(f, 6001, "C", "Acme", "2026-01-05");
    open_run(f, "customers");
    mlc_flow_run_start(f->run);
    lst_check(mlc_flow_run_resend(f->run, &id, 1, on_resent, &first, &err), &err);
    assert_int_equal(mlc_flow_run_resend(f->run, &id, 1, on_resent, &second, &err), MLC_E_CONFLICT);
    assert_true(lst_run(&f->s, is_told, &first, LST_PATIENCE_MS));
    assert_int_equal(f->ends, 1);
    assert_int_equal(look_at(f, "customer/6001").count, 2);
    /* The other way round: the run begins after the records went. */
    first = (told){0};
    f->ends = 0;
    lst_check(mlc_flow_run_resend(f->run, &id, 1, on_resent, &first, &err), &err);
    mlc_flow_run_start(f->run);
    assert_true(lst_run(&f->s, has_ended, f, LST_PATIENCE_MS));
    assert_int_equal(first.calls, 1);
    assert_int_equal(first.code, MLC_OK);
    assert_int_equal(second.calls, 0);
    assert_int_equal(look_at(f, "customer/6001").count, 3);
}

static void a_failing_server_and_a_stop_are_told(void **state)
{
    flow_fix *const f = *state;
    const mlc_resend_id id = {"6001", true};
    told t = {0};
    mlc_error err;
    put_address(f, 6001, "C", "Acme", "2026-01-05");
    open_run(f, "customers");
    f->ais.fail_reads = 1;
    assert_int_equal(resend(f, &id, 1), MLC_E_UNAVAILABLE);
    lst_check(mlc_flow_run_resend(f->run, &id, 1, on_resent, &t, &err), &err);
    close_run(f);
    assert_int_equal(t.calls, 1);
    assert_int_equal(t.code, MLC_E_CLOSED);
    assert_int_equal(look_at(f, "").all, 0);
    open_run(f, "customers");
}

#define FLOW_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(records_go_as_they_are_now_whatever_was_sent),
        FLOW_TEST(what_is_gone_is_told_when_it_was_known_or_has_no_row),
        FLOW_TEST(a_faulty_record_stays_parked_until_it_is_well),
        FLOW_TEST(many_records_go_in_portions),
        FLOW_TEST(a_key_of_many_columns_is_found),
        FLOW_TEST(it_waits_for_the_run_and_the_run_for_it),
        FLOW_TEST(a_failing_server_and_a_stop_are_told),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
