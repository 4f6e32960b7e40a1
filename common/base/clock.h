/* clock.h - time at the rim: wall clock, monotonic clock, ISO 8601.
 *
 * Pure state machines take `now` as a parameter; only the rim calls these. Wall times are UTC
 * milliseconds since 1970-01-01. Durations and deadlines use the monotonic clock, so that a jump of
 * the wall clock delays nothing. Thread rule: all functions may be called from any thread.
 */
#ifndef MLC_BASE_CLOCK_H
#define MLC_BASE_CLOCK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { MLC_ISO_TEXT_MAX = 32 };

int64_t mlc_wall_ms(void);
int64_t mlc_mono_ms(void);
uint64_t mlc_mono_ns(void);

/* "2026-11-23T21:00:00.123Z"; `out` has MLC_ISO_TEXT_MAX bytes. Returns out. */
const char *mlc_iso_text(int64_t wall_ms, char *out);
/* Parse "2026-11-23T21:00:00[.fff][Z|+hh:mm]" or "2026-11-23". MLC_E_INVALID otherwise. */
mlc_code mlc_iso_parse(const char *text, int64_t *wall_ms, mlc_error *err);
/* Parse an HTTP-date (IMF-fixdate), as in Date and Retry-After. MLC_E_INVALID otherwise. */
mlc_code mlc_http_date_parse(const char *text, int64_t *wall_ms, mlc_error *err);
/* Days since 1970-01-01 of a civil date (proleptic Gregorian) and back. */
int64_t mlc_days_from_civil(int year, unsigned month, unsigned day);
void mlc_civil_from_days(int64_t days, int *year, unsigned *month, unsigned *day);

#endif
