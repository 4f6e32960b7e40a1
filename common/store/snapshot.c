/* snapshot.c - consistent copies of a store while it is in use (store.h). */
#include "base/os.h"
#include "store/disk.h"
#include "store/store_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PATH_TEXT_MAX = 1024 };

/* What a copy leaves of the disk: the store itself goes on growing beside it. */
static const uint64_t DISK_KEEP = (uint64_t)16 << 20;

/* The map is not grown meanwhile: jobs that need it wait. */
static int copy_to(mlc_store *store, int fd)
{
    (void)pthread_rwlock_rdlock(&store->map_lock);
    const int rc = mdb_env_copyfd2(store->env, disk_handle(fd), MDB_CP_COMPACT);
    (void)pthread_rwlock_unlock(&store->map_lock);
    return rc;
}

static mlc_code copy_failed(int rc, const char *what, const char *path, mlc_error *err)
{
    return mlc_fail(err, rc == ENOSPC || rc == EDQUOT || rc == EFBIG ? MLC_E_FULL : MLC_E_IO, "%s %s: %s",
                    what, path, mdb_strerror(rc));
}

mlc_code mlc_store_backup(mlc_store *store, const char *dir, mlc_error *err)
{
    char path[PATH_TEXT_MAX];
    const int len = snprintf(path, sizeof path, "%s/data.mdb", dir);
    if (len < 0 || (size_t)len >= sizeof path)
        return mlc_fail(err, MLC_E_INVALID, "backup to %.200s: the name is too long", dir);
    /* Not by mdb_env_copy2: its file could be read by every user, and is not synced. */
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return mlc_fail(err, MLC_E_IO, "backup to %s: %s", path, strerror(errno));
    int rc = copy_to(store, fd);
    if (rc == 0 && fsync(fd) != 0)
        rc = errno;
    if (close(fd) != 0 && rc == 0)
        rc = errno;
    if (rc == 0)
        return MLC_OK;
    (void)unlink(path);
    return copy_failed(rc, "backup to", path, err);
}

/* ---- without a name ---- */

static mlc_code count_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    (void)err;
    room_mark_now(txn, arg);
    return MLC_OK;
}

/* A store that could not write any more because of its own backup would be worse off than before. */
static mlc_code check_room(mlc_store *store, mlc_error *err)
{
    struct statvfs disk;
    room_mark mark;
    const mlc_code code = mlc_store_read(store, count_job, &mark, err);
    if (code != MLC_OK || statvfs(store->dir, &disk) != 0)
        return code;
    const uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
    const uint64_t needed = (uint64_t)mark.pages * mark.page_bytes;
    if (left >= needed + DISK_KEEP)
        return MLC_OK;
    return mlc_fail(
        err, MLC_E_FULL,
        "a copy of store %s is made beside it first; it needs %llu MiB, and the disk has %llu MiB "
        "left, of which %llu stay free for the store; make room there",
        store->dir, (unsigned long long)(needed >> 20) + 1, (unsigned long long)(left >> 20),
        (unsigned long long)(DISK_KEEP >> 20));
}

static mlc_code length_of(int fd, const char *path, uint64_t *bytes, mlc_error *err)
{
    const off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0)
        return copy_failed(errno, "copy", path, err);
    *bytes = (uint64_t)end;
    return MLC_OK;
}

mlc_code mlc_store_snapshot(mlc_store *store, int *out_fd, uint64_t *bytes, mlc_error *err)
{
    char path[PATH_TEXT_MAX];
    *out_fd = -1;
    const int len = snprintf(path, sizeof path, "%s/copy.XXXXXX", store->dir);
    if (len < 0 || (size_t)len >= sizeof path)
        return mlc_fail(err, MLC_E_INVALID, "copy of %.200s: the name is too long", store->dir);
    const int fd = mlc_os_nameless(path);
    if (fd < 0)
        return copy_failed(errno, "copy", path, err);
    mlc_code code = check_room(store, err);
    const int rc = code == MLC_OK ? copy_to(store, fd) : 0;
    if (rc != 0)
        code = copy_failed(rc, "copy of store", store->dir, err);
    if (code == MLC_OK)
        code = length_of(fd, path, bytes, err);
    if (code != MLC_OK) {
        (void)close(fd);
        return code;
    }
    *out_fd = fd;
    return MLC_OK;
}
