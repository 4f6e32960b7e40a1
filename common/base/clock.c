/* clock.c - see clock.h. Civil dates by Howard Hinnant's days_from_civil: exact, no time zone data. */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MS_PER_SECOND = 1000, MS_PER_DAY = 86400000, DAYS_PER_ERA = 146097, YEARS_PER_ERA = 400 };

int64_t mlc_wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * MS_PER_SECOND + now.tv_nsec / 1000000;
}

uint64_t mlc_mono_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

int64_t mlc_mono_ms(void)
{
    return (int64_t)(mlc_mono_ns() / 1000000U);
}

/* Years are counted from March, so that the leap day is a year's last day; 719468 is 1970-01-01. */
int64_t mlc_days_from_civil(int year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2 ? 1 : 0);
    int64_t era = (y >= 0 ? y : y - (YEARS_PER_ERA - 1)) / YEARS_PER_ERA;
    int64_t year_of_era = y - era * YEARS_PER_ERA;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - 719468;
}

void mlc_civil_from_days(int64_t days, int *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - (DAYS_PER_ERA - 1)) / DAYS_PER_ERA;
    int64_t day_of_era = z - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *year = (int)(year_of_era + era * YEARS_PER_ERA + (*month <= 2 ? 1 : 0));
}

const char *mlc_iso_text(int64_t wall_ms, char *out)
{
    /* ISO 8601 has four-digit years: 0000-01-01 to the last millisecond of 9999. */
    const int64_t first = INT64_C(-62167219200000), last = INT64_C(253402300799999);
    int64_t ms = wall_ms < first ? first : wall_ms > last ? last : wall_ms;
    int64_t days = (ms >= 0 ? ms : ms - (MS_PER_DAY - 1)) / MS_PER_DAY;
    unsigned rest = (unsigned)(ms - days * MS_PER_DAY);
    int year = 0;
    unsigned month = 0, day = 0;
    mlc_civil_from_days(days, &year, &month, &day);
    (void)snprintf(out, MLC_ISO_TEXT_MAX, "%04d-%02u-%02uT%02u:%02u:%02u.%03uZ", year, month, day,
                   rest / 3600000U, rest / 60000U % 60U, rest / 1000U % 60U, rest % 1000U);
    return out;
}

/* Exactly `count` digits at *p; moves *p behind them. */
static bool take_digits(const char **p, unsigned count, unsigned *out)
{
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++) {
        char c = (*p)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (unsigned)(c - '0');
    }
    *p += count;
    *out = value;
    return true;
}

static bool take_char(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

static bool is_date(unsigned year, unsigned month, unsigned day)
{
    static const uint8_t DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= DAYS[month - 1] + (month == 2 && leap ? 1U : 0U);
}

static bool take_date(const char **p, int64_t *ms)
{
    unsigned year = 0, month = 0, day = 0;
    if (!take_digits(p, 4, &year) || !take_char(p, '-') || !take_digits(p, 2, &month) || !take_char(p, '-') ||
        !take_digits(p, 2, &day) || !is_date(year, month, day))
        return false;
    *ms = mlc_days_from_civil((int)year, month, day) * MS_PER_DAY;
    return true;
}

/* hh:mm:ss; second 60 is a leap second and falls on the next minute's start. */
static bool take_time(const char **p, int64_t *ms)
{
    unsigned hour = 0, minute = 0, second = 0;
    if (!take_digits(p, 2, &hour) || !take_char(p, ':') || !take_digits(p, 2, &minute) ||
        !take_char(p, ':') || !take_digits(p, 2, &second) || hour > 23 || minute > 59 || second > 60)
        return false;
    *ms += ((int64_t)hour * 3600 + (int64_t)minute * 60 + second) * MS_PER_SECOND;
    return true;
}

/* One or more decimals of a second; those after the third are cut (Dataverse writes up to seven). */
static bool take_fraction(const char **p, int64_t *ms)
{
    if (!take_char(p, '.'))
        return true;
    unsigned unit = 100, digit = 0;
    if (!take_digits(p, 1, &digit))
        return false;
    do {
        *ms += (int64_t)digit * unit;
        unit /= 10;
    } while (take_digits(p, 1, &digit));
    return true;
}

/* "Z", "+hh:mm", "-hh:mm" or nothing, which means UTC. */
static bool take_zone(const char **p, int64_t *ms)
{
    if (**p == '\0' || take_char(p, 'Z'))
        return true;
    int64_t sign = **p == '-' ? -1 : 1;
    unsigned hours = 0, minutes = 0;
    if ((!take_char(p, '+') && !take_char(p, '-')) || !take_digits(p, 2, &hours) || !take_char(p, ':') ||
        !take_digits(p, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *ms -= sign * ((int64_t)hours * 60 + minutes) * 60 * MS_PER_SECOND;
    return true;
}

mlc_code mlc_iso_parse(const char *text, int64_t *wall_ms, mlc_error *err)
{
    const char *p = text;
    int64_t ms = 0;
    bool good = p != NULL && take_date(&p, &ms);
    if (good && *p != '\0')
        good = take_char(&p, 'T') && take_time(&p, &ms) && take_fraction(&p, &ms) && take_zone(&p, &ms) &&
               *p == '\0';
    if (!good)
        return mlc_fail(err, MLC_E_INVALID, "not an ISO 8601 time such as 2026-11-23T21:00:00Z");
    *wall_ms = ms;
    return MLC_OK;
}

/* Index of a three-letter name in a list of `count` such names, `count` when absent. */
static unsigned take_name(const char **p, const char *names, unsigned count)
{
    unsigned i = 0;
    while (i < count && strncmp(*p, names + 3 * (size_t)i, 3) != 0)
        i++;
    if (i < count)
        *p += 3;
    return i;
}

mlc_code mlc_http_date_parse(const char *text, int64_t *wall_ms, mlc_error *err)
{
    const char *p = text;
    unsigned day = 0, month = 0, year = 0;
    int64_t ms = 0;
    bool good = p != NULL && take_name(&p, "MonTueWedThuFriSatSun", 7) < 7 && take_char(&p, ',') &&
                take_char(&p, ' ') && take_digits(&p, 2, &day) && take_char(&p, ' ') &&
                (month = take_name(&p, "JanFebMarAprMayJunJulAugSepOctNovDec", 12) + 1) <= 12 &&
                take_char(&p, ' ') && take_digits(&p, 4, &year) && take_char(&p, ' ') &&
                is_date(year, month, day) && take_time(&p, &ms) && strcmp(p, " GMT") == 0;
    if (!good)
        return mlc_fail(err, MLC_E_INVALID, "not an HTTP date such as Sun, 06 Nov 1994 08:49:37 GMT");
    *wall_ms = ms + mlc_days_from_civil((int)year, month, day) * MS_PER_DAY;
    return MLC_OK;
}
