/* http_server.c - opening and closing a server.
 *
 * libwebsockets 4.1 finds the vhost of a request by port and Host header. Two servers on one port (of
 * different addresses) could therefore reach each other's routes; a port is given out once per context.
 * Nor can it destroy a vhost that still listens or has connections. So closing goes: close connections
 * and listener ourselves, and when the last socket is gone, destroy the empty vhost.
 */
#include "net/http_listen.h"
#include "net/http_server_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LWS_TIMEOUT_SECONDS = 60 /* above all deadlines of ours, which then rule */ };

void mlc_http_server_unref(mlc_http_server *server)
{
    if (--server->refs > 0)
        return;
    for (size_t i = 0; i < server->route_count; i++) {
        free((char *)server->routes[i].method);
        free((char *)server->routes[i].prefix);
    }
    free(server->routes);
    free(server->protocols);
    mlc_http_tls_free(server->tls);
    free(server->name);
    free(server->host);
    free(server->unix_path);
    free(server->authorization);
    free(server);
}

static void on_timer_closed(uv_handle_t *handle)
{
    mlc_http_server_unref(handle->data);
}

static void on_vhost_gone(struct lws_vhost *vhost, void *arg)
{
    (void)vhost;
    mlc_http_server *server = arg;
    server->vhost = NULL;
    mlc_lws_owner_remove(server->ctx, &server->owner);
    mlc_http_server_unref(server);
}

static void close_listener(mlc_http_server *server)
{
    if (server->listen_fd < 0)
        return;
    /* A hang-up is how a listener can be made to go. */
    struct lws_pollfd hang_up = {
        .fd = (lws_sockfd_type)server->listen_fd, .events = LWS_POLLIN, .revents = LWS_POLLHUP};
    server->listen_fd = -1;
    lws_service_fd(mlc_lws_context(server->ctx), &hang_up);
    mlc_lws_poke(server->ctx);
}

static void close_sockets(mlc_http_server *server)
{
    http_conn *next = NULL;
    for (http_conn *conn = server->conns; conn != NULL; conn = next) {
        next = conn->next;
        if (conn->wsi != NULL)
            lws_set_timeout(conn->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_SYNC);
    }
    close_listener(server);
}

static void reap(mlc_lws_owner *owner)
{
    mlc_http_server *server = (mlc_http_server *)owner;
    if (!server->closing)
        close_listener(server); /* it only ends */
    else if (server->sockets > 0)
        close_sockets(server);
    else if (server->vhost != NULL)
        lws_vhost_destroy(server->vhost);
}

/* ---- open ---- */

static mlc_code copy_routes(mlc_http_server *server, const mlc_http_server_options *o, mlc_error *err)
{
    server->routes = calloc(o->route_count + 1, sizeof(*server->routes));
    if (server->routes == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a server");
    for (size_t i = 0; i < o->route_count; i++) {
        mlc_http_route *route = &server->routes[i];
        *route = o->routes[i];
        if (route->max_body == 0)
            route->max_body = MLC_HTTP_DEFAULT_MAX_BODY;
        route->method = mlc_strdup(o->routes[i].method);
        route->prefix = mlc_strdup(o->routes[i].prefix);
        server->route_count++;
        if (route->prefix == NULL || (o->routes[i].method != NULL && route->method == NULL))
            return mlc_fail(err, MLC_E_NOMEM, "no memory for a server");
    }
    return MLC_OK;
}

static mlc_code make_protocols(mlc_http_server *server, const mlc_http_server_options *o, mlc_error *err)
{
    server->extra_count = o->extra_protocols != NULL ? o->extra_count : 0;
    server->protocols = calloc(server->extra_count + 2, sizeof(*server->protocols));
    if (server->protocols == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a server");
    server->protocols[0] = (struct lws_protocols){
        .name = "http", .callback = mlc_http_conn_callback, .tx_packet_size = MLC_HTTP_PIECE};
    for (size_t i = 0; i < server->extra_count; i++)
        server->protocols[i + 1] = o->extra_protocols[i];
    return MLC_OK;
}

static mlc_code check_file(const char *field, const char *path, mlc_error *err)
{
    if (path == NULL || access(path, R_OK) == 0)
        return MLC_OK;
    return mlc_fail(err, MLC_E_INVALID, "%s %s: cannot be read", field, path);
}

static mlc_code check_options(const mlc_http_server_options *o, mlc_lws *ctx, mlc_error *err)
{
    if ((o->cert_file == NULL) != (o->key_file == NULL))
        return mlc_fail(err, MLC_E_INVALID, "cert_file and key_file go together");
    if (o->client_ca_file != NULL && o->cert_file == NULL)
        return mlc_fail(err, MLC_E_INVALID, "client_ca_file needs cert_file: client certificates need TLS");
    if (o->unix_path != NULL)
        return mlc_listen_path_free(o->unix_path, err);
    if (o->cert_file == NULL && o->listen_fd > 0 && !mlc_listen_fd_is_loopback(o->listen_fd))
        return mlc_fail(err, MLC_E_INVALID, "the socket passed: without TLS only 127.0.0.0/8 or ::1");
    if (o->cert_file == NULL && o->listen_fd <= 0 && !mlc_listen_is_loopback(o->host))
        return mlc_fail(err, MLC_E_INVALID, "host %s: without TLS only 127.0.0.0/8, ::1 or a unix socket",
                        o->host != NULL ? o->host : "(all)");
    if (o->port < 0 || o->port > 65535)
        return mlc_fail(err, MLC_E_INVALID, "port %d: must be 0 to 65535", o->port);
    const int port = o->listen_fd > 0 ? mlc_listen_fd_port(o->listen_fd) : o->port;
    if (port != 0 && mlc_lws_port_taken(ctx, port))
        return mlc_fail(err, MLC_E_EXISTS, "port %d: a server of this process has it or is still closing",
                        port);
    mlc_code code = check_file("cert_file", o->cert_file, err);
    if (code == MLC_OK)
        code = check_file("key_file", o->key_file, err);
    if (code == MLC_OK)
        code = check_file("client_ca_file", o->client_ca_file, err);
    return code;
}

static mlc_code make_server(mlc_http_server **out, mlc_lws *ctx, const mlc_http_server_options *o,
                            mlc_error *err)
{
    mlc_http_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a server");
    server->refs = 1;
    server->ctx = ctx;
    server->log = o->log;
    server->listen_fd = -1;
    server->owner.reap = reap;
    server->max_conns = o->max_connections > 0 ? o->max_connections : MLC_HTTP_DEFAULT_MAX_CONNECTIONS;
    server->wait_request.duration_ms =
        o->request_timeout_ms > 0 ? o->request_timeout_ms : MLC_HTTP_DEFAULT_TIMEOUT_MS;
    server->wait_idle.duration_ms = MLC_HTTP_IDLE_MS;
    server->wait_linger.duration_ms = MLC_HTTP_LINGER_MS;
    server->proxies = o->proxies;
    server->name = mlc_strdup(o->name != NULL ? o->name : "http");
    server->host = mlc_strdup(o->host);
    server->unix_path = mlc_strdup(o->unix_path);
    server->authorization = mlc_strdup(o->authorization);
    mlc_code code = MLC_OK;
    if (server->name == NULL || (o->host != NULL && server->host == NULL) ||
        (o->unix_path != NULL && server->unix_path == NULL) ||
        (o->authorization != NULL && server->authorization == NULL))
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a server");
    if (code == MLC_OK)
        code = copy_routes(server, o, err);
    if (code == MLC_OK)
        code = make_protocols(server, o, err);
    if (code != MLC_OK) {
        mlc_http_server_unref(server);
        return code;
    }
    *out = server;
    return MLC_OK;
}

static void set_address(struct lws_context_creation_info *info, const mlc_http_server *server,
                        const mlc_http_server_options *o)
{
    if (o->listen_fd > 0) {
        info->port = CONTEXT_PORT_NO_LISTEN_SERVER;
        return;
    }
    if (server->unix_path != NULL) {
        info->options |= LWS_SERVER_OPTION_UNIX_SOCK;
        info->iface = server->unix_path; /* not copied by libwebsockets */
        return;
    }
    info->iface = server->host;
    info->port = o->port;
    bool wants_v6 = server->host == NULL ? mlc_listen_have_ipv6() : strchr(server->host, ':') != NULL;
    if (!wants_v6)
        info->options |= LWS_SERVER_OPTION_DISABLE_IPV6;
}

static mlc_code open_vhost(mlc_http_server *server, const mlc_http_server_options *o, mlc_error *err)
{
    struct lws_context_creation_info info = {0};
    info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
    info.vhost_name = server->name;
    info.protocols = server->protocols;
    info.extensions = o->extensions;
    info.alpn = "http/1.1"; /* libwebsockets would offer h2, and websockets in it */
    info.keepalive_timeout = LWS_TIMEOUT_SECONDS;
    info.timeout_secs_ah_idle = LWS_TIMEOUT_SECONDS;
    info.user = server;
    info.finalize = on_vhost_gone;
    info.finalize_arg = server;
    set_address(&info, server, o);
    const mlc_code code = mlc_http_tls_open(server, o, &info, err);
    if (code != MLC_OK)
        return code;
    server->refs++;
    mlc_lws_owner_add(server->ctx, &server->owner);
    server->vhost = lws_create_vhost(mlc_lws_context(server->ctx), &info);
    if (server->vhost == NULL)
        return mlc_fail(err, MLC_E_IO, "server %s: cannot listen on %s port %d: address, port or certificate",
                        server->name, server->unix_path != NULL ? server->unix_path : o->host, o->port);
    if (o->listen_fd > 0) {
        server->port = server->owner.port = mlc_listen_fd_port(o->listen_fd);
        return mlc_http_accept_open(server, o->listen_fd, err);
    }
    server->sockets = 1;
    server->port = server->unix_path != NULL ? 0 : lws_get_vhost_listen_port(server->vhost);
    server->owner.port = server->port;
    server->listen_fd = mlc_listen_find(mlc_lws_loop(server->ctx), server->port, server->unix_path);
    if (server->listen_fd < 0)
        return mlc_fail(err, MLC_E_INTERNAL, "server %s: its listening socket is not to be found",
                        server->name);
    return MLC_OK;
}

mlc_code mlc_http_server_open(mlc_http_server **out, mlc_lws *ctx, const mlc_http_server_options *options,
                              mlc_error *err)
{
    *out = NULL;
    mlc_http_server *server = NULL;
    mlc_code code = check_options(options, ctx, err);
    if (code == MLC_OK)
        code = make_server(&server, ctx, options, err);
    if (server == NULL)
        return code;
    int rc = uv_timer_init(mlc_lws_loop(ctx), &server->timer);
    if (rc != 0) {
        mlc_http_server_unref(server);
        return mlc_fail(err, MLC_E_IO, "timer: %s", uv_strerror(rc));
    }
    server->timer.data = server;
    server->refs++;
    /* Connections keep the loop running; their deadlines need not. */
    uv_unref((uv_handle_t *)&server->timer);
    code = open_vhost(server, options, err);
    if (code != MLC_OK) {
        mlc_http_server_close(server);
        return code;
    }
    mlc_log_info(server->log, "server", "listening", MLC_S("server", server->name),
                 MLC_I("port", server->port), MLC_B("tls", options->cert_file != NULL));
    *out = server;
    return MLC_OK;
}

void mlc_http_server_close(mlc_http_server *server)
{
    if (server == NULL || server->closing)
        return;
    server->closing = true;
    mlc_http_accept_close(server);
    uv_timer_stop(&server->timer);
    uv_close((uv_handle_t *)&server->timer, on_timer_closed);
    if (server->unix_path != NULL && server->vhost != NULL) {
        /* libwebsockets deletes the path when the vhost goes, by when a successor may listen there. It
         * reads our string, so an empty one leaves the successor alone. */
        (void)unlink(server->unix_path);
        server->unix_path[0] = '\0';
    }
    if (server->vhost != NULL)
        mlc_lws_reap_soon(server->ctx, &server->owner);
    mlc_http_server_unref(server);
}

int mlc_http_server_port(const mlc_http_server *server)
{
    return server->port;
}

void mlc_http_server_drain(mlc_http_server *server)
{
    server->draining = true;
}

void mlc_http_server_stop_accepting(mlc_http_server *server)
{
    if (server->closing)
        return;
    mlc_http_accept_close(server);
    if (server->listen_fd >= 0)
        mlc_lws_reap_soon(server->ctx, &server->owner);
}

size_t mlc_http_server_busy(const mlc_http_server *server, bool idle)
{
    size_t busy = 0;
    for (const http_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        const bool kept = conn->state == HTTP_CONN_HEAD && conn->wait == &server->wait_idle;
        if (conn->state != HTTP_CONN_UPGRADED && (idle || !kept))
            busy++;
    }
    return busy;
}
