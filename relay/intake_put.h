/* intake_put.h - the one door into the "intake" stream, for webhooks and for reconciliation. Store's thread. */
#ifndef MLC_RELAY_INTAKE_PUT_H
#define MLC_RELAY_INTAKE_PUT_H

#include "relay/webhook_event.h"
#include "store/outbox.h"

/* Put the event, with its audit entry, unless the idempotency key is known. `via`: "webhook" or "reconcile". */
mlc_code mlc_intake_put(mlc_txn *txn, mlc_outbox *intake, const char *tenant, const mlc_webhook_event *event,
                        const char *via, const char *idem, int64_t now_ms, mlc_error *err);

#endif
