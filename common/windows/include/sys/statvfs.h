/* Room on a disk, as far as it is asked for. */
#ifndef MLC_WINDOWS_SYS_STATVFS_H
#define MLC_WINDOWS_SYS_STATVFS_H
struct statvfs {
    unsigned long long f_bavail, f_frsize;
};
int statvfs(const char *path, struct statvfs *out);
#endif
