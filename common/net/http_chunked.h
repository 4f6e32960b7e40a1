/* http_chunked.h - decoder of the chunked transfer coding (RFC 9112, 7.1), byte by byte.
 *
 * libwebsockets hands the body of a chunked request over undecoded. Pure. Zero-initialise. The size of
 * the decoded body is limited by out->max, chunk extensions and trailers (both ignored) by the decoder.
 * Thread rule: one thread at a time.
 */
#ifndef MLC_NET_HTTP_CHUNKED_H
#define MLC_NET_HTTP_CHUNKED_H

#include "base/buf.h"

typedef struct mlc_chunked {
    enum {
        MLC_CHUNK_SIZE,
        MLC_CHUNK_EXTENSION,
        MLC_CHUNK_SIZE_LF,
        MLC_CHUNK_DATA,
        MLC_CHUNK_DATA_CR,
        MLC_CHUNK_DATA_LF,
        MLC_CHUNK_TRAILER,
        MLC_CHUNK_TRAILER_LF,
        MLC_CHUNK_END
    } state;
    uint64_t left;   /* of the chunk */
    unsigned digits; /* of the size read so far */
    size_t extra;    /* bytes of extensions and trailers */
    bool line;       /* the trailer line holds something */
} mlc_chunked;

/* Decode `len` bytes, appended to `out`. Bytes after the end are ignored.
 * Errors: MLC_E_PROTOCOL (malformed), MLC_E_LIMIT, MLC_E_NOMEM. */
mlc_code mlc_chunked_feed(mlc_chunked *decoder, const void *data, size_t len, mlc_buf *out, mlc_error *err);
bool mlc_chunked_ended(const mlc_chunked *decoder);

#endif
