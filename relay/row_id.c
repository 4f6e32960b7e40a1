/* row_id.c - see row_id.h. */
#include "relay/row_id.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mlc_code mlc_row_id(const char *set, const char *column, const char *value, char out[MLC_UUID_TEXT_MAX],
                    mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    char hex[33];
    /* A line feed stands in no name and in no value of a key. */
    char *const text = mlc_asprintf("%s\n%s\n%s", set, column, value);
    if (text == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an id");
    const mlc_code code = mlc_sha256(text, strlen(text), hash, err);
    free(text);
    if (code != MLC_OK)
        return code;
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x80);
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
    mlc_hex(hash, 16, hex);
    (void)snprintf(out, MLC_UUID_TEXT_MAX, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
    return MLC_OK;
}

bool mlc_row_key_addressable(const char *value)
{
    return *value != '\0' && strpbrk(value, "/<>*%&:\\?+#") == NULL;
}
