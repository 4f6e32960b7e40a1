/* decide.h - what follows from the result of a delivery: a pure function of result, entry and time.
 *
 * The rules are those of deliverer.h. No clock, no store, no random source in here.
 */
#ifndef MLC_DELIVER_DECIDE_H
#define MLC_DELIVER_DECIDE_H

#include "base/error.h"
#include "net/backoff.h"

typedef enum mlc_verdict_action {
    MLC_VERDICT_DONE,
    MLC_VERDICT_RETRY,
    MLC_VERDICT_PARK,
    MLC_VERDICT_LEAVE /* in flight, for the next start to recover */
} mlc_verdict_action;

/* What a result says about the peer, for the circuit breaker. */
typedef enum mlc_peer_news { MLC_PEER_NO_NEWS, MLC_PEER_ANSWERED, MLC_PEER_FAILED } mlc_peer_news;

typedef struct mlc_verdict {
    mlc_verdict_action action;
    mlc_peer_news peer;
    bool uncertain;  /* this attempt may have had its effect */
    int64_t next_ms; /* RETRY: wall time of the next attempt */
    int64_t hold_ms; /* the peer wants to be left alone by everyone for so long; 0: no */
} mlc_verdict;

typedef struct mlc_decision {
    /* the result */
    mlc_code code;
    bool uncertain;
    int64_t retry_after_ms;
    /* the entry; wall times */
    uint32_t attempt; /* 1 for the first */
    int64_t created_ms, began_ms;
    /* the world */
    int64_t now_ms;
    int64_t last_taken_ms; /* when the peer last took a record; 0: not yet */
    uint64_t random;
    /* the policy */
    uint32_t max_attempts;
    int64_t settle_ms;
    mlc_backoff backoff;
} mlc_decision;

mlc_verdict mlc_delivery_decide(const mlc_decision *in);

#endif
