/* test_order_progress.c - results and statuses of JDE onto a Dynamics order: what is written, in which order, and that neither a
 * late nor a repeated one puts older words over newer ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/order_progress.h"
#include "relay/order_report.h"
#include "support/records_test.h"

#define ORDER  "1a2b3c4d-0000-4000-8000-00000000abcd"
#define API    "/api/data/v9.2/"
#define LINE_1 "11111111-0000-4000-8000-00000000abcd"
#define STATUS(word, shipped, backordered)                                                                   \
    "{\"kind\":\"order.status\",\"id\":\"" ORDER                                                             \
    "\",\"reference\":\"R\",\"version\":\"7.126327.1\",\"target\":\"sales\","                                \
    "\"doco\":\"1001\",\"dcto\":\"SO\",\"kcoo\":\"00001\",\"status\":\"" word                                \
    "\",\"hold\":\"\",\"lines\":[{\"line\":1,\"item\":\"A\",\"last\":\"560\","                               \
    "\"next\":\"580\",\"ordered\":\"5\",\"shipped\":\"" shipped "\",\"backordered\":\"" backordered          \
    "\",\"shipDate\":\"2026-11-28\"}]}"
#define RESULT                                                                                               \
    "{\"kind\":\"order.result\",\"id\":\"" ORDER                                                             \
    "\",\"status\":\"created\",\"doco\":\"1001\",\"dcto\":\"SO\",\"kcoo\":\"00001\"}"
#define LINES(columns)                                                                                       \
    "{\"value\":[{\"salesorderdetailid\":\"" LINE_1 "\",\"lineitemnumber\":1" columns "},"                   \
    "{\"salesorderdetailid\":\"22222222-0000-4000-8000-00000000abcd\",\"lineitemnumber\":2}]}"
#define BATCH_OK                                                                                             \
    (dv_reply)                                                                                               \
    {                                                                                                        \
        .status = 200, .headers = "Content-Type: multipart/mixed; boundary=b1\r\n",                          \
        .body =                                                                                              \
            "--b1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--b1--\r\n"    \
    }

static bool fulfill; /* of the tests that follow one another */

static void deliver(void *user, mlc_delivery *const *items, size_t count)
{
    rec_fix *const f = user;
    const mlc_order_progress_options options = {
        .odata = f->dv.odata, .deliverer = f->d, .prefix = "ml_", .fulfill = fulfill};
    for (size_t i = 0; i < count; i++) {
        if (strstr(items[i]->payload, "order.status") != NULL)
            mlc_order_progress_deliver(&options, items[i]);
        else
            mlc_order_report_deliver(f->dv.odata, "ml_", f->d, items[i]);
    }
}

static lst_entry carry(rec_fix *f, const char *payload, mlc_entry_state state)
{
    mlc_error err;
    const mlc_deliverer_options options = {.loop = &f->s.loop,
                                           .store = f->s.store,
                                           .stream = f->stream,
                                           .actor = "relay",
                                           .max_attempts = REC_ATTEMPTS,
                                           .backoff = {1, 2},
                                           .settle_ms = 1,
                                           .breaker_failures = 1000000,
                                           .deliver = deliver,
                                           .user = f};
    const uint64_t seq = rec_add(f, "order/" ORDER, payload);
    lst_check(mlc_deliverer_open(&f->d, &options, &err), &err);
    return rec_wait(f, seq, state);
}

static void answer(rec_fix *f, const char *body)
{
    dv_next(&f->dv, (dv_reply){.status = 200, .body = body});
}

static void expect_seen(const rec_fix *f, size_t at, const char *method, const char *path)
{
    assert_true(f->dv.count > at);
    assert_string_equal(f->dv.seen[at].method, method);
    assert_string_equal(f->dv.seen[at].path, path);
}

static void lines_are_written_before_the_order(void **state)
{
    rec_fix *const f = *state;
    answer(f, "{\"@odata.etag\":\"W/\\\"5\\\"\",\"statecode\":0,\"ml_jdestatusversion\":\"6.126327.1\"}");
    answer(f, LINES(""));
    dv_next(&f->dv, BATCH_OK);
    dv_next(&f->dv, (dv_reply){.status = 204});
    assert_string_equal(carry(f, STATUS("Partly shipped", "3", "2"), MLC_ENTRY_DONE).outcome,
                        "Partly shipped");
    assert_int_equal(f->dv.count, 4);
    expect_seen(f, 0, "GET", API "salesorders(" ORDER ")?$select=statecode,ml_jdestatusversion");
    expect_seen(f, 2, "POST", API "$batch");
    assert_non_null(strstr(f->dv.seen[2].body, "salesorderdetails(" LINE_1 ")"));
    assert_non_null(strstr(f->dv.seen[2].body,
                           "{\"ml_jdelinestatus\":\"560/580\",\"ml_jdequantityshipped\":3,"
                           "\"ml_jdequantitybackordered\":2}"));
    assert_null(strstr(f->dv.seen[2].body, "22222222"));
    expect_seen(f, 3, "PATCH", API "salesorders(" ORDER ")");
    assert_non_null(strstr(f->dv.seen[3].head, "If-Match: W/\"5\""));
    assert_string_equal(
        f->dv.seen[3].body,
        "{\"ml_jdeordernumber\":\"1001\",\"ml_jdeordertype\":\"SO\",\"ml_jdeordercompany\":\"00001\","
        "\"ml_jdeorderstatus\":\"Partly shipped\",\"ml_jdeordermessage\":\"JDE order 1001 SO 00001: Partly "
        "shipped; line 1 (A): 3 of 5 shipped on 2026-11-28, 2 back-ordered\","
        "\"ml_jdestatusversion\":\"7.126327.1\"}");
}

static void a_newer_status_stays(void **state)
{
    rec_fix *const f = *state;
    answer(f, "{\"statecode\":0,\"ml_jdestatusversion\":\"8.126327.1\"}");
    assert_string_equal(carry(f, STATUS("Created", "0", "0"), MLC_ENTRY_DONE).outcome,
                        "superseded at target");
    assert_int_equal(f->dv.count, 1);
}

static void equal_lines_are_not_written(void **state)
{
    rec_fix *const f = *state;
    answer(f, "{\"statecode\":0,\"ml_jdestatusversion\":null}");
    answer(f, LINES(",\"ml_jdelinestatus\":\"560/580\",\"ml_jdequantityshipped\":5.0000000000,"
                    "\"ml_jdequantitybackordered\":0"));
    dv_next(&f->dv, (dv_reply){.status = 204});
    (void)carry(f, STATUS("Shipped", "5", "0"), MLC_ENTRY_DONE);
    assert_int_equal(f->dv.count, 3);
    assert_null(strstr(f->dv.seen[2].body, "statecode"));
}

static void an_order_shipped_whole_is_fulfilled_when_wanted(void **state)
{
    rec_fix *const f = *state;
    fulfill = true;
    answer(f, "{\"statecode\":0}");
    answer(f, "{\"value\":[]}");
    dv_next(&f->dv, (dv_reply){.status = 204});
    (void)carry(f, STATUS("Shipped", "5", "0"), MLC_ENTRY_DONE);
    fulfill = false;
    assert_non_null(strstr(f->dv.seen[2].body, "\"statecode\":3,\"statuscode\":100001"));
}

static void a_changed_order_is_read_again(void **state)
{
    rec_fix *const f = *state;
    answer(f, "{\"@odata.etag\":\"W/\\\"5\\\"\",\"statecode\":0}");
    answer(f, "{\"value\":[]}");
    dv_next(&f->dv, (dv_reply){.status = 412});
    answer(f, "{\"@odata.etag\":\"W/\\\"6\\\"\",\"statecode\":0,\"ml_jdestatusversion\":\"9.1.1\"}");
    assert_string_equal(carry(f, STATUS("Shipped", "5", "0"), MLC_ENTRY_DONE).outcome,
                        "superseded at target");
}

static void a_deleted_order_is_done(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.status = 404});
    assert_string_equal(carry(f, STATUS("Shipped", "5", "0"), MLC_ENTRY_DONE).outcome,
                        "the order is not in Dynamics");
}

static void a_line_that_is_refused_keeps_the_version_back(void **state)
{
    rec_fix *const f = *state;
    answer(f, "{\"statecode\":0}");
    answer(f, LINES(""));
    dv_next(&f->dv,
            (dv_reply){.status = 200,
                       .headers = "Content-Type: multipart/mixed; boundary=b1\r\n",
                       .body = "--b1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 Bad\r\n\r\n"
                               "{\"error\":{\"code\":\"0x8004\",\"message\":\"read-only\"}}\r\n--b1--\r\n"});
    assert_non_null(strstr(carry(f, STATUS("Shipped", "5", "0"), MLC_ENTRY_PARKED).last_error, "read-only"));
    assert_int_equal(f->dv.count, 3);
}

static void an_unreadable_status_is_parked(void **state)
{
    rec_fix *const f = *state;
    (void)carry(f, "{\"kind\":\"order.status\"}", MLC_ENTRY_PARKED);
    assert_int_equal(f->dv.count, 0);
}

static void a_result_writes_created(void **state)
{
    rec_fix *const f = *state;
    answer(f, "{\"@odata.etag\":\"W/\\\"5\\\"\",\"ml_jdestatusversion\":null}");
    dv_next(&f->dv, (dv_reply){.status = 204});
    (void)carry(f, RESULT, MLC_ENTRY_DONE);
    assert_string_equal(
        f->dv.seen[1].body,
        "{\"ml_jdeordernumber\":\"1001\",\"ml_jdeordertype\":\"SO\",\"ml_jdeordercompany\":\"00001\","
        "\"ml_jdeorderstatus\":\"Created\",\"ml_jdeordermessage\":null}");
    assert_non_null(strstr(f->dv.seen[1].head, "If-Match: W/\"5\""));
}

static void a_late_result_leaves_the_status(void **state)
{
    rec_fix *const f = *state;
    answer(f, "{\"ml_jdestatusversion\":\"7.126327.1\"}");
    dv_next(&f->dv, (dv_reply){.status = 204});
    (void)carry(f, RESULT, MLC_ENTRY_DONE);
    assert_string_equal(f->dv.seen[1].body, "{\"ml_jdeordernumber\":\"1001\",\"ml_jdeordertype\":\"SO\","
                                            "\"ml_jdeordercompany\":\"00001\"}");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, rec_set_up, rec_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(lines_are_written_before_the_order),
        TEST(a_newer_status_stays),
        TEST(equal_lines_are_not_written),
        TEST(an_order_shipped_whole_is_fulfilled_when_wanted),
        TEST(a_changed_order_is_read_again),
        TEST(a_deleted_order_is_done),
        TEST(a_line_that_is_refused_keeps_the_version_back),
        TEST(an_unreadable_status_is_parked),
        TEST(a_result_writes_created),
        TEST(a_late_result_leaves_the_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
