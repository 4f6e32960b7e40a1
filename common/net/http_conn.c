#include "net/http_server_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CLOSE_IT = -1 }; /* what a callback returns to have libwebsockets close the connection */
/* Pieces of a next request may come while an answer is on its way; this many mean that nothing else happens any more. */
enum { IDLE_ENDS_MAX = 100 };

/* ---- coming and going ---- */

static void read_peer(http_conn *conn)
{
    static const char mapped[] = "::ffff:";
    if (conn->server->unix_path != NULL) {
        mlc_strlcpy(conn->peer, "unix", sizeof(conn->peer));
        return;
    }
    char text[MLC_HTTP_PEER_MAX] = "";
    lws_get_peer_simple(conn->wsi, text, sizeof(text));
    bool v4 = strncmp(text, mapped, sizeof(mapped) - 1) == 0 && strchr(text, '.') != NULL;
    mlc_strlcpy(conn->peer, v4 ? text + sizeof(mapped) - 1 : text, sizeof(conn->peer));
}

static int conn_open(struct lws *wsi)
{
    mlc_http_server *server = lws_vhost_user(lws_get_vhost(wsi));
    http_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL)
        return CLOSE_IT;
    conn->server = server;
    conn->wsi = wsi;
    conn->next = server->conns;
    if (conn->next != NULL)
        conn->next->prev = conn;
    server->conns = conn;
    server->conn_count++;
    lws_set_opaque_user_data(wsi, conn);
    read_peer(conn);
    mlc_http_wait_for(conn, &server->wait_request);
    return 0;
}

/* The socket is closing: from now on answers go nowhere. */
static void conn_detach(http_conn *conn)
{
    mlc_http_wait_none(conn);
    if (conn->req != NULL) {
        mlc_http_req *req = conn->req;
        conn->req = NULL;
        req->conn = NULL;
        if (conn->state != HTTP_CONN_HANDLING)
            mlc_http_req_free(req);
    }
    conn->wsi = NULL;
}

static void conn_free(http_conn *conn)
{
    mlc_http_server *server = conn->server;
    conn_detach(conn);
    if (conn->prev != NULL)
        conn->prev->next = conn->next;
    else
        server->conns = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    server->conn_count--;
    free(conn->out);
    free(conn);
}

/* ---- answering ---- */

static void stop_reading(http_conn *conn)
{
    /* Unread bytes would have libwebsockets call again and again, or take them for more of the body. */
    conn->rx_stopped = true;
    lws_rx_flow_control(conn->wsi, 0);
}

static void start_reading(http_conn *conn)
{
    if (!conn->rx_stopped)
        return;
    conn->rx_stopped = false;
    lws_rx_flow_control(conn->wsi, 1);
}

static int answer_written(http_conn *conn)
{
    free(conn->out);
    conn->out = NULL;
    if (conn->linger_after) {
        conn->state = HTTP_CONN_LINGER;
        stop_reading(conn);
        mlc_http_wait_for(conn, &conn->server->wait_linger);
        return 0;
    }
    if (conn->close_after)
        return CLOSE_IT;
    conn->state = HTTP_CONN_HEAD;
    mlc_http_wait_for(conn, &conn->server->wait_idle);
    return lws_http_transaction_completed(conn->wsi) ? CLOSE_IT : 0;
}

/* A peer that takes a byte now and then keeps an answer in memory for as long as it likes. */
static bool is_read_too_slowly(const http_conn *conn)
{
    int64_t allowed_ms =
        conn->server->wait_request.duration_ms + (int64_t)(conn->out_at * 1000 / MLC_HTTP_MIN_BYTES_PER_S);
    return (int64_t)uv_now(conn->server->timer.loop) - conn->out_since_ms > allowed_ms;
}

/* Write the next piece. Called when the socket takes data, or at once after a handler. */
static int write_on(http_conn *conn)
{
    if (conn->state != HTTP_CONN_WRITING)
        return 0;
    if (conn->out == NULL) /* no memory for the answer */
        return CLOSE_IT;
    size_t left = conn->out_len - conn->out_at;
    if (left > 0) {
        size_t piece = left < MLC_HTTP_PIECE ? left : MLC_HTTP_PIECE;
        int n = lws_write(conn->wsi, conn->out + LWS_PRE + conn->out_at, piece,
                          piece == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
        if (n < 0 || (size_t)n < piece)
            return CLOSE_IT;
        conn->out_at += piece;
        if (is_read_too_slowly(conn))
            return CLOSE_IT;
        mlc_http_wait_for(conn, &conn->server->wait_request);
    }
    if (conn->out_at < conn->out_len || lws_partial_buffered(conn->wsi)) {
        lws_callback_on_writable(conn->wsi);
        return 0;
    }
    return answer_written(conn);
}

void mlc_http_conn_answer(http_conn *conn, uint8_t *out, size_t out_len)
{
    conn->out = out;
    conn->out_len = out_len;
    conn->out_at = 0;
    /* The loop's time is that of before the handler, which may have taken long: the peer is not to pay for it. */
    uv_update_time(conn->server->timer.loop);
    conn->out_since_ms = (int64_t)uv_now(conn->server->timer.loop);
    conn->state = HTTP_CONN_WRITING;
    mlc_http_wait_for(conn, &conn->server->wait_request);
    if (conn->in_callback)
        return;
    start_reading(conn); /* libwebsockets reports no writability to who does not read */
    lws_callback_on_writable(conn->wsi);
}

static int refuse(http_conn *conn, int status)
{
    conn->linger_after = conn->req->body_kind != HTTP_BODY_NONE || conn->req->close_after;
    conn->req->close_after = conn->linger_after;
    conn->in_callback = true;
    mlc_http_req_refuse(conn->req, status);
    conn->in_callback = false;
    return write_on(conn);
}

/* The request is whole. */
static int dispatch(http_conn *conn)
{
    mlc_http_req *req = conn->req;
    mlc_http_wait_none(conn);
    conn->state = HTTP_CONN_HANDLING;
    conn->in_callback = true;
    if (req->refusal != 0)
        mlc_http_req_refuse(req, req->refusal);
    else
        req->route->handler(req, req->route->user);
    conn->in_callback = false;
    if (conn->state == HTTP_CONN_HANDLING) {
        stop_reading(conn);
        return 0;
    }
    return write_on(conn);
}

/* ---- reading ---- */

static bool expects_continue(struct lws *wsi)
{
    char *value = mlc_http_wsi_header(wsi, "expect");
    bool wanted = value != NULL && strcasecmp(value, "100-continue") == 0;
    free(value);
    return wanted;
}

static int say_continue(struct lws *wsi)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t out[LWS_PRE + sizeof(text)];
    memcpy(out + LWS_PRE, text, sizeof(text));
    size_t len = sizeof(text) - 1;
    return lws_write(wsi, out + LWS_PRE, len, LWS_WRITE_HTTP_HEADERS) == (int)len ? 0 : CLOSE_IT;
}

/* 404 and 405 wait for a body within the limit, so that the connection can be kept. */
static bool refuse_now(const mlc_http_req *req)
{
    return req->refusal != 0 && req->refusal != 404 && req->refusal != 405;
}

static int on_head(http_conn *conn, const char *path, size_t path_len)
{
    if (conn->server->closing || conn->req != NULL)
        return CLOSE_IT;
    lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0); /* our own deadlines rule */
    mlc_http_wait_for(conn, &conn->server->wait_request);
    conn->close_after = conn->linger_after = false;
    conn->idle_ends = 0;
    conn->req = mlc_http_req_read(conn, path, path_len);
    if (conn->req == NULL)
        return CLOSE_IT;
    conn->state = HTTP_CONN_BODY;
    if (refuse_now(conn->req))
        return refuse(conn, conn->req->refusal);
    if (conn->req->body_kind == HTTP_BODY_NONE)
        return dispatch(conn);
    if (conn->req->body_kind != HTTP_BODY_EMPTY && expects_continue(conn->wsi))
        return say_continue(conn->wsi);
    return 0;
}

/* libwebsockets 4.1 reads the body of a pipelined request from the wrong place: from the start of the
 * request's own head, which is still in its buffer. Such a "body" begins with the method. Nobody who
 * matters pipelines bodies, so the connection ends before a handler sees it. */
static bool is_own_head(const mlc_http_req *req, const void *data, size_t len)
{
    size_t method_len = strlen(req->method);
    if (memcmp(data, req->method, len < method_len ? len : method_len) != 0)
        return false;
    return len <= method_len || ((const char *)data)[method_len] == ' ';
}

static int on_body(http_conn *conn, const void *data, size_t len)
{
    /* After the answer (413, or chunks behind the last) the rest of the body is dropped. */
    if (conn->state != HTTP_CONN_BODY || conn->req == NULL)
        return 0;
    mlc_http_req *req = conn->req;
    if (len > 0 && !req->body_begun && is_own_head(req, data, len))
        return CLOSE_IT;
    req->body_begun = true;
    bool chunked = req->body_kind == HTTP_BODY_CHUNKED;
    mlc_code code = chunked ? mlc_chunked_feed(&req->chunked, data, len, &req->body, NULL)
                            : mlc_buf_append(&req->body, data, len, NULL);
    if (code == MLC_E_NOMEM)
        return CLOSE_IT;
    if (code != MLC_OK)
        return refuse(conn, code == MLC_E_LIMIT ? 413 : 400);
    return chunked && mlc_chunked_ended(&req->chunked) ? dispatch(conn) : 0;
}

/* libwebsockets 4.1 tells of the end of the body again for each piece that follows it, and takes nothing of the piece. When
 * the request was pipelined it does so in a loop of its own, which nothing but the end of the connection ends. */
static int on_body_end(http_conn *conn)
{
    if (conn->state != HTTP_CONN_BODY || conn->req == NULL)
        return ++conn->idle_ends > IDLE_ENDS_MAX ? CLOSE_IT : 0;
    return conn->req->body_kind == HTTP_BODY_CHUNKED ? CLOSE_IT : dispatch(conn);
}

void mlc_http_conn_expired(http_conn *conn)
{
    if (conn->state == HTTP_CONN_BODY && conn->req != NULL) {
        conn->linger_after = true;
        conn->req->close_after = true;
        mlc_http_req_refuse(conn->req, 408);
        return;
    }
    lws_set_timeout(conn->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_SYNC);
}

/* ---- what libwebsockets calls ---- */

static int on_upgrade(http_conn *conn, const char *to)
{
    /* Only websockets, and only where a protocol was added: "h2c" would lead past all checks here. */
    if (conn->server->closing || conn->server->extra_count == 0 || to == NULL ||
        strcasecmp(to, "websocket") != 0)
        return CLOSE_IT;
    mlc_http_wait_none(conn);
    conn->state = HTTP_CONN_UPGRADED;
    return 0;
}

/* Notices about sockets that may have no connection struct. */
static int socket_callback(struct lws *wsi, enum lws_callback_reasons reason, size_t len)
{
    mlc_http_server *server = lws_vhost_user(lws_get_vhost(wsi));
    http_conn *conn = NULL;
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return server->closing || server->conn_count >= server->max_conns ? CLOSE_IT : 0;
    case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
        /* The answer overrides OpenSSL's, which comes in `len`: 0 here would accept any certificate. */
        return len == 1 ? 0 : 1;
    case LWS_CALLBACK_WSI_CREATE:
        server->sockets++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        server->sockets--;
        conn = lws_get_opaque_user_data(wsi);
        if (conn != NULL)
            conn_free(conn);
        if (server->closing && server->sockets == 0)
            mlc_lws_reap_soon(server->ctx, &server->owner);
        return 0;
    default:
        return 0;
    }
}

int mlc_http_conn_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                           size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
    case LWS_CALLBACK_OPENSSL_PERFORM_CLIENT_CERT_VERIFICATION:
    case LWS_CALLBACK_WSI_CREATE:
    case LWS_CALLBACK_WSI_DESTROY:
        return socket_callback(wsi, reason, len);
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        mlc_http_tls_learn(lws_vhost_user(in), user); /* the vhost comes in `in` */
        return 0;
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        return conn_open(wsi);
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return CLOSE_IT; /* a websocket that names none of the added protocols */
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
    case LWS_CALLBACK_CLOSED_HTTP:
        break;
    default:
        return 0;
    }
    http_conn *conn = lws_get_opaque_user_data(wsi);
    if (conn == NULL)
        return CLOSE_IT;
    if (reason == LWS_CALLBACK_HTTP_CONFIRM_UPGRADE)
        return on_upgrade(conn, in);
    if (reason == LWS_CALLBACK_HTTP)
        return on_head(conn, in, len);
    if (reason == LWS_CALLBACK_HTTP_BODY)
        return on_body(conn, in, len);
    if (reason == LWS_CALLBACK_HTTP_BODY_COMPLETION)
        return on_body_end(conn);
    if (reason == LWS_CALLBACK_HTTP_WRITEABLE)
        return write_on(conn);
    conn_detach(conn);
    return 0;
}
