/* tunnel_client.h - the agent's end of the tunnel: one outbound wss:// connection, kept up.
 *
 * Connects, authenticates, resumes, pings, and reconnects with full jitter. When the proxy refuses user and password twice in
 * a row, the next attempts are 15 minutes apart: a directory locks an account that is tried too often.
 * Thread rule: loop only.
 */
#ifndef MLC_AGENT_TUNNEL_CLIENT_H
#define MLC_AGENT_TUNNEL_CLIENT_H

#include "link/link.h"
#include "net/lws_ctx.h"
#include "net/proxy.h"
#include "tunnel/hello.h"

typedef struct mlc_tunnel_client mlc_tunnel_client;

/* A certificate that the relay issued, with its key. */
typedef struct mlc_tunnel_own {
    const mlc_own_identity *identity;
    int64_t not_after_ms;
} mlc_tunnel_own;

typedef struct mlc_tunnel_client_options {
    mlc_lws *lws;
    mlc_log *log;
    const char *url;              /* wss://relay.example.com/v1/tunnel */
    const char *ca_file;          /* NULL: the system's */
    const char *client_cert_file; /* mTLS identity; NULL when the key below is used */
    const char *client_key_file;
    mlc_proxy proxy; /* the way through it, sign-in included, is made by libcurl */
    const char *agent_id;
    const uint8_t *agent_key;                    /* 32 bytes shared with the relay; NULL: one of the others */
    const mlc_tunnel_own *own;                   /* copied; NULL: one of the others */
    const char *software;                        /* "ml-agent/0.1.0" */
    bool compress;                               /* offer permessage-deflate */
    int64_t ping_interval_ms;                    /* 0: 10 s; a peer silent for 2.5 intervals counts as gone */
    int64_t reconnect_base_ms, reconnect_cap_ms; /* 0: 500 ms, 60 s */
    mlc_link_binding binding;
} mlc_tunnel_client_options;

mlc_code mlc_tunnel_client_open(mlc_tunnel_client **out, const mlc_tunnel_client_options *options,
                                mlc_error *err);
/* Say goodbye, stop reconnecting and release. */
void mlc_tunnel_client_close(mlc_tunnel_client *client);
/* Another certificate, from now on: the connection is made anew with it. Only for a client opened with `own`. */
mlc_code mlc_tunnel_client_renew(mlc_tunnel_client *client, const mlc_tunnel_own *own, mlc_error *err);
/* New entries were committed to the outgoing stream. */
void mlc_tunnel_client_poke(mlc_tunnel_client *client);
void mlc_tunnel_client_status(const mlc_tunnel_client *client, mlc_link_status *out);

#endif
