/* Exact decimals: parsing keeps the value or refuses, arithmetic never rounds in silence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/decimal.h"

#include <string.h>

static mlc_decimal dec(const char *text)
{
    mlc_decimal value = {0};
    mlc_error err;
    if (mlc_decimal_parse(text, &value, &err) != MLC_OK)
        fail_msg("%s", err.message);
    return value;
}

static void assert_text(mlc_decimal value, const char *expected)
{
    char text[MLC_DECIMAL_TEXT_MAX];
    assert_string_equal(mlc_decimal_text(value, text), expected);
}

static void test_parse_keeps_written_scale(void **state)
{
    (void)state;
    static const char *const same[] = {"0",
                                       "0.00",
                                       "-12.3400",
                                       "0.000000000000000001",
                                       "-0.5",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "-9.223372036854775808",
                                       "100"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_text(dec(same[i]), same[i]);
    assert_text(dec("1e3"), "1000");
    assert_text(dec("1.5E-2"), "0.015");
    assert_text(dec("1.50e+1"), "15.0");
    assert_text(dec("007.10"), "7.10");
    assert_text(dec("0e99"), "0");
    assert_text(dec("-0.0"), "0.0");
}

static void test_parse_gives_up_only_trailing_zeros(void **state)
{
    (void)state;
    assert_text(dec("1.00000000000000000000000"), "1.000000000000000000");
    assert_text(dec("100000000000000000.0000"), "100000000000000000.0");
    assert_text(dec("9223372036854775807.000"), "9223372036854775807");
    assert_text(dec("0.00000000000000000000000000"), "0.000000000000000000");
    assert_text(dec("10000000000000000000000e-10"), "1000000000000.000000");
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const char *const malformed[] = {"",   "-",   "+1",   " 1",  "1 ",    "1,5", "1.",    ".5", "1..2",
                                            "1e", "1e+", "0x10", "nan", "1.2.3", "--1", "1e1.5", "inf"};
    static const char *const too_large[] = {"9223372036854775808",    "-9223372036854775809",
                                            "0.0000000000000000001",  "1e19",
                                            "1e99999999999999999999", "1e-99999999999999999999",
                                            "1.1234567890123456789",  "12345678901234567890123"};
    mlc_decimal value;
    mlc_error err;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        if (mlc_decimal_parse(malformed[i], &value, &err) != MLC_E_INVALID)
            fail_msg("accepted \"%s\"", malformed[i]);
    for (size_t i = 0; i < sizeof too_large / sizeof *too_large; i++)
        if (mlc_decimal_parse(too_large[i], &value, &err) != MLC_E_LIMIT)
            fail_msg("accepted \"%s\"", too_large[i]);
    assert_int_equal(mlc_decimal_parse(NULL, &value, NULL), MLC_E_INVALID);
}

static void test_implied_decimals(void **state)
{
    (void)state;
    mlc_decimal value;
    int64_t stored = 0;
    assert_int_equal(mlc_decimal_from_implied(1234, 2, &value, NULL), MLC_OK);
    assert_text(value, "12.34");
    assert_int_equal(mlc_decimal_to_implied(dec("12.3"), 2, &stored, NULL), MLC_OK);
    assert_int_equal(stored, 1230);
    assert_int_equal(mlc_decimal_to_implied(dec("-12.3400"), 2, &stored, NULL), MLC_OK);
    assert_int_equal(stored, -1234);
    assert_int_equal(mlc_decimal_to_implied(dec("12.345"), 2, &stored, NULL), MLC_E_LIMIT);
    assert_int_equal(mlc_decimal_from_implied(1, 19, &value, NULL), MLC_E_LIMIT);
}

static void test_rounding(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        unsigned scale;
        const char *half_up, *half_even;
    } rows[] = {
        {"2.5", 0, "3", "2"},          {"3.5", 0, "4", "4"},           {"-2.5", 0, "-3", "-2"},
        {"2.4999", 0, "2", "2"},       {"0.125", 2, "0.13", "0.12"},   {"-0.005", 2, "-0.01", "0.00"},
        {"0.0051", 2, "0.01", "0.01"}, {"1.2", 4, "1.2000", "1.2000"}, {"0.999999999999999999", 0, "1", "1"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mlc_decimal out;
        assert_int_equal(mlc_decimal_rescale(dec(rows[i].in), rows[i].scale, MLC_ROUND_HALF_UP, &out, NULL),
                         MLC_OK);
        assert_text(out, rows[i].half_up);
        assert_int_equal(mlc_decimal_rescale(dec(rows[i].in), rows[i].scale, MLC_ROUND_HALF_EVEN, &out, NULL),
                         MLC_OK);
        assert_text(out, rows[i].half_even);
    }
    mlc_decimal out;
    assert_int_equal(mlc_decimal_rescale(dec("1.01"), 1, MLC_ROUND_EXACT_ONLY, &out, NULL), MLC_E_LIMIT);
    assert_int_equal(mlc_decimal_rescale(dec("100"), 18, MLC_ROUND_EXACT_ONLY, &out, NULL), MLC_E_LIMIT);
    assert_int_equal(mlc_decimal_rescale(dec("1"), 19, MLC_ROUND_HALF_UP, &out, NULL), MLC_E_LIMIT);
}

static void test_arithmetic(void **state)
{
    (void)state;
    mlc_decimal out;
    assert_int_equal(mlc_decimal_add(dec("0.1"), dec("0.20"), &out, NULL), MLC_OK);
    assert_text(out, "0.30");
    assert_int_equal(mlc_decimal_sub(dec("1"), dec("0.01"), &out, NULL), MLC_OK);
    assert_text(out, "0.99");
    assert_int_equal(mlc_decimal_mul(dec("-1.25"), dec("3.2"), &out, NULL), MLC_OK);
    assert_text(out, "-4.000");
    /* Exact only without the zeros of the common scale. */
    assert_int_equal(mlc_decimal_add(dec("9000000000000000000"), dec("1.00"), &out, NULL), MLC_OK);
    assert_text(out, "9000000000000000001");
    assert_int_equal(mlc_decimal_mul(dec("0.5000000000"), dec("0.2000000000"), &out, NULL), MLC_OK);
    assert_text(out, "0.100000000000000000");
    assert_int_equal(mlc_decimal_add(dec("9223372036854775807"), dec("1"), &out, NULL), MLC_E_LIMIT);
    assert_int_equal(mlc_decimal_sub(dec("-9223372036854775808"), dec("1"), &out, NULL), MLC_E_LIMIT);
    assert_int_equal(mlc_decimal_mul(dec("-9223372036854775808"), dec("-9223372036854775808"), &out, NULL),
                     MLC_E_LIMIT);
    assert_int_equal(mlc_decimal_mul(dec("0.0000000001"), dec("0.0000000001"), &out, NULL), MLC_E_LIMIT);
    assert_int_equal(mlc_decimal_add(dec("9000000000000000000"), dec("0.01"), &out, NULL), MLC_E_LIMIT);
}

static void test_compare_and_normalize(void **state)
{
    (void)state;
    assert_int_equal(mlc_decimal_cmp(dec("1.0"), dec("1.00")), 0);
    assert_int_equal(mlc_decimal_cmp(dec("-1"), dec("0.5")), -1);
    assert_int_equal(mlc_decimal_cmp(dec("9223372036854775807"), dec("9.223372036854775807")), 1);
    assert_text(mlc_decimal_normalize(dec("12.3400")), "12.34");
    assert_text(mlc_decimal_normalize(dec("100")), "100");
    assert_text(mlc_decimal_normalize(dec("0.000")), "0");
    assert_text(mlc_decimal_normalize(dec("-5.00")), "-5");
}

static void expect_quotient(const char *a, const char *b, unsigned scale, const char *expected)
{
    mlc_decimal x, y, out;
    mlc_error err;
    char text[MLC_DECIMAL_TEXT_MAX];
    assert_int_equal(mlc_decimal_parse(a, &x, &err), MLC_OK);
    assert_int_equal(mlc_decimal_parse(b, &y, &err), MLC_OK);
    const mlc_code code = mlc_decimal_div(x, y, scale, &out, &err);
    assert_string_equal(code == MLC_OK ? mlc_decimal_text(out, text) : mlc_code_name(code), expected);
}

static void division_rounds_half_up(void **state)
{
    (void)state;
    expect_quotient("26.1", "3", 4, "8.7000");
    expect_quotient("1", "3", 4, "0.3333");
    expect_quotient("2", "3", 4, "0.6667");
    expect_quotient("-2", "3", 4, "-0.6667");
    expect_quotient("1", "8", 2, "0.13");
    expect_quotient("-1", "8", 2, "-0.13");
    expect_quotient("1", "-8", 2, "-0.13");
    expect_quotient("-1", "-8", 2, "0.13");
    expect_quotient("1.0000000000", "4.0000000000", 2, "0.25");
    expect_quotient("0.0000000001", "1", 2, "0.00");
    expect_quotient("9223372036854775807", "1", 0, "9223372036854775807");
    expect_quotient("9223372036854775807", "0.1", 0, "limit");
    expect_quotient("1", "0.000", 2, "invalid");
    expect_quotient("1", "3", 19, "limit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(division_rounds_half_up),
        cmocka_unit_test(test_parse_keeps_written_scale),
        cmocka_unit_test(test_parse_gives_up_only_trailing_zeros),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_implied_decimals),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_compare_and_normalize),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
