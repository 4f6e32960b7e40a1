/* sealed.h - secrets at rest inside a configuration file: "sealed:BASE64".
 *
 * Sealed with the installation's root key (crypto.h) and bound to program and setting: the value of one setting, or of one
 * tenant, does not open at another. Settings of list elements are named by their id: "tenants[acme].webhook_secret".
 * Thread rule: any thread.
 */
#ifndef MLC_CRYPTO_SEALED_H
#define MLC_CRYPTO_SEALED_H

#include "crypto/key_place.h"

/* Appends "sealed:BASE64". */
mlc_code mlc_sealed_make(const mlc_keyring *ring, const char *program, const char *setting,
                         const void *secret, size_t len, mlc_buf *out, mlc_error *err);
/* Appends the clear text of what follows "sealed:". MLC_E_AUTH: other key, program or setting; MLC_E_INVALID: not base64. */
mlc_code mlc_sealed_open(const mlc_keyring *ring, const char *program, const char *setting,
                         const char *base64, mlc_buf *out, mlc_error *err);

/* Seal a value (what follows "sealed:") anew with the ring's first key; appends what follows "sealed:". *stale: it was sealed with
 * another one; else nothing is appended. Errors as mlc_sealed_open. */
mlc_code mlc_sealed_again(const mlc_keyring *ring, const char *program, const char *setting,
                          const char *base64, mlc_buf *out, bool *stale, mlc_error *err);

/* The command "PROGRAM seal --config FILE --setting NAME": reads a secret from standard input (a newline at its end is cut),
 * prints the sealed value. Of the configuration only the settings of the root key are read: it may still lack the value.
 * "--key-file FILE" names the root key itself instead. The key is made when there is none. Gives the exit status. */
int mlc_sealed_main(const char *program, const mlc_key_owner *owner, int argc, char **argv);

#endif
