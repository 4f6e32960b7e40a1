/* map_text.c - the steps on texts: blanks, letters, parts, padding, length. Characters are those of UTF-8. */
#include "map/map_private.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wctype.h>

bool map_text_set(map_value *value, const char *text, size_t len)
{
    value->text.max = MLC_MAP_VALUE_MAX;
    mlc_buf_clear(&value->text);
    return mlc_buf_append(&value->text, text, len, NULL) == MLC_OK;
}

/* Shorten in place. */
static void keep(map_value *value, size_t from, size_t len)
{
    mlc_buf_consume(&value->text, from);
    if (value->text.len > len) {
        value->text.len = len;
        value->text.data[len] = '\0';
    }
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void map_text_trim(const map_field *field, map_value *value)
{
    mlc_buf *const text = &value->text;
    if (field->trim || field->collapse) {
        size_t first = 0;
        size_t end = text->len;
        while (first < end && is_blank(text->data[first]))
            first++;
        while (end > first && is_blank(text->data[end - 1]))
            end--;
        keep(value, first, end - first);
    }
    if (!field->collapse || text->len == 0)
        return;
    size_t to = 0;
    for (size_t i = 0; i < text->len; i++) {
        const bool blank = is_blank(text->data[i]);
        if (!blank || !is_blank(text->data[i - 1])) /* the first is no blank */
            text->data[to++] = blank ? ' ' : text->data[i];
        else
            text->data[i] = ' ';
    }
    keep(value, 0, to);
}

/* ---- letters ---- */

/* Code point at `p`, and its bytes; a broken byte stands for itself. */
static uint32_t decode(const uint8_t *p, size_t left, size_t *len)
{
    static const uint8_t masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    const size_t n = p[0] < 0x80 ? 1 : (p[0] & 0xE0U) == 0xC0U ? 2 : (p[0] & 0xF0U) == 0xE0U ? 3 : 4;
    *len = n <= left ? n : 1;
    uint32_t code = p[0] & (*len == n ? masks[n] : 0xFFU);
    for (size_t i = 1; i < *len; i++)
        code = (code << 6U) | (p[i] & 0x3FU);
    return code;
}

static size_t encode(uint32_t code, uint8_t out[4])
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    const size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80U | (code & 0x3FU));
        code >>= 6U;
    }
    out[0] = (uint8_t)(leads[n] | code);
    return n;
}

bool map_text_letters(const map_field *field, locale_t locale, map_value *value, char *reason)
{
    mlc_buf out = {.max = MLC_MAP_VALUE_MAX};
    mlc_code code = MLC_OK;
    if (field->letters == MAP_AS_IS)
        return true;
    for (size_t at = 0; code == MLC_OK && at < value->text.len;) {
        uint8_t bytes[4];
        size_t len = 0;
        const uint32_t c = decode(value->text.data + at, value->text.len - at, &len);
        const uint32_t changed = field->letters == MAP_UPPER ? towupper_l(c, locale) : towlower_l(c, locale);
        code = changed == c ? mlc_buf_append(&out, value->text.data + at, len, NULL)
                            : mlc_buf_append(&out, bytes, encode(changed, bytes), NULL);
        at += len;
    }
    if (code != MLC_OK) {
        mlc_buf_free(&out);
        (void)snprintf(reason, MLC_CFG_REASON_MAX, "the text is too long to change its letters; shorten it");
        return false;
    }
    mlc_buf_free(&value->text);
    value->text = out;
    return true;
}

/* ---- parts and lengths ---- */

static bool starts_character(uint8_t byte)
{
    return (byte & 0xC0U) != 0x80U;
}

static size_t characters(const mlc_buf *text)
{
    size_t n = 0;
    for (size_t i = 0; i < text->len; i++)
        n += starts_character(text->data[i]) ? 1 : 0;
    return n;
}

/* Bytes of the first n characters. */
static size_t bytes_of(const mlc_buf *text, size_t n)
{
    size_t at = 0;
    for (; at < text->len; at++)
        if (starts_character(text->data[at]) && n-- == 0)
            break;
    return at;
}

void map_text_part(const map_field *field, map_value *value)
{
    if (field->sub_len > 0) {
        const size_t from = bytes_of(&value->text, field->sub_start - 1);
        keep(value, from, value->text.len);
        keep(value, 0, bytes_of(&value->text, field->sub_len));
    }
    if (field->left > 0)
        keep(value, 0, bytes_of(&value->text, field->left));
    const size_t all = field->right > 0 ? characters(&value->text) : 0;
    if (all > field->right)
        keep(value, bytes_of(&value->text, all - field->right), value->text.len);
}

bool map_text_pad(const map_field *field, map_value *value, char *reason)
{
    mlc_buf fill = {.max = MLC_MAP_VALUE_MAX};
    const size_t have = field->pad_width > 0 ? characters(&value->text) : 0;
    mlc_code code = MLC_OK;
    if (have >= field->pad_width)
        return true;
    if (!field->pad_left)
        code = mlc_buf_append(&fill, value->text.data, value->text.len, NULL);
    for (size_t i = have; code == MLC_OK && i < field->pad_width; i++)
        code = mlc_buf_append(&fill, &field->pad_with, 1, NULL);
    if (code == MLC_OK && field->pad_left)
        code = mlc_buf_append(&fill, value->text.data, value->text.len, NULL);
    if (code != MLC_OK) {
        mlc_buf_free(&fill);
        (void)snprintf(reason, MLC_CFG_REASON_MAX, "the text is too long to be padded; shorten it");
        return false;
    }
    mlc_buf_free(&value->text);
    value->text = fill;
    return true;
}

bool map_text_max(const map_field *field, map_value *value, char *reason)
{
    if (field->max == 0)
        return true;
    const size_t have = mlc_utf16_len(mlc_buf_text(&value->text));
    if (have <= field->max)
        return true;
    if (!field->cut) {
        (void)snprintf(reason, MLC_CFG_REASON_MAX, "has %zu characters, and at most %zu fit; shorten it",
                       have, field->max);
        return false;
    }
    size_t units = 0;
    size_t at = 0;
    while (at < value->text.len) {
        size_t len = 0;
        const uint32_t code = decode(value->text.data + at, value->text.len - at, &len);
        units += code >= 0x10000 ? 2 : 1;
        if (units > field->max)
            break;
        at += len;
    }
    keep(value, 0, at);
    return true;
}
