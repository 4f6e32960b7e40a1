/* tunnel_client_private.h - the state of the tunnel client, shared by tunnel_client.c (connections),
 * tunnel_target.c (addresses) and tunnel_tls.c (TLS). */
#ifndef MLC_AGENT_TUNNEL_CLIENT_PRIVATE_H
#define MLC_AGENT_TUNNEL_CLIENT_PRIVATE_H

#include "agent/tunnel_client.h"
#include "crypto/crypto.h"
#include "link/engine.h"
#include "link/ws_pipe.h"
#include "net/timer.h"

#include <openssl/x509.h>

/* Where the tunnel goes. Zero-initialise; free with mlc_target_free. */
typedef struct mlc_target {
    bool tls;
    char *host, *path;
    int port;
    char *proxy_host; /* NULL: none */
    int proxy_port;
    char *proxy_auth; /* "user:password" decoded, or NULL */
} mlc_target;

/* MLC_E_INVALID names the setting. ws:// (no TLS) is allowed to this machine only. */
mlc_code mlc_target_parse(mlc_target *out, const char *url, const char *proxy, mlc_error *err);
void mlc_target_free(mlc_target *target);
/* Have the vhost connect through the proxy, whose host has this address. */
bool mlc_target_use_proxy(const mlc_target *target, struct lws_vhost *vhost, const char *address);
/* libwebsockets would take a proxy from the environment. */
void mlc_target_no_proxy(struct lws_vhost *vhost);

typedef enum client_state {
    CLIENT_WAITING,
    CLIENT_RESOLVING,
    CLIENT_CONNECTING,
    CLIENT_CONNECTED
} client_state;

struct mlc_tunnel_client {
    unsigned refs; /* owner, vhost, name look-ups */
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
    uint32_t attempts; /* without lasting success */
    int64_t up_at;     /* 0: not up */
    char address[64];  /* of the host or the proxy */
    struct lws *wsi;   /* the present connection; others may still be dying */
    size_t sockets;
    mlc_engine *engine;
    unsigned peer_code;
    char peer_words[128];
};

void mlc_tunnel_client_unref(mlc_tunnel_client *client);
int mlc_tunnel_client_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                               size_t len);

#endif
