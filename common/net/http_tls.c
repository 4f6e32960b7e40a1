/* http_tls.c - certificate and key of a server, also those that come while it runs.
 *
 * libwebsockets 4.1 cannot exchange a certificate in a way that leaves the old one in place when the new one is broken.
 * It tells its SSL_CTX once, though. New files are read into a context of their own first; only what is whole goes into
 * the one that connections are made from. OpenSSL copies the pointers into each connection at its start, so that open
 * ones keep what they have.
 */
#include "net/http_server_private.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

typedef struct http_tls {
    char *cert_file, *key_file, *client_ca_file;
    SSL_CTX *ctx; /* libwebsockets'; NULL until it tells */
} http_tls;

void mlc_http_tls_free(http_tls *tls)
{
    if (tls == NULL)
        return;
    free(tls->cert_file);
    free(tls->key_file);
    free(tls->client_ca_file);
    free(tls);
}

/* libwebsockets asks for a certificate without naming authorities: then a client may show any that it has, for another purpose,
 * and would be refused for it. Named, it shows one of theirs or none. */
static void name_authorities(SSL_CTX *ctx, const char *file)
{
    STACK_OF(X509_NAME) *const names = file != NULL ? SSL_load_client_CA_file(file) : NULL;
    if (names != NULL)
        SSL_CTX_set_client_CA_list(ctx, names); /* takes them */
    ERR_clear_error();
}

void mlc_http_tls_learn(mlc_http_server *server, void *ssl_ctx)
{
    if (server->tls == NULL)
        return;
    server->tls->ctx = ssl_ctx;
    name_authorities(ssl_ctx, server->tls->client_ca_file);
}

mlc_code mlc_http_tls_open(mlc_http_server *server, const mlc_http_server_options *o,
                           struct lws_context_creation_info *info, mlc_error *err)
{
    if (o->cert_file == NULL)
        return MLC_OK;
    server->tls = calloc(1, sizeof *server->tls);
    if (server->tls == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a server");
    server->tls->cert_file = mlc_strdup(o->cert_file);
    server->tls->key_file = mlc_strdup(o->key_file);
    server->tls->client_ca_file = mlc_strdup(o->client_ca_file);
    if (server->tls->cert_file == NULL || server->tls->key_file == NULL ||
        (o->client_ca_file != NULL && server->tls->client_ca_file == NULL))
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a server");
    info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    info->ssl_cert_filepath = o->cert_file;
    info->ssl_private_key_filepath = o->key_file;
    info->ssl_options_set = SSL_OP_NO_SSLv3 | SSL_OP_NO_TLSv1 | SSL_OP_NO_TLSv1_1 | SSL_OP_NO_RENEGOTIATION;
    if (o->client_ca_file == NULL)
        return MLC_OK;
    info->ssl_ca_filepath = o->client_ca_file;
    info->options |=
        LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT | LWS_SERVER_OPTION_PEER_CERT_NOT_REQUIRED;
    return MLC_OK;
}

static mlc_code fail_tls(mlc_error *err, const char *file, const char *what)
{
    char why[160] = "";
    const unsigned long first = ERR_get_error();
    if (first != 0)
        ERR_error_string_n(first, why, sizeof why);
    ERR_clear_error();
    return mlc_fail(err, MLC_E_TLS, "%s: %s (%s); the ones in use stay", file, what, why);
}

/* Everything from the files, or an error. */
static mlc_code read_files(const http_tls *tls, SSL_CTX *fresh, mlc_error *err)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(fresh, tls->cert_file) != 1)
        return fail_tls(err, tls->cert_file, "no certificate can be read from it");
    if (SSL_CTX_use_PrivateKey_file(fresh, tls->key_file, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_check_private_key(fresh) != 1)
        return fail_tls(err, tls->key_file, "no key of that certificate can be read from it");
    if (tls->client_ca_file != NULL && SSL_CTX_load_verify_locations(fresh, tls->client_ca_file, NULL) != 1)
        return fail_tls(err, tls->client_ca_file, "no CA certificates can be read from it");
    return MLC_OK;
}

static mlc_code take_over(const http_tls *tls, SSL_CTX *fresh, mlc_error *err)
{
    STACK_OF(X509) *chain = NULL;
    STACK_OF(X509_NAME) *names = NULL;
    if (tls->client_ca_file != NULL) {
        names = SSL_load_client_CA_file(tls->client_ca_file);
        if (names == NULL)
            return fail_tls(err, tls->client_ca_file, "no CA certificates can be read from it");
    }
    if (SSL_CTX_get0_chain_certs(fresh, &chain) != 1 ||
        SSL_CTX_use_cert_and_key(tls->ctx, SSL_CTX_get0_certificate(fresh), SSL_CTX_get0_privatekey(fresh),
                                 chain, 1) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return fail_tls(err, tls->cert_file, "it cannot be used");
    }
    if (names != NULL) {
        SSL_CTX_set_client_CA_list(tls->ctx, names); /* takes them */
        SSL_CTX_set1_cert_store(tls->ctx, SSL_CTX_get_cert_store(fresh));
    }
    /* A session of before would be resumed under the certificate of before. */
    (void)SSL_CTX_flush_sessions(tls->ctx, 0);
    return MLC_OK;
}

mlc_code mlc_http_server_reload_tls(mlc_http_server *server, mlc_error *err)
{
    http_tls *const tls = server->tls;
    if (tls == NULL || tls->ctx == NULL || server->closing)
        return mlc_fail(err, MLC_E_UNSUPPORTED, "server %s: it has no certificate", server->name);
    SSL_CTX *const fresh = SSL_CTX_new(TLS_server_method());
    if (fresh == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a certificate");
    mlc_code code = read_files(tls, fresh, err);
    if (code == MLC_OK)
        code = take_over(tls, fresh, err);
    SSL_CTX_free(fresh);
    return code;
}
