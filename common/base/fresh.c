/* fresh.c - see fresh.h. */
#include "base/fresh.h"

#include "base/fresh_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100 };

mlc_code mlc_fresh_open(const char *file, char path[MLC_FRESH_PATH_MAX], int *fd, mlc_error *err)
{
    struct stat st;
    *fd = -1;
    for (int i = 0; i < TRIES; i++) {
        const int len = snprintf(path, MLC_FRESH_PATH_MAX, "%s" MLC_FRESH_MARK "XXXXXX", file);
        if (len < 0 || len >= MLC_FRESH_PATH_MAX)
            return mlc_fail(err, MLC_E_INVALID, "the path %.100s... is too long", file);
        *fd = mkostemp(path, O_CLOEXEC);
        if (*fd < 0)
            return mlc_fail(err, MLC_E_IO, "%s", strerror(errno));
        /* Between its making and the lock a clearing may have taken it away. */
        if (flock(*fd, LOCK_EX) == 0 && fstat(*fd, &st) == 0 && st.st_nlink > 0)
            return MLC_OK;
        (void)unlink(path);
        (void)close(*fd);
        *fd = -1;
    }
    return mlc_fail(err, MLC_E_IO, "the new file is taken away again and again");
}

static bool clear_one(int dir, const char *name)
{
    struct stat st;
    const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool cleared = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                         (geteuid() == 0 || st.st_uid == geteuid()) && flock(fd, LOCK_EX | LOCK_NB) == 0 &&
                         unlinkat(dir, name, 0) == 0;
    (void)close(fd);
    return cleared;
}

size_t mlc_fresh_clear(const char *file)
{
    char folder[MLC_FRESH_PATH_MAX];
    const char *const slash = strrchr(file, '/');
    const char *const base = slash != NULL ? slash + 1 : file;
    size_t count = 0;
    const int len = slash == NULL ? snprintf(folder, sizeof folder, ".")
                                  : snprintf(folder, sizeof folder, "%.*s", (int)(slash - file) + 1, file);
    if (len < 0 || (size_t)len >= sizeof folder)
        return 0;
    DIR *const dir = opendir(folder);
    if (dir == NULL)
        return 0;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (mlc_fresh_is_name(entry->d_name, base) && clear_one(dirfd(dir), entry->d_name))
            count++;
    }
    (void)closedir(dir);
    return count;
}
