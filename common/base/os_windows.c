/* os_windows.c - os.h on Windows. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "base/buf.h"
#include "base/os.h"
#include "windows/acl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mlc_os_begin(void)
{
    (void)SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
    (void)_setmode(STDIN_FILENO, _O_BINARY);
    (void)_setmode(STDOUT_FILENO, _O_BINARY);
    (void)_setmode(STDERR_FILENO, _O_BINARY);
    (void)SetConsoleOutputCP(CP_UTF8);
}

static bool is_slash(char c)
{
    return c == '/' || c == '\\';
}

bool mlc_os_absolute(const char *path)
{
    const bool drive = (path[0] >= 'A' && path[0] <= 'Z') || (path[0] >= 'a' && path[0] <= 'z');
    return is_slash(path[0]) || (drive && path[1] == ':' && is_slash(path[2]));
}

const char *mlc_os_last_slash(const char *path)
{
    const char *found = NULL;
    for (const char *p = path; *p != '\0'; p++)
        if (is_slash(*p))
            found = p;
    return found;
}

bool mlc_os_private(int fd, const char *path, char *remedy, size_t size)
{
    char who[128] = "";
    if (mlc_acl_private((HANDLE)_get_osfhandle(fd), who, sizeof who))
        return true;
    (void)snprintf(remedy, size,
                   "(%s may read it); run: icacls \"%s\" /inheritance:r /grant:r *S-1-5-18:F *S-1-5-32-544:F",
                   who, path);
    return false;
}

int mlc_os_make_folder(const char *path, bool own)
{
    const mlc_acl_folder kind = own ? MLC_ACL_OWN : MLC_ACL_INHERITED;
    if (mlc_acl_make_folder(path, kind))
        return 0;
    const DWORD why = GetLastError();
    errno = why == ERROR_ALREADY_EXISTS   ? EEXIST
            : why == ERROR_PATH_NOT_FOUND ? ENOENT
            : why == ERROR_ACCESS_DENIED  ? EACCES
            : why == ERROR_DISK_FULL      ? ENOSPC
                                          : EIO;
    return -1;
}

/* NTFS writes names through its journal; there is no call to wait for it, and none is needed for the name to be whole. */
int mlc_os_sync_folder(const char *path)
{
    (void)path;
    return 0;
}

int mlc_os_nameless(char *path)
{
    return mlc_posix_new_file(path, FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, 0);
}

int mlc_os_own_like(int fd, const struct stat *like)
{
    (void)fd;
    (void)like;
    return 0;
}

int mlc_os_lock(const char *file)
{
    char path[MLC_OS_PATH_MAX];
    OVERLAPPED at = {0};
    const int len = snprintf(path, sizeof path, "%s.lock", file);
    if (len < 0 || (size_t)len >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (access(file, F_OK) != 0)
        return -1;
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || LockFileEx((HANDLE)_get_osfhandle(fd), LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY,
                             0, 1, 0, &at))
        return fd;
    (void)close(fd);
    errno = EWOULDBLOCK;
    return -1;
}

/* Windows has no such files: they are installed beside the program. MLC_ZONEINFO names another folder. */
void mlc_os_zone_file(const char *name, char out[MLC_OS_PATH_MAX])
{
    char program[MLC_OS_PATH_MAX] = "";
    const char *const folder = getenv("MLC_ZONEINFO");
    if (folder != NULL && folder[0] != '\0') {
        (void)snprintf(out, MLC_OS_PATH_MAX, "%.700s/%s", folder, name);
        return;
    }
    (void)GetModuleFileNameA(NULL, program, sizeof program - 1);
    const char *const slash = mlc_os_last_slash(program);
    const int len = slash != NULL ? (int)(slash - program) : 0;
    (void)snprintf(out, MLC_OS_PATH_MAX, "%.*s/zoneinfo/%s", len, program, name);
}

void mlc_os_user(char *out, size_t size)
{
    char name[256] = "?";
    DWORD len = sizeof name;
    (void)GetUserNameA(name, &len);
    (void)snprintf(out, size, "user %s", name);
}
