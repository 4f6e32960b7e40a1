/* x509.c - see x509.h: reading and checking. */
#include "crypto/x509.h"

#include "crypto/ec_private.h"

#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static bool is_name_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

enum { OID_LEN = 3 };
static const uint8_t common_name[OID_LEN] = MBEDTLS_OID_AT_CN;
static const uint8_t organisation[OID_LEN] = MBEDTLS_OID_AT_ORGANIZATION;

/* The one name of this kind; false when there is none, more than one, or another letter in it. */
static bool take_name(const mbedtls_x509_name *subject, const uint8_t kind[OID_LEN],
                      char out[MLC_CERT_NAME_MAX])
{
    const mbedtls_x509_name *found = NULL;
    for (const mbedtls_x509_name *at = subject; at != NULL; at = at->next) {
        if (at->oid.len != OID_LEN || memcmp(at->oid.p, kind, OID_LEN) != 0)
            continue;
        if (found != NULL)
            return false;
        found = at;
    }
    if (found == NULL || found->val.len == 0 || found->val.len >= MLC_CERT_NAME_MAX)
        return false;
    for (size_t i = 0; i < found->val.len; i++) {
        if (!is_name_byte(found->val.p[i]))
            return false;
        out[i] = (char)found->val.p[i];
    }
    out[found->val.len] = '\0';
    return true;
}

/* mbedTLS checks no signature of a request: the sender must have the private key. */
static mlc_code check_csr(mbedtls_x509_csr *csr, mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    if (csr->sig_md != MBEDTLS_MD_SHA256 || csr->sig_pk != MBEDTLS_PK_ECDSA)
        return mlc_fail(err, MLC_E_INVALID, "the certificate request must be signed by ECDSA with SHA-256");
    const mlc_code code = mlc_sha256(csr->cri.p, csr->cri.len, hash, err);
    if (code == MLC_OK &&
        mbedtls_pk_verify(&csr->pk, MBEDTLS_MD_SHA256, hash, sizeof hash, csr->sig.p, csr->sig.len) != 0)
        return mlc_fail(err, MLC_E_INVALID, "the signature of the certificate request is not right");
    return code;
}

mlc_code mlc_csr_read(const void *der, size_t len, char name[MLC_CERT_NAME_MAX],
                      uint8_t public_key[MLC_EC_PUBLIC_LEN], mlc_error *err)
{
    mbedtls_x509_csr csr;
    mlc_code code = MLC_OK;
    if (len == 0 || len > MLC_CSR_MAX)
        return mlc_fail(err, MLC_E_INVALID, "a certificate request has 1 to %d bytes", MLC_CSR_MAX);
    mbedtls_x509_csr_init(&csr);
    if (mbedtls_x509_csr_parse_der(&csr, der, len) != 0)
        code = mlc_fail(err, MLC_E_INVALID, "not a certificate request (PKCS #10, DER)");
    else if (!take_name(&csr.subject, common_name, name))
        code = mlc_fail(err, MLC_E_INVALID,
                        "the certificate request must have the agent's id as its common name");
    if (code == MLC_OK)
        code = ec_point_of(&csr.pk, public_key, err);
    if (code == MLC_OK)
        code = check_csr(&csr, err);
    mbedtls_x509_csr_free(&csr);
    return code;
}

static int64_t time_ms(const mbedtls_x509_time *at)
{
    struct tm tm = {.tm_year = at->year - 1900,
                    .tm_mon = at->mon - 1,
                    .tm_mday = at->day,
                    .tm_hour = at->hour,
                    .tm_min = at->min,
                    .tm_sec = at->sec};
    return (int64_t)timegm(&tm) * 1000;
}

static mlc_code parse_cert(const void *der, size_t len, mbedtls_x509_crt *out, mlc_error *err)
{
    if (len == 0 || len > MLC_CERT_MAX || mbedtls_x509_crt_parse_der(out, der, len) != 0 ||
        out->raw.len != len)
        return mlc_fail(err, MLC_E_INVALID, "not a certificate (X.509, DER, at most %d bytes)", MLC_CERT_MAX);
    return MLC_OK;
}

mlc_code mlc_cert_read(const void *der, size_t len, mlc_cert_info *out, mlc_error *err)
{
    mbedtls_x509_crt crt;
    memset(out, 0, sizeof *out);
    mbedtls_x509_crt_init(&crt);
    mlc_code code = parse_cert(der, len, &crt, err);
    if (code == MLC_OK)
        code = ec_point_of(&crt.pk, out->public_key, err);
    if (code == MLC_OK)
        code = mlc_sha256(der, len, out->fingerprint, err);
    if (code == MLC_OK && crt.serial.len > (MLC_CERT_SERIAL_MAX - 1) / 2)
        code = mlc_fail(err, MLC_E_INVALID, "the certificate's serial number is too long");
    if (code == MLC_OK) {
        if (!take_name(&crt.subject, common_name, out->name))
            out->name[0] = '\0';
        if (!take_name(&crt.subject, organisation, out->tenant))
            out->tenant[0] = '\0';
        mlc_hex(crt.serial.p, crt.serial.len, out->serial);
        out->not_before_ms = time_ms(&crt.valid_from);
        out->not_after_ms = time_ms(&crt.valid_to);
        out->is_ca = crt.ca_istrue != 0;
    }
    mbedtls_x509_crt_free(&crt);
    return code;
}

mlc_code mlc_cert_check(const void *der, size_t len, const void *ca, size_t ca_len, mlc_error *err)
{
    mbedtls_x509_crt crt, issuer;
    uint32_t flags = 0;
    mbedtls_x509_crt_init(&crt);
    mbedtls_x509_crt_init(&issuer);
    mlc_code code = parse_cert(der, len, &crt, err);
    if (code == MLC_OK)
        code = parse_cert(ca, ca_len, &issuer, err);
    if (code == MLC_OK) {
        (void)mbedtls_x509_crt_verify(&crt, &issuer, NULL, NULL, &flags, NULL, NULL);
        flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
        if (flags != 0)
            code = mlc_fail(err, MLC_E_AUTH, "the certificate was not issued by this authority");
    }
    mbedtls_x509_crt_free(&crt);
    mbedtls_x509_crt_free(&issuer);
    return code;
}
