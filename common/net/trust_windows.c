/* trust_windows.c - see trust.h. Read once: authorities an administrator adds later count from the next start on. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "net/trust.h"

#include "base/buf.h"

#include <mbedtls/x509_crt.h>
#include <pthread.h>
#include <wincrypt.h>

/* What Windows trusts is a fact of the machine, as its clock is; so it is the process's, and no part's. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static mlc_buf pem;

/* One that mbedTLS cannot read would make it refuse all. */
static bool is_readable(const CERT_CONTEXT *cert)
{
    mbedtls_x509_crt parsed;
    mbedtls_x509_crt_init(&parsed);
    const int rc = mbedtls_x509_crt_parse_der(&parsed, cert->pbCertEncoded, cert->cbCertEncoded);
    mbedtls_x509_crt_free(&parsed);
    return rc == 0;
}

static void add(const CERT_CONTEXT *cert)
{
    char text[16 * 1024];
    DWORD len = sizeof text;
    if (!is_readable(cert))
        return;
    if (CryptBinaryToStringA(cert->pbCertEncoded, cert->cbCertEncoded,
                             CRYPT_STRING_BASE64HEADER | CRYPT_STRING_NOCR, text, &len))
        (void)mlc_buf_append(&pem, text, len, NULL);
}

static void read_store(void)
{
    const CERT_CONTEXT *cert = NULL;
    const HCERTSTORE store = CertOpenSystemStoreA(0, "ROOT");
    if (store == NULL)
        return;
    while ((cert = CertEnumCertificatesInStore(store, cert)) != NULL)
        add(cert);
    (void)CertCloseStore(store, 0);
}

const char *mlc_trust_pem(size_t *len)
{
    (void)pthread_once(&once, read_store);
    *len = pem.len + 1;
    return mlc_buf_text(&pem);
}
