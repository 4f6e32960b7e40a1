/* address_executor.h - carries changed addresses of Dynamics into JDE.
 *
 * Each change: JDE's address is read, the change is judged (address_decide.h), written by orchestration and read back. An
 * attempt always begins by looking, so an uncertain write is found and not made twice. The report ("address.result") goes
 * into the outgoing stream in the job that ends the change, with what was written: JDE's change stamps bring it up again
 * with the next poll, and an editor's second change on the same old version is no conflict with our own first.
 *
 * A conflict that is parked for review holds both addresses in its reason. Released by an operator (retry) it is written
 * unless JDE's address changed again; dismissed, JDE's stays. A later change of the same address number ends it.
 * Thread rule: loop's thread only, but for mlc_address_accept (store's thread).
 */
#ifndef MLC_AGENT_ADDRESS_EXECUTOR_H
#define MLC_AGENT_ADDRESS_EXECUTOR_H

#include "agent/address_decide.h"
#include "agent/ais.h"
#include "deliver/deliverer.h"

typedef struct mlc_address_options {
    mlc_store *store;
    mlc_outbox *up; /* SEQUENCE: reports */
    mlc_ais *ais;
    mlc_log *log;
    const mlc_zone *zone;      /* of the JDE server; NULL: unknown */
    const char *orchestration; /* "ML_UpdateAddress" */
    unsigned orchestration_version;
    mlc_address_rule rule;
    bool
        dry_run; /* nothing is written and nothing reported: what would be done is the outcome, and the change is held */
    bool
        replay; /* at a test JDE: all that differs is written, conflicts are not judged, memory is not asked */
} mlc_address_options;

/* Carry out one item of kind "address"; ends in mlc_deliverer_finish. `options` must outlive it. */
void mlc_address_deliver(const mlc_address_options *options, mlc_deliverer *deliverer, mlc_delivery *item);

/* An mlc_held_release_options.is_old of messages of that kind, which are snapshots: was a later change of the same
 * address number written? */
mlc_code mlc_address_is_old(mlc_txn *txn, const mlc_entry *entry, bool *old, mlc_error *err);

/* Take a message of kind "address" into the stream `jde` (KEYED) of the tenant, under the key of its address number. */
mlc_code mlc_address_accept(mlc_txn *txn, const mlc_entry_new *message, mlc_outbox *jde, const char *tenant,
                            mlc_error *err);

#endif
