/* hash.c - SHA-256, HMAC-SHA-256 and comparisons that leak no time. */
#include "crypto/crypto.h"

#include <mbedtls/md.h>
#include <mbedtls/sha256.h>
#include <string.h>

mlc_code mlc_sha256(const void *data, size_t len, uint8_t out[MLC_SHA256_LEN], mlc_error *err)
{
    static const uint8_t nothing[1] = {0};
    const int rc = mbedtls_sha256_ret(len > 0 ? data : nothing, len, out, 0);
    if (rc != 0)
        return mlc_fail(err, MLC_E_INTERNAL, "SHA-256 failed (mbedTLS -0x%04x)", (unsigned)-rc);
    return MLC_OK;
}

mlc_code mlc_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                         uint8_t out[MLC_SHA256_LEN], mlc_error *err)
{
    static const uint8_t nothing[1] = {0};
    const mbedtls_md_info_t *info = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
    const int rc = info == NULL ? MBEDTLS_ERR_MD_FEATURE_UNAVAILABLE
                                : mbedtls_md_hmac(info, key_len > 0 ? key : nothing, key_len,
                                                  len > 0 ? data : nothing, len, out);
    if (rc != 0)
        return mlc_fail(err, MLC_E_INTERNAL, "HMAC-SHA-256 failed (mbedTLS -0x%04x)", (unsigned)-rc);
    return MLC_OK;
}

bool mlc_ct_equal(const void *a, const void *b, size_t len)
{
    /* volatile keeps the compiler from stopping at the first difference. */
    const volatile uint8_t *x = a;
    const volatile uint8_t *y = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < len; i++)
        difference = (uint8_t)(difference | (x[i] ^ y[i]));
    return difference == 0;
}

bool mlc_secret_equal(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return false;
    uint8_t hash_a[MLC_SHA256_LEN];
    uint8_t hash_b[MLC_SHA256_LEN];
    const bool equal = mlc_sha256(a, strlen(a), hash_a, NULL) == MLC_OK &&
                       mlc_sha256(b, strlen(b), hash_b, NULL) == MLC_OK &&
                       mlc_ct_equal(hash_a, hash_b, sizeof hash_a);
    mlc_wipe(hash_a, sizeof hash_a);
    mlc_wipe(hash_b, sizeof hash_b);
    return equal;
}
