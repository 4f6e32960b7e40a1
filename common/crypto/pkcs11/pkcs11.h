/* pkcs11.h - what crypto/token.c asks of a token. session.c, wrap.c: by p11-kit; none.c: a build without. Private to
 * common/crypto. */
#ifndef MLC_CRYPTO_PKCS11_PKCS11_H
#define MLC_CRYPTO_PKCS11_PKCS11_H

#include "crypto/token.h"

/* Is it no URI of a key on a token? Then "reason; remedy". The URI is not repeated: it may hold a PIN by mistake. */
bool mlc_pkcs11_uri_fault(const char *uri, char reason[MLC_TOKEN_REASON_MAX]);

/* `out` gets what the token made of the key, and *method how. The token has opened it again. Errors: token.h. */
mlc_code mlc_pkcs11_wrap(const mlc_token *token, const uint8_t key[MLC_KEY_LEN], mlc_token_method *method,
                         mlc_buf *out, mlc_error *err);
mlc_code mlc_pkcs11_unwrap(const mlc_token *token, mlc_token_method method, const mlc_buf *wrapped,
                           const char *path, uint8_t out[MLC_KEY_LEN], mlc_error *err);

#endif
