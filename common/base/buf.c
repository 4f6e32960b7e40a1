/* buf.c - the growing buffer of buf.h. Its string helpers are in text.c. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAP_MIN = 64 };

/* Room for `extra` more bytes and the NUL. An outgrown block may have held a secret, so it is wiped
 * before it goes back to the allocator; realloc would leave it as it was. */
static mlc_code reserve(mlc_buf *buf, size_t extra, mlc_error *err)
{
    if (extra > SIZE_MAX / 2 - 1 - buf->len)
        return mlc_fail(err, MLC_E_LIMIT, "buffer of %zu bytes cannot grow by %zu", buf->len, extra);
    size_t len = buf->len + extra;
    if (buf->max != 0 && len > buf->max)
        return mlc_fail(err, MLC_E_LIMIT, "%zu bytes pass the limit of %zu bytes", len, buf->max);
    if (buf->data != NULL && len < buf->cap)
        return MLC_OK;

    size_t cap = buf->cap < CAP_MIN ? CAP_MIN : buf->cap;
    while (cap <= len)
        cap *= 2;
    uint8_t *data = malloc(cap);
    if (data == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory for a buffer of %zu bytes", cap);
    if (buf->data != NULL) {
        memcpy(data, buf->data, buf->len);
        mlc_wipe(buf->data, buf->cap);
        free(buf->data);
    }
    data[buf->len] = '\0';
    buf->data = data;
    buf->cap = cap;
    return MLC_OK;
}

mlc_code mlc_buf_append(mlc_buf *buf, const void *data, size_t len, mlc_error *err)
{
    mlc_code code = reserve(buf, len, err);
    if (code != MLC_OK || len == 0)
        return code;
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return MLC_OK;
}

mlc_code mlc_buf_puts(mlc_buf *buf, const char *text, mlc_error *err)
{
    return mlc_buf_append(buf, text, strlen(text), err);
}

mlc_code mlc_buf_printf(mlc_buf *buf, mlc_error *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        return mlc_fail(err, MLC_E_INTERNAL, "text could not be formatted");

    mlc_code code = reserve(buf, (size_t)len, err);
    if (code != MLC_OK)
        return code;
    va_start(args, fmt);
    (void)vsnprintf((char *)buf->data + buf->len, (size_t)len + 1, fmt, args);
    va_end(args);
    buf->len += (size_t)len;
    return MLC_OK;
}

void mlc_buf_consume(mlc_buf *buf, size_t n)
{
    if (n >= buf->len) {
        mlc_buf_clear(buf);
        return;
    }
    buf->len -= n;
    memmove(buf->data, buf->data + n, buf->len + 1);
}

void mlc_buf_clear(mlc_buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL)
        buf->data[0] = '\0';
}

void mlc_buf_free(mlc_buf *buf)
{
    if (buf == NULL)
        return;
    free(buf->data);
    *buf = (mlc_buf){.max = buf->max};
}

void mlc_buf_wipe(mlc_buf *buf)
{
    if (buf == NULL)
        return;
    mlc_wipe(buf->data, buf->cap);
    mlc_buf_free(buf);
}

const char *mlc_buf_text(const mlc_buf *buf)
{
    return buf->data == NULL ? "" : (const char *)buf->data;
}

char *mlc_buf_take(mlc_buf *buf)
{
    if (buf->data == NULL)
        return mlc_strdup("");
    char *text = (char *)buf->data;
    *buf = (mlc_buf){.max = buf->max};
    return text;
}
