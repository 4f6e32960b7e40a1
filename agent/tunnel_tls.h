/* tunnel_tls.h - the TLS settings of the tunnel client, and the issued certificate it shows. Thread rule: loop only. */
#ifndef MLC_AGENT_TUNNEL_TLS_H
#define MLC_AGENT_TUNNEL_TLS_H

#include "agent/tunnel_client_private.h"

/* Make the client's vhost. */
mlc_code mlc_tunnel_tls_open(mlc_tunnel_client *c, const mlc_tunnel_client_options *options, mlc_error *err);
/* Take over key and certificate for connections from now on. NULL: none are shown. */
mlc_code mlc_tunnel_tls_set(mlc_tunnel_client *c, const mlc_tunnel_own *own, mlc_error *err);
void mlc_tunnel_tls_free(mlc_tunnel_client *c);
/* libwebsockets has made the vhost's SSL_CTX. */
void mlc_tunnel_tls_install(mlc_tunnel_client *c, void *ssl_ctx);

#endif
