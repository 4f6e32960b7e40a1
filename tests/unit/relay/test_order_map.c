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
    mlc_order order = {0};
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

/* Two lines worth 29 and 71 without tax; 10 % off, freight 12.50, tax 1.25: 103.75. */
#define LINE_A                                                                                               \
    "{\"lineitemnumber\":1,\"quantity\":3,\"priceperunit\":10,\"manualdiscountamount\":0.6,"                 \
    "\"volumediscountamount\":0.4,\"extendedamount\":29,\"productid\":{\"productnumber\":\"A\",\"name\":"    \
    "\"a\"}}"
#define LINE_B                                                                                               \
    "{\"lineitemnumber\":2,\"quantity\":2,\"priceperunit\":35.5,\"tax\":1.25,\"extendedamount\":72.25,"      \
    "\"requestdeliveryby\":\"2026-12-05T00:00:00Z\",\"productid\":{\"productnumber\":\"B\",\"name\":\"b\"}}"
#define HEAD(more)                                                                                           \
    "{\"salesorderid\":\"01234567-89ab-cdef-0123-456789abcdef\",\"ordernumber\":\"ORD-1\","                  \
    "\"freightamount\":12.5,\"customerid_account\":{\"accountnumber\":\"6001\",\"name\":\"Acme\","           \
    "\"address1_line1\":\"Street 1\",\"address1_city\":\"Brno\"}," more "}"

static mlc_code map_with(const mlc_order_map_options *how, const char *head, const char *rows,
                         mlc_order *order, mlc_error *err)
{
    cJSON *const header = tree_of(head);
    cJSON *const lines = tree_of(rows);
    mlc_buf out = {0};
    mlc_code code = mlc_order_map(header, lines, how, &out, err);
    if (code == MLC_OK)
        code = mlc_order_parse(mlc_buf_text(&out), out.len, order, err);
    mlc_buf_free(&out);
    cJSON_Delete(header);
    cJSON_Delete(lines);
    return code;
}

static void discounts_freight_and_dates_are_mapped(void **state)
{
    mlc_order order = {0};
    mlc_error err;
    (void)state;
    if (map_with(&options, HEAD("\"totalamount\":103.75,\"discountpercentage\":10"),
                 "[" LINE_A "," LINE_B "]", &order, &err) != MLC_OK)
        fail_msg("%s", err.message);
    assert_string_equal(order.header_discount, "10");
    assert_string_equal(order.freight, "12.5");
    if (order.lines == NULL) { /* for the analyser, which takes assertions for ordinary calls */
        fail_msg("an order without lines");
        return;
    }
    assert_string_equal(order.lines[0].discount, "1.0");
    assert_string_equal(order.lines[1].deliver_on, "2026-12-05");
    assert_null(order.ship_to_address.line1);
    assert_null(order.customer_reference);
    mlc_order_free(&order);
    assert_int_equal(map_with(&options,
                              HEAD("\"totalamount\":93.75,\"discountamount\":10,\"discountpercentage\":10"),
                              "[" LINE_A "," LINE_B "]", &order, &err),
                     MLC_OK);
    assert_string_equal(order.header_discount, "20");
    mlc_order_free(&order);
}

static void a_total_that_does_not_fit_is_a_fault(void **state)
{
    mlc_order order = {0};
    mlc_error err;
    (void)state;
    assert_int_equal(map_with(&options, HEAD("\"totalamount\":103.70,\"discountpercentage\":10"),
                              "[" LINE_A "," LINE_B "]", &order, &err),
                     MLC_E_INVALID);
    assert_non_null(strstr(err.message, "total: 103.70 is not the sum"));
    assert_int_equal(
        map_with(&options, HEAD("\"totalamount\":103.75"), "[" LINE_A "," LINE_B "]", &order, &err),
        MLC_E_INVALID);
}

static void an_address_counts_when_it_differs(void **state)
{
    mlc_order order = {0};
    mlc_error err;
    (void)state;
    assert_int_equal(
        map_with(&options,
                 HEAD("\"totalamount\":41.5,\"shipto_line1\":\"Street 1\",\"shipto_city\":\"Brno\","
                      "\"shipto_country\":\" \""),
                 "[" LINE_A "]", &order, &err),
        MLC_OK);
    assert_null(order.ship_to_address.city);
    mlc_order_free(&order);
    assert_int_equal(
        map_with(&options,
                 HEAD("\"totalamount\":41.5,\"shipto_line1\":\"Street 2\",\"shipto_city\":\"Brno\""),
                 "[" LINE_A "]", &order, &err),
        MLC_OK);
    assert_string_equal(order.ship_to_address.line1, "Street 2");
    assert_string_equal(order.ship_to_address.name, "Acme");
    assert_null(order.ship_to_address.country);
    mlc_order_free(&order);
}

static void a_write_in_is_a_fault_or_has_an_item(void **state)
{
    static const char head[] = HEAD("\"totalamount\":21.5,\"name\":\"PO 7\"");
    static const char rows[] =
        "[{\"lineitemnumber\":1,\"isproductoverridden\":true,\"quantity\":1,\"priceperunit\":9,"
        "\"extendedamount\":9,\"productdescription\":\"Special pump\",\"productid\":null}]";
    const mlc_order_map_options how = {
        .prefix = "ml_", .customer_reference = "name", .write_in_item = "MISC"};
    mlc_order order = {0};
    mlc_error err;
    (void)state;
    assert_int_equal(map_with(&options, head, rows, &order, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "line 1 item: \"Special pump\" is a write-in product"));
    assert_int_equal(map_with(&how, head, rows, &order, &err), MLC_OK);
    if (order.lines == NULL) { /* for the analyser, which takes assertions for ordinary calls */
        fail_msg("an order without lines");
        return;
    }
    assert_string_equal(order.lines[0].item, "MISC");
    assert_string_equal(order.lines[0].description, "Special pump");
    assert_string_equal(order.customer_reference, "PO 7");
    mlc_order_free(&order);
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
        cmocka_unit_test(discounts_freight_and_dates_are_mapped),
        cmocka_unit_test(a_total_that_does_not_fit_is_a_fault),
        cmocka_unit_test(an_address_counts_when_it_differs),
        cmocka_unit_test(a_write_in_is_a_fault_or_has_an_item),
        cmocka_unit_test(an_order_without_lines_is_refused),
        cmocka_unit_test(jde_number_on_the_header_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
