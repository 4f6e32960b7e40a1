/* tenant.h - everything of one customer on the relay: its store, its Dynamics, its streams. Tenants share nothing but the
 * loop, the tunnel server and the port.
 *
 * intake (KEYED)   events of Dynamics, durable before their 2xx   -> intake.h -> down
 * down (SEQUENCE)  orders for the agent                           -> tunnel
 * dynamics (KEYED) what the agent sent: master records and reports -> records.h, order_report.h
 * held (KEYED)     messages of dry runs, until they are sent (trial.h)
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_TENANT_H
#define MLC_RELAY_TENANT_H

#include "admin/admin.h"
#include "base/config.h"
#include "link/link.h"
#include "relay/drift.h"
#include "relay/trial.h"
#include "relay/tunnel_server.h"
#include "relay/webhook.h"
#include "relay/webhook_setup.h"

typedef struct mlc_tenant mlc_tenant;

typedef struct mlc_tenant_options {
    uv_loop_t *loop;
    mlc_log *log;
    const mlc_cfg *cfg;
    size_t index; /* of "tenants" in the configuration */
    const char *software;
    /* The stream "down" of this tenant has work. */
    void (*on_down)(void *user, const char *tenant);
    void *user;
} mlc_tenant_options;

mlc_code mlc_tenant_open(mlc_tenant **out, const mlc_tenant_options *options, mlc_error *err);
/* Begin nothing new, end requests, finish the store's jobs. The tunnel must be closed before. */
void mlc_tenant_stop(mlc_tenant *tenant);
/* After mlc_tenant_stop. The loop must run once more. NULL is allowed. */
void mlc_tenant_close(mlc_tenant *tenant);

const char *mlc_tenant_id(const mlc_tenant *tenant);
const mlc_link_binding *mlc_tenant_binding(const mlc_tenant *tenant);
mlc_trial *mlc_tenant_trial(const mlc_tenant *tenant);
const mlc_webhook_target *mlc_tenant_webhook(const mlc_tenant *tenant);
mlc_hook_setup *mlc_tenant_hooks(const mlc_tenant *tenant);
/* What this tenant's agents may do. */
void mlc_tenant_limit_agent(const mlc_tenant *tenant, mlc_tunnel_agent *agent);
mlc_drift *mlc_tenant_drift(const mlc_tenant *tenant);
void mlc_tenant_describe_store(const mlc_tenant *tenant, mlc_admin_store *out);
/* Add what an operator wants to know to a status object. */
void mlc_tenant_status(const mlc_tenant *tenant, cJSON *out);

#endif
