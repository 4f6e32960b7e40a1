/* tenant_view.c - see tenant_private.h. */
#include "relay/tenant_private.h"

#include "relay/refresh.h"

/* ---- the operator's hand ---- */

static void on_released(void *user, mlc_outbox *stream)
{
    mlc_tenant *const t = user;
    if (stream == t->down)
        tenant_on_down(t);
    else if (stream == t->intake_stream)
        tenant_on_event(t);
    else
        tenant_on_received(t);
}

/* Store's thread. */
static mlc_code refresh(mlc_txn *txn, mlc_outbox *stream, const mlc_entry *entry, bool *stays, void *user,
                        mlc_error *err)
{
    const mlc_tenant *const t = user;
    (void)stream;
    return mlc_relay_refresh(txn, t->intake_stream, t->down, t->id, entry, stays, err);
}

static void on_refreshed(void *user, mlc_outbox *stream)
{
    (void)stream;
    tenant_on_event(user);
    tenant_on_down(user);
}

static mlc_code rebuild_xref(void *user, const char *actor, mlc_error *err)
{
    mlc_tenant *const t = user;
    return mlc_xref_rebuild_start(t->xref, actor, err);
}

/* ---- what others see ---- */

const char *mlc_tenant_id(const mlc_tenant *tenant)
{
    return tenant->id;
}

const mlc_link_binding *mlc_tenant_binding(const mlc_tenant *tenant)
{
    return &tenant->binding;
}

mlc_trial *mlc_tenant_trial(const mlc_tenant *tenant)
{
    return tenant->trial;
}

const mlc_webhook_target *mlc_tenant_webhook(const mlc_tenant *tenant)
{
    return &tenant->webhook;
}

mlc_hook_setup *mlc_tenant_hooks(const mlc_tenant *tenant)
{
    return tenant->hooks;
}

void mlc_tenant_limit_agent(const mlc_tenant *tenant, mlc_tunnel_agent *agent)
{
    agent->max_frames_per_s = (unsigned)tenant_num(tenant, "limits.messages_per_second");
    agent->max_connections = (unsigned)tenant_num(tenant, "limits.connections");
}

mlc_drift *mlc_tenant_drift(const mlc_tenant *tenant)
{
    return tenant->drift;
}

void mlc_tenant_describe_store(const mlc_tenant *tenant, mlc_admin_store *out)
{
    *out = (mlc_admin_store){.name = tenant->id,
                             .store = tenant->store,
                             .streams = {tenant->intake_stream, tenant->down, tenant->dynamics, tenant->held},
                             .stream_count = 4,
                             .on_released = on_released,
                             .refresh = refresh,
                             .on_refreshed = on_refreshed,
                             .rebuild_xref = rebuild_xref,
                             .user = (void *)tenant};
}

static void describe_deliverer(const mlc_deliverer *deliverer, cJSON *out)
{
    mlc_deliverer_status s = {0};
    mlc_deliverer_status_get(deliverer, &s);
    (void)mlc_json_add_int(out, "underWay", (int64_t)s.under_way, NULL);
    (void)mlc_json_add_int(out, "delivered", (int64_t)s.delivered, NULL);
    (void)mlc_json_add_int(out, "retried", (int64_t)s.retried, NULL);
    (void)mlc_json_add_int(out, "parked", (int64_t)s.parked, NULL);
    (void)mlc_json_add_bool(out, "breakerOpen", s.breaker_open, NULL);
    (void)mlc_json_add_str(out, "lastError", s.last_error, NULL);
}

/* By table: "salesorders", and with the flow of addresses "accounts" and "contacts". */
static void describe_reconcile(const mlc_tenant *tenant, cJSON *out)
{
    for (size_t i = 0; i < TENANT_TABLES; i++) {
        mlc_reconcile_status s = {0};
        if (tenant->reconcile[i] == NULL)
            continue;
        mlc_reconcile_status_get(tenant->reconcile[i], &s);
        cJSON *const table = cJSON_AddObjectToObject(out, s.set);
        (void)mlc_json_add_int(table, "runs", (int64_t)s.runs, NULL);
        (void)mlc_json_add_int(table, "found", (int64_t)s.found, NULL);
        (void)mlc_json_add_int(table, "again", (int64_t)s.again, NULL);
        (void)mlc_json_add_int(table, "deleted", (int64_t)s.deleted, NULL);
        (void)mlc_json_add_int(table, "resyncs", (int64_t)s.resyncs, NULL);
        (void)mlc_json_add_bool(table, "tracked", s.tracked, NULL);
        (void)mlc_json_add_str(table, "lastError", s.last_error, NULL);
    }
}

void mlc_tenant_status(const mlc_tenant *tenant, cJSON *out)
{
    mlc_entra_status entra = {0};
    mlc_entra_status_get(tenant->entra, &entra);
    cJSON *const token = cJSON_AddObjectToObject(out, "token");
    (void)mlc_json_add_bool(token, "valid", entra.has_token, NULL);
    (void)mlc_json_add_int(token, "requests", (int64_t)entra.requests, NULL);
    (void)mlc_json_add_str(token, "lastError", entra.last_error, NULL);
    (void)mlc_json_add_bool(out, "throttled", mlc_odata_throttled(tenant->odata), NULL);
    mlc_schema_status(tenant->schema, out);
    describe_deliverer(tenant->deliverer, cJSON_AddObjectToObject(out, "dynamics"));
    describe_deliverer(mlc_intake_deliverer(tenant->intake), cJSON_AddObjectToObject(out, "intake"));
    mlc_xref_rebuild_status(tenant->xref, cJSON_AddObjectToObject(out, "crossReference"));
    cJSON *const events = cJSON_AddObjectToObject(out, "webhookQuota");
    (void)mlc_json_add_int(events, "perSecond", tenant->webhook_quota.per_s, NULL);
    (void)mlc_json_add_int(events, "taken", (int64_t)tenant->webhook_quota.taken, NULL);
    (void)mlc_json_add_int(events, "refused", (int64_t)tenant->webhook_quota.refused, NULL);
    describe_reconcile(tenant, cJSON_AddObjectToObject(out, "reconcile"));
    mlc_hook_setup_status hooks = {0};
    mlc_hook_setup_status_get(tenant->hooks, &hooks);
    cJSON *const steps = cJSON_AddObjectToObject(out, "webhooks");
    (void)mlc_json_add_int(steps, "runs", (int64_t)hooks.runs, NULL);
    (void)mlc_json_add_int(steps, "repaired", (int64_t)hooks.repaired, NULL);
    (void)mlc_json_add_bool(steps, "ok", hooks.well, NULL);
    (void)mlc_json_add_str(steps, "lastError", hooks.last_error, NULL);
    mlc_drift_describe(tenant->drift, cJSON_AddObjectToObject(out, "compare"));
}
