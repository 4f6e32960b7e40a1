/* root_key.c - the 32-byte root key in its file: only its owner may read it.
 *
 * A new key is written and synced under another name and then linked to its own, so that the file
 * either holds a whole key or does not exist, and two processes that start at once agree on one key. */
#include "crypto/root_key.h"

#include "base/fresh.h"
#include "base/os.h"
#include "base/write.h"
#include "crypto/key_wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Reads until `max` bytes or the end; *got tells how many. */
static mlc_code read_up_to(int fd, uint8_t *data, size_t max, size_t *got)
{
    *got = 0;
    while (*got < max) {
        const ssize_t n = read(fd, data + *got, (unsigned)(max - *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return MLC_E_IO;
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return MLC_OK;
}

mlc_code mlc_root_key_sync_folder(const char *path, mlc_error *err)
{
    if (mlc_os_sync_folder(path) == 0)
        return MLC_OK;
    return mlc_fail(err, MLC_E_IO, "cannot sync the folder of %s: %s", path, strerror(errno));
}

static mlc_code write_key(int fd, const char *path, const mlc_token *token, mlc_error *err)
{
    uint8_t key[MLC_KEY_LEN];
    mlc_buf kept = {.max = MLC_KEY_WRAP_MAX};
    mlc_code code = mlc_random(key, sizeof key, err);
    if (code == MLC_OK)
        code = token != NULL && token->module != NULL ? mlc_token_wrap(token, key, &kept, err)
                                                      : mlc_key_wrap(key, &kept, err);
    if (code == MLC_OK && (!mlc_write_all(fd, kept.data, kept.len) || fsync(fd) != 0))
        code = mlc_fail(err, MLC_E_IO, "cannot write root key %s: %s", path, strerror(errno));
    mlc_wipe(key, sizeof key);
    mlc_buf_wipe(&kept);
    return code;
}

/* The service must be able to read a key that root makes for it. */
static mlc_code give_to(int fd, const char *like, mlc_error *err)
{
    struct stat st;
    if (like == NULL)
        return MLC_OK;
    if (stat(like, &st) != 0 || mlc_os_own_like(fd, &st) != 0)
        return mlc_fail(err, MLC_E_IO, "cannot give the new root key to the owner of %s: %s", like,
                        strerror(errno));
    return MLC_OK;
}

mlc_code mlc_root_key_create(const char *path, const char *like, const mlc_token *token, mlc_error *err)
{
    char fresh[MLC_FRESH_PATH_MAX];
    mlc_error why;
    int fd = -1;
    (void)mlc_fresh_clear(path);
    if (mlc_fresh_open(path, fresh, &fd, &why) != MLC_OK)
        return mlc_fail(err, MLC_E_IO,
                        "cannot create root key %s: %s; check that its folder exists and is writable", path,
                        why.message);
    mlc_code code = give_to(fd, like, err);
    if (code == MLC_OK)
        code = write_key(fd, path, token, err);
    /* EEXIST: another process was first; its key is the one to read. */
    if (code == MLC_OK && link(fresh, path) != 0 && errno != EEXIST)
        code = mlc_fail(err, MLC_E_IO, "cannot name root key %s: %s", path, strerror(errno));
    (void)unlink(fresh);
    (void)close(fd); /* it was synced */
    return code == MLC_OK ? mlc_root_key_sync_folder(path, err) : code;
}

static mlc_code read_key(int fd, const char *path, bool guarded, const mlc_token *token, mlc_root_key *out,
                         mlc_error *err)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return mlc_fail(err, MLC_E_IO, "cannot examine root key %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return mlc_fail(err, MLC_E_INVALID, "root key %s is not a regular file", path);
    char remedy[512];
    if (!guarded && !mlc_os_private(fd, path, remedy, sizeof remedy))
        return mlc_fail(err, MLC_E_DENIED, "root key %s is open to group or others %s", path, remedy);
    uint8_t bytes[MLC_KEY_WRAP_MAX + 1]; /* one more, to notice a longer file */
    size_t got = 0;
    mlc_code code = MLC_OK;
    if (read_up_to(fd, bytes, sizeof bytes, &got) != MLC_OK)
        code = mlc_fail(err, MLC_E_IO, "cannot read root key %s: %s", path, strerror(errno));
    else if ((out->wrapped = mlc_token_wrapped(bytes, got)))
        code = mlc_token_unwrap(token, bytes, got, path, out->bytes, err);
    else
        code = mlc_key_unwrap(bytes, got, path, out->bytes, err);
    mlc_wipe(bytes, sizeof bytes);
    return code;
}

mlc_code mlc_root_key_read(const char *path, bool create, const mlc_token *token, mlc_root_key *out,
                           mlc_error *err)
{
    if (path == NULL || path[0] == '\0')
        return mlc_fail(err, MLC_E_INVALID, "no path given for the root key");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT && create) {
        const mlc_code code = mlc_root_key_create(path, NULL, token, err);
        if (code != MLC_OK)
            return code;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (fd < 0)
        return mlc_fail(err, errno == ENOENT ? MLC_E_NOTFOUND : MLC_E_IO, "cannot open root key %s: %s", path,
                        strerror(errno));
    const mlc_code code = read_key(fd, path, false, token, out, err);
    (void)close(fd);
    return code;
}

mlc_code mlc_root_key_read_credential(const char *path, const mlc_token *token, mlc_root_key *out,
                                      mlc_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return mlc_fail(
            err, errno == ENOENT ? MLC_E_NOTFOUND : MLC_E_IO,
            "cannot open the root key's credential %s: %s; see LoadCredentialEncrypted= of the service", path,
            strerror(errno));
    const mlc_code code = read_key(fd, path, true, token, out, err);
    (void)close(fd);
    return code;
}

mlc_code mlc_root_key_load(const char *path, bool create, uint8_t out[MLC_KEY_LEN], mlc_error *err)
{
    mlc_root_key key = {0};
    const mlc_code code = mlc_root_key_read(path, create, NULL, &key, err);
    if (code == MLC_OK)
        memcpy(out, key.bytes, MLC_KEY_LEN);
    mlc_wipe(&key, sizeof key);
    return code;
}
