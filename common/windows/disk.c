/* disk.c - statvfs(3) by Windows. */
#include <sys/statvfs.h>

#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include <errno.h>

int statvfs(const char *path, struct statvfs *out)
{
    ULARGE_INTEGER room;
    if (!GetDiskFreeSpaceExA(path, &room, NULL, NULL)) {
        errno = EIO;
        return -1;
    }
    out->f_frsize = 1;
    out->f_bavail = room.QuadPart;
    return 0;
}
