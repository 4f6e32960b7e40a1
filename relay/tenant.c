/* tenant.c - see tenant.h. */
#include "relay/tenant_private.h"

#include "base/clock.h"

#include <stdlib.h>

/* ---- signals between the parts ---- */

static void dispatch_store(void *arg)
{
    mlc_tenant *const t = arg;
    if (t->store != NULL)
        (void)mlc_store_dispatch(t->store);
}

void tenant_on_event(void *user)
{
    mlc_tenant *const t = user;
    mlc_deliverer_poke(mlc_intake_deliverer(t->intake));
}

void tenant_on_down(void *user)
{
    mlc_tenant *const t = user;
    t->opt.on_down(t->opt.user, t->id);
}

void tenant_on_received(void *user)
{
    mlc_tenant *const t = user;
    tenant_on_event(t); /* an agent may ask for an order to be read again */
    mlc_deliverer_poke(t->deliverer);
}

static void on_state(void *user, bool up, const char *why)
{
    const mlc_tenant *const t = user;
    mlc_log_info(t->opt.log, "tunnel", up ? "agent connected" : "agent not connected", MLC_S("tenant", t->id),
                 MLC_S("detail", why));
}

/* ---- from the agent ---- */

/* Store's thread. */
static mlc_code accept_message(mlc_txn *txn, const mlc_entry_new *message, void *user, mlc_error *err)
{
    const mlc_tenant *const t = user;
    return mlc_inbound_accept(txn, message, &t->inbound, err);
}

/* ---- opening ---- */

mlc_code mlc_tenant_open(mlc_tenant **out, const mlc_tenant_options *options, mlc_error *err)
{
    mlc_tenant *const t = calloc(1, sizeof *t);
    if (t == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a tenant");
    t->opt = *options;
    t->id = tenant_str(t, "id");
    mlc_code code = mlc_waker_open(&t->waker, options->loop, dispatch_store, t, err);
    if (code == MLC_OK)
        code = tenant_open_store(t, err);
    if (code == MLC_OK)
        code = tenant_open_dynamics(t, err);
    if (code == MLC_OK)
        code = tenant_open_deliveries(t, err);
    if (code == MLC_OK)
        code = tenant_open_reconcile(t, err);
    if (code == MLC_OK)
        code = tenant_open_hooks(t, err);
    if (code == MLC_OK)
        code = tenant_open_drift(t, err);
    if (code != MLC_OK) {
        mlc_tenant_stop(t);
        mlc_tenant_close(t);
        return code;
    }
    tenant_path path;
    t->inbound = (mlc_inbound){.tenant = t->id,
                               .prefix = tenant_str(t, "dynamics.prefix"),
                               .fulfill = mlc_cfg_bool(options->cfg, tenant_at(t, &path, "orders.fulfill")),
                               .dynamics = t->dynamics,
                               .intake = t->intake_stream,
                               .odata = t->odata,
                               .records = t->records,
                               .drift = t->drift,
                               .deliverer = t->deliverer};
    t->binding = (mlc_link_binding){.store = t->store,
                                    .out = t->down,
                                    .in_name = "up",
                                    .accept = accept_message,
                                    .user = t,
                                    .on_received = tenant_on_received,
                                    .on_state = on_state};
    mlc_quota_init(&t->webhook_quota, tenant_num(t, "limits.webhooks_per_second"),
                   tenant_num(t, "limits.webhook_burst"), mlc_mono_ms());
    t->webhook = (mlc_webhook_target){.tenant = t->id,
                                      .secret = tenant_secret(t, "webhook_secret"),
                                      .prefix = tenant_str(t, "dynamics.prefix"),
                                      .addresses = tenant_flag(t, "addresses.enabled"),
                                      .store = t->store,
                                      .intake = t->intake_stream,
                                      .quota = &t->webhook_quota,
                                      .on_received = tenant_on_event,
                                      .user = t};
    *out = t;
    return MLC_OK;
}

/* ---- closing ---- */

void mlc_tenant_stop(mlc_tenant *tenant)
{
    for (size_t i = 0; i < TENANT_TABLES; i++)
        mlc_reconcile_stop(tenant->reconcile[i]);
    if (tenant->hooks != NULL)
        mlc_hook_setup_stop(tenant->hooks);
    if (tenant->xref != NULL)
        mlc_xref_rebuild_stop(tenant->xref);
    mlc_drift_stop(tenant->drift);
    if (tenant->intake != NULL)
        mlc_deliverer_stop(mlc_intake_deliverer(tenant->intake));
    if (tenant->deliverer != NULL)
        mlc_deliverer_stop(tenant->deliverer);
    if (tenant->schema != NULL)
        mlc_schema_stop(tenant->schema);
    if (tenant->lookups != NULL)
        mlc_lookups_stop(tenant->lookups);
    mlc_trial_stop(tenant->trial);
    if (tenant->records != NULL)
        mlc_records_stop(tenant->records);
    mlc_odata_close(tenant->odata);
    mlc_entra_close(tenant->entra);
    if (tenant->http != NULL)
        mlc_http_client_close(tenant->http);
    tenant->odata = NULL;
    tenant->entra = NULL;
    tenant->http = NULL;
    if (tenant->store != NULL)
        (void)mlc_store_drain(tenant->store, NULL);
}

void mlc_tenant_close(mlc_tenant *tenant)
{
    if (tenant == NULL)
        return;
    mlc_outbox_close(tenant->intake_stream);
    mlc_outbox_close(tenant->down);
    mlc_outbox_close(tenant->dynamics);
    mlc_outbox_close(tenant->held);
    mlc_store_close(tenant->store);
    tenant->store = NULL;
    for (size_t i = 0; i < TENANT_TABLES; i++)
        mlc_reconcile_close(tenant->reconcile[i]);
    mlc_hook_setup_close(tenant->hooks);
    mlc_xref_rebuild_close(tenant->xref);
    mlc_drift_close(tenant->drift);
    mlc_intake_close(tenant->intake);
    mlc_deliverer_close(tenant->deliverer);
    mlc_trial_close(tenant->trial);
    mlc_records_close(tenant->records);
    mlc_lookups_close(tenant->lookups);
    mlc_schema_close(tenant->schema);
    mlc_mappings_free(&tenant->mappings);
    mlc_upkeep_close(tenant->upkeep);
    mlc_waker_close(tenant->waker);
    free(tenant);
}
