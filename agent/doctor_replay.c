/* doctor_replay.c - the test JDE of replays: reached, not the productive one under another name, and the log-in. */
#include "agent/doctor_private.h"

#include <stdio.h>
#include <string.h>

static const char *str(const agent_doctor *d, const char *path)
{
    return mlc_cfg_str(d->cfg, path);
}

/* ---- which one it is ---- */

/* The configuration was refused when the names are the same; two names may still lead to one server. */
static void start_target(mlc_checkup *checkup, unsigned token, void *user)
{
    const agent_doctor *const d = user;
    const mlc_http_trace *const there = &d->replay_hop.trace;
    const mlc_http_trace *const live = &d->ais_hop.trace;
    if (there->proxied || live->proxied || there->address[0] == '\0' || live->address[0] == '\0')
        mlc_checkup_skip(
            checkup, token,
            "replay.url and ais.url name different hosts; their addresses cannot be compared, as %s",
            there->proxied || live->proxied ? "the way leads through a proxy" : "AIS was not reached");
    else if (there->port == live->port && strcmp(there->address, live->address) == 0)
        mlc_checkup_warn(checkup, token,
                         "see that replay.url is the AIS server of a test JDE: a replay writes orders and "
                         "addresses there. When one front serves both by their names, this is as it must be",
                         "replay.url and ais.url lead to the same address, %s port %ld", there->address,
                         there->port);
    else
        mlc_checkup_ok(checkup, token, "%s port %ld is not the server of ais.url", there->address,
                       there->port);
}

/* ---- log-in ---- */

/* A server may log in to another environment than the one that was asked for. */
static bool is_productive(const agent_doctor *d, const char *environment)
{
    mlc_ais_session_info live = {0};
    if (d->ais != NULL)
        mlc_ais_info(d->ais, &live);
    return strcmp(environment, str(d, "ais.environment")) == 0 ||
           (live.logged_in && strcmp(environment, live.environment) == 0);
}

static void on_ready(void *user, mlc_code code, const mlc_error *err)
{
    const agent_doctor *const d = user;
    mlc_ais_session_info info = {0};
    if (code == MLC_E_CLOSED)
        return;
    if (code != MLC_OK) {
        mlc_checkup_fail(d->checkup, d->replay_token,
                         code == MLC_E_AUTH
                             ? "have an administrator of the test JDE look at the user of "
                               "replay.username: password, locked or disabled, environment and role"
                             : "look into the log of the test JDE's AIS server",
                         "%s", err->message);
        return;
    }
    mlc_ais_info(d->replay_ais, &info);
    if (is_productive(d, info.environment))
        mlc_checkup_fail(
            d->checkup, d->replay_token,
            "name the AIS server, the user and the environment of a test JDE, or leave replay.* out: "
            "a replay would write into the productive JDE",
            "%s is logged in to environment %s, which is that of ais.environment", str(d, "replay.username"),
            info.environment);
    else
        mlc_checkup_ok(d->checkup, d->replay_token, "%s in environment %s, role %s, dates as %s",
                       str(d, "replay.username"), info.environment, str(d, "replay.role"), info.date_format);
}

static void start_login(mlc_checkup *checkup, unsigned token, void *user)
{
    agent_doctor *const d = user;
    mlc_error err;
    const mlc_ais_options ais = {.loop = d->loop,
                                 .http = d->replay_http,
                                 .url = str(d, "replay.url"),
                                 .username = str(d, "replay.username"),
                                 .password = mlc_cfg_secret(d->cfg, "replay.password"),
                                 .environment = str(d, "replay.environment"),
                                 .role = str(d, "replay.role"),
                                 .device = str(d, "ais.device"),
                                 .date_format = str(d, "replay.date_format"),
                                 .timeout_ms = AGENT_DOCTOR_REQUEST_MS,
                                 .max_parallel = 1};
    d->replay_token = token;
    mlc_code code = mlc_ais_open(&d->replay_ais, &ais, &err);
    if (code == MLC_OK)
        code = mlc_ais_ready(d->replay_ais, on_ready, d, &err);
    if (code != MLC_OK)
        mlc_checkup_fail(checkup, token, NULL, "%s", err.message);
}

/* ---- putting together ---- */

static mlc_code add_checks(agent_doctor *d, mlc_error *err)
{
    const mlc_check target = {.id = "replay.target",
                              .title = "test JDE: not the productive one",
                              .needs = "replay.answer",
                              .start = start_target,
                              .user = d};
    const mlc_check login = {.id = "replay.login",
                             .title = "test JDE: log-in",
                             .needs = "replay.answer",
                             .start = start_login,
                             .user = d};
    const mlc_code code = mlc_checkup_add(d->checkup, &target, err);
    return code == MLC_OK ? mlc_checkup_add(d->checkup, &login, err) : code;
}

mlc_code agent_doctor_add_replay(agent_doctor *d, mlc_error *err)
{
    char url[AGENT_DOCTOR_URL_MAX];
    const char *const base = str(d, "replay.url");
    if (base == NULL)
        return MLC_OK;
    agent_doctor_ais_url(base, url);
    const mlc_http_client_options http = {.loop = d->loop,
                                          .ca_file = str(d, "replay.ca_file"),
                                          .proxy = mlc_proxy_of(d->cfg, "replay"),
                                          .user_agent = d->software};
    mlc_code code = mlc_http_client_open(&d->replay_http, &http, err);
    if (code != MLC_OK)
        return code;
    const mlc_hop_options hop = {
        .http = d->replay_http,
        .id = "replay",
        .name = "test JDE",
        .url = url,
        .url_setting = "replay.url",
        .proxy_setting = "replay.proxy",
        .ca_setting = "replay.ca_file",
        .ca_file = str(d, "replay.ca_file"),
        .refused =
            "see that replay.url is the AIS server of the test JDE (without /jderest), and that it has "
            "started; or leave replay.* out"};
    code = mlc_hop_add(&d->replay_hop, d->checkup, &hop, "config", err);
    return code == MLC_OK ? add_checks(d, err) : code;
}

static void close_http(void *user)
{
    agent_doctor *const d = user;
    if (d->replay_http != NULL)
        mlc_http_client_close(d->replay_http);
    d->replay_http = NULL;
}

void agent_doctor_close_replay(agent_doctor *d)
{
    /* The log-out needs its client a little longer. */
    if (d->replay_ais != NULL)
        mlc_ais_close(d->replay_ais, close_http, d);
    else
        close_http(d);
    d->replay_ais = NULL;
}
