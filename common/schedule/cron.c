/* cron.c - see cron.h: the expression. When it is due: cron_next.c. */
#include "schedule/cron.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { FIELD_COUNT = 5, FIELD_MAX = 128, SHOWN_MAX = 60 };

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const day_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

typedef struct cron_field {
    const char *name, *example;
    int min, max;
    const char *const *words; /* of min, min + 1, ...; NULL: numbers only */
    int word_count;
} cron_field;

static const cron_field fields[FIELD_COUNT] = {
    {"minute", "0-59, such as 0, */15 or 0,30", 0, 59, NULL, 0},
    {"hour", "0-23, such as 2, */4 or 20-23", 0, 23, NULL, 0},
    {"day of month", "1-31, such as 1, */2 or 1,15", 1, 31, NULL, 0},
    {"month", "1-12 or jan-dec", 1, 12, month_names, 12},
    {"day of week", "0-7 or sun-sat, 0 and 7 are Sunday", 0, 7, day_names, 7},
};

static mlc_code wrong(const cron_field *field, const char *text, const char *reason, mlc_error *err)
{
    return mlc_fail(err, MLC_E_INVALID, "%s \"%.*s\" %s; right is %s", field->name, SHOWN_MAX, text, reason,
                    field->example);
}

/* A number or a name at *p; false when there is neither. */
static bool take_value(const cron_field *field, const char **p, int *out)
{
    const char *const first = *p;
    int value = 0;
    if (isalpha((unsigned char)*first)) {
        for (int i = 0; i < field->word_count; i++) {
            if (strncasecmp(first, field->words[i], 3) == 0 && !isalnum((unsigned char)first[3])) {
                *out = field->min + i;
                *p = first + 3;
                return true;
            }
        }
        return false;
    }
    while (isdigit((unsigned char)**p) && *p - first < 4)
        value = value * 10 + (*(*p)++ - '0');
    *out = value;
    return *p != first;
}

typedef struct cron_range {
    int low, high, step;
} cron_range;

/* "*", "5", "1-5", each with "/step"; "5/10" means from 5 to the end. NULL when it fits, else what is wrong. */
static const char *take_range(const cron_field *field, const char **p, cron_range *out)
{
    *out = (cron_range){field->min, field->max, 1};
    bool single = false;
    if (**p == '*') {
        (*p)++;
    } else {
        if (!take_value(field, p, &out->low))
            return "is not understood";
        out->high = out->low;
        single = true;
        if (**p == '-') {
            (*p)++;
            single = false;
            if (!take_value(field, p, &out->high))
                return "has a range without an end";
        }
    }
    if (**p == '/') {
        const cron_field plain = {.min = 1};
        (*p)++;
        if (!isdigit((unsigned char)**p) || !take_value(&plain, p, &out->step) || out->step < 1)
            return "has a step that is no number above 0";
        if (single)
            out->high = field->max;
    }
    if (out->low < field->min || out->high > field->max)
        return "is out of range";
    return out->low > out->high ? "has a range that ends before it begins" : NULL;
}

static mlc_code take_field(const cron_field *field, const char *text, uint64_t *bits, mlc_error *err)
{
    const char *p = text;
    *bits = 0;
    for (;;) {
        cron_range range;
        const char *const reason = take_range(field, &p, &range);
        if (reason != NULL)
            return wrong(field, text, reason, err);
        for (int i = range.low; i <= range.high; i += range.step)
            *bits |= UINT64_C(1) << i;
        if (*p == '\0')
            return MLC_OK;
        if (*p++ != ',')
            return wrong(field, text, "is not understood", err);
    }
}

static mlc_code take_five(const char *text, mlc_cron *out, mlc_error *err)
{
    uint64_t bits[FIELD_COUNT];
    bool star[FIELD_COUNT];
    const char *p = text;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        char field[FIELD_MAX];
        p += strspn(p, " \t");
        const size_t len = strcspn(p, " \t");
        if (len == 0 || len >= sizeof field)
            return mlc_fail(err, MLC_E_INVALID,
                            "schedule \"%.*s\" has %s for %s; it has five fields: minute hour day-of-month "
                            "month day-of-week, such as \"0 2 * * *\", or is @daily or @every 5m",
                            SHOWN_MAX, text, len == 0 ? "no field" : "too long a field", fields[i].name);
        memcpy(field, p, len);
        field[len] = '\0';
        p += len;
        star[i] = field[0] == '*';
        const mlc_code code = take_field(&fields[i], field, &bits[i], err);
        if (code != MLC_OK)
            return code;
    }
    if (p[strspn(p, " \t")] != '\0')
        return mlc_fail(err, MLC_E_INVALID,
                        "schedule \"%.*s\" has more than five fields; right is such as "
                        "\"0 2 * * *\"",
                        SHOWN_MAX, text);
    out->minutes = bits[0];
    out->hours = (uint32_t)bits[1];
    out->days = (uint32_t)bits[2];
    out->months = (uint32_t)bits[3];
    out->weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f); /* 7 is 0 */
    out->any_minute_or_hour = star[0] || star[1];
    out->any_day = star[2];
    out->any_weekday = star[4];
    return MLC_OK;
}

static mlc_code take_every(const char *text, const char *pause, mlc_cron *out, mlc_error *err)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    enum { DIGITS_MAX = 7 };
    int64_t value = 0;
    pause += strspn(pause, " \t");
    const size_t digits = strspn(pause, "0123456789");
    for (size_t i = 0; i < digits && i < DIGITS_MAX; i++)
        value = value * 10 + (pause[i] - '0');
    for (size_t i = 0; digits <= DIGITS_MAX && i < sizeof units / sizeof units[0]; i++)
        if (value > 0 && pause[digits] == units[i].unit && pause[digits + 1] == '\0') {
            out->every_ms = value * units[i].ms;
            return MLC_OK;
        }
    return mlc_fail(err, MLC_E_INVALID,
                    "schedule \"%.*s\": the pause after @every is a whole number from 1 with s, m, h or d, "
                    "such as @every 5m",
                    SHOWN_MAX, text);
}

mlc_code mlc_cron_parse(const char *text, mlc_cron *out, mlc_error *err)
{
    static const struct {
        const char *name, *means;
    } aliases[] = {{"@hourly", "0 * * * *"},
                   {"@daily", "0 0 * * *"},
                   {"@weekly", "0 0 * * 0"},
                   {"@monthly", "0 0 1 * *"}};
    static const char every[] = "@every";
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
        if (strcmp(text, aliases[i].name) == 0)
            return take_five(aliases[i].means, out, err);
    if (strncmp(text, every, sizeof every - 1) == 0)
        return take_every(text, text + sizeof every - 1, out, err);
    if (text[0] == '@')
        return mlc_fail(err, MLC_E_INVALID,
                        "schedule \"%.*s\" is not known; known are @hourly, @daily, @weekly, @monthly and "
                        "@every 5m",
                        SHOWN_MAX, text);
    return take_five(text, out, err);
}
