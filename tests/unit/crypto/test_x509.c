/* Key pairs, requests and certificates: what is made here can be read, and nothing else can. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/x509.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DAY_MS = 86400000 };
static const int64_t now_ms = INT64_C(1764021600000); /* 2025-11-24T22:00:00Z */

typedef struct authority {
    uint8_t key[MLC_EC_PRIVATE_LEN], public_key[MLC_EC_PUBLIC_LEN];
    mlc_buf cert;
} authority;

static void make_authority(authority *ca)
{
    memset(ca, 0, sizeof *ca);
    assert_int_equal(mlc_ec_generate(ca->key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_public(ca->key, ca->public_key, NULL), MLC_OK);
    const mlc_cert_order order = {.ca_key = ca->key,
                                  .name = "test-ca",
                                  .public_key = ca->public_key,
                                  .not_before_ms = now_ms - DAY_MS,
                                  .not_after_ms = now_ms + INT64_C(7300) * DAY_MS};
    assert_int_equal(mlc_cert_issue(&order, &ca->cert, NULL), MLC_OK);
}

static void issue(const authority *ca, const char *name, const uint8_t *public_key, mlc_buf *out)
{
    const mlc_cert_order order = {.ca = ca->cert.data,
                                  .ca_len = ca->cert.len,
                                  .ca_key = ca->key,
                                  .name = name,
                                  .tenant = "acme",
                                  .public_key = public_key,
                                  .not_before_ms = now_ms,
                                  .not_after_ms = now_ms + DAY_MS};
    assert_int_equal(mlc_cert_issue(&order, out, NULL), MLC_OK);
}

static void test_signature(void **state)
{
    (void)state;
    uint8_t key[MLC_EC_PRIVATE_LEN], public_key[MLC_EC_PUBLIC_LEN], other[MLC_EC_PRIVATE_LEN];
    uint8_t signature[MLC_EC_SIGNATURE_LEN], again[MLC_EC_SIGNATURE_LEN];
    assert_int_equal(mlc_ec_generate(key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_generate(other, NULL), MLC_OK);
    assert_memory_not_equal(key, other, sizeof key);
    assert_int_equal(mlc_ec_public(key, public_key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_sign(key, "abc", 3, signature, NULL), MLC_OK);
    assert_int_equal(mlc_ec_sign(key, "abc", 3, again, NULL), MLC_OK);
    assert_memory_equal(signature, again, sizeof again);
    assert_int_equal(mlc_ec_verify(public_key, "abc", 3, signature, NULL), MLC_OK);
    assert_int_equal(mlc_ec_verify(public_key, "abd", 3, signature, NULL), MLC_E_AUTH);
    for (size_t i = 0; i < sizeof signature; i += 7) {
        signature[i] ^= 1;
        assert_int_equal(mlc_ec_verify(public_key, "abc", 3, signature, NULL), MLC_E_AUTH);
        signature[i] ^= 1;
    }
    memset(signature, 0, sizeof signature);
    assert_int_equal(mlc_ec_verify(public_key, "abc", 3, signature, NULL), MLC_E_AUTH);
    assert_int_equal(mlc_ec_sign(other, "abc", 3, signature, NULL), MLC_OK);
    assert_int_equal(mlc_ec_verify(public_key, "abc", 3, signature, NULL), MLC_E_AUTH);
}

/* RFC 6979, A.2.5, SHA-256, message "sample". */
static void test_signature_of_the_rfc(void **state)
{
    (void)state;
    uint8_t key[MLC_EC_PRIVATE_LEN], signature[MLC_EC_SIGNATURE_LEN], public_key[MLC_EC_PUBLIC_LEN];
    char hex[2 * MLC_EC_SIGNATURE_LEN + 1];
    assert_int_equal(mlc_hex_parse("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", key,
                                   sizeof key, NULL),
                     MLC_OK);
    assert_int_equal(mlc_ec_sign(key, "sample", 6, signature, NULL), MLC_OK);
    mlc_hex(signature, sizeof signature, hex);
    assert_string_equal(hex, "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                             "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    assert_int_equal(mlc_ec_public(key, public_key, NULL), MLC_OK);
    mlc_hex(public_key, MLC_SHA256_LEN + 1, hex);
    assert_string_equal(hex, "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6");
}

static void test_bad_keys(void **state)
{
    (void)state;
    uint8_t key[MLC_EC_PRIVATE_LEN] = {0}, public_key[MLC_EC_PUBLIC_LEN] = {4};
    const uint8_t signature[MLC_EC_SIGNATURE_LEN] = {1};
    assert_int_equal(mlc_ec_public(key, public_key, NULL), MLC_E_INVALID);
    memset(key, 0xff, sizeof key);
    assert_int_equal(mlc_ec_public(key, public_key, NULL), MLC_E_INVALID);
    memset(public_key + 1, 7, sizeof public_key - 1); /* not on the curve */
    assert_int_equal(mlc_ec_verify(public_key, "a", 1, signature, NULL), MLC_E_INVALID);
}

static void test_request(void **state)
{
    (void)state;
    uint8_t key[MLC_EC_PRIVATE_LEN], public_key[MLC_EC_PUBLIC_LEN], read[MLC_EC_PUBLIC_LEN];
    char name[MLC_CERT_NAME_MAX];
    mlc_buf csr = {0};
    assert_int_equal(mlc_ec_generate(key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_public(key, public_key, NULL), MLC_OK);
    assert_int_equal(mlc_csr_make(key, "acme-erp_1.x", &csr, NULL), MLC_OK);
    assert_int_equal(mlc_csr_read(csr.data, csr.len, name, read, NULL), MLC_OK);
    assert_string_equal(name, "acme-erp_1.x");
    assert_memory_equal(read, public_key, sizeof read);
    /* A changed byte is noticed: mostly by the signature. */
    for (size_t i = 0; i < csr.len; i++) {
        csr.data[i] ^= 0x01;
        assert_int_not_equal(mlc_csr_read(csr.data, csr.len, name, read, NULL), MLC_OK);
        csr.data[i] ^= 0x01;
    }
    for (size_t len = 0; len < csr.len; len++)
        assert_int_not_equal(mlc_csr_read(csr.data, len, name, read, NULL), MLC_OK);
    mlc_buf_clear(&csr);
    assert_int_equal(mlc_csr_make(key, "a,O=other", &csr, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_csr_make(key, "", &csr, NULL), MLC_E_INVALID);
    mlc_buf_free(&csr);
}

static void test_certificate(void **state)
{
    (void)state;
    authority ca, other;
    uint8_t key[MLC_EC_PRIVATE_LEN], public_key[MLC_EC_PUBLIC_LEN];
    mlc_cert_info info, twin;
    mlc_buf cert = {0}, second = {0}, pem = {0}, back = {0};
    make_authority(&ca);
    make_authority(&other);
    assert_int_equal(mlc_ec_generate(key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_public(key, public_key, NULL), MLC_OK);
    issue(&ca, "agent-1", public_key, &cert);
    issue(&ca, "agent-1", public_key, &second);
    assert_int_equal(mlc_cert_read(cert.data, cert.len, &info, NULL), MLC_OK);
    assert_int_equal(mlc_cert_read(second.data, second.len, &twin, NULL), MLC_OK);
    assert_string_equal(info.name, "agent-1");
    assert_string_equal(info.tenant, "acme");
    assert_memory_equal(info.public_key, public_key, sizeof public_key);
    assert_true(info.not_before_ms == now_ms && info.not_after_ms == now_ms + DAY_MS);
    assert_false(info.is_ca);
    assert_string_not_equal(info.serial, twin.serial);
    assert_memory_not_equal(info.fingerprint, twin.fingerprint, sizeof info.fingerprint);
    assert_int_equal(mlc_cert_check(cert.data, cert.len, ca.cert.data, ca.cert.len, NULL), MLC_OK);
    assert_int_equal(mlc_cert_check(cert.data, cert.len, other.cert.data, other.cert.len, NULL), MLC_E_AUTH);
    assert_int_equal(mlc_cert_read(ca.cert.data, ca.cert.len, &info, NULL), MLC_OK);
    assert_true(info.is_ca);
    assert_int_equal(mlc_cert_pem(cert.data, cert.len, &pem, NULL), MLC_OK);
    assert_int_equal(mlc_cert_from_pem(mlc_buf_text(&pem), pem.len, &back, NULL), MLC_OK);
    assert_int_equal(back.len, cert.len);
    assert_memory_equal(back.data, cert.data, cert.len);
    for (size_t len = 0; len < cert.len; len++)
        assert_int_equal(mlc_cert_read(cert.data, len, &info, NULL), MLC_E_INVALID);
    mlc_buf_free(&cert);
    mlc_buf_free(&second);
    mlc_buf_free(&pem);
    mlc_buf_free(&back);
    mlc_buf_free(&ca.cert);
    mlc_buf_free(&other.cert);
}

/* OpenSSL's tools agree with it. */
static void test_openssl_accepts_it(void **state)
{
#ifdef _WIN32
    skip(); /* no shell and no tools there */
#endif
    (void)state;
    authority ca;
    uint8_t key[MLC_EC_PRIVATE_LEN], public_key[MLC_EC_PUBLIC_LEN], read[MLC_EC_PRIVATE_LEN];
    char folder[] = "/tmp/mlc_x509_XXXXXX", path[64], command[512];
    mlc_buf cert = {0}, ca_pem = {0}, pem = {0}, der = {0};
    assert_non_null(mkdtemp(folder));
    make_authority(&ca);
    assert_int_equal(mlc_ec_generate(key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_public(key, public_key, NULL), MLC_OK);
    issue(&ca, "agent-1", public_key, &cert);
    assert_int_equal(mlc_cert_pem(ca.cert.data, ca.cert.len, &ca_pem, NULL), MLC_OK);
    assert_int_equal(mlc_cert_pem(cert.data, cert.len, &pem, NULL), MLC_OK);
    assert_int_equal(mlc_ec_key_der(key, &der, NULL), MLC_OK);
    assert_int_equal(mlc_ec_key_read(der.data, der.len, read, NULL), MLC_OK);
    assert_memory_equal(read, key, sizeof key);
    const struct {
        const char *name;
        const mlc_buf *bytes;
    } files[] = {{"ca.pem", &ca_pem}, {"cert.pem", &pem}, {"key.der", &der}};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i].name);
        FILE *const out = fopen(path, "we");
        assert_non_null(out);
        assert_int_equal(fwrite(files[i].bytes->data, 1, files[i].bytes->len, out), files[i].bytes->len);
        assert_int_equal(fclose(out), 0);
    }
    (void)snprintf(command, sizeof command,
                   "cd %s && openssl verify -purpose sslclient -x509_strict -attime %" PRId64
                   " -CAfile ca.pem cert.pem "
                   ">/dev/null && openssl ec -inform DER -in key.der -pubout -out a.pem 2>/dev/null && "
                   "openssl x509 -in cert.pem -noout -pubkey > b.pem && cmp a.pem b.pem",
                   folder, now_ms / 1000 + 60);
    const int status = system(command); /* NOLINT(cert-env33-c) */
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
    assert_int_equal(status, 0);
    mlc_buf_free(&cert);
    mlc_buf_free(&ca_pem);
    mlc_buf_free(&pem);
    mlc_buf_wipe(&der);
    mlc_buf_free(&ca.cert);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signature),   cmocka_unit_test(test_signature_of_the_rfc),
        cmocka_unit_test(test_bad_keys),    cmocka_unit_test(test_request),
        cmocka_unit_test(test_certificate), cmocka_unit_test(test_openssl_accepts_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
