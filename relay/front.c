/* front.c - see front.h. */
#include "relay/front.h"

#include "net/timer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    LOOK_MS = 20,   /* between two looks whether all is answered */
    KEPT_MS = 2000, /* a kept connection has so long to bring its next request, whose answer closes it */
    FILES = 3
};

/* What shows that a file was replaced; a link of Kubernetes points to another file then. */
typedef struct file_state {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
} file_state;

typedef enum front_state { FRONT_SERVING, FRONT_TURNING_AWAY, FRONT_DRAINING, FRONT_STOPPED } front_state;

struct mlc_front {
    mlc_front_options opt;
    mlc_http_server *server;
    mlc_proxies *proxies, *scrapers;
    mlc_http_route metrics; /* handler NULL: none yet */
    mlc_timer *stop, *watch;
    int listen_fd; /* 0: none was passed */
    front_state state;
    uint64_t since; /* of that state */
    file_state files[FILES];
};

static const char *const file_settings[FILES] = {"relay.cert_file", "relay.key_file", "relay.client_ca_file"};

/* ---- proxies ---- */

static mlc_code read_list(const mlc_cfg *cfg, const char *setting, mlc_proxies **out, mlc_error *err)
{
    mlc_error why;
    mlc_code code = mlc_proxies_open(out, err);
    const size_t count = mlc_cfg_count(cfg, setting);
    for (size_t i = 0; code == MLC_OK && i < count; i++) {
        code = mlc_proxies_add(*out, mlc_cfg_list_str(cfg, setting, i), &why);
        if (code != MLC_OK)
            code = mlc_fail(err, MLC_E_INVALID, "%s[%zu]: %s", setting, i, why.message);
    }
    if (code != MLC_OK) {
        mlc_proxies_free(*out);
        *out = NULL;
    }
    return code;
}

mlc_code mlc_front_check(const mlc_cfg *cfg, mlc_error *err)
{
    mlc_proxies *list = NULL;
    mlc_code code = read_list(cfg, "relay.trusted_proxies", &list, err);
    mlc_proxies_free(list);
    list = NULL;
    if (code == MLC_OK)
        code = read_list(cfg, "relay.metrics_from", &list, err);
    mlc_proxies_free(list);
    return code;
}

/* ---- certificate ---- */

static void look_at(const mlc_front *front, file_state out[FILES])
{
    memset(out, 0, FILES * sizeof *out);
    for (size_t i = 0; i < FILES; i++) {
        struct stat st;
        const char *const path = mlc_cfg_str(front->opt.cfg, file_settings[i]);
        if (path != NULL && stat(path, &st) == 0)
            out[i] = (file_state){st.st_dev, st.st_ino, st.st_size, st.st_mtim};
    }
}

static bool same_files(const file_state *a, const file_state *b)
{
    for (size_t i = 0; i < FILES; i++) {
        if (a[i].device != b[i].device || a[i].inode != b[i].inode || a[i].size != b[i].size ||
            a[i].changed.tv_sec != b[i].changed.tv_sec || a[i].changed.tv_nsec != b[i].changed.tv_nsec)
            return false;
    }
    return true;
}

void mlc_front_reload(mlc_front *front)
{
    mlc_error err;
    if (front->server == NULL || mlc_cfg_str(front->opt.cfg, "relay.cert_file") == NULL)
        return;
    /* Looked at before they are read: what changes meanwhile is seen next time. */
    look_at(front, front->files);
    if (mlc_http_server_reload_tls(front->server, &err) == MLC_OK)
        mlc_log_info(front->opt.log, "relay", "the certificate was read again");
    else
        mlc_log_error(front->opt.log, "relay", "the new certificate was not taken over",
                      MLC_S("error", err.message));
}

/* A certificate and its key are two files: between the two writes they do not fit, which the next look settles. */
static void on_watch(void *arg)
{
    mlc_front *const front = arg;
    file_state now[FILES];
    look_at(front, now);
    if (!same_files(now, front->files))
        mlc_front_reload(front);
}

void mlc_front_use(mlc_front *front, mlc_http_server *server)
{
    const int64_t pause = mlc_cfg_int(front->opt.cfg, "relay.cert_check");
    front->server = server;
    look_at(front, front->files);
    if (pause > 0 && mlc_cfg_str(front->opt.cfg, "relay.cert_file") != NULL)
        mlc_timer_start(front->watch, pause, pause);
}

/* ---- what monitoring asks ---- */

void mlc_front_health(mlc_http_req *req, void *user)
{
    static const char body[] = "{\"status\":\"ok\"}";
    (void)user;
    mlc_http_reply(req, 200, NULL, body, sizeof body - 1);
}

void mlc_front_use_metrics(mlc_front *front, const mlc_http_route *routes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(routes[i].prefix, "/metrics") == 0)
            front->metrics = routes[i];
    }
}

void mlc_front_metrics(mlc_http_req *req, void *user)
{
    const mlc_front *const front = user;
    /* A request that a proxy passes on is the world's, wherever the proxy stands. */
    if (front->metrics.handler == NULL || mlc_http_req_header(req, "x-forwarded-for") != NULL ||
        !mlc_proxies_have(front->scrapers, mlc_http_req_peer(req))) {
        mlc_http_reply_error(req, 404, 0, "notfound", "there is nothing at this address");
        return;
    }
    front->metrics.handler(req, front->metrics.user);
}

/* ---- ready, and the end of it ---- */

void mlc_front_ready(mlc_http_req *req, void *user)
{
    static const char ready[] = "{\"status\":\"ready\"}", stopping[] = "{\"status\":\"stopping\"}";
    static const char closed[] = "{\"status\":\"no tenant is open\"}";
    const mlc_front *const front = user;
    if (front->state != FRONT_SERVING)
        mlc_http_reply(req, 503, NULL, stopping, sizeof stopping - 1);
    else if (!front->opt.serves(front->opt.user))
        mlc_http_reply(req, 503, NULL, closed, sizeof closed - 1);
    else
        mlc_http_reply(req, 200, NULL, ready, sizeof ready - 1);
}

static void stopped(mlc_front *front)
{
    front->state = FRONT_STOPPED;
    mlc_timer_stop(front->stop);
    front->opt.on_stopped(front->opt.user);
}

static void on_stop_timer(void *arg)
{
    mlc_front *const front = arg;
    const mlc_cfg *const cfg = front->opt.cfg;
    const int64_t ms = (int64_t)(uv_now(front->opt.loop) - front->since);
    const size_t busy = mlc_http_server_busy(front->server, false);
    if (front->state == FRONT_TURNING_AWAY) {
        const bool kept = mlc_http_server_busy(front->server, true) > busy;
        if (ms < mlc_cfg_int(cfg, "relay.stop_delay") || (kept && ms < KEPT_MS))
            return;
        front->state = FRONT_DRAINING;
        front->since = uv_now(front->opt.loop);
        mlc_http_server_stop_accepting(front->server);
        return;
    }
    if (busy > 0 && ms < mlc_cfg_int(cfg, "relay.stop_timeout"))
        return;
    if (busy > 0)
        mlc_log_warn(front->opt.log, "relay", "requests are cut that were not answered in time",
                     MLC_I("requests", (int64_t)busy));
    stopped(front);
}

void mlc_front_stop(mlc_front *front)
{
    if (front->state != FRONT_SERVING || front->server == NULL) {
        stopped(front);
        return;
    }
    front->state = FRONT_TURNING_AWAY;
    front->since = uv_now(front->opt.loop);
    mlc_http_server_drain(front->server);
    mlc_timer_start(front->stop, LOOK_MS, LOOK_MS);
}

/* ---- opening and closing ---- */

mlc_code mlc_front_open(mlc_front **out, const mlc_front_options *options, mlc_error *err)
{
    *out = NULL;
    mlc_front *const front = calloc(1, sizeof *front);
    if (front == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory");
    front->opt = *options;
    mlc_code code = mlc_inherited_listener(&front->listen_fd, err);
    if (code == MLC_OK)
        code = read_list(options->cfg, "relay.trusted_proxies", &front->proxies, err);
    if (code == MLC_OK)
        code = read_list(options->cfg, "relay.metrics_from", &front->scrapers, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&front->stop, options->loop, on_stop_timer, front, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&front->watch, options->loop, on_watch, front, err);
    if (code != MLC_OK) {
        mlc_front_close(front);
        mlc_front_free(front);
        return code;
    }
    mlc_timer_unref(front->watch);
    *out = front;
    return MLC_OK;
}

void mlc_front_set(mlc_front *front, mlc_http_server_options *options)
{
    const mlc_cfg *const cfg = front->opt.cfg;
    options->host = mlc_cfg_str(cfg, "relay.listen_host");
    options->port = (int)mlc_cfg_int(cfg, "relay.listen_port");
    options->listen_fd = front->listen_fd;
    options->cert_file = mlc_cfg_str(cfg, "relay.cert_file");
    options->key_file = mlc_cfg_str(cfg, "relay.key_file");
    options->client_ca_file = mlc_cfg_str(cfg, "relay.client_ca_file");
    options->max_connections = (unsigned)mlc_cfg_int(cfg, "relay.max_connections");
    options->proxies = front->proxies;
}

void mlc_front_close(mlc_front *front)
{
    if (front == NULL)
        return;
    front->server = NULL;
    front->metrics.handler = NULL;
    mlc_timer_close(front->stop);
    mlc_timer_close(front->watch);
    front->stop = front->watch = NULL;
}

void mlc_front_free(mlc_front *front)
{
    if (front == NULL)
        return;
    mlc_proxies_free(front->proxies);
    mlc_proxies_free(front->scrapers);
    free(front);
}
