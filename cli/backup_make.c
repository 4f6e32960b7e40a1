/* backup_make.c - writes a backup's folder and gives it its place (backup.h). */
#include "cli/backup_private.h"

#include "base/clock.h"
#include "base/os.h"
#include "base/write.h"
#include "crypto/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

mlc_code backup_path(char out[MLCTL_BACKUP_PATH_MAX], const char *dir, const char *folder, const char *name,
                     mlc_error *err)
{
    const int len =
        snprintf(out, MLCTL_BACKUP_PATH_MAX, "%s%s%s/%s", dir, folder[0] != '\0' ? "/" : "", folder, name);
    if (len >= 0 && len < MLCTL_BACKUP_PATH_MAX)
        return MLC_OK;
    return mlc_fail(err, MLC_E_INVALID, "%.200s: the name is too long", dir);
}

static mlc_code io_failed(const char *path, const char *what, mlc_error *err)
{
    const int why = errno;
    const bool full = why == ENOSPC || why == EDQUOT || why == EFBIG;
    const bool denied = why == EACCES || why == EPERM || why == EROFS;
    const mlc_code code = full ? MLC_E_FULL : denied ? MLC_E_DENIED : MLC_E_IO;
    return mlc_fail(err, code, "%.300s cannot be %s: %s%s", path, what, strerror(why),
                    denied          ? "; name a folder where this user may write"
                    : why == ENOENT ? "; make the folder that it is to be in"
                                    : "");
}

static bool is_name(const char *target)
{
    const char *const slash = strrchr(target, '/');
    const char *const last = slash != NULL ? slash + 1 : target;
    return last[0] != '\0' && strcmp(last, ".") != 0 && strcmp(last, "..") != 0;
}

/* ---- beginning ---- */

static mlc_code check_target(const char *target, bool force, bool *replaces, mlc_error *err)
{
    struct stat there;
    mlctl_backup earlier = {0};
    if (!is_name(target))
        return mlc_fail(err, MLC_E_INVALID, "\"%.200s\" is no name for a new folder", target);
    *replaces = lstat(target, &there) == 0;
    if (!*replaces)
        return MLC_OK;
    if (!force)
        return mlc_fail(
            err, MLC_E_EXISTS,
            "%.300s is there already; name another folder, or replace an earlier backup with --force",
            target);
    /* A link is somebody's name for a backup: its folder would be emptied behind it. */
    if (!S_ISDIR(there.st_mode))
        return mlc_fail(err, MLC_E_EXISTS,
                        "%.300s is there and is no folder; name the folder itself, or another one", target);
    const mlc_code code = mlctl_backup_read(&earlier, target, err);
    mlctl_backup_free(&earlier);
    if (code != MLC_OK)
        return mlc_wrap(err, MLC_E_EXISTS, "%.300s is there and is no backup; --force replaces nothing else",
                        target);
    return MLC_OK;
}

mlc_code mlctl_backup_begin(mlctl_backup *out, const char *target, bool force, mlc_error *err)
{
    *out = (mlctl_backup){0};
    const mlc_code code = check_target(target, force, &out->replaces, err);
    if (code != MLC_OK)
        return code;
    const int len = snprintf(out->dir, sizeof out->dir, "%s.XXXXXX", target);
    if (len < 0 || (size_t)len + sizeof ".old" > sizeof out->dir)
        return mlc_fail(err, MLC_E_INVALID, "%.200s: the name is too long", target);
    if (mkdtemp(out->dir) == NULL)
        return io_failed(target, "made", err);
    (void)mlc_iso_text(mlc_wall_ms(), out->made);
    return MLC_OK;
}

static mlc_code make_folders(const mlctl_backup *backup, const char *folder, mlc_error *err)
{
    char path[MLCTL_BACKUP_PATH_MAX];
    char part[MLCTL_BACKUP_FOLDER_MAX];
    for (size_t i = 1; folder[0] != '\0' && i <= strlen(folder); i++) {
        if (folder[i] != '/' && folder[i] != '\0')
            continue;
        (void)snprintf(part, sizeof part, "%.*s", (int)i, folder);
        const mlc_code code = backup_path(path, backup->dir, "", part, err);
        if (code != MLC_OK)
            return code;
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return io_failed(path, "made", err);
    }
    return MLC_OK;
}

mlc_code mlctl_backup_add(mlctl_backup *backup, const char *name, const char *folder,
                          mlctl_backup_store **out, mlc_error *err)
{
    if (name == NULL || folder == NULL || strlen(name) >= MLCTL_BACKUP_NAME_MAX ||
        !backup_folder_good(folder))
        return mlc_fail(err, MLC_E_PROTOCOL, "the program names a store or a folder that cannot be: %.80s",
                        folder != NULL ? folder : "(none)");
    mlctl_backup_store *const store = backup_new_store(backup);
    if (store == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    mlc_strlcpy(store->name, name, sizeof store->name);
    mlc_strlcpy(store->folder, folder, sizeof store->folder);
    *out = store;
    return make_folders(backup, folder, err);
}

/* ---- files ---- */

mlc_code mlctl_backup_file(const mlctl_backup *backup, const mlctl_backup_store *store, int *fd,
                           mlc_error *err)
{
    char path[MLCTL_BACKUP_PATH_MAX];
    *fd = -1;
    const mlc_code code = backup_path(path, backup->dir, store->folder, "data.mdb", err);
    if (code != MLC_OK)
        return code;
    *fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return *fd >= 0 ? MLC_OK : io_failed(path, "made", err);
}

mlc_code mlctl_backup_write(int fd, const void *data, size_t len, mlc_error *err)
{
    return mlc_write_all(fd, data, len) ? MLC_OK : io_failed("the backup", "written", err);
}

mlc_code mlctl_backup_seal(mlctl_backup_store *store, int fd, mlc_error *err)
{
    uint8_t sha[MLC_SHA256_LEN];
    if (fsync(fd) != 0)
        return io_failed("the backup", "written", err);
    const mlc_code code = mlc_sha256_file(fd, sha, &store->bytes, err);
    if (code != MLC_OK)
        return code;
    mlc_hex(sha, sizeof sha, store->sha256);
    return MLC_OK;
}

/* ---- its place ---- */

static mlc_code sync_folder(const char *path, mlc_error *err)
{
    char inside[MLCTL_BACKUP_PATH_MAX + 2];
    (void)snprintf(inside, sizeof inside, "%s/.", path);
    return mlc_os_sync_folder(inside) == 0 ? MLC_OK : io_failed(path, "synced", err);
}

/* All folders from the store's up to the backup's. */
static mlc_code sync_folders(const mlctl_backup *backup, const mlctl_backup_store *store, mlc_error *err)
{
    char path[MLCTL_BACKUP_PATH_MAX];
    mlc_code code = backup_path(path, backup->dir, store->folder, "", err);
    for (size_t len = strlen(path) - 1; code == MLC_OK && len >= strlen(backup->dir); len--) {
        if (path[len] != '/')
            continue;
        path[len] = '\0';
        code = sync_folder(path, err);
    }
    return code;
}

static mlc_code write_json(const mlctl_backup *backup, mlc_error *err)
{
    char path[MLCTL_BACKUP_PATH_MAX];
    mlc_code code = backup_path(path, backup->dir, "", MLCTL_BACKUP_FILE, err);
    char *const text = code == MLC_OK ? mlctl_backup_text(backup) : NULL;
    if (code != MLC_OK)
        return code;
    if (text == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    code = fd >= 0 ? mlctl_backup_write(fd, text, strlen(text), err) : io_failed(path, "made", err);
    if (code == MLC_OK && (mlctl_backup_write(fd, "\n", 1, err) != MLC_OK || fsync(fd) != 0))
        code = io_failed(path, "written", err);
    if (fd >= 0)
        (void)close(fd);
    free(text);
    return code;
}

/* Only what belongs to a backup; who put something else into its folder keeps that. */
static void delete_backup(const mlctl_backup *backup)
{
    char path[MLCTL_BACKUP_PATH_MAX];
    for (size_t i = 0; i < backup->count; i++) {
        if (backup_path(path, backup->dir, backup->stores[i].folder, "data.mdb", NULL) != MLC_OK)
            continue;
        (void)unlink(path);
        for (char *slash = strrchr(path, '/'); (size_t)(slash - path) > strlen(backup->dir);
             slash = strrchr(path, '/')) {
            *slash = '\0';
            (void)rmdir(path);
        }
    }
    if (backup_path(path, backup->dir, "", MLCTL_BACKUP_FILE, NULL) == MLC_OK)
        (void)unlink(path);
    (void)rmdir(backup->dir);
}

void mlctl_backup_discard(const mlctl_backup *backup)
{
    if (backup->dir[0] != '\0')
        delete_backup(backup);
}

/* The earlier one steps aside until the new one has its name. */
static mlc_code take_place(const mlctl_backup *backup, const char *target, mlc_error *err)
{
    mlctl_backup earlier = {0};
    char aside[MLCTL_BACKUP_PATH_MAX];
    (void)snprintf(aside, sizeof aside, "%.*s.old", MLCTL_BACKUP_PATH_MAX - 8, backup->dir);
    mlc_code code = backup->replaces ? mlctl_backup_read(&earlier, target, err) : MLC_OK;
    if (code == MLC_OK && backup->replaces && rename(target, aside) != 0)
        code = io_failed(target, "replaced", err);
    if (code == MLC_OK && rename(backup->dir, target) != 0) {
        code = io_failed(target, "made", err);
        if (backup->replaces)
            (void)rename(aside, target);
    } else if (code == MLC_OK && backup->replaces) {
        mlc_strlcpy(earlier.dir, aside, sizeof earlier.dir);
        delete_backup(&earlier);
    }
    mlctl_backup_free(&earlier);
    return code;
}

mlc_code mlctl_backup_publish(mlctl_backup *backup, const char *target, mlc_error *err)
{
    char parent[MLCTL_BACKUP_PATH_MAX];
    mlc_code code = write_json(backup, err);
    for (size_t i = 0; code == MLC_OK && i < backup->count; i++)
        code = sync_folders(backup, &backup->stores[i], err);
    if (code == MLC_OK)
        code = take_place(backup, target, err);
    if (code != MLC_OK)
        return code;
    mlc_strlcpy(parent, target, sizeof parent);
    char *const slash = strrchr(parent, '/');
    if (slash != NULL)
        slash[slash == parent ? 1 : 0] = '\0';
    code = sync_folder(slash != NULL ? parent : ".", err);
    /* It has its name: what fails now is told, but there is nothing to be discarded any more. */
    mlc_strlcpy(backup->dir, code == MLC_OK ? target : "", sizeof backup->dir);
    return code;
}
