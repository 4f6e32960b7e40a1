/* map_value.c - from a text to the form of its type. Numbers stay exact texts until they are written. */
#include "map/map_private.h"

#include "base/jdedate.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 40 };

static bool refuse(char *reason, const map_value *value, const char *why)
{
    char shown[SHOWN];
    mlc_strlcpy(shown, mlc_buf_text(&value->text), sizeof shown);
    (void)snprintf(reason, MLC_CFG_REASON_MAX, "\"%s\" %s", shown, why);
    return false;
}

static bool set(map_value *value, const char *text, char *reason)
{
    if (map_text_set(value, text, strlen(text)))
        return true;
    (void)snprintf(reason, MLC_CFG_REASON_MAX, "there is no memory for it");
    return false;
}

/* ---- numbers ---- */

static bool to_decimal(const map_field *field, map_value *value, char *reason)
{
    char text[MLC_DECIMAL_TEXT_MAX];
    mlc_decimal number = {0};
    mlc_error err;
    mlc_error_clear(&err);
    mlc_code code = mlc_decimal_parse(mlc_buf_text(&value->text), &number, &err);
    if (code == MLC_E_LIMIT)
        return refuse(reason, value, "has too many digits; at most 18 can be carried");
    if (code != MLC_OK)
        return refuse(reason, value, "is no number; write it like 1250.50");
    if (field->implied > 0) {
        number = mlc_decimal_normalize(number);
        if (number.scale != 0)
            return refuse(reason, value,
                          "has a point, but its decimals are implied; correct it, or implied in the mapping");
        code = mlc_decimal_from_implied(number.unscaled, (unsigned)field->implied, &number, &err);
    }
    if (code == MLC_OK && field->scale >= 0)
        code = mlc_decimal_rescale(number, (unsigned)field->scale, field->round, &number, &err);
    else
        number = mlc_decimal_normalize(number);
    if (code != MLC_OK) {
        (void)snprintf(reason, MLC_CFG_REASON_MAX, "%.200s; correct it, or set round in the mapping",
                       err.message);
        return false;
    }
    return set(value, mlc_decimal_text(number, text), reason);
}

static bool to_int(map_value *value, char *reason)
{
    char text[MLC_DECIMAL_TEXT_MAX];
    mlc_decimal number = {0};
    if (mlc_decimal_parse(mlc_buf_text(&value->text), &number, NULL) != MLC_OK)
        return refuse(reason, value, "is no whole number; write it with digits only");
    number = mlc_decimal_normalize(number);
    if (number.scale != 0)
        return refuse(reason, value, "is no whole number; leave off what is behind the point");
    return set(value, mlc_decimal_text(number, text), reason);
}

static bool to_bool(map_value *value, char *reason)
{
    static const char *const yes[] = {"true", "1", "Y", "y", "yes"};
    static const char *const no[] = {"false", "0", "N", "n", "no"};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
        if (strcmp(yes[i], mlc_buf_text(&value->text)) == 0)
            return set(value, "true", reason);
        if (strcmp(no[i], mlc_buf_text(&value->text)) == 0)
            return set(value, "false", reason);
    }
    return refuse(reason, value, "is neither yes nor no; write Y or N, or translate it by a table");
}

/* ---- dates ---- */

/* Two digits up to `max`. */
static bool two_digits(const char *text, int max)
{
    return text[0] >= '0' && text[0] <= '9' && text[1] >= '0' && text[1] <= '9' &&
           (text[0] - '0') * 10 + text[1] - '0' <= max;
}

/* "hh:mm[:ss[.f]]" and a zone or nothing, after the T of an ISO time. */
static bool time_is_good(const char *text)
{
    if (!two_digits(text, 23) || text[2] != ':' || !two_digits(text + 3, 59))
        return false;
    text += 5;
    if (*text == ':') {
        if (!two_digits(text + 1, 59))
            return false;
        text += 3;
        const size_t digits = *text == '.' ? strspn(text + 1, "0123456789") : 0;
        if (*text == '.' && (digits == 0 || digits > 9))
            return false;
        text += *text == '.' ? 1 + digits : 0;
    }
    if (*text == '\0' || strcmp(text, "Z") == 0)
        return true;
    return (*text == '+' || *text == '-') && two_digits(text + 1, 14) && text[3] == ':' &&
           two_digits(text + 4, 59) && text[6] == '\0';
}

static bool put_date(const map_field *field, int32_t julian, char *out, size_t size, mlc_error *err)
{
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    const char *const form = field->date_out != NULL ? field->date_out : "iso";
    if (mlc_julian_to_civil(julian, &year, &month, &day, err) != MLC_OK)
        return false;
    if (strcmp(form, "iso") == 0)
        (void)snprintf(out, size, "%04d-%02u-%02u", year, month, day);
    else if (strcmp(form, "yyyymmdd") == 0)
        (void)snprintf(out, size, "%04d%02u%02u", year, month, day);
    else if (strcmp(form, "julian") == 0)
        (void)snprintf(out, size, "%d", (int)julian);
    else
        return mlc_jde_date_format(julian, form, out, size, err) == MLC_OK;
    return true;
}

static bool is_word_format(const char *format)
{
    return format == NULL || strcmp(format, "julian") == 0 || strcmp(format, "iso") == 0 ||
           strcmp(format, "yyyymmdd") == 0;
}

static bool to_date(const map_field *field, map_value *value, char *reason)
{
    char text[64];
    char out[64];
    int32_t julian = 0;
    mlc_error err;
    mlc_error_clear(&err);
    if (value->text.len >= sizeof text)
        return refuse(reason, value, "is no date; write it like 2026-11-23");
    mlc_strlcpy(text, mlc_buf_text(&value->text), sizeof text);
    char *const time = strlen(text) > 10 && text[4] == '-' && text[10] == 'T' ? text + 10 : NULL;
    if (time != NULL)
        *time = '\0';
    if (time != NULL && !time_is_good(time + 1))
        return refuse(reason, value, "is no time; write it like 2026-11-23T14:30:00Z");
    const char *const format = is_word_format(field->date_in) ? NULL : field->date_in;
    if (strcmp(text, "0") != 0 && mlc_jde_date_parse(text, format, &julian, &err) != MLC_OK)
        return refuse(reason, value, "is no date that exists; write it like 2026-11-23");
    if (julian == 0) /* JDE's blank date */
        return set(value, "", reason);
    if (!put_date(field, julian, out, sizeof out, &err)) {
        (void)snprintf(reason, MLC_CFG_REASON_MAX, "%.200s; correct the date", err.message);
        return false;
    }
    if (field->type == MAP_DATE)
        return set(value, out, reason);
    char whole[128];
    const bool zone = time != NULL && strpbrk(time + 1, "Z+-") != NULL;
    (void)snprintf(whole, sizeof whole, "%sT%s%s", out, time != NULL ? time + 1 : "00:00:00",
                   zone ? "" : "Z");
    return set(value, whole, reason);
}

bool map_value_convert(const map_field *field, map_value *value, char *reason)
{
    switch (field->type) {
    case MAP_DECIMAL:
    case MAP_MONEY:
        return to_decimal(field, value, reason);
    case MAP_INT:
        return to_int(value, reason);
    case MAP_BOOL:
        return to_bool(value, reason);
    case MAP_DATE:
    case MAP_DATETIME:
        return to_date(field, value, reason);
    case MAP_OPTION:
        return field->by_label || to_int(value, reason);
    default:
        return true;
    }
}
