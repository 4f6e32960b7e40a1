/* tunnel_client_private.h - the state of the tunnel client, shared by tunnel_client.c (the connection's life),
 * tunnel_connect.c (making one), tunnel_tls.c (TLS) and tunnel_target.c (addresses). */
#ifndef MLC_AGENT_TUNNEL_CLIENT_PRIVATE_H
#define MLC_AGENT_TUNNEL_CLIENT_PRIVATE_H

#include "agent/tunnel_client.h"
#include "crypto/crypto.h"
#include "link/engine.h"
#include "link/ws_pipe.h"
#include "net/http_client.h"
#include "net/timer.h"

#include <openssl/x509.h>

enum {
    MLC_TUNNEL_WHY_MAX = 512,
    MLC_TUNNEL_CONNECT_MS = 20000 /* an attempt that took longer is given up */
};

/* Where the tunnel goes. Zero-initialise; free with mlc_target_free. */
typedef struct mlc_target {
    bool tls, v6; /* v6: the host is an IPv6 address */
    char *host, *path;
    char *host_header; /* the host, an IPv6 address in brackets, and the port unless it is the usual one */
    int port;
} mlc_target;

/* MLC_E_INVALID names the setting. ws:// (no TLS) is allowed to this machine only. */
mlc_code mlc_target_parse(mlc_target *out, const char *url, mlc_error *err);
void mlc_target_free(mlc_target *target);

typedef enum client_state {
    CLIENT_WAITING,
    CLIENT_RESOLVING, /* or on the way through the proxy */
    CLIENT_CONNECTING,
    CLIENT_CONNECTED
} client_state;

struct mlc_tunnel_client {
    unsigned refs; /* owner, vhost, name look-ups, ways through the proxy */
    bool closing;
    mlc_lws *lws;
    uv_loop_t *loop;
    mlc_log *log;
    mlc_target target;
    char *agent_id, *software;
    bool has_key;
    uint8_t key[MLC_KEY_LEN];
    bool has_own; /* a certificate that the relay issued, with its key; for TLS as well */
    mlc_own_identity own;
    X509 *tls_cert;
    EVP_PKEY *tls_key;
    int64_t tls_until_ms;
    int64_t ping_ms, base_ms, cap_ms;
    mlc_link *link;
    struct lws_vhost *vhost;
    struct lws_protocols protocols[2];
    mlc_ws_scratch *scratch;
    mlc_timer *timer; /* next attempt, or the end of the present one; after close, the rest of closing */
    client_state state;
    uint32_t attempts;     /* without lasting success */
    int64_t up_at;         /* 0: not up */
    unsigned sign_ins;     /* refused by the proxy, in a row */
    char address[64];      /* of the host */
    mlc_http_client *http; /* makes the way through the proxy; NULL: no proxy is set */
    struct lws *wsi;       /* the present connection; others may still be dying */
    size_t sockets;
    mlc_engine *engine;
    unsigned peer_code;
    char peer_words[128];
};

/* tunnel_connect.c. The first step of an attempt. How it ends is told by libwebsockets or mlc_tunnel_attempt_failed. */
void mlc_tunnel_begin_attempt(mlc_tunnel_client *c);
/* libwebsockets lets go of a connection. */
void mlc_tunnel_leave_bridge(struct lws *wsi);

/* tunnel_client.c. No connection this time; the next attempt comes no sooner than after retry_ms. */
void mlc_tunnel_attempt_failed(mlc_tunnel_client *c, const char *why, int64_t retry_ms);
void mlc_tunnel_client_unref(mlc_tunnel_client *c);
int mlc_tunnel_client_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                               size_t len);

#endif
