/* key_place.h - where a program's root key is, by its configuration: file, systemd credential, token.
 *
 * A program tells by an mlc_key_owner under which names its settings stand. Thread rule: any thread.
 */
#ifndef MLC_CRYPTO_KEY_PLACE_H
#define MLC_CRYPTO_KEY_PLACE_H

#include "base/config.h"
#include "crypto/keyring.h"

enum { MLC_KEY_PLACE_MAX = 1024 };

/* The schema's rows for tokens, the same in each program. */
/* clang-format off */
#define MLC_CFG_TOKEN_ROWS \
    {"secrets.pkcs11_module", MLC_CFG_PATH, false, NULL, 0, 0, NULL, \
     "PKCS#11 library of a token (HSM) that wraps the root key; default: none does"}, \
    {"secrets.pkcs11_uri", MLC_CFG_STRING, false, NULL, 1, 500, NULL, \
     "The token's AES-256 key or RSA key pair that wraps it (RFC 7512), such as pkcs11:token=ml;object=ml-connector"}, \
    {"secrets.pkcs11_pin", MLC_CFG_SECRET, false, NULL, 0, 0, NULL, "User PIN of the token"}
/* All that is needed to find the root key of the program whose settings begin with `group`. */
#define MLC_CFG_KEY_ROWS(group) \
    {group ".data_dir", MLC_CFG_PATH, true, NULL, 0, 0, NULL, ""}, \
    {group ".root_key_file", MLC_CFG_PATH, false, NULL, 0, 0, NULL, ""}, \
    {group ".root_key_credential", MLC_CFG_STRING, false, NULL, 1, 255, NULL, ""}, \
    MLC_CFG_TOKEN_ROWS
/* clang-format on */

typedef struct mlc_key_owner {
    const char *group;         /* "agent" */
    const mlc_cfg_field *rows; /* MLC_CFG_KEY_ROWS of it */
    size_t count;
} mlc_key_owner;

typedef struct mlc_key_place {
    char file[MLC_KEY_PLACE_MAX]; /* FILE or "credential:NAME", for mlc_keyring_load */
    mlc_token token;              /* borrowed from the configuration */
} mlc_key_place;

void mlc_key_place_of(const mlc_key_owner *owner, const mlc_cfg *cfg, mlc_key_place *out);
/* Are the settings of the token well formed? `report` (may be NULL) gets a line, and err. */
mlc_code mlc_key_place_check(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err);
/* Read only the settings of the root key out of a file, which may lack others. Free with mlc_cfg_free. */
mlc_code mlc_key_place_read(const mlc_key_owner *owner, const char *file, mlc_cfg **out, mlc_error *err);
/* The keyring as mlc_keyring_load_by has it. When the key went into a token after `cfg` was loaded, the settings of the
 * token are read from the file anew: a running program goes on when its root key is replaced. */
mlc_code mlc_key_place_ring(const mlc_key_owner *owner, const mlc_cfg *cfg, bool create, mlc_keyring *ring,
                            mlc_error *err);

/* Does the key lie in its file although a token is set? Then this is what a log should say; else NULL. */
const char *mlc_key_place_warning(const mlc_cfg *cfg, const mlc_keyring *ring);

/* The ring for all sealed values of one load of a configuration, made by the first: a token is asked once, however many
 * values there are, and after a failure not again. Wipe it with mlc_keyring_wipe. */
typedef struct mlc_key_once {
    mlc_keyring ring;
    mlc_error err;
    bool tried;
} mlc_key_once;
mlc_code mlc_key_once_ring(mlc_key_once *once, const mlc_key_owner *owner, const mlc_cfg *cfg,
                           mlc_error *err);

#endif
