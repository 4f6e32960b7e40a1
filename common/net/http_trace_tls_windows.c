/* http_trace_tls_windows.c - the certificates of a handshake, by mbedTLS. It shows each, from the authority to the server's
 * own, to on_verify, which looks and leaves the judgement as it is. */
#include "net/http_private.h"

#include "base/clock.h"

#include <mbedtls/ssl.h>
#include <stdio.h>
#include <string.h>

static void take_cert(const mbedtls_x509_crt *cert, mlc_http_cert *out)
{
    const mbedtls_x509_time *const end = &cert->valid_to;
    (void)mbedtls_x509_dn_gets(out->subject, MLC_HTTP_DN_MAX, &cert->subject);
    (void)mbedtls_x509_dn_gets(out->issuer, MLC_HTTP_DN_MAX, &cert->issuer);
    out->subject[mlc_utf8_prefix(out->subject, strlen(out->subject))] = '\0';
    out->issuer[mlc_utf8_prefix(out->issuer, strlen(out->issuer))] = '\0';
    const int64_t days = mlc_days_from_civil(end->year, (unsigned)end->mon, (unsigned)end->day);
    out->not_after_ms = (((days * 24 + end->hour) * 60 + end->min) * 60 + end->sec) * 1000;
}

static int on_verify(void *user, mbedtls_x509_crt *cert, int depth, uint32_t *flags)
{
    mlc_http_trace *const trace = user;
    /* A wrong host name is no fault of the chain (http_trace.h). */
    const uint32_t faults = *flags & ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
    if (depth == 0)
        take_cert(cert, &trace->peer);
    if (faults == 0 || trace->fault[0] != '\0')
        return 0;
    take_cert(cert, &trace->refused);
    trace->unknown_issuer = (faults & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0;
    (void)mbedtls_x509_crt_verify_info(trace->fault, sizeof trace->fault, "", faults);
    trace->fault[strcspn(trace->fault, "\n")] = '\0';
    return 0;
}

CURLcode mlc_http_trace_tls(CURL *easy, void *context, void *user)
{
    (void)easy;
    mbedtls_ssl_conf_verify(context, on_verify, user);
    return CURLE_OK;
}
