/* test_order_map.c - a Dynamics order becomes a canonical order, exactly, or is refused with every fault named. */
#include "relay/order_map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const mlc_order_map_options options = {.prefix = "ml_"};
static const char header_text[] =
    "{\"salesorderid\":\"01234567-89ab-cdef-0123-456789abcdef\",\"name\":\"x\",\"ordernumber\":\"ORD-01000\","
    "\"totalamount\":1250.0000,\"requestdeliveryby\":\"2026-11-30\",\"createdon\":\"2026-11-23T10:00:00Z\","
    "\"ml_jdeordernumber\":null,\"customerid_account\":{\"accountnumber\":\"6001\"},"
    "\"transactioncurrencyid\":{\"isocurrencycode\":\"USD\"}}";
static const char lines_text[] =
    "[{\"salesorderdetailid\":\"11111111-89ab-cdef-0123-456789abcdef\",\"lineitemnumber\":1,\"quantity\":5."
    "0000000000,"
    "\"priceperunit\":250.0000,\"manualdiscountamount\":0.0000,\"tax\":null,\"extendedamount\":1250.0000,"
    "\"productdescription\":null,\"productid\":{\"productnumber\":\"ITEM-00001\",\"name\":\"Pump\"},"
    "\"uomid\":{\"name\":\"EA\"}}]";

static cJSON *tree_of(const char *text)
{
    cJSON *tree = NULL;
    mlc_error err;
    assert_int_equal(mlc_json_parse(text, strlen(text), 0, 0, &tree, &err), MLC_OK);
    return tree;
}

static void order_is_mapped_exactly(void **state)
{
    cJSON *const header = tree_of(header_text);
    cJSON *const lines = tree_of(lines_text);
    mlc_buf out = {0};
    mlc_order order;
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_order_map(header, lines, &options, &out, &err), MLC_OK);
    assert_int_equal(mlc_order_parse(mlc_buf_text(&out), out.len, &order, &err), MLC_OK);
    assert_string_equal(order.customer, "6001");
    assert_string_equal(order.currency, "USD");
    assert_string_equal(order.requested_date, "2026-11-30");
    assert_string_equal(order.order_date, "2026-11-23");
    assert_int_equal(strlen(order.reference), 25);
    assert_int_equal(order.line_count, 1);
    assert_string_equal(order.lines[0].item, "ITEM-00001");
    assert_string_equal(order.lines[0].price, "250.0000");
    assert_string_equal(order.lines[0].description, "Pump");
    mlc_order_free(&order);
    mlc_buf_free(&out);
    cJSON_Delete(header);
    cJSON_Delete(lines);
}

static void every_fault_is_named(void **state)
{
    cJSON *const header =
        tree_of("{\"salesorderid\":\"01234567-89ab-cdef-0123-456789abcdef\",\"totalamount\":1}");
    cJSON *const lines = tree_of("[{\"quantity\":0,\"priceperunit\":1}]");
    mlc_buf out = {0};
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_order_map(header, lines, &options, &out, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "customer"));
    assert_non_null(strstr(err.message, "item"));
    assert_non_null(strstr(err.message, "quantity"));
    assert_int_equal(out.len, 0);
    cJSON_Delete(header);
    cJSON_Delete(lines);
}

static void an_order_without_lines_is_refused(void **state)
{
    cJSON *const header = tree_of(header_text);
    cJSON *const lines = tree_of("[]");
    mlc_buf out = {0};
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_order_map(header, lines, &options, &out, &err), MLC_E_INVALID);
    cJSON_Delete(header);
    cJSON_Delete(lines);
}

static void jde_number_on_the_header_is_seen(void **state)
{
    cJSON *const with = tree_of("{\"ml_jdeordernumber\":\"1234\"}");
    cJSON *const without = tree_of(header_text);
    (void)state;
    assert_string_equal(mlc_order_jde_number(with, "ml_"), "1234");
    assert_null(mlc_order_jde_number(without, "ml_"));
    cJSON_Delete(with);
    cJSON_Delete(without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_mapped_exactly),
        cmocka_unit_test(every_fault_is_named),
        cmocka_unit_test(an_order_without_lines_is_refused),
        cmocka_unit_test(jde_number_on_the_header_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
