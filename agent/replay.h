/* replay.h - audited orders and addresses, delivered once more to a test JDE on an operator's request (admin/rerun.h).
 *
 * The message of an entry that is still kept goes through the very code of the real deliveries (executor.h,
 * address_executor.h), with the AIS client of the test target (replay.*) under it: the order is looked up there by its
 * reference and made when it is not there; of an address all that differs there is written, without judging a conflict anew. Of
 * the productive state nothing is touched: no stream, no report, no cross-reference, no memory of addresses; only the audit
 * trail gets an event "replayed".
 *   POST /v1/replay {"audit": INDEX | "correlation": ID, "target": URL, "operator": NAME}
 * Thread rule: loop's thread only.
 */
#ifndef MLC_AGENT_REPLAY_H
#define MLC_AGENT_REPLAY_H

#include "admin/rerun.h"
#include "agent/executor.h"
#include "base/config.h"

typedef struct mlc_replay mlc_replay;

/* What the schema's single rows cannot say: a test target is complete, and neither on the host nor in the environment that is
 * written to for good. MLC_E_INVALID; `report` (may be NULL) gets a line for each fault. */
mlc_code mlc_replay_config_check(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err);

/* `live`: how orders and addresses are really delivered; all that it points to must outlive the replays. NULL: this agent
 * takes none, and replays are refused. Nothing is sent to the test target before the first replay. */
mlc_code mlc_replay_open(mlc_replay **out, const mlc_executor_options *live, uv_loop_t *loop,
                         const mlc_cfg *cfg, const char *software, mlc_error *err);
/* Valid until close. */
mlc_http_route mlc_replay_route(const mlc_replay *replay);
/* Ends what is under way; `done` is called when the session there has ended, perhaps at once. A NULL `replay` is allowed, and
 * calls it. */
void mlc_replay_stop(mlc_replay *replay, void (*done)(void *user), void *user);
/* After the store was drained. NULL is allowed. */
void mlc_replay_close(mlc_replay *replay);

#endif
