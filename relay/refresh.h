/* refresh.h - takes the record of a parked entry again from its source: the relay's side (admin.h, refresh).
 *
 * An order, whether parked here or asked for by the agent ("order.refresh" {"id"}), becomes an event in "intake" as from a
 * webhook, with the message "Refresh": intake reads it again, and gives it an idempotency key of its own, since the first one
 * is known down the line. A master record of JDE is asked for at the agent (admin/resend.h). Store's thread.
 */
#ifndef MLC_RELAY_REFRESH_H
#define MLC_RELAY_REFRESH_H

#include "store/outbox.h"

#define MLC_ORDER_REFRESH "order.refresh"
/* The event's message. */
#define MLC_REFRESH_MESSAGE "Refresh"

/* A message "order.refresh" of the agent. MLC_E_REJECTED when it is malformed. */
mlc_code mlc_relay_refresh_accept(mlc_txn *txn, mlc_outbox *intake, const char *tenant,
                                  const mlc_entry_new *message, mlc_error *err);
/* A parked entry of the tenant. *stays as of admin.h. MLC_E_UNSUPPORTED says what to do instead. */
mlc_code mlc_relay_refresh(mlc_txn *txn, mlc_outbox *intake, mlc_outbox *down, const char *tenant,
                           const mlc_entry *entry, bool *stays, mlc_error *err);

#endif
