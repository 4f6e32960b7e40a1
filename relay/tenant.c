/* tenant.c - see tenant.h. */
#include "relay/tenant.h"

#include "base/clock.h"
#include "deliver/held.h"
#include "deliver/upkeep.h"
#include "net/waker.h"
#include "relay/drift.h"
#include "relay/inbound.h"
#include "relay/intake.h"
#include "relay/reconcile.h"
#include "relay/refresh.h"
#include "relay/webhook_setup.h"
#include "relay/xref_rebuild.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct mlc_tenant {
    mlc_tenant_options opt;
    const char *id;
    mlc_waker *waker;
    mlc_store *store;
    mlc_outbox *intake_stream, *down, *dynamics, *held;
    mlc_upkeep *upkeep;
    mlc_http_client *http;
    mlc_entra *entra;
    mlc_odata *odata;
    mlc_mappings mappings;
    mlc_schema *schema;
    mlc_lookups *lookups;
    mlc_records *records;
    mlc_trial *trial;
    mlc_intake *intake;
    mlc_address_intake addresses;
    mlc_deliverer *deliverer; /* of "dynamics" */
    mlc_reconcile *reconcile;
    mlc_hook_setup *hooks;
    mlc_drift *drift;
    mlc_inbound inbound;
    mlc_xref_rebuild *xref;
    mlc_link_binding binding;
    mlc_webhook_target webhook;
    mlc_quota webhook_quota;
};

/* Value of a setting of this tenant: at(t, "dynamics.url"). */
typedef struct setting_path {
    char text[96];
} setting_path;

static const char *at(const mlc_tenant *t, setting_path *path, const char *name)
{
    return mlc_cfg_at(path->text, sizeof path->text, "tenants[%zu].%s", t->opt.index, name);
}

static const char *str(const mlc_tenant *t, const char *name)
{
    setting_path path;
    return mlc_cfg_str(t->opt.cfg, at(t, &path, name));
}

static int64_t num(const mlc_tenant *t, const char *name)
{
    setting_path path;
    return mlc_cfg_int(t->opt.cfg, at(t, &path, name));
}

static bool flag(const mlc_tenant *t, const char *name)
{
    setting_path path;
    return mlc_cfg_bool(t->opt.cfg, at(t, &path, name));
}

/* The tenant's own limit, or that of all. */
static int64_t limit(const mlc_tenant *t, const char *own, const char *common)
{
    const int64_t value = num(t, own);
    return value > 0 ? value : mlc_cfg_int(t->opt.cfg, common);
}

static const char *secret(const mlc_tenant *t, const char *name)
{
    setting_path path;
    return mlc_cfg_secret(t->opt.cfg, at(t, &path, name));
}

/* ---- signals between the parts ---- */

static void dispatch_store(void *arg)
{
    mlc_tenant *const t = arg;
    if (t->store != NULL)
        (void)mlc_store_dispatch(t->store);
}

static void on_event(void *user)
{
    mlc_tenant *const t = user;
    mlc_deliverer_poke(mlc_intake_deliverer(t->intake));
}

static void on_down(void *user)
{
    mlc_tenant *const t = user;
    t->opt.on_down(t->opt.user, t->id);
}

static void on_received(void *user)
{
    mlc_tenant *const t = user;
    on_event(t); /* an agent may ask for an order to be read again */
    mlc_deliverer_poke(t->deliverer);
}

static void on_state(void *user, bool up, const char *why)
{
    const mlc_tenant *const t = user;
    mlc_log_info(t->opt.log, "tunnel", up ? "agent connected" : "agent not connected", MLC_S("tenant", t->id),
                 MLC_S("detail", why));
}

static void on_released(void *user, mlc_outbox *stream)
{
    mlc_tenant *const t = user;
    if (stream == t->down)
        on_down(t);
    else if (stream == t->intake_stream)
        on_event(t);
    else
        on_received(t);
}

/* Store's thread. */
static mlc_code refresh(mlc_txn *txn, mlc_outbox *stream, const mlc_entry *entry, void *user, mlc_error *err)
{
    const mlc_tenant *const t = user;
    (void)stream;
    return mlc_relay_refresh(txn, t->intake_stream, t->id, entry, err);
}

static void on_refreshed(void *user, mlc_outbox *stream)
{
    (void)stream;
    on_event(user);
}

static mlc_code rebuild_xref(void *user, const char *actor, mlc_error *err)
{
    mlc_tenant *const t = user;
    return mlc_xref_rebuild_start(t->xref, actor, err);
}

/* ---- from the agent ---- */

/* Store's thread. */
static mlc_code accept_message(mlc_txn *txn, const mlc_entry_new *message, void *user, mlc_error *err)
{
    const mlc_tenant *const t = user;
    return mlc_inbound_accept(txn, message, &t->inbound, err);
}

/* ---- opening ---- */

static mlc_code open_streams(mlc_tenant *t, mlc_error *err)
{
    mlc_stream_spec spec = {.name = "intake",
                            .mode = MLC_STREAM_KEYED,
                            .max_bytes =
                                (uint64_t)limit(t, "limits.stream_max_bytes", "store.stream_max_bytes"),
                            .max_entries = (uint64_t)num(t, "limits.stream_max_entries"),
                            .keep_done_ms = mlc_cfg_int(t->opt.cfg, "store.keep_done"),
                            .keep_done_count = (uint64_t)mlc_cfg_int(t->opt.cfg, "store.keep_done_count")};
    mlc_code code = mlc_outbox_open(&t->intake_stream, t->store, &spec, err);
    spec.name = "down";
    spec.mode = MLC_STREAM_SEQUENCE;
    if (code == MLC_OK)
        code = mlc_outbox_open(&t->down, t->store, &spec, err);
    spec.name = "dynamics";
    spec.mode = MLC_STREAM_KEYED;
    spec.supersede = true;
    if (code == MLC_OK)
        code = mlc_outbox_open(&t->dynamics, t->store, &spec, err);
    spec.name = MLC_HELD_STREAM;
    if (code == MLC_OK)
        code = mlc_outbox_open(&t->held, t->store, &spec, err);
    return code;
}

static mlc_code open_store(mlc_tenant *t, mlc_error *err)
{
    char dir[1024];
    (void)snprintf(dir, sizeof dir, "%s/tenants", mlc_cfg_str(t->opt.cfg, "relay.data_dir"));
    (void)mkdir(dir, 0700);
    (void)snprintf(dir, sizeof dir, "%s/tenants/%s", mlc_cfg_str(t->opt.cfg, "relay.data_dir"), t->id);
    const mlc_store_options options = {.dir = dir,
                                       .map_max = (size_t)limit(t, "limits.map_max", "store.map_max"),
                                       .log = t->opt.log,
                                       .wake = mlc_waker_wake,
                                       .wake_arg = t->waker};
    mlc_code code = mlc_store_open(&t->store, &options, err);
    if (code == MLC_OK)
        code = open_streams(t, err);
    if (code != MLC_OK)
        return code;
    const mlc_upkeep_options upkeep = {.loop = t->opt.loop,
                                       .store = t->store,
                                       .log = t->opt.log,
                                       .streams = {t->intake_stream, t->down, t->dynamics, t->held},
                                       .stream_count = 4,
                                       .interval_ms = mlc_cfg_int(t->opt.cfg, "store.upkeep_interval"),
                                       .audit = {(uint64_t)mlc_cfg_int(t->opt.cfg, "audit.segment_entries"),
                                                 mlc_cfg_int(t->opt.cfg, "audit.segment_age"),
                                                 mlc_cfg_int(t->opt.cfg, "audit.keep")},
                                       .name = t->id};
    return mlc_upkeep_open(&t->upkeep, &upkeep, err);
}

static mlc_code open_dynamics(mlc_tenant *t, mlc_error *err)
{
    setting_path path;
    const mlc_http_client_options http = {.loop = t->opt.loop,
                                          .log = t->opt.log,
                                          .ca_file = str(t, "dynamics.ca_file"),
                                          .proxy = str(t, "dynamics.proxy"),
                                          .user_agent = t->opt.software,
                                          .max_connections_per_host = (long)num(t, "dynamics.parallel") + 2};
    mlc_code code = mlc_http_client_open(&t->http, &http, err);
    if (code != MLC_OK)
        return code;
    const mlc_entra_options entra = {.loop = t->opt.loop,
                                     .http = t->http,
                                     .log = t->opt.log,
                                     .authority = str(t, "dynamics.authority"),
                                     .tenant = str(t, "dynamics.directory"),
                                     .client_id = str(t, "dynamics.client_id"),
                                     .client_secret = secret(t, "dynamics.client_secret"),
                                     .client_cert_file = str(t, "dynamics.client_cert_file"),
                                     .client_key_file = str(t, "dynamics.client_key_file"),
                                     .alg = mlc_entra_alg_named(str(t, "dynamics.client_cert_alg")),
                                     .scope = str(t, "dynamics.scope")};
    code = mlc_entra_open(&t->entra, &entra, err);
    if (code != MLC_OK)
        return code;
    const mlc_odata_options odata = {.loop = t->opt.loop,
                                     .http = t->http,
                                     .entra = t->entra,
                                     .log = t->opt.log,
                                     .url = str(t, "dynamics.url"),
                                     .max_parallel = (unsigned)num(t, "dynamics.parallel"),
                                     .timeout_ms = num(t, "dynamics.timeout"),
                                     .dry = mlc_cfg_bool(t->opt.cfg, at(t, &path, "dry_run"))};
    return mlc_odata_open(&t->odata, &odata, err);
}

static mlc_deliverer_options delivery_options(const mlc_tenant *t)
{
    return (mlc_deliverer_options){.loop = t->opt.loop,
                                   .store = t->store,
                                   .log = t->opt.log,
                                   .actor = "relay",
                                   .max_parallel = (unsigned)num(t, "dynamics.parallel"),
                                   .max_group = 1,
                                   .max_attempts = (uint32_t)num(t, "dynamics.max_attempts"),
                                   .backoff = {num(t, "dynamics.retry_base"), num(t, "dynamics.retry_cap")},
                                   .settle_ms = num(t, "dynamics.settle")};
}

/* What the records' delivery stands on: mappings, metadata of their targets, lookups. */
static mlc_code open_records(mlc_tenant *t, mlc_error *err)
{
    char sets[MLC_MAPPINGS_MAX][128];
    const char *names[MLC_MAPPINGS_MAX];
    mlc_code code = mlc_mappings_load(t->opt.cfg, t->opt.index, &t->mappings, NULL, err);
    if (code != MLC_OK)
        return code;
    for (size_t i = 0; i < t->mappings.count; i++)
        names[i] = mlc_map_expand(sets[i], sizeof sets[i], mlc_map_target(t->mappings.maps[i]),
                                  str(t, "dynamics.prefix"));
    const mlc_schema_options schema = {.loop = t->opt.loop,
                                       .odata = t->odata,
                                       .store = t->store,
                                       .log = t->opt.log,
                                       .tenant = t->id,
                                       .sets = names,
                                       .set_count = t->mappings.count,
                                       .refresh_ms = num(t, "dynamics.schema_refresh")};
    const mlc_lookups_options lookups = {.loop = t->opt.loop,
                                         .odata = t->odata,
                                         .log = t->opt.log,
                                         .cache_max = (size_t)num(t, "dynamics.lookup_cache")};
    code = mlc_schema_open(&t->schema, &schema, err);
    if (code == MLC_OK)
        code = mlc_lookups_open(&t->lookups, &lookups, err);
    const mlc_records_options records = {
        .odata = t->odata,
        .store = t->store,
        .stream = t->dynamics,
        .log = t->opt.log,
        .schema = t->schema,
        .lookups = t->lookups,
        .mappings = &t->mappings,
        .prefix = str(t, "dynamics.prefix"),
        .max_attempts = (uint32_t)num(t, "dynamics.max_attempts"),
        .backoff = {num(t, "dynamics.retry_base"), num(t, "dynamics.retry_cap")}};
    const mlc_trial_options trial = {.loop = t->opt.loop,
                                     .log = t->opt.log,
                                     .cfg = t->opt.cfg,
                                     .index = t->opt.index,
                                     .tenant = t->id,
                                     .software = t->opt.software,
                                     .store = t->store,
                                     .stream = t->dynamics,
                                     .held = t->held,
                                     .http = t->http,
                                     .entra = t->entra,
                                     .schema = t->schema,
                                     .mappings = &t->mappings,
                                     .live = &t->inbound,
                                     .records = records};
    if (code == MLC_OK)
        code = mlc_records_open(&t->records, &records, err);
    return code == MLC_OK ? mlc_trial_open(&t->trial, &trial, err) : code;
}

static mlc_code open_deliveries(mlc_tenant *t, mlc_error *err)
{
    const mlc_deliverer_options reading = delivery_options(t);
    mlc_deliverer_options writing = reading;
    writing.stream = t->dynamics;
    writing.held = t->held;
    writing.max_group = (unsigned)num(t, "dynamics.batch");
    writing.max_parallel = writing.max_group * 2;
    t->addresses = (mlc_address_intake){.store = t->store,
                                        .down = t->down,
                                        .odata = t->odata,
                                        .log = t->opt.log,
                                        .prefix = str(t, "dynamics.prefix")};
    writing.deliver = mlc_trial_deliver;
    const mlc_intake_options intake = {.store = t->store,
                                       .intake = t->intake_stream,
                                       .down = t->down,
                                       .dynamics = t->dynamics,
                                       .odata = t->odata,
                                       .log = t->opt.log,
                                       .addresses = &t->addresses,
                                       .map = {.prefix = str(t, "dynamics.prefix"),
                                               .customer_reference = str(t, "orders.customer_reference"),
                                               .write_in_item = str(t, "orders.write_in_item")},
                                       .on_ordered = on_down,
                                       .on_reported = on_received,
                                       .user = t};
    mlc_code code = open_records(t, err);
    writing.user = t->trial;
    if (code == MLC_OK)
        code = mlc_deliverer_open(&t->deliverer, &writing, err);
    if (code == MLC_OK)
        code = mlc_intake_open(&t->intake, &intake, &reading, err);
    return code;
}

static mlc_code open_reconcile(mlc_tenant *t, mlc_error *err)
{
    int64_t from_ms = 0;
    const char *const from = str(t, "orders.reconcile_from");
    if (from != NULL && mlc_iso_parse(from, &from_ms, err) != MLC_OK)
        return mlc_wrap(err, MLC_E_INVALID,
                        "tenant %s: orders.reconcile_from: not a time like 2026-11-23T00:00:00Z", t->id);
    const mlc_reconcile_options options = {.loop = t->opt.loop,
                                           .store = t->store,
                                           .intake = t->intake_stream,
                                           .down = t->down,
                                           .odata = t->odata,
                                           .log = t->opt.log,
                                           .tenant = t->id,
                                           .prefix = str(t, "dynamics.prefix"),
                                           .filter = str(t, "orders.reconcile_filter"),
                                           .interval_ms = num(t, "orders.reconcile_interval"),
                                           .overlap_ms = num(t, "orders.reconcile_overlap"),
                                           .from_ms = from_ms,
                                           .on_found = on_event,
                                           .on_down = on_down,
                                           .user = t};
    const mlc_xref_rebuild_options xref = {.store = t->store,
                                           .odata = t->odata,
                                           .log = t->opt.log,
                                           .tenant = t->id,
                                           .prefix = str(t, "dynamics.prefix")};
    const mlc_code code = mlc_xref_rebuild_open(&t->xref, &xref, err);
    return code == MLC_OK ? mlc_reconcile_open(&t->reconcile, &options, err) : code;
}

static mlc_code open_hooks(mlc_tenant *t, mlc_error *err)
{
    const mlc_hook_setup_options options = {
        .loop = t->opt.loop,
        .store = t->store,
        .odata = t->odata,
        .log = t->opt.log,
        .tenant = t->id,
        .name = str(t, "webhooks.name"),
        .public_url = str(t, "webhooks.public_url"),
        .secret = secret(t, "webhook_secret"),
        .addresses = flag(t, "addresses.enabled"),
        .interval_ms = flag(t, "webhooks.register") ? num(t, "webhooks.interval") : 0,
        .retry_ms = num(t, "webhooks.retry")};
    return mlc_hook_setup_open(&t->hooks, &options, err);
}

/* A full comparison has the orders gone through as well. */
static void on_compare(void *user)
{
    const mlc_tenant *const t = user;
    mlc_reconcile_resync(t->reconcile);
}

static mlc_code open_drift(mlc_tenant *t, mlc_error *err)
{
    const char *const schedule = str(t, "compare.schedule");
    mlc_drift_options options = {.loop = t->opt.loop,
                                 .store = t->store,
                                 .down = t->down,
                                 .dynamics = t->dynamics,
                                 .odata = t->odata,
                                 .schema = t->schema,
                                 .mappings = &t->mappings,
                                 .log = t->opt.log,
                                 .tenant = t->id,
                                 .prefix = str(t, "dynamics.prefix"),
                                 .scheduled = flag(t, "compare.enabled"),
                                 .heal = flag(t, "compare.heal"),
                                 .patience_ms = num(t, "compare.timeout"),
                                 .max_gone = (uint64_t)num(t, "compare.max_gone"),
                                 .on_down = on_down,
                                 .on_begin = on_compare,
                                 .user = t};
    if (mlc_cron_parse(schedule, &options.schedule, err) != MLC_OK)
        return mlc_wrap(err, MLC_E_INVALID, "tenant %s: compare.schedule", t->id);
    return mlc_drift_open(&t->drift, &options, err);
}

mlc_code mlc_tenant_open(mlc_tenant **out, const mlc_tenant_options *options, mlc_error *err)
{
    mlc_tenant *const t = calloc(1, sizeof *t);
    if (t == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a tenant");
    t->opt = *options;
    t->id = str(t, "id");
    mlc_code code = mlc_waker_open(&t->waker, options->loop, dispatch_store, t, err);
    if (code == MLC_OK)
        code = open_store(t, err);
    if (code == MLC_OK)
        code = open_dynamics(t, err);
    if (code == MLC_OK)
        code = open_deliveries(t, err);
    if (code == MLC_OK)
        code = open_reconcile(t, err);
    if (code == MLC_OK)
        code = open_hooks(t, err);
    if (code == MLC_OK)
        code = open_drift(t, err);
    if (code != MLC_OK) {
        mlc_tenant_stop(t);
        mlc_tenant_close(t);
        return code;
    }
    setting_path path;
    t->inbound = (mlc_inbound){.tenant = t->id,
                               .prefix = str(t, "dynamics.prefix"),
                               .fulfill = mlc_cfg_bool(options->cfg, at(t, &path, "orders.fulfill")),
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
                                    .on_received = on_received,
                                    .on_state = on_state};
    mlc_quota_init(&t->webhook_quota, num(t, "limits.webhooks_per_second"), num(t, "limits.webhook_burst"),
                   mlc_mono_ms());
    t->webhook = (mlc_webhook_target){.tenant = t->id,
                                      .secret = secret(t, "webhook_secret"),
                                      .prefix = str(t, "dynamics.prefix"),
                                      .addresses = flag(t, "addresses.enabled"),
                                      .store = t->store,
                                      .intake = t->intake_stream,
                                      .quota = &t->webhook_quota,
                                      .on_received = on_event,
                                      .user = t};
    *out = t;
    return MLC_OK;
}

/* ---- closing ---- */

void mlc_tenant_stop(mlc_tenant *tenant)
{
    if (tenant->reconcile != NULL)
        mlc_reconcile_stop(tenant->reconcile);
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
    mlc_reconcile_close(tenant->reconcile);
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

/* ---- views ---- */

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
    agent->max_frames_per_s = (unsigned)num(tenant, "limits.messages_per_second");
    agent->max_connections = (unsigned)num(tenant, "limits.connections");
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

void mlc_tenant_status(const mlc_tenant *tenant, cJSON *out)
{
    mlc_entra_status entra = {0};
    mlc_reconcile_status reconcile = {0};
    mlc_entra_status_get(tenant->entra, &entra);
    mlc_reconcile_status_get(tenant->reconcile, &reconcile);
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
    cJSON *const found = cJSON_AddObjectToObject(out, "reconcile");
    (void)mlc_json_add_int(found, "runs", (int64_t)reconcile.runs, NULL);
    (void)mlc_json_add_int(found, "found", (int64_t)reconcile.found, NULL);
    (void)mlc_json_add_int(found, "again", (int64_t)reconcile.again, NULL);
    (void)mlc_json_add_int(found, "deleted", (int64_t)reconcile.deleted, NULL);
    (void)mlc_json_add_int(found, "resyncs", (int64_t)reconcile.resyncs, NULL);
    (void)mlc_json_add_bool(found, "tracked", reconcile.tracked, NULL);
    (void)mlc_json_add_str(found, "lastError", reconcile.last_error, NULL);
    mlc_hook_setup_status hooks = {0};
    mlc_hook_setup_status_get(tenant->hooks, &hooks);
    cJSON *const steps = cJSON_AddObjectToObject(out, "webhooks");
    (void)mlc_json_add_int(steps, "runs", (int64_t)hooks.runs, NULL);
    (void)mlc_json_add_int(steps, "repaired", (int64_t)hooks.repaired, NULL);
    (void)mlc_json_add_bool(steps, "ok", hooks.well, NULL);
    (void)mlc_json_add_str(steps, "lastError", hooks.last_error, NULL);
    mlc_drift_describe(tenant->drift, cJSON_AddObjectToObject(out, "compare"));
}
