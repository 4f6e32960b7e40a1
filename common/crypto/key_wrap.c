/* key_wrap.c - see key_wrap.h. */
#include "crypto/key_wrap.h"

#include <string.h>

mlc_code mlc_key_wrap(const uint8_t key[MLC_KEY_LEN], mlc_buf *out, mlc_error *err)
{
    return mlc_buf_append(out, key, MLC_KEY_LEN, err);
}

mlc_code mlc_key_unwrap(const uint8_t *data, size_t len, const char *path, uint8_t out[MLC_KEY_LEN],
                        mlc_error *err)
{
    if (len != MLC_KEY_LEN)
        return mlc_fail(err, MLC_E_INVALID,
                        "root key %s does not hold exactly %d bytes; restore it from its backup", path,
                        MLC_KEY_LEN);
    memcpy(out, data, MLC_KEY_LEN);
    return MLC_OK;
}
