/* parts: crypto */
/* Any bytes as a certificate request or a certificate: what is taken has a proper name and a key that works. */
#include "crypto/x509.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void check_name(const char *name)
{
    require(strlen(name) < MLC_CERT_NAME_MAX);
    for (const char *p = name; *p != '\0'; p++)
        require(*p > ' ' && *p <= '~' && *p != '/' && *p != ',');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t signature[MLC_EC_SIGNATURE_LEN] = {1};
    uint8_t key[MLC_EC_PUBLIC_LEN];
    char name[MLC_CERT_NAME_MAX];
    mlc_cert_info info;
    mlc_buf der = {0};
    if (mlc_csr_read(data, size, name, key, NULL) == MLC_OK) {
        require(name[0] != '\0');
        check_name(name);
        require(mlc_ec_verify(key, "a", 1, signature, NULL) == MLC_E_AUTH);
    }
    if (mlc_cert_read(data, size, &info, NULL) == MLC_OK) {
        check_name(info.name);
        require(strlen(info.serial) < MLC_CERT_SERIAL_MAX);
        (void)mlc_cert_check(data, size, data, size, NULL);
    }
    if (mlc_cert_from_pem((const char *)data, size, &der, NULL) == MLC_OK)
        require(der.len > 0);
    mlc_buf_free(&der);
    return 0;
}
