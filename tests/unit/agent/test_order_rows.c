/* test_order_rows.c - rows of JDE become the status of one of our orders; those of other orders are silent. */
#include "agent/order_rows.h"

#include "crypto/crypto.h"
#include "record/order_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define GUID "01234567-89ab-cdef-0123-456789abcdef"

static const char *reference(void)
{
    static char text[MLC_BASE36_128_MAX];
    assert_int_equal(mlc_uuid_to_base36(GUID, text, NULL), MLC_OK);
    return text;
}

/* Shape `lines` of an order with this reference; false: it is silent. */
static bool shape(const char *tables, const char *vr01, const char *lines, bool gone, mlc_order_status *out)
{
    const bool purchase = strcmp(tables, "purchase") == 0;
    mlc_buf text = {0};
    mlc_buf payload = {0};
    cJSON *rows = NULL;
    bool silent = false;
    mlc_error err;
    assert_int_equal(
        mlc_buf_printf(
            &text, NULL,
            "{\"%s\":{\"DOCO\":\"1001\",\"DCTO\":\"SO\",\"KCOO\":\"00001\",\"VR01\":\"%s\",\"HOLD\":\"\"},"
            "\"%s\":[%s]}",
            purchase ? "F4301" : "F4201", vr01, purchase ? "F4311" : "F4211", lines),
        MLC_OK);
    assert_int_equal(mlc_json_parse(mlc_buf_text(&text), text.len, 0, 0, &rows, &err), MLC_OK);
    const mlc_code code = mlc_order_rows_shape("1001/SO/00001", rows, gone, "7.1.1", &payload, &silent, &err);
    if (code != MLC_OK)
        fail_msg("%s", err.message);
    if (!silent && mlc_order_status_parse(mlc_buf_text(&payload), payload.len, out, &err) != MLC_OK)
        fail_msg("%s", err.message);
    mlc_buf_free(&text);
    mlc_buf_free(&payload);
    cJSON_Delete(rows);
    return !silent;
}

static void parts_of_a_line_are_added_up(void **state)
{
    mlc_order_status s = {0};
    (void)state;
    assert_true(shape("sales", reference(),
                      "{\"LNID\":\"1.000\",\"LITM\":\"A\",\"LTTR\":\"620\",\"NXTR\":\"999\",\"UORG\":\"3\","
                      "\"SOQS\":\"3\",\"SOBK\":\"0\","
                      "\"ADDJ\":\"2026-11-28\",\"DRQJ\":\"2026-11-30\"},"
                      "{\"LNID\":\"1.001\",\"LITM\":\"A\",\"LTTR\":\"540\",\"NXTR\":\"560\",\"UORG\":\"2\","
                      "\"SOQS\":\"0\",\"SOBK\":\"2\","
                      "\"ADDJ\":\"\"},"
                      "{\"LNID\":\"2\",\"LITM\":\"B\",\"LTTR\":\"520\",\"NXTR\":\"540\",\"UORG\":\"1.5\","
                      "\"SOQS\":\"1.5\",\"ADDJ\":\"\"}",
                      false, &s));
    assert_string_equal(s.id, GUID);
    assert_string_equal(s.version, "7.1.1");
    assert_string_equal(s.status, "Partly shipped");
    assert_int_equal(s.line_count, 2);
    assert_non_null(s.lines);
    if (s.lines == NULL) /* for the analyser, which takes assertions for ordinary calls */
        return;
    assert_string_equal(s.lines[0].last, "540");
    assert_string_equal(s.lines[0].ordered, "5");
    assert_string_equal(s.lines[0].shipped, "3");
    assert_string_equal(s.lines[0].backordered, "2");
    assert_string_equal(s.lines[0].ship_date, "2026-11-28");
    assert_string_equal(s.lines[1].shipped, "0"); /* to be shipped, and not yet */
    mlc_order_status_free(&s);
}

static void what_is_received_counts_of_purchase_orders(void **state)
{
    mlc_order_status s = {0};
    (void)state;
    assert_true(shape("purchase", reference(), "{\"LNID\":\"1\",\"UORG\":\"4\",\"UREC\":\"4\"}", false, &s));
    assert_true(s.purchase);
    assert_string_equal(s.status, "Received");
    mlc_order_status_free(&s);
}

static void other_orders_are_silent(void **state)
{
    mlc_order_status s = {0};
    (void)state;
    assert_false(shape("sales", "", "{\"LNID\":\"x\"}", false, &s));
    assert_false(shape("sales", "PO 4711", "{\"LNID\":\"x\"}", false, &s));
    assert_false(shape("sales", "ABCDEFGHIJKLMNOPQRSTUVWX-", "{\"LNID\":\"x\"}", false, &s));
    assert_false(
        shape("sales", "ZZZZZZZZZZZZZZZZZZZZZZZZZ", "{\"LNID\":\"x\"}", false, &s)); /* no id is that large */
    assert_false(shape("sales", reference(), "", true, &s));
}

static void an_unreadable_quantity_names_its_column(void **state)
{
    char text[256];
    mlc_buf payload = {0};
    cJSON *rows = NULL;
    bool silent = false;
    mlc_error err;
    (void)state;
    (void)snprintf(text, sizeof text,
                   "{\"F4201\":{\"VR01\":\"%s\"},\"F4211\":[{\"LNID\":\"1\",\"UORG\":\"five\"}]}",
                   reference());
    assert_int_equal(mlc_json_parse(text, strlen(text), 0, 0, &rows, &err), MLC_OK);
    assert_int_equal(mlc_order_rows_shape("1", rows, false, "7.1.1", &payload, &silent, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "UORG \"five\" is no quantity"));
    mlc_buf_free(&payload);
    cJSON_Delete(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_of_a_line_are_added_up),
        cmocka_unit_test(what_is_received_counts_of_purchase_orders),
        cmocka_unit_test(other_orders_are_silent),
        cmocka_unit_test(an_unreadable_quantity_names_its_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
