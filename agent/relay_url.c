/* relay_url.c - see relay_url.h. */
#include "agent/relay_url.h"

#include "base/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TUNNEL_PATH "/v1/tunnel"

enum { PATH_SIZE = 1024 };

static bool is_this_machine(const char *host, size_t len)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    const size_t name_len = host[0] == '[' ? len : strcspn(host, ":/");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const size_t n = strlen(names[i]);
        if (strncmp(host, names[i], n) == 0 && (name_len == n || (host[0] == '[' && len >= n)))
            return true;
    }
    return false;
}

mlc_code mlc_relay_url_of(const char *words, char out[MLC_RELAY_URL_MAX], mlc_error *err)
{
    static const struct {
        const char *prefix, *scheme;
    } known[] = {{"wss://", "wss"}, {"https://", "wss"}, {"ws://", "ws"}, {"http://", "ws"}};
    const char *scheme = strstr(words, "://") == NULL ? "wss" : NULL;
    const char *rest = words;
    for (size_t i = 0; scheme == NULL && i < sizeof known / sizeof known[0]; i++) {
        if (strncmp(words, known[i].prefix, strlen(known[i].prefix)) != 0)
            continue;
        scheme = known[i].scheme;
        rest = words + strlen(known[i].prefix);
    }
    const size_t host_len = strcspn(rest, "/?#");
    if (scheme == NULL || host_len == 0 || strpbrk(rest, "@ \"\\\t\r\n") != NULL ||
        strpbrk(rest, "?#") != NULL)
        return mlc_fail(err, MLC_E_INVALID,
                        "the relay's address must be wss://HOST[:PORT]" TUNNEL_PATH
                        " or https://HOST[:PORT]");
    if (strcmp(scheme, "ws") == 0 && !is_this_machine(rest, host_len))
        return mlc_fail(err, MLC_E_INVALID,
                        "the relay is reached without TLS on this machine only; use https://");
    const char *const path =
        rest[host_len] == '\0' || rest[host_len + 1] == '\0' ? TUNNEL_PATH : rest + host_len;
    const int len = snprintf(out, MLC_RELAY_URL_MAX, "%s://%.*s%s", scheme, (int)host_len, rest, path);
    return len > 0 && len < MLC_RELAY_URL_MAX ? MLC_OK
                                              : mlc_fail(err, MLC_E_LIMIT, "the relay's address is too long");
}

static const char *file_of(const mlc_cfg *cfg, char out[PATH_SIZE])
{
    return mlc_cfg_at(out, PATH_SIZE, "%s/relay.url", mlc_cfg_str(cfg, "agent.data_dir"));
}

mlc_code mlc_relay_url(const mlc_cfg *cfg, char out[MLC_RELAY_URL_MAX], mlc_error *err)
{
    char path[PATH_SIZE], text[MLC_RELAY_URL_MAX + 1];
    const char *const setting = mlc_cfg_str(cfg, "relay.url");
    if (setting != NULL) {
        if (strlen(setting) >= MLC_RELAY_URL_MAX)
            return mlc_fail(err, MLC_E_LIMIT, "relay.url is too long");
        mlc_strlcpy(out, setting, MLC_RELAY_URL_MAX);
        return MLC_OK;
    }
    FILE *const in = fopen(file_of(cfg, path), "re");
    const bool got = in != NULL && fgets(text, sizeof text, in) != NULL;
    if (in != NULL)
        (void)fclose(in);
    if (!got)
        return mlc_fail(
            err, MLC_E_NOTFOUND,
            "the relay's address is not known: set relay.url, or enrol with \"ml-agent enroll --relay "
            "URL --token-file FILE\"");
    text[strcspn(text, "\r\n")] = '\0';
    const mlc_code code = mlc_relay_url_of(text, out, err);
    return code != MLC_OK ? mlc_wrap(err, code, "%s cannot be used; set relay.url, or enrol again", path)
                          : code;
}

static mlc_code write_synced(const char *path, const char *text, mlc_error *err)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const bool ok = fd >= 0 && mlc_write_all(fd, text, strlen(text)) && fsync(fd) == 0;
    const int cause = errno;
    if (fd >= 0)
        (void)close(fd);
    return ok ? MLC_OK : mlc_fail(err, MLC_E_IO, "cannot write %s: %s", path, strerror(cause));
}

mlc_code mlc_relay_url_keep(const mlc_cfg *cfg, const char *url, mlc_error *err)
{
    char path[PATH_SIZE], fresh[PATH_SIZE + 8], line[MLC_RELAY_URL_MAX + 2];
    (void)snprintf(fresh, sizeof fresh, "%s.new", file_of(cfg, path));
    (void)snprintf(line, sizeof line, "%s\n", url);
    mlc_code code = write_synced(fresh, line, err);
    if (code == MLC_OK && rename(fresh, path) != 0)
        code = mlc_fail(err, MLC_E_IO, "cannot name %s: %s", path, strerror(errno));
    return code;
}

mlc_code mlc_relay_url_http(const char *url, const char *path, char *out, size_t size, mlc_error *err)
{
    const char *const scheme = strncmp(url, "wss://", 6) == 0 ? "https" : "http";
    const char *const host = strstr(url, "://");
    if (host == NULL)
        return mlc_fail(err, MLC_E_INVALID, "relay.url is not a URL");
    const size_t host_len = strcspn(host + 3, "/?#");
    const int len = snprintf(out, size, "%s://%.*s%s", scheme, (int)host_len, host + 3, path);
    return len > 0 && (size_t)len < size ? MLC_OK : mlc_fail(err, MLC_E_LIMIT, "relay.url is too long");
}
