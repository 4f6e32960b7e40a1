#include "net/certs.h"

#include "base/buf.h"
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

void mlc_cert_describe(const X509 *cert, mlc_http_cert *out)
{
    struct tm end;
    take_name(X509_get_subject_name(cert), out->subject);
    take_name(X509_get_issuer_name(cert), out->issuer);
    out->not_after_ms = ASN1_TIME_to_tm(X509_get0_notAfter(cert), &end) == 1 ? wall_ms_of(&end) : 0;
}

bool mlc_cert_unknown_issuer(int error)
{
    return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN ||
           error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
           error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
           error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE || error == X509_V_ERR_CERT_UNTRUSTED;
}

/* The last certificate of the chain for an unknown authority, since that is whose issuer is missing; else the server's own. */
static const X509 *refused_one(const SSL *ssl, bool unknown)
{
    const STACK_OF(X509) *const chain = SSL_get0_verified_chain(ssl);
    const int count = chain != NULL ? sk_X509_num(chain) : 0;
    return count > 0 ? sk_X509_value(chain, unknown ? count - 1 : 0) : NULL;
}

bool mlc_certs_refused(struct lws *wsi, const char *host, const char *url_setting, const char *ca_setting,
                       char *out, size_t size)
{
    mlc_http_cert cert = {0};
    const SSL *const ssl = lws_get_ssl(wsi);
    const long fault = ssl != NULL ? SSL_get_verify_result(ssl) : X509_V_OK;
    const bool unknown = mlc_cert_unknown_issuer((int)fault);
    const X509 *const refused = fault != X509_V_OK ? refused_one(ssl, unknown) : NULL;
    out[0] = '\0';
    if (refused == NULL)
        return false;
    mlc_cert_describe(refused, &cert);
    if (unknown)
        (void)snprintf(
            out, size,
            "the certificate \"%.120s\", issued by \"%.120s\", comes from no authority known here: if a "
            "TLS-inspecting proxy or firewall issued it, have that exempt %.80s; if it is right, name "
            "a file with its authority in %s",
            cert.subject, cert.issuer, host, ca_setting);
    else if (fault == X509_V_ERR_HOSTNAME_MISMATCH || fault == X509_V_ERR_IP_ADDRESS_MISMATCH)
        (void)snprintf(
            out, size,
            "the certificate \"%.120s\", issued by \"%.120s\", is not for %.80s: write into %s the "
            "name that it is for, or have it changed",
            cert.subject, cert.issuer, host, url_setting);
    else
        (void)snprintf(out, size,
                       "the certificate \"%.120s\", issued by \"%.120s\": %s; have it corrected, or set this "
                       "machine's clock",
                       cert.subject, cert.issuer, X509_verify_cert_error_string(fault));
    return true;
}

static int verify_for_ip(X509_STORE_CTX *store, void *ip)
{
    X509_VERIFY_PARAM *const wanted = X509_STORE_CTX_get0_param(store);
    if (X509_VERIFY_PARAM_set1_host(wanted, NULL, 0) != 1 || X509_VERIFY_PARAM_set1_ip_asc(wanted, ip) != 1) {
        X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
        return 0;
    }
    return X509_verify_cert(store);
}

void mlc_certs_want_ip(SSL_CTX *context, const char *ip)
{
    union {
        const char *text;
        void *arg;
    } const kept = {.text = ip}; /* only read */
    SSL_CTX_set_cert_verify_callback(context, verify_for_ip, kept.arg);
}
