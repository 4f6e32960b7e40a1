/* keyring.c - see keyring.h. */
#include "crypto/keyring.h"

#include "crypto/root_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CREDENTIAL "credential:"

enum { PATH_SIZE = 1024 };

static mlc_code path_of(const char *file, char out[PATH_SIZE], bool *credential, mlc_error *err)
{
    *credential = strncmp(file, CREDENTIAL, strlen(CREDENTIAL)) == 0;
    int len = 0;
    if (*credential) {
        const char *const name = file + strlen(CREDENTIAL);
        const char *const folder = getenv("CREDENTIALS_DIRECTORY");
        if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
            return mlc_fail(err, MLC_E_INVALID, "the root key's credential needs a name, not a path");
        if (folder == NULL || folder[0] != '/')
            return mlc_fail(err, MLC_E_NOTFOUND,
                            "CREDENTIALS_DIRECTORY is not set, so there is no root key; add "
                            "LoadCredentialEncrypted=%s:... to the service unit",
                            name);
        len = snprintf(out, PATH_SIZE, "%s/%s", folder, name);
    } else {
        len = snprintf(out, PATH_SIZE, "%s", file);
    }
    return len > 0 && len < PATH_SIZE - 8
               ? MLC_OK
               : mlc_fail(err, MLC_E_INVALID, "the path of the root key is too long");
}

/* Where the files are, and what opens them. */
typedef struct ring_source {
    const mlc_token *token;
    char path[PATH_SIZE];
    bool credential;
} ring_source;

static mlc_code add_key(mlc_keyring *ring, const ring_source *source, const char *path, bool create,
                        mlc_error *err)
{
    mlc_root_key key = {0};
    const mlc_code code = source->credential ? mlc_root_key_read_credential(path, source->token, &key, err)
                                             : mlc_root_key_read(path, create, source->token, &key, err);
    if (code == MLC_OK) {
        ring->wrapped = ring->count == 0 ? key.wrapped : ring->wrapped;
        memcpy(ring->keys[ring->count++], key.bytes, MLC_KEY_LEN);
    }
    mlc_wipe(&key, sizeof key);
    return code;
}

/* A key that need not be there. */
static mlc_code add_optional(mlc_keyring *ring, const ring_source *source, const char *end, mlc_error *err)
{
    char path[PATH_SIZE + 8];
    (void)snprintf(path, sizeof path, "%s%s", source->path, end);
    if (access(path, F_OK) != 0)
        return MLC_OK;
    const mlc_code code = add_key(ring, source, path, false, err);
    return code == MLC_E_NOTFOUND ? MLC_OK : code; /* the end of a rotation took it away just now */
}

mlc_code mlc_keyring_load_by(const mlc_token *token, const char *file, bool create, mlc_keyring *out,
                             mlc_error *err)
{
    ring_source source = {.token = token};
    memset(out, 0, sizeof *out);
    mlc_code code = path_of(file, source.path, &source.credential, err);
    if (code == MLC_OK && !source.credential)
        code = add_optional(out, &source, ".next", err);
    if (code == MLC_OK)
        code = add_key(out, &source, source.path, create, err);
    if (code == MLC_OK)
        code = add_optional(out, &source, ".old", err);
    return code;
}

mlc_code mlc_keyring_load(const char *file, bool create, mlc_keyring *out, mlc_error *err)
{
    return mlc_keyring_load_by(NULL, file, create, out, err);
}

mlc_keyring mlc_keyring_of(const uint8_t key[MLC_KEY_LEN])
{
    mlc_keyring ring = {.count = 1};
    memcpy(ring.keys[0], key, MLC_KEY_LEN);
    return ring;
}

void mlc_keyring_wipe(mlc_keyring *ring)
{
    mlc_wipe(ring, sizeof *ring);
}

mlc_code mlc_keyring_seal(const mlc_keyring *ring, const char *context, const void *data, size_t len,
                          mlc_buf *out, mlc_error *err)
{
    return mlc_seal(ring->keys[0], context, data, len, out, err);
}

mlc_code mlc_keyring_unseal(const mlc_keyring *ring, const char *context, const void *sealed, size_t len,
                            mlc_buf *out, bool *stale, mlc_error *err)
{
    mlc_code code = mlc_fail(err, MLC_E_AUTH, "there is no root key");
    for (size_t i = 0; i < ring->count; i++) {
        code = mlc_unseal(ring->keys[i], context, sealed, len, out, err);
        if (code == MLC_OK && stale != NULL)
            *stale = i > 0;
        if (code != MLC_E_AUTH)
            return code;
    }
    return code;
}
