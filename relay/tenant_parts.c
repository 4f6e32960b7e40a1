/* tenant_parts.c - see tenant_private.h. */
#include "relay/tenant_private.h"

#include "base/clock.h"
#include "deliver/held.h"

#include <stdio.h>
#include <sys/stat.h>

static mlc_code open_streams(mlc_tenant *t, mlc_error *err)
{
    mlc_stream_spec spec = {
        .name = "intake",
        .mode = MLC_STREAM_KEYED,
        .max_bytes = (uint64_t)tenant_limit(t, "limits.stream_max_bytes", "store.stream_max_bytes"),
        .max_entries = (uint64_t)tenant_num(t, "limits.stream_max_entries"),
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

mlc_code tenant_open_store(mlc_tenant *t, mlc_error *err)
{
    char dir[1024];
    (void)snprintf(dir, sizeof dir, "%s/tenants", mlc_cfg_str(t->opt.cfg, "relay.data_dir"));
    (void)mkdir(dir, 0700);
    (void)snprintf(dir, sizeof dir, "%s/tenants/%s", mlc_cfg_str(t->opt.cfg, "relay.data_dir"), t->id);
    const mlc_store_options options = {.dir = dir,
                                       .map_max = (size_t)tenant_limit(t, "limits.map_max", "store.map_max"),
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

mlc_code tenant_open_dynamics(mlc_tenant *t, mlc_error *err)
{
    tenant_path path;
    const mlc_http_client_options http = {.loop = t->opt.loop,
                                          .log = t->opt.log,
                                          .ca_file = tenant_str(t, "dynamics.ca_file"),
                                          .proxy = mlc_proxy_of(t->opt.cfg, tenant_at(t, &path, "dynamics")),
                                          .user_agent = t->opt.software,
                                          .max_connections_per_host =
                                              (long)tenant_num(t, "dynamics.parallel") + 2};
    mlc_code code = mlc_http_client_open(&t->http, &http, err);
    if (code != MLC_OK)
        return code;
    const mlc_entra_options entra = {.loop = t->opt.loop,
                                     .http = t->http,
                                     .log = t->opt.log,
                                     .authority = tenant_str(t, "dynamics.authority"),
                                     .tenant = tenant_str(t, "dynamics.directory"),
                                     .client_id = tenant_str(t, "dynamics.client_id"),
                                     .client_secret = tenant_secret(t, "dynamics.client_secret"),
                                     .client_cert_file = tenant_str(t, "dynamics.client_cert_file"),
                                     .client_key_file = tenant_str(t, "dynamics.client_key_file"),
                                     .alg = mlc_entra_alg_named(tenant_str(t, "dynamics.client_cert_alg")),
                                     .scope = tenant_str(t, "dynamics.scope")};
    code = mlc_entra_open(&t->entra, &entra, err);
    if (code != MLC_OK)
        return code;
    const mlc_odata_options odata = {.loop = t->opt.loop,
                                     .http = t->http,
                                     .entra = t->entra,
                                     .log = t->opt.log,
                                     .url = tenant_str(t, "dynamics.url"),
                                     .max_parallel = (unsigned)tenant_num(t, "dynamics.parallel"),
                                     .timeout_ms = tenant_num(t, "dynamics.timeout"),
                                     .dry = mlc_cfg_bool(t->opt.cfg, tenant_at(t, &path, "dry_run"))};
    return mlc_odata_open(&t->odata, &odata, err);
}

static mlc_deliverer_options delivery_options(const mlc_tenant *t)
{
    return (mlc_deliverer_options){
        .loop = t->opt.loop,
        .store = t->store,
        .log = t->opt.log,
        .actor = "relay",
        .max_parallel = (unsigned)tenant_num(t, "dynamics.parallel"),
        .max_group = 1,
        .max_attempts = (uint32_t)tenant_num(t, "dynamics.max_attempts"),
        .backoff = {tenant_num(t, "dynamics.retry_base"), tenant_num(t, "dynamics.retry_cap")},
        .settle_ms = tenant_num(t, "dynamics.settle")};
}

/* Also while the tenant is opened: then its deliverer begins by itself. */
static void on_released(void *user)
{
    const mlc_tenant *const t = user;
    if (t->deliverer != NULL)
        mlc_deliverer_poke(t->deliverer);
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
                                  tenant_str(t, "dynamics.prefix"));
    const mlc_schema_options schema = {.loop = t->opt.loop,
                                       .odata = t->odata,
                                       .store = t->store,
                                       .log = t->opt.log,
                                       .tenant = t->id,
                                       .sets = names,
                                       .set_count = t->mappings.count,
                                       .refresh_ms = tenant_num(t, "dynamics.schema_refresh")};
    const mlc_lookups_options lookups = {.loop = t->opt.loop,
                                         .odata = t->odata,
                                         .log = t->opt.log,
                                         .cache_max = (size_t)tenant_num(t, "dynamics.lookup_cache")};
    code = mlc_schema_open(&t->schema, &schema, err);
    if (code == MLC_OK)
        code = mlc_lookups_open(&t->lookups, &lookups, err);
    mlc_records_options records = {
        .odata = t->odata,
        .store = t->store,
        .stream = t->dynamics,
        .log = t->opt.log,
        .schema = t->schema,
        .lookups = t->lookups,
        .mappings = &t->mappings,
        .prefix = tenant_str(t, "dynamics.prefix"),
        .max_attempts = (uint32_t)tenant_num(t, "dynamics.max_attempts"),
        .backoff = {tenant_num(t, "dynamics.retry_base"), tenant_num(t, "dynamics.retry_cap")}};
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
                                     .records = records,
                                     .on_released = on_released,
                                     .user = t};
    if (tenant_flag(t, "addresses.enabled")) {
        records.down = t->down;
        records.tenant = t->id;
        records.on_down = tenant_on_down;
        records.user = t;
    }
    if (code == MLC_OK)
        code = mlc_records_open(&t->records, &records, err);
    return code == MLC_OK ? mlc_trial_open(&t->trial, &trial, err) : code;
}

mlc_code tenant_open_deliveries(mlc_tenant *t, mlc_error *err)
{
    const mlc_deliverer_options reading = delivery_options(t);
    mlc_deliverer_options writing = reading;
    writing.stream = t->dynamics;
    writing.held = t->held;
    writing.max_group = (unsigned)tenant_num(t, "dynamics.batch");
    writing.max_parallel = writing.max_group * 2;
    t->addresses = (mlc_address_intake){.store = t->store,
                                        .down = t->down,
                                        .odata = t->odata,
                                        .log = t->opt.log,
                                        .prefix = tenant_str(t, "dynamics.prefix")};
    writing.deliver = mlc_trial_deliver;
    const mlc_intake_options intake = {
        .store = t->store,
        .intake = t->intake_stream,
        .down = t->down,
        .dynamics = t->dynamics,
        .odata = t->odata,
        .log = t->opt.log,
        .addresses = &t->addresses,
        .map = {.prefix = tenant_str(t, "dynamics.prefix"),
                .customer_reference = tenant_str(t, "orders.customer_reference"),
                .write_in_item = tenant_str(t, "orders.write_in_item")},
        .on_ordered = tenant_on_down,
        .on_reported = tenant_on_received,
        .user = t};
    mlc_code code = open_records(t, err);
    writing.user = t->trial;
    if (code == MLC_OK)
        code = mlc_deliverer_open(&t->deliverer, &writing, err);
    if (code == MLC_OK)
        code = mlc_intake_open(&t->intake, &intake, &reading, err);
    return code;
}

mlc_code tenant_open_reconcile(mlc_tenant *t, mlc_error *err)
{
    int64_t from_ms = 0;
    const char *const from = tenant_str(t, "orders.reconcile_from");
    if (from != NULL && mlc_iso_parse(from, &from_ms, err) != MLC_OK)
        return mlc_wrap(err, MLC_E_INVALID,
                        "tenant %s: orders.reconcile_from: not a time like 2026-11-23T00:00:00Z", t->id);
    mlc_reconcile_options options = {.loop = t->opt.loop,
                                     .store = t->store,
                                     .intake = t->intake_stream,
                                     .down = t->down,
                                     .odata = t->odata,
                                     .log = t->opt.log,
                                     .table = &mlc_reconcile_orders,
                                     .tenant = t->id,
                                     .prefix = tenant_str(t, "dynamics.prefix"),
                                     .filter = tenant_str(t, "orders.reconcile_filter"),
                                     .interval_ms = tenant_num(t, "orders.reconcile_interval"),
                                     .overlap_ms = tenant_num(t, "orders.reconcile_overlap"),
                                     .from_ms = from_ms,
                                     .on_found = tenant_on_event,
                                     .on_down = tenant_on_down,
                                     .user = t};
    const mlc_xref_rebuild_options xref = {.store = t->store,
                                           .odata = t->odata,
                                           .log = t->opt.log,
                                           .tenant = t->id,
                                           .prefix = tenant_str(t, "dynamics.prefix")};
    mlc_code code = mlc_xref_rebuild_open(&t->xref, &xref, err);
    if (code == MLC_OK)
        code = mlc_reconcile_open(&t->reconcile[0], &options, err);
    if (code != MLC_OK || !tenant_flag(t, "addresses.enabled"))
        return code;
    options.interval_ms = tenant_num(t, "addresses.reconcile_interval");
    options.overlap_ms = tenant_num(t, "addresses.reconcile_overlap");
    options.from_ms = 0;
    options.table = &mlc_reconcile_accounts;
    code = mlc_reconcile_open(&t->reconcile[1], &options, err);
    options.table = &mlc_reconcile_contacts;
    return code == MLC_OK ? mlc_reconcile_open(&t->reconcile[2], &options, err) : code;
}

mlc_code tenant_open_hooks(mlc_tenant *t, mlc_error *err)
{
    const mlc_hook_setup_options options = {
        .loop = t->opt.loop,
        .store = t->store,
        .odata = t->odata,
        .log = t->opt.log,
        .tenant = t->id,
        .name = tenant_str(t, "webhooks.name"),
        .public_url = tenant_str(t, "webhooks.public_url"),
        .secret = tenant_secret(t, "webhook_secret"),
        .addresses = tenant_flag(t, "addresses.enabled"),
        .interval_ms = tenant_flag(t, "webhooks.register") ? tenant_num(t, "webhooks.interval") : 0,
        .retry_ms = tenant_num(t, "webhooks.retry")};
    return mlc_hook_setup_open(&t->hooks, &options, err);
}

/* A full comparison has the reconciled tables gone through as well. */
static void on_compare(void *user)
{
    const mlc_tenant *const t = user;
    for (size_t i = 0; i < TENANT_TABLES; i++)
        mlc_reconcile_resync(t->reconcile[i]);
}

mlc_code tenant_open_drift(mlc_tenant *t, mlc_error *err)
{
    mlc_drift_options options = {.loop = t->opt.loop,
                                 .store = t->store,
                                 .down = t->down,
                                 .dynamics = t->dynamics,
                                 .odata = t->odata,
                                 .schema = t->schema,
                                 .mappings = &t->mappings,
                                 .log = t->opt.log,
                                 .tenant = t->id,
                                 .prefix = tenant_str(t, "dynamics.prefix"),
                                 .on_down = tenant_on_down,
                                 .on_begin = on_compare,
                                 .user = t};
    const mlc_code code = mlc_drift_configure(t->opt.cfg, t->opt.index, &options, err);
    return code == MLC_OK ? mlc_drift_open(&t->drift, &options, err) : code;
}
