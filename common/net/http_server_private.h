/* http_server_private.h - what the files of the HTTP server share.
 *
 * http_server.c  opening and closing: the vhost, the listener, the life of the struct
 * http_conn.c    a connection: what libwebsockets calls, and the states between request and answer
 * http_wait.c    deadlines of connections
 * http_req.c     the request handle: what handlers ask and answer
 * http_accept.c  connections of a listening socket that somebody else opened
 * http_tls.c     certificate and key, also those that come later
 * http_read.c    a request's head: method, path, query, route, kind of body, what is wrong with it
 */
#ifndef MLC_NET_HTTP_SERVER_PRIVATE_H
#define MLC_NET_HTTP_SERVER_PRIVATE_H

#include "net/http_chunked.h"
#include "net/http_server.h"
#include "net/lws_reap.h"

enum {
    MLC_HTTP_DEFAULT_MAX_BODY = 64 * 1024,
    MLC_HTTP_DEFAULT_TIMEOUT_MS = 20 * 1000,
    MLC_HTTP_IDLE_MS = 30 * 1000, /* kept-alive, until the next request's head is read */
    MLC_HTTP_LINGER_MS = 1000,    /* between an answer to an unread body and the close */
    MLC_HTTP_PIECE = 64 * 1024,   /* of an answer, written at once */
    MLC_HTTP_MIN_BYTES_PER_S = 8 * 1024,
    MLC_HTTP_DEFAULT_MAX_CONNECTIONS = 10000,
    MLC_HTTP_PEER_MAX = 64,
    MLC_HTTP_NAME_MAX = 128
};

typedef struct http_conn http_conn;

/* Connections that wait for something, all for the same time: the head is the next to expire. */
typedef struct http_wait {
    http_conn *head, *tail;
    int64_t duration_ms;
} http_wait;

typedef enum http_conn_state {
    HTTP_CONN_HEAD,     /* TLS handshake, or the head of a request */
    HTTP_CONN_BODY,     /* reading a body */
    HTTP_CONN_HANDLING, /* a handler has the request */
    HTTP_CONN_WRITING,  /* an answer is on its way */
    HTTP_CONN_LINGER,   /* answered without reading the body; closes soon, so that the answer is seen */
    HTTP_CONN_UPGRADED  /* a websocket now, not ours any more */
} http_conn_state;

struct http_conn {
    mlc_http_server *server;
    struct lws *wsi; /* NULL: libwebsockets has closed it */
    http_conn *prev, *next;
    http_wait *wait;
    http_conn *wait_prev, *wait_next;
    int64_t expires_ms;
    http_conn_state state;
    mlc_http_req *req;
    bool in_callback; /* the answer can be written when the handler returns */
    bool rx_stopped;
    bool close_after, linger_after;
    unsigned idle_ends; /* times that libwebsockets told of the end of a body which nobody waits for */
    uint8_t *out;       /* LWS_PRE bytes, then the whole answer */
    size_t out_len, out_at;
    int64_t out_since_ms;
    char peer[MLC_HTTP_PEER_MAX];
};

typedef enum http_body_kind {
    HTTP_BODY_NONE,
    HTTP_BODY_EMPTY, /* libwebsockets tells of its end, although there is none */
    HTTP_BODY_LENGTH,
    HTTP_BODY_CHUNKED
} http_body_kind;

typedef struct http_kept_header {
    struct http_kept_header *next;
    char *value;
    char name[];
} http_kept_header;

struct mlc_http_req {
    http_conn *conn; /* NULL: the peer is gone */
    const mlc_http_route *route;
    int refusal; /* status to answer with instead of asking a handler; 0: none */
    const char *method;
    char *path;
    char *query; /* "name=value" NUL ... NUL */
    http_body_kind body_kind;
    uint64_t body_length;
    mlc_chunked chunked;
    bool body_begun;
    mlc_buf body;
    bool close_after;
    http_kept_header *kept;
    char peer[MLC_HTTP_PEER_MAX];
    char client_name[MLC_HTTP_NAME_MAX];
};

struct mlc_http_server {
    mlc_lws_owner owner; /* first, so that the owner is the server */
    mlc_lws *ctx;
    mlc_log *log;
    struct lws_vhost *vhost;
    struct lws_protocols *protocols;
    size_t extra_count;
    mlc_http_route *routes;
    size_t route_count;
    char *name, *host, *unix_path, *authorization;
    int port;
    int listen_fd;              /* owned by libwebsockets */
    struct http_accept *accept; /* NULL: libwebsockets listens */
    struct http_tls *tls;       /* NULL: no TLS */
    const mlc_proxies *proxies;
    bool draining;
    size_t sockets; /* of the vhost, with the listener and those still in the TLS handshake */
    size_t conn_count, max_conns;
    http_conn *conns;
    http_wait wait_request, wait_idle, wait_linger;
    uv_timer_t timer;
    bool closing;
    unsigned refs; /* owner, vhost, timer */
};

int mlc_http_conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t len);
/* Answer a request from the connection's state BODY or HANDLING. Takes `out` (LWS_PRE, then out_len). */
void mlc_http_conn_answer(http_conn *conn, uint8_t *out, size_t out_len);
void mlc_http_conn_expired(http_conn *conn);

void mlc_http_wait_for(http_conn *conn, http_wait *wait);
void mlc_http_wait_none(http_conn *conn);
void mlc_http_wait_timer(uv_timer_t *timer);

/* Read the head of a request. NULL: no memory. Sets refusal where something is wrong. */
mlc_http_req *mlc_http_req_read(http_conn *conn, const char *path, size_t path_len);
void mlc_http_req_free(mlc_http_req *req);
/* Answer with the JSON error that belongs to a refusal. */
void mlc_http_req_refuse(mlc_http_req *req, int status);
/* Copy a header out of libwebsockets; NULL when absent. Caller frees. `name` is lower-case. */
char *mlc_http_wsi_header(struct lws *wsi, const char *name);

void mlc_http_server_unref(mlc_http_server *server);

/* Take connections from the listening socket fd, which belongs to the result. Close with mlc_http_accept_close. */
mlc_code mlc_http_accept_open(mlc_http_server *server, int fd, mlc_error *err);
/* No more connections; the socket is closed here, which leaves it open elsewhere. May be called again. */
void mlc_http_accept_close(mlc_http_server *server);

/* Note the files and set up what libwebsockets is to do with them. */
mlc_code mlc_http_tls_open(mlc_http_server *server, const mlc_http_server_options *options,
                           struct lws_context_creation_info *info, mlc_error *err);
/* The vhost's SSL_CTX, which libwebsockets tells of once. */
void mlc_http_tls_learn(mlc_http_server *server, void *ssl_ctx);
void mlc_http_tls_free(struct http_tls *tls);

#endif
