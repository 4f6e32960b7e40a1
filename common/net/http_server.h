/* http_server.h - a small HTTP server on libwebsockets: webhooks, enrolment, health, admin socket.
 *
 * A server listens on a TCP port (with TLS, or without only on loopback) or on a unix socket. Each
 * request is read whole within a size limit (413 when larger, the rest is not read) and a deadline
 * (408), then given to the first route whose method and path prefix fit. The handler answers at once or
 * later through the request handle. A peer that hangs up meanwhile makes the later answer a no-op.
 *
 * HTTP/1.0 and 1.1, keep-alive, bodies with a length or chunked. A request with a body that is pipelined
 * behind another ends the connection. TLS 1.2 or later. A request head above
 * 16 KiB, an unknown method or a malformed head end the connection without an answer (libwebsockets reads
 * the head); an address above 4 KiB gets 414, a single known header above 8 KiB 431.
 *
 * Websocket subprotocols can be added by whoever owns them (the tunnel) as plain lws_protocols. Their
 * callbacks may use everything of the wsi but its opaque user data, which is this module's.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_NET_HTTP_SERVER_H
#define MLC_NET_HTTP_SERVER_H

#include "base/json.h"
#include "net/forwarded.h"
#include "net/lws_ctx.h"

typedef struct mlc_http_server mlc_http_server;
typedef struct mlc_http_req mlc_http_req;

/* Called on the loop with the whole request. Must lead to exactly one mlc_http_reply. */
typedef void (*mlc_http_handler)(mlc_http_req *req, void *user);

typedef struct mlc_http_route {
    const char *method; /* NULL: any */
    const char *prefix; /* "/v1/webhook/"; the longest fitting prefix wins */
    size_t max_body;    /* 0: 64 KiB */
    mlc_http_handler handler;
    void *user;
} mlc_http_route;

typedef struct mlc_http_server_options {
    const char *name;      /* vhost name, for logs */
    const char *host;      /* address to bind, NULL: all; ignored for unix sockets */
    int port;              /* 0: any free port, see mlc_http_server_port */
    const char *unix_path; /* not NULL: listen here (mode 0660) instead of TCP */
    /* Above 0: this TCP socket, which somebody else opened and listens already (mlc_inherited_listener), instead of host and
     * port. It belongs to the server when open succeeds, which accepts from it and never shuts it down: who else holds it
     * goes on collecting connections. */
    int listen_fd;
    /* not NULL: requests without this value of the header Authorization get 401 */
    const char *authorization;
    const char *cert_file; /* PEM chain; NULL: no TLS (loopback and unix sockets only) */
    const char *key_file;
    const char
        *client_ca_file; /* not NULL: ask for a client certificate, verified when given, not required */
    const mlc_http_route *routes; /* copied */
    size_t route_count;
    const struct lws_protocols
        *extra_protocols; /* websocket subprotocols, NULL or `extra_count` rows; kept, not copied */
    size_t extra_count;
    const struct lws_extension *extensions; /* e.g. permessage-deflate; NULL: none */
    int64_t request_timeout_ms;             /* 0: 20 s */
    unsigned max_connections;               /* 0: 10 000 */
    const mlc_proxies *proxies; /* whose X-Forwarded-For is believed; NULL: nobody's. Kept, not copied */
    mlc_log *log;
} mlc_http_server_options;

mlc_code mlc_http_server_open(mlc_http_server **out, mlc_lws *ctx, const mlc_http_server_options *options,
                              mlc_error *err);
/* Stop listening and drop connections. Handles of open requests stay valid for a (void) reply. The work
 * is done when the loop runs next, so this may be called from a handler; until then the port cannot be
 * opened again (MLC_E_EXISTS). Close servers before their mlc_lws. NULL is allowed. */
void mlc_http_server_close(mlc_http_server *server);
int mlc_http_server_port(const mlc_http_server *server);
/* Begin to end: each answer from now on closes its connection, so that no kept one is left when the server closes: a
 * request that is on its way then would be lost to its sender. New connections are taken. */
void mlc_http_server_drain(mlc_http_server *server);
/* No new connections. With a socket of somebody else's they wait there for a successor; else they are refused. Can be
 * called again. */
void mlc_http_server_stop_accepting(mlc_http_server *server);
/* How many connections are owed something: those that have just come, those whose request is being read, handled or
 * answered, and, unless `idle` is false, also those kept for a next request. Websockets do not count. */
size_t mlc_http_server_busy(const mlc_http_server *server, bool idle);
/* Read certificate, key and client CA again from the files given at open: new connections get them, open ones stay as they
 * are. On an error nothing changes: MLC_E_TLS says what is wrong with which file; MLC_E_UNSUPPORTED without TLS. */
mlc_code mlc_http_server_reload_tls(mlc_http_server *server, mlc_error *err);

/* The one TCP socket that a service manager passed to this process (LISTEN_FDS, sd_listen_fds(3)) into *fd; 0: none was
 * passed. Call once, at the start: the environment variables are removed. MLC_E_INVALID: more than one, or not a
 * listening TCP socket. */
mlc_code mlc_inherited_listener(int *fd, mlc_error *err);

const char *mlc_http_req_method(const mlc_http_req *req);
const char *mlc_http_req_path(const mlc_http_req *req); /* decoded, without query */
const char *mlc_http_req_body(const mlc_http_req *req, size_t *len);
/* Value of a query argument (decoded) or header (lower-case name), NULL when absent. Valid until reply.
 * Headers are read on demand: after the peer is gone only those asked for before are known. */
const char *mlc_http_req_query(const mlc_http_req *req, const char *name);
const char *mlc_http_req_header(const mlc_http_req *req, const char *name);
/* Address of the peer, or whom a proxy of ours says it speaks for; "unix" on a unix socket. */
const char *mlc_http_req_peer(const mlc_http_req *req);
/* Common name of the client certificate, verified against client_ca_file; NULL when none was given. */
const char *mlc_http_req_client_name(const mlc_http_req *req);

/* Answer and release the handle. body may be NULL; content_type NULL: application/json. */
void mlc_http_reply(mlc_http_req *req, int status, const char *content_type, const void *body,
                    size_t body_len);
/* Print `tree`, free it, and answer with it; NULL, or no memory for the text: 503. */
void mlc_http_reply_json(mlc_http_req *req, int status, cJSON *tree);
/* {"error":{"code":"...","message":"..."}} with that status. `retry_after_s` > 0 adds Retry-After. */
void mlc_http_reply_error(mlc_http_req *req, int status, int retry_after_s, const char *code,
                          const char *message);

#endif
