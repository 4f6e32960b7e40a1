/* replay.c - see replay.h. */
#include "agent/replay.h"

#include "base/url.h"

#include <stdlib.h>
#include <string.h>

enum { PARALLEL = 2, WHERE_SIZE = 256 };

struct mlc_replay {
    mlc_rerun_desk desk;
    mlc_http_client *http;
    mlc_ais *ais;
    mlc_address_options addresses;
    mlc_executor *executor; /* NULL: no test target, or nothing that could be replayed */
};

/* ---- settings ---- */

static bool same(const mlc_cfg *cfg, const char *a, const char *b)
{
    return strcmp(mlc_cfg_str(cfg, a), mlc_cfg_str(cfg, b)) == 0;
}

/* NULL: well. */
static const char *fault_of(const mlc_cfg *cfg)
{
    const char *const url = mlc_cfg_str(cfg, "replay.url");
    if (url == NULL)
        return NULL;
    if (mlc_url_same_host(url, mlc_cfg_str(cfg, "ais.url")))
        return "replay.url: is the server of ais.url; a replay goes to a test system only, set the address "
               "of "
               "that one or leave replay out";
    if (mlc_cfg_str(cfg, "replay.username") == NULL || mlc_cfg_str(cfg, "replay.environment") == NULL ||
        mlc_cfg_secret(cfg, "replay.password") == NULL)
        return "replay: a test target needs replay.username, replay.password and replay.environment; set "
               "them, "
               "or leave replay.url out";
    if (same(cfg, "replay.environment", "ais.environment"))
        return "replay.environment: is the environment of ais.environment, which may hold the same data "
               "behind another server; name the test environment or leave replay out";
    return NULL;
}

mlc_code mlc_replay_config_check(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err)
{
    char where[WHERE_SIZE];
    const char *const fault = fault_of(cfg);
    if (fault == NULL)
        return MLC_OK;
    (void)mlc_cfg_where(cfg, "replay.url", where, sizeof where);
    if (report != NULL)
        (void)mlc_buf_printf(report, NULL, "%s: %s\n", where, fault);
    return mlc_fail(err, MLC_E_INVALID, "%s: %s", where, fault);
}

/* ---- one message ---- */

static bool takes(const char *kind)
{
    return strcmp(kind, "order") == 0 || strcmp(kind, "address") == 0;
}

static void deliver(void *user, bool again, mlc_delivery *item)
{
    const mlc_replay *const replay = user;
    (void)again; /* there are no dry runs of this sort here */
    mlc_executor_try(replay->executor, item);
}

/* ---- life ---- */

static mlc_code open_ais(mlc_replay *r, uv_loop_t *loop, mlc_log *log, const mlc_cfg *cfg,
                         const char *software, mlc_error *err)
{
    const mlc_http_client_options http = {.loop = loop,
                                          .log = log,
                                          .ca_file = mlc_cfg_str(cfg, "replay.ca_file"),
                                          .proxy = mlc_proxy_of(cfg, "replay"),
                                          .user_agent = software};
    const mlc_code code = mlc_http_client_open(&r->http, &http, err);
    if (code != MLC_OK)
        return code;
    const mlc_ais_options ais = {.loop = loop,
                                 .http = r->http,
                                 .log = log,
                                 .url = r->desk.at,
                                 .username = mlc_cfg_str(cfg, "replay.username"),
                                 .password = mlc_cfg_secret(cfg, "replay.password"),
                                 .environment = mlc_cfg_str(cfg, "replay.environment"),
                                 .role = mlc_cfg_str(cfg, "replay.role"),
                                 .device = mlc_cfg_str(cfg, "ais.device"),
                                 .date_format = mlc_cfg_str(cfg, "replay.date_format"),
                                 .token_life_ms = mlc_cfg_int(cfg, "ais.token_life"),
                                 .timeout_ms = mlc_cfg_int(cfg, "ais.timeout"),
                                 .max_parallel = PARALLEL};
    return mlc_ais_open(&r->ais, &ais, err);
}

static mlc_code open_executor(mlc_replay *r, const mlc_executor_options *live, mlc_error *err)
{
    mlc_executor_options options = *live;
    options.ais = r->ais;
    options.dry_run = false;
    if (live->addresses != NULL) {
        r->addresses = *live->addresses;
        r->addresses.ais = r->ais;
        r->addresses.dry_run = false;
        r->addresses.replay = true;
        options.addresses = &r->addresses;
    }
    return mlc_executor_open(&r->executor, &options, NULL, err);
}

mlc_code mlc_replay_open(mlc_replay **out, const mlc_executor_options *live, uv_loop_t *loop,
                         const mlc_cfg *cfg, const char *software, mlc_error *err)
{
    *out = NULL;
    mlc_replay *const r = calloc(1, sizeof *r);
    if (r == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for replays");
    r->desk = (mlc_rerun_desk){
        .peer = "JDE",
        .pruned = "set them higher, so that later operations can be replayed, or name one that is kept",
        .unset = live == NULL
                     ? "orders.enabled is off: this agent delivers nothing into JDE that could be replayed"
                     : "no test target is configured; set replay.url, replay.username, replay.password and "
                       "replay.environment. A replay never goes to the JDE of ais.url",
        .takes = takes,
        .deliver = deliver,
        .user = r};
    mlc_code code = MLC_OK;
    if (live != NULL) {
        r->desk.store = live->store;
        r->desk.tenant = live->tenant;
        r->desk.stream = live->jde;
        r->desk.held = live->held;
        r->desk.at = mlc_cfg_str(cfg, "replay.url");
    }
    if (r->desk.at != NULL)
        code = open_ais(r, loop, live->log, cfg, software, err);
    if (code == MLC_OK && r->desk.at != NULL)
        code = open_executor(r, live, err);
    if (code != MLC_OK) {
        mlc_replay_stop(r, NULL, NULL);
        mlc_replay_close(r);
        return code;
    }
    *out = r;
    return MLC_OK;
}

void mlc_replay_stop(mlc_replay *replay, void (*done)(void *user), void *user)
{
    mlc_ais *const ais = replay != NULL ? replay->ais : NULL;
    if (replay != NULL) {
        replay->desk.stopped = true;
        replay->ais = NULL;
    }
    if (ais != NULL)
        mlc_ais_close(ais, done, user);
    else if (done != NULL)
        done(user);
}

void mlc_replay_close(mlc_replay *replay)
{
    if (replay == NULL)
        return;
    mlc_executor_close(replay->executor);
    if (replay->http != NULL)
        mlc_http_client_close(replay->http);
    free(replay);
}

/* ---- the route ---- */

static void on_request(mlc_http_req *req, void *user)
{
    cJSON *body = NULL;
    mlc_rerun_wish wish;
    if (mlc_rerun_wish_read(req, &body, &wish))
        mlc_rerun_replay(user, &wish, req);
    cJSON_Delete(body);
}

mlc_http_route mlc_replay_route(const mlc_replay *replay)
{
    return (mlc_http_route){
        .method = "POST", .prefix = "/v1/replay", .handler = on_request, .user = (void *)&replay->desk};
}
