/* certs.h - what a certificate says, and why a handshake was refused, in words. Loop's thread only. */
#ifndef MLC_NET_CERTS_H
#define MLC_NET_CERTS_H

#include "net/http_trace.h"

#include <libwebsockets.h>
#include <stdbool.h>
#include <stddef.h>

/* Names and end of a certificate. Control characters are escaped: the names are the peer's. */
void mlc_cert_describe(const X509 *cert, mlc_http_cert *out);
/* Does this error of OpenSSL's (X509_V_ERR_...) mean that the chain ends at an authority that is not trusted? */
bool mlc_cert_unknown_issuer(int error);

/* For a client connection that libwebsockets is giving up: which certificate of the peer was refused, who issued it, why, and
 * the remedy. `host` is the peer's name, url_setting and ca_setting the settings that the remedy names. False: the
 * handshake did not fail because of a certificate; out is "" then. */
bool mlc_certs_refused(struct lws *wsi, const char *host, const char *url_setting, const char *ca_setting,
                       char *out, size_t size);

/* Have this client context verify that the peer's certificate is for the IP address `ip`. libwebsockets cuts the host at its
 * first colon, so for an IPv6 address it would verify another name, or for ::1 none at all. `ip` must outlive the
 * context. */
void mlc_certs_want_ip(SSL_CTX *context, const char *ip);

#endif
