/* entra_assertion.h - proof of identity by the application's certificate: a signed JWT in place of a client secret
 * (contracts/dataverse.md, section Token).
 *
 * The JWT names the certificate by its thumbprints (x5t, x5t#S256), is meant for one token endpoint (aud), may be
 * used once (jti) and within ten minutes (nbf, exp). Only RSA keys of 2048 bits or more: Entra ID takes no others.
 * Thread rule: a key is immutable after load; one thread at a time.
 */
#ifndef MLC_RELAY_ENTRA_ASSERTION_H
#define MLC_RELAY_ENTRA_ASSERTION_H

#include "base/error.h"

#include <stdint.h>

typedef enum mlc_entra_alg {
    MLC_ENTRA_PS256, /* RSA-PSS with SHA-256 */
    MLC_ENTRA_RS256  /* RSA PKCS#1 v1.5 with SHA-256 */
} mlc_entra_alg;

/* "RS256" is that; everything else, NULL included, the better PS256. */
mlc_entra_alg mlc_entra_alg_named(const char *name);

typedef struct mlc_entra_key mlc_entra_key;

/* Certificate (the first of a PEM file) and its private key (PEM, without password, not readable by group or
 * others). MLC_E_IO: not readable; MLC_E_DENIED: too open; MLC_E_INVALID: no RSA key, or not of this certificate. */
mlc_code mlc_entra_key_load(mlc_entra_key **out, const char *cert_file, const char *key_file,
                            mlc_entra_alg alg, mlc_error *err);
/* Wipes the private key. NULL is allowed. */
void mlc_entra_key_free(mlc_entra_key *key);

/* A JWT signed now. *jwt is the caller's, to be wiped and freed. `audience` is the token endpoint's address. */
mlc_code mlc_entra_assertion(mlc_entra_key *key, const char *client_id, const char *audience, int64_t wall_ms,
                             char **jwt, mlc_error *err);

#endif
