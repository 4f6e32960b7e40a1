/* root_key.h - files of root keys, for the files of this folder. Thread rule: any thread. */
#ifndef MLC_CRYPTO_ROOT_KEY_H
#define MLC_CRYPTO_ROOT_KEY_H

#include "crypto/crypto.h"

/* Make a key at `path`, whole or not at all (0600, synced). `like` (may be NULL): a file whose owner it gets. No error when
 * another process was first: its key is the one to read. */
mlc_code mlc_root_key_create(const char *path, const char *like, mlc_error *err);
/* The name of a file survives a power cut only when its folder is synced as well. */
mlc_code mlc_root_key_sync_folder(const char *path, mlc_error *err);

#endif
