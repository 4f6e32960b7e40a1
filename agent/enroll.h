/* enroll.h - exchange a one-time token for the right to connect: a certificate of the agent's own key.
 *
 * POST https://RELAY/v1/enroll {"token","agent","csr" (base64),"software"}. The key is made here and never leaves. Repeating
 * it with the same token and key is harmless, so a lost answer costs nothing (docs/protocol.md, section Enrolment).
 */
#ifndef MLC_AGENT_ENROLL_H
#define MLC_AGENT_ENROLL_H

#include "base/config.h"
#include "base/log.h"

/* Blocks. The agent must not be running: it owns the store. `token` is wiped by the caller. `url` is the tunnel's address
 * (relay_url.h). *until_ms (may be NULL): until when the certificate is valid. Errors: MLC_E_DENIED when the relay does not
 * take the token, those of http_client.h, and MLC_E_PROTOCOL when the relay issues no certificates. */
mlc_code mlc_enroll(const mlc_cfg *cfg, mlc_log *log, const char *url, const char *token,
                    const char *software, int64_t *until_ms, mlc_error *err);

#endif
