/* inbound.h - what an agent may send to its tenant, and who delivers each kind to Dynamics. The table in inbound.c is the
 * allow-list: a kind that is not there is refused at the tunnel.
 */
#ifndef MLC_RELAY_INBOUND_H
#define MLC_RELAY_INBOUND_H

#include "relay/drift.h"
#include "relay/odata.h"
#include "relay/records.h"

/* The tenant's parts; borrowed. Set before the first message, unchanged then. */
typedef struct mlc_inbound {
    const char *tenant;
    const char *prefix;
    bool fulfill;         /* order_progress.h */
    mlc_outbox *dynamics; /* the stream of what is to be delivered */
    mlc_outbox *intake;   /* of what is to be read from Dynamics */
    mlc_odata *odata;
    mlc_records *records;
    mlc_drift *drift;
    mlc_deliverer *deliverer; /* of "dynamics" */
} mlc_inbound;

/* Store the message, with its audit event. Store's thread. */
mlc_code mlc_inbound_accept(mlc_txn *txn, const mlc_entry_new *message, const mlc_inbound *t, mlc_error *err);
/* Does the delivery of this kind write into Dynamics? False for what only the relay itself takes. */
bool mlc_inbound_writes(const char *kind);
/* An mlc_deliverer_options.deliver: each kind to its way, those of one way together. Loop's thread. */
void mlc_inbound_deliver(void *user, mlc_delivery *const *items, size_t count);

#endif
