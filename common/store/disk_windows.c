/* disk_windows.c - disk.h on Windows. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "store/disk.h"

#include <io.h>

/* A byte no content reaches is locked, since what is locked cannot be read by others. */
bool disk_lock(int fd)
{
    OVERLAPPED at = {.OffsetHigh = 0x7fffffff};
    return LockFileEx((HANDLE)_get_osfhandle(fd), LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1,
                      0, &at) != 0;
}

/* Windows maps no more than the file has: LMDB makes the file as long as the map when it opens it, so that its room on
 * the disk is taken already. */
disk_end disk_reach(MDB_env *env, size_t bytes)
{
    (void)env;
    (void)bytes;
    return DISK_UNKNOWN;
}

mdb_filehandle_t disk_handle(int fd)
{
    return (HANDLE)_get_osfhandle(fd);
}
