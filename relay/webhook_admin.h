/* webhook_admin.h - the operator's look at the webhook steps of a tenant (webhook_setup.h), for `mlctl webhooks`.
 *
 * Admin:   GET  /v1/webhooks?tenant=T             -> 200 {"ok","items":[{"name","state","detail","repaired"}]}
 *          POST /v1/webhooks {"tenant"}           the same, after repairing what differs
 * Failures: 404 unknown tenant, 409 no public_url, 503 Dynamics did not answer. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_WEBHOOK_ADMIN_H
#define MLC_RELAY_WEBHOOK_ADMIN_H

#include "net/http_server.h"
#include "relay/webhook_setup.h"

typedef struct mlc_webhook_admin {
    mlc_hook_setup *(*find)(void *user, const char *tenant); /* NULL for an unknown tenant */
    void *user;
} mlc_webhook_admin;

/* mlc_http_handlers; user: mlc_webhook_admin, which must outlive the server. */
void mlc_webhook_admin_get(mlc_http_req *req, void *user);
void mlc_webhook_admin_post(mlc_http_req *req, void *user);

#endif
