/* The canonical order and its report: what an order must have before it may leave for JDE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"
#include "record/order.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char guid[] = "1a2b3c4d-0000-4000-8000-00000000abcd";

typedef struct order_fix {
    mlc_order order;
    mlc_order_line lines[2];
    char reference[MLC_BASE36_128_MAX];
} order_fix;

static int set_up(void **state)
{
    order_fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(mlc_uuid_to_base36(guid, f->reference, NULL), MLC_OK);
    f->lines[0] = (mlc_order_line){.line = 1,
                                   .id = "l-1",
                                   .item = "ITEM-00001",
                                   .description = "Gear",
                                   .quantity = "5",
                                   .uom = "EA",
                                   .price = "250.00",
                                   .discount = "0",
                                   .tax = "0",
                                   .amount = "1250.00"};
    f->lines[1] = (mlc_order_line){.line = 2, .item = "ITEM-00002", .quantity = "0.5"};
    f->order = (mlc_order){.id = guid,
                           .source = "Dynamics/salesorder/1a2b3c4d-0000-4000-8000-00000000abcd",
                           .reference = f->reference,
                           .number = "ORD-01000",
                           .customer = "6001",
                           .ship_to = "6002",
                           .currency = "USD",
                           .order_date = "2026-11-23",
                           .requested_date = "2026-11-30",
                           .total = "1250.00",
                           .lines = f->lines,
                           .line_count = 2};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static void printed_is_read_back(void **state)
{
    const order_fix *const f = *state;
    mlc_buf text = {0};
    mlc_order back;
    mlc_error err;
    assert_int_equal(mlc_order_check(&f->order, &err), MLC_OK);
    assert_int_equal(mlc_order_print(&f->order, &text, &err), MLC_OK);
    assert_int_equal(mlc_order_parse(mlc_buf_text(&text), text.len, &back, &err), MLC_OK);
    assert_string_equal(back.id, guid);
    assert_string_equal(back.reference, f->reference);
    assert_string_equal(back.ship_to, "6002");
    assert_string_equal(back.requested_date, "2026-11-30");
    assert_int_equal(back.line_count, 2);
    assert_int_equal(back.lines[1].line, 2);
    assert_string_equal(back.lines[0].price, "250.00");
    assert_string_equal(back.lines[1].quantity, "0.5");
    assert_null(back.lines[1].price);
    mlc_buf again = {0};
    assert_int_equal(mlc_order_print(&back, &again, &err), MLC_OK);
    assert_string_equal(mlc_buf_text(&again), mlc_buf_text(&text));
    mlc_order_free(&back);
    mlc_order_free(&back); /* harmless */
    mlc_buf_free(&text);
    mlc_buf_free(&again);
}

static void expect_fault(const mlc_order *order, const char *words)
{
    mlc_error err;
    assert_int_equal(mlc_order_check(order, &err), MLC_E_INVALID);
    if (strstr(err.message, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
}

static void the_head_is_checked(void **state)
{
    order_fix *const f = *state;
    mlc_order o = f->order;
    o.customer = "";
    o.line_count = 0;
    expect_fault(&o,
                 "order ORD-01000: customer: has no JDE number; give the account its JDE customer number; "
                 "lines: the order has none; add at least one product");
    o = f->order;
    o.customer = "60O1";
    expect_fault(&o, "customer: \"60O1\" is no JDE address number");
    o = f->order;
    o.reference = "0000000000000000000000000";
    expect_fault(&o, "does not belong to this id; it must be ");
    o = f->order;
    o.reference = NULL;
    expect_fault(&o, "reference: is missing");
    o = f->order;
    o.id = "17";
    expect_fault(&o, "id: \"17\" is no GUID");
    o = f->order;
    o.order_date = "2026-02-30";
    expect_fault(&o, "orderDate: \"2026-02-30\" is no date");
    o.order_date = "2026-11-23T10:00:00Z";
    expect_fault(&o, "orderDate: ");
    o = f->order;
    o.total = "1.2.3";
    expect_fault(&o, "total: \"1.2.3\" is no number");
    o = f->order;
    o.currency = "EURO";
    expect_fault(&o, "currency: has 4 characters, at most 3 fit");
}

static void the_lines_are_checked(void **state)
{
    order_fix *const f = *state;
    f->lines[0].item = "";
    f->lines[0].quantity = "0";
    f->lines[1].quantity = "-1";
    expect_fault(&f->order, "line 1 item: is missing; line 1 quantity: \"0\" is not above zero; "
                            "line 2 (ITEM-00002) quantity: \"-1\" is not above zero");
    f->lines[0].item = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    expect_fault(&f->order, "line 1 item: has 26 characters, at most 25 fit");
    f->lines[0].item = "A";
    f->lines[0].quantity = "1e400";
    expect_fault(&f->order, "line 1 (A) quantity: ");
    f->lines[0].quantity = NULL;
    expect_fault(&f->order, "line 1 (A) quantity: is missing");
    f->lines[0].quantity = "1";
    f->lines[0].uom = "Each";
    expect_fault(&f->order, "line 1 (A) uom: has 4 characters, at most 2 fit");
    f->lines[0].uom = "EA";
    f->lines[0].line = 0;
    expect_fault(&f->order, "line 1 (A) line: must be a number from 1");
}

static void too_many_lines_are_refused(void **state)
{
    (void)state;
    mlc_buf text = {0};
    mlc_order o;
    mlc_error err;
    assert_int_equal(mlc_buf_puts(&text, "{\"kind\":\"order\",\"lines\":[", NULL), MLC_OK);
    for (int i = 0; i <= MLC_ORDER_LINES_MAX; i++)
        assert_int_equal(mlc_buf_puts(&text, i == 0 ? "{}" : ",{}", NULL), MLC_OK);
    assert_int_equal(mlc_buf_puts(&text, "]}", NULL), MLC_OK);
    assert_int_equal(mlc_order_parse(mlc_buf_text(&text), text.len, &o, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "lines: 1001 are too many"));
    mlc_buf_free(&text);
}

static void expect_unreadable(const char *text)
{
    mlc_order o;
    mlc_error err;
    assert_int_equal(mlc_order_parse(text, strlen(text), &o, &err), MLC_E_INVALID);
    assert_true(err.message[0] != '\0');
    assert_null(o.tree);
    assert_null(o.lines);
    assert_null(o.id);
}

static void malformed_orders_are_refused(void **state)
{
    (void)state;
    expect_unreadable("");
    expect_unreadable("{\"kind\":\"order\"}");
    expect_unreadable("{\"kind\":\"order\",\"lines\":{}}");
    expect_unreadable("{\"kind\":\"order\",\"lines\":[1,null]}");
    expect_unreadable("{\"kind\":\"order\",\"total\":12.5,\"lines\":[]}");
    expect_unreadable("{\"kind\":\"order\",\"lines\":[[[[[[[[[[[[]]]]]]]]]]]]}");
}

static void a_created_report_is_read_back(void **state)
{
    (void)state;
    mlc_buf text = {0};
    mlc_order_result r;
    const mlc_order_result report = {.id = guid,
                                     .reference = "R",
                                     .created = true,
                                     .doco = "1234",
                                     .dcto = "SO",
                                     .kcoo = "00001",
                                     .code = "rejected"};
    assert_int_equal(mlc_order_result_print(&report, &text, NULL), MLC_OK);
    assert_string_equal(mlc_buf_text(&text),
                        "{\"kind\":\"order.result\",\"id\":\"1a2b3c4d-0000-4000-8000-00000000abcd\","
                        "\"reference\":\"R\",\"status\":\"created\",\"doco\":\"1234\",\"dcto\":\"SO\","
                        "\"kcoo\":\"00001\"}");
    assert_int_equal(mlc_order_result_parse(mlc_buf_text(&text), text.len, &r, NULL), MLC_OK);
    assert_true(r.created);
    assert_string_equal(r.doco, "1234");
    assert_null(r.code);
    mlc_order_result_free(&r);
    mlc_buf_free(&text);
}

static void a_failed_report_is_read_back(void **state)
{
    (void)state;
    mlc_buf text = {0};
    mlc_order_result r;
    const mlc_order_result report = {.id = guid, .code = "rejected", .error = "customer is on hold"};
    assert_int_equal(mlc_order_result_print(&report, &text, NULL), MLC_OK);
    assert_int_equal(mlc_order_result_parse(mlc_buf_text(&text), text.len, &r, NULL), MLC_OK);
    assert_false(r.created);
    assert_string_equal(r.code, "rejected");
    assert_string_equal(r.error, "customer is on hold");
    assert_null(r.reference);
    mlc_order_result_free(&r);
    mlc_buf_free(&text);
}

static void faulty_reports_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"kind\":\"order.result\"}",
        "{\"kind\":\"order.result\",\"id\":\"1\",\"status\":\"maybe\"}",
        "{\"kind\":\"order.result\",\"id\":\"1\",\"status\":\"created\"}",
        "{\"kind\":\"order.result\",\"id\":\"1\",\"status\":\"created\",\"doco\":1}",
        "{\"kind\":\"order.result\",\"id\":\"1\",\"status\":\"failed\"}",
        "{\"kind\":\"order.result\",\"status\":\"failed\",\"code\":\"x\"}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        mlc_order_result r;
        mlc_error err;
        assert_int_equal(mlc_order_result_parse(texts[i], strlen(texts[i]), &r, &err), MLC_E_INVALID);
        assert_null(r.tree);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(printed_is_read_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_head_is_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_lines_are_checked, set_up, tear_down),
        cmocka_unit_test(too_many_lines_are_refused),
        cmocka_unit_test(malformed_orders_are_refused),
        cmocka_unit_test(a_created_report_is_read_back),
        cmocka_unit_test(a_failed_report_is_read_back),
        cmocka_unit_test(faulty_reports_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
