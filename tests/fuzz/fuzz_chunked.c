/* parts: net */
/* The chunked decoder: the way the bytes are cut must not change what comes out, and limits must hold. */
#include "net/http_chunked.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static mlc_code decode(const uint8_t *data, size_t size, size_t step, mlc_buf *out, bool *ended)
{
    mlc_chunked decoder = {0};
    mlc_code code = MLC_OK;
    for (size_t at = 0; at < size && code == MLC_OK; at += step)
        code = mlc_chunked_feed(&decoder, data + at, size - at < step ? size - at : step, out, NULL);
    *ended = mlc_chunked_ended(&decoder);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlc_buf whole = {.max = LIMIT}, bytes = {.max = LIMIT};
    bool whole_ended = false, bytes_ended = false;
    mlc_code whole_code = decode(data, size, size > 0 ? size : 1, &whole, &whole_ended);
    mlc_code bytes_code = decode(data, size, 1, &bytes, &bytes_ended);
    if (whole.len > LIMIT || bytes.len > LIMIT)
        abort();
    if (whole_code != bytes_code || whole_ended != bytes_ended)
        abort();
    /* At the limit, a whole piece is refused where single bytes still fit. */
    if (whole_code == MLC_OK &&
        (whole.len != bytes.len || (whole.len > 0 && memcmp(whole.data, bytes.data, whole.len) != 0)))
        abort();
    mlc_buf_free(&whole);
    mlc_buf_free(&bytes);
    return 0;
}
