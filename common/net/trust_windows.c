/* trust_windows.c - see trust.h. Read for each context: authorities an administrator adds count from the next connection's
 * settings on. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>
/* before OpenSSL, whose names it takes */
#include <wincrypt.h>
#undef X509_NAME
#undef X509_EXTENSIONS
#undef PKCS7_SIGNER_INFO

#include "net/trust.h"

#include <openssl/err.h>
#include <openssl/x509.h>

static void add(X509_STORE *trusted, const CERT_CONTEXT *cert)
{
    const unsigned char *at = cert->pbCertEncoded;
    X509 *const parsed = d2i_X509(NULL, &at, (long)cert->cbCertEncoded);
    /* One that cannot be read or is there already takes nothing from the others. */
    if (parsed != NULL)
        (void)X509_STORE_add_cert(trusted, parsed);
    X509_free(parsed);
}

void mlc_trust_system(SSL_CTX *ctx)
{
    X509_STORE *const trusted = SSL_CTX_get_cert_store(ctx);
    const CERT_CONTEXT *cert = NULL;
    const HCERTSTORE store = CertOpenSystemStoreA(0, "ROOT");
    if (store == NULL)
        return;
    while ((cert = CertEnumCertificatesInStore(store, cert)) != NULL)
        add(trusted, cert);
    (void)CertCloseStore(store, 0);
    ERR_clear_error();
}
