/* doctor.c - see doctor.h: what lies on this machine, and putting together. */
#include "agent/doctor.h"

#include "admin/ask.h"
#include "admin/doctor.h"
#include "admin/local.h"
#include "agent/config.h"
#include "agent/doctor_private.h"
#include "agent/renewal.h"
#include "base/clock.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *str(const agent_doctor *d, const char *path)
{
    return mlc_cfg_str(d->cfg, path);
}

static void start_folder(mlc_checkup *checkup, unsigned token, void *user)
{
    const agent_doctor *const d = user;
    mlc_local_folder(checkup, token, str(d, "agent.data_dir"), "agent.data_dir");
}

/* ---- the store ---- */

static void take_key(agent_doctor *d, mlc_store *store, unsigned token)
{
    mlc_error err;
    const mlc_code code = mlc_identity_load(store, d->cfg, &d->identity, &err);
    if (code == MLC_OK || str(d, "relay.client_cert_file") != NULL)
        mlc_checkup_ok(d->checkup, token, "opened, and not in use: the service does not run");
    else if (code == MLC_E_NOTFOUND)
        mlc_checkup_warn(d->checkup, token, "run \"ml-agent enroll\" with a token of the relay's operator",
                         "opened; this agent is not enrolled yet");
    else
        mlc_checkup_fail(
            d->checkup, token,
            "put back the file agent.root_key_file that belongs to this store, readable for its owner "
            "only; or enrol the agent anew",
            "the agent's key cannot be opened: %s", err.message);
}

static void start_store(mlc_checkup *checkup, unsigned token, void *user)
{
    agent_doctor *const d = user;
    mlc_store *store = NULL;
    mlc_error err;
    char path[1024];
    struct stat st;
    const mlc_store_options options = {.dir = str(d, "agent.data_dir"),
                                       .map_max = (size_t)mlc_cfg_int(d->cfg, "store.map_max"),
                                       .read_only = true};
    (void)snprintf(path, sizeof path, "%s/data.mdb", options.dir);
    if (stat(path, &st) != 0) {
        mlc_checkup_warn(checkup, token, "run \"ml-agent enroll\" with a token of the relay's operator",
                         "there is no store yet");
        return;
    }
    const mlc_code code = mlc_store_open(&store, &options, &err);
    d->in_use = code == MLC_E_LOCKED;
    if (code == MLC_OK) {
        take_key(d, store, token);
        mlc_store_close(store);
    } else if (code == MLC_E_LOCKED) {
        mlc_checkup_ok(checkup, token, "in use by the running service");
    } else {
        mlc_checkup_fail(
            checkup, token,
            "run this as the user of the service; if the store is damaged, restore it from a backup", "%s",
            err.message);
    }
}

/* ---- the running service ---- */

static void on_status(void *user, mlc_code code, const mlc_error *err, const cJSON *answer)
{
    agent_doctor *const d = user;
    if (code == MLC_E_CLOSED)
        return;
    if (code != MLC_OK) {
        mlc_checkup_fail(
            d->checkup, d->service_token,
            "look whether the process that has the store is the service, with the same agent.admin_socket; "
            "run this as its user",
            "the store is in use, and the admin socket %s does not answer: %s", str(d, "agent.admin_socket"),
            err->message);
        return;
    }
    const cJSON *const tunnel = mlc_json_get(answer, "tunnel");
    d->service_identity = cJSON_Duplicate(mlc_json_get(answer, "identity"), true);
    const char *const why = mlc_json_str(tunnel, "lastError");
    d->tunnel_up = mlc_json_bool(tunnel, "up", false);
    if (d->tunnel_up)
        mlc_checkup_ok(d->checkup, d->service_token, "runs, connected to the relay");
    else
        mlc_checkup_warn(d->checkup, d->service_token, "see the next lines for the reason",
                         "runs, not connected to the relay: %s", why != NULL ? why : "no reason known");
}

static void start_service(mlc_checkup *checkup, unsigned token, void *user)
{
    agent_doctor *const d = user;
    mlc_error err;
    d->service_token = token;
    if (!d->in_use)
        mlc_checkup_skip(checkup, token, "it does not run");
    else if (mlc_admin_ask(d->socket_http, str(d, "agent.admin_socket"), "/v1/status",
                           mlc_checkup_left(checkup), on_status, d, &err) != MLC_OK)
        mlc_checkup_fail(checkup, token, NULL, "%s", err.message);
}

/* ---- its certificate ---- */

static void judge_certificate(mlc_checkup *checkup, unsigned token, const char *state, const char *serial,
                              const char *until, const char *why)
{
    static const char anew[] =
        "enrol the agent again: the relay's operator makes a token (mlctl enroll-token "
        "TENANT AGENT), then stop the agent and run \"ml-agent enroll\"";
    if (strcmp(state, "expired") == 0)
        mlc_checkup_fail(checkup, token, anew, "certificate %.64s has expired: it was valid until %.40s",
                         serial, until);
    else if (strcmp(state, "expiring") == 0)
        mlc_checkup_warn(
            checkup, token,
            "see that the agent runs and reaches the relay, which renews it; before it ends, else it must "
            "be enrolled again",
            "certificate %.64s is valid until %.40s only, and was not renewed%s%.200s", serial, until,
            why != NULL ? ": " : "", why != NULL ? why : "");
    else
        mlc_checkup_ok(checkup, token, "certificate %.64s is valid until %.40s", serial, until);
}

static void start_certificate(mlc_checkup *checkup, unsigned token, void *user)
{
    const agent_doctor *const d = user;
    const cJSON *const told = d->service_identity;
    const mlc_cert_info *const info = &d->identity.info;
    const char *const serial = mlc_json_str(told, "serial");
    const char *const until = mlc_json_str(told, "validUntil");
    const char *const state = mlc_json_str(told, "state");
    const int64_t now = mlc_wall_ms();
    char text[MLC_ISO_TEXT_MAX];
    if (serial != NULL && until != NULL && state != NULL)
        judge_certificate(checkup, token, state, serial, until, mlc_json_str(told, "lastError"));
    else if (d->identity.kind == MLC_IDENTITY_CERT)
        judge_certificate(checkup, token,
                          info->not_after_ms <= now              ? "expired"
                          : mlc_identity_expires_soon(info, now) ? "expiring"
                                                                 : "ok",
                          info->serial, mlc_iso_text(info->not_after_ms, text), NULL);
    else
        mlc_checkup_skip(checkup, token, "this agent has no certificate that the relay issued");
}

/* ---- putting together ---- */

static mlc_code open_clients(agent_doctor *d, mlc_error *err)
{
    const mlc_http_client_options relay = {.loop = d->loop,
                                           .ca_file = str(d, "relay.ca_file"),
                                           .client_cert_file = str(d, "relay.client_cert_file"),
                                           .client_key_file = str(d, "relay.client_key_file"),
                                           .proxy = mlc_proxy_of(d->cfg, "relay"),
                                           .user_agent = d->software};
    const mlc_http_client_options ais = {.loop = d->loop,
                                         .ca_file = str(d, "ais.ca_file"),
                                         .proxy = mlc_proxy_of(d->cfg, "ais"),
                                         .user_agent = d->software};
    const mlc_http_client_options socket = {.loop = d->loop, .unix_path = str(d, "agent.admin_socket")};
    mlc_code code = mlc_http_client_open(&d->relay_http, &relay, err);
    if (code == MLC_OK)
        code = mlc_http_client_open(&d->ais_http, &ais, err);
    return code == MLC_OK ? mlc_http_client_open(&d->socket_http, &socket, err) : code;
}

static void start_root_key(mlc_checkup *checkup, unsigned token, void *user)
{
    const agent_doctor *const d = user;
    mlc_local_root_key(checkup, token, mlc_identity_key_owner(), d->cfg);
}

static mlc_code add_local(agent_doctor *d, mlc_error *err)
{
    /* The store needs the root key: after a refused PIN the token is not asked again. */
    const bool tokened = str(d, "secrets.pkcs11_module") != NULL;
    const mlc_check checks[] = {
        {"data_dir", "data folder", "config", start_folder, d, NULL},
        {"root_key", "root key", "config", start_root_key, d, NULL},
        {"store", "store", "data_dir", start_store, d, tokened ? "root_key" : NULL},
        {"service", "running service", "store", start_service, d, NULL},
        {"certificate", "the agent's certificate", "store", start_certificate, d, NULL},
    };
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < sizeof checks / sizeof checks[0]; i++)
        if (checks[i].start != start_root_key || tokened)
            code = mlc_checkup_add(d->checkup, &checks[i], err);
    return code;
}

static mlc_code open_patient(void **patient, uv_loop_t *loop, const mlc_cfg *cfg, mlc_checkup *checkup,
                             const char *software, const char *word, mlc_error *err)
{
    (void)word;
    agent_doctor *const d = calloc(1, sizeof *d);
    if (d == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the checks");
    *patient = d;
    d->loop = loop;
    d->cfg = cfg;
    d->software = software;
    d->checkup = checkup;
    if (mlc_relay_url(cfg, d->url, NULL) != MLC_OK)
        d->url[0] = '\0';
    mlc_code code = open_clients(d, err);
    if (code == MLC_OK)
        code = mlc_flow_config_read(&d->flows, cfg, NULL, err);
    if (code == MLC_OK)
        code = add_local(d, err);
    if (code == MLC_OK)
        code = agent_doctor_add_relay(d, err);
    if (code == MLC_OK)
        code = agent_doctor_add_ais(d, err);
    return code == MLC_OK ? agent_doctor_add_replay(d, err) : code;
}

static void close_http(void *user)
{
    agent_doctor *const d = user;
    if (d->ais_http != NULL)
        mlc_http_client_close(d->ais_http);
    d->ais_http = NULL;
}

static void close_patient(void *patient)
{
    agent_doctor *const d = patient;
    if (d->relay_http != NULL)
        mlc_http_client_close(d->relay_http);
    if (d->socket_http != NULL)
        mlc_http_client_close(d->socket_http);
    agent_doctor_close_replay(d);
    /* The log-out needs its client a little longer. */
    if (d->ais != NULL)
        mlc_ais_close(d->ais, close_http, d);
    else
        close_http(d);
    mlc_identity_wipe(&d->identity);
}

static void free_patient(void *patient)
{
    agent_doctor *const d = patient;
    cJSON_Delete(d->service_identity);
    mlc_hop_free(&d->relay);
    mlc_hop_free(&d->ais_hop);
    mlc_hop_free(&d->replay_hop);
    mlc_flow_config_free(&d->flows);
    free(d);
}

int mlc_agent_doctor(const char *software, int argc, char **argv)
{
    const mlc_doctor_options options = {.program = "ml-agent",
                                        .software = software,
                                        .load_config = mlc_agent_config_load,
                                        .open = open_patient,
                                        .close = close_patient,
                                        .free = free_patient};
    return mlc_doctor_main(&options, argc, argv);
}
