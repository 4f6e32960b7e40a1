/* agent_check.h - would this agent be let in? Asked by "ml-agent doctor", without a connection of the tunnel, which would
 * cut the one that is in use.
 *
 * POST /v1/agent/check {"agent","nonce","proof"} (base64, 32 bytes each; mlc_proof_check in tunnel/hello.h), or
 * {"agent","nonce","certificate","signature","issued"} (base64; fingerprint of an issued certificate and signature in hex,
 * mlc_sign_request "check"; the certificate itself in base64, may be absent), or {"agent"} with the client certificate of that
 * name -> 200 {"agent","tenant","connected"} | 400 | 403 the same for an unknown agent and a wrong proof. An answer changes nothing, so that a proof that is sent again does no harm. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_AGENT_CHECK_H
#define MLC_RELAY_AGENT_CHECK_H

#include "relay/enroll.h"

#define MLC_AGENT_CHECK_PATH "/v1/agent/check"

/* A mlc_http_handler; user: the desk of enroll.h. */
void mlc_agent_check_handle(mlc_http_req *req, void *user);

#endif
