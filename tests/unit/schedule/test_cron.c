/* test_cron.c - cron expressions: reading, leap years, daylight saving in several zones, catching up, jitter. */
#include "schedule/cron.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

static int64_t at(const char *iso)
{
    int64_t ms = 0;
    assert_int_equal(mlc_iso_parse(iso, &ms, NULL), MLC_OK);
    return ms;
}

static mlc_cron parse(const char *text)
{
    mlc_cron cron;
    mlc_error err;
    if (mlc_cron_parse(text, &cron, &err) != MLC_OK)
        fail_msg("%s: %s", text, err.message);
    return cron;
}

static mlc_zone *zone_of(const char *name)
{
    mlc_zone *zone = NULL;
    if (name != NULL)
        assert_int_equal(mlc_zone_open(&zone, name, NULL), MLC_OK);
    return zone;
}

/* From `after` on the expression is due at exactly these instants, one after another (NULL-terminated). */
static void expect_due(const char *text, const char *zone_name, const char *after, const char *const *due)
{
    char shown[MLC_ISO_TEXT_MAX];
    const mlc_cron cron = parse(text);
    mlc_zone *const zone = zone_of(zone_name);
    int64_t now = at(after);
    for (; *due != NULL; due++) {
        now = mlc_cron_next(&cron, zone, now);
        if (now != at(*due))
            fail_msg("%s in %s: %s instead of %s", text, zone_name, mlc_iso_text(now, shown), *due);
    }
    mlc_zone_close(zone);
}

#define EXPECT_DUE(text, zone, after, ...)                                                                   \
    expect_due(text, zone, after, (const char *const[]){__VA_ARGS__, NULL})

static void plain_times_are_found(void **state)
{
    (void)state;
    EXPECT_DUE("0 2 * * *", NULL, "2026-11-24T22:00:00Z", "2026-11-25T02:00:00Z", "2026-11-26T02:00:00Z");
    EXPECT_DUE("0 2 * * *", NULL, "2026-11-25T02:00:00Z", "2026-11-26T02:00:00Z"); /* strictly after */
    EXPECT_DUE("*/15 8-9 * * *", NULL, "2026-11-24T08:31:10Z", "2026-11-24T08:45:00Z",
               "2026-11-24T09:00:00Z");
    EXPECT_DUE("5,35 22 * * *", NULL, "2026-12-31T22:35:00Z", "2027-01-01T22:05:00Z", "2027-01-01T22:35:00Z");
    EXPECT_DUE("0 10/6 * * *", NULL, "2026-11-24T11:00:00Z", "2026-11-24T16:00:00Z", "2026-11-24T22:00:00Z",
               "2026-11-25T10:00:00Z");
    EXPECT_DUE("@hourly", NULL, "2026-11-24T11:00:00Z", "2026-11-24T12:00:00Z");
    EXPECT_DUE("@daily", NULL, "2026-11-24T11:00:00Z", "2026-11-25T00:00:00Z");
    EXPECT_DUE("@weekly", NULL, "2026-11-24T11:00:00Z", "2026-11-29T00:00:00Z", "2026-12-06T00:00:00Z");
    EXPECT_DUE("@monthly", NULL, "2026-11-24T11:00:00Z", "2026-12-01T00:00:00Z");
    EXPECT_DUE("@every 5m", NULL, "2026-11-24T11:00:00Z", "2026-11-24T11:05:00Z");
    EXPECT_DUE("30 14 * jan,Jun mon-FRI", NULL, "2026-01-30T15:00:00Z", "2026-06-01T14:30:00Z");
}

static void days_are_joined_by_or_when_both_are_restricted(void **state)
{
    (void)state;
    EXPECT_DUE("0 0 13 * fri", NULL, "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z", "2026-11-13T00:00:00Z",
               "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z",
               "2026-12-13T00:00:00Z");
    EXPECT_DUE("0 0 * * 7", NULL, "2026-11-24T00:00:00Z", "2026-11-29T00:00:00Z");
    EXPECT_DUE("0 0 * * 0", NULL, "2026-11-24T00:00:00Z", "2026-11-29T00:00:00Z");
}

static void ends_of_months_and_leap_years_are_kept(void **state)
{
    const mlc_cron never = parse("0 0 30 2 *");
    (void)state;
    EXPECT_DUE("0 3 31 * *", NULL, "2026-08-31T03:00:00Z", "2026-10-31T03:00:00Z", "2026-12-31T03:00:00Z");
    EXPECT_DUE("0 3 29 2 *", NULL, "2026-01-01T00:00:00Z", "2028-02-29T03:00:00Z", "2032-02-29T03:00:00Z");
    assert_true(mlc_cron_next(&never, NULL, at("2026-01-01")) == INT64_MAX);
    const mlc_cron leap = parse("0 0 29 2 *"); /* 2100 is no leap year: none within five years */
    assert_true(mlc_cron_next(&leap, NULL, at("2096-03-01")) == INT64_MAX);
}

/* Denver: 2026-03-08 02:00 -> 03:00 (09:00 UTC), 2026-11-01 02:00 -> 01:00 (08:00 UTC). */
static void a_time_in_the_gap_runs_once_after_it(void **state)
{
    (void)state;
    EXPECT_DUE("30 2 * * *", "America/Denver", "2026-03-07T00:00:00Z", "2026-03-07T09:30:00Z",
               "2026-03-08T09:00:00Z", "2026-03-09T08:30:00Z");
    /* Two times in one gap are one run. */
    EXPECT_DUE("10,50 2 * * *", "America/Denver", "2026-03-08T08:59:00Z", "2026-03-08T09:00:00Z",
               "2026-03-09T08:10:00Z");
    EXPECT_DUE("0 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z",
               "2026-03-30T00:00:00Z");
    /* Midnight is left out in Beirut on 2026-03-29. */
    EXPECT_DUE("0 0 * * *", "Asia/Beirut", "2026-03-28T00:00:00Z", "2026-03-28T22:00:00Z",
               "2026-03-29T21:00:00Z");
    /* A whole day is left out: Apia went from 2011-12-29 to 2011-12-31. */
    EXPECT_DUE("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", "2011-12-30T10:00:00Z");
}

static void a_time_that_comes_twice_runs_at_its_first(void **state)
{
    (void)state;
    EXPECT_DUE("30 1 * * *", "America/Denver", "2026-10-31T12:00:00Z", "2026-11-01T07:30:00Z",
               "2026-11-02T08:30:00Z");
    EXPECT_DUE("0 2 * * *", "America/Denver", "2026-10-31T12:00:00Z", "2026-11-01T09:00:00Z");
    /* Half an hour only. */
    EXPECT_DUE("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", "2026-04-04T14:45:00Z",
               "2026-04-05T15:15:00Z");
    EXPECT_DUE("30 23 * * *", "UTC-05:00", "2026-11-01T00:00:00Z", "2026-11-01T04:30:00Z");
}

static void every_so_many_minutes_just_goes_on(void **state)
{
    (void)state;
    EXPECT_DUE("*/30 * * * *", "America/Denver", "2026-11-01T06:45:00Z", "2026-11-01T07:00:00Z",
               "2026-11-01T07:30:00Z", "2026-11-01T08:00:00Z", "2026-11-01T08:30:00Z",
               "2026-11-01T09:00:00Z");
    EXPECT_DUE("0 * * * *", "America/Denver", "2026-03-08T07:30:00Z", "2026-03-08T08:00:00Z",
               "2026-03-08T09:00:00Z", "2026-03-08T10:00:00Z");
    EXPECT_DUE("0 * * * *", "Asia/Kathmandu", "2026-03-08T07:30:00Z", "2026-03-08T08:15:00Z");
    /* The clock goes back over midnight: the evening's last hour comes twice. */
    EXPECT_DUE("30 * * * *", "America/Havana", "2026-11-01T03:45:00Z", "2026-11-01T04:30:00Z",
               "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z");
}

static void local_time_leads_back_to_its_instant(void **state)
{
    static const char *const names[] = {"America/Denver", "Europe/Berlin", "Australia/Lord_Howe", "UTC",
                                        "Asia/Kolkata",   "Pacific/Apia",  "America/Havana"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        mlc_zone *const zone = zone_of(names[i]);
        const int64_t end = at("2013-01-01") / 1000;
        for (int64_t t = at("2011-01-01") / 1000; t < end; t += 1800) {
            const int64_t found = mlc_zone_instant(zone, mlc_zone_local(zone, t));
            assert_true(found <= t);
            assert_int_equal(mlc_zone_local(zone, found), mlc_zone_local(zone, t));
        }
        mlc_zone_close(zone);
    }
}

/* ---- planning ---- */

static void expect_plan(const char *text, const char *last, const char *now, bool catch_up,
                        const char *planned)
{
    char shown[MLC_ISO_TEXT_MAX];
    const mlc_cron cron = parse(text);
    const int64_t found = mlc_cron_plan(&cron, NULL, last != NULL ? at(last) : 0, at(now), 0, 1, catch_up);
    if (found != at(planned))
        fail_msg("%s: %s instead of %s", text, mlc_iso_text(found, shown), planned);
}

static void missed_runs_are_made_up_for_once(void **state)
{
    (void)state;
    expect_plan("0 2 * * *", "2026-11-24T02:00:00Z", "2026-11-24T10:00:00Z", true, "2026-11-25T02:00:00Z");
    expect_plan("0 2 * * *", "2026-11-20T02:00:00Z", "2026-11-24T10:00:00Z", true, "2026-11-24T10:00:00Z");
    expect_plan("0 2 * * *", "2026-11-24T10:00:00Z", "2026-11-24T10:05:00Z", true, "2026-11-25T02:00:00Z");
    expect_plan("0 2 * * *", "2026-11-20T02:00:00Z", "2026-11-24T10:00:00Z", false, "2026-11-25T02:00:00Z");
    expect_plan("0 2 * * *", NULL, "2026-11-24T10:00:00Z", true, "2026-11-24T10:00:00Z");
    expect_plan("0 2 * * *", NULL, "2026-11-24T10:00:00Z", false, "2026-11-25T02:00:00Z");
    expect_plan("0 2 * * *", NULL, "2026-11-24T02:00:00Z", false, "2026-11-24T02:00:00Z");
    expect_plan("@every 5m", "2026-11-24T10:00:00Z", "2026-11-24T10:01:00Z", true, "2026-11-24T10:05:00Z");
    expect_plan("@every 5m", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z", true, "2026-11-24T11:00:00Z");
    expect_plan("@every 5m", "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z", false, "2026-11-24T11:05:00Z");
    /* The clock was set back: the last run lies in the future. */
    expect_plan("0 2 * * *", "2027-11-24T02:00:00Z", "2026-11-24T10:00:00Z", true, "2026-11-25T02:00:00Z");
}

static void jitter_is_fixed_by_its_seed_and_bounded(void **state)
{
    const mlc_cron cron = parse("0 2 * * *");
    const int64_t last = at("2026-11-24T02:30:00Z");
    const int64_t now = at("2026-11-24T12:00:00Z");
    const int64_t due = at("2026-11-25T02:00:00Z");
    int64_t least = INT64_MAX;
    int64_t most = 0;
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        const int64_t planned = mlc_cron_plan(&cron, NULL, last, now, 600000, seed, true);
        assert_true(planned == mlc_cron_plan(&cron, NULL, last, now + 60000, 600000, seed, true));
        assert_true(planned >= due && planned <= due + 600000);
        least = planned < least ? planned : least;
        most = planned > most ? planned : most;
    }
    assert_true(least < due + 60000 && most > due + 540000);
}

static void a_due_time_within_its_jitter_is_not_missed(void **state)
{
    const mlc_cron cron = parse("0 2 * * *");
    const int64_t last = at("2026-11-24T02:30:00Z");
    const int64_t planned = mlc_cron_plan(&cron, NULL, last, at("2026-11-24T12:00:00Z"), 600000, 7, false);
    const int64_t due = at("2026-11-25T02:00:00Z");
    (void)state;
    assert_true(planned > due);
    assert_true(mlc_cron_plan(&cron, NULL, last, due + 1, 600000, 7, false) == planned);
    assert_true(mlc_cron_plan(&cron, NULL, last, planned + 1, 600000, 7, false) > planned + 80000000);
}

static void faults_name_field_and_remedy(void **state)
{
    static const struct {
        const char *text, *words;
    } bad[] = {{"", "no field for minute"},
               {"0 2 * *", "no field for day of week"},
               {"0 2 * * * *", "more than five fields"},
               {"60 2 * * *", "minute \"60\" is out of range; right is 0-59"},
               {"0 24 * * *", "hour \"24\" is out of range"},
               {"0 2 0 * *", "day of month \"0\" is out of range"},
               {"0 2 * 13 *", "month \"13\" is out of range"},
               {"0 2 * * 8", "day of week \"8\" is out of range"},
               {"0 2 * * mo", "day of week \"mo\" is not understood"},
               {"0 2 * * monday", "day of week \"monday\" is not understood"},
               {"a 2 * * *", "minute \"a\" is not understood"},
               {"5-1 2 * * *", "ends before it begins"},
               {"5- 2 * * *", "a range without an end"},
               {"*/0 2 * * *", "a step that is no number above 0"},
               {"*/x 2 * * *", "a step that is no number above 0"},
               {"1,,2 2 * * *", "is not understood"},
               {"1;2 2 * * *", "is not understood"},
               {"99999999999999999999 2 * * *", "is"},
               {"@yearly", "known are @hourly"},
               {"@every", "such as @every 5m"},
               {"@every 0s", "such as @every 5m"},
               {"@every 500ms", "such as @every 5m"},
               {"@every 99999999d", "such as @every 5m"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mlc_cron cron;
        mlc_error err;
        assert_int_equal(mlc_cron_parse(bad[i].text, &cron, &err), MLC_E_INVALID);
        if (strstr(err.message, bad[i].words) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", bad[i].words, err.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_times_are_found),
        cmocka_unit_test(days_are_joined_by_or_when_both_are_restricted),
        cmocka_unit_test(ends_of_months_and_leap_years_are_kept),
        cmocka_unit_test(a_time_in_the_gap_runs_once_after_it),
        cmocka_unit_test(a_time_that_comes_twice_runs_at_its_first),
        cmocka_unit_test(every_so_many_minutes_just_goes_on),
        cmocka_unit_test(local_time_leads_back_to_its_instant),
        cmocka_unit_test(missed_runs_are_made_up_for_once),
        cmocka_unit_test(jitter_is_fixed_by_its_seed_and_bounded),
        cmocka_unit_test(a_due_time_within_its_jitter_is_not_missed),
        cmocka_unit_test(faults_name_field_and_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
