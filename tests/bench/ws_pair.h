/* ws_pair.h - a websocket over TLS on loopback, both ends in one thread, with nothing but libwebsockets.
 *
 * Its own event loop (poll), no compression: what the library does by itself. The owner of an end gets its messages
 * and the moments at which it may write one. */
#ifndef MLC_TESTS_WS_PAIR_H
#define MLC_TESTS_WS_PAIR_H

#include "bench.h"

#include <libwebsockets.h>

#define WS_PAIR_PROTOCOL "bench"
enum { WS_PAIR_SERVER = 0, WS_PAIR_CLIENT = 1, WS_PAIR_RX = 16 * 1024 };

typedef struct ws_pair ws_pair;
typedef struct ws_pair_user {
    void (*on_open)(void *user, int side);
    void (*on_receive)(void *user, int side, const void *data, size_t len, bool end);
    void (*on_writable)(void *user, int side);
    void *user;
} ws_pair_user;

struct ws_pair {
    struct lws_context *context;
    struct lws *wsi[2];
    ws_pair_user owner;
    struct lws_protocols protocols[2];
};

static inline int ws_pair_callback(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in,
                                   size_t len)
{
    ws_pair *const pair = lws_context_user(lws_get_context(wsi));
    const int side = pair != NULL && wsi == pair->wsi[WS_PAIR_CLIENT] ? WS_PAIR_CLIENT : WS_PAIR_SERVER;
    (void)session;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        pair->wsi[reason == LWS_CALLBACK_ESTABLISHED ? WS_PAIR_SERVER : WS_PAIR_CLIENT] = wsi;
        pair->owner.on_open(pair->owner.user,
                            reason == LWS_CALLBACK_ESTABLISHED ? WS_PAIR_SERVER : WS_PAIR_CLIENT);
        break;
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
        pair->owner.on_receive(pair->owner.user, side, in, len, lws_is_final_fragment(wsi) != 0);
        break;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        pair->owner.on_writable(pair->owner.user, side);
        break;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        bench_die("websocket", in != NULL ? in : "no connection");
    default:
        break;
    }
    return 0;
}

static inline void ws_pair_open(ws_pair *pair, const char *certs, const ws_pair_user *owner)
{
    char files[3][512];
    struct lws_context_creation_info info = {0};
    struct lws_client_connect_info dial = {0};
    (void)snprintf(files[0], sizeof files[0], "%s/server.pem", certs);
    (void)snprintf(files[1], sizeof files[1], "%s/server.key", certs);
    (void)snprintf(files[2], sizeof files[2], "%s/ca.pem", certs);
    memset(pair, 0, sizeof *pair);
    pair->owner = *owner;
    pair->protocols[0] = (struct lws_protocols){
        .name = WS_PAIR_PROTOCOL, .callback = ws_pair_callback, .rx_buffer_size = WS_PAIR_RX};
    lws_set_log_level(LLL_ERR, NULL);
    info.iface = "127.0.0.1";
    info.protocols = pair->protocols;
    info.user = pair;
    info.ssl_cert_filepath = files[0];
    info.ssl_private_key_filepath = files[1];
    info.client_ssl_ca_filepath = files[2];
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_DISABLE_IPV6;
    info.alpn = "http/1.1";
    pair->context = lws_create_context(&info);
    if (pair->context == NULL)
        bench_die("libwebsockets", "no context");
    dial.context = pair->context;
    dial.address = "127.0.0.1";
    dial.host = dial.origin = "localhost";
    dial.port = lws_get_vhost_listen_port(lws_get_vhost_by_name(pair->context, "default"));
    dial.path = "/";
    dial.ssl_connection = LCCSCF_USE_SSL;
    dial.protocol = dial.local_protocol_name = WS_PAIR_PROTOCOL;
    dial.ietf_version_or_minus_one = -1;
    dial.alpn = "http/1.1";
    if (lws_client_connect_via_info(&dial) == NULL)
        bench_die("libwebsockets", "no connection");
}

/* `bytes` has LWS_PRE bytes of room before the message. */
static inline void ws_pair_send(ws_pair *pair, int side, uint8_t *bytes, size_t len)
{
    if (lws_write(pair->wsi[side], bytes + LWS_PRE, len, LWS_WRITE_BINARY) < (int)len)
        bench_die("websocket", "a message was not written");
}

static inline void ws_pair_want(ws_pair *pair, int side)
{
    if (pair->wsi[side] != NULL)
        lws_callback_on_writable(pair->wsi[side]);
}

static inline void ws_pair_turn(ws_pair *pair)
{
    (void)lws_service(pair->context, 0);
}

static inline void ws_pair_close(ws_pair *pair)
{
    lws_context_destroy(pair->context);
}

#endif
