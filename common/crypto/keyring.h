/* keyring.h - the root key of an installation, and for the time of a rotation the one that follows or was before.
 *
 * On disk these are files beside each other: FILE, FILE.next (the rotation's new key) and FILE.old. While there is a next
 * one everything is sealed with it, and each key present opens. So a rotation may be cut off at any point: crypto/rotate.h.
 * "credential:NAME" in place of FILE is $CREDENTIALS_DIRECTORY/NAME as systemd provides it, with NAME.old for the time until
 * everything is sealed again. Each may be wrapped by a token (token.h). Thread rule: any thread; the struct is the caller's.
 */
#ifndef MLC_CRYPTO_KEYRING_H
#define MLC_CRYPTO_KEYRING_H

#include "crypto/token.h"

enum { MLC_KEYRING_MAX = 3 };

typedef struct mlc_keyring {
    uint8_t keys[MLC_KEYRING_MAX][MLC_KEY_LEN]; /* the first one seals */
    size_t count;
    bool wrapped; /* the key that seals, by a token */
} mlc_keyring;

/* Read the keys that are there. With `create` the root key is made when there is none (never a credential). Errors as
 * mlc_root_key_load. Wipe it with mlc_keyring_wipe, also after an error. */
mlc_code mlc_keyring_load(const char *file, bool create, mlc_keyring *out, mlc_error *err);
/* The same with a token (NULL: none), which opens what it has wrapped, and wraps the key that is made. Errors also as token.h. */
mlc_code mlc_keyring_load_by(const mlc_token *token, const char *file, bool create, mlc_keyring *out,
                             mlc_error *err);
/* One key alone. */
mlc_keyring mlc_keyring_of(const uint8_t key[MLC_KEY_LEN]);
void mlc_keyring_wipe(mlc_keyring *ring);

/* As mlc_seal and mlc_unseal. *stale (may be NULL): it opened with another key than the one that seals. */
mlc_code mlc_keyring_seal(const mlc_keyring *ring, const char *context, const void *data, size_t len,
                          mlc_buf *out, mlc_error *err);
mlc_code mlc_keyring_unseal(const mlc_keyring *ring, const char *context, const void *sealed, size_t len,
                            mlc_buf *out, bool *stale, mlc_error *err);

#endif
