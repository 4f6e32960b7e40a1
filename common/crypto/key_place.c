/* key_place.c - see key_place.h. */
#include "crypto/key_place.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 128, WHERE_SIZE = 1200 };

static const char *setting(const mlc_key_owner *owner, const mlc_cfg *cfg, const char *name)
{
    char path[PATH_SIZE];
    return mlc_cfg_str(cfg, mlc_cfg_at(path, sizeof path, "%s.%s", owner->group, name));
}

static void token_of(const mlc_cfg *cfg, mlc_token *out)
{
    *out = (mlc_token){.module = mlc_cfg_str(cfg, "secrets.pkcs11_module"),
                       .uri = mlc_cfg_str(cfg, "secrets.pkcs11_uri"),
                       .pin = mlc_cfg_secret(cfg, "secrets.pkcs11_pin")};
}

void mlc_key_place_of(const mlc_key_owner *owner, const mlc_cfg *cfg, mlc_key_place *out)
{
    const char *const file = setting(owner, cfg, "root_key_file");
    const char *const credential = setting(owner, cfg, "root_key_credential");
    const char *const folder = setting(owner, cfg, "data_dir");
    token_of(cfg, &out->token);
    if (credential != NULL)
        (void)mlc_cfg_at(out->file, sizeof out->file, "credential:%s", credential);
    else if (file != NULL)
        (void)mlc_cfg_at(out->file, sizeof out->file, "%s", file);
    else
        (void)mlc_cfg_at(out->file, sizeof out->file, "%s/root.key", folder != NULL ? folder : "");
}

mlc_code mlc_key_place_check(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err)
{
    char reason[MLC_TOKEN_REASON_MAX];
    char where[WHERE_SIZE];
    const char *name = NULL;
    mlc_token token;
    token_of(cfg, &token);
    if (!mlc_token_fault(&token, &name, reason))
        return MLC_OK;
    (void)mlc_cfg_where(cfg, name, where, sizeof where);
    if (report != NULL)
        (void)mlc_buf_printf(report, NULL, "%s: %s: %s\n", where, name, reason);
    return mlc_fail(err, MLC_E_INVALID, "%s: %s: %s", where, name, reason);
}

mlc_code mlc_key_place_read(const mlc_key_owner *owner, const char *file, mlc_cfg **out, mlc_error *err)
{
    mlc_code code = mlc_cfg_load_some(out, file, owner->rows, owner->count, err);
    if (code == MLC_OK)
        code = mlc_key_place_check(*out, NULL, err);
    if (code != MLC_OK) {
        mlc_cfg_free(*out);
        *out = NULL;
    }
    return code;
}

static mlc_code load(const mlc_key_owner *owner, const mlc_cfg *cfg, bool create, mlc_keyring *ring,
                     mlc_error *err)
{
    mlc_key_place place;
    mlc_key_place_of(owner, cfg, &place);
    return mlc_keyring_load_by(&place.token, place.file, create, ring, err);
}

mlc_code mlc_key_place_ring(const mlc_key_owner *owner, const mlc_cfg *cfg, bool create, mlc_keyring *ring,
                            mlc_error *err)
{
    mlc_cfg *now = NULL;
    mlc_code code = load(owner, cfg, create, ring, err);
    if (code != MLC_E_CONFLICT) /* CONFLICT: it is wrapped, and no token is set */
        return code;
    code = mlc_key_place_read(owner, mlc_cfg_file(cfg), &now, err);
    if (code == MLC_OK)
        code = load(owner, now, create, ring, err);
    mlc_cfg_free(now);
    return code;
}

const char *mlc_key_place_warning(const mlc_cfg *cfg, const mlc_keyring *ring)
{
    return mlc_cfg_str(cfg, "secrets.pkcs11_module") != NULL && ring->count > 0 && !ring->wrapped
               ? "a token is set, but the root key lies in its file: run \"seal --rotate\", which makes a "
                 "new "
                 "one that the token wraps"
               : NULL;
}

mlc_code mlc_key_once_ring(mlc_key_once *once, const mlc_key_owner *owner, const mlc_cfg *cfg, mlc_error *err)
{
    if (!once->tried) {
        once->tried = true;
        mlc_error_clear(&once->err);
        (void)load(owner, cfg, false, &once->ring, &once->err);
    }
    if (err != NULL)
        *err = once->err;
    return once->err.code;
}
