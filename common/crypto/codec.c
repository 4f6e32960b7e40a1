/* codec.c - hex and base64 text of bytes. Both parsers are strict: one text for each byte string. */
#include "crypto/crypto.h"

#include <mbedtls/base64.h>
#include <stdlib.h>
#include <string.h>

void mlc_hex(const void *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

mlc_code mlc_hex_parse(const char *text, uint8_t *out, size_t len, mlc_error *err)
{
    if (text == NULL || strlen(text) != 2 * len)
        return mlc_fail(err, MLC_E_INVALID, "expected exactly %zu hex digits", 2 * len);
    for (size_t i = 0; i < len; i++) {
        const int high = hex_value(text[2 * i]);
        const int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return mlc_fail(err, MLC_E_INVALID, "not a hex digit at position %zu",
                            2 * i + (high < 0 ? 1 : 2));
        out[i] = (uint8_t)(high << 4 | low);
    }
    return MLC_OK;
}

mlc_code mlc_base64(const void *data, size_t len, mlc_buf *out, mlc_error *err)
{
    if (len == 0)
        return MLC_OK;
    if (len > SIZE_MAX / 2)
        return mlc_fail(err, MLC_E_LIMIT, "too many bytes for base64");
    const size_t size = (len + 2) / 3 * 4 + 1;
    uint8_t *text = malloc(size);
    if (text == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for base64 of %zu bytes", len);
    size_t written = 0;
    mlc_code code;
    if (mbedtls_base64_encode(text, size, &written, data, len) != 0)
        code = mlc_fail(err, MLC_E_INTERNAL, "base64 encoding failed");
    else
        code = mlc_buf_append(out, text, written, err);
    mlc_wipe(text, size);
    free(text);
    return code;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* mbedTLS skips blanks and line ends and ignores left-over bits; a signature over the text would then
 * fit several texts, so exactly the text that mlc_base64 writes is let through. */
static mlc_code base64_check(const char *text, size_t len, mlc_error *err)
{
    if (len % 4 != 0)
        return mlc_fail(err, MLC_E_INVALID, "base64 text is not a multiple of 4 characters long");
    const size_t padding = text[len - 1] != '=' ? 0 : text[len - 2] != '=' ? 1 : 2;
    for (size_t i = 0; i < len - padding; i++)
        if (base64_value(text[i]) < 0)
            return mlc_fail(err, MLC_E_INVALID, "not a base64 character at position %zu", i + 1);
    const int left_over = padding == 0 ? 0 : padding == 1 ? 3 : 15;
    if ((base64_value(text[len - padding - 1]) & left_over) != 0)
        return mlc_fail(err, MLC_E_INVALID, "base64 text ends in bits that belong to no byte");
    return MLC_OK;
}

mlc_code mlc_base64_parse(const char *text, size_t len, mlc_buf *out, mlc_error *err)
{
    if (len == 0)
        return MLC_OK;
    mlc_code code = base64_check(text, len, err);
    if (code != MLC_OK)
        return code;
    const size_t size = len / 4 * 3;
    uint8_t *bytes = malloc(size);
    if (bytes == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for %zu base64 characters", len);
    size_t written = 0;
    if (mbedtls_base64_decode(bytes, size, &written, (const uint8_t *)text, len) != 0)
        code = mlc_fail(err, MLC_E_INVALID, "malformed base64");
    else
        code = mlc_buf_append(out, bytes, written, err);
    mlc_wipe(bytes, size);
    free(bytes);
    return code;
}
