/* token.h - the root key wrapped by a key that never leaves a token (an HSM), by PKCS#11.
 *
 * The key file then holds no key, but what the token made of one; it is useless without the token and its PIN:
 *
 *   ml-connector root key 1 pkcs11 METHOD      aes-gcm, rsa-oaep-sha256 or rsa-oaep-sha1
 *   BASE64                                     aes-gcm: 12 bytes nonce, then the key and the tag, bound to the line above
 *
 * The module is loaded and logged in to for each use and left at once. Wrapping and unwrapping block as long as the token
 * takes. A PIN that the token refuses is given to it once: as long as the token counts a wrong PIN, it is not tried again.
 * Thread rule: any thread; a module is shared by all.
 */
#ifndef MLC_CRYPTO_TOKEN_H
#define MLC_CRYPTO_TOKEN_H

#include "crypto/crypto.h"

enum { MLC_TOKEN_REASON_MAX = 320, MLC_TOKEN_FILE_MAX = 1024 };

/* The settings secrets.pkcs11_module, _uri and _pin; all borrowed. module NULL: none is used. */
typedef struct mlc_token {
    const char *module; /* path of the library */
    const char *uri;    /* RFC 7512, of the key: "pkcs11:token=ml;object=ml-connector" */
    const char *pin;    /* NULL: the token needs none */
} mlc_token;

/* How the token wraps; each has its name in the file's first line. */
typedef enum mlc_token_method {
    MLC_TOKEN_AES_GCM,
    MLC_TOKEN_OAEP_SHA256,
    MLC_TOKEN_OAEP_SHA1, /* for tokens that know no other: OAEP does not need a hash without collisions */
    MLC_TOKEN_METHODS
} mlc_token_method;

/* The first line of the file, without its end. */
const char *mlc_token_head(mlc_token_method method);

/* What is wrong with the settings, without asking the token: true, "reason; remedy" and the name of the setting. */
bool mlc_token_fault(const mlc_token *token, const char **setting, char reason[MLC_TOKEN_REASON_MAX]);
/* Is this the content of a file that a token wrapped? */
bool mlc_token_wrapped(const void *data, size_t len);
/* Such a file taken apart; `bytes` gets what only the token can open. MLC_E_INVALID: damaged, or of a newer version. */
mlc_code mlc_token_parse(const void *data, size_t len, const char *path, mlc_token_method *method,
                         mlc_buf *bytes, mlc_error *err);

/* The file's content for this key, appended to `out`. The token has opened it again before this returns. Errors name the
 * setting and the remedy. MLC_E_IO: module or token fail; MLC_E_AUTH: the PIN; MLC_E_UNAVAILABLE: no such token or key;
 * MLC_E_UNSUPPORTED: the key or the token is not fit for it, or this build knows no tokens. */
mlc_code mlc_token_wrap(const mlc_token *token, const uint8_t key[MLC_KEY_LEN], mlc_buf *out, mlc_error *err);
/* The key of the file `path`, which is named in messages. Errors as above, and MLC_E_CONFLICT: no token is set;
 * MLC_E_INVALID: the token's key does not open it. */
mlc_code mlc_token_unwrap(const mlc_token *token, const void *data, size_t len, const char *path,
                          uint8_t out[MLC_KEY_LEN], mlc_error *err);

#endif
