/* app.c - see app.h. Closing goes: no new connections and what is under way (front.h), the tunnel, the tenants' requests, the stores' jobs, memory. */
#include "relay/app.h"

#include "admin/admin.h"
#include "net/service.h"
#include "net/waker.h"
#include "relay/agent_check.h"
#include "relay/config.h"
#include "relay/control.h"
#include "relay/drift_routes.h"
#include "relay/enroll.h"
#include "relay/front.h"
#include "relay/tenants.h"
#include "relay/trial_routes.h"
#include "relay/tunnel_server.h"
#include "relay/webhook_admin.h"
#include "relay/webhook_event.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROUTES_MAX = 32, PUBLIC_ROUTES = 7, WEBHOOK_TIMEOUT_MS = 30000 };

typedef struct relay_app {
    const mlc_cfg *cfg;
    mlc_log *log;
    const char *software;
    uv_loop_t loop;
    uv_signal_t on_term, on_int, on_hup;
    bool signals_open, stopping;
    mlc_waker *waker;
    mlc_service *service;
    mlc_control control;
    mlc_tenants *tenants;
    mlc_lws *lws;
    mlc_tunnel_server *tunnel;
    mlc_front *front;
    mlc_webhook_options webhooks;
    mlc_webhook_admin hook_admin;
    mlc_enroll_desk desk;
    mlc_trial_desk trials;
    mlc_http_server *server, *admin_server;
    mlc_admin *admin;
    mlc_http_route public_routes[PUBLIC_ROUTES];
    mlc_http_route admin_routes[ROUTES_MAX];
    mlc_drift_desk compare;
} relay_app;

static const char *str(const relay_app *app, const char *path)
{
    return mlc_cfg_str(app->cfg, path);
}

static mlc_tenant *find_tenant(const relay_app *app, const char *id)
{
    return app->tenants != NULL ? mlc_tenants_find(app->tenants, id) : NULL;
}

/* ---- what the parts ask for ---- */

static void dispatch_control(void *arg)
{
    relay_app *const app = arg;
    if (app->control.store != NULL)
        (void)mlc_store_dispatch(app->control.store);
}

static void on_down(void *user, const char *tenant)
{
    const relay_app *const app = user;
    const mlc_agent_record *record = NULL;
    if (app->tunnel == NULL)
        return;
    for (size_t i = 0; (record = mlc_agents_at(app->control.agents, i)) != NULL; i++)
        if (strcmp(record->tenant, tenant) == 0)
            mlc_tunnel_server_poke(app->tunnel, record->id);
}

static mlc_code find_agent(void *user, const char *agent_id, mlc_tunnel_agent *out, mlc_error *err)
{
    const relay_app *const app = user;
    const mlc_agent_record *const record = mlc_agents_find(app->control.agents, agent_id);
    const mlc_tenant *const tenant = record != NULL ? find_tenant(app, record->tenant) : NULL;
    if (record != NULL && tenant == NULL && mlc_tenants_known(app->tenants, record->tenant))
        return mlc_fail(err, MLC_E_UNAVAILABLE, "tenant %s is not open now", record->tenant);
    if (tenant == NULL)
        return mlc_fail(err, MLC_E_NOTFOUND, "agent \"%.64s\" is not enrolled here", agent_id);
    memset(out, 0, sizeof *out);
    mlc_enroll_describe(record, out);
    out->binding = mlc_tenant_binding(tenant);
    mlc_tenant_limit_agent(tenant, out);
    return MLC_OK;
}

static bool cert_allowed(void *user, const char *agent_id, const char *common_name, const char *fingerprint)
{
    const relay_app *const app = user;
    (void)fingerprint; /* the CA and the name decide; a revoked one's agent leaves the configuration */
    return strcmp(common_name, agent_id) == 0 && mlc_agents_configured(app->control.agents, agent_id);
}

static bool adoptable(void *user, const char *agent_id, const void *der, size_t len, mlc_tunnel_cert *out)
{
    const relay_app *const app = user;
    return mlc_enroll_adoptable(&app->desk, agent_id, der, len, out);
}

static void on_certificate(void *user, const char *agent_id, const uint8_t fingerprint[MLC_SHA256_LEN],
                           const void *der, size_t len)
{
    relay_app *const app = user;
    mlc_enroll_shown(&app->desk, agent_id, fingerprint, der, len);
}

static const mlc_webhook_target *find_webhook(void *user, const char *tenant)
{
    const relay_app *const app = user;
    return mlc_tenants_webhook(app->tenants, tenant);
}

static mlc_trial *find_trial(void *user, const char *tenant)
{
    const relay_app *const app = user;
    bool more = false;
    /* Without a name: the only one. */
    const mlc_tenant *const first = tenant == NULL ? mlc_tenants_at(app->tenants, 0, &more) : NULL;
    const mlc_tenant *const found = tenant != NULL ? find_tenant(app, tenant) : more ? NULL : first;
    return found != NULL ? mlc_tenant_trial(found) : NULL;
}

static mlc_hook_setup *find_hooks(void *user, const char *tenant)
{
    const mlc_tenant *const found = find_tenant(user, tenant);
    return found != NULL ? mlc_tenant_hooks(found) : NULL;
}

static bool tenant_known(void *user, const char *tenant)
{
    const relay_app *const app = user;
    return mlc_tenants_known(app->tenants, tenant);
}

static void add_status(void *user, cJSON *status)
{
    const relay_app *const app = user;
    mlc_tenants_status(app->tenants, status);
}

static void add_metrics(void *user, mlc_buf *out)
{
    const relay_app *const app = user;
    mlc_tenants_metrics(app->tenants, out);
}

static bool is_healthy(void *user, char *why, size_t size)
{
    const relay_app *const app = user;
    return mlc_tenants_healthy(app->tenants, why, size);
}

static void add_admin_store(const relay_app *app, const mlc_tenant *tenant)
{
    mlc_error err;
    mlc_admin_store store;
    char folder[128];
    mlc_tenant_describe_store(tenant, &store);
    (void)snprintf(folder, sizeof folder, "tenants/%s", mlc_tenant_id(tenant)); /* as tenant_parts.c */
    store.folder = folder;
    if (mlc_admin_add_store(app->admin, &store, &err) != MLC_OK)
        mlc_log_error(app->log, "relay", "a tenant cannot be shown to operators",
                      MLC_S("tenant", mlc_tenant_id(tenant)), MLC_S("error", err.message));
}

static void on_tenant_opened(void *user, mlc_tenant *tenant)
{
    const relay_app *const app = user;
    if (app->admin != NULL)
        add_admin_store(app, tenant);
}

static void on_tenant_closing(void *user, mlc_tenant *tenant)
{
    const relay_app *const app = user;
    mlc_tunnel_server_drop(app->tunnel, mlc_tenant_binding(tenant), "the relay closes this tenant");
    mlc_admin_remove_store(app->admin, mlc_tenant_id(tenant));
}

static void on_signal(uv_signal_t *handle, int signum)
{
    relay_app *const app = handle->data;
    mlc_log_info(app->log, "relay", "stopping", MLC_I("signal", signum));
    mlc_front_stop(app->front);
}

static void on_stopped(void *user)
{
    relay_app *const app = user;
    app->stopping = true;
    uv_stop(&app->loop);
}

static bool serves(void *user)
{
    const relay_app *const app = user;
    bool more = true;
    for (size_t i = 0; more; i++) {
        if (mlc_tenants_at(app->tenants, i, &more) != NULL)
            return true;
    }
    return false;
}

/* Another configuration of the tenants, without a pause for those that do not change; another certificate. */
static void on_reload(uv_signal_t *handle, int signum)
{
    const relay_app *const app = handle->data;
    mlc_cfg *cfg = NULL;
    mlc_error err;
    (void)signum;
    mlc_front_reload(app->front);
    mlc_code code = mlc_relay_config_load_partly(&cfg, mlc_cfg_file(app->cfg), NULL, &err);
    if (code == MLC_OK)
        code = mlc_tenants_reload(app->tenants, cfg, &err);
    if (code == MLC_OK)
        mlc_log_info(app->log, "relay",
                     "tenants are as configured now; other settings count from the next start");
    else
        mlc_log_error(app->log, "relay", "the configuration was not taken over", MLC_S("error", err.message));
}

/* ---- opening ---- */

static mlc_code open_signals(relay_app *app, mlc_error *err)
{
    (void)signal(SIGPIPE, SIG_IGN);
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

static mlc_code open_front(relay_app *app, mlc_error *err)
{
    const mlc_front_options options = {.loop = &app->loop,
                                       .log = app->log,
                                       .cfg = app->cfg,
                                       .serves = serves,
                                       .on_stopped = on_stopped,
                                       .user = app};
    return mlc_front_open(&app->front, &options, err);
}

static mlc_code open_tenants(relay_app *app, mlc_error *err)
{
    const mlc_tenants_options options = {.loop = &app->loop,
                                         .log = app->log,
                                         .software = app->software,
                                         .agents = app->control.agents,
                                         .retry_ms = mlc_cfg_int(app->cfg, "relay.tenant_retry"),
                                         .on_down = on_down,
                                         .on_opened = on_tenant_opened,
                                         .on_closing = on_tenant_closing,
                                         .user = app};
    return mlc_tenants_open(&app->tenants, &options, app->cfg, err);
}

static mlc_code open_tunnel(relay_app *app, mlc_error *err)
{
    const bool mtls = str(app, "relay.client_ca_file") != NULL;
    const mlc_tunnel_server_options options = {.log = app->log,
                                               .software = app->software,
                                               .find_agent = find_agent,
                                               .cert_allowed = mtls ? cert_allowed : NULL,
                                               .authority_key = app->control.issuer.key,
                                               .authority_cert = app->control.issuer.cert,
                                               .authority_cert_len = app->control.issuer.cert_len,
                                               .tls_certificates = mlc_control_shows_certificates(app->cfg),
                                               .adoptable = adoptable,
                                               .on_certificate = on_certificate,
                                               .user = app,
                                               .compress = mlc_cfg_bool(app->cfg, "relay.compress"),
                                               .ping_interval_ms =
                                                   mlc_cfg_int(app->cfg, "relay.ping_interval")};
    mlc_code code = mlc_lws_open(&app->lws, &app->loop, app->log, err);
    return code == MLC_OK ? mlc_tunnel_server_open(&app->tunnel, &options, err) : code;
}

static mlc_code open_public(relay_app *app, mlc_error *err)
{
    static const struct lws_extension deflate[] = {
        {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate"}, {NULL, NULL, NULL}};
    size_t protocols = 0;
    app->webhooks = (mlc_webhook_options){.log = app->log, .find = find_webhook, .user = app};
    app->desk = (mlc_enroll_desk){.agents = app->control.agents,
                                  .issuer = &app->control.issuer,
                                  .tunnel = app->tunnel,
                                  .log = app->log,
                                  .tenant_known = tenant_known,
                                  .user = app};
    app->public_routes[0] = (mlc_http_route){.method = "POST",
                                             .prefix = MLC_WEBHOOK_PREFIX,
                                             .max_body = MLC_WEBHOOK_BODY_MAX,
                                             .handler = mlc_webhook_handle,
                                             .user = &app->webhooks};
    app->public_routes[1] = (mlc_http_route){
        .method = "POST", .prefix = "/v1/enroll", .handler = mlc_enroll_handle, .user = &app->desk};
    app->public_routes[2] =
        (mlc_http_route){.method = "GET", .prefix = "/healthz", .handler = mlc_front_health};
    app->public_routes[3] = (mlc_http_route){.method = "POST",
                                             .prefix = MLC_AGENT_CHECK_PATH,
                                             .handler = mlc_agent_check_handle,
                                             .user = &app->desk};
    app->public_routes[4] = (mlc_http_route){
        .method = "GET", .prefix = "/readyz", .handler = mlc_front_ready, .user = app->front};
    app->public_routes[5] = (mlc_http_route){
        .method = "POST", .prefix = MLC_AGENT_RENEW_PATH, .handler = mlc_renew_handle, .user = &app->desk};
    app->public_routes[6] = (mlc_http_route){
        .method = "GET", .prefix = "/metrics", .handler = mlc_front_metrics, .user = app->front};
    mlc_http_server_options options = {.name = "public",
                                       .routes = app->public_routes,
                                       .route_count = PUBLIC_ROUTES,
                                       .request_timeout_ms = WEBHOOK_TIMEOUT_MS,
                                       .log = app->log};
    mlc_front_set(app->front, &options);
    options.client_ca_file = mlc_control_client_ca(&app->control, app->cfg);
    options.extra_protocols = mlc_tunnel_server_protocols(app->tunnel, &protocols);
    options.extra_count = protocols;
    if (mlc_cfg_bool(app->cfg, "relay.compress"))
        options.extensions = deflate;
    const mlc_code code = mlc_http_server_open(&app->server, app->lws, &options, err);
    if (code == MLC_OK)
        mlc_front_use(app->front, app->server);
    return code;
}

static void on_reseal(mlc_http_req *req, void *user)
{
    relay_app *const app = user;
    size_t count = 0;
    mlc_error err;
    const mlc_code code = mlc_control_reseal(&app->control, app->cfg, &count, &err);
    mlc_reseal_reply(req, code, count, &err);
}

static mlc_code open_admin(relay_app *app, mlc_error *err)
{
    size_t count = 0;
    bool more = true;
    const mlc_admin_options options = {.log = app->log,
                                       .program = app->software,
                                       .status = add_status,
                                       .metrics = add_metrics,
                                       .healthy = is_healthy,
                                       .loop = &app->loop,
                                       .user = app};
    mlc_code code = mlc_admin_open(&app->admin, &options, err);
    const mlc_admin_store control = {
        .name = MLC_RELAY_CONTROL, .aside = true, .store = app->control.store, .folder = "control"};
    if (code == MLC_OK)
        code = mlc_admin_add_store(app->admin, &control, err);
    if (code != MLC_OK)
        return code;
    for (size_t i = 0; more; i++) {
        const mlc_tenant *const tenant = mlc_tenants_at(app->tenants, i, &more);
        if (tenant != NULL)
            add_admin_store(app, tenant);
    }
    const mlc_http_route *const routes = mlc_admin_routes(app->admin, &count);
    if (count + 6 + MLC_TRIAL_ROUTES + MLC_DRIFT_ROUTES > ROUTES_MAX)
        return mlc_fail(err, MLC_E_INTERNAL, "more admin routes than expected");
    memcpy(app->admin_routes, routes, count * sizeof *routes);
    mlc_front_use_metrics(app->front, routes, count);
    mlc_http_route route = {.method = "POST", .prefix = "/v1/enroll-tokens", .user = &app->desk};
    route.handler = mlc_enroll_tokens_handle;
    app->admin_routes[count++] = route;
    route.prefix = "/v1/revoke";
    route.handler = mlc_revoke_handle;
    app->admin_routes[count++] = route;
    route.method = "GET";
    route.prefix = "/v1/agents";
    route.handler = mlc_agents_handle;
    app->admin_routes[count++] = route;
    app->admin_routes[count++] =
        (mlc_http_route){.method = "POST", .prefix = MLC_RESEAL_PATH, .handler = on_reseal, .user = app};
    app->hook_admin = (mlc_webhook_admin){.find = find_hooks, .user = app};
    app->admin_routes[count++] = (mlc_http_route){.method = "GET",
                                                  .prefix = "/v1/webhooks",
                                                  .handler = mlc_webhook_admin_get,
                                                  .user = &app->hook_admin};
    app->admin_routes[count++] = (mlc_http_route){.method = "POST",
                                                  .prefix = "/v1/webhooks",
                                                  .handler = mlc_webhook_admin_post,
                                                  .user = &app->hook_admin};
    app->trials = (mlc_trial_desk){.find = find_trial, .user = app};
    count += mlc_trial_routes(&app->trials, app->admin_routes + count);
    app->compare = (mlc_drift_desk){.tenants = app->tenants};
    count += mlc_drift_routes(&app->compare, app->admin_routes + count);
    const mlc_http_server_options server = {.name = "admin",
                                            .unix_path = str(app, "relay.admin_socket"),
                                            .routes = app->admin_routes,
                                            .route_count = count,
                                            .log = app->log};
    return mlc_http_server_open(&app->admin_server, app->lws, &server, err);
}

/* By rename, so that a reader never sees half a number. */
static mlc_code write_port_file(const relay_app *app, mlc_error *err)
{
    char temporary[1024];
    const char *const path = str(app, "relay.port_file");
    if (path == NULL)
        return MLC_OK;
    (void)snprintf(temporary, sizeof temporary, "%s.new", path);
    FILE *const out = fopen(temporary, "we");
    if (out == NULL)
        return mlc_fail(err, MLC_E_IO, "relay.port_file: cannot write %s", temporary);
    (void)fprintf(out, "%d\n", mlc_http_server_port(app->server));
    if (fclose(out) != 0 || rename(temporary, path) != 0)
        return mlc_fail(err, MLC_E_IO, "relay.port_file: cannot write %s", path);
    return MLC_OK;
}

/* ---- closing ---- */

static void close_all(relay_app *app)
{
    mlc_service_stop(app->service);
    mlc_front_close(app->front);
    mlc_http_server_close(app->server);
    mlc_http_server_close(app->admin_server);
    mlc_admin_close(app->admin);
    if (app->tunnel != NULL)
        mlc_tunnel_server_close(app->tunnel);
    app->tunnel = NULL;
    mlc_tenants_close(app->tenants);
    app->tenants = NULL;
    if (app->lws != NULL)
        mlc_lws_close(app->lws);
    mlc_control_close(&app->control);
    mlc_waker_close(app->waker);
    if (app->signals_open) {
        uv_close((uv_handle_t *)&app->on_term, NULL);
        uv_close((uv_handle_t *)&app->on_int, NULL);
        uv_close((uv_handle_t *)&app->on_hup, NULL);
    }
    (void)uv_run(&app->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&app->loop);
    mlc_front_free(app->front);
}

mlc_code mlc_relay_run(const mlc_cfg *cfg, mlc_log *log, const char *software, mlc_error *err)
{
    relay_app *const app = calloc(1, sizeof *app);
    if (app == NULL || uv_loop_init(&app->loop) != 0) {
        free(app);
        return mlc_fail(err, MLC_E_NOMEM, "cannot make an event loop");
    }
    app->cfg = cfg;
    app->log = log;
    app->software = software;
    mlc_code code = open_front(app, err);
    if (code == MLC_OK)
        code = open_signals(app, err);
    if (code == MLC_OK)
        code = mlc_waker_open(&app->waker, &app->loop, dispatch_control, app, err);
    if (code == MLC_OK)
        code = mlc_control_open(&app->control, app->cfg, &app->loop, app->waker, app->log, err);
    if (code == MLC_OK)
        code = open_tunnel(app, err);
    if (code == MLC_OK)
        code = open_tenants(app, err);
    if (code == MLC_OK)
        code = open_public(app, err);
    if (code == MLC_OK)
        code = open_admin(app, err);
    if (code == MLC_OK)
        code = write_port_file(app, err);
    if (code == MLC_OK)
        code = mlc_service_ready(&app->service, &app->loop, log, err);
    if (code == MLC_OK) {
        mlc_log_info(log, "relay", "running", MLC_I("port", mlc_http_server_port(app->server)),
                     MLC_I("tenants", mlc_cfg_count(cfg, "tenants")), MLC_S("version", software));
        while (!app->stopping)
            (void)uv_run(&app->loop, UV_RUN_DEFAULT);
    }
    close_all(app);
    free(app);
    return code;
}
