/* http_trace_tls.c - the certificates of a handshake, by OpenSSL. It shows each it judges to on_verify, which looks and
 * leaves the judgement as it is. */
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

CURLcode mlc_http_trace_tls(CURL *easy, void *context, void *user)
{
    SSL_CTX *const ctx = context;
    (void)easy;
    SSL_CTX_set_app_data(ctx, user);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
    return CURLE_OK;
}
