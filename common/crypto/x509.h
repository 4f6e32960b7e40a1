/* x509.h - certificates of agents: the agent's request (PKCS #10), and what the relay's issuing CA makes of it.
 *
 * All keys are of P-256 (ec.h), signatures ECDSA with SHA-256. Bytes are DER unless said otherwise. A name is the subject's
 * common name, 1 to 63 of A-Z a-z 0-9 . _ - (no more than an agent may be called), and the subject's organisation is the
 * tenant, of the same letters. Thread rule: any thread.
 */
#ifndef MLC_CRYPTO_X509_H
#define MLC_CRYPTO_X509_H

#include "crypto/ec.h"

enum { MLC_CERT_NAME_MAX = 64, MLC_CERT_SERIAL_MAX = 41, MLC_CERT_MAX = 2048, MLC_CSR_MAX = 2048 };

/* Append a request for `name`, signed with the key it is for. */
mlc_code mlc_csr_make(const uint8_t key[MLC_EC_PRIVATE_LEN], const char *name, mlc_buf *out, mlc_error *err);
/* Name and public key of a request from the network, whose signature is checked: the sender has the private key.
 * MLC_E_INVALID says what is wrong. */
mlc_code mlc_csr_read(const void *der, size_t len, char name[MLC_CERT_NAME_MAX],
                      uint8_t public_key[MLC_EC_PUBLIC_LEN], mlc_error *err);

typedef struct mlc_cert_info {
    char name[MLC_CERT_NAME_MAX];     /* "" when the subject has no such name */
    char tenant[MLC_CERT_NAME_MAX];   /* its organisation, likewise */
    char serial[MLC_CERT_SERIAL_MAX]; /* hex */
    uint8_t public_key[MLC_EC_PUBLIC_LEN];
    uint8_t fingerprint[MLC_SHA256_LEN]; /* SHA-256 of the whole certificate */
    int64_t not_before_ms, not_after_ms;
    bool is_ca;
} mlc_cert_info;

/* MLC_E_INVALID: not a certificate (with nothing behind it), or of another kind of key. */
mlc_code mlc_cert_read(const void *der, size_t len, mlc_cert_info *out, mlc_error *err);
/* Did this CA sign it? Time is not looked at. MLC_E_AUTH: no. */
mlc_code mlc_cert_check(const void *der, size_t len, const void *ca, size_t ca_len, mlc_error *err);

typedef struct mlc_cert_order {
    const uint8_t *ca; /* the issuer's certificate; NULL: self-signed, a CA */
    size_t ca_len;
    const uint8_t *ca_key; /* MLC_EC_PRIVATE_LEN */
    const char *name;
    const char *tenant;        /* NULL: none */
    const uint8_t *public_key; /* MLC_EC_PUBLIC_LEN */
    int64_t not_before_ms, not_after_ms;
} mlc_cert_order;

/* Append a certificate with a random serial number: for TLS clients, or of a CA (path length 0). */
mlc_code mlc_cert_issue(const mlc_cert_order *order, mlc_buf *out, mlc_error *err);

/* Append as PEM. */
mlc_code mlc_cert_pem(const void *der, size_t len, mlc_buf *out, mlc_error *err);
/* Append the first certificate of a PEM text as DER. */
mlc_code mlc_cert_from_pem(const char *pem, size_t len, mlc_buf *out, mlc_error *err);

#endif
