/* quota.h - how much of something a tenant may do in a second: a token bucket, with counts for the operator.
 *
 * Pure: time is a parameter. One thread at a time.
 */
#ifndef MLC_RELAY_QUOTA_H
#define MLC_RELAY_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mlc_quota {
    int64_t per_s, burst;    /* at a steady rate; at once after a pause */
    int64_t tokens;          /* thousandths */
    int64_t at_ms;           /* of the last look (monotonic) */
    uint64_t taken, refused; /* since init */
} mlc_quota;

/* Full at the beginning. per_s and burst are at least 1. */
void mlc_quota_init(mlc_quota *quota, int64_t per_s, int64_t burst, int64_t now_ms);
/* Take one. False: none left; *wait_s (may be NULL) receives the whole seconds, at least 1, after which to ask again. */
bool mlc_quota_take(mlc_quota *quota, int64_t now_ms, int *wait_s);

#endif
