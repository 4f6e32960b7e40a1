/* test_flow_run.c - runs of the flows against a small AIS server: what is sent, what is told as gone, and that nothing is lost
 * or sent twice when sets time out, the stream is full, or the agent stops in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/flow_test.h"

#include <curl/curl.h>

/* ---- tests ---- */

static void a_customer_is_made_of_all_its_tables(void **state)
{
    flow_fix *const f = *state;
    f->settings.ledger = (mlc_flow_ledger){true, true, "1200", "1299"};
    put_address(f, 6001, "C", "Acme", "2026-01-05");
    put_address(f, 6002, "V", "Not a customer", "2026-01-05");
    ais_put(&f->ais, "F03012", 2,
            "{\"AN8\":6001,\"CO\":\"00000\",\"TRAR\":\"N30\",\"ACL\":500.50,\"UPMJ\":\"2026-02-01\",\"UPMT\":"
            "905}");
    ais_put(&f->ais, "F03012", 2,
            "{\"AN8\":6001,\"CO\":\"00001\",\"TRAR\":\"XXX\",\"ACL\":1,\"UPMJ\":\"2026-01-01\",\"UPMT\":1}");
    ais_put(&f->ais, "F0116", 2,
            "{\"AN8\":6001,\"EFTB\":\"2020-01-01\",\"CTY1\":\"Old\",\"UPMJ\":\"2026-01-01\",\"UPMT\":1}");
    ais_put(&f->ais, "F0116", 2,
            "{\"AN8\":6001,\"EFTB\":\"2021-01-01\",\"CTY1\":\"Present\",\"UPMJ\":\"2026-01-01\",\"UPMT\":1}");
    ais_put(&f->ais, "F0116", 2,
            "{\"AN8\":6001,\"EFTB\":\"2090-01-01\",\"CTY1\":\"Later\",\"UPMJ\":\"2026-01-01\",\"UPMT\":1}");
    ais_put(&f->ais, "F0115", 3,
            "{\"AN8\":6001,\"IDLN\":0,\"RCK7\":2,\"PH1\":\"two\",\"UPMJ\":\"2026-01-01\",\"UPMT\":1}");
    ais_put(&f->ais, "F0115", 3,
            "{\"AN8\":6001,\"IDLN\":0,\"RCK7\":1,\"PH1\":\"one\",\"UPMJ\":\"2026-01-01\",\"UPMT\":1}");
    ais_put(
        &f->ais, "F0115", 3,
        "{\"AN8\":6001,\"IDLN\":1,\"RCK7\":1,\"PH1\":\"of a contact\",\"UPMJ\":\"2026-01-01\",\"UPMT\":1}");
#define LEDGER(line, obj, amount, post)                                                                      \
    "{\"JELN\":" line ",\"AN8\":6001,\"LT\":\"AA\",\"OBJ\":\"" obj "\",\"POST\":\"" post "\",\"AA\":" amount \
    ",\"UPMJ\":\"2026-01-01\",\"UPMT\":1}"
    ais_put(&f->ais, "F0911", 1, LEDGER("1", "1210", "100.25", "P"));
    ais_put(&f->ais, "F0911", 1, LEDGER("2", "1211", "50", "P"));
    ais_put(&f->ais, "F0911", 1, LEDGER("3", "1210", "7", ""));
    ais_put(&f->ais, "F0911", 1, LEDGER("4", "5010", "9", "P"));
    open_run(f, "customers");
    run_once(f, MLC_FLOW_DONE);
    const look l = look_at(f, "customer/6001");
    assert_int_equal(l.all, 1);
    mlc_master m;
    assert_int_equal(mlc_master_parse(l.payload, strlen(l.payload), &m, NULL), MLC_OK);
    assert_string_equal(m.source, "JDE/F0101/6001");
    assert_non_null(strstr(m.version, ".126032.905")); /* the newest stamp of all rows: F03012's */
    assert_string_equal(mlc_json_str(mlc_json_get(m.rows, "F03012"), "TRAR"), "N30");
    assert_string_equal(mlc_json_str(mlc_json_get(m.rows, "F0116"), "CTY1"), "Present");
    assert_string_equal(mlc_json_str(mlc_json_get(m.rows, "ledger"), "openBalance"), "150.25");
    const cJSON *const phones = mlc_json_get(m.rows, "F0115");
    assert_int_equal(cJSON_GetArraySize(phones), 2);
    assert_string_equal(mlc_json_str(cJSON_GetArrayItem(phones, 0), "PH1"), "one");
    mlc_master_free(&m);
    /* A touch is silent; a ledger line sends its customer again. */
    char today[MLC_ISO_TEXT_MAX];
    char line[SHOWN_MAX];
    put_address(f, 6001, "C", "Acme", day(0, today));
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "customer/6001", 1, "150.25");
    (void)snprintf(
        line, sizeof line,
        "{\"JELN\":5,\"AN8\":6001,\"LT\":\"AA\",\"OBJ\":\"1210\",\"POST\":\"P\",\"AA\":-0.25,\"UPMJ\":\"%s\","
        "\"UPMT\":2}",
        today);
    ais_put(&f->ais, "F0911", 1, line);
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "customer/6001", 2, "\"openBalance\":\"150\"");
}

static void what_leaves_the_selection_is_gone_once(void **state)
{
    flow_fix *const f = *state;
    char today[MLC_ISO_TEXT_MAX];
    (void)day(0, today);
    put_address(f, 6001, "C", "Acme", "2026-01-05");
    put_address(f, 6002, "E", "Never sent", "2026-01-05");
    open_run(f, "customers");
    run_once(f, MLC_FLOW_DONE);
    put_address(f, 6001, "X", "Acme", today);
    put_address(f, 6002, "X", "Never sent", today);
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "customer/6001", 2, "\"gone\":true");
    assert_int_equal(look_at(f, "customer/6002").count, 0);
    put_address(f, 6001, "X", "Acme, renamed", today);
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "customer/6001", 2, "\"gone\":true");
    put_address(f, 6001, "C", "Acme", today);
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "customer/6001", 3, "\"gone\":false");
    /* The row itself is deleted; a row of another table names it. */
    cJSON_DeleteItemFromArray(ais_table(&f->ais, "F0101"), 0);
    char json[SHOWN_MAX];
    (void)snprintf(json, sizeof json, "{\"AN8\":6001,\"CO\":\"00000\",\"UPMJ\":\"%s\",\"UPMT\":1}", today);
    ais_put(&f->ais, "F03012", 2, json);
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "customer/6001", 4, "\"gone\":true");
    assert_int_equal(lst_audit_count(&f->s, "customer/6001", "\"outcome\":\"gone\""), 2);
}

static void suppliers_are_chosen_by_their_own_type(void **state)
{
    flow_fix *const f = *state;
    f->settings.lists[MLC_FLOW_SEARCH_TYPES] = suppliers_only;
    put_address(f, 6001, "C", "Customer", "2026-01-05");
    put_address(f, 4001, "V", "Supplier", "2026-01-05");
    ais_put(&f->ais, "F0401", 1, "{\"AN8\":4001,\"TRAP\":\"N45\",\"UPMJ\":\"2026-01-01\",\"UPMT\":1}");
    open_run(f, "suppliers");
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "supplier/4001", 1, "\"TRAP\":\"N45\"");
    assert_int_equal(look_at(f, "").all, 1);
    /* What the selection leaves out costs no further reading. */
    assert_int_equal(ais_seen(&f->ais, "\"F0401\"", "\"4001\""), 1);
    assert_int_equal(ais_seen(&f->ais, "\"F0401\"", "\"6001\""), 0);
}

static void contacts_are_found_by_line_and_by_their_address(void **state)
{
    flow_fix *const f = *state;
    char today[MLC_ISO_TEXT_MAX];
    char json[SHOWN_MAX];
    (void)day(0, today);
    put_address(f, 6001, "C", "Acme", "2026-01-05");
    for (int i = 0; i <= 3; i++) {
        (void)snprintf(json, sizeof json,
                       "{\"AN8\":6001,\"IDLN\":%d,\"MLNM\":\"Line %d\",\"UPMJ\":\"2026-01-05\",\"UPMT\":1}",
                       i, i);
        ais_put(&f->ais, "F0111", 2, json);
    }
    open_run(f, "contacts");
    run_once(f, MLC_FLOW_DONE);
    assert_int_equal(look_at(f, "").all, 3); /* line 0 is the company itself */
    (void)snprintf(json, sizeof json,
                   "{\"AN8\":6001,\"IDLN\":2,\"RCK7\":1,\"EMAL\":\"two@x\",\"UPMJ\":\"%s\",\"UPMT\":1}",
                   today);
    ais_put(&f->ais, "F01151", 3, json);
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "contact/6001/2", 2, "two@x");
    assert_int_equal(look_at(f, "").all, 4);
    put_address(f, 6001, "X", "Acme", today);
    run_once(f, MLC_FLOW_DONE);
    assert_int_equal(look_at(f, "").all, 7);
    expect_last(f, "contact/6001/3", 2, "\"gone\":true");
}

static void the_price_in_effect_is_sent(void **state)
{
    flow_fix *const f = *state;
    char a[MLC_ISO_TEXT_MAX];
    char b[MLC_ISO_TEXT_MAX];
    ais_put(&f->ais, "F4101", 1,
            "{\"ITM\":60001,\"LITM\":\"ITEM-1\",\"STKT\":\"P\",\"UPMJ\":\"2026-01-01\",\"TDAY\":1}");
    put_price(f, "", "2020-01-01", day(-1, a), "1.00", "2026-01-01");
    put_price(f, "", day(-30, b), day(0, a), "2.00", "2026-01-01"); /* its last day */
    put_price(f, "", day(1, b), "2040-12-31", "3.00", "2026-01-01");
    put_price(f, "GOLD", day(5, b), "2040-12-31", "4.00", "2026-01-01");
    open_run(f, "prices");
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "price/60001/30/0//USD/EA", 1, "\"UPRC\":\"2.00\"");
    expect_last(f, "price/60001/30/0//USD/EA", 1, "\"source\":\"JDE/F4106/60001/30/0//USD/EA\"");
    assert_int_equal(look_at(f, "price/60001/30/0/GOLD/USD/EA").count, 0);
    ais_put(&f->ais, "F4101", 1,
            "{\"ITM\":60001,\"LITM\":\"ITEM-1\",\"STKT\":\"O\",\"UPMJ\":\"2090-01-01\",\"TDAY\":1}");
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "price/60001/30/0//USD/EA", 2, "\"gone\":true");
}

/* The positions of a flow that ran last some days ago. */
typedef struct put_mark {
    const char *name;
    mlc_watermark mark;
} put_mark;

static mlc_code put_mark_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const put_mark *const p = arg;
    mlc_buf text = {0};
    mlc_code code = mlc_watermark_print(&p->mark, &text, err);
    if (code == MLC_OK)
        code = mlc_cursor_put(txn, p->name, text.data, text.len, err);
    mlc_buf_free(&text);
    return code;
}

static void set_mark(flow_fix *f, const char *name, int days, bool with_time)
{
    mlc_zone *utc = NULL;
    mlc_error err;
    lst_check(mlc_zone_open(&utc, "UTC", &err), &err);
    mlc_jde_stamp stamp = mlc_zone_stamp(utc, mlc_wall_ms() + (int64_t)days * DAY_MS);
    if (!with_time)
        stamp.hms = 0;
    mlc_zone_close(utc);
    put_mark p = {name, {.known = true, .stamp = stamp, .started_ms = mlc_wall_ms()}};
    lst_check(mlc_store_run(f->s.store, put_mark_job, &p, &err), &err);
}

static void prices_begin_and_end_by_mere_time(void **state)
{
    flow_fix *const f = *state;
    char a[MLC_ISO_TEXT_MAX];
    char b[MLC_ISO_TEXT_MAX];
    ais_put(&f->ais, "F4101", 1,
            "{\"ITM\":60001,\"LITM\":\"ITEM-1\",\"STKT\":\"P\",\"UPMJ\":\"2026-01-01\",\"TDAY\":1}");
    put_price(f, "ENDS", "2020-01-01", day(4, a), "1.00", "2026-01-01");
    put_price(f, "STAYS", "2020-01-01", "2040-01-01", "1.00", "2026-01-01");
    open_run(f, "prices");
    run_once(f, MLC_FLOW_DONE);
    close_run(f);
    /* Four days later (told by positions and rows that lie four days back): nothing was changed since. */
    cJSON_DeleteItemFromArray(ais_table(&f->ais, "F4106"), 0);
    put_price(f, "ENDS", "2020-01-01", day(-1, a), "1.00", "2026-01-01");
    put_price(f, "BEGINS", day(0, b), "2040-01-01", "2.00", "2026-01-01");
    set_mark(f, "flow/prices/F4106", -1, true);
    set_mark(f, "flow/prices/F4101", -1, true);
    set_mark(f, "flow/prices/F4106.EFTJ", -3, false);
    set_mark(f, "flow/prices/F4106.EXDJ", -3, false);
    open_run(f, "prices");
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "price/60001/30/0/BEGINS/USD/EA", 1, "\"UPRC\":\"2.00\"");
    expect_last(f, "price/60001/30/0/ENDS/USD/EA", 2, "\"gone\":true");
    assert_int_equal(look_at(f, "price/60001/30/0/STAYS/USD/EA").count, 1);
    /* The days are gone through once. */
    const size_t asked = ais_seen(&f->ais, "F4106.EFTJ\",\"operator", "F4106");
    run_once(f, MLC_FLOW_DONE);
    assert_int_equal(ais_seen(&f->ais, "F4106.EFTJ\",\"operator", "F4106"), asked);
}

static void put_many(flow_fix *f, int count)
{
    char name[32];
    for (int i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "Customer %d", i);
        put_address(f, 6001 + i, "C", name, i % 2 == 0 ? "2026-01-05" : "2026-01-06");
    }
}

static void a_lost_result_set_loses_nothing(void **state)
{
    flow_fix *const f = *state;
    f->page_size = 7;
    f->ais.lose_next = 2;
    put_many(f, 60);
    open_run(f, "customers");
    run_once(f, MLC_FLOW_DONE);
    assert_int_equal(look_at(f, "").all, 60);
    assert_int_equal(f->ais.lose_next, 0);
}

static void a_stopped_first_load_goes_on_where_it_was(void **state)
{
    flow_fix *const f = *state;
    mlc_flow_status status;
    f->page_size = 10;
    f->pages_left = 2;
    put_many(f, 60);
    open_run(f, "customers");
    run_once(f, MLC_FLOW_PAUSED);
    mlc_flow_run_status(f->run, &status);
    assert_true(status.first_load);
    assert_int_equal(status.load_done, 30);
    assert_int_equal(status.load_total, 60);
    assert_int_equal(look_at(f, "").all, 30);
    close_run(f);
    f->pages_left = -1;
    f->pages_asked = 0;
    open_run(f, "customers");
    run_once(f, MLC_FLOW_DONE);
    assert_int_equal(look_at(f, "").all, 60);
    assert_int_equal(f->pages_asked, 2); /* three more pages, not six */
    mlc_flow_run_status(f->run, &status);
    assert_false(status.first_load);
    assert_int_equal(status.run_rows, 30);
    /* The other tables were not read from their beginning: each was asked with a condition. */
    assert_int_equal(ais_seen(&f->ais, "\"F03012\"", "complexQuery"), 1);
    assert_int_equal(ais_seen(&f->ais, "\"F0116\"", "complexQuery"), 1);
}

static void stopping_in_the_middle_of_a_page_is_clean(void **state)
{
    flow_fix *const f = *state;
    f->page_size = 10;
    put_many(f, 40);
    for (int turns = 1; turns < 60; turns += 3) {
        open_run(f, "customers");
        f->ends = 0;
        mlc_flow_run_start(f->run);
        for (int i = 0; i < turns; i++)
            uv_run(&f->s.loop, UV_RUN_NOWAIT);
        const int ends = f->ends; /* a quick machine may be through */
        close_run(f);
        assert_int_equal(f->ends, ends);
    }
    open_run(f, "customers");
    run_once(f, MLC_FLOW_DONE);
    assert_int_equal(look_at(f, "").all, 40);
}

static bool stream_is_full(void *arg)
{
    mlc_flow_status status;
    mlc_flow_run_status(((flow_fix *)arg)->run, &status);
    return status.stream_full;
}

static mlc_code ack_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const flow_fix *const f = arg;
    return mlc_outbox_ack(txn, f->up, 10, mlc_wall_ms(), err);
}

static void a_full_stream_holds_the_run(void **state)
{
    flow_fix *const f = *state;
    mlc_error err;
    mlc_outbox_close(f->up);
    f->up =
        lst_stream(&f->s, &(mlc_stream_spec){.name = "up", .mode = MLC_STREAM_SEQUENCE, .max_entries = 15});
    f->page_size = 10;
    put_many(f, 20);
    open_run(f, "customers");
    mlc_flow_run_start(f->run);
    assert_true(lst_run(&f->s, stream_is_full, f, LST_PATIENCE_MS));
    assert_int_equal(look_at(f, "").all, 10);
    lst_check(mlc_store_run(f->s.store, ack_job, f, &err), &err);
    assert_true(lst_run(&f->s, has_ended, f, LST_PATIENCE_MS));
    assert_int_equal(f->end, MLC_FLOW_DONE);
    assert_int_equal(look_at(f, "").all, 20);
}

static void a_row_that_cannot_be_used_is_parked_once(void **state)
{
    flow_fix *const f = *state;
    put_many(f, 3);
    ais_put(&f->ais, "F03012", 2,
            "{\"AN8\":6002,\"CO\":\"00000\",\"TRAR\":\"N30\",\"UPMJ\":\"2026-13-45\",\"UPMT\":1}");
    open_run(f, "customers");
    run_once(f, MLC_FLOW_DONE);
    look l = look_at(f, "customer/6002");
    assert_int_equal(l.count, 1);
    assert_int_equal(l.state, MLC_ENTRY_PARKED);
    assert_int_equal(l.all, 3);
    assert_int_equal(
        lst_audit_count(&f->s, "\"action\":\"parked\"", "F03012 of customer 6002 cannot be used"), 1);
    char today[MLC_ISO_TEXT_MAX];
    put_address(f, 6002, "C", "Customer 1", day(0, today));
    run_once(f, MLC_FLOW_DONE);
    ais_put(&f->ais, "F03012", 2,
            "{\"AN8\":6002,\"CO\":\"00000\",\"TRAR\":\"N30\",\"UPMJ\":\"2026-01-01\",\"UPMT\":1}");
    run_once(f, MLC_FLOW_DONE);
    expect_last(f, "customer/6002", 2, "\"TRAR\":\"N30\"");
}

/* Well again, and as it was sent before the fault: it takes the place of the parked one all the same; and the same fault later is
 * told again. */
static void what_was_faulty_and_is_as_before_ends_the_parked_one(void **state)
{
    flow_fix *const f = *state;
    char today[MLC_ISO_TEXT_MAX];
    (void)day(0, today);
    put_address(f, 6001, "C", "Acme", today);
    open_run(f, "customers");
    run_once(f, MLC_FLOW_DONE);
    for (int i = 0; i < 2; i++) {
        ais_put(&f->ais, "F03012", 2, "{\"AN8\":6001,\"CO\":\"00000\",\"UPMJ\":\"2026-99-99\",\"UPMT\":1}");
        run_once(f, MLC_FLOW_DONE);
        assert_int_equal(lst_stats_of(&f->s, f->up).parked, 1);
        cJSON_DeleteItemFromArray(ais_table(&f->ais, "F03012"), 0);
        run_once(f, MLC_FLOW_DONE);
        assert_int_equal(lst_stats_of(&f->s, f->up).parked, 0);
        assert_int_equal(look_at(f, "customer/6001").state, MLC_ENTRY_READY);
    }
    assert_int_equal(look_at(f, "customer/6001").count, 5);
}

static void a_faulty_row_that_is_not_wanted_is_let_be(void **state)
{
    flow_fix *const f = *state;
    put_address(f, 6001, "E", "Employee", "2026-99-99");
    put_address(f, 6002, "C", "Customer", "2026-01-05");
    open_run(f, "customers");
    run_once(f, MLC_FLOW_DONE);
    assert_int_equal(look_at(f, "customer/6002").all, 1);
}

static void a_failing_server_ends_the_run(void **state)
{
    flow_fix *const f = *state;
    put_many(f, 3);
    f->ais.fail_reads = 3; /* COUNT, then keys; the run after that fails at its keys */
    open_run(f, "customers");
    run_once(f, MLC_FLOW_FAILED);
    assert_non_null(strstr(f->error, "503"));
    run_once(f, MLC_FLOW_DONE);
    assert_int_equal(look_at(f, "").all, 3);
}

#define FLOW_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(a_customer_is_made_of_all_its_tables),
        FLOW_TEST(what_leaves_the_selection_is_gone_once),
        FLOW_TEST(suppliers_are_chosen_by_their_own_type),
        FLOW_TEST(contacts_are_found_by_line_and_by_their_address),
        FLOW_TEST(the_price_in_effect_is_sent),
        FLOW_TEST(prices_begin_and_end_by_mere_time),
        FLOW_TEST(a_lost_result_set_loses_nothing),
        FLOW_TEST(a_stopped_first_load_goes_on_where_it_was),
        FLOW_TEST(stopping_in_the_middle_of_a_page_is_clean),
        FLOW_TEST(a_full_stream_holds_the_run),
        FLOW_TEST(a_row_that_cannot_be_used_is_parked_once),
        FLOW_TEST(what_was_faulty_and_is_as_before_ends_the_parked_one),
        FLOW_TEST(a_faulty_row_that_is_not_wanted_is_let_be),
        FLOW_TEST(a_failing_server_ends_the_run),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
