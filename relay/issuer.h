/* issuer.h - the relay's issuing authority, which signs the certificates of agents (docs/protocol.md, section Enrolment).
 *
 * Its key and certificate are the operator's (relay.issuer_cert_file, relay.issuer_key_file), or are made at the first start
 * and kept in the control store, the key sealed. By the same key the relay proves itself to these agents.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_ISSUER_H
#define MLC_RELAY_ISSUER_H

#include "base/json.h"
#include "crypto/keyring.h"
#include "crypto/x509.h"
#include "store/store.h"

typedef struct mlc_issuer {
    uint8_t key[MLC_EC_PRIVATE_LEN];
    uint8_t cert[MLC_CERT_MAX];
    size_t cert_len;
    mlc_cert_info info;
    int64_t life_ms; /* of the certificates it issues */
} mlc_issuer;

typedef struct mlc_issuer_options {
    mlc_store *control;
    const mlc_keyring *ring;
    const char *cert_file, *key_file; /* PEM; NULL: its own */
    int64_t life_ms;
} mlc_issuer_options;

/* Blocks. `out` is the caller's; wipe it with mlc_issuer_wipe. MLC_E_INVALID: the files do not fit; names the setting. */
mlc_code mlc_issuer_open(mlc_issuer *out, const mlc_issuer_options *options, mlc_error *err);
void mlc_issuer_wipe(mlc_issuer *issuer);
/* Append a certificate (DER) for this agent's public key, valid from a little before now. */
mlc_code mlc_issuer_issue(const mlc_issuer *issuer, const char *agent, const char *tenant,
                          const uint8_t public_key[MLC_EC_PUBLIC_LEN], mlc_buf *out, mlc_error *err);
/* Write the authorities whose client certificates TLS is to take: its own, and those of `more_file` (may be NULL). */
mlc_code mlc_issuer_write_bundle(const mlc_issuer *issuer, const char *more_file, const char *path,
                                 mlc_error *err);
/* In a job: its stored key sealed by the ring's first key, when it is not. *count grows by what was sealed anew. */
mlc_code mlc_issuer_reseal(mlc_txn *txn, const mlc_keyring *ring, size_t *count, mlc_error *err);

#endif
