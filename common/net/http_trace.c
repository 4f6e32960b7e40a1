/* http_trace.c - see http_trace.h. libcurl calls back with the TLS context before a handshake; OpenSSL then shows each
 * certificate it judges to on_verify, which looks and leaves the judgement as it is. */
#include "net/http_private.h"

#include "base/clock.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void take_name(const X509_NAME *name, char out[MLC_HTTP_DN_MAX])
{
    char text[MLC_HTTP_DN_MAX] = "";
    BIO *const bio = BIO_new(BIO_s_mem());
    /* Control characters are escaped: the names are the peer's. */
    if (bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
        (void)BIO_read(bio, text, sizeof text - 1);
    BIO_free(bio);
    mlc_strlcpy(out, text, MLC_HTTP_DN_MAX);
    out[mlc_utf8_prefix(out, strlen(out))] = '\0';
}

static int64_t wall_ms_of(const struct tm *utc)
{
    const int64_t days =
        mlc_days_from_civil(utc->tm_year + 1900, (unsigned)utc->tm_mon + 1, (unsigned)utc->tm_mday);
    const int64_t minutes = (days * 24 + utc->tm_hour) * 60 + utc->tm_min;
    return (minutes * 60 + utc->tm_sec) * 1000;
}

static void take_cert(const X509 *cert, mlc_http_cert *out)
{
    struct tm end;
    take_name(X509_get_subject_name(cert), out->subject);
    take_name(X509_get_issuer_name(cert), out->issuer);
    out->not_after_ms = ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) == 1 ? wall_ms_of(&end) : 0;
}

static bool is_unknown_issuer(int error)
{
    return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
           error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
           error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE || error == X509_V_ERR_CERT_UNTRUSTED;
}

static int on_verify(int accepted, X509_STORE_CTX *store)
{
    const SSL *const ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    mlc_http_trace *const trace = ssl != NULL ? SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) : NULL;
    const X509 *const leaf = X509_STORE_CTX_get0_cert(store);
    const X509 *const cert = X509_STORE_CTX_get_current_cert(store);
    if (trace == NULL)
        return accepted;
    if (leaf != NULL)
        take_cert(leaf, &trace->peer);
    if (accepted == 0 && trace->fault[0] == '\0') {
        const int error = X509_STORE_CTX_get_error(store);
        if (cert != NULL)
            take_cert(cert, &trace->refused);
        trace->unknown_issuer = is_unknown_issuer(error);
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
    call->trace->stage = stage_of(call, result);
}
