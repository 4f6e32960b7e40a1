/* ec_private.h - keys as mbedTLS wants them, for the files of this folder only. */
#ifndef MLC_CRYPTO_EC_PRIVATE_H
#define MLC_CRYPTO_EC_PRIVATE_H

#include "crypto/ec.h"

#include <mbedtls/pk.h>

/* The source of random numbers in the form of mbedTLS; user is not used. */
int ec_random(void *user, unsigned char *out, size_t len);
/* Fill an initialised context. The caller frees it, which wipes the key. */
mlc_code ec_private_pk(const uint8_t key[MLC_EC_PRIVATE_LEN], mbedtls_pk_context *pk, mlc_error *err);
mlc_code ec_public_pk(const uint8_t key[MLC_EC_PUBLIC_LEN], mbedtls_pk_context *pk, mlc_error *err);
/* The public key inside. MLC_E_INVALID: not one of P-256. */
mlc_code ec_point_of(const mbedtls_pk_context *pk, uint8_t out[MLC_EC_PUBLIC_LEN], mlc_error *err);

#endif
