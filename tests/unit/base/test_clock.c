/* clock.h: civil dates, ISO 8601 and HTTP dates. The clocks themselves are only checked for order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void clocks_run_forward(void **state)
{
    (void)state;
    uint64_t a = mlc_mono_ns(), b = mlc_mono_ns();
    assert_true(b >= a);
    int64_t ms = mlc_mono_ms();
    assert_true(mlc_mono_ms() >= ms);
    assert_true((uint64_t)ms >= b / 1000000U);
    assert_true(mlc_wall_ms() > 0);
}

static void known_days(void **state)
{
    (void)state;
    assert_int_equal(mlc_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(mlc_days_from_civil(1969, 12, 31), -1);
    assert_int_equal(mlc_days_from_civil(2000, 3, 1), 11017);
    assert_int_equal(mlc_days_from_civil(2026, 11, 23), 20780);
    assert_int_equal(mlc_days_from_civil(0, 1, 1), -719528);
}

static void days_round_trip(void **state)
{
    (void)state;
    int64_t day = mlc_days_from_civil(-1, 1, 1), last = mlc_days_from_civil(2401, 1, 1);
    int prev_year = -2;
    unsigned prev_month = 12;
    for (; day < last; day++) {
        int year = 0;
        unsigned month = 0, mday = 0;
        mlc_civil_from_days(day, &year, &month, &mday);
        assert_int_equal(mlc_days_from_civil(year, month, mday), day);
        assert_in_range(mday, 1, 31);
        if (mday == 1)
            assert_int_equal(year * 12 + (int)month, prev_year * 12 + (int)prev_month + 1);
        prev_year = year;
        prev_month = month;
    }
}

static void iso_text(void **state)
{
    (void)state;
    char out[MLC_ISO_TEXT_MAX];
    assert_string_equal(mlc_iso_text(0, out), "1970-01-01T00:00:00.000Z");
    assert_string_equal(mlc_iso_text(-1, out), "1969-12-31T23:59:59.999Z");
    assert_string_equal(mlc_iso_text(-86400000, out), "1969-12-31T00:00:00.000Z");
    assert_string_equal(mlc_iso_text(INT64_C(1795467600123), out), "2026-11-23T21:00:00.123Z");
    assert_string_equal(mlc_iso_text(INT64_MIN, out), "0000-01-01T00:00:00.000Z");
    assert_string_equal(mlc_iso_text(INT64_MAX, out), "9999-12-31T23:59:59.999Z");
}

static void iso_parse_good(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } CASES[] = {
        {"1970-01-01", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2026-11-23T21:00:00", INT64_C(1795467600000)},
        {"2026-11-23T21:00:00Z", INT64_C(1795467600000)},
        {"2026-11-23T21:00:00.1Z", INT64_C(1795467600100)},
        {"2026-11-23T21:00:00.123", INT64_C(1795467600123)},
        {"2026-11-23T21:00:00.1239999Z", INT64_C(1795467600123)},
        {"2026-11-23T22:30:00+01:30", INT64_C(1795467600000)},
        {"2026-11-23T13:00:00.000-08:00", INT64_C(1795467600000)},
        {"2024-02-29", INT64_C(1709164800000)},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int64_t ms = INT64_MIN;
        mlc_error err = {0};
        assert_int_equal(mlc_iso_parse(CASES[i].text, &ms, &err), MLC_OK);
        assert_true(ms == CASES[i].ms);
    }
}

static void iso_parse_bad(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      "2026",
                                      "2026-11",
                                      "2026-1-23",
                                      "2026-11-23 21:00:00",
                                      "2026-11-23T",
                                      "2026-11-23T21:00",
                                      "2026-11-23T24:00:00Z",
                                      "2026-11-23T21:60:00Z",
                                      "2026-11-23T21:00:61Z",
                                      "2026-11-23T21:00:00.Z",
                                      "2026-11-23T21:00:00z",
                                      "2026-11-23T21:00:00Zx",
                                      "2026-11-23T21:00:00+0100",
                                      "2026-11-23T21:00:00+24:00",
                                      "2026-11-23T21:00:00+01:60",
                                      "2026-13-01",
                                      "2026-00-01",
                                      "2026-01-00",
                                      "2026-04-31",
                                      "2026-02-29",
                                      "1900-02-29",
                                      " 2026-11-23",
                                      "2026-11-23 ",
                                      "-026-11-23",
                                      "2026-11-23T-1:00:00Z"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        int64_t ms = 77;
        mlc_error err = {0};
        assert_int_equal(mlc_iso_parse(BAD[i], &ms, &err), MLC_E_INVALID);
        assert_int_equal(err.code, MLC_E_INVALID);
        assert_int_equal(ms, 77);
    }
    int64_t ms = 0;
    assert_int_equal(mlc_iso_parse(NULL, &ms, NULL), MLC_E_INVALID);
}

static void iso_text_parses_back(void **state)
{
    (void)state;
    for (int64_t ms = INT64_C(-62167219200000); ms < INT64_C(253402300799999);
         ms += INT64_C(86400000) * 777 + 12345) {
        char text[MLC_ISO_TEXT_MAX];
        int64_t back = 0;
        assert_int_equal(mlc_iso_parse(mlc_iso_text(ms, text), &back, NULL), MLC_OK);
        assert_true(back == ms);
    }
}

static void http_dates(void **state)
{
    (void)state;
    int64_t ms = 0;
    assert_int_equal(mlc_http_date_parse("Sun, 06 Nov 1994 08:49:37 GMT", &ms, NULL), MLC_OK);
    assert_true(ms == INT64_C(784111777000));
    assert_int_equal(mlc_http_date_parse("Thu, 01 Jan 1970 00:00:00 GMT", &ms, NULL), MLC_OK);
    assert_int_equal(ms, 0);
    static const char *const BAD[] = {"",
                                      "120",
                                      "Sun, 06 Nov 1994 08:49:37",
                                      "Sun, 06 Nov 1994 08:49:37 GMT ",
                                      "Sun, 06 Nov 1994 08:49:37 CET",
                                      "Sunday, 06-Nov-94 08:49:37 GMT",
                                      "Sun Nov  6 08:49:37 1994",
                                      "Xyz, 06 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nox 1994 08:49:37 GMT",
                                      "Sun, 6 Nov 1994 08:49:37 GMT",
                                      "Sun, 31 Nov 1994 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 24:49:37 GMT"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_int_equal(mlc_http_date_parse(BAD[i], &ms, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_http_date_parse(NULL, &ms, NULL), MLC_E_INVALID);
    assert_int_equal(ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_run_forward),   cmocka_unit_test(known_days),
        cmocka_unit_test(days_round_trip),      cmocka_unit_test(iso_text),
        cmocka_unit_test(iso_parse_good),       cmocka_unit_test(iso_parse_bad),
        cmocka_unit_test(iso_text_parses_back), cmocka_unit_test(http_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
