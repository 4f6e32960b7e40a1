/* ec.c - see ec.h. */
#include "crypto/ec_private.h"

#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_LEN = 32, DER_MAX = 256 };

int ec_random(void *user, unsigned char *out, size_t len)
{
    (void)user;
    return mlc_random(out, len, NULL) == MLC_OK ? 0 : MBEDTLS_ERR_ECP_RANDOM_FAILED;
}

static mlc_code no_key(mlc_error *err)
{
    return mlc_fail(err, MLC_E_INVALID, "not a key of the curve P-256");
}

mlc_code ec_private_pk(const uint8_t key[MLC_EC_PRIVATE_LEN], mbedtls_pk_context *pk, mlc_error *err)
{
    if (mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a key");
    mbedtls_ecp_keypair *const pair = mbedtls_pk_ec(*pk);
    if (mbedtls_ecp_group_load(&pair->grp, MBEDTLS_ECP_DP_SECP256R1) != 0 ||
        mbedtls_mpi_read_binary(&pair->d, key, MLC_EC_PRIVATE_LEN) != 0 ||
        mbedtls_ecp_check_privkey(&pair->grp, &pair->d) != 0 ||
        mbedtls_ecp_mul(&pair->grp, &pair->Q, &pair->d, &pair->grp.G, ec_random, NULL) != 0)
        return no_key(err);
    return MLC_OK;
}

mlc_code ec_public_pk(const uint8_t key[MLC_EC_PUBLIC_LEN], mbedtls_pk_context *pk, mlc_error *err)
{
    if (mbedtls_pk_setup(pk, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a key");
    mbedtls_ecp_keypair *const pair = mbedtls_pk_ec(*pk);
    if (mbedtls_ecp_group_load(&pair->grp, MBEDTLS_ECP_DP_SECP256R1) != 0 ||
        mbedtls_ecp_point_read_binary(&pair->grp, &pair->Q, key, MLC_EC_PUBLIC_LEN) != 0 ||
        mbedtls_ecp_check_pubkey(&pair->grp, &pair->Q) != 0)
        return no_key(err);
    return MLC_OK;
}

mlc_code ec_point_of(const mbedtls_pk_context *pk, uint8_t out[MLC_EC_PUBLIC_LEN], mlc_error *err)
{
    size_t len = 0;
    if (!mbedtls_pk_can_do(pk, MBEDTLS_PK_ECDSA))
        return no_key(err);
    const mbedtls_ecp_keypair *const pair = mbedtls_pk_ec(*pk);
    if (pair->grp.id != MBEDTLS_ECP_DP_SECP256R1 ||
        mbedtls_ecp_point_write_binary(&pair->grp, &pair->Q, MBEDTLS_ECP_PF_UNCOMPRESSED, &len, out,
                                       MLC_EC_PUBLIC_LEN) != 0 ||
        len != MLC_EC_PUBLIC_LEN)
        return no_key(err);
    return MLC_OK;
}

mlc_code mlc_ec_generate(uint8_t out[MLC_EC_PRIVATE_LEN], mlc_error *err)
{
    mbedtls_ecp_keypair pair;
    mlc_code code = MLC_OK;
    mbedtls_ecp_keypair_init(&pair);
    if (mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, &pair, ec_random, NULL) != 0 ||
        mbedtls_mpi_write_binary(&pair.d, out, MLC_EC_PRIVATE_LEN) != 0)
        code = mlc_fail(err, MLC_E_INTERNAL, "a key could not be made");
    mbedtls_ecp_keypair_free(&pair);
    return code;
}

mlc_code mlc_ec_public(const uint8_t key[MLC_EC_PRIVATE_LEN], uint8_t out[MLC_EC_PUBLIC_LEN], mlc_error *err)
{
    mbedtls_pk_context pk;
    mbedtls_pk_init(&pk);
    mlc_code code = ec_private_pk(key, &pk, err);
    if (code == MLC_OK)
        code = ec_point_of(&pk, out, err);
    mbedtls_pk_free(&pk);
    return code;
}

mlc_code mlc_ec_sign(const uint8_t key[MLC_EC_PRIVATE_LEN], const void *data, size_t len,
                     uint8_t out[MLC_EC_SIGNATURE_LEN], mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    mbedtls_pk_context pk;
    mbedtls_mpi r, s;
    mbedtls_pk_init(&pk);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    mlc_code code = mlc_sha256(data, len, hash, err);
    if (code == MLC_OK)
        code = ec_private_pk(key, &pk, err);
    if (code == MLC_OK) {
        mbedtls_ecp_keypair *const pair = mbedtls_pk_ec(pk);
        if (mbedtls_ecdsa_sign_det_ext(&pair->grp, &r, &s, &pair->d, hash, sizeof hash, MBEDTLS_MD_SHA256,
                                       ec_random, NULL) != 0 ||
            mbedtls_mpi_write_binary(&r, out, NUMBER_LEN) != 0 ||
            mbedtls_mpi_write_binary(&s, out + NUMBER_LEN, NUMBER_LEN) != 0)
            code = mlc_fail(err, MLC_E_INTERNAL, "a signature could not be made");
    }
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    mbedtls_pk_free(&pk);
    return code;
}

mlc_code mlc_ec_verify(const uint8_t public_key[MLC_EC_PUBLIC_LEN], const void *data, size_t len,
                       const uint8_t signature[MLC_EC_SIGNATURE_LEN], mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    mbedtls_pk_context pk;
    mbedtls_mpi r, s;
    mbedtls_pk_init(&pk);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    mlc_code code = mlc_sha256(data, len, hash, err);
    if (code == MLC_OK)
        code = ec_public_pk(public_key, &pk, err);
    if (code == MLC_OK) {
        mbedtls_ecp_keypair *const pair = mbedtls_pk_ec(pk);
        if (mbedtls_mpi_read_binary(&r, signature, NUMBER_LEN) != 0 ||
            mbedtls_mpi_read_binary(&s, signature + NUMBER_LEN, NUMBER_LEN) != 0 ||
            mbedtls_ecdsa_verify(&pair->grp, hash, sizeof hash, &pair->Q, &r, &s) != 0)
            code = mlc_fail(err, MLC_E_AUTH, "the signature is not right");
    }
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    mbedtls_pk_free(&pk);
    return code;
}

mlc_code mlc_ec_key_der(const uint8_t key[MLC_EC_PRIVATE_LEN], mlc_buf *out, mlc_error *err)
{
    uint8_t der[DER_MAX];
    mbedtls_pk_context pk;
    mbedtls_pk_init(&pk);
    mlc_code code = ec_private_pk(key, &pk, err);
    if (code == MLC_OK) {
        const int len = mbedtls_pk_write_key_der(&pk, der, sizeof der); /* at the end of the room */
        code = len > 0 ? mlc_buf_append(out, der + sizeof der - (size_t)len, (size_t)len, err)
                       : mlc_fail(err, MLC_E_INTERNAL, "a key could not be written");
    }
    mlc_wipe(der, sizeof der);
    mbedtls_pk_free(&pk);
    return code;
}

mlc_code mlc_ec_key_read(const void *data, size_t len, uint8_t out[MLC_EC_PRIVATE_LEN], mlc_error *err)
{
    uint8_t point[MLC_EC_PUBLIC_LEN];
    mbedtls_pk_context pk;
    mlc_code code = MLC_OK;
    mbedtls_pk_init(&pk);
    /* PEM is only recognised with its NUL counted. */
    uint8_t *const copy = malloc(len + 1);
    if (copy == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a key");
    memcpy(copy, data, len);
    copy[len] = '\0';
    const bool pem = strstr((const char *)copy, "-----BEGIN") != NULL;
    if (mbedtls_pk_parse_key(&pk, copy, pem ? len + 1 : len, NULL, 0) != 0)
        code = mlc_fail(err, MLC_E_INVALID, "not an unencrypted private key of the curve P-256");
    if (code == MLC_OK)
        code = ec_point_of(&pk, point, err);
    if (code == MLC_OK && mbedtls_mpi_write_binary(&mbedtls_pk_ec(pk)->d, out, MLC_EC_PRIVATE_LEN) != 0)
        code = no_key(err);
    mlc_wipe(copy, len);
    free(copy);
    mbedtls_pk_free(&pk);
    return code;
}
