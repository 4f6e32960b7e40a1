/* An order's amounts: they must add up exactly, and its discount is spread without losing a hundredth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/order_amounts.h"

#include <stdio.h>
#include <string.h>

static void expect_fault(const mlc_order *order, const char *words)
{
    mlc_faults faults = {0};
    mlc_order_check_amounts(order, &faults);
    if (words == NULL ? faults.count != 0 : strstr(faults.text, words) == NULL)
        fail_msg("\"%s\", wanted \"%s\"", faults.text, words != NULL ? words : "none");
}

static mlc_order sample(mlc_order_line lines[2])
{
    lines[0] = (mlc_order_line){.line = 1,
                                .item = "A",
                                .quantity = "3",
                                .price = "10.00",
                                .discount = "1",
                                .tax = "2.50",
                                .amount = "31.5000"};
    lines[1] = (mlc_order_line){.line = 2, .item = "B", .quantity = "2.5", .price = "4", .amount = "10"};
    return (mlc_order){
        .total = "49", .header_discount = "5", .freight = "12.5", .lines = lines, .line_count = 2};
}

static void amounts_that_add_up_pass(void **state)
{
    mlc_order_line lines[2];
    mlc_order order = sample(lines);
    (void)state;
    expect_fault(&order, NULL);
    lines[0].amount = "31.5049"; /* Dynamics rounds a line */
    order.total = "49.0049";
    expect_fault(&order, NULL);
    lines[1].amount = NULL; /* then the sum is not known */
    expect_fault(&order, NULL);
}

static void a_total_that_is_not_the_sum_is_a_fault(void **state)
{
    mlc_order_line lines[2];
    mlc_order order = sample(lines);
    (void)state;
    order.total = "49.0001";
    expect_fault(&order,
                 "total: 49.0001 is not the sum of the lines less discount plus freight, which is 49");
    order = sample(lines);
    order.freight = NULL;
    expect_fault(&order, "which is 36.5");
}

static void a_line_that_is_not_its_product_is_a_fault(void **state)
{
    mlc_order_line lines[2];
    const mlc_order order = sample(lines);
    (void)state;
    lines[0].amount = "31.51";
    expect_fault(&order,
                 "line 1 (A) amount: 31.51 is not quantity x price less discount plus tax, which is 31.5");
}

static void expect_share(const mlc_order_share *share, const char *discount, const char *net)
{
    char text[MLC_DECIMAL_TEXT_MAX];
    assert_string_equal(mlc_decimal_text(mlc_decimal_normalize(share->discount), text), discount);
    assert_string_equal(mlc_decimal_text(mlc_decimal_normalize(share->net), text), net);
}

static void a_discount_is_spread_to_the_last_hundredth(void **state)
{
    mlc_order_line lines[3] = {{.line = 1, .quantity = "1", .price = "1"},
                               {.line = 2, .quantity = "1", .price = "1", .discount = "0.25"},
                               {.line = 3, .quantity = "1", .price = "1.25"}};
    const mlc_order order = {.header_discount = "1", .lines = lines, .line_count = 3};
    mlc_order_share shares[3];
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_order_spread(&order, shares, &err), MLC_OK);
    expect_share(&shares[0], "0.33", "0.67");
    expect_share(&shares[1], "0.5", "0.5");
    expect_share(&shares[2], "0.42", "0.83");
}

static void lines_worth_nothing_bear_no_discount(void **state)
{
    mlc_order_line lines[3] = {{.line = 1, .quantity = "1", .price = "7"},
                               {.line = 2, .quantity = "1", .price = "0"},
                               {.line = 3, .quantity = "2", .price = NULL}};
    mlc_order order = {.header_discount = "3", .lines = lines, .line_count = 3};
    mlc_order_share shares[3];
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_order_spread(&order, shares, &err), MLC_OK);
    expect_share(&shares[0], "3", "4");
    expect_share(&shares[1], "0", "0");
    lines[0].price = "0";
    assert_int_equal(mlc_order_spread(&order, shares, &err), MLC_E_INVALID);
    order.header_discount = "-3";
    assert_int_equal(mlc_order_spread(&order, shares, &err), MLC_E_INVALID);
    order.header_discount = NULL;
    assert_int_equal(mlc_order_spread(&order, shares, &err), MLC_OK);
}

/* Whatever the amounts: what is spread adds up to what was to be spread. */
static void shares_add_up_exactly(void **state)
{
    mlc_order_line lines[7] = {{0}};
    char prices[7][16];
    mlc_order_share shares[7];
    mlc_error err;
    uint32_t random = 12345;
    (void)state;
    for (int round = 0; round < 500; round++) {
        char discount[16];
        for (int i = 0; i < 7; i++) {
            random = random * 1664525U + 1013904223U;
            (void)snprintf(prices[i], sizeof prices[i], "%u.%02u", (random >> 8) % 5000, (random >> 3) % 100);
            lines[i] = (mlc_order_line){.line = i + 1, .quantity = "3", .price = prices[i]};
        }
        (void)snprintf(discount, sizeof discount, "%u.%02u", (random >> 12) % 900, random % 100);
        const mlc_order order = {.header_discount = discount, .lines = lines, .line_count = 7};
        mlc_decimal sum = {0};
        mlc_decimal wanted;
        assert_int_equal(mlc_decimal_parse(discount, &wanted, &err), MLC_OK);
        assert_int_equal(mlc_order_spread(&order, shares, &err), MLC_OK);
        for (int i = 0; i < 7; i++)
            assert_int_equal(mlc_decimal_add(sum, shares[i].discount, &sum, &err), MLC_OK);
        assert_int_equal(mlc_decimal_cmp(sum, wanted), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_that_add_up_pass),
        cmocka_unit_test(a_total_that_is_not_the_sum_is_a_fault),
        cmocka_unit_test(a_line_that_is_not_its_product_is_a_fault),
        cmocka_unit_test(a_discount_is_spread_to_the_last_hundredth),
        cmocka_unit_test(lines_worth_nothing_bear_no_discount),
        cmocka_unit_test(shares_add_up_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
