/* posix.c - see posix.h. */
#include <winsock2.h>
/* before the rest of Windows */
#include <windows.h>

#include "base/os.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#undef mkdir
#undef rename
#undef fopen

/* Files are read and written as they are, without changed line ends, whoever opens them. */
#undef _fmode
extern int _fmode;
int _fmode = _O_BINARY;

const char *strerrordesc_np(int error)
{
    return strerror(error);
}

void explicit_bzero(void *data, size_t len)
{
    SecureZeroMemory(data, len);
}

void *memrchr(const void *data, int byte, size_t len)
{
    const unsigned char *const bytes = data;
    while (len > 0)
        if (bytes[--len] == (unsigned char)byte)
            return (void *)(uintptr_t)(bytes + len);
    return NULL;
}

char *strndup(const char *text, size_t len)
{
    const size_t have = strnlen(text, len);
    char *const copy = malloc(have + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, text, have);
    copy[have] = '\0';
    return copy;
}

ssize_t getline(char **line, size_t *size, FILE *in)
{
    size_t len = 0;
    int c = 0;
    while (c != '\n' && (c = getc(in)) != EOF) {
        if (len + 2 > *size) {
            const size_t more = *size < 128 ? 256 : 2 * *size;
            char *const grown = realloc(*line, more);
            if (grown == NULL)
                return -1;
            *line = grown;
            *size = more;
        }
        (*line)[len++] = (char)c;
        (*line)[len] = '\0';
    }
    return len > 0 ? (ssize_t)len : -1;
}

int sigfillset(sigset_t *set)
{
    *set = ~0ULL;
    return 0;
}

int mlc_posix_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    (void)how;
    (void)set;
    if (old != NULL)
        *old = 0;
    return 0;
}

/* The six letters at the end of a name, drawn anew. */
static bool draw_name(char *end)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    unsigned char draw[6];
    if (getrandom(draw, sizeof draw, 0) != (ssize_t)sizeof draw)
        return false;
    for (size_t i = 0; i < sizeof draw; i++)
        end[i] = letters[draw[i] % (sizeof letters - 1)];
    return true;
}

int mlc_posix_new_file(char *name, unsigned long flags, unsigned long share)
{
    const size_t len = strlen(name);
    char *const end = name + len - 6;
    /* Who opens a file in the usual way would not do so beside somebody who may delete it. */
    const DWORD access =
        GENERIC_READ | GENERIC_WRITE | ((flags & FILE_FLAG_DELETE_ON_CLOSE) != 0 ? DELETE : 0);
    if (len < 6 || strcmp(end, "XXXXXX") != 0) {
        errno = EINVAL;
        return -1;
    }
    for (int tries = 0; tries < 100; tries++) {
        if (!draw_name(end))
            break;
        const HANDLE file = CreateFileA(name, access, share | FILE_SHARE_DELETE, NULL, CREATE_NEW,
                                        FILE_ATTRIBUTE_NORMAL | flags, NULL);
        if (file != INVALID_HANDLE_VALUE)
            return _open_osfhandle((intptr_t)file, O_RDWR | O_BINARY | O_NOINHERIT);
        const DWORD why = GetLastError();
        errno = why == ERROR_PATH_NOT_FOUND ? ENOENT : why == ERROR_ACCESS_DENIED ? EACCES : EIO;
        if (why != ERROR_FILE_EXISTS)
            return -1;
    }
    errno = EEXIST;
    return -1;
}

int mkostemp(char *name, int flags)
{
    (void)flags;
    return mlc_posix_new_file(name, 0, FILE_SHARE_READ);
}

enum { AT_ONCE = 1 << 30 };

/* Where the file stands for read and write moves here; who reads at places does nothing else with it. */
ssize_t pread(int fd, void *data, size_t len, off_t at)
{
    return _lseeki64(fd, at, SEEK_SET) < 0 ? -1 : _read(fd, data, len < AT_ONCE ? (unsigned)len : AT_ONCE);
}

time_t timegm(struct tm *utc)
{
    return _mkgmtime(utc);
}

char *mkdtemp(char *name)
{
    char *const end = name + strlen(name) - 6;
    for (unsigned tries = 0; tries < 1000; tries++) {
        if (!draw_name(end))
            break;
        if (mlc_os_make_folder(name, true) == 0)
            return name;
        if (errno != EEXIST)
            return NULL;
    }
    errno = EEXIST;
    return NULL;
}

int fsync(int fd)
{
    return _commit(fd);
}

int link(const char *old_name, const char *new_name)
{
    if (CreateHardLinkA(new_name, old_name, NULL))
        return 0;
    errno = GetLastError() == ERROR_ALREADY_EXISTS ? EEXIST : EIO;
    return -1;
}

int fchmod(int fd, unsigned mode)
{
    (void)fd;
    (void)mode;
    return 0;
}

char *realpath(const char *path, char *out)
{
    char *const full = _fullpath(out, path, MLC_OS_PATH_MAX);
    if (full != NULL && access(full, F_OK) == 0)
        return full;
    if (out == NULL)
        free(full);
    return NULL;
}

int mlc_posix_rename(const char *old_name, const char *new_name)
{
    if (MoveFileExA(old_name, new_name, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        return 0;
    const DWORD why = GetLastError();
    errno = why == ERROR_FILE_NOT_FOUND || why == ERROR_PATH_NOT_FOUND ? ENOENT
            : why == ERROR_ACCESS_DENIED                               ? EACCES
                                                                       : EIO;
    return -1;
}

int mlc_posix_mkdir(const char *path, unsigned mode)
{
    return mlc_os_make_folder(path, (mode & (S_IRWXG | S_IRWXO)) == 0);
}

FILE *mlc_posix_fopen(const char *path, const char *mode)
{
    char known[8];
    size_t len = 0;
    for (; *mode != '\0' && len < sizeof known - 1; mode++)
        if (*mode != 'e')
            known[len++] = *mode;
    if (len < sizeof known - 1)
        known[len++] = 'b';
    known[len] = '\0';
    return fopen(path, known);
}
