/* The status of an order on its way back: read as it was printed, refused with every fault; and what its lines amount to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/order_status.h"

#include <string.h>

#define GUID "1a2b3c4d-0000-4000-8000-00000000abcd"

static mlc_order_status sample(mlc_order_status_line lines[2])
{
    lines[0] = (mlc_order_status_line){.line = 1,
                                       .item = "ITEM-00001",
                                       .last = "560",
                                       .next = "580",
                                       .ordered = "5",
                                       .shipped = "3",
                                       .backordered = "2",
                                       .cancelled = "0",
                                       .requested = "2026-11-30",
                                       .ship_date = "2026-11-28"};
    lines[1] = (mlc_order_status_line){.line = 2, .ordered = "1.5", .shipped = "0", .ship_date = ""};
    return (mlc_order_status){.id = GUID,
                              .reference = "R",
                              .version = "7.126327.1",
                              .doco = "1001",
                              .dcto = "SO",
                              .kcoo = "00001",
                              .status = "Partly shipped",
                              .hold = "",
                              .lines = lines,
                              .line_count = 2};
}

static void printed_is_read_back(void **state)
{
    mlc_order_status_line lines[2];
    const mlc_order_status status = sample(lines);
    mlc_order_status back;
    mlc_buf text = {0};
    mlc_buf again = {0};
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_order_status_print(&status, &text, &err), MLC_OK);
    assert_int_equal(mlc_order_status_parse(mlc_buf_text(&text), text.len, &back, &err), MLC_OK);
    assert_int_equal(back.line_count, 2);
    assert_false(back.purchase);
    assert_string_equal(back.lines[0].backordered, "2");
    assert_string_equal(back.lines[0].ship_date, "2026-11-28");
    assert_null(back.lines[1].backordered);
    assert_int_equal(mlc_order_status_print(&back, &again, &err), MLC_OK);
    assert_string_equal(mlc_buf_text(&again), mlc_buf_text(&text));
    mlc_order_status_free(&back);
    mlc_order_status_free(&back);
    mlc_buf_free(&text);
    mlc_buf_free(&again);
}

static void expect_refused(const char *text, const char *words)
{
    mlc_order_status status;
    mlc_error err;
    assert_int_equal(mlc_order_status_parse(text, strlen(text), &status, &err), MLC_E_INVALID);
    assert_null(status.tree);
    assert_null(status.lines);
    if (strstr(err.message, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
}

static void faults_are_named(void **state)
{
    (void)state;
    expect_refused("{\"kind\":\"order.result\"}", "kind: ");
    expect_refused("{\"kind\":\"order.status\",\"target\":\"stock\",\"lines\":{}}", "target: must be");
    expect_refused(
        "{\"kind\":\"order.status\",\"target\":\"sales\",\"id\":\"17\",\"version\":\"1x\",\"status\":\"S\","
        "\"lines\":["
        "{\"line\":0,\"shipped\":\"three\"}]}",
        "id: \"17\" is no GUID; version: has characters other than digits and points; doco: is missing; "
        "line: must be a number above zero; line 0 shipped: \"three\" is no number");
    expect_refused("{\"kind\":\"order.status\",\"target\":\"sales\",\"lines\":[1]}",
                   "lines: each must be an object");
}

static void expect_word(const char *word, bool purchase, const char *hold, mlc_order_status_line a,
                        mlc_order_status_line b)
{
    mlc_order_status_line lines[2] = {a, b};
    const mlc_order_status status = {.purchase = purchase, .hold = hold, .lines = lines, .line_count = 2};
    assert_string_equal(mlc_order_status_word(&status), word);
}

static void lines_amount_to_a_word(void **state)
{
    const mlc_order_status_line open = {.ordered = "5", .shipped = "0", .cancelled = "0"};
    const mlc_order_status_line part = {.ordered = "5", .shipped = "4.5", .backordered = "0.5"};
    const mlc_order_status_line sent = {.ordered = "5", .shipped = "4", .cancelled = "1"};
    const mlc_order_status_line dead = {.ordered = "5", .cancelled = "5"};
    const mlc_order_status_line waits = {.ordered = "5", .backordered = "5"};
    (void)state;
    expect_word("Created", false, "", open, open);
    expect_word("On hold", false, "C1", open, waits);
    expect_word("Back-ordered", false, NULL, open, waits);
    expect_word("Partly shipped", false, "C1", open, part);
    expect_word("Partly shipped", false, "", sent, open);
    expect_word("Shipped", false, "", sent, dead);
    expect_word("Cancelled", false, "", dead, dead);
    expect_word("Received", true, "", sent, sent);
    expect_word("Partly received", true, "", sent, open);
}

static void an_order_without_lines_is_not_shipped(void **state)
{
    const mlc_order_status status = {0};
    (void)state;
    assert_string_equal(mlc_order_status_word(&status), "Created");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printed_is_read_back),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(lines_amount_to_a_word),
        cmocka_unit_test(an_order_without_lines_is_not_shipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
