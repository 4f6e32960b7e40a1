/* backoff.h - when to try again: exponential with full jitter and a cap, and a circuit breaker.
 *
 * Pure: time and the random number come in as parameters. Thread rule: one thread at a time.
 */
#ifndef MLC_NET_BACKOFF_H
#define MLC_NET_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

typedef struct mlc_backoff {
    int64_t base_ms; /* ceiling of the first delay, > 0 */
    int64_t cap_ms;  /* ceiling of any delay, >= base_ms */
} mlc_backoff;

/* Delay before attempt number `attempt` + 1, where attempt >= 1 have failed: uniform in
 * [0, min(cap, base * 2^(attempt-1))], from `random` (any 64 random bits); never below
 * retry_after_ms (0: the peer named none), which may pass the cap. */
int64_t mlc_backoff_delay(const mlc_backoff *policy, uint32_t attempt, int64_t retry_after_ms,
                          uint64_t random);

/* Parse a Retry-After value, seconds or HTTP-date; 0 when absent, past or malformed; capped at 1 hour. */
int64_t mlc_retry_after_ms(const char *value, int64_t now_wall_ms);

/* Circuit breaker: closed until `threshold` failures in a row, then open for open_ms, then half-open:
 * one trial is let through; its success closes, its failure opens again for twice as long (capped). */
typedef struct mlc_breaker {
    uint32_t threshold;
    int64_t open_ms, open_max_ms;
    /* state */
    uint32_t failures;
    int64_t open_until_ms, open_now_ms;
    bool open, trial;
} mlc_breaker;

void mlc_breaker_init(mlc_breaker *b, uint32_t threshold, int64_t open_ms, int64_t open_max_ms);
/* May a request be made now? Taking the half-open trial counts as asking: call only when sending. */
bool mlc_breaker_allow(mlc_breaker *b, int64_t now_ms);
/* When the next request may be made (now_ms when closed). */
int64_t mlc_breaker_when(const mlc_breaker *b, int64_t now_ms);
void mlc_breaker_success(mlc_breaker *b);
/* Only for failures of the peer or the network, not for errors of a record. */
void mlc_breaker_failure(mlc_breaker *b, int64_t now_ms);

#endif
