/* trust.h - the authorities the system trusts. trust.c: the TLS libraries find them themselves. trust_windows.c: they are
 * taken from Windows' certificate store, which mbedTLS does not know. Thread rule: any thread. */
#ifndef MLC_NET_TRUST_H
#define MLC_NET_TRUST_H

#include <stddef.h>

/* Certificates in PEM, with a NUL that counts in *len; they stay for the life of the process. NULL: the libraries' own. */
const char *mlc_trust_pem(size_t *len);

#endif
