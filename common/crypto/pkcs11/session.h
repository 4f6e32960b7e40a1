/* session.h - a session with the token that a URI names, logged in, and its one key that the URI names. Private to
 * crypto/pkcs11. Thread rule: one thread at a time per session. */
#ifndef MLC_CRYPTO_PKCS11_SESSION_H
#define MLC_CRYPTO_PKCS11_SESSION_H

#include "crypto/pkcs11/pkcs11.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

typedef struct mlc_pkcs11 {
    const mlc_token *token; /* borrowed */
    P11KitUri *uri;
    CK_FUNCTION_LIST *module;
    bool initialized, open;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key; /* AES-256, or the private one of an RSA pair */
    bool rsa;
} mlc_pkcs11;

/* Close it with mlc_pkcs11_close, also after an error. */
mlc_code mlc_pkcs11_open(mlc_pkcs11 *out, const mlc_token *token, mlc_error *err);
void mlc_pkcs11_close(mlc_pkcs11 *p);

/* A boolean attribute; `absent` when the token does not tell it. */
bool mlc_pkcs11_flag(const mlc_pkcs11 *p, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool absent);
/* The public half of the RSA key. MLC_E_UNAVAILABLE: it is not on the token. */
mlc_code mlc_pkcs11_public_key(const mlc_pkcs11 *p, CK_OBJECT_HANDLE *out, mlc_error *err);
/* The token's words for a result. */
const char *mlc_pkcs11_words(CK_RV rv);

#endif
