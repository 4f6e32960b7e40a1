/* os.c - os.h on POSIX systems. */
#include "base/os.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void mlc_os_begin(void)
{
    const struct rlimit no_core = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool mlc_os_absolute(const char *path)
{
    return path[0] == '/';
}

const char *mlc_os_last_slash(const char *path)
{
    return strrchr(path, '/');
}

bool mlc_os_private(int fd, const char *path, char *remedy, size_t size)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return true;
    (void)snprintf(remedy, size, "(mode %03o); run: chmod 600 %s", (unsigned)(st.st_mode & 0777), path);
    return false;
}

int mlc_os_make_folder(const char *path, bool own)
{
    return mkdir(path, own ? 0700 : 0755);
}

int mlc_os_sync_folder(const char *path)
{
    char *const copy = mlc_strdup(path);
    const int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    const int rc = fd >= 0 ? fsync(fd) : -1;
    const int why = errno;
    if (fd >= 0)
        (void)close(fd);
    free(copy);
    errno = why;
    return rc;
}

int mlc_os_nameless(char *path)
{
    const int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

int mlc_os_own_like(int fd, const struct stat *like)
{
    return geteuid() == 0 ? fchown(fd, like->st_uid, like->st_gid) : 0;
}

int mlc_os_lock(const char *file)
{
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    const int why = errno;
    (void)close(fd);
    errno = why;
    return -1;
}

void mlc_os_zone_file(const char *name, char out[MLC_OS_PATH_MAX])
{
    (void)snprintf(out, MLC_OS_PATH_MAX, "/usr/share/zoneinfo/%s", name);
}

void mlc_os_user(char *out, size_t size)
{
    (void)snprintf(out, size, "user %u", (unsigned)geteuid());
}
