/* http_trace.c - see http_trace.h. libcurl calls back with the TLS context before a handshake; OpenSSL then shows each
 * certificate it judges to on_verify, which looks and leaves the judgement as it is. */
#include "net/certs.h"
#include "net/http_private.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

static int on_verify(int accepted, X509_STORE_CTX *store)
{
    const SSL *const ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    mlc_http_trace *const trace = ssl != NULL ? SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) : NULL;
    const X509 *const leaf = X509_STORE_CTX_get0_cert(store);
    const X509 *const cert = X509_STORE_CTX_get_current_cert(store);
    if (trace == NULL)
        return accepted;
    if (leaf != NULL)
        mlc_cert_describe(leaf, &trace->peer);
    if (accepted == 0 && trace->fault[0] == '\0') {
        const int error = X509_STORE_CTX_get_error(store);
        if (cert != NULL)
            mlc_cert_describe(cert, &trace->refused);
        trace->unknown_issuer = mlc_cert_unknown_issuer(error);
        (void)snprintf(trace->fault, sizeof trace->fault, "%s", X509_verify_cert_error_string(error));
    }
    return accepted;
}

static CURLcode on_tls(CURL *easy, void *context, void *user)
{
    SSL_CTX *const ctx = context;
    (void)easy;
    SSL_CTX_set_app_data(ctx, user);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
    return CURLE_OK;
}

void mlc_http_trace_begin(mlc_http_call *call)
{
    if (call->trace == NULL)
        return;
    memset(call->trace, 0, sizeof *call->trace);
    call->trace->proxied = call->proxied;
    /* A whole handshake, on a connection that does not outlive the trace. */
    curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(call->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(call->easy, CURLOPT_SSL_CTX_FUNCTION, on_tls);
    curl_easy_setopt(call->easy, CURLOPT_SSL_CTX_DATA, call->trace);
}

static bool was_reached(const mlc_http_call *call, CURLINFO moment)
{
    curl_off_t at = 0;
    return curl_easy_getinfo(call->easy, moment, &at) == CURLE_OK && at > 0;
}

static mlc_http_stage stage_of(const mlc_http_call *call, CURLcode result)
{
    const mlc_http_stage connecting = call->proxied ? MLC_HTTP_AT_PROXY : MLC_HTTP_AT_CONNECT;
    if (result == CURLE_OK && call->head_ended)
        return MLC_HTTP_AT_END;
    if (result == CURLE_COULDNT_RESOLVE_HOST || result == CURLE_COULDNT_RESOLVE_PROXY)
        return MLC_HTTP_AT_NAME;
    if (result == CURLE_COULDNT_CONNECT)
        return connecting;
    if (call->attempts > 0)
        return MLC_HTTP_AT_ANSWER;
    if (call->trace->peer.subject[0] != '\0' || result == CURLE_SSL_CACERT_BADFILE ||
        result == CURLE_SSL_CERTPROBLEM || result == CURLE_PEER_FAILED_VERIFICATION)
        return MLC_HTTP_AT_TLS;
    if (!was_reached(call, CURLINFO_NAMELOOKUP_TIME_T))
        return MLC_HTTP_AT_NAME;
    if (!was_reached(call, CURLINFO_CONNECT_TIME_T))
        return connecting;
    return call->proxied && call->trace->connect_status != 200 ? MLC_HTTP_AT_PROXY : MLC_HTTP_AT_TLS;
}

void mlc_http_trace_end(mlc_http_call *call, CURLcode result)
{
    long status = 0;
    const char *address = NULL;
    if (call->trace == NULL)
        return;
    if (curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &status) == CURLE_OK)
        call->trace->connect_status = (int)status;
    if (curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_IP, &address) == CURLE_OK && address != NULL)
        mlc_strlcpy(call->trace->address, address, sizeof call->trace->address);
    (void)curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_PORT, &call->trace->port);
    call->trace->stage = stage_of(call, result);
}
