/* base36.c - a UUID as 25 characters 0-9A-Z and back.
 *
 * 36^25 is just above 2^128: 25 digits hold every UUID, and the few values above are refused. */
#include "crypto/crypto.h"

#include <ctype.h>
#include <string.h>

enum { UUID_LEN = 16, UUID_CHARS = 36, DIGITS = MLC_BASE36_128_MAX - 1 };

static bool hyphen_at(size_t i)
{
    return i == 8 || i == 13 || i == 18 || i == 23;
}

static mlc_code uuid_parse(const char *uuid, uint8_t out[UUID_LEN], mlc_error *err)
{
    size_t len = uuid == NULL ? 0 : strlen(uuid);
    if (len == UUID_CHARS + 2 && uuid[0] == '{' && uuid[len - 1] == '}') {
        uuid++;
        len -= 2;
    }
    if (len != UUID_CHARS)
        return mlc_fail(err, MLC_E_INVALID, "not a UUID: expected 8-4-4-4-12 hex digits");
    char hex[2 * UUID_LEN + 1];
    size_t n = 0;
    for (size_t i = 0; i < UUID_CHARS; i++) {
        if (hyphen_at(i) != (uuid[i] == '-'))
            return mlc_fail(err, MLC_E_INVALID, "not a UUID: hyphen wrong or missing at position %zu", i + 1);
        if (!hyphen_at(i))
            hex[n++] = uuid[i];
    }
    hex[n] = '\0';
    return mlc_hex_parse(hex, out, UUID_LEN, err);
}

/* number /= 36, big-endian; returns the remainder. */
static unsigned divide_by_36(uint8_t number[UUID_LEN])
{
    unsigned rest = 0;
    for (size_t i = 0; i < UUID_LEN; i++) {
        const unsigned part = rest << 8 | number[i];
        number[i] = (uint8_t)(part / 36);
        rest = part % 36;
    }
    return rest;
}

/* number = number * 36 + digit; returns what does not fit into 128 bits. */
static unsigned multiply_by_36(uint8_t number[UUID_LEN], unsigned digit)
{
    unsigned carry = digit;
    for (size_t i = UUID_LEN; i-- > 0;) {
        const unsigned part = number[i] * 36U + carry;
        number[i] = (uint8_t)part;
        carry = part >> 8;
    }
    return carry;
}

mlc_code mlc_uuid_to_base36(const char *uuid, char out[MLC_BASE36_128_MAX], mlc_error *err)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint8_t number[UUID_LEN] = {0};
    out[0] = '\0';
    const mlc_code code = uuid_parse(uuid, number, err);
    if (code != MLC_OK)
        return code;
    for (size_t i = DIGITS; i-- > 0;)
        out[i] = digits[divide_by_36(number)];
    out[DIGITS] = '\0';
    return MLC_OK;
}

static void uuid_text(const uint8_t number[UUID_LEN], char out[MLC_UUID_TEXT_MAX])
{
    char hex[2 * UUID_LEN + 1];
    mlc_hex(number, UUID_LEN, hex);
    size_t n = 0;
    for (size_t i = 0; i < UUID_CHARS; i++) {
        if (hyphen_at(i))
            out[i] = '-';
        else
            out[i] = hex[n++];
    }
    out[UUID_CHARS] = '\0';
}

mlc_code mlc_base36_to_uuid(const char *text, char out[MLC_UUID_TEXT_MAX], mlc_error *err)
{
    uint8_t number[UUID_LEN] = {0};
    out[0] = '\0';
    if (text == NULL || strlen(text) != DIGITS)
        return mlc_fail(err, MLC_E_INVALID, "not a UUID in base 36: expected %d characters", DIGITS);
    for (size_t i = 0; i < DIGITS; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c > 127 || !isalnum(c))
            return mlc_fail(err, MLC_E_INVALID, "not a base-36 digit at position %zu", i + 1);
        const unsigned digit = (unsigned)(isdigit(c) ? c - '0' : toupper(c) - 'A' + 10);
        if (multiply_by_36(number, digit) != 0)
            return mlc_fail(err, MLC_E_INVALID, "base-36 number is greater than any UUID");
    }
    uuid_text(number, out);
    return MLC_OK;
}
