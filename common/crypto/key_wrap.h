/* key_wrap.h - the form in which the root key lies in its file. key_wrap.c: as it is, since the file's mode guards it.
 * key_wrap_windows.c: sealed by Windows (DPAPI) for this machine, so that a copy of the file opens nowhere else.
 * Private to common/crypto. */
#ifndef MLC_CRYPTO_KEY_WRAP_H
#define MLC_CRYPTO_KEY_WRAP_H

#include "crypto/crypto.h"

enum { MLC_KEY_WRAP_MAX = 1024 };

/* Appended to `out`, which the caller wipes. */
mlc_code mlc_key_wrap(const uint8_t key[MLC_KEY_LEN], mlc_buf *out, mlc_error *err);
/* The content of the file `path`, which is named in messages. MLC_E_INVALID: it is no key; on Windows also MLC_E_AUTH: it
 * was made on another machine. */
mlc_code mlc_key_unwrap(const uint8_t *data, size_t len, const char *path, uint8_t out[MLC_KEY_LEN],
                        mlc_error *err);

#endif
