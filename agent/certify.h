/* certify.h - what the agent and the relay say to each other to get a certificate (docs/protocol.md, section Enrolment).
 * Pure but for the signatures; any thread. */
#ifndef MLC_AGENT_CERTIFY_H
#define MLC_AGENT_CERTIFY_H

#include "agent/identity.h"

#define MLC_ENROLL_PATH "/v1/enroll"
#define MLC_RENEW_PATH  "/v1/agent/renew"

enum { MLC_CERTIFY_ANSWER_MAX = 16384 };

/* Append the body of an enrolment for this key. It holds the token: wipe it. */
mlc_code mlc_certify_enroll_body(const char *agent, const char *token, const char *software,
                                 const uint8_t key[MLC_EC_PRIVATE_LEN], mlc_buf *out, mlc_error *err);
/* Append the body of a renewal for this key, signed with the present one. */
mlc_code mlc_certify_renew_body(const char *agent, const mlc_own_identity *own,
                                const uint8_t key[MLC_EC_PRIVATE_LEN], mlc_buf *out, mlc_error *err);
/* Append certificate and authority (DER) of an answer with status 200. MLC_E_PROTOCOL: they are not in it, as with a relay of a
 * former version. Other statuses: MLC_E_DENIED (400 to 499), MLC_E_UNAVAILABLE, with the relay's words. `what`: "enrolment". */
mlc_code mlc_certify_answer(const char *what, int status, const char *body, size_t len, mlc_buf *cert,
                            mlc_buf *authority, mlc_error *err);

#endif
