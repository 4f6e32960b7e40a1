/* local_key.c - see local.h: where the root key lies, and whether it opens. */
#include "admin/local.h"

void mlc_local_root_key(mlc_checkup *checkup, unsigned token, const mlc_key_owner *owner, const mlc_cfg *cfg)
{
    mlc_key_place place;
    mlc_keyring ring = {0};
    mlc_error err;
    mlc_key_place_of(owner, cfg, &place);
    const mlc_code code = mlc_keyring_load_by(&place.token, place.file, false, &ring, &err);
    if (code == MLC_E_NOTFOUND)
        mlc_checkup_ok(checkup, token, "there is none yet; the token is asked when it is made");
    else if (code != MLC_OK)
        mlc_checkup_fail(checkup, token, NULL, "%s", err.message); /* names the remedy */
    else if (ring.wrapped)
        mlc_checkup_ok(checkup, token, "%s, opened by the token's key %s", place.file, place.token.uri);
    else
        mlc_checkup_warn(checkup, token, "run \"seal --rotate\", which makes a new one that the token wraps",
                         "a token is set, but %s is a key in its file", place.file);
    mlc_keyring_wipe(&ring);
}
