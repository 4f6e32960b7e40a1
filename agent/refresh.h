/* refresh.h - takes the record of a parked entry again from its source: the agent's side (admin.h, refresh).
 *
 * An order's source is Dynamics, which only the relay reads: it is asked by a message "order.refresh" {"id"} in "up", put in
 * the job that ends the parked entry. What comes back is an order as any other: the executor looks into JDE for its
 * reference before it makes one. A master record of JDE is read anew by its flow (admin/resend.h): a question in "ask".
 */
#ifndef MLC_AGENT_REFRESH_H
#define MLC_AGENT_REFRESH_H

#include "agent/flow/flow_set.h"
#include "store/outbox.h"

typedef struct mlc_agent_refresh_options {
    mlc_outbox *up, *ask;
    const char *tenant;
    const mlc_flow_plan *plans; /* of the enabled flows */
    size_t plan_count;
} mlc_agent_refresh_options;

/* Store's thread. *stays as of admin.h. MLC_E_UNSUPPORTED says what to do instead. */
mlc_code mlc_agent_refresh(mlc_txn *txn, const mlc_agent_refresh_options *options, const mlc_entry *entry,
                           bool *stays, mlc_error *err);

#endif
