/* tunnel_server.h - the relay's end of the tunnel: websocket subprotocol mlc.v1 on the relay's port.
 *
 * Any number of agents; for two connections of one agent the newer wins and the older is told so.
 * Thread rule: loop only.
 */
#ifndef MLC_RELAY_TUNNEL_SERVER_H
#define MLC_RELAY_TUNNEL_SERVER_H

#include "crypto/x509.h"
#include "link/link.h"
#include "net/http_server.h"

typedef struct mlc_tunnel_server mlc_tunnel_server;

enum { MLC_TUNNEL_CERTS = 2 };

/* A certificate issued for an agent. */
typedef struct mlc_tunnel_cert {
    uint8_t fingerprint[MLC_SHA256_LEN];
    uint8_t public_key[MLC_EC_PUBLIC_LEN];
    int64_t not_after_ms;
} mlc_tunnel_cert;

/* What the relay knows of an agent. Filled by the resolver; the binding must stay valid until close. */
typedef struct mlc_tunnel_agent {
    char tenant[64];
    bool has_key;
    uint8_t key[MLC_KEY_LEN];
    mlc_tunnel_cert certs[MLC_TUNNEL_CERTS]; /* issued ones that are good */
    size_t cert_count;
    bool
        is_adopted; /* by tunnel_auth.c: the hello shows `adopted`, which is not among them but may come in their place */
    mlc_tunnel_cert adopted;
    const mlc_link_binding *binding;
    unsigned max_frames_per_s; /* 0: that of the options */
    unsigned max_connections;  /* agents with this binding at once; 0: any number */
} mlc_tunnel_agent;

typedef struct mlc_tunnel_server_options {
    mlc_log *log;
    const char *software;
    /* Find an agent by id. MLC_E_NOTFOUND for an unknown or revoked one; anything else: it may come again later. */
    mlc_code (*find_agent)(void *user, const char *agent_id, mlc_tunnel_agent *out, mlc_error *err);
    /* May the holder of a verified client certificate (subject common name, SHA-256 fingerprint in hex)
     * act as this agent? NULL: mTLS is not offered. */
    bool (*cert_allowed)(void *user, const char *agent_id, const char *common_name, const char *fingerprint);
    /* The authority that issues certificates of agents: its key (kept, not copied), with which the relay proves itself, and its
     * certificate (DER). NULL: agents with issued certificates are refused. */
    const uint8_t *authority_key;
    const uint8_t *authority_cert;
    size_t authority_cert_len;
    /* An agent must show its issued certificate in TLS as well: false behind a TLS proxy, where it cannot be seen. */
    bool tls_certificates;
    /* May this certificate (DER), which find_agent did not tell of, take their place? NULL: never. */
    bool (*adoptable)(void *user, const char *agent_id, const void *der, size_t len, mlc_tunnel_cert *out);
    /* An agent has shown this certificate and is in. `der` is not NULL when it is one that is to be adopted. May be NULL. */
    void (*on_certificate)(void *user, const char *agent_id, const uint8_t fingerprint[MLC_SHA256_LEN],
                           const void *der, size_t len);
    void *user;
    bool compress;
    int64_t ping_interval_ms;  /* 0: 10 s */
    size_t max_message;        /* reassembled; 0: 4 MiB */
    unsigned max_frames_per_s; /* per connection; 0: 5 000 */
} mlc_tunnel_server_options;

mlc_code mlc_tunnel_server_open(mlc_tunnel_server **out, const mlc_tunnel_server_options *options,
                                mlc_error *err);
/* Protocol rows for mlc_http_server_options.extra_protocols; valid until close. */
const struct lws_protocols *mlc_tunnel_server_protocols(mlc_tunnel_server *server, size_t *count);
void mlc_tunnel_server_close(mlc_tunnel_server *server);
/* New entries were committed to the outgoing stream of this agent. No connection: nothing happens. */
void mlc_tunnel_server_poke(mlc_tunnel_server *server, const char *agent_id);
/* Cut an agent's connection (revocation), telling it why. */
void mlc_tunnel_server_kick(mlc_tunnel_server *server, const char *agent_id, const char *why);
/* Forget all agents with this binding before it goes: their connections end, and none of its callbacks runs any more. */
void mlc_tunnel_server_drop(mlc_tunnel_server *server, const mlc_link_binding *binding, const char *why);
/* MLC_E_NOTFOUND when the agent was never seen since start. */
mlc_code mlc_tunnel_server_status(const mlc_tunnel_server *server, const char *agent_id, mlc_link_status *out,
                                  mlc_error *err);

#endif
