/* refresh.h - takes the record of a parked entry again from its source: the agent's side (admin.h, refresh).
 *
 * An order's source is Dynamics, which only the relay reads: it is asked by a message "order.refresh" {"id"} in "up", put in
 * the job that ends the parked entry. What comes back is an order as any other: the executor looks into JDE for its
 * reference before it makes one. A record of JDE comes again by itself when it is corrected there.
 */
#ifndef MLC_AGENT_REFRESH_H
#define MLC_AGENT_REFRESH_H

#include "store/outbox.h"

/* Store's thread. MLC_E_UNSUPPORTED says what to do instead. */
mlc_code mlc_agent_refresh(mlc_txn *txn, mlc_outbox *up, const char *tenant, const mlc_entry *entry,
                           mlc_error *err);

#endif
