/* backup.h - a backup as it lies on the disk: a folder with the stores of one program, in the places that they have in its state
 * folder, and backup.json, which names them.
 *
 *   backup.json            {"format":1,"program","made","stores":[{"name","folder","bytes","sha256","auditHead"}]}
 *   FOLDER/data.mdb        for each store; FOLDER is "" for the agent's only one
 *
 * It is written into a folder beside its place, which gets its name when all is there, synced and proven: a folder of that name
 * is a whole backup. Folders are for their owner only (0700), files too (0600).
 */
#ifndef MLC_CLI_BACKUP_H
#define MLC_CLI_BACKUP_H

#include "base/json.h"

enum {
    MLCTL_BACKUP_PATH_MAX = 4096,
    MLCTL_BACKUP_NAME_MAX = 128,
    MLCTL_BACKUP_FOLDER_MAX = 160,
    MLCTL_BACKUP_HEAD_MAX = 96,
    MLCTL_BACKUP_SHA_MAX = 65
};

typedef struct mlctl_backup_store {
    char name[MLCTL_BACKUP_NAME_MAX], folder[MLCTL_BACKUP_FOLDER_MAX];
    uint64_t bytes;
    char sha256[MLCTL_BACKUP_SHA_MAX];
    char head[MLCTL_BACKUP_HEAD_MAX]; /* of the audit trail: INDEX:HASH */
    uint64_t entries;                 /* of the audit trail, counted when it is proven */
} mlctl_backup_store;

typedef struct mlctl_backup {
    char dir[MLCTL_BACKUP_PATH_MAX]; /* where its files are now */
    bool replaces;                   /* an earlier one */
    char program[80], made[40];
    mlctl_backup_store *stores;
    size_t count;
} mlctl_backup;

/* ---- making one ---- */

/* May `target` be made? Then an empty folder beside it is, out->dir. With `force` an earlier backup may be there, nothing else.
 * MLC_E_EXISTS, MLC_E_DENIED, MLC_E_IO; the text names the remedy. Free with mlctl_backup_free. */
mlc_code mlctl_backup_begin(mlctl_backup *out, const char *target, bool force, mlc_error *err);
/* A further store, its folder made. The folder is what the program said: MLC_E_PROTOCOL when it would lead elsewhere. The row is
 * valid until the next one is added. */
mlc_code mlctl_backup_add(mlctl_backup *backup, const char *name, const char *folder,
                          mlctl_backup_store **out, mlc_error *err);
/* Its new file, open for reading and writing; the caller closes it. */
mlc_code mlctl_backup_file(const mlctl_backup *backup, const mlctl_backup_store *store, int *fd,
                           mlc_error *err);
/* Append to it. MLC_E_FULL when there is no room. */
mlc_code mlctl_backup_write(int fd, const void *data, size_t len, mlc_error *err);
/* Sync it, note its length and digest. */
mlc_code mlctl_backup_seal(mlctl_backup_store *store, int fd, mlc_error *err);
/* Write backup.json, sync all, and give it its place; an earlier one there is deleted. */
mlc_code mlctl_backup_publish(mlctl_backup *backup, const char *target, mlc_error *err);
/* Delete what was made so far. */
void mlctl_backup_discard(const mlctl_backup *backup);
void mlctl_backup_free(mlctl_backup *backup);

/* ---- looking at one ---- */

/* Of a folder; MLC_E_NOTFOUND when it has no backup.json, MLC_E_CORRUPT when that is not what is written there. Free it. */
mlc_code mlctl_backup_read(mlctl_backup *out, const char *dir, mlc_error *err);
/* The same from the text of backup.json; out->dir stays as it is. */
mlc_code mlctl_backup_parse(mlctl_backup *out, const char *text, size_t len, mlc_error *err);
/* The text of backup.json; the caller frees it. NULL: out of memory. */
char *mlctl_backup_text(const mlctl_backup *backup);
/* Its file is as it was written, opens as a store that this program knows, and its audit trail is whole, up to the head that was
 * noted; a head not yet noted is noted now. MLC_E_CORRUPT names the store. */
mlc_code mlctl_backup_prove(const mlctl_backup *backup, mlctl_backup_store *store, mlc_error *err);

#endif
