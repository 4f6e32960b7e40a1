/* source_version.h - versions of master records as they stand in {prefix}sourceversion: "EMISSION.UPMJ.UPMT". Pure. */
#ifndef MLC_RELAY_SOURCE_VERSION_H
#define MLC_RELAY_SOURCE_VERSION_H

#include <stdbool.h>

/* Compare number by number; a missing number counts as 0. */
int mlc_source_version_cmp(const char *a, const char *b);
/* Digits and points only, with at least one digit: something to compare with. NULL: no. */
bool mlc_source_version_valid(const char *version);

#endif
