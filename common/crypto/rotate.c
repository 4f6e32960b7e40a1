/* rotate.c - see rotate.h. */
#include "crypto/rotate.h"

#include "base/fresh.h"
#include "base/os.h"
#include "crypto/root_key.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024 };

static mlc_code beside(const char *file, const char *end, char out[PATH_SIZE], mlc_error *err)
{
    const int len = snprintf(out, PATH_SIZE, "%s%s", file, end);
    return len > 0 && len < PATH_SIZE ? MLC_OK
                                      : mlc_fail(err, MLC_E_INVALID, "the path of the root key is too long");
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

mlc_code mlc_rotation_lock(const char *file, int *fd, mlc_error *err)
{
    *fd = mlc_os_lock(file);
    if (*fd >= 0)
        return MLC_OK;
    if (errno == EWOULDBLOCK)
        return mlc_fail(err, MLC_E_LOCKED, "another rotation of root key %s is under way", file);
    return mlc_fail(err, errno == ENOENT ? MLC_E_NOTFOUND : MLC_E_IO, "cannot open root key %s: %s", file,
                    strerror(errno));
}

mlc_code mlc_rotation_begin(const char *file, const mlc_token *token, mlc_rotation_state *state,
                            mlc_error *err)
{
    char next[PATH_SIZE], old[PATH_SIZE];
    mlc_code code = beside(file, ".next", next, err);
    if (code == MLC_OK)
        code = beside(file, ".old", old, err);
    if (code != MLC_OK)
        return code;
    /* Of rotations, and of a first start, that were killed. */
    (void)mlc_fresh_clear(next);
    (void)mlc_fresh_clear(file);
    if (is_there(next)) {
        *state = MLC_ROTATION_RESUMED;
        return MLC_OK;
    }
    *state = is_there(old) ? MLC_ROTATION_COMMITTED : MLC_ROTATION_NEW;
    return *state == MLC_ROTATION_NEW ? mlc_root_key_create(next, file, token, err) : MLC_OK;
}

mlc_code mlc_rotation_commit(const char *file, mlc_error *err)
{
    char next[PATH_SIZE], old[PATH_SIZE];
    mlc_code code = beside(file, ".next", next, err);
    if (code == MLC_OK)
        code = beside(file, ".old", old, err);
    if (code != MLC_OK)
        return code;
    /* Of a former attempt that was killed between the next two steps: the same key. */
    if (unlink(old) != 0 && errno != ENOENT)
        return mlc_fail(err, MLC_E_IO, "cannot remove %s: %s", old, strerror(errno));
    if (link(file, old) != 0)
        return mlc_fail(err, MLC_E_IO, "cannot keep root key %s as %s: %s", file, old, strerror(errno));
    code = mlc_root_key_sync_folder(file, err);
    if (code == MLC_OK && rename(next, file) != 0)
        code = mlc_fail(err, MLC_E_IO, "cannot name root key %s: %s", file, strerror(errno));
    return code == MLC_OK ? mlc_root_key_sync_folder(file, err) : code;
}

mlc_code mlc_rotation_end(const char *file, mlc_error *err)
{
    char old[PATH_SIZE];
    const mlc_code code = beside(file, ".old", old, err);
    if (code != MLC_OK)
        return code;
    if (unlink(old) != 0 && errno != ENOENT)
        return mlc_fail(err, MLC_E_IO, "cannot remove %s: %s", old, strerror(errno));
    return mlc_root_key_sync_folder(file, err);
}
