/* backup_prove.c - is a backup what was written, and a store that can be opened? (backup.h) */
#include "cli/backup_private.h"

#include "crypto/digest.h"
#include "store/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

mlc_code mlctl_backup_read(mlctl_backup *out, const char *dir, mlc_error *err)
{
    mlc_buf text = {.max = MLCTL_BACKUP_JSON_MAX};
    char path[MLCTL_BACKUP_PATH_MAX];
    char piece[4096];
    size_t got = 0;
    *out = (mlctl_backup){0};
    mlc_code code = backup_path(path, dir, "", MLCTL_BACKUP_FILE, err);
    if (code != MLC_OK)
        return code;
    mlc_strlcpy(out->dir, dir, sizeof out->dir);
    FILE *const in = fopen(path, "re");
    if (in == NULL)
        return mlc_fail(err, errno == ENOENT || errno == ENOTDIR ? MLC_E_NOTFOUND : MLC_E_IO,
                        "%.300s cannot be read: %s; is that a folder that mlctl backup made?", path,
                        strerror(errno));
    while (code == MLC_OK && (got = fread(piece, 1, sizeof piece, in)) > 0)
        code = mlc_buf_append(&text, piece, got, err);
    (void)fclose(in);
    if (code == MLC_OK)
        code = mlctl_backup_parse(out, mlc_buf_text(&text), text.len, err);
    mlc_buf_free(&text);
    return code;
}

static mlc_code prove_file(const mlctl_backup *backup, const mlctl_backup_store *store, mlc_error *err)
{
    char path[MLCTL_BACKUP_PATH_MAX];
    char hex[MLCTL_BACKUP_SHA_MAX];
    uint8_t sha[MLC_SHA256_LEN];
    uint64_t bytes = 0;
    mlc_code code = backup_path(path, backup->dir, store->folder, "data.mdb", err);
    if (code != MLC_OK)
        return code;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mlc_fail(err, errno == ENOENT ? MLC_E_CORRUPT : MLC_E_IO, "%.300s: %s", path, strerror(errno));
    code = mlc_sha256_file(fd, sha, &bytes, err);
    (void)close(fd);
    if (code != MLC_OK)
        return mlc_wrap(err, code, "%.300s", path);
    mlc_hex(sha, sizeof sha, hex);
    if (bytes != store->bytes)
        return mlc_fail(err, MLC_E_CORRUPT, "%.300s has %" PRIu64 " bytes, %" PRIu64 " were written", path,
                        bytes, store->bytes);
    return strcmp(hex, store->sha256) == 0
               ? MLC_OK
               : mlc_fail(err, MLC_E_CORRUPT, "%.300s is not as it was written: its SHA-256 differs", path);
}

typedef struct trail_run {
    const mlc_audit_head *known;
    mlc_audit_head head;
    uint64_t count;
} trail_run;

static mlc_code trail_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    trail_run *const run = arg;
    const mlc_code code = mlc_audit_verify(txn, run->known, &run->count, err);
    return code == MLC_OK ? mlc_audit_head_get(txn, &run->head, err) : code;
}

static mlc_code prove_trail(const char *dir, mlctl_backup_store *store, mlc_error *err)
{
    char hex[2 * MLC_AUDIT_HASH_LEN + 1];
    mlc_audit_head noted = {0};
    trail_run run = {0};
    mlc_store *copy = NULL;
    const mlc_store_options options = {.dir = dir, .read_only = true};
    if (store->head[0] != '\0' && strncmp(store->head, "0:", 2) != 0) {
        const mlc_code code = mlc_audit_head_parse(store->head, &noted, err);
        if (code != MLC_OK)
            return code;
        run.known = &noted;
    }
    mlc_code code = mlc_store_open(&copy, &options, err);
    if (code == MLC_OK)
        code = mlc_store_read(copy, trail_job, &run, err);
    mlc_store_close(copy);
    if (code != MLC_OK)
        return code;
    store->entries = run.count;
    mlc_hex(run.head.hash, MLC_AUDIT_HASH_LEN, hex);
    (void)snprintf(store->head, sizeof store->head, "%" PRIu64 ":%s", run.head.index, hex);
    return MLC_OK;
}

mlc_code mlctl_backup_prove(const mlctl_backup *backup, mlctl_backup_store *store, mlc_error *err)
{
    char dir[MLCTL_BACKUP_PATH_MAX];
    mlc_code code = prove_file(backup, store, err);
    if (code == MLC_OK)
        code = backup_path(dir, backup->dir, store->folder, "", err);
    if (code == MLC_OK)
        code = prove_trail(dir, store, err);
    return code == MLC_OK ? code
                          : mlc_wrap(err, code, "store %.60s of the backup is not proven", store->name);
}
