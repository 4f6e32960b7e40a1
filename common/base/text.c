/* text.c - the string, UTF-8 and byte-order helpers of buf.h. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *mlc_strdup(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

char *mlc_strndup(const char *text, size_t len)
{
    return text == NULL ? NULL : strndup(text, len);
}

char *mlc_asprintf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (len < 0)
        return NULL;
    char *text = malloc((size_t)len + 1);
    if (text == NULL)
        return NULL;
    va_start(args, fmt);
    (void)vsnprintf(text, (size_t)len + 1, fmt, args);
    va_end(args);
    return text;
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0U) == 0x80U;
}

void mlc_strlcpy(char *dst, const char *src, size_t size)
{
    if (size == 0)
        return;
    size_t len = src == NULL ? 0 : strnlen(src, size);
    if (len == size) {
        len = size - 1;
        /* A character has at most three continuation bytes; more of them are not UTF-8 anyway. */
        for (unsigned back = 0; back < 3 && len > 0 && is_continuation((uint8_t)src[len]); back++)
            len--;
    }
    if (len > 0)
        memmove(dst, src, len);
    dst[len] = '\0';
}

char *mlc_trim_right(char *text)
{
    if (text == NULL)
        return NULL;
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == ' ')
        len--;
    text[len] = '\0';
    return text;
}

/* Bytes of the well-formed character at p (Unicode table 3-7), 0 when there is none. */
static size_t utf8_char_len(const uint8_t *p, size_t left)
{
    uint8_t lead = p[0];
    if (lead < 0x80)
        return lead != 0;
    size_t len = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || left < len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if (!is_continuation(p[i]))
            return 0;
    bool overlong = (lead == 0xE0 && p[1] < 0xA0) || (lead == 0xF0 && p[1] < 0x90);
    bool surrogate = lead == 0xED && p[1] > 0x9F;
    bool beyond = lead == 0xF4 && p[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : len;
}

size_t mlc_utf8_prefix(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t n = utf8_char_len((const uint8_t *)text + at, len - at);
        if (n == 0)
            break;
        at += n;
    }
    return at;
}

bool mlc_utf8_valid(const char *text, size_t len)
{
    return mlc_utf8_prefix(text, len) == len;
}

char *mlc_utf8_mend(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        const size_t len = strlen(from);
        const size_t good = mlc_utf8_prefix(from, len);
        memmove(to, from, good);
        to += good;
        from += good < len ? good + 1 : good;
    }
    *to = '\0';
    return text;
}

size_t mlc_utf16_len(const char *text)
{
    size_t units = 0;
    for (const uint8_t *p = (const uint8_t *)text; *p != 0; p++) {
        if (is_continuation(*p))
            continue;
        units += *p >= 0xF0 ? 2 : 1;
    }
    return units;
}

static bool is_unreserved(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

mlc_code mlc_url_encode(mlc_buf *out, const char *text, mlc_error *err)
{
    static const char HEX[] = "0123456789ABCDEF";
    size_t before = out->len;
    for (const uint8_t *p = (const uint8_t *)text; *p != 0; p++) {
        const char escaped[3] = {'%', HEX[*p >> 4], HEX[*p & 15]};
        mlc_code code =
            is_unreserved(*p) ? mlc_buf_append(out, p, 1, err) : mlc_buf_append(out, escaped, 3, err);
        if (code != MLC_OK) {
            out->len = before;
            if (out->data != NULL)
                out->data[before] = '\0';
            return code;
        }
    }
    return MLC_OK;
}

void mlc_wipe(void *data, size_t len)
{
    if (data != NULL && len > 0)
        explicit_bzero(data, len);
}

void mlc_put_u16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

void mlc_put_u32(uint8_t *p, uint32_t v)
{
    mlc_put_u16(p, (uint16_t)(v >> 16));
    mlc_put_u16(p + 2, (uint16_t)v);
}

void mlc_put_u64(uint8_t *p, uint64_t v)
{
    mlc_put_u32(p, (uint32_t)(v >> 32));
    mlc_put_u32(p + 4, (uint32_t)v);
}

uint16_t mlc_get_u16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

uint32_t mlc_get_u32(const uint8_t *p)
{
    return (uint32_t)mlc_get_u16(p) << 16 | mlc_get_u16(p + 2);
}

uint64_t mlc_get_u64(const uint8_t *p)
{
    return (uint64_t)mlc_get_u32(p) << 32 | mlc_get_u32(p + 4);
}
