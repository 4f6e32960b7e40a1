/* tunnel_tls.c - see tunnel_tls.h. */
#include "agent/tunnel_tls.h"

#include "base/clock.h"
#include "net/certs.h"

#include <openssl/ssl.h>
#include <stdlib.h>

/* OpenSSL asks when the relay wants a certificate. One that has expired is not shown: TLS would end without words for a
 * person, while the relay answers the hello with some. */
static int on_wanted(SSL *ssl, X509 **cert, EVP_PKEY **key)
{
    const mlc_tunnel_client *const c = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (c == NULL || c->tls_cert == NULL || c->tls_until_ms <= mlc_wall_ms())
        return 0;
    if (X509_up_ref(c->tls_cert) != 1)
        return 0;
    if (EVP_PKEY_up_ref(c->tls_key) != 1) {
        X509_free(c->tls_cert);
        return 0;
    }
    *cert = c->tls_cert;
    *key = c->tls_key;
    return 1;
}

/* See net/certs.h: by itself libwebsockets does not verify the name for an IPv6 address. A context that cannot be told of
 * the address must not be used: it gets one that no certificate is for. */
static void want_address(mlc_tunnel_client *c, SSL_CTX *context)
{
    if (!c->target.v6)
        return;
    char *const ip = mlc_strdup(c->target.host);
    const bool kept = ip != NULL && mlc_lws_keep(c->lws, ip);
    if (!kept)
        free(ip);
    mlc_certs_want_ip(context, kept ? ip : "");
}

void mlc_tunnel_tls_install(mlc_tunnel_client *c, void *ssl_ctx)
{
    SSL_CTX *const ctx = ssl_ctx;
    want_address(c, ctx);
    if (c->has_own) {
        (void)SSL_CTX_set_app_data(ctx, c);
        SSL_CTX_set_client_cert_cb(ctx, on_wanted);
    }
}

void mlc_tunnel_tls_free(mlc_tunnel_client *c)
{
    X509_free(c->tls_cert);
    EVP_PKEY_free(c->tls_key);
    c->tls_cert = NULL;
    c->tls_key = NULL;
}

mlc_code mlc_tunnel_tls_set(mlc_tunnel_client *c, const mlc_tunnel_own *own, mlc_error *err)
{
    mlc_buf der = {0};
    mlc_code code = mlc_ec_key_der(own->identity->key, &der, err);
    if (code != MLC_OK)
        return code;
    const uint8_t *key_at = der.data;
    const uint8_t *cert_at = own->identity->cert;
    EVP_PKEY *const key = d2i_AutoPrivateKey(NULL, &key_at, (long)der.len);
    X509 *const cert = d2i_X509(NULL, &cert_at, (long)own->identity->cert_len);
    mlc_buf_wipe(&der);
    if (key == NULL || cert == NULL || X509_check_private_key(cert, key) != 1) {
        EVP_PKEY_free(key);
        X509_free(cert);
        return mlc_fail(err, MLC_E_CORRUPT, "the agent's certificate and key cannot be used for TLS");
    }
    mlc_tunnel_tls_free(c);
    c->tls_cert = cert;
    c->tls_key = key;
    c->tls_until_ms = own->not_after_ms;
    c->own = *own->identity;
    c->has_own = true;
    return MLC_OK;
}

static void on_vhost_gone(struct lws_vhost *vhost, void *arg)
{
    (void)vhost;
    mlc_tunnel_client *c = arg;
    c->vhost = NULL;
    mlc_tunnel_client_unref(c);
}

mlc_code mlc_tunnel_tls_open(mlc_tunnel_client *c, const mlc_tunnel_client_options *o, mlc_error *err)
{
    static const struct lws_extension deflate[] = {{"permessage-deflate", lws_extension_callback_pm_deflate,
                                                    "permessage-deflate; client_max_window_bits"},
                                                   {NULL, NULL, NULL}};
    struct lws_context_creation_info info = {0};
    c->protocols[0] =
        (struct lws_protocols){.name = MLC_TUNNEL_SUBPROTOCOL,
                               .callback = mlc_tunnel_client_callback,
                               .rx_buffer_size = o->compress ? MLC_WS_RX_BYTES_DEFLATE : MLC_WS_RX_BYTES,
                               .tx_packet_size = MLC_FRAME_MAX};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.vhost_name = "tunnel";
    info.protocols = c->protocols;
    info.extensions = o->compress ? deflate : NULL;
    info.alpn = "http/1.1";
    info.user = c;
    info.finalize = on_vhost_gone;
    info.finalize_arg = c;
    info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info.ssl_client_options_set =
        SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION;
    if (o->ca_file != NULL) {
        info.client_ssl_ca_filepath = o->ca_file;
        info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    }
    info.client_ssl_cert_filepath = o->client_cert_file;
    info.client_ssl_private_key_filepath = o->client_key_file;
    c->vhost = lws_create_vhost(mlc_lws_context(c->lws), &info);
    if (c->vhost == NULL)
        return mlc_fail(
            err, MLC_E_INVALID,
            "the tunnel's TLS settings cannot be used: check relay.ca_file, relay.client_cert_file "
            "and relay.client_key_file");
    c->refs++;
    (void)lws_set_proxy(c->vhost, ":0"); /* libwebsockets would take one from the environment */
    return MLC_OK;
}
