/* tenants.h - all tenants of the relay, so that one that is broken or goes does not disturb the others.
 *
 * Each tenant of the configuration has a place here. One whose configuration has faults, or that cannot be opened, stays
 * closed with its reason, is tried again every relay.tenant_retry, and shows in status and health; its webhooks get
 * 503 and its agent is asked to come later. A new configuration (SIGHUP) opens what is new, closes what is gone, and closes
 * and opens again what changed; the others are not touched.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_TENANTS_H
#define MLC_RELAY_TENANTS_H

#include "relay/agents.h"
#include "relay/tenant.h"

typedef struct mlc_tenants mlc_tenants;

typedef struct mlc_tenants_options {
    uv_loop_t *loop;
    mlc_log *log;
    const char *software;
    mlc_agents *agents;
    int64_t retry_ms;
    void (*on_down)(void *user, const char *tenant); /* its stream "down" has work */
    void (*on_opened)(void *user, mlc_tenant *tenant);
    void (*on_closing)(void *user, mlc_tenant *tenant); /* let go of it: tunnel, admin routes */
    void *user;
} mlc_tenants_options;

/* `cfg` is borrowed and must stay until close. Fails only when there is nothing to open at all. */
mlc_code mlc_tenants_open(mlc_tenants **out, const mlc_tenants_options *options, const mlc_cfg *cfg,
                          mlc_error *err);
/* Take over another configuration, which is owned here from then on, also when this fails. */
mlc_code mlc_tenants_reload(mlc_tenants *tenants, mlc_cfg *cfg, mlc_error *err);
/* Stop and close all, as mlc_tenant_stop and mlc_tenant_close; the loop must run once more. NULL is allowed. */
void mlc_tenants_close(mlc_tenants *tenants);

/* The open tenant of this name. NULL: unknown, or closed. */
mlc_tenant *mlc_tenants_find(const mlc_tenants *tenants, const char *id);
/* The open tenant at a place, NULL when that is closed. *more (may be NULL): are there places behind? */
mlc_tenant *mlc_tenants_at(const mlc_tenants *tenants, size_t at, bool *more);
/* Is it in the configuration, open or not? */
bool mlc_tenants_known(const mlc_tenants *tenants, const char *id);
/* Where its webhooks go; one without store while it is closed. NULL: unknown. */
const mlc_webhook_target *mlc_tenants_webhook(const mlc_tenants *tenants, const char *id);

/* Add "tenants" to a status object: of each whether it is open, why not, and what it tells of itself. */
void mlc_tenants_status(const mlc_tenants *tenants, cJSON *status);
/* Append metrics with a label for the tenant. */
void mlc_tenants_metrics(const mlc_tenants *tenants, mlc_buf *out);
/* False: a tenant is closed; `why` names it. */
bool mlc_tenants_healthy(const mlc_tenants *tenants, char *why, size_t size);

#endif
