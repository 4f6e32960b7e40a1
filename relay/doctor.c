/* doctor.c - see doctor.h: this machine, the running relay, and putting together. */
#include "relay/doctor.h"

#include "admin/ask.h"
#include "admin/doctor.h"
#include "admin/local.h"
#include "relay/config.h"
#include "relay/doctor_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *str(const relay_doctor *d, const char *path)
{
    return mlc_cfg_str(d->cfg, path);
}

static void start_folder(mlc_checkup *checkup, unsigned token, void *user)
{
    const relay_doctor *const d = user;
    mlc_local_folder(checkup, token, str(d, "relay.data_dir"), "relay.data_dir");
}

static void start_root_key(mlc_checkup *checkup, unsigned token, void *user)
{
    const relay_doctor *const d = user;
    mlc_local_root_key(checkup, token, mlc_relay_key_owner(), d->cfg);
}

static void start_certificate(mlc_checkup *checkup, unsigned token, void *user)
{
    const relay_doctor *const d = user;
    const mlc_local_cert files = {str(d, "relay.cert_file"), str(d, "relay.key_file"), "relay.cert_file",
                                  "relay.key_file"};
    if (files.cert_file == NULL)
        mlc_checkup_ok(checkup, token, "none is set: a TLS proxy in front of the relay has it");
    else
        mlc_local_certificate(checkup, token, &files);
}

static void start_client_ca(mlc_checkup *checkup, unsigned token, void *user)
{
    const relay_doctor *const d = user;
    const mlc_local_cert files = {str(d, "relay.client_ca_file"), NULL, "relay.client_ca_file", NULL};
    mlc_local_certificate(checkup, token, &files);
}

/* ---- the running relay ---- */

static void on_agents(void *user, mlc_code code, const mlc_error *err, const cJSON *answer)
{
    relay_doctor *const d = user;
    const char *const program = mlc_json_str(d->status, "program");
    if (code == MLC_E_CLOSED)
        return;
    if (code == MLC_OK)
        d->agents = cJSON_Duplicate(answer, true);
    if (d->agents != NULL)
        mlc_checkup_ok(d->checkup, d->token, "%s runs", program != NULL ? program : "it");
    else
        mlc_checkup_fail(d->checkup, d->token, "look into the relay's log", "%s",
                         code != MLC_OK ? err->message : "out of memory");
}

static void on_status(void *user, mlc_code code, const mlc_error *err, const cJSON *answer)
{
    relay_doctor *const d = user;
    mlc_error why;
    const char *const socket = str(d, "relay.admin_socket");
    if (code == MLC_E_CLOSED)
        return;
    d->running = code != MLC_E_UNREACHABLE;
    if (code == MLC_E_UNREACHABLE) {
        mlc_checkup_skip(d->checkup, d->token, "it does not run (%s does not answer)", socket);
        return;
    }
    if (code != MLC_OK) {
        mlc_checkup_fail(d->checkup, d->token,
                         "run this as the user of the service; look into the relay's log", "%s: %s", socket,
                         err->message);
        return;
    }
    d->status = cJSON_Duplicate(answer, true);
    if (mlc_admin_ask(d->socket_http, socket, "/v1/agents", mlc_checkup_left(d->checkup), on_agents, d,
                      &why) != MLC_OK)
        mlc_checkup_fail(d->checkup, d->token, NULL, "%s", why.message);
}

static void start_running(mlc_checkup *checkup, unsigned token, void *user)
{
    relay_doctor *const d = user;
    mlc_error err;
    d->token = token;
    if (mlc_admin_ask(d->socket_http, str(d, "relay.admin_socket"), "/v1/status", mlc_checkup_left(checkup),
                      on_status, d, &err) != MLC_OK)
        mlc_checkup_fail(checkup, token, NULL, "%s", err.message);
}

/* ---- the port ---- */

/* 0, or an errno; EDESTADDRREQ: the address is no address of IPv4 or IPv6. */
static int try_port(const char *host, int port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a = {.v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)}};
    const int on = 1;
    socklen_t len = sizeof a.v4;
    if (inet_pton(AF_INET, host, &a.v4.sin_addr) != 1) {
        a.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
        len = sizeof a.v6;
        if (inet_pton(AF_INET6, host, &a.v6.sin6_addr) != 1)
            return EDESTADDRREQ;
    }
    const int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const int failed = bind(fd, &a.any, len) == 0 && listen(fd, 1) == 0 ? 0 : errno;
    (void)close(fd);
    return failed;
}

static void start_port(mlc_checkup *checkup, unsigned token, void *user)
{
    const relay_doctor *const d = user;
    const char *const host = str(d, "relay.listen_host");
    const int port = (int)mlc_cfg_int(d->cfg, "relay.listen_port");
    const int failed = try_port(host, port);
    if (d->running && failed == EADDRINUSE)
        mlc_checkup_ok(checkup, token, "%s port %d is served by the running relay", host, port);
    else if (d->running && port != 0 && failed == 0)
        mlc_checkup_fail(checkup, token,
                         "restart the relay: listen_host and listen_port count from its start",
                         "the running relay does not listen on %s port %d", host, port);
    else if (failed == 0 || failed == EDESTADDRREQ)
        mlc_checkup_ok(checkup, token, "%s port %d is free", host, port);
    else if (failed == EACCES)
        mlc_checkup_warn(
            checkup, token,
            "ports below 1024 need CAP_NET_BIND_SERVICE; the service's unit gives it to the relay",
            "this user may not listen on port %d", port);
    else if (failed == EADDRINUSE)
        mlc_checkup_fail(checkup, token,
                         "see by \"ss -ltnp\" which one, and stop it or choose another relay.listen_port",
                         "another program listens on %s port %d", host, port);
    else
        mlc_checkup_fail(checkup, token,
                         "set relay.listen_host to an address of this machine, such as 0.0.0.0",
                         "%s port %d: %s", host, port, strerror(failed));
}

/* ---- putting together ---- */

static mlc_code add_local(relay_doctor *d, mlc_error *err)
{
    const mlc_check checks[] = {
        {"data_dir", "data folder", "config", start_folder, d, NULL},
        {"root_key", "root key", "config", start_root_key, d, NULL},
        {"certificate", "own certificate", "config", start_certificate, d, NULL},
        {"client_ca", "CA of agents' certificates", "config", start_client_ca, d, NULL},
        {"running", "running relay", "config", start_running, d, NULL},
        {"port", "listening port", "config", start_port, d, NULL},
    };
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < sizeof checks / sizeof checks[0]; i++)
        if ((checks[i].start != start_client_ca || str(d, "relay.client_ca_file") != NULL) &&
            (checks[i].start != start_root_key || str(d, "secrets.pkcs11_module") != NULL))
            code = mlc_checkup_add(d->checkup, &checks[i], err);
    return code;
}

static mlc_code add_tenants(relay_doctor *d, const char *only, mlc_error *err)
{
    char path[64];
    mlc_code code = MLC_OK;
    bool found = false;
    d->tenant_count = mlc_cfg_count(d->cfg, "tenants");
    d->tenants = calloc(d->tenant_count > 0 ? d->tenant_count : 1, sizeof *d->tenants);
    if (d->tenants == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the checks");
    for (size_t i = 0; code == MLC_OK && i < d->tenant_count; i++) {
        tenant_doctor *const t = &d->tenants[i];
        const char *const id = mlc_cfg_str(d->cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].id", i));
        *t = (tenant_doctor){.doctor = d, .checkup = d->checkup, .cfg = d->cfg, .index = i};
        if (id != NULL)
            (void)snprintf(t->id, sizeof t->id, "%s", id);
        else
            (void)snprintf(t->id, sizeof t->id, "tenants[%zu]", i);
        if (only != NULL && strcmp(only, t->id) != 0)
            continue;
        found = true;
        code = relay_doctor_add_tenant(t, err);
    }
    if (code == MLC_OK && only != NULL && !found)
        return mlc_fail(err, MLC_E_NOTFOUND, "tenant \"%s\" is not in the configuration", only);
    return code;
}

static mlc_code open_patient(void **patient, uv_loop_t *loop, const mlc_cfg *cfg, mlc_checkup *checkup,
                             const char *software, const char *word, mlc_error *err)
{
    relay_doctor *const d = calloc(1, sizeof *d);
    if (d == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the checks");
    *patient = d;
    *d = (relay_doctor){.loop = loop, .cfg = cfg, .software = software, .checkup = checkup};
    const mlc_http_client_options socket = {.loop = loop, .unix_path = str(d, "relay.admin_socket")};
    mlc_code code = mlc_http_client_open(&d->socket_http, &socket, err);
    if (code == MLC_OK)
        code = add_local(d, err);
    return code == MLC_OK ? add_tenants(d, word, err) : code;
}

static void close_patient(void *patient)
{
    relay_doctor *const d = patient;
    if (d->socket_http != NULL)
        mlc_http_client_close(d->socket_http);
    for (size_t i = 0; d->tenants != NULL && i < d->tenant_count; i++)
        relay_doctor_close_tenant(&d->tenants[i]);
}

static void free_patient(void *patient)
{
    relay_doctor *const d = patient;
    for (size_t i = 0; d->tenants != NULL && i < d->tenant_count; i++)
        relay_doctor_free_tenant(&d->tenants[i]);
    free(d->tenants);
    cJSON_Delete(d->status);
    cJSON_Delete(d->agents);
    free(d);
}

int mlc_relay_doctor(const char *software, int argc, char **argv)
{
    const mlc_doctor_options options = {.program = "ml-relay",
                                        .software = software,
                                        .word = "TENANT",
                                        .load_config = mlc_relay_config_load_partly,
                                        .open = open_patient,
                                        .close = close_patient,
                                        .free = free_patient};
    return mlc_doctor_main(&options, argc, argv);
}
