/* seal.c - AES-256-GCM envelopes: version byte, 12-byte random nonce, 16-byte tag, ciphertext.
 *
 * The nonce is random: with 96 bits, one key may seal some 2^32 envelopes before a repeat becomes a
 * concern; the connector seals a few secrets and records, far below that. */
#include "crypto/crypto.h"

#include <mbedtls/gcm.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, NONCE_LEN = 12, TAG_LEN = 16, HEAD_LEN = 1 + NONCE_LEN + TAG_LEN };

/* Far below GCM's own bound of 2^36 bytes, and below what any caller has to seal. */
static const size_t plain_max = (size_t)1 << 30;

/* The caller releases gcm with mbedtls_gcm_free whatever the result. */
static mlc_code gcm_open(mbedtls_gcm_context *gcm, const uint8_t key[MLC_KEY_LEN], mlc_error *err)
{
    mbedtls_gcm_init(gcm);
    const int rc = mbedtls_gcm_setkey(gcm, MBEDTLS_CIPHER_ID_AES, key, MLC_KEY_LEN * 8);
    if (rc != 0)
        return mlc_fail(err, MLC_E_INTERNAL, "AES-256-GCM key setup failed (mbedTLS -0x%04x)", (unsigned)-rc);
    return MLC_OK;
}

mlc_code mlc_seal(const uint8_t key[MLC_KEY_LEN], const char *context, const void *data, size_t len,
                  mlc_buf *out, mlc_error *err)
{
    static const uint8_t nothing[1] = {0};
    const char *const bound = context != NULL ? context : "";
    if (len > plain_max)
        return mlc_fail(err, MLC_E_LIMIT, "cannot seal %zu bytes; at most %zu", len, plain_max);
    uint8_t *envelope = malloc(HEAD_LEN + len);
    if (envelope == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory to seal %zu bytes", len);

    mbedtls_gcm_context gcm;
    mlc_code code = gcm_open(&gcm, key, err);
    if (code != MLC_OK)
        goto done;
    envelope[0] = VERSION;
    code = mlc_random(envelope + 1, NONCE_LEN, err);
    if (code != MLC_OK)
        goto done;
    const int rc = mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, len, envelope + 1, NONCE_LEN,
                                             (const uint8_t *)bound, strlen(bound), len > 0 ? data : nothing,
                                             envelope + HEAD_LEN, TAG_LEN, envelope + 1 + NONCE_LEN);
    if (rc != 0) {
        code = mlc_fail(err, MLC_E_INTERNAL, "sealing failed (mbedTLS -0x%04x)", (unsigned)-rc);
        goto done;
    }
    code = mlc_buf_append(out, envelope, HEAD_LEN + len, err);
done:
    mbedtls_gcm_free(&gcm);
    free(envelope);
    return code;
}

mlc_code mlc_unseal(const uint8_t key[MLC_KEY_LEN], const char *context, const void *sealed, size_t len,
                    mlc_buf *out, mlc_error *err)
{
    const uint8_t *const envelope = sealed;
    const char *const bound = context != NULL ? context : "";
    if (envelope == NULL || len < HEAD_LEN || envelope[0] != VERSION)
        return mlc_fail(err, MLC_E_AUTH, "not a sealed value of version %d", VERSION);
    const size_t plain_len = len - HEAD_LEN;
    if (plain_len > plain_max)
        return mlc_fail(err, MLC_E_LIMIT, "cannot open %zu sealed bytes; at most %zu", plain_len, plain_max);
    uint8_t *plain = malloc(plain_len + 1);
    if (plain == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory to open %zu sealed bytes", plain_len);

    mbedtls_gcm_context gcm;
    mlc_code code = gcm_open(&gcm, key, err);
    if (code != MLC_OK)
        goto done;
    const int rc = mbedtls_gcm_auth_decrypt(&gcm, plain_len, envelope + 1, NONCE_LEN, (const uint8_t *)bound,
                                            strlen(bound), envelope + 1 + NONCE_LEN, TAG_LEN,
                                            envelope + HEAD_LEN, plain);
    if (rc != 0) {
        code = mlc_fail(err, MLC_E_AUTH, "sealed value does not open: other key, other purpose or damaged");
        goto done;
    }
    code = mlc_buf_append(out, plain, plain_len, err);
done:
    mbedtls_gcm_free(&gcm);
    mlc_wipe(plain, plain_len);
    free(plain);
    return code;
}
