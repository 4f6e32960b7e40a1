/* app_view.c - see app_private.h. */
#include "agent/app_private.h"

#include "admin/rotate.h"
#include "agent/flow/flow_routes.h"
#include "agent/refresh.h"
#include "net/local.h"

#include <stdio.h>
#include <string.h>

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
    if (app->renewal != NULL)
        mlc_renewal_describe(app->renewal, status);
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

static void on_released(void *user, mlc_outbox *stream)
{
    agent_app *const app = user;
    if (stream == app->up)
        app_on_up_has_work(app);
    else
        app_on_down_received(app);
}

/* Store's thread. */
static mlc_code refresh(mlc_txn *txn, mlc_outbox *stream, const mlc_entry *entry, bool *stays, void *user,
                        mlc_error *err)
{
    const agent_app *const app = user;
    const mlc_agent_refresh_options options = {.up = app->up,
                                               .ask = app->ask,
                                               .tenant = app_str(app, "agent.tenant"),
                                               .plans = app->flow_config.plans,
                                               .plan_count = app->flow_config.plan_count};
    (void)stream;
    return mlc_agent_refresh(txn, &options, entry, stays, err);
}

static void on_refreshed(void *user, mlc_outbox *stream)
{
    (void)stream;
    app_on_up_has_work(user);
    app_on_down_received(user);
}

static void on_reseal(mlc_http_req *req, void *user)
{
    const agent_app *const app = user;
    size_t count = 0;
    mlc_error err;
    const mlc_code code = mlc_identity_reseal_now(app->store, app->cfg, false, &count, &err);
    mlc_reseal_reply(req, code, count, &err);
}

mlc_code app_open_admin(agent_app *app, mlc_error *err)
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
                                   .folder = "",
                                   .streams = {app->up, app->jde, app->held, app->ask},
                                   .stream_count = 4,
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
    if (count + MLC_FLOW_ROUTES + 2 > ROUTES_MAX)
        return mlc_fail(err, MLC_E_INTERNAL, "more admin routes than expected");
    memcpy(app->routes, routes, count * sizeof *routes);
    count += mlc_flow_routes(&app->flows, app->routes + count);
    app->previews.set = &app->flows;
    app->routes[count++] = mlc_flow_preview_route(&app->previews);
    app->routes[count++] = mlc_replay_route(app->replay);
    app->routes[count++] =
        (mlc_http_route){.method = "POST", .prefix = MLC_RESEAL_PATH, .handler = on_reseal, .user = app};
    const mlc_http_server_options server = {.name = "admin",
                                            .unix_path = app_str(app, "agent.admin_socket"),
                                            .routes = app->routes,
                                            .route_count = count,
                                            .log = app->log};
    return mlc_local_listen(&app->admin_server, app->lws, &server, err);
}
