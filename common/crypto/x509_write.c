/* x509_write.c - see x509.h: making. */
#include "crypto/x509.h"

#include "crypto/ec_private.h"

#include <mbedtls/pem.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SUBJECT_MAX = 2 * MLC_CERT_NAME_MAX + 32, SERIAL_LEN = 16, TIME_TEXT_MAX = 16, LAST_YEAR = 9999 };

/* Names of our own settings only: nothing that a distinguished name would have to escape. */
static mlc_code subject_of(const char *name, const char *tenant, char out[SUBJECT_MAX], mlc_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const char *const parts[] = {name, tenant};
    for (size_t i = 0; i < 2; i++) {
        if (i == 1 && tenant == NULL)
            continue;
        const size_t len = strlen(parts[i]);
        if (len == 0 || len >= MLC_CERT_NAME_MAX || strspn(parts[i], allowed) != len)
            return mlc_fail(err, MLC_E_INVALID,
                            "a certificate's name has 1 to %d letters, digits, dots, dashes or underscores",
                            MLC_CERT_NAME_MAX - 1);
    }
    (void)snprintf(out, SUBJECT_MAX, "%s%s%sCN=%s", tenant != NULL ? "O=" : "", tenant != NULL ? tenant : "",
                   tenant != NULL ? "," : "", name);
    return MLC_OK;
}

/* The writers of mbedTLS fill the room from its end. */
static mlc_code append_tail(const uint8_t *room, size_t size, int len, mlc_buf *out, mlc_error *err)
{
    if (len <= 0 || (size_t)len > size)
        return mlc_fail(err, MLC_E_INTERNAL, "a certificate could not be written (mbedTLS %d)", len);
    return mlc_buf_append(out, room + size - (size_t)len, (size_t)len, err);
}

mlc_code mlc_csr_make(const uint8_t key[MLC_EC_PRIVATE_LEN], const char *name, mlc_buf *out, mlc_error *err)
{
    char subject[SUBJECT_MAX];
    uint8_t room[MLC_CSR_MAX];
    mbedtls_pk_context pk;
    mbedtls_x509write_csr csr;
    mbedtls_pk_init(&pk);
    mbedtls_x509write_csr_init(&csr);
    mlc_code code = subject_of(name, NULL, subject, err);
    if (code == MLC_OK)
        code = ec_private_pk(key, &pk, err);
    if (code == MLC_OK && mbedtls_x509write_csr_set_subject_name(&csr, subject) != 0)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a certificate request");
    if (code == MLC_OK) {
        mbedtls_x509write_csr_set_key(&csr, &pk);
        mbedtls_x509write_csr_set_md_alg(&csr, MBEDTLS_MD_SHA256);
        code = append_tail(room, sizeof room,
                           mbedtls_x509write_csr_der(&csr, room, sizeof room, ec_random, NULL), out, err);
    }
    mbedtls_x509write_csr_free(&csr);
    mbedtls_pk_free(&pk);
    return code;
}

static mlc_code time_text(int64_t ms, char out[TIME_TEXT_MAX], mlc_error *err)
{
    struct tm tm;
    const time_t seconds = (time_t)(ms / 1000);
    if (ms < 0 || gmtime_r(&seconds, &tm) == NULL || tm.tm_year + 1900 > LAST_YEAR ||
        strftime(out, TIME_TEXT_MAX, "%Y%m%d%H%M%S", &tm) == 0)
        return mlc_fail(err, MLC_E_INVALID, "a certificate cannot be of this time");
    return MLC_OK;
}

static mlc_code set_serial(mbedtls_x509write_cert *crt, mlc_error *err)
{
    uint8_t serial[SERIAL_LEN];
    mbedtls_mpi number;
    mbedtls_mpi_init(&number);
    mlc_code code = mlc_random(serial, sizeof serial, err);
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40); /* positive, and always of this length */
    if (code == MLC_OK && (mbedtls_mpi_read_binary(&number, serial, sizeof serial) != 0 ||
                           mbedtls_x509write_crt_set_serial(crt, &number) != 0))
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a certificate");
    mbedtls_mpi_free(&number);
    return code;
}

/* Sets all but keys and issuer's name. */
static mlc_code describe(mbedtls_x509write_cert *crt, const mlc_cert_order *order, mlc_error *err)
{
    char subject[SUBJECT_MAX], from[TIME_TEXT_MAX], to[TIME_TEXT_MAX];
    const bool is_ca = order->ca == NULL;
    mbedtls_x509write_crt_set_version(crt, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(crt, MBEDTLS_MD_SHA256);
    mlc_code code = subject_of(order->name, order->tenant, subject, err);
    if (code == MLC_OK)
        code = time_text(order->not_before_ms, from, err);
    if (code == MLC_OK)
        code = time_text(order->not_after_ms, to, err);
    if (code == MLC_OK)
        code = set_serial(crt, err);
    if (code != MLC_OK)
        return code;
    if (mbedtls_x509write_crt_set_subject_name(crt, subject) != 0 ||
        (is_ca && mbedtls_x509write_crt_set_issuer_name(crt, subject) != 0) ||
        mbedtls_x509write_crt_set_validity(crt, from, to) != 0 ||
        mbedtls_x509write_crt_set_basic_constraints(crt, is_ca, is_ca ? 0 : -1) != 0 ||
        mbedtls_x509write_crt_set_key_usage(crt,
                                            is_ca ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN
                                                  : MBEDTLS_X509_KU_DIGITAL_SIGNATURE) != 0)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a certificate");
    return MLC_OK;
}

/* The issuer's name must be the very bytes of its subject. */
static mlc_code set_issuer(mbedtls_x509write_cert *crt, const mlc_cert_order *order, mbedtls_x509_crt *ca,
                           mlc_error *err)
{
    char name[512];
    if (order->ca == NULL)
        return MLC_OK;
    if (mbedtls_x509_crt_parse_der(ca, order->ca, order->ca_len) != 0)
        return mlc_fail(err, MLC_E_INVALID, "the issuing authority's certificate cannot be read");
    if (mbedtls_x509_dn_gets(name, sizeof name, &ca->subject) <= 0 ||
        mbedtls_x509write_crt_set_issuer_name(crt, name) != 0)
        return mlc_fail(err, MLC_E_INVALID,
                        "the issuing authority's name cannot be used; give it one of plain letters");
    return MLC_OK;
}

mlc_code mlc_cert_issue(const mlc_cert_order *order, mlc_buf *out, mlc_error *err)
{
    uint8_t room[MLC_CERT_MAX];
    mbedtls_pk_context subject, issuer;
    mbedtls_x509write_cert crt;
    mbedtls_x509_crt ca;
    mbedtls_pk_init(&subject);
    mbedtls_pk_init(&issuer);
    mbedtls_x509write_crt_init(&crt);
    mbedtls_x509_crt_init(&ca);
    mlc_code code = ec_public_pk(order->public_key, &subject, err);
    if (code == MLC_OK)
        code = ec_private_pk(order->ca_key, &issuer, err);
    if (code == MLC_OK)
        code = describe(&crt, order, err);
    if (code == MLC_OK)
        code = set_issuer(&crt, order, &ca, err);
    if (code == MLC_OK) {
        mbedtls_x509write_crt_set_subject_key(&crt, &subject);
        mbedtls_x509write_crt_set_issuer_key(&crt, &issuer);
        if (mbedtls_x509write_crt_set_subject_key_identifier(&crt) != 0 ||
            mbedtls_x509write_crt_set_authority_key_identifier(&crt) != 0)
            code = mlc_fail(err, MLC_E_INTERNAL, "a certificate could not be written");
    }
    if (code == MLC_OK)
        code = append_tail(room, sizeof room,
                           mbedtls_x509write_crt_der(&crt, room, sizeof room, ec_random, NULL), out, err);
    mbedtls_x509_crt_free(&ca);
    mbedtls_x509write_crt_free(&crt);
    mbedtls_pk_free(&subject);
    mbedtls_pk_free(&issuer);
    return code;
}

mlc_code mlc_cert_pem(const void *der, size_t len, mlc_buf *out, mlc_error *err)
{
    static const char head[] = "-----BEGIN CERTIFICATE-----\n";
    static const char foot[] = "-----END CERTIFICATE-----\n";
    uint8_t room[2 * MLC_CERT_MAX];
    size_t got = 0;
    if (mbedtls_pem_write_buffer(head, foot, der, len, room, sizeof room, &got) != 0 || got == 0)
        return mlc_fail(err, MLC_E_LIMIT, "a certificate is too large");
    return mlc_buf_append(out, room, got - 1, err);
}

mlc_code mlc_cert_from_pem(const char *pem, size_t len, mlc_buf *out, mlc_error *err)
{
    mbedtls_x509_crt crt;
    char *const copy = mlc_strndup(pem, len);
    if (copy == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a certificate");
    mbedtls_x509_crt_init(&crt);
    mlc_code code = mbedtls_x509_crt_parse(&crt, (const uint8_t *)copy, strlen(copy) + 1) == 0
                        ? mlc_buf_append(out, crt.raw.p, crt.raw.len, err)
                        : mlc_fail(err, MLC_E_INVALID, "not a certificate in PEM");
    mbedtls_x509_crt_free(&crt);
    free(copy);
    return code;
}
