/* jdedate.h - JD Edwards dates and times (contracts/ais.md, sections Session and Data).
 *
 * Dates are stored as CYYDDD (C = century - 19): 126327 is day 327 of 2026. Times are HHMMSS as a
 * number without leading zeros, in the server's local time. Through the data service dates arrive in
 * the user's simpleDateFormat, as Julian or as ISO: mlc_jde_date_parse takes all three.
 *
 * A zone describes the server's local time, either as an IANA name (read from the system's TZif
 * files) or as a fixed offset. It is used to find the hour that occurs twice at the end of daylight
 * saving. Thread rule: values and const zones may be shared; open/close by one thread.
 */
#ifndef MLC_BASE_JDEDATE_H
#define MLC_BASE_JDEDATE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* A point of server-local wall time as JDE stamps it. Orders as (julian, hms). */
typedef struct mlc_jde_stamp {
    int32_t julian; /* CYYDDD; 0 = blank */
    int32_t hms;    /* HHMMSS, 0..235959 */
} mlc_jde_stamp;

typedef struct mlc_zone mlc_zone;

mlc_code mlc_julian_from_civil(int year, unsigned month, unsigned day, int32_t *out, mlc_error *err);
mlc_code mlc_julian_to_civil(int32_t julian, int *year, unsigned *month, unsigned *day, mlc_error *err);

/* Parse a date of the data service by the user's simpleDateFormat ("dd/MM/yyyy", "MM/dd/yy", ...);
 * a number of 5 or 6 digits is taken as Julian, "yyyy-MM-dd" and "yyyyMMdd" as ISO. Blank or "null"
 * gives 0. `format` may be NULL. MLC_E_INVALID names text and format. */
mlc_code mlc_jde_date_parse(const char *text, const char *format, int32_t *julian, mlc_error *err);
/* Write a date in the user's format into out[size]. */
mlc_code mlc_jde_date_format(int32_t julian, const char *format, char *out, size_t size, mlc_error *err);
/* "143005" or "905" or "90501.0" -> HHMMSS; MLC_E_INVALID for minutes or seconds above 59. */
mlc_code mlc_jde_time_parse(const char *text, int32_t *hms, mlc_error *err);

int mlc_jde_stamp_cmp(mlc_jde_stamp a, mlc_jde_stamp b);
/* a minus so many seconds, across midnight and year ends, in plain wall time. */
mlc_jde_stamp mlc_jde_stamp_minus(mlc_jde_stamp a, int64_t seconds);

/* Open an IANA zone ("America/Denver") or a fixed offset ("UTC-05:00", "+01:00", "UTC").
 * MLC_E_NOTFOUND when the name is unknown. Free with mlc_zone_close. */
mlc_code mlc_zone_open(mlc_zone **out, const char *name, mlc_error *err);
void mlc_zone_close(mlc_zone *zone);
/* Local wall time of a UTC instant. */
mlc_jde_stamp mlc_zone_stamp(const mlc_zone *zone, int64_t wall_ms);
/* Local wall time of a UTC instant, as seconds since 1970-01-01 00:00 of the local calendar. */
int64_t mlc_zone_local(const mlc_zone *zone, int64_t utc_s);
/* The earliest instant (UTC seconds) at which the local clock shows `local_s` or more: of a time that occurs twice the
 * first one, of a time that a gap leaves out the end of the gap. */
int64_t mlc_zone_instant(const mlc_zone *zone, int64_t local_s);
/* The smallest local stamp that any instant of [from_ms, to_ms] has: equals the stamp of from_ms
 * unless the clock was set back in between, when it is the stamp just after that change. */
mlc_jde_stamp mlc_zone_min_stamp(const mlc_zone *zone, int64_t from_ms, int64_t to_ms);

#endif
