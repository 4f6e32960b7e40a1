/* trust.h - the authorities the system trusts. trust.c: OpenSSL finds them itself. trust_windows.c: they are taken from
 * Windows' certificate store, which OpenSSL does not know. Thread rule: any thread. */
#ifndef MLC_NET_TRUST_H
#define MLC_NET_TRUST_H

#include <openssl/ssl.h>

/* Adds what OpenSSL does not find itself to what `ctx` trusts. */
void mlc_trust_system(SSL_CTX *ctx);

#endif
