/* JDE dates, times and stamps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/jdedate.h"

#include <string.h>

static void test_julian_and_civil(void **state)
{
    (void)state;
    static const struct {
        int year;
        unsigned month, day;
        int32_t julian;
    } rows[] = {{2026, 11, 23, 126327}, {1999, 12, 31, 99365}, {2000, 2, 29, 100060},
                {2000, 12, 31, 100366}, {1900, 1, 1, 1},       {2899, 12, 31, 999365}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int32_t julian = 0;
        int year;
        unsigned month;
        unsigned day;
        assert_int_equal(mlc_julian_from_civil(rows[i].year, rows[i].month, rows[i].day, &julian, NULL),
                         MLC_OK);
        assert_int_equal(julian, rows[i].julian);
        assert_int_equal(mlc_julian_to_civil(julian, &year, &month, &day, NULL), MLC_OK);
        assert_int_equal(year, rows[i].year);
        assert_int_equal(month, rows[i].month);
        assert_int_equal(day, rows[i].day);
    }
}

static void test_julian_refuses(void **state)
{
    (void)state;
    int32_t julian;
    int year;
    unsigned month;
    unsigned day;
    assert_int_equal(mlc_julian_from_civil(2026, 2, 29, &julian, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_julian_from_civil(1899, 12, 31, &julian, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_julian_from_civil(2900, 1, 1, &julian, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_julian_from_civil(2026, 13, 1, &julian, NULL), MLC_E_INVALID);
    static const int32_t bad[] = {0, -1, 126000, 126366, 124367, 1000001, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(mlc_julian_to_civil(bad[i], &year, &month, &day, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_julian_to_civil(124366, &year, &month, &day, NULL), MLC_OK);
}

static void test_date_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text, *format;
        int32_t julian;
    } rows[] = {{"23/11/2026", "dd/MM/yyyy", 126327},
                {"11/23/26", "MM/dd/yy", 126327},
                {"1.2.2026", "dd.MM.yyyy", 126032},
                {"26-11-23", "yy-MM-dd", 126327},
                {"23112026", "ddMMyyyy", 126327},
                {"20261123", "dd/MM/yyyy", 126327},
                {"20261123", NULL, 126327},
                {"2026-11-23", "MM/dd/yyyy", 126327},
                {"126327", "dd/MM/yyyy", 126327},
                {"99365", NULL, 99365},
                {" 126327 ", NULL, 126327},
                {"12/31/99", "MM/dd/yy", 99365},
                {"", "dd/MM/yyyy", 0},
                {"   ", NULL, 0},
                {"null", NULL, 0},
                {"0", NULL, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int32_t julian = -1;
        mlc_error err;
        if (mlc_jde_date_parse(rows[i].text, rows[i].format, &julian, &err) != MLC_OK)
            fail_msg("%s", err.message);
        assert_int_equal(julian, rows[i].julian);
    }
}

static void test_date_parse_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {"31/02/2026",
                                      "23/11/202",
                                      "2026-11-23T00:00:00",
                                      "1234",
                                      "1234567",
                                      "126366",
                                      "23/11/2026x",
                                      "ab/cd/efgh",
                                      "//",
                                      "23-11-2026",
                                      "2026-13-01",
                                      "20261301",
                                      "99999999999999999999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int32_t julian = -1;
        if (mlc_jde_date_parse(bad[i], "dd/MM/yyyy", &julian, NULL) != MLC_E_INVALID)
            fail_msg("accepted \"%s\"", bad[i]);
        assert_int_equal(julian, 0);
    }
    int32_t julian;
    mlc_error err;
    assert_int_equal(mlc_jde_date_parse("23/Nov/2026", "dd/MMM/yyyy", &julian, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "23/Nov/2026"));
    assert_non_null(strstr(err.message, "dd/MMM/yyyy"));
}

static void test_date_format(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(mlc_jde_date_format(126032, "dd/MM/yyyy", out, sizeof out, NULL), MLC_OK);
    assert_string_equal(out, "01/02/2026");
    assert_int_equal(mlc_jde_date_format(126032, "M/d/yy", out, sizeof out, NULL), MLC_OK);
    assert_string_equal(out, "2/1/26");
    assert_int_equal(mlc_jde_date_format(126032, "yyyyMMdd", out, 9, NULL), MLC_OK);
    assert_string_equal(out, "20260201");
    assert_int_equal(mlc_jde_date_format(126032, "yyyyMMdd", out, 8, NULL), MLC_E_LIMIT);
    assert_int_equal(mlc_jde_date_format(126032, "dd EEE", out, sizeof out, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_jde_date_format(0, "dd", out, sizeof out, NULL), MLC_E_INVALID);
}

static void test_time_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t hms;
    } rows[] = {{"143005", 143005}, {"905", 905}, {"90501.0", 90501}, {"0", 0}, {"", 0},
                {"235959", 235959}, {"5", 5},     {"090501", 90501}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int32_t hms = -1;
        assert_int_equal(mlc_jde_time_parse(rows[i].text, &hms, NULL), MLC_OK);
        assert_int_equal(hms, rows[i].hms);
    }
    static const char *const bad[] = {"240000",  "126000", "100060",  "-1",  "1e3",
                                      "90501.5", "90501.", "1234567", "9:05"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int32_t hms;
        if (mlc_jde_time_parse(bad[i], &hms, NULL) != MLC_E_INVALID)
            fail_msg("accepted \"%s\"", bad[i]);
    }
}

static void assert_stamp(mlc_jde_stamp have, int32_t julian, int32_t hms)
{
    assert_int_equal(have.julian, julian);
    assert_int_equal(have.hms, hms);
}

static void test_stamp(void **state)
{
    (void)state;
    const mlc_jde_stamp a = {126001, 10};
    assert_int_equal(mlc_jde_stamp_cmp(a, a), 0);
    assert_int_equal(mlc_jde_stamp_cmp(a, (mlc_jde_stamp){126001, 11}), -1);
    assert_int_equal(mlc_jde_stamp_cmp(a, (mlc_jde_stamp){125365, 235959}), 1);
    assert_stamp(mlc_jde_stamp_minus(a, 10), 126001, 0);
    assert_stamp(mlc_jde_stamp_minus(a, 11), 125365, 235959);
    assert_stamp(mlc_jde_stamp_minus((mlc_jde_stamp){100061, 0}, 1), 100060, 235959);
    assert_stamp(mlc_jde_stamp_minus((mlc_jde_stamp){126327, 143005}, 3600 + 60 + 5), 126327, 132900);
    assert_stamp(mlc_jde_stamp_minus((mlc_jde_stamp){125365, 235959}, -1), 126001, 0);
    assert_stamp(mlc_jde_stamp_minus((mlc_jde_stamp){0, 0}, 5), 0, 0);
    assert_stamp(mlc_jde_stamp_minus((mlc_jde_stamp){1, 0}, 1), 0, 0);
    assert_stamp(mlc_jde_stamp_minus(a, INT64_MAX), 0, 0);
    assert_stamp(mlc_jde_stamp_minus(a, INT64_MIN), 999365, 235959);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_julian_and_civil),
        cmocka_unit_test(test_julian_refuses),
        cmocka_unit_test(test_date_parse),
        cmocka_unit_test(test_date_parse_refuses),
        cmocka_unit_test(test_date_format),
        cmocka_unit_test(test_time_parse),
        cmocka_unit_test(test_stamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
