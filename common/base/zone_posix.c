/* zone_posix.c - the POSIX TZ rule ("EET-2EEST,M3.5.0/3,M10.5.0/4") that ends a TZif file. */
#include "base/clock.h"
#include "base/zone_private.h"

#include <ctype.h>
#include <string.h>

enum { HOUR = 3600, DAY = 86400, CHANGE_TIME_DEFAULT = 2 * HOUR };

/* A cursor over the text; `bad` once anything did not fit. */
typedef struct reader {
    const char *p;
    bool bad;
} reader;

static int read_number(reader *r, int min, int max)
{
    int value = 0;
    const char *const first = r->p;
    while (isdigit((unsigned char)*r->p) && r->p - first < 4)
        value = value * 10 + (*r->p++ - '0');
    if (r->p == first || value < min || value > max)
        r->bad = true;
    return r->bad ? min : value;
}

static bool read_char(reader *r, char c)
{
    if (*r->p != c)
        return false;
    r->p++;
    return true;
}

static void expect(reader *r, char c)
{
    if (!read_char(r, c))
        r->bad = true;
}

/* "MST" or "<-03>": only skipped, the connector never prints abbreviations. */
static void skip_name(reader *r)
{
    const char *const first = r->p;
    if (read_char(r, '<')) {
        while (*r->p != '\0' && *r->p != '>')
            r->p++;
        expect(r, '>');
        return;
    }
    while (isalpha((unsigned char)*r->p))
        r->p++;
    if (r->p - first < 3)
        r->bad = true;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static int32_t read_time(reader *r, int max_hours)
{
    const bool negative = *r->p == '-';
    if (negative || *r->p == '+')
        r->p++;
    int32_t value = read_number(r, 0, max_hours) * HOUR;
    if (read_char(r, ':'))
        value += read_number(r, 0, 59) * 60;
    if (read_char(r, ':'))
        value += read_number(r, 0, 59);
    return negative ? -value : value;
}

static mlc_posix_change read_change(reader *r)
{
    mlc_posix_change change = {.kind = MLC_POSIX_DAY, .time = CHANGE_TIME_DEFAULT};
    if (read_char(r, 'M')) {
        change.kind = MLC_POSIX_MONTH;
        change.month = read_number(r, 1, 12);
        expect(r, '.');
        change.week = read_number(r, 1, 5);
        expect(r, '.');
        change.day = read_number(r, 0, 6);
    } else if (read_char(r, 'J')) {
        change.kind = MLC_POSIX_JULIAN;
        change.day = read_number(r, 1, 365);
    } else {
        change.day = read_number(r, 0, 365);
    }
    if (read_char(r, '/'))
        change.time = read_time(r, 167);
    return change;
}

mlc_code mlc_posix_rule_parse(const char *text, mlc_posix_rule *out, mlc_error *err)
{
    reader r = {.p = text};
    mlc_posix_rule rule = {0};
    skip_name(&r);
    rule.std_offset = -read_time(&r, 24); /* POSIX counts west of Greenwich */
    if (!r.bad && *r.p != '\0') {
        rule.has_dst = true;
        skip_name(&r);
        rule.dst_offset = *r.p == ',' ? rule.std_offset + HOUR : -read_time(&r, 24);
        expect(&r, ',');
        rule.start = read_change(&r);
        expect(&r, ',');
        rule.end = read_change(&r);
    }
    if (r.bad || *r.p != '\0')
        return mlc_fail(err, MLC_E_INVALID, "malformed time zone rule \"%.60s\"", text);
    *out = rule;
    return MLC_OK;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t change_day(const mlc_posix_change *change, int year)
{
    const int64_t january_first = mlc_days_from_civil(year, 1, 1);
    if (change->kind == MLC_POSIX_DAY)
        return january_first + change->day;
    if (change->kind == MLC_POSIX_JULIAN)
        return january_first + change->day - 1 + (is_leap(year) && change->day >= 60 ? 1 : 0);
    const int64_t first = mlc_days_from_civil(year, (unsigned)change->month, 1);
    const int64_t next = change->month == 12 ? mlc_days_from_civil(year + 1, 1, 1)
                                             : mlc_days_from_civil(year, (unsigned)change->month + 1, 1);
    const int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
    int64_t day = first + (change->day - weekday + 7) % 7 + 7 * (int64_t)(change->week - 1);
    while (day >= next) /* week 5 means the last one */
        day -= 7;
    return day;
}

int64_t mlc_posix_dst_start(const mlc_posix_rule *rule, int year)
{
    return change_day(&rule->start, year) * DAY + rule->start.time - rule->std_offset;
}

int64_t mlc_posix_dst_end(const mlc_posix_rule *rule, int year)
{
    return change_day(&rule->end, year) * DAY + rule->end.time - rule->dst_offset;
}

int32_t mlc_posix_offset(const mlc_posix_rule *rule, int64_t utc)
{
    if (!rule->has_dst)
        return rule->std_offset;
    int year;
    unsigned month;
    unsigned day;
    mlc_civil_from_days(utc / DAY - (utc % DAY < 0 ? 1 : 0), &year, &month, &day);
    /* The latest change at or before `utc` decides. On a tie the start wins: so rules are written that
     * keep daylight saving all year. */
    int64_t latest = INT64_MIN;
    int32_t offset = rule->std_offset;
    for (int y = year - 1; y <= year + 1; y++) {
        const int64_t end = mlc_posix_dst_end(rule, y);
        if (end <= utc && end > latest) {
            latest = end;
            offset = rule->std_offset;
        }
        const int64_t start = mlc_posix_dst_start(rule, y);
        if (start <= utc && start >= latest) {
            latest = start;
            offset = rule->dst_offset;
        }
    }
    return offset;
}
