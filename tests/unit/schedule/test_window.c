/* test_window.c - hours at which a flow may run. */
#include "schedule/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static int64_t at(const char *iso)
{
    int64_t ms = 0;
    assert_int_equal(mlc_iso_parse(iso, &ms, NULL), MLC_OK);
    return ms;
}

static void expect_next(const char *text, const char *zone_name, const char *when, const char *opens)
{
    mlc_window window;
    mlc_zone *zone = NULL;
    char shown[MLC_ISO_TEXT_MAX];
    assert_int_equal(mlc_window_parse(text, &window, NULL), MLC_OK);
    if (zone_name != NULL)
        assert_int_equal(mlc_zone_open(&zone, zone_name, NULL), MLC_OK);
    const int64_t found = mlc_window_next(&window, zone, at(when));
    if (found != at(opens))
        fail_msg("%s at %s: %s instead of %s", text, when, mlc_iso_text(found, shown), opens);
    mlc_zone_close(zone);
}

static void windows_open_and_shut(void **state)
{
    (void)state;
    expect_next(NULL, NULL, "2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z");
    expect_next("", NULL, "2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z");
    expect_next("8:00-18:00", NULL, "2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z");
    expect_next("8:00-18:00", NULL, "2026-11-24T07:59:59Z", "2026-11-24T08:00:00Z");
    expect_next("8:00-18:00", NULL, "2026-11-24T18:00:00Z", "2026-11-25T08:00:00Z");
    expect_next("20:00-06:00", NULL, "2026-11-24T23:00:00Z", "2026-11-24T23:00:00Z");
    expect_next("20:00-06:00", NULL, "2026-11-24T05:59:59Z", "2026-11-24T05:59:59Z");
    expect_next("20:00-06:00", NULL, "2026-11-24T06:00:00Z", "2026-11-24T20:00:00Z");
    expect_next("22:00-24:00", NULL, "2026-11-24T23:59:59Z", "2026-11-24T23:59:59Z");
    expect_next("22:00-24:00", NULL, "2026-11-25T00:00:00Z", "2026-11-25T22:00:00Z");
}

static void windows_follow_the_zone(void **state)
{
    (void)state;
    expect_next("20:00-06:00", "America/Denver", "2026-07-01T20:00:00Z", "2026-07-02T02:00:00Z");
    expect_next("20:00-06:00", "America/Denver", "2026-12-01T20:00:00Z", "2026-12-02T03:00:00Z");
    /* 02:30 does not exist on 2026-03-08. */
    expect_next("02:30-05:00", "America/Denver", "2026-03-08T08:00:00Z", "2026-03-08T09:00:00Z");
    expect_next("01:30-05:00", "America/Denver", "2026-11-01T08:40:00Z", "2026-11-01T08:40:00Z");
}

static void faults_are_told(void **state)
{
    static const char *const bad[] = {"20:00",    "20-6",        "20:00-25:00", "24:00-06:00",
                                      "8:0-9:00", "08:00-08:00", "08:60-09:00", "08:00 - 9:00",
                                      "x",        "08:00-09:00x"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mlc_window window;
        mlc_error err;
        assert_int_equal(mlc_window_parse(bad[i], &window, &err), MLC_E_INVALID);
        assert_non_null(strstr(err.message, "such as 20:00-06:00"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_open_and_shut),
        cmocka_unit_test(windows_follow_the_zone),
        cmocka_unit_test(faults_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
