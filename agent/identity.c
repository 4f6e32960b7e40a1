/* identity.c - see identity.h. */
#include "agent/identity.h"

#include "store/cursor.h"

#include <stdio.h>
#include <string.h>

#define KEY_CURSOR "identity/agent-key"

typedef struct key_job {
    mlc_buf sealed;
} key_job;

const char *mlc_identity_root_key_file(const mlc_cfg *cfg, char *out, size_t size)
{
    const char *const file = mlc_cfg_str(cfg, "agent.root_key_file");
    if (file != NULL)
        return mlc_cfg_at(out, size, "%s", file);
    return mlc_cfg_at(out, size, "%s/root.key", mlc_cfg_str(cfg, "agent.data_dir"));
}

static const char *seal_context(const mlc_cfg *cfg, char *out, size_t size)
{
    return mlc_cfg_at(out, size, "agent-key/%s", mlc_cfg_str(cfg, "agent.id"));
}

static mlc_code read_sealed(mlc_txn *txn, void *arg, mlc_error *err)
{
    key_job *const job = arg;
    const void *value = NULL;
    size_t len = 0;
    mlc_buf_clear(&job->sealed);
    const mlc_code code = mlc_cursor_get(txn, KEY_CURSOR, &value, &len, err);
    return code == MLC_OK ? mlc_buf_append(&job->sealed, value, len, err) : code;
}

static mlc_code write_sealed(mlc_txn *txn, void *arg, mlc_error *err)
{
    const key_job *const job = arg;
    return mlc_cursor_put(txn, KEY_CURSOR, job->sealed.data, job->sealed.len, err);
}

mlc_code mlc_identity_load(mlc_store *store, const mlc_cfg *cfg, uint8_t key[MLC_KEY_LEN], mlc_error *err)
{
    key_job job = {0};
    mlc_buf clear = {0};
    char path[512];
    char context[128];
    uint8_t root[MLC_KEY_LEN];
    mlc_code code = mlc_store_read(store, read_sealed, &job, err);
    if (code == MLC_E_NOTFOUND) {
        code = mlc_fail(
            err, MLC_E_NOTFOUND,
            "agent %s has no key yet: enrol it with \"ml-agent enroll --config FILE --token-file FILE\", "
            "or set relay.client_cert_file",
            mlc_cfg_str(cfg, "agent.id"));
        goto cleanup;
    }
    if (code == MLC_OK)
        code = mlc_root_key_load(mlc_identity_root_key_file(cfg, path, sizeof path), false, root, err);
    if (code == MLC_OK)
        code = mlc_unseal(root, seal_context(cfg, context, sizeof context), job.sealed.data, job.sealed.len,
                          &clear, err);
    if (code == MLC_OK && clear.len != MLC_KEY_LEN)
        code = mlc_fail(err, MLC_E_CORRUPT, "the sealed agent key has %zu bytes instead of %d", clear.len,
                        MLC_KEY_LEN);
    if (code == MLC_OK)
        memcpy(key, clear.data, MLC_KEY_LEN);
cleanup:
    explicit_bzero(root, sizeof root);
    mlc_buf_wipe(&clear);
    mlc_buf_free(&job.sealed);
    return code;
}

mlc_code mlc_identity_make(mlc_store *store, const mlc_cfg *cfg, uint8_t key[MLC_KEY_LEN], mlc_error *err)
{
    key_job job = {0};
    char path[512];
    char context[128];
    uint8_t root[MLC_KEY_LEN];
    mlc_code code = mlc_identity_load(store, cfg, key, err);
    if (code != MLC_E_NOTFOUND)
        return code;
    code = mlc_root_key_load(mlc_identity_root_key_file(cfg, path, sizeof path), true, root, err);
    if (code == MLC_OK)
        code = mlc_random(key, MLC_KEY_LEN, err);
    if (code == MLC_OK)
        code = mlc_seal(root, seal_context(cfg, context, sizeof context), key, MLC_KEY_LEN, &job.sealed, err);
    if (code == MLC_OK)
        code = mlc_store_run(store, write_sealed, &job, err);
    explicit_bzero(root, sizeof root);
    mlc_buf_free(&job.sealed);
    return code;
}
