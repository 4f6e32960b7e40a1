/* app.c - see app.h. Opens the parts from the store outwards, and closes them in the opposite order:
 * nothing new is begun, AIS ends, the store finishes its jobs, and only then is memory released. */
#include "agent/app_private.h"

#include "agent/relay_url.h"
#include "base/clock.h"
#include "deliver/held.h"
#include "net/service.h"
#include "net/timer.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

const char *app_str(const agent_app *app, const char *path)
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

void app_on_up_has_work(void *user)
{
    agent_app *const app = user;
    if (app->tunnel != NULL)
        mlc_tunnel_client_poke(app->tunnel);
}

void app_on_down_received(void *user)
{
    agent_app *const app = user;
    if (app->executor != NULL)
        mlc_deliverer_poke(mlc_executor_deliverer(app->executor));
    mlc_compare_poke(app->compare);
}

/* Store's thread. */
static mlc_code accept_message(mlc_txn *txn, const mlc_entry_new *message, void *user, mlc_error *err)
{
    agent_app *const app = user;
    if (mlc_compare_is_kind(message->kind))
        return mlc_compare_accept(txn, message, app->ask, app_str(app, "agent.tenant"), err);
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

static void on_signal(uv_signal_t *handle, int signum)
{
    agent_app *const app = handle->data;
    mlc_log_info(app->log, "agent", "stopping", MLC_I("signal", signum));
    app->stopping = true;
    uv_stop(&app->loop);
}

/* ---- opening ---- */

static mlc_code open_store(agent_app *app, mlc_error *err)
{
    const mlc_store_options options = {.dir = app_str(app, "agent.data_dir"),
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
    mlc_stream_spec held = jde;
    held.name = MLC_HELD_STREAM;
    held.supersede = true; /* of a record only the last one is owed */
    if (code == MLC_OK)
        code = mlc_outbox_open(&app->held, app->store, &held, err);
    mlc_stream_spec ask = jde;
    ask.name = "ask";
    if (code == MLC_OK)
        code = mlc_outbox_open(&app->ask, app->store, &ask, err);
    if (code != MLC_OK)
        return code;
    const mlc_upkeep_options upkeep = {.loop = &app->loop,
                                       .store = app->store,
                                       .log = app->log,
                                       .streams = {app->up, app->jde, app->held, app->ask},
                                       .stream_count = 4,
                                       .interval_ms = mlc_cfg_int(app->cfg, "store.upkeep_interval"),
                                       .audit = {(uint64_t)mlc_cfg_int(app->cfg, "audit.segment_entries"),
                                                 mlc_cfg_int(app->cfg, "audit.segment_age"),
                                                 mlc_cfg_int(app->cfg, "audit.keep")},
                                       .name = "agent"};
    return mlc_upkeep_open(&app->upkeep, &upkeep, err);
}

static mlc_code open_ais(agent_app *app, mlc_error *err)
{
    const char *const zone = app_str(app, "ais.time_zone");
    const mlc_http_client_options http = {.loop = &app->loop,
                                          .log = app->log,
                                          .ca_file = app_str(app, "ais.ca_file"),
                                          .proxy = mlc_proxy_of(app->cfg, "ais"),
                                          .user_agent = app->software};
    mlc_code code = zone != NULL ? mlc_zone_open(&app->zone, zone, err) : MLC_OK;
    if (code == MLC_OK)
        code = mlc_http_client_open(&app->http, &http, err);
    if (code != MLC_OK)
        return code;
    const mlc_ais_options ais = {.loop = &app->loop,
                                 .http = app->http,
                                 .log = app->log,
                                 .url = app_str(app, "ais.url"),
                                 .username = app_str(app, "ais.username"),
                                 .password = mlc_cfg_secret(app->cfg, "ais.password"),
                                 .environment = app_str(app, "ais.environment"),
                                 .role = app_str(app, "ais.role"),
                                 .device = app_str(app, "ais.device"),
                                 .date_format = app_str(app, "ais.date_format"),
                                 .token_life_ms = mlc_cfg_int(app->cfg, "ais.token_life"),
                                 .timeout_ms = mlc_cfg_int(app->cfg, "ais.timeout"),
                                 .max_parallel = (unsigned)mlc_cfg_int(app->cfg, "ais.max_parallel")};
    return mlc_ais_open(&app->ais, &ais, err);
}

static mlc_tunnel_own own_of(const mlc_agent_identity *identity)
{
    return (mlc_tunnel_own){.identity = &identity->own, .not_after_ms = identity->info.not_after_ms};
}

static void on_renewed(void *user, const mlc_agent_identity *identity)
{
    const agent_app *const app = user;
    mlc_error err;
    const mlc_tunnel_own own = own_of(identity);
    if (mlc_tunnel_client_renew(app->tunnel, &own, &err) != MLC_OK)
        mlc_log_error(app->log, "agent", "the tunnel cannot use the renewed certificate",
                      MLC_S("error", err.message));
}

static mlc_code open_tunnel_as(agent_app *app, const mlc_agent_identity *identity, const char *url,
                               mlc_error *err)
{
    const mlc_tunnel_own own = own_of(identity);
    const mlc_tunnel_client_options options = {
        .lws = app->lws,
        .log = app->log,
        .url = url,
        .ca_file = app_str(app, "relay.ca_file"),
        .client_cert_file = app_str(app, "relay.client_cert_file"),
        .client_key_file = app_str(app, "relay.client_key_file"),
        .proxy = mlc_proxy_of(app->cfg, "relay"),
        .agent_id = app_str(app, "agent.id"),
        .agent_key = identity->kind == MLC_IDENTITY_KEY ? identity->key : NULL,
        .own = identity->kind == MLC_IDENTITY_CERT ? &own : NULL,
        .software = app->software,
        .compress = mlc_cfg_bool(app->cfg, "relay.compress"),
        .ping_interval_ms = mlc_cfg_int(app->cfg, "relay.ping_interval"),
        .reconnect_base_ms = mlc_cfg_int(app->cfg, "relay.reconnect_base"),
        .reconnect_cap_ms = mlc_cfg_int(app->cfg, "relay.reconnect_cap"),
        .binding = {.store = app->store,
                    .out = app->up,
                    .in_name = "down",
                    .accept = accept_message,
                    .on_received = app_on_down_received,
                    .on_state = on_link_state,
                    .user = app}};
    const mlc_renewal_options renewal = {.loop = &app->loop,
                                         .log = app->log,
                                         .store = app->store,
                                         .cfg = app->cfg,
                                         .url = url,
                                         .software = app->software,
                                         .identity = identity,
                                         .on_renewed = on_renewed,
                                         .user = app};
    const mlc_code code = mlc_tunnel_client_open(&app->tunnel, &options, err);
    return code == MLC_OK ? mlc_renewal_open(&app->renewal, &renewal, err) : code;
}

static mlc_code open_tunnel(agent_app *app, mlc_error *err)
{
    char url[MLC_RELAY_URL_MAX];
    mlc_agent_identity identity = {0};
    mlc_code code = mlc_lws_open(&app->lws, &app->loop, app->log, err);
    size_t resealed = 0;
    if (code == MLC_OK && app_str(app, "relay.client_cert_file") == NULL)
        code = mlc_identity_reseal_now(app->store, app->cfg, true, &resealed, err);
    if (code == MLC_E_NOTFOUND) /* no root key: there is nothing sealed, the next step says what to do */
        code = MLC_OK;
    if (code == MLC_OK && app_str(app, "relay.client_cert_file") == NULL)
        code = mlc_identity_load(app->store, app->cfg, &identity, err);
    if (code == MLC_OK && identity.warning != NULL)
        mlc_log_warn(app->log, "agent", identity.warning);
    if (code == MLC_OK)
        code = mlc_relay_url(app->cfg, url, err);
    if (code == MLC_OK)
        code = open_tunnel_as(app, &identity, url, err);
    mlc_identity_wipe(&identity);
    return code;
}

static void on_reload(uv_signal_t *handle, int signum)
{
    (void)signum;
    app_reload(handle->data);
}

static mlc_code open_signals(agent_app *app, mlc_error *err)
{
    if (uv_signal_init(&app->loop, &app->on_term) != 0 || uv_signal_init(&app->loop, &app->on_int) != 0 ||
        uv_signal_init(&app->loop, &app->on_hup) != 0)
        return mlc_fail(err, MLC_E_IO, "cannot watch for signals");
    app->signals_open = true;
    app->on_term.data = app;
    app->on_int.data = app;
    app->on_hup.data = app;
    (void)uv_signal_start(&app->on_term, on_signal, SIGTERM);
    (void)uv_signal_start(&app->on_int, on_signal, SIGINT);
    (void)uv_signal_start(&app->on_hup, on_reload, SIGHUP);
    return MLC_OK;
}

/* ---- closing ---- */

static void on_logged_out(void *user)
{
    agent_app *const app = user;
    app->sessions--;
    uv_stop(&app->loop);
}

static void wait_for_logout(agent_app *app)
{
    const int64_t until = mlc_mono_ms() + LOGOUT_WAIT_MS;
    app->sessions = 2;
    mlc_replay_stop(app->replay, on_logged_out, app);
    mlc_ais_close(app->ais, on_logged_out, app);
    app->ais = NULL;
    while (app->sessions > 0 && mlc_mono_ms() < until)
        (void)uv_run(&app->loop, UV_RUN_ONCE);
}

static void close_all(agent_app *app)
{
    mlc_service_stop(app->service);
    mlc_http_server_close(app->admin_server);
    mlc_admin_close(app->admin);
    mlc_flow_set_stop(app->flows);
    mlc_flow_preview_end(&app->previews);
    mlc_compare_stop(app->compare);
    if (app->executor != NULL)
        mlc_executor_stop(app->executor);
    mlc_renewal_close(app->renewal);
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
    mlc_outbox_close(app->held);
    mlc_outbox_close(app->ask);
    mlc_store_close(app->store);
    app->store = NULL;
    mlc_flow_set_close(app->flows);
    mlc_flow_config_free(&app->flow_config);
    mlc_executor_close(app->executor);
    mlc_replay_close(app->replay);
    mlc_order_config_free(&app->orders);
    mlc_compare_close(app->compare);
    mlc_upkeep_close(app->upkeep);
    mlc_waker_close(app->waker);
    if (app->signals_open) {
        uv_close((uv_handle_t *)&app->on_term, NULL);
        uv_close((uv_handle_t *)&app->on_int, NULL);
        uv_close((uv_handle_t *)&app->on_hup, NULL);
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
        code = app_open_executor(app, err);
    if (code == MLC_OK)
        code = app_open_compare(app, err);
    if (code == MLC_OK)
        code = open_tunnel(app, err);
    if (code == MLC_OK)
        code = app_open_admin(app, err);
    if (code == MLC_OK)
        code = app_open_flows(app, err);
    if (code == MLC_OK)
        code = mlc_service_ready(&app->service, &app->loop, log, err);
    if (code == MLC_OK) {
        mlc_log_info(log, "agent", "running", MLC_S("agent", app_str(app, "agent.id")),
                     MLC_S("version", software));
        while (!app->stopping)
            (void)uv_run(&app->loop, UV_RUN_DEFAULT);
    }
    close_all(app);
    free(app);
    return code;
}
