/* root_key.h - files of root keys, for the files of this folder. Thread rule: any thread. */
#ifndef MLC_CRYPTO_ROOT_KEY_H
#define MLC_CRYPTO_ROOT_KEY_H

#include "crypto/token.h"

typedef struct mlc_root_key {
    uint8_t bytes[MLC_KEY_LEN];
    bool wrapped; /* by a token */
} mlc_root_key;

/* As mlc_root_key_load and its credential (crypto.h), for a file that may be wrapped by the token; a new one is, when there is
 * a token (NULL: none). Errors of the token: token.h. Wipe `out`, also after an error. */
mlc_code mlc_root_key_read(const char *path, bool create, const mlc_token *token, mlc_root_key *out,
                           mlc_error *err);
/* The same from a systemd credential: systemd guards the folder, its files may carry an ACL that looks like group access. */
mlc_code mlc_root_key_read_credential(const char *path, const mlc_token *token, mlc_root_key *out,
                                      mlc_error *err);
/* Make a key at `path`, whole or not at all (0600, synced), wrapped by the token when there is one (may be NULL). `like` (may
 * be NULL): a file whose owner it gets. No error when another process was first: its key is the one to read. */
mlc_code mlc_root_key_create(const char *path, const char *like, const mlc_token *token, mlc_error *err);
/* The name of a file survives a power cut only when its folder is synced as well. */
mlc_code mlc_root_key_sync_folder(const char *path, mlc_error *err);

#endif
