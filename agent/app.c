/* app.c - see app.h. Opens the parts from the store outwards, and closes them in the opposite order:
 * nothing new is begun, AIS ends, the store finishes its jobs, and only then is memory released. */
#include "agent/app.h"

#include "admin/admin.h"
#include "agent/executor.h"
#include "agent/flow/flow_config.h"
#include "agent/flow/flow_routes.h"
#include "agent/identity.h"
#include "agent/order_config.h"
#include "agent/refresh.h"
#include "agent/tunnel_client.h"
#include "base/clock.h"
#include "deliver/upkeep.h"
#include "net/service.h"
#include "net/waker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORM_CONTROLS_MAX = 32, ROUTES_MAX = 32, LOGOUT_WAIT_MS = 4000 };

typedef struct agent_app {
    const mlc_cfg *cfg;
    mlc_log *log;
    const char *software;
    uv_loop_t loop;
    uv_signal_t on_term, on_int;
    bool signals_open, stopping, logged_out;
    mlc_waker *waker;
    mlc_service *service;
    mlc_store *store;
    mlc_outbox *up, *jde;
    mlc_upkeep *upkeep;
    mlc_lws *lws;
    mlc_http_client *http;
    mlc_ais *ais;
    mlc_zone *zone;
    mlc_flow_config flow_config;
    mlc_flow_set *flows;
    mlc_executor *executor;
    mlc_order_config orders;
    mlc_executor_gate gate;
    mlc_address_options addresses;
    mlc_tunnel_client *tunnel;
    mlc_admin *admin;
    mlc_http_server *admin_server;
    const char *form_controls[FORM_CONTROLS_MAX];
    mlc_http_route routes[ROUTES_MAX];
} agent_app;

static const char *str(const agent_app *app, const char *path)
{
    return mlc_cfg_str(app->cfg, path);
}

/* ---- signals between the parts ---- */

static void dispatch_store(void *arg)
{
    agent_app *const app = arg;
    if (app->store != NULL)
        (void)mlc_store_dispatch(app->store);
}

static void on_up_has_work(void *user)
{
    agent_app *const app = user;
    if (app->tunnel != NULL)
        mlc_tunnel_client_poke(app->tunnel);
}

static void on_down_received(void *user)
{
    agent_app *const app = user;
    if (app->executor != NULL)
        mlc_deliverer_poke(mlc_executor_deliverer(app->executor));
}

/* Store's thread. */
static mlc_code accept_message(mlc_txn *txn, const mlc_entry_new *message, void *user, mlc_error *err)
{
    agent_app *const app = user;
    return mlc_executor_accept(txn, message, &app->gate, err);
}

static void on_link_state(void *user, bool up, const char *why)
{
    agent_app *const app = user;
    if (up)
        mlc_log_info(app->log, "tunnel", "connected to the relay", MLC_S("detail", why));
    else
        mlc_log_warn(app->log, "tunnel", "not connected to the relay", MLC_S("reason", why));
}

static void on_released(void *user, mlc_outbox *stream)
{
    agent_app *const app = user;
    if (stream == app->up)
        on_up_has_work(app);
    else
        on_down_received(app);
}

/* Store's thread. */
static mlc_code refresh(mlc_txn *txn, mlc_outbox *stream, const mlc_entry *entry, void *user, mlc_error *err)
{
    const agent_app *const app = user;
    (void)stream;
    return mlc_agent_refresh(txn, app->up, str(app, "agent.tenant"), entry, err);
}

static void on_refreshed(void *user, mlc_outbox *stream)
{
    (void)stream;
    on_up_has_work(user);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    agent_app *const app = handle->data;
    mlc_log_info(app->log, "agent", "stopping", MLC_I("signal", signum));
    app->stopping = true;
    uv_stop(&app->loop);
}

/* ---- the operator's view ---- */

static void add_status(void *user, cJSON *status)
{
    const agent_app *const app = user;
    mlc_link_status link = {0};
    mlc_ais_session_info ais = {0};
    cJSON *const tunnel = cJSON_AddObjectToObject(status, "tunnel");
    cJSON *const session = cJSON_AddObjectToObject(status, "ais");
    cJSON *const flows = cJSON_AddArrayToObject(status, "flows");
    if (app->tunnel != NULL)
        mlc_tunnel_client_status(app->tunnel, &link);
    mlc_ais_info(app->ais, &ais);
    if (app->flows != NULL)
        (void)mlc_flow_set_describe(app->flows, flows, NULL);
    (void)mlc_json_add_bool(tunnel, "up", link.up, NULL);
    (void)mlc_json_add_str(tunnel, "peer", link.peer, NULL);
    (void)mlc_json_add_str(tunnel, "lastError", link.last_error, NULL);
    (void)mlc_json_add_int(tunnel, "acked", (int64_t)link.acked, NULL);
    (void)mlc_json_add_int(tunnel, "received", (int64_t)link.received, NULL);
    (void)mlc_json_add_int(tunnel, "reconnects", (int64_t)link.reconnects, NULL);
    (void)mlc_json_add_bool(session, "loggedIn", ais.logged_in, NULL);
    (void)mlc_json_add_str(session, "environment", ais.environment, NULL);
    (void)mlc_json_add_int(session, "logins", (int64_t)ais.logins, NULL);
    (void)mlc_json_add_str(session, "lastError", ais.last_error, NULL);
}

static bool is_healthy(void *user, char *why, size_t size)
{
    const agent_app *const app = user;
    mlc_link_status link = {0};
    mlc_tunnel_client_status(app->tunnel, &link);
    if (!link.up)
        (void)snprintf(why, size, "not connected to the relay: %s", link.last_error);
    return link.up;
}

/* ---- opening ---- */

static mlc_code open_store(agent_app *app, mlc_error *err)
{
    const mlc_store_options options = {.dir = str(app, "agent.data_dir"),
                                       .map_max = (size_t)mlc_cfg_int(app->cfg, "store.map_max"),
                                       .log = app->log,
                                       .wake = mlc_waker_wake,
                                       .wake_arg = app->waker};
    const mlc_stream_spec up = {.name = "up",
                                .mode = MLC_STREAM_SEQUENCE,
                                .supersede = true,
                                .max_bytes = (uint64_t)mlc_cfg_int(app->cfg, "store.up_max_bytes"),
                                .keep_done_ms = mlc_cfg_int(app->cfg, "store.keep_done"),
                                .keep_done_count = (uint64_t)mlc_cfg_int(app->cfg, "store.keep_done_count")};
    mlc_stream_spec jde = up;
    jde.name = "jde";
    jde.mode = MLC_STREAM_KEYED;
    jde.supersede = false;
    jde.max_bytes = (uint64_t)mlc_cfg_int(app->cfg, "store.jde_max_bytes");
    mlc_code code = mlc_store_open(&app->store, &options, err);
    if (code == MLC_OK)
        code = mlc_outbox_open(&app->up, app->store, &up, err);
    if (code == MLC_OK)
        code = mlc_outbox_open(&app->jde, app->store, &jde, err);
    if (code != MLC_OK)
        return code;
    const mlc_upkeep_options upkeep = {.loop = &app->loop,
                                       .store = app->store,
                                       .log = app->log,
                                       .streams = {app->up, app->jde},
                                       .stream_count = 2,
                                       .interval_ms = mlc_cfg_int(app->cfg, "store.upkeep_interval"),
                                       .audit = {(uint64_t)mlc_cfg_int(app->cfg, "audit.segment_entries"),
                                                 mlc_cfg_int(app->cfg, "audit.segment_age"),
                                                 mlc_cfg_int(app->cfg, "audit.keep")},
                                       .name = "agent"};
    return mlc_upkeep_open(&app->upkeep, &upkeep, err);
}

static mlc_code open_ais(agent_app *app, mlc_error *err)
{
    const char *const zone = str(app, "ais.time_zone");
    const mlc_http_client_options http = {.loop = &app->loop,
                                          .log = app->log,
                                          .ca_file = str(app, "ais.ca_file"),
                                          .proxy = str(app, "ais.proxy"),
                                          .user_agent = app->software};
    mlc_code code = zone != NULL ? mlc_zone_open(&app->zone, zone, err) : MLC_OK;
    if (code == MLC_OK)
        code = mlc_http_client_open(&app->http, &http, err);
    if (code != MLC_OK)
        return code;
    const mlc_ais_options ais = {.loop = &app->loop,
                                 .http = app->http,
                                 .log = app->log,
                                 .url = str(app, "ais.url"),
                                 .username = str(app, "ais.username"),
                                 .password = mlc_cfg_secret(app->cfg, "ais.password"),
                                 .environment = str(app, "ais.environment"),
                                 .role = str(app, "ais.role"),
                                 .device = str(app, "ais.device"),
                                 .date_format = str(app, "ais.date_format"),
                                 .token_life_ms = mlc_cfg_int(app->cfg, "ais.token_life"),
                                 .timeout_ms = mlc_cfg_int(app->cfg, "ais.timeout"),
                                 .max_parallel = (unsigned)mlc_cfg_int(app->cfg, "ais.max_parallel")};
    return mlc_ais_open(&app->ais, &ais, err);
}

static mlc_code open_flows(agent_app *app, mlc_error *err)
{
    const mlc_flow_set_options options = {.loop = &app->loop,
                                          .store = app->store,
                                          .up = app->up,
                                          .ais = app->ais,
                                          .log = app->log,
                                          .jde_zone = app->zone,
                                          .zone = app->flow_config.zone,
                                          .tenant = str(app, "agent.tenant"),
                                          .site = str(app, "agent.id"),
                                          .plans = app->flow_config.plans,
                                          .plan_count = app->flow_config.plan_count,
                                          .parallel = (unsigned)mlc_cfg_int(app->cfg, "flows.parallel"),
                                          .retry_base_ms = mlc_cfg_int(app->cfg, "flows.retry_base"),
                                          .retry_cap_ms = mlc_cfg_int(app->cfg, "flows.retry_cap"),
                                          .on_enqueued = on_up_has_work,
                                          .user = app};
    return mlc_flow_set_open(&app->flows, &options, err);
}

static mlc_code set_addresses(agent_app *app, mlc_error *err)
{
    app->addresses = (mlc_address_options){
        .store = app->store,
        .up = app->up,
        .ais = app->ais,
        .log = app->log,
        .zone = app->zone,
        .orchestration = str(app, "addresses.orchestration"),
        .orchestration_version = (unsigned)mlc_cfg_int(app->cfg, "addresses.orchestration_version")};
    (void)mlc_address_rule_of(str(app, "addresses.conflict"), &app->addresses.rule);
    if (app->addresses.rule == MLC_ADDRESS_NEWEST_WINS && app->zone == NULL)
        return mlc_fail(err, MLC_E_INVALID,
                        "addresses.conflict: newest compares times, so ais.time_zone must be set");
    return MLC_OK;
}

static bool is_set_to(const agent_app *app, const char *path, const char *value)
{
    return strcmp(str(app, path), value) == 0;
}

static mlc_code open_executor(agent_app *app, mlc_error *err)
{
    const bool addresses = mlc_cfg_bool(app->cfg, "addresses.enabled");
    app->gate =
        (mlc_executor_gate){.jde = app->jde, .tenant = str(app, "agent.tenant"), .addresses = addresses};
    const mlc_code set = addresses ? set_addresses(app, err) : MLC_OK;
    if (set != MLC_OK || !mlc_cfg_bool(app->cfg, "orders.enabled"))
        return set;
    const size_t controls = mlc_cfg_count(app->cfg, "orders.form_controls");
    if (controls > FORM_CONTROLS_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "orders.form_controls: at most %d values", FORM_CONTROLS_MAX);
    for (size_t i = 0; i < controls; i++)
        app->form_controls[i] = mlc_cfg_list_str(app->cfg, "orders.form_controls", i);
    const mlc_code code = mlc_order_config_read(&app->orders, app->cfg, NULL, err);
    if (code != MLC_OK)
        return code;
    const mlc_executor_options options = {
        .store = app->store,
        .jde = app->jde,
        .up = app->up,
        .ais = app->ais,
        .log = app->log,
        .tenant = str(app, "agent.tenant"),
        .by_form = is_set_to(app, "orders.writer", "form"),
        .orchestration = str(app, "orders.orchestration"),
        .orchestration_version = (unsigned)mlc_cfg_int(app->cfg, "orders.orchestration_version"),
        .map = app->orders.map,
        .catalogue = app->orders.catalogue,
        .target = {.purchase = app->orders.purchase,
                   .order_type = app->orders.order_type,
                   .supplier = str(app, "orders.supplier"),
                   .net_price = is_set_to(app, "orders.discounts", "net_price"),
                   .freight_item = str(app, "orders.freight_item"),
                   .freight_line_type = str(app, "orders.freight_line_type"),
                   .company = str(app, "orders.company"),
                   .branch_plant = str(app, "orders.branch_plant"),
                   .form_name = str(app, "orders.form"),
                   .form_version = str(app, "orders.form_version"),
                   .form_controls = app->form_controls,
                   .form_control_count = controls},
        .on_reported = on_up_has_work,
        .user = app};
    const mlc_deliverer_options delivery = {
        .loop = &app->loop,
        .max_parallel = (unsigned)mlc_cfg_int(app->cfg, "orders.parallel"),
        .max_group = 1,
        .max_attempts = (uint32_t)mlc_cfg_int(app->cfg, "orders.max_attempts"),
        .backoff = {mlc_cfg_int(app->cfg, "orders.retry_base"), mlc_cfg_int(app->cfg, "orders.retry_cap")},
        .settle_ms = mlc_cfg_int(app->cfg, "orders.settle")};
    return mlc_executor_open(&app->executor, &options, &delivery, err);
}

static mlc_code open_tunnel(agent_app *app, mlc_error *err)
{
    uint8_t key[MLC_KEY_LEN];
    const bool mtls = str(app, "relay.client_cert_file") != NULL;
    mlc_code code = mlc_lws_open(&app->lws, &app->loop, app->log, err);
    if (code == MLC_OK && !mtls)
        code = mlc_identity_load(app->store, app->cfg, key, err);
    if (code != MLC_OK)
        return code;
    const mlc_tunnel_client_options options = {
        .lws = app->lws,
        .log = app->log,
        .url = str(app, "relay.url"),
        .ca_file = str(app, "relay.ca_file"),
        .client_cert_file = str(app, "relay.client_cert_file"),
        .client_key_file = str(app, "relay.client_key_file"),
        .proxy = str(app, "relay.proxy"),
        .agent_id = str(app, "agent.id"),
        .agent_key = mtls ? NULL : key,
        .software = app->software,
        .compress = mlc_cfg_bool(app->cfg, "relay.compress"),
        .ping_interval_ms = mlc_cfg_int(app->cfg, "relay.ping_interval"),
        .reconnect_base_ms = mlc_cfg_int(app->cfg, "relay.reconnect_base"),
        .reconnect_cap_ms = mlc_cfg_int(app->cfg, "relay.reconnect_cap"),
        .binding = {.store = app->store,
                    .out = app->up,
                    .in_name = "down",
                    .accept = accept_message,
                    .on_received = on_down_received,
                    .on_state = on_link_state,
                    .user = app}};
    code = mlc_tunnel_client_open(&app->tunnel, &options, err);
    explicit_bzero(key, sizeof key);
    return code;
}

static mlc_code open_admin(agent_app *app, mlc_error *err)
{
    size_t count = 0;
    const mlc_admin_options options = {.log = app->log,
                                       .program = app->software,
                                       .status = add_status,
                                       .healthy = is_healthy,
                                       .loop = &app->loop,
                                       .user = app};
    const mlc_admin_store store = {.name = "agent",
                                   .store = app->store,
                                   .streams = {app->up, app->jde},
                                   .stream_count = 2,
                                   .on_released = on_released,
                                   .refresh = refresh,
                                   .on_refreshed = on_refreshed,
                                   .user = app};
    mlc_code code = mlc_admin_open(&app->admin, &options, err);
    if (code == MLC_OK)
        code = mlc_admin_add_store(app->admin, &store, err);
    if (code != MLC_OK)
        return code;
    const mlc_http_route *const routes = mlc_admin_routes(app->admin, &count);
    if (count + MLC_FLOW_ROUTES > ROUTES_MAX)
        return mlc_fail(err, MLC_E_INTERNAL, "more admin routes than expected");
    memcpy(app->routes, routes, count * sizeof *routes);
    count += mlc_flow_routes(&app->flows, app->routes + count);
    const mlc_http_server_options server = {.name = "admin",
                                            .unix_path = str(app, "agent.admin_socket"),
                                            .routes = app->routes,
                                            .route_count = count,
                                            .log = app->log};
    return mlc_http_server_open(&app->admin_server, app->lws, &server, err);
}

static mlc_code open_signals(agent_app *app, mlc_error *err)
{
    (void)signal(SIGPIPE, SIG_IGN);
    if (uv_signal_init(&app->loop, &app->on_term) != 0 || uv_signal_init(&app->loop, &app->on_int) != 0)
        return mlc_fail(err, MLC_E_IO, "cannot watch for signals");
    app->signals_open = true;
    app->on_term.data = app;
    app->on_int.data = app;
    (void)uv_signal_start(&app->on_term, on_signal, SIGTERM);
    (void)uv_signal_start(&app->on_int, on_signal, SIGINT);
    return MLC_OK;
}

/* ---- closing ---- */

static void on_logged_out(void *user)
{
    agent_app *const app = user;
    app->logged_out = true;
    uv_stop(&app->loop);
}

static void wait_for_logout(agent_app *app)
{
    const int64_t until = mlc_mono_ms() + LOGOUT_WAIT_MS;
    mlc_ais_close(app->ais, on_logged_out, app);
    app->ais = NULL;
    while (!app->logged_out && mlc_mono_ms() < until)
        (void)uv_run(&app->loop, UV_RUN_ONCE);
}

static void close_all(agent_app *app)
{
    mlc_service_stop(app->service);
    mlc_http_server_close(app->admin_server);
    mlc_admin_close(app->admin);
    mlc_flow_set_stop(app->flows);
    if (app->executor != NULL)
        mlc_executor_stop(app->executor);
    if (app->tunnel != NULL)
        mlc_tunnel_client_close(app->tunnel);
    app->tunnel = NULL;
    if (app->ais != NULL)
        wait_for_logout(app);
    if (app->store != NULL)
        (void)mlc_store_drain(app->store, NULL);
    if (app->http != NULL)
        mlc_http_client_close(app->http);
    if (app->lws != NULL)
        mlc_lws_close(app->lws);
    mlc_zone_close(app->zone);
    mlc_outbox_close(app->up);
    mlc_outbox_close(app->jde);
    mlc_store_close(app->store);
    app->store = NULL;
    mlc_flow_set_close(app->flows);
    mlc_flow_config_free(&app->flow_config);
    mlc_executor_close(app->executor);
    mlc_order_config_free(&app->orders);
    mlc_upkeep_close(app->upkeep);
    mlc_waker_close(app->waker);
    if (app->signals_open) {
        uv_close((uv_handle_t *)&app->on_term, NULL);
        uv_close((uv_handle_t *)&app->on_int, NULL);
    }
    (void)uv_run(&app->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&app->loop);
}

mlc_code mlc_agent_run(const mlc_cfg *cfg, mlc_log *log, const char *software, mlc_error *err)
{
    agent_app *const app = calloc(1, sizeof *app);
    if (app == NULL || uv_loop_init(&app->loop) != 0) {
        free(app);
        return mlc_fail(err, MLC_E_NOMEM, "cannot make an event loop");
    }
    app->cfg = cfg;
    app->log = log;
    app->software = software;
    mlc_code code = open_signals(app, err);
    if (code == MLC_OK)
        code = mlc_waker_open(&app->waker, &app->loop, dispatch_store, app, err);
    if (code == MLC_OK)
        code = mlc_flow_config_read(&app->flow_config, cfg, NULL, err);
    if (code == MLC_OK)
        code = open_store(app, err);
    if (code == MLC_OK)
        code = open_ais(app, err);
    if (code == MLC_OK)
        code = open_executor(app, err);
    if (code == MLC_OK)
        code = open_tunnel(app, err);
    if (code == MLC_OK)
        code = open_admin(app, err);
    if (code == MLC_OK)
        code = open_flows(app, err);
    if (code == MLC_OK)
        code = mlc_service_ready(&app->service, &app->loop, log, err);
    if (code == MLC_OK) {
        mlc_log_info(log, "agent", "running", MLC_S("agent", str(app, "agent.id")),
                     MLC_S("version", software));
        while (!app->stopping)
            (void)uv_run(&app->loop, UV_RUN_DEFAULT);
    }
    close_all(app);
    free(app);
    return code;
}
