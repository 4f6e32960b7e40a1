/* compare.h - the agent's part of the full comparison (record/compare.h).
 *
 * The KEYED stream "ask" holds what the relay asks for: sums of a range, made of the records as JDE has them now, or records to be
 * sent once more. The answer goes into the outgoing stream in the job that ends the question.
 * Thread rule: loop's thread only, but for mlc_compare_accept (store's thread).
 */
#ifndef MLC_AGENT_COMPARE_H
#define MLC_AGENT_COMPARE_H

#include "agent/flow/flow_set.h"
#include "deliver/deliverer.h"

typedef struct mlc_compare mlc_compare;

typedef struct mlc_compare_options {
    mlc_store *store;
    mlc_outbox *ask, *up;
    mlc_ais *ais;
    mlc_log *log;
    const char *tenant;
    const mlc_zone *zone;       /* of the JDE server; NULL: as AIS tells */
    const mlc_flow_plan *plans; /* of the enabled flows; kept by the caller */
    size_t plan_count;
    mlc_flow_set *const *set;        /* looked at when asked: NULL while the agent starts */
    void (*on_answered)(void *user); /* the outgoing stream has work */
    void *user;
} mlc_compare_options;

/* `delivery` names loop, attempts, backoff, settle; the rest is set here. */
mlc_code mlc_compare_open(mlc_compare **out, const mlc_compare_options *options,
                          const mlc_deliverer_options *delivery, mlc_error *err);
/* Begin nothing new. Then close the AIS client and finish the store's jobs, then close. NULL is allowed for both. */
void mlc_compare_stop(mlc_compare *compare);
void mlc_compare_close(mlc_compare *compare);
void mlc_compare_poke(mlc_compare *compare);

/* Is it a kind of message that belongs here? */
bool mlc_compare_is_kind(const char *kind);
/* Store the message. MLC_E_REJECTED when it is malformed. */
mlc_code mlc_compare_accept(mlc_txn *txn, const mlc_entry_new *message, mlc_outbox *ask, const char *tenant,
                            mlc_error *err);

#endif
