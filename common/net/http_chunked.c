#include "net/http_chunked.h"

enum { MAX_SIZE_DIGITS = 15, MAX_EXTRA = 4096 };

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static mlc_code malformed(mlc_error *err)
{
    return mlc_fail(err, MLC_E_PROTOCOL, "malformed chunked body");
}

static mlc_code size_byte(mlc_chunked *d, uint8_t c, mlc_error *err)
{
    int value = hex_value(c);
    if (value >= 0) {
        if (++d->digits > MAX_SIZE_DIGITS)
            return malformed(err);
        d->left = d->left * 16 + (uint64_t)value;
        return MLC_OK;
    }
    if (d->digits == 0)
        return malformed(err);
    if (c == '\r')
        d->state = MLC_CHUNK_SIZE_LF;
    else if (c == ';' || c == ' ' || c == '\t')
        d->state = MLC_CHUNK_EXTENSION;
    else
        return malformed(err);
    return MLC_OK;
}

static mlc_code extra_byte(mlc_chunked *d, mlc_error *err)
{
    if (++d->extra > MAX_EXTRA)
        return mlc_fail(err, MLC_E_LIMIT, "chunk extensions or trailers above %d bytes", MAX_EXTRA);
    return MLC_OK;
}

static void size_ended(mlc_chunked *d)
{
    d->digits = 0;
    d->line = false;
    d->state = d->left > 0 ? MLC_CHUNK_DATA : MLC_CHUNK_TRAILER;
}

/* One byte that is no chunk data. */
static mlc_code framing_byte(mlc_chunked *d, uint8_t c, mlc_error *err)
{
    switch (d->state) {
    case MLC_CHUNK_SIZE:
        return size_byte(d, c, err);
    case MLC_CHUNK_EXTENSION:
        if (c == '\r')
            d->state = MLC_CHUNK_SIZE_LF;
        return extra_byte(d, err);
    case MLC_CHUNK_SIZE_LF:
        if (c != '\n')
            return malformed(err);
        size_ended(d);
        return MLC_OK;
    case MLC_CHUNK_DATA_CR:
        d->state = MLC_CHUNK_DATA_LF;
        return c == '\r' ? MLC_OK : malformed(err);
    case MLC_CHUNK_DATA_LF:
        d->state = MLC_CHUNK_SIZE;
        return c == '\n' ? MLC_OK : malformed(err);
    case MLC_CHUNK_TRAILER:
        if (c == '\r')
            d->state = MLC_CHUNK_TRAILER_LF;
        else
            d->line = true;
        return extra_byte(d, err);
    case MLC_CHUNK_TRAILER_LF:
        if (c != '\n')
            return malformed(err);
        d->state = d->line ? MLC_CHUNK_TRAILER : MLC_CHUNK_END;
        d->line = false;
        return MLC_OK;
    default:
        return mlc_fail(err, MLC_E_INTERNAL, "chunked decoder in state %d", (int)d->state);
    }
}

mlc_code mlc_chunked_feed(mlc_chunked *decoder, const void *data, size_t len, mlc_buf *out, mlc_error *err)
{
    const uint8_t *p = data;
    while (len > 0 && decoder->state != MLC_CHUNK_END) {
        size_t used = 1;
        mlc_code code = MLC_OK;
        if (decoder->state == MLC_CHUNK_DATA) {
            used = decoder->left < len ? (size_t)decoder->left : len;
            code = mlc_buf_append(out, p, used, err);
            decoder->left -= used;
            if (decoder->left == 0)
                decoder->state = MLC_CHUNK_DATA_CR;
        } else {
            code = framing_byte(decoder, *p, err);
        }
        if (code != MLC_OK)
            return code;
        p += used;
        len -= used;
    }
    return MLC_OK;
}

bool mlc_chunked_ended(const mlc_chunked *decoder)
{
    return decoder->state == MLC_CHUNK_END;
}
