/* backup_prove.c - is a backup what was written, and a store that can be opened? (backup.h) */
#include "cli/backup_private.h"

#include "cli/mlctl.h"
#include "crypto/digest.h"

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

static mlc_code prove_trail(const char *dir, mlctl_backup_store *store, mlc_error *err)
{
    char hex[2 * MLC_AUDIT_HASH_LEN + 1];
    mlc_audit_head noted, head;
    const mlc_audit_head *known = NULL;
    mlc_code code = MLC_OK;
    if (store->head[0] != '\0' && strncmp(store->head, "0:", 2) != 0) {
        code = mlc_audit_head_parse(store->head, &noted, err);
        known = &noted;
    }
    if (code == MLC_OK)
        code = mlctl_verify_trail(dir, known, &head, &store->entries, err);
    if (code != MLC_OK)
        return code;
    mlc_hex(head.hash, MLC_AUDIT_HASH_LEN, hex);
    (void)snprintf(store->head, sizeof store->head, "%" PRIu64 ":%s", head.index, hex);
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
