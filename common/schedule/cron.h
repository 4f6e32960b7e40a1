/* cron.h - when a flow runs: a cron expression in a time zone. Pure.
 *
 * Five fields, minute hour day-of-month month day-of-week, as crontab(5) has them: lists, ranges, steps, names (jan, mon),
 * 0 and 7 are Sunday; day-of-month and day-of-week are joined by OR when both are restricted. Also "@hourly", "@daily",
 * "@weekly", "@monthly", and "@every 5m" (a pause from the end of one run to the start of the next, 1 s at least).
 *
 * Daylight saving: a local time that does not exist runs at the first instant after the gap; one that occurs twice runs at
 * its first occurrence only (expressions whose minute and hour fields are both restricted; a "every n minutes" expression
 * just goes on).
 */
#ifndef MLC_SCHEDULE_CRON_H
#define MLC_SCHEDULE_CRON_H

#include "base/error.h"
#include "base/jdedate.h"

typedef struct mlc_cron {
    int64_t every_ms; /* "@every"; else 0 */
    uint64_t minutes; /* bit set */
    uint32_t hours, days, months, weekdays;
    bool any_day, any_weekday; /* the field was "*" */
    bool any_minute_or_hour;   /* a field of the time is "*" or a step of it */
} mlc_cron;

/* MLC_E_INVALID names the field, its text and what would be right. */
mlc_code mlc_cron_parse(const char *text, mlc_cron *out, mlc_error *err);

/* First instant strictly after `after_ms` (wall time, ms). `zone` NULL: UTC. INT64_MAX when there is none in the next
 * five years ("0 0 30 2 *"). For "@every": after_ms + pause. */
int64_t mlc_cron_next(const mlc_cron *cron, const mlc_zone *zone, int64_t after_ms);

/* When a flow is to run next: the first due time after `last_ms` (when it last began; 0: never), plus a jitter within
 * jitter_ms that `seed` fixes (the same flow of the same site always has the same one). A due time that was missed while
 * the program was down is made up for once, now, when `catch_up`, else skipped. Never earlier than now_ms. */
int64_t mlc_cron_plan(const mlc_cron *cron, const mlc_zone *zone, int64_t last_ms, int64_t now_ms,
                      int64_t jitter_ms, uint64_t seed, bool catch_up);

#endif
