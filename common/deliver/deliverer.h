/* deliverer.h - works off a KEYED stream: picks what is due, begins it, hands it to a transport, and
 * writes down how it ended.
 *
 * For each entry: (1) a durable begin (outbox.h, point 6), (2) `deliver`, which does the sending on the
 * loop, (3) the transport's mlc_deliverer_finish, which in ONE job stores the new state, the audit event
 * and whatever follows from the delivery (`effect`: an entry for the next hop, a cross reference).
 *
 * What a result means:
 *  MLC_OK                              done.
 *  REJECTED INVALID LIMIT NOTFOUND UNSUPPORTED   parked for review at once: the record itself is at fault.
 *  UNREACHABLE TIMEOUT TLS AUTH DENIED THROTTLED the peer is at fault: retried with backoff, never parked;
 *                                      counts against the circuit breaker (not THROTTLED, which
 *                                      only waits).
 *  UNAVAILABLE UNCERTAIN CONFLICT and the rest   retried with backoff; parked after max_attempts, but only when
 *                                      the peer has taken another record since this one was created, so
 *                                      that a long outage parks nothing. UNAVAILABLE and UNCERTAIN
 *                                      count against the breaker.
 *  Uncertain outcomes (mlc_code_is_uncertain, or `uncertain` set) are tried again not before
 *  began + settle, flagged uncertain: the transport must then look before it writes.
 *  CLOSED                              shutting down: the entry stays in flight and is recovered, uncertain, at the
 *                                      next start.
 *
 * A dry run (`dry`): the transport writes nothing at the peer and says what it would have changed. The entry ends done, the
 * audit event is "dry run", and its message is kept in the stream `held` until it is sent (held.h).
 *
 * Nothing here knows what is delivered. Thread rule: loop's thread only.
 */
#ifndef MLC_DELIVER_DELIVERER_H
#define MLC_DELIVER_DELIVERER_H

#include "base/json.h"
#include "base/log.h"
#include "net/backoff.h"
#include "store/outbox.h"

#include <uv.h>

typedef struct mlc_deliverer mlc_deliverer;
struct mlc_delivery;
struct mlc_delivery_result;

/* One entry under way: a copy, valid until it is finished. */
typedef struct mlc_delivery {
    uint64_t seq;
    uint32_t attempt; /* 1 for the first */
    bool uncertain;   /* an earlier attempt may have had its effect: look before writing */
    int64_t created_ms;
    const char *tenant, *key, *idem, *kind, *correlation;
    const char *payload; /* NUL-terminated copy */
    size_t payload_len;
    bool dry; /* nothing may be written at the peer; set by who gives it to a transport */
    /* Who wants the result instead of the deliverer; NULL: the deliverer. The sink may take itself off and finish it there. An
     * item with a sink need not be an entry: then `seq` is 0. `effect` is not run for it, effect_free is the sink's to call. */
    void (*sink)(struct mlc_delivery *item, const struct mlc_delivery_result *result);
    void *sink_user;
} mlc_delivery;

/* Runs in the finishing job (store.h: perhaps more than once; transaction functions only). */
typedef mlc_code (*mlc_effect_fn)(mlc_txn *txn, const mlc_delivery *item, void *arg, mlc_error *err);

typedef struct mlc_delivery_result {
    mlc_code code;
    const mlc_error *err; /* why, when code is not MLC_OK; copied */
    bool uncertain;       /* the attempt may have had its effect, whatever the code says */
    int64_t retry_after_ms;
    const char *outcome; /* short words, when MLC_OK; copied */
    /* The record in its own system and in the other, for the audit trail: "JDE/F0101/6001", "Dynamics/accounts/GUID".
     * NULL: none; copied. With `link` and MLC_OK they are joined in the cross-reference (store/crossref.h), in the same
     * job, with the payload's hash; the audit event then also tells the hash of what was written before. */
    const char *source_id, *target_id;
    bool link;
    /* What follows, in the same job, when the entry ends done (`on_park` false) or is parked
     * (`on_park` true, for example the report of a failed order). NULL: nothing. */
    mlc_effect_fn effect;
    mlc_effect_fn park_effect;
    void *effect_arg;
    void (*effect_free)(void *arg); /* called once, after the job or when it is not needed; may be NULL */
    const cJSON *differences;       /* of a dry run, for a sink (relay/differences.h); borrowed; NULL: none */
} mlc_delivery_result;

typedef struct mlc_deliverer_options {
    uv_loop_t *loop;
    mlc_store *store;
    mlc_outbox *stream;
    mlc_outbox *held; /* messages of dry runs; NULL: there are no dry runs */
    mlc_log *log;
    const char *actor;                            /* "agent" or "relay", for the audit trail */
    unsigned max_parallel;                        /* entries under way; 0: 8 */
    unsigned max_group;                           /* entries given to `deliver` at once; 0: 1 */
    uint32_t max_attempts;                        /* 0: 12 */
    mlc_backoff backoff;                          /* zeros: 1 s, 15 min */
    int64_t settle_ms;                            /* 0: 120 s */
    uint32_t breaker_failures;                    /* in a row before the peer is left alone; 0: 5 */
    int64_t breaker_open_ms, breaker_open_max_ms; /* 0: 5 s, 2 min */
    /* Send these (1..max_group of them). Each must be finished exactly once, now or later. */
    void (*deliver)(void *user, mlc_delivery *const *items, size_t count);
    /* After a finishing job was committed: other streams may have new work. Not called after stop. May be
     * NULL. */
    void (*on_committed)(void *user);
    /* After that, when it was a dry run: a message of this kind went into `held`. May be NULL. */
    void (*on_held)(void *user, const char *kind);
    void *user;
} mlc_deliverer_options;

typedef struct mlc_deliverer_status {
    size_t under_way;
    bool breaker_open;
    int64_t next_try_ms;                 /* wall time when the breaker lets the next one through; 0: now */
    uint64_t delivered, retried, parked; /* since start */
    char last_error[256];
} mlc_deliverer_status;

/* Recovers what the last process left in flight (one commit), then starts. */
mlc_code mlc_deliverer_open(mlc_deliverer **out, const mlc_deliverer_options *options, mlc_error *err);
/* No more picks. Entries under way may still be finished, until close. */
void mlc_deliverer_stop(mlc_deliverer *d);
/* Entries not finished stay in flight in the store. Their `mlc_delivery` are freed. The store must have run
 * all jobs (mlc_store_close does) before close when finishes were submitted. NULL is allowed. */
void mlc_deliverer_close(mlc_deliverer *d);
/* New entries were committed to the stream, or parked ones released. */
void mlc_deliverer_poke(mlc_deliverer *d);
void mlc_deliverer_finish(mlc_deliverer *d, mlc_delivery *item, const mlc_delivery_result *result);
void mlc_deliverer_status_get(const mlc_deliverer *d, mlc_deliverer_status *out);

#endif
