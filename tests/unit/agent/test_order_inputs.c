/* test_order_inputs.c - a canonical order as orchestration inputs, and the order number in an answer. */
#include "agent/order_inputs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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

static void inputs_carry_exact_numbers(void **state)
{
    mlc_order_line lines[2];
    const mlc_order order = sample(lines);
    cJSON *inputs = NULL;
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_order_orchestration_inputs(&order, &target, &inputs, &err), MLC_OK);
    char *const text = mlc_json_print(inputs);
    assert_string_equal(
        text,
        "{\"Lines\":[{\"LineNumber\":1,\"ItemNumber\":\"ITEM-00001\",\"Quantity\":5,\"UnitOfMeasure\":\"EA\","
        "\"UnitPrice\":250.1234,\"Description\":\"Pump\"},{\"LineNumber\":2,\"ItemNumber\":\"ITEM-00002\","
        "\"Quantity\":0.5,\"UnitPrice\":10}],\"Reference\":\"REF\",\"Reference2\":\"ORD-1\",\"OrderType\":"
        "\"SO\","
        "\"OrderCompany\":\"00001\",\"BranchPlant\":\"30\",\"SoldTo\":\"6001\",\"ShipTo\":\"6001\","
        "\"CurrencyCode\":\"USD\",\"OrderDate\":\"2026-11-23\"}");
    cJSON_free(text);
    cJSON_Delete(inputs);
}

static void a_bad_number_is_refused(void **state)
{
    mlc_order_line lines[2];
    mlc_order order = sample(lines);
    cJSON *inputs = NULL;
    mlc_error err;
    (void)state;
    lines[1].quantity = "five";
    assert_int_equal(mlc_order_orchestration_inputs(&order, &target, &inputs, &err), MLC_E_INVALID);
    assert_null(inputs);
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
        cmocka_unit_test(a_bad_number_is_refused),
        cmocka_unit_test(order_number_is_found_at_any_depth),
        cmocka_unit_test(an_answer_without_a_number_gives_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
