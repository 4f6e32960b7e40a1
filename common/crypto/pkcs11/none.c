/* none.c - see pkcs11.h: this build knows no tokens. */
#include "crypto/pkcs11/pkcs11.h"

#include <stdio.h>

static const char words[] = "this build of the program knows no tokens (PKCS#11)";

bool mlc_pkcs11_uri_fault(const char *uri, char reason[MLC_TOKEN_REASON_MAX])
{
    (void)uri;
    (void)snprintf(reason, MLC_TOKEN_REASON_MAX, "%s; remove the settings secrets.pkcs11_*", words);
    return true;
}

mlc_code mlc_pkcs11_wrap(const mlc_token *token, const uint8_t key[MLC_KEY_LEN], mlc_token_method *method,
                         mlc_buf *out, mlc_error *err)
{
    (void)token;
    (void)key;
    (void)method;
    (void)out;
    return mlc_fail(err, MLC_E_UNSUPPORTED, "%s", words);
}

mlc_code mlc_pkcs11_unwrap(const mlc_token *token, mlc_token_method method, const mlc_buf *wrapped,
                           const char *path, uint8_t out[MLC_KEY_LEN], mlc_error *err)
{
    (void)token;
    (void)method;
    (void)wrapped;
    (void)out;
    return mlc_fail(err, MLC_E_UNSUPPORTED, "root key %s: %s", path, words);
}
