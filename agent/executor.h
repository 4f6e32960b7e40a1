/* executor.h - carries out what the relay asks for: sales orders and changed addresses into JDE, and nothing else.
 *
 * The accept function (link.h) is the gate: a message whose kind is not on the list, or whose order does not pass
 * mlc_order_parse, is refused for good. An accepted order waits in the KEYED stream "jde". Addresses: address_executor.h.
 *
 * Each order is looked up in F4201 (purchase orders: F4301) by its reference before it is written: that finds what an earlier attempt wrote
 * before its answer got lost, also after a restored backup of the agent. Found: its number is reported. Not found:
 * it is mapped, checked against the field catalogue, and created by orchestration or form service. A faulty order is not sent;
 * its items are looked up then, so that all its faults are reported together. An uncertain outcome leads to a new look-up, not before the
 * deliverer's settle time. The report ("order.result") goes into the outgoing stream in the job that ends the order.
 * Thread rule: loop's thread only, but for mlc_executor_accept (store's thread).
 */
#ifndef MLC_AGENT_EXECUTOR_H
#define MLC_AGENT_EXECUTOR_H

#include "agent/address_executor.h"
#include "agent/catalogue.h"
#include "agent/order_inputs.h"
#include "deliver/deliverer.h"
#include "link/link.h"

typedef struct mlc_executor mlc_executor;

typedef struct mlc_executor_options {
    mlc_store *store;
    mlc_outbox *jde;  /* KEYED: orders waiting */
    mlc_outbox *held; /* KEYED: those of dry runs */
    mlc_outbox *up;   /* SEQUENCE: reports */
    mlc_ais *ais;
    mlc_log *log;
    const char *tenant;
    bool by_form;              /* form service instead of orchestration */
    const char *orchestration; /* NULL: the mapping's target */
    unsigned orchestration_version;
    mlc_map *map;                   /* order -> inputs of the orchestration; borrowed */
    const mlc_catalogue *catalogue; /* what JDE's fields take; borrowed; NULL: inputs are not checked */
    mlc_order_target target;
    /* Nothing is written: the inputs that would be sent are the outcome, no report goes up, and the order is held
     * (deliver/held.h) until this is off. */
    bool dry_run;
    int64_t held_retry_ms; /* between two tries to give back what is held while `jde` is full; 0: 5 s */
    const mlc_address_options *addresses; /* NULL: none are taken. Borrowed */
    void (*on_reported)(void *user);      /* the outgoing stream has work */
    void *user;
} mlc_executor_options;

/* `delivery` names loop, parallelism, attempts, backoff, settle and breaker; the executor sets store, stream, actor,
 * deliver, on_committed and user in it. NULL: nothing is taken from the stream, and only mlc_executor_try is used. */
mlc_code mlc_executor_open(mlc_executor **out, const mlc_executor_options *options,
                           const mlc_deliverer_options *delivery, mlc_error *err);
/* Orders run dry from now on, or no more; `addresses->dry_run` may have changed before. What is no more to be held goes back into
 * the stream; orders under way end as they began. */
mlc_code mlc_executor_set_dry(mlc_executor *executor, bool orders, mlc_error *err);
/* Begin nothing new. Then close the AIS client and finish the store's jobs, then close. */
void mlc_executor_stop(mlc_executor *executor);
void mlc_executor_close(mlc_executor *executor);
mlc_deliverer *mlc_executor_deliverer(mlc_executor *executor);
/* Carry out one item that is no entry; it must have a sink (deliverer.h), which may be called before this returns. */
void mlc_executor_try(mlc_executor *executor, mlc_delivery *item);

/* mlc_link_accept_fn; user: an mlc_executor_gate. */
typedef struct mlc_executor_gate {
    mlc_outbox *jde;
    const char *tenant;
    bool addresses; /* changed addresses are taken */
} mlc_executor_gate;
mlc_code mlc_executor_accept(mlc_txn *txn, const mlc_entry_new *message, void *user, mlc_error *err);

#endif
