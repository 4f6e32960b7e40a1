/* wire.h - a TCP forwarder on the test's own loop that can be cut, frozen, or be an HTTP CONNECT proxy.
 * Include after cmocka.h. */
#ifndef MLC_TESTS_WIRE_H
#define MLC_TESTS_WIRE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { WIRE_PIECE = 16 * 1024 };

typedef struct wire_pair wire_pair;

typedef struct wire {
    uv_loop_t *loop;
    uv_tcp_t listener;
    int port, target_port;
    bool is_proxy;          /* wait for CONNECT */
    const char *proxy_auth; /* wanted value of Proxy-Authorization, NULL: none */
    bool frozen;            /* take connections and bytes, pass nothing on */
    size_t cut_after;       /* bytes through the wire after which it is cut, 0: never */
    size_t bytes;
    unsigned connections, cuts, refused;
    wire_pair *pairs;
    char connect_line[256];
} wire;

typedef struct wire_end {
    uv_tcp_t tcp;
    wire_pair *pair;
    struct wire_end *other;
    char buf[WIRE_PIECE];
} wire_end;

struct wire_pair {
    wire_pair *next;
    wire *w;
    wire_end client, server;
    int open; /* handles not yet closed */
    bool closing, connected;
    char head[2048];
    size_t head_len;
};

typedef struct wire_write {
    uv_write_t req;
    char bytes[];
} wire_write;

static inline void wire_end_closed(uv_handle_t *handle)
{
    wire_pair *pair = ((wire_end *)handle->data)->pair;
    if (--pair->open > 0)
        return;
    wire_pair **at = &pair->w->pairs;
    while (*at != pair)
        at = &(*at)->next;
    *at = pair->next;
    free(pair);
}

static inline void wire_pair_close(wire_pair *pair)
{
    if (pair->closing)
        return;
    pair->closing = true;
    uv_close((uv_handle_t *)&pair->client.tcp, wire_end_closed);
    uv_close((uv_handle_t *)&pair->server.tcp, wire_end_closed);
}

/* Cut every connection. */
static inline void wire_cut(wire *w)
{
    for (wire_pair *pair = w->pairs; pair != NULL; pair = pair->next) {
        if (!pair->closing)
            w->cuts++;
        wire_pair_close(pair);
    }
}

static inline void wire_written(uv_write_t *req, int status)
{
    (void)status;
    free(req);
}

static inline void wire_send(wire_end *to, const char *data, size_t len)
{
    wire_write *w = malloc(sizeof(*w) + len);
    memcpy(w->bytes, data, len);
    uv_buf_t buf = uv_buf_init(w->bytes, (unsigned)len);
    if (uv_write(&w->req, (uv_stream_t *)&to->tcp, &buf, 1, wire_written) != 0)
        free(w);
}

static inline void wire_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    (void)size;
    wire_end *end = handle->data;
    *buf = uv_buf_init(end->buf, sizeof(end->buf));
}

static inline void wire_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static inline void wire_connected(uv_connect_t *req, int status)
{
    wire_pair *pair = req->data;
    free(req);
    if (pair->closing)
        return;
    if (status != 0) {
        wire_pair_close(pair);
        return;
    }
    pair->connected = true;
    uv_read_start((uv_stream_t *)&pair->server.tcp, wire_alloc, wire_read);
    if (pair->w->is_proxy) {
        static const char ok[] = "HTTP/1.1 200 Connection established\r\n\r\n";
        wire_send(&pair->client, ok, sizeof(ok) - 1);
    } else {
        uv_read_start((uv_stream_t *)&pair->client.tcp, wire_alloc, wire_read);
    }
}

static inline void wire_connect(wire_pair *pair)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                             .sin_port = htons((uint16_t)pair->w->target_port)};
    uv_connect_t *req = malloc(sizeof(*req));
    req->data = pair;
    if (uv_tcp_connect(req, &pair->server.tcp, (const struct sockaddr *)&to, wire_connected) != 0) {
        free(req);
        wire_pair_close(pair);
    }
}

/* The head of a CONNECT request. */
static inline void wire_proxy_head(wire_pair *pair, const char *data, size_t len)
{
    wire *w = pair->w;
    char wanted[256];
    if (len > sizeof(pair->head) - 1 - pair->head_len) {
        wire_pair_close(pair);
        return;
    }
    memcpy(pair->head + pair->head_len, data, len);
    pair->head_len += len;
    pair->head[pair->head_len] = '\0';
    if (strstr(pair->head, "\r\n\r\n") == NULL)
        return;
    snprintf(w->connect_line, sizeof(w->connect_line), "%.*s", (int)strcspn(pair->head, "\r"), pair->head);
    snprintf(wanted, sizeof(wanted), "roxy-authorization: %s\r\n",
             w->proxy_auth != NULL ? w->proxy_auth : "");
    if (strncmp(pair->head, "CONNECT ", 8) != 0 ||
        (w->proxy_auth != NULL && strcasestr(pair->head, wanted) == NULL)) {
        static const char no[] = "HTTP/1.1 407 Proxy Authentication Required\r\n"
                                 "Proxy-Authenticate: Basic realm=\"wire\"\r\nContent-Length: 0\r\n\r\n";
        w->refused++;
        pair->head_len = 0; /* the next request may come on this connection */
        wire_send(&pair->client, no, sizeof(no) - 1);
        return;
    }
    wire_connect(pair);
}

static inline void wire_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    wire_end *end = stream->data;
    wire_pair *pair = end->pair;
    wire *w = pair->w;
    if (n < 0 && w->frozen) { /* the end of one side does not reach the other either */
        uv_read_stop(stream);
        return;
    }
    if (n < 0) {
        wire_pair_close(pair);
        return;
    }
    if (n == 0 || w->frozen)
        return;
    if (!pair->connected) {
        wire_proxy_head(pair, buf->base, (size_t)n);
        return;
    }
    w->bytes += (size_t)n;
    wire_send(end->other, buf->base, (size_t)n);
    if (w->cut_after != 0 && w->bytes >= w->cut_after) {
        w->bytes = 0;
        wire_cut(w);
    }
}

static inline void wire_accept(uv_stream_t *listener, int status)
{
    wire *w = listener->data;
    wire_pair *pair = calloc(1, sizeof(*pair));
    if (status != 0 || pair == NULL) {
        free(pair);
        return;
    }
    pair->w = w;
    pair->open = 2;
    pair->client.pair = pair->server.pair = pair;
    pair->client.other = &pair->server;
    pair->server.other = &pair->client;
    uv_tcp_init(w->loop, &pair->client.tcp);
    uv_tcp_init(w->loop, &pair->server.tcp);
    pair->client.tcp.data = &pair->client;
    pair->server.tcp.data = &pair->server;
    pair->next = w->pairs;
    w->pairs = pair;
    w->connections++;
    if (uv_accept(listener, (uv_stream_t *)&pair->client.tcp) != 0) {
        wire_pair_close(pair);
        return;
    }
    if (w->is_proxy || w->frozen)
        uv_read_start((uv_stream_t *)&pair->client.tcp, wire_alloc, wire_read);
    else
        wire_connect(pair);
}

static inline void wire_open(wire *w, uv_loop_t *loop, int target_port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int len = sizeof(name);
    w->loop = loop;
    w->target_port = target_port;
    uv_tcp_init(loop, &w->listener);
    w->listener.data = w;
    assert_int_equal(uv_tcp_bind(&w->listener, (const struct sockaddr *)&name, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&w->listener, 16, wire_accept), 0);
    assert_int_equal(uv_tcp_getsockname(&w->listener, (struct sockaddr *)&name, &len), 0);
    w->port = ntohs(name.sin_port);
}

static inline void wire_close(wire *w)
{
    wire_cut(w);
    uv_close((uv_handle_t *)&w->listener, NULL);
}

#endif
