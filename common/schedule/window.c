/* window.c - see window.h. */
#include "schedule/window.h"

#include <ctype.h>
#include <string.h>

enum { DAY = 86400, HOUR = 3600, MINUTE = 60 };

/* "hh:mm" or "h:mm" at *p. */
static bool take_time(const char **p, int32_t *out)
{
    int32_t part[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        const char *const first = *p;
        while (isdigit((unsigned char)**p) && *p - first < 2)
            part[i] = part[i] * 10 + (*(*p)++ - '0');
        if (*p == first || (i == 1 && *p - first != 2) || (i == 0 && *(*p)++ != ':'))
            return false;
    }
    *out = part[0] * HOUR + part[1] * MINUTE;
    return part[1] < 60 && *out <= DAY;
}

mlc_code mlc_window_parse(const char *text, mlc_window *out, mlc_error *err)
{
    const char *p = text;
    *out = (mlc_window){0};
    if (text == NULL || *text == '\0')
        return MLC_OK;
    if (take_time(&p, &out->from_s) && *p++ == '-' && take_time(&p, &out->to_s) && *p == '\0' &&
        out->from_s < DAY && out->from_s != out->to_s) {
        out->limited = true;
        return MLC_OK;
    }
    return mlc_fail(
        err, MLC_E_INVALID,
        "window \"%.40s\" is not understood; right is hh:mm-hh:mm, such as 20:00-06:00, or nothing "
        "for the whole day",
        text);
}

int64_t mlc_window_next(const mlc_window *window, const mlc_zone *zone, int64_t at_ms)
{
    if (!window->limited)
        return at_ms;
    const int64_t at = at_ms / 1000;
    const int64_t local = zone != NULL ? mlc_zone_local(zone, at) : at;
    const int64_t day = local / DAY;
    const int32_t second = (int32_t)(local - day * DAY);
    const bool open = window->from_s < window->to_s ? second >= window->from_s && second < window->to_s
                                                    : second >= window->from_s || second < window->to_s;
    if (open)
        return at_ms;
    const int64_t begin = (second < window->from_s ? day : day + 1) * DAY + window->from_s;
    const int64_t next = (zone != NULL ? mlc_zone_instant(zone, begin) : begin) * 1000;
    /* An instant that repeats (a clock set back) could lie behind: then the window is open again already. */
    return next > at_ms ? next : at_ms;
}
