/* crypto.h - the few cryptographic tools the connector needs, on mbedTLS.
 *
 * Thread rule: every function may be called from any thread; each call has its own state.
 */
#ifndef MLC_CRYPTO_CRYPTO_H
#define MLC_CRYPTO_CRYPTO_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    MLC_SHA256_LEN = 32,
    MLC_KEY_LEN = 32,
    MLC_ID_TEXT_MAX = 33,
    MLC_UUID_TEXT_MAX = 37,
    MLC_BASE36_128_MAX = 26
};

/* Fill with random bytes from the operating system's source. MLC_E_IO when that fails. */
mlc_code mlc_random(void *out, size_t len, mlc_error *err);
/* 128 random bits as 32 lower-case hex digits. */
mlc_code mlc_random_id(char out[MLC_ID_TEXT_MAX], mlc_error *err);
/* Uniform in [0, bound) for jitter; bound > 0. */
uint64_t mlc_random_below(uint64_t bound);

mlc_code mlc_sha256(const void *data, size_t len, uint8_t out[MLC_SHA256_LEN], mlc_error *err);
mlc_code mlc_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                         uint8_t out[MLC_SHA256_LEN], mlc_error *err);
/* Equality in time that depends only on len. */
bool mlc_ct_equal(const void *a, const void *b, size_t len);
/* Equality of secrets of possibly different length (compares their SHA-256). NULL is never equal. */
bool mlc_secret_equal(const char *a, const char *b);

/* AES-256-GCM: out = version byte, 12-byte random nonce, 16-byte tag, ciphertext. `context` is bound
 * as additional data (for example "tenant/acme/agent-key"): opening with another context fails. */
mlc_code mlc_seal(const uint8_t key[MLC_KEY_LEN], const char *context, const void *data, size_t len,
                  mlc_buf *out, mlc_error *err);
/* MLC_E_AUTH when key, context or bytes are wrong. */
mlc_code mlc_unseal(const uint8_t key[MLC_KEY_LEN], const char *context, const void *sealed, size_t len,
                    mlc_buf *out, mlc_error *err);
/* Read the 32-byte root key from a file that only its owner may read; with `create`, make it first
 * (0600, synced). MLC_E_DENIED when group or others may read it: the text names the remedy. */
mlc_code mlc_root_key_load(const char *path, bool create, uint8_t out[MLC_KEY_LEN], mlc_error *err);

/* Lower-case hex; out needs 2*len+1 bytes. Parse fails with MLC_E_INVALID. */
void mlc_hex(const void *data, size_t len, char *out);
mlc_code mlc_hex_parse(const char *text, uint8_t *out, size_t len, mlc_error *err);
/* Standard base64 with padding, appended to out. */
mlc_code mlc_base64(const void *data, size_t len, mlc_buf *out, mlc_error *err);
mlc_code mlc_base64_parse(const char *text, size_t len, mlc_buf *out, mlc_error *err);
/* A UUID ("8-4-4-4-12" hex, any case, braces allowed) as 25 characters 0-9A-Z, always 25, and back.
 * It is how a Dynamics id fits JDE's 25-character reference field VR01 in upper case. */
mlc_code mlc_uuid_to_base36(const char *uuid, char out[MLC_BASE36_128_MAX], mlc_error *err);
mlc_code mlc_base36_to_uuid(const char *text, char out[MLC_UUID_TEXT_MAX], mlc_error *err);

#endif
