/* enroll.h - exchange a one-time token for the right to connect with the agent's own key.
 *
 * POST https://RELAY/v1/enroll {"token","agent","key" (base64),"software"}. Repeating it with the same token and key is
 * harmless, so a lost answer costs nothing (docs/protocol.md, section Enrolment).
 */
#ifndef MLC_AGENT_ENROLL_H
#define MLC_AGENT_ENROLL_H

#include "base/config.h"
#include "base/log.h"

/* Blocks. The agent must not be running: it owns the store. `token` is wiped by the caller. Errors: MLC_E_DENIED when the
 * relay does not take the token, and those of http_client.h. */
mlc_code mlc_enroll(const mlc_cfg *cfg, mlc_log *log, const char *token, const char *software,
                    mlc_error *err);

#endif
