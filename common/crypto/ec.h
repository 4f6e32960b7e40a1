/* ec.h - key pairs of the curve P-256: signatures by which an agent and the relay prove who they are.
 *
 * A private key is its number, a public key the uncompressed point (04 || X || Y), a signature r || s (IEEE P1363): all of
 * fixed size, big-endian. Signing is deterministic (RFC 6979), with SHA-256. Thread rule: any thread.
 */
#ifndef MLC_CRYPTO_EC_H
#define MLC_CRYPTO_EC_H

#include "crypto/crypto.h"

enum { MLC_EC_PRIVATE_LEN = 32, MLC_EC_PUBLIC_LEN = 65, MLC_EC_SIGNATURE_LEN = 64 };

/* A new private key. The caller wipes it. */
mlc_code mlc_ec_generate(uint8_t out[MLC_EC_PRIVATE_LEN], mlc_error *err);
/* The public key that belongs to it. MLC_E_INVALID: the number is none of the curve. */
mlc_code mlc_ec_public(const uint8_t key[MLC_EC_PRIVATE_LEN], uint8_t out[MLC_EC_PUBLIC_LEN], mlc_error *err);
mlc_code mlc_ec_sign(const uint8_t key[MLC_EC_PRIVATE_LEN], const void *data, size_t len,
                     uint8_t out[MLC_EC_SIGNATURE_LEN], mlc_error *err);
/* MLC_E_AUTH: the signature is not of this key over these bytes. */
mlc_code mlc_ec_verify(const uint8_t public_key[MLC_EC_PUBLIC_LEN], const void *data, size_t len,
                       const uint8_t signature[MLC_EC_SIGNATURE_LEN], mlc_error *err);

/* Append the private key as DER (RFC 5915), which OpenSSL reads. The caller wipes `out`. */
mlc_code mlc_ec_key_der(const uint8_t key[MLC_EC_PRIVATE_LEN], mlc_buf *out, mlc_error *err);
/* Read an unencrypted private key, PEM or DER. MLC_E_INVALID: not one of P-256. */
mlc_code mlc_ec_key_read(const void *data, size_t len, uint8_t out[MLC_EC_PRIVATE_LEN], mlc_error *err);

#endif
