/* cron_next.c - see cron.h: when an expression is due. */
#include "base/clock.h"
#include "schedule/cron.h"

enum { DAY = 86400, HOUR = 3600, MINUTE = 60, DAYS_AHEAD = 5 * 366 };

/* Years that dates can express, with room for what lies ahead; so no sum below can overflow. */
static const int64_t latest_ms = INT64_C(29000000000000);

static int64_t local_of(const mlc_zone *zone, int64_t utc_s)
{
    return zone != NULL ? mlc_zone_local(zone, utc_s) : utc_s;
}

static int64_t instant_of(const mlc_zone *zone, int64_t local_s)
{
    return zone != NULL ? mlc_zone_instant(zone, local_s) : local_s;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static bool day_fits(const mlc_cron *cron, int64_t day)
{
    int year;
    unsigned month;
    unsigned mday;
    mlc_civil_from_days(day, &year, &month, &mday);
    if ((cron->months >> month & 1U) == 0)
        return false;
    const int64_t weekday = ((day + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    const bool by_day = (cron->days >> mday & 1U) != 0;
    const bool by_weekday = (cron->weekdays >> weekday & 1U) != 0;
    return cron->any_day || cron->any_weekday ? by_day && by_weekday : by_day || by_weekday;
}

static bool time_fits(const mlc_cron *cron, int64_t second)
{
    return (cron->hours >> second / HOUR & 1U) != 0 && (cron->minutes >> second % HOUR / MINUTE & 1U) != 0;
}

/* A time of day that is meant as such: once on each day, whatever the clock does. */
static int64_t next_fixed(const mlc_cron *cron, const mlc_zone *zone, int64_t day, int64_t after)
{
    for (int64_t second = 0; second < DAY; second += MINUTE) {
        if (!time_fits(cron, second))
            continue;
        const int64_t at = instant_of(zone, day * DAY + second);
        if (at > after)
            return at;
    }
    return INT64_MAX;
}

/* "Every so many minutes": follows elapsed time, also through an hour that comes twice. */
static int64_t next_running(const mlc_cron *cron, const mlc_zone *zone, int64_t day, int64_t after)
{
    const int64_t end = instant_of(zone, (day + 1) * DAY);
    int64_t at = instant_of(zone, day * DAY);
    if (at <= after) { /* the next full minute of the local clock */
        const int64_t local = local_of(zone, after);
        at = after + MINUTE - (local - floor_div(local, MINUTE) * MINUTE);
    }
    for (; at < end; at += MINUTE) {
        const int64_t local = local_of(zone, at);
        if (floor_div(local, DAY) == day && time_fits(cron, local - day * DAY))
            return at;
    }
    return INT64_MAX;
}

int64_t mlc_cron_next(const mlc_cron *cron, const mlc_zone *zone, int64_t after_ms)
{
    if (after_ms > latest_ms)
        return INT64_MAX;
    const int64_t held = after_ms < 0 ? 0 : after_ms;
    if (cron->every_ms > 0)
        return held + cron->every_ms;
    const int64_t after = held / 1000;
    const int64_t first = floor_div(local_of(zone, after), DAY);
    /* From the day before: when the clock is set back over midnight, that day goes on. */
    for (int64_t day = first - 1; day <= first + DAYS_AHEAD; day++) {
        if (!day_fits(cron, day))
            continue;
        const int64_t at = cron->any_minute_or_hour ? next_running(cron, zone, day, after)
                                                    : next_fixed(cron, zone, day, after);
        if (at != INT64_MAX)
            return at * 1000;
    }
    return INT64_MAX;
}

/* Spreads whatever the seed is (splitmix64). */
static int64_t jitter_of(uint64_t seed, int64_t jitter_ms)
{
    if (jitter_ms <= 0)
        return 0;
    uint64_t mixed = seed + UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    mixed ^= mixed >> 31;
    return (int64_t)(mixed % ((uint64_t)jitter_ms + 1));
}

int64_t mlc_cron_plan(const mlc_cron *cron, const mlc_zone *zone, int64_t last_ms, int64_t now_ms,
                      int64_t jitter_ms, uint64_t seed, bool catch_up)
{
    const int64_t jitter = jitter_of(seed, jitter_ms);
    /* A last run in the future: the clock was set back since. It says nothing about what was missed. */
    const int64_t due = mlc_cron_next(cron, zone, last_ms < now_ms ? last_ms : now_ms);
    if (due == INT64_MAX || due >= INT64_MAX - jitter)
        return INT64_MAX;
    if (due + jitter >= now_ms)
        return due + jitter;
    if (catch_up)
        return now_ms;
    if (cron->every_ms > 0)
        return now_ms + cron->every_ms;
    const int64_t later = mlc_cron_next(cron, zone, now_ms - jitter - 1);
    return later == INT64_MAX ? later : later + jitter;
}
