/* digest.c - see digest.h. */
#include "crypto/digest.h"

#include <errno.h>
#include <mbedtls/md.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 64 * 1024 };

/* 0, or mbedTLS's number; *why: of the system, when that is to blame. */
static int digest_all(mbedtls_md_context_t *md, int fd, uint64_t *bytes, int *why)
{
    uint8_t piece[PIECE];
    int rc = 0;
    *bytes = 0;
    while (rc == 0) {
        const ssize_t got = pread(fd, piece, sizeof piece, (off_t)*bytes);
        if (got < 0 && errno == EINTR)
            continue;
        *why = got < 0 ? errno : 0;
        if (got <= 0)
            break;
        rc = mbedtls_md_update(md, piece, (size_t)got);
        *bytes += (uint64_t)got;
    }
    return rc;
}

mlc_code mlc_sha256_file(int fd, uint8_t out[MLC_SHA256_LEN], uint64_t *bytes, mlc_error *err)
{
    mbedtls_md_context_t md;
    int why = 0;
    mbedtls_md_init(&md);
    int rc = mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0);
    if (rc == 0)
        rc = mbedtls_md_starts(&md);
    if (rc == 0)
        rc = digest_all(&md, fd, bytes, &why);
    if (rc == 0)
        rc = mbedtls_md_finish(&md, out);
    mbedtls_md_free(&md);
    if (rc != 0)
        return mlc_fail(err, MLC_E_INTERNAL, "SHA-256 failed (mbedTLS -0x%04x)", (unsigned)-rc);
    return why == 0 ? MLC_OK : mlc_fail(err, MLC_E_IO, "it cannot be read: %s", strerror(why));
}
