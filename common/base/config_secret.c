/* config_secret.c - references to secrets: file:, env:, credential:, sealed:.
 *
 * Reasons name the reference's kind and place, never the secret. A value without a known prefix may be
 * a secret written where it should not be: it is not repeated either. */
#include "base/config_private.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECRET_MAX = 64 * 1024, WAITS = 1 };

static const char sealed[] = "sealed:";

static mlc_code refuse(char *reason, const char *fmt, ...) MLC_PRINTF(2, 3);
static mlc_code refuse(char *reason, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(reason, MLC_CFG_REASON_MAX, fmt, args);
    va_end(args);
    return MLC_E_INVALID;
}

/* Takes over the buffer, which is empty afterwards. */
static mlc_code accept(mlc_buf *secret, char **out, char *reason)
{
    mlc_code code = MLC_OK;
    if (secret->len > 0 && secret->data[secret->len - 1] == '\n')
        secret->data[--secret->len] = '\0';
    if (secret->len == 0)
        code = refuse(reason, "the secret is empty; store a value there");
    else if (memchr(secret->data, '\0', secret->len) != NULL)
        code = refuse(reason, "the secret contains a NUL byte; store it as text");
    else if ((*out = mlc_strndup((const char *)secret->data, secret->len)) == NULL)
        code = refuse(reason, "no memory for the secret; free memory and try again");
    mlc_buf_wipe(secret);
    return code;
}

static mlc_code read_open_file(int fd, const char *path, bool private_only, char **out, char *reason)
{
    struct stat st;
    char remedy[MLC_CFG_REASON_MAX];
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return refuse(reason, "%s is not a regular file; name the file that holds the secret", path);
    if (private_only && !mlc_os_private(fd, path, remedy, sizeof remedy))
        return refuse(reason, "%s is open to group or others %s", path, remedy);
    if (st.st_size > SECRET_MAX)
        return refuse(reason, "%s is larger than %d bytes; name the file that holds only the secret", path,
                      SECRET_MAX);
    uint8_t *block = malloc(SECRET_MAX);
    if (block == NULL)
        return refuse(reason, "no memory for the secret; free memory and try again");
    mlc_buf secret = {.max = SECRET_MAX};
    mlc_code code = MLC_OK;
    for (;;) {
        const ssize_t n = read(fd, block, SECRET_MAX);
        if (n == 0)
            break;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || mlc_buf_append(&secret, block, (size_t)n, NULL) != MLC_OK) {
            code = refuse(reason, "cannot read %s; check the file", path);
            break;
        }
    }
    mlc_wipe(block, SECRET_MAX);
    free(block);
    if (code == MLC_OK)
        return accept(&secret, out, reason);
    mlc_buf_wipe(&secret);
    return code;
}

static mlc_code from_file(const char *path, bool private_only, char **out, char *reason)
{
    if (!mlc_os_absolute(path))
        return refuse(reason, "file: needs an absolute path; write \"file:/path/to/secret\"");
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return refuse(reason, "cannot open %s: %s; create it or correct the path", path, strerror(errno));
    const mlc_code code = read_open_file(fd, path, private_only, out, reason);
    (void)close(fd);
    return code;
}

static mlc_code from_env(const char *name, char **out, char *reason)
{
    const char *value = getenv(name);
    if (value == NULL || value[0] == '\0')
        return refuse(reason, "environment variable %s is not set; set it for the service", name);
    if (strlen(value) > SECRET_MAX)
        return refuse(reason, "environment variable %s is longer than %d bytes; shorten it", name,
                      SECRET_MAX);
    *out = mlc_strdup(value);
    return *out != NULL ? MLC_OK : refuse(reason, "no memory for the secret; free memory and try again");
}

/* systemd guards the folder itself; its files may carry an ACL that looks like group access. */
static mlc_code from_credential(const char *name, char **out, char *reason)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (name[0] == '\0' || name[0] == '.' || mlc_os_last_slash(name) != NULL)
        return refuse(reason, "credential: needs the name of a credential, not a path");
    if (folder == NULL || folder[0] == '\0')
        return refuse(
            reason, "CREDENTIALS_DIRECTORY is not set; add LoadCredential=%s:... to the service unit", name);
    char *path = mlc_asprintf("%s/%s", folder, name);
    if (path == NULL)
        return refuse(reason, "no memory for the secret; free memory and try again");
    const mlc_code code = from_file(path, false, out, reason);
    free(path);
    return code;
}

static mlc_code from_sealed(const mlc_cfg *cfg, const char *path, const char *base64, char **out,
                            char *reason)
{
    if (cfg->unseal == NULL)
        return refuse(reason, "this program cannot open sealed values; use file:, env: or credential:");
    mlc_buf secret = {.max = SECRET_MAX};
    mlc_error err;
    mlc_error_clear(&err);
    if (cfg->unseal(cfg->user, cfg, path, base64, &secret, &err) == MLC_OK)
        return accept(&secret, out, reason);
    mlc_buf_wipe(&secret);
    /* What is the matter with the root key comes with a remedy of its own. */
    const char *const remedy =
        strchr(err.message, ';') != NULL ? "" : "; seal it again for this installation";
    return refuse(reason, "cannot open the sealed value: %.360s%s", err.message, remedy);
}

static mlc_code resolve(const mlc_cfg *cfg, const char *path, const char *reference, char **out, char *reason)
{
    *out = NULL;
    if (strncmp(reference, "file:", 5) == 0)
        return from_file(reference + 5, true, out, reason);
    if (strncmp(reference, "env:", 4) == 0)
        return from_env(reference + 4, out, reason);
    if (strncmp(reference, "credential:", 11) == 0)
        return from_credential(reference + 11, out, reason);
    if (strncmp(reference, sealed, strlen(sealed)) == 0)
        return from_sealed(cfg, path, reference + strlen(sealed), out, reason);
    return refuse(reason, "not a reference to a secret (secrets do not belong into this file); write "
                          "\"file:/path\", \"env:NAME\", \"credential:NAME\" or \"sealed:...\"");
}

static void resolve_item(mlc_cfg_loading *l, mlc_cfg_item *item)
{
    char reason[MLC_CFG_REASON_MAX];
    char where[MLC_CFG_PATH_MAX + 32] = "default";
    char env[MLC_CFG_PATH_MAX + 8];
    char *clear = NULL;
    const mlc_code code = resolve(l->cfg, item->path, item->text, &clear, reason);
    mlc_cfg_item_clear(item); /* the reference may be a secret written where it should not be */
    item->text = clear;
    if (code == MLC_OK)
        return;
    if (item->source == MLC_CFG_FROM_ENV && mlc_cfg_env_name(item->path, env, sizeof env))
        (void)snprintf(where, sizeof where, "environment variable %s", env);
    mlc_cfg_fault_add(l->faults, item->source == MLC_CFG_FROM_FILE ? NULL : where, item->line, item->path,
                      "%s", reason);
}

/* Last of all, and sealed values after the others, since what opens one may need any other setting. */
void mlc_cfg_resolve_secrets(mlc_cfg_loading *l)
{
    for (size_t i = 0; i < l->cfg->count; i++) {
        mlc_cfg_item *const item = &l->cfg->items[i];
        if (item->field == NULL || item->field->type != MLC_CFG_SECRET || item->text == NULL)
            continue;
        if (strncmp(item->text, sealed, strlen(sealed)) == 0)
            item->number = WAITS; /* a clear secret may begin in the same way */
        else
            resolve_item(l, item);
    }
    for (size_t i = 0; i < l->cfg->count; i++) {
        mlc_cfg_item *const item = &l->cfg->items[i];
        if (item->field == NULL || item->field->type != MLC_CFG_SECRET || item->number != WAITS)
            continue;
        item->number = 0;
        resolve_item(l, item);
    }
}
