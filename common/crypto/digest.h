/* digest.h - SHA-256 of a file that need not fit into memory. Thread rule: any thread. */
#ifndef MLC_CRYPTO_DIGEST_H
#define MLC_CRYPTO_DIGEST_H

#include "crypto/crypto.h"

/* From the start of the open file to its end; where it is read next is not changed. *bytes: its length. MLC_E_IO. */
mlc_code mlc_sha256_file(int fd, uint8_t out[MLC_SHA256_LEN], uint64_t *bytes, mlc_error *err);

#endif
