/* jdedate.c - CYYDDD dates, HHMMSS times, and stamps made of both. */
#include "base/jdedate.h"

#include "base/buf.h"
#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    YEAR_MIN = 1900, /* C = 0 */
    YEAR_MAX = 2899, /* C = 9: the last year of six digits */
    DAY = 86400,
    TEXT_MAX = 32,
    /* Two-digit years of a short date format: 00..68 are 20xx, as POSIX strptime has it. */
    SHORT_YEAR_PIVOT = 69
};

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned month_days(int year, unsigned month)
{
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

mlc_code mlc_julian_from_civil(int year, unsigned month, unsigned day, int32_t *out, mlc_error *err)
{
    if (year < YEAR_MIN || year > YEAR_MAX || month < 1 || month > 12 || day < 1 ||
        day > month_days(year, month))
        return mlc_fail(err, MLC_E_INVALID, "%d-%02u-%02u is no date between %d and %d", year, month, day,
                        YEAR_MIN, YEAR_MAX);
    const int64_t of_year = mlc_days_from_civil(year, month, day) - mlc_days_from_civil(year, 1, 1) + 1;
    *out = (year - YEAR_MIN) * 1000 + (int32_t)of_year;
    return MLC_OK;
}

mlc_code mlc_julian_to_civil(int32_t julian, int *year, unsigned *month, unsigned *day, mlc_error *err)
{
    const int y = YEAR_MIN + julian / 1000;
    const int of_year = julian % 1000;
    if (julian <= 0 || y > YEAR_MAX || of_year < 1 || of_year > (is_leap(y) ? 366 : 365))
        return mlc_fail(err, MLC_E_INVALID, "%d is no JDE date (CYYDDD)", (int)julian);
    mlc_civil_from_days(mlc_days_from_civil(y, 1, 1) + of_year - 1, year, month, day);
    return MLC_OK;
}

/* ---- text of the data service ---- */

/* Copy without the blanks around it. False when it does not fit: then it is no date and no time. */
static bool trimmed(const char *text, char out[TEXT_MAX])
{
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len > 0 && isspace((unsigned char)text[len - 1]))
        len--;
    if (len >= TEXT_MAX)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

static bool is_blank(const char *text)
{
    return text[0] == '\0' || strcmp(text, "null") == 0 || strcmp(text, "0") == 0;
}

static bool all_digits(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Up to `max` digits; false when there are fewer than `min`. */
static bool take_number(const char **p, size_t min, size_t max, int *out, size_t *taken)
{
    int value = 0;
    size_t n = 0;
    for (; n < max && isdigit((unsigned char)**p); n++, (*p)++)
        value = value * 10 + (**p - '0');
    *out = value;
    *taken = n;
    return n >= min;
}

typedef struct date_parts {
    int year, month, day;
} date_parts;

static bool is_field(char c)
{
    return c == 'd' || c == 'M' || c == 'y';
}

/* One run of equal letters of the format. Fields that touch the next one have the format's own width,
 * fields with a separator behind them may be written shorter or longer, as Java's parser allows. */
static bool take_field(const char **text, char letter, size_t width, bool touches_next, date_parts *out)
{
    int value = 0;
    size_t taken = 0;
    const bool is_year = letter == 'y';
    const size_t longest = touches_next ? width : is_year ? 4 : 2;
    if (!take_number(text, touches_next ? width : is_year ? 2 : 1, longest, &value, &taken))
        return false;
    if (!is_year) {
        *(letter == 'd' ? &out->day : &out->month) = value;
        return true;
    }
    if (taken == 3)
        return false;
    out->year = taken == 2 ? value + (value < SHORT_YEAR_PIVOT ? 2000 : 1900) : value;
    return true;
}

/* False when text does not follow the format or the format has other letters than d, M, y. */
static bool parse_by_format(const char *text, const char *format, date_parts *out)
{
    *out = (date_parts){0};
    for (const char *f = format; *f != '\0';) {
        const char letter = *f;
        if (!is_field(letter)) {
            if (isalpha((unsigned char)letter) || *text != letter)
                return false;
            f++;
            text++;
            continue;
        }
        size_t width = 0;
        for (; *f == letter; f++)
            width++;
        if (width > 4 || !take_field(&text, letter, width, is_field(*f), out))
            return false;
    }
    return *text == '\0' && out->year != 0;
}

static bool parse_iso(const char *text, date_parts *out)
{
    const size_t len = strlen(text);
    if (len == 10)
        return text[4] == '-' && parse_by_format(text, "yyyy-MM-dd", out);
    return len == 8 && all_digits(text) && parse_by_format(text, "yyyyMMdd", out);
}

mlc_code mlc_jde_date_parse(const char *text, const char *format, int32_t *julian, mlc_error *err)
{
    char date[TEXT_MAX] = "";
    *julian = 0;
    if (text == NULL)
        return MLC_OK;
    const bool fits = trimmed(text, date);
    if (fits && is_blank(date))
        return MLC_OK;
    const size_t len = strlen(date);
    date_parts parts;
    if (fits && all_digits(date) && (len == 5 || len == 6)) {
        int year;
        unsigned month;
        unsigned day;
        int number = 0;
        size_t taken;
        const char *p = date;
        (void)take_number(&p, 5, 6, &number, &taken);
        const mlc_code code = mlc_julian_to_civil(number, &year, &month, &day, err);
        *julian = code == MLC_OK ? number : 0;
        return code;
    }
    /* The user's format goes first: eight digits may be ddMMyyyy as well as ISO. */
    if (fits && ((format != NULL && parse_by_format(date, format, &parts)) || parse_iso(date, &parts)) &&
        mlc_julian_from_civil(parts.year, (unsigned)parts.month, (unsigned)parts.day, julian, NULL) == MLC_OK)
        return MLC_OK;
    return mlc_fail(err, MLC_E_INVALID,
                    "\"%.40s\" is no date in the format %s, as Julian CYYDDD or as yyyy-MM-dd", text,
                    format != NULL ? format : "(none given)");
}

/* One run of letters of the format as a number; the width is its least number of digits. */
static mlc_code put_field(mlc_buf *out, char letter, size_t width, const date_parts *date, mlc_error *err)
{
    if (letter == 'y')
        return width <= 2 ? mlc_buf_printf(out, err, "%02d", date->year % 100)
                          : mlc_buf_printf(out, err, "%04d", date->year);
    return mlc_buf_printf(out, err, "%0*d", (int)width, letter == 'd' ? date->day : date->month);
}

static mlc_code put_date(mlc_buf *out, const char *format, const date_parts *date, mlc_error *err)
{
    mlc_code code = MLC_OK;
    for (const char *f = format; *f != '\0' && code == MLC_OK;) {
        const char letter = *f;
        size_t width = 0;
        for (; *f == letter; f++)
            width++;
        if (is_field(letter) && width <= 4)
            code = put_field(out, letter, width, date, err);
        else if (isalpha((unsigned char)letter))
            code = mlc_fail(err, MLC_E_INVALID, "date format \"%.40s\" has other fields than d, M and y",
                            format);
        else
            code = mlc_buf_append(out, f - width, width, err);
    }
    return code;
}

mlc_code mlc_jde_date_format(int32_t julian, const char *format, char *out, size_t size, mlc_error *err)
{
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    if (size == 0 || format == NULL)
        return mlc_fail(err, MLC_E_INVALID, "no date format given");
    out[0] = '\0';
    mlc_code code = mlc_julian_to_civil(julian, &year, &month, &day, err);
    if (code != MLC_OK)
        return code;
    const date_parts date = {.year = year, .month = (int)month, .day = (int)day};
    mlc_buf text = {.max = size};
    code = put_date(&text, format, &date, err);
    if (code == MLC_OK && text.len >= size)
        code = mlc_fail(err, MLC_E_LIMIT, "date in format \"%.40s\" is longer than %zu characters", format,
                        size - 1);
    if (code == MLC_OK)
        mlc_strlcpy(out, mlc_buf_text(&text), size);
    mlc_buf_free(&text);
    return code;
}

mlc_code mlc_jde_time_parse(const char *text, int32_t *hms, mlc_error *err)
{
    char time[TEXT_MAX] = "";
    *hms = 0;
    const bool fits = text == NULL || trimmed(text, time);
    if (fits && is_blank(time))
        return MLC_OK;
    const char *p = time;
    int value = 0;
    size_t taken = 0;
    bool ok = fits && take_number(&p, 1, 6, &value, &taken);
    if (ok && *p == '.') { /* numbers of the data service may carry ".0" */
        p++;
        ok = *p == '0';
        p += strspn(p, "0");
    }
    if (!ok || *p != '\0' || value > 235959 || value / 100 % 100 > 59 || value % 100 > 59)
        return mlc_fail(err, MLC_E_INVALID, "\"%.40s\" is no JDE time (HHMMSS)", text != NULL ? text : "");
    *hms = value;
    return MLC_OK;
}

/* ---- stamps ---- */

int mlc_jde_stamp_cmp(mlc_jde_stamp a, mlc_jde_stamp b)
{
    if (a.julian != b.julian)
        return a.julian < b.julian ? -1 : 1;
    return (a.hms > b.hms) - (a.hms < b.hms);
}

mlc_jde_stamp mlc_jde_stamp_minus(mlc_jde_stamp a, int64_t seconds)
{
    const mlc_jde_stamp blank = {0};
    const mlc_jde_stamp last = {.julian = (YEAR_MAX - YEAR_MIN) * 1000 + 365, .hms = 235959};
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    if (mlc_julian_to_civil(a.julian, &year, &month, &day, NULL) != MLC_OK)
        return blank; /* before every date there is still nothing */
    const int64_t span = ((int64_t)YEAR_MAX - YEAR_MIN + 1) * 366 * DAY;
    if (seconds > span)
        return blank;
    if (seconds < -span)
        return last;
    const int64_t of_day = a.hms / 10000 * 3600 + a.hms / 100 % 100 * 60 + a.hms % 100;
    const int64_t moved = mlc_days_from_civil(year, month, day) * DAY + of_day - seconds;
    const int64_t days = moved / DAY - (moved % DAY < 0 ? 1 : 0);
    const int32_t second = (int32_t)(moved - days * DAY);
    mlc_jde_stamp out = {.hms = second / 3600 * 10000 + second / 60 % 60 * 100 + second % 60};
    mlc_civil_from_days(days, &year, &month, &day);
    if (mlc_julian_from_civil(year, month, day, &out.julian, NULL) != MLC_OK)
        return year < YEAR_MIN ? blank : last;
    return out;
}
