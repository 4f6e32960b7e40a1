/* webhook.h - POST /v1/webhook/TENANT: takes events from Dynamics, durable before the 2xx.
 *
 * The shared secret comes as the query argument "code" (WebhookKey or HttpQueryString) or in the header
 * x-ml-webhook-secret (HttpHeader); it is compared in constant time, and an unknown tenant is answered like a wrong
 * secret. A full stream, or more events than the tenant's quota, is answered 503 with Retry-After, which Dynamics retries
 * (429 it does not: contracts/dataverse.md, section Webhooks); what it does not retry, reconciliation finds.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_WEBHOOK_H
#define MLC_RELAY_WEBHOOK_H

#include "net/http_server.h"
#include "relay/quota.h"
#include "store/outbox.h"

#define MLC_WEBHOOK_PREFIX        "/v1/webhook/"
#define MLC_WEBHOOK_SECRET_HEADER "x-ml-webhook-secret"

/* What a tenant's webhooks need; borrowed, must outlive the requests. */
typedef struct mlc_webhook_target {
    const char *tenant;
    const char *secret;
    const char *prefix; /* of the connector's own columns */
    bool addresses;     /* changes of accounts and contacts are taken */
    mlc_store *store;   /* NULL: the tenant cannot be opened now, the sender is asked to come again */
    mlc_outbox *intake;
    mlc_quota *quota;                /* NULL: none */
    void (*on_received)(void *user); /* events were committed */
    void *user;
} mlc_webhook_target;

typedef struct mlc_webhook_options {
    mlc_log *log;
    /* NULL for an unknown tenant. */
    const mlc_webhook_target *(*find)(void *user, const char *tenant);
    void *user;
} mlc_webhook_options;

/* An mlc_http_handler; user: mlc_webhook_options, which must outlive the server. */
void mlc_webhook_handle(mlc_http_req *req, void *user);

#endif
