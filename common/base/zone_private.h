/* zone_private.h - what zone.c and its tests share: reading zone data that is already in memory. */
#ifndef MLC_BASE_ZONE_PRIVATE_H
#define MLC_BASE_ZONE_PRIVATE_H

#include "base/jdedate.h"

/* Parse the bytes of a TZif file of version 2 or later (RFC 8536). `name` is for messages.
 * MLC_E_CORRUPT when malformed. Free with mlc_zone_close. */
mlc_code mlc_zone_parse(mlc_zone **out, const char *name, const uint8_t *data, size_t len, mlc_error *err);

/* One half of a POSIX rule: when in a year an offset begins. */
typedef struct mlc_posix_change {
    enum { MLC_POSIX_JULIAN, MLC_POSIX_DAY, MLC_POSIX_MONTH } kind; /* Jn (no leap day), n, Mm.w.d */
    int month, week, day;
    int32_t time; /* seconds after local midnight, may be negative or beyond a day */
} mlc_posix_change;

/* "MST7MDT,M3.2.0,M11.1.0": the rule that a TZif file ends with, for times after its table. */
typedef struct mlc_posix_rule {
    int32_t std_offset; /* seconds east of Greenwich */
    int32_t dst_offset;
    bool has_dst;
    mlc_posix_change start; /* of daylight saving, in standard time */
    mlc_posix_change end;   /* in daylight saving time */
} mlc_posix_rule;

mlc_code mlc_posix_rule_parse(const char *text, mlc_posix_rule *out, mlc_error *err);
/* UTC seconds at which daylight saving starts and ends in a year (rule.has_dst). */
int64_t mlc_posix_dst_start(const mlc_posix_rule *rule, int year);
int64_t mlc_posix_dst_end(const mlc_posix_rule *rule, int year);
/* Offset in force at a UTC second. */
int32_t mlc_posix_offset(const mlc_posix_rule *rule, int64_t utc);

#endif
