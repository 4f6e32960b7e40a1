/* disk.c - disk.h on POSIX systems. */
#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

bool disk_lock(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

disk_end disk_reach(MDB_env *env, size_t bytes)
{
    mdb_filehandle_t fd = -1;
    if (mdb_env_get_fd(env, &fd) != 0)
        return DISK_UNKNOWN;
    while (fallocate(fd, 0, 0, (off_t)bytes) != 0)
        if (errno != EINTR)
            return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? DISK_NO_ROOM : DISK_UNKNOWN;
    return DISK_DONE;
}

mdb_filehandle_t disk_handle(int fd)
{
    return fd;
}
