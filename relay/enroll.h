/* enroll.h - the HTTP faces of the registry of agents.
 *
 * Public:  POST /v1/enroll {"token","agent","csr"(base64, PKCS #10)} -> 200 {"agent","tenant","certificate","authority"}
 *          POST /v1/enroll {"token","agent","key"(base64, 32 bytes)} -> 200 {"agent","tenant"}, agents of former versions
 *          POST /v1/agent/renew {"agent","certificate","csr","signature"} -> as the first
 *          Each: 400 | 403 | 409 | 503
 * Admin:   POST /v1/enroll-tokens {"tenant","agent","ttlSeconds","operator"} -> 200 {"token","agent","tenant","expires"}
 *          POST /v1/revoke {"agent","operator"} -> 200
 *          GET  /v1/agents -> {"agents":[{"id","tenant","auth","enrolled","serial","validUntil","up","since"}]}
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_ENROLL_H
#define MLC_RELAY_ENROLL_H

#include "net/http_server.h"
#include "relay/agents.h"
#include "relay/tunnel_server.h"

typedef struct mlc_enroll_desk {
    mlc_agents *agents;
    const mlc_issuer *issuer; /* NULL: no certificates are issued */
    mlc_tunnel_server *tunnel;
    mlc_log *log;
    bool (*tenant_known)(void *user, const char *tenant);
    void *user;
} mlc_enroll_desk;

#define MLC_AGENT_RENEW_PATH "/v1/agent/renew"

/* mlc_http_handlers; user: the desk. */
void mlc_enroll_handle(mlc_http_req *req, void *user);
void mlc_renew_handle(mlc_http_req *req, void *user);
void mlc_enroll_tokens_handle(mlc_http_req *req, void *user);
void mlc_revoke_handle(mlc_http_req *req, void *user);
void mlc_agents_handle(mlc_http_req *req, void *user);

/* What the tunnel asks and tells of certificates (tunnel_server.h), by the desk. One that is to be adopted is stored, with a
 * warning in the log; when it cannot be, the agent's connection is cut. */
bool mlc_enroll_adoptable(const mlc_enroll_desk *desk, const char *agent, const void *der, size_t len,
                          mlc_tunnel_cert *out);
void mlc_enroll_shown(mlc_enroll_desk *desk, const char *agent, const uint8_t fingerprint[MLC_SHA256_LEN],
                      const void *der, size_t len);

/* What the tunnel is told of an agent: tenant, key or certificates. The rest of `out` is the caller's. */
void mlc_enroll_describe(const mlc_agent_record *record, mlc_tunnel_agent *out);

#endif
