/* enroll.h - the HTTP faces of the registry of agents.
 *
 * Public:  POST /v1/enroll {"token","agent","key"(base64, 32 bytes)} -> 200 {"agent","tenant"} | 403 | 409
 * Admin:   POST /v1/enroll-tokens {"tenant","agent","ttlSeconds"} -> 200 {"token","agent","tenant","expires"}
 *          POST /v1/revoke {"agent"} -> 200
 *          GET  /v1/agents -> {"agents":[{"id","tenant","auth","enrolled","up","since"}]}
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_ENROLL_H
#define MLC_RELAY_ENROLL_H

#include "net/http_server.h"
#include "relay/agents.h"
#include "relay/tunnel_server.h"

typedef struct mlc_enroll_desk {
    mlc_agents *agents;
    mlc_tunnel_server *tunnel;
    mlc_log *log;
    bool (*tenant_known)(void *user, const char *tenant);
    void *user;
} mlc_enroll_desk;

/* mlc_http_handlers; user: the desk. */
void mlc_enroll_handle(mlc_http_req *req, void *user);
void mlc_enroll_tokens_handle(mlc_http_req *req, void *user);
void mlc_revoke_handle(mlc_http_req *req, void *user);
void mlc_agents_handle(mlc_http_req *req, void *user);

#endif
