/* test_order_inputs.c - a canonical order as orchestration inputs, and the order number in an answer. */
#include "agent/order_inputs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const mlc_order_target target = {.order_type = "SO",
                                        .company = "00001",
                                        .branch_plant = "30",
                                        .form_name = "P4210_W4210A",
                                        .form_version = "ZJDE0001"};

static mlc_order sample(mlc_order_line *lines)
{
    lines[0] = (mlc_order_line){.line = 1,
                                .item = "ITEM-00001",
                                .quantity = "5.0000000000",
                                .uom = "EA",
                                .price = "250.1234",
                                .description = "Pump"};
    lines[1] = (mlc_order_line){.line = 2, .item = "ITEM-00002", .quantity = "0.5", .price = "10"};
    return (mlc_order){.id = "01234567-89ab-cdef-0123-456789abcdef",
                       .reference = "REF",
                       .number = "ORD-1",
                       .customer = "6001",
                       .currency = "USD",
                       .order_date = "2026-11-23",
                       .lines = lines,
                       .line_count = 2};
}

static cJSON *inputs_of(const mlc_order *order, const mlc_order_target *how)
{
    mlc_map *map = NULL;
    cJSON *inputs = NULL;
    mlc_error err;
    if (mlc_map_load_default(how->purchase ? "purchase-order" : "order", &map, &err) != MLC_OK ||
        mlc_order_orchestration_inputs(map, order, how, &inputs, &err) != MLC_OK)
        fail_msg("%s", err.message);
    mlc_map_free(map);
    return inputs;
}

static void expect_text(cJSON *tree, const char *expected)
{
    char *const text = mlc_json_print(tree);
    assert_non_null(text);
    if (strcmp(text, expected) != 0)
        fail_msg("%s\nnot\n%s", text, expected);
    free(text);
    cJSON_Delete(tree);
}

static void inputs_carry_exact_numbers(void **state)
{
    mlc_order_line lines[2];
    const mlc_order order = sample(lines);
    cJSON *const inputs = inputs_of(&order, &target);
    (void)state;
    expect_text(
        inputs,
        "{\"Reference\":\"REF\",\"Reference2\":\"ORD-1\",\"OrderType\":\"SO\",\"OrderCompany\":\"00001\","
        "\"BranchPlant\":\"30\",\"SoldTo\":\"6001\",\"ShipTo\":\"6001\",\"CurrencyCode\":\"USD\","
        "\"OrderDate\":\"2026-11-23\",\"Lines\":[{\"LineNumber\":1,\"ItemNumber\":\"ITEM-00001\","
        "\"Quantity\":5,\"UnitOfMeasure\":\"EA\",\"UnitPrice\":250.1234,\"Description\":\"Pump\"},"
        "{\"LineNumber\":2,\"ItemNumber\":\"ITEM-00002\",\"Quantity\":0.5,\"UnitPrice\":10}]}");
}

/* 3 x 10 - 1 = 29 and 2 x 35.5 = 71; 10 off the whole: 2.90 and 7.10. */
static mlc_order discounted(mlc_order_line *lines)
{
    mlc_order order = sample(lines);
    lines[0] = (mlc_order_line){.line = 1, .item = "A", .quantity = "3", .price = "10", .discount = "1"};
    lines[1] = (mlc_order_line){
        .line = 2, .item = "B", .quantity = "2", .price = "35.5", .deliver_on = "2026-12-01"};
    order.header_discount = "10";
    order.freight = "12.50";
    order.customer_reference = "PO 77";
    order.ship_to_address =
        (mlc_order_address){.name = "Site", .line1 = "Street 1", .city = "Brno", .country = "cz"};
    return order;
}

static cJSON *lines_of(cJSON *inputs)
{
    cJSON *const lines = cJSON_DetachItemFromObject(inputs, "Lines");
    cJSON_Delete(inputs);
    return lines;
}

static void discounts_stand_beside_the_price(void **state)
{
    mlc_order_line lines[2];
    const mlc_order order = discounted(lines);
    (void)state;
    expect_text(
        lines_of(inputs_of(&order, &target)),
        "[{\"LineNumber\":1,\"ItemNumber\":\"A\",\"Quantity\":3,\"UnitPrice\":10,\"DiscountAmount\":3.9},"
        "{\"LineNumber\":2,\"ItemNumber\":\"B\",\"Quantity\":2,\"UnitPrice\":35.5,\"DiscountAmount\":7.1,"
        "\"RequestedDate\":\"2026-12-01\"}]");
}

static void discounts_go_into_the_price_and_freight_onto_a_line(void **state)
{
    mlc_order_line lines[2];
    const mlc_order order = discounted(lines);
    mlc_order_target how = target;
    (void)state;
    how.net_price = true;
    how.freight_item = "FREIGHT";
    how.freight_line_type = "F";
    expect_text(
        lines_of(inputs_of(&order, &how)),
        "[{\"LineNumber\":1,\"ItemNumber\":\"A\",\"Quantity\":3,\"UnitPrice\":8.7,\"ExtendedPrice\":26.1},"
        "{\"LineNumber\":2,\"ItemNumber\":\"B\",\"Quantity\":2,\"UnitPrice\":31.95,\"ExtendedPrice\":63.9,"
        "\"RequestedDate\":\"2026-12-01\"},{\"LineNumber\":3,\"ItemNumber\":\"FREIGHT\",\"Quantity\":1,"
        "\"UnitPrice\":12.5,\"LineType\":\"F\",\"Description\":\"Freight\"}]");
}

static void address_and_reference_of_the_order_are_inputs(void **state)
{
    mlc_order_line lines[2];
    const mlc_order order = discounted(lines);
    cJSON *const inputs = inputs_of(&order, &target);
    (void)state;
    assert_string_equal(mlc_json_str(inputs, "Reference2"), "PO 77");
    assert_string_equal(mlc_json_str(inputs, "ShipToName"), "Site");
    assert_string_equal(mlc_json_str(inputs, "ShipToCountry"), "CZ");
    assert_null(mlc_json_get(inputs, "ShipToState"));
    cJSON_Delete(inputs);
}

static void a_purchase_order_is_from_the_supplier_that_is_set(void **state)
{
    mlc_order_line lines[2];
    const mlc_order order = discounted(lines);
    mlc_order_target how = target;
    (void)state;
    how.purchase = true;
    how.order_type = "OP";
    how.supplier = "4000000";
    cJSON *const inputs = inputs_of(&order, &how);
    assert_string_equal(mlc_json_str(inputs, "Supplier"), "4000000");
    assert_string_equal(mlc_json_str(inputs, "OrderType"), "OP");
    assert_null(mlc_json_get(inputs, "SoldTo"));
    cJSON_Delete(lines_of(inputs));
}

static void a_discount_that_nothing_can_bear_is_refused(void **state)
{
    mlc_order_line lines[2];
    mlc_order order = discounted(lines);
    cJSON *record = NULL;
    mlc_error err;
    (void)state;
    lines[0].price = "0";
    lines[0].discount = NULL;
    lines[1].price = "0";
    assert_int_equal(mlc_order_input_record(&order, &target, &record, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "headerDiscount"));
    assert_null(record);
}

static void a_bad_number_is_refused(void **state)
{
    mlc_order_line lines[2];
    mlc_order order = sample(lines);
    cJSON *inputs = NULL;
    mlc_error err;
    (void)state;
    lines[1].quantity = "five";
    mlc_map *map = NULL;
    assert_int_equal(mlc_map_load_default("order", &map, &err), MLC_OK);
    assert_int_equal(mlc_order_orchestration_inputs(map, &order, &target, &inputs, &err), MLC_E_INVALID);
    assert_null(inputs);
    mlc_map_free(map);
}

static void order_number_is_found_at_any_depth(void **state)
{
    static const char answer[] =
        "{\"jde__status\":\"SUCCESS\",\"out\":[{\"DOCO\":1234,\"DCTO\":\"SO\",\"KCOO\":\"00001\"}]}";
    cJSON *tree = NULL;
    mlc_jde_order_key key;
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_json_parse(answer, strlen(answer), 0, 0, &tree, &err), MLC_OK);
    assert_true(mlc_order_key_find(tree, &key));
    assert_string_equal(key.doco, "1234");
    assert_string_equal(key.dcto, "SO");
    assert_string_equal(key.kcoo, "00001");
    cJSON_Delete(tree);
}

static void an_answer_without_a_number_gives_none(void **state)
{
    static const char answer[] = "{\"DOCO\":\"\",\"a\":{\"b\":[1,2]}}";
    cJSON *tree = NULL;
    mlc_jde_order_key key;
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_json_parse(answer, strlen(answer), 0, 0, &tree, &err), MLC_OK);
    assert_false(mlc_order_key_find(tree, &key));
    cJSON_Delete(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inputs_carry_exact_numbers),
        cmocka_unit_test(discounts_stand_beside_the_price),
        cmocka_unit_test(discounts_go_into_the_price_and_freight_onto_a_line),
        cmocka_unit_test(address_and_reference_of_the_order_are_inputs),
        cmocka_unit_test(a_purchase_order_is_from_the_supplier_that_is_set),
        cmocka_unit_test(a_discount_that_nothing_can_bear_is_refused),
        cmocka_unit_test(a_bad_number_is_refused),
        cmocka_unit_test(order_number_is_found_at_any_depth),
        cmocka_unit_test(an_answer_without_a_number_gives_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
