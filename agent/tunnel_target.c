/* tunnel_target.c - the tunnel's address, from the setting. */
#include "agent/tunnel_client_private.h"

#include "net/host.h"

#include <stdlib.h>
#include <string.h>

void mlc_target_free(mlc_target *target)
{
    free(target->host);
    free(target->host_header);
    free(target->path);
    memset(target, 0, sizeof(*target));
}

static bool is_this_machine(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

mlc_code mlc_target_parse(mlc_target *out, const char *url, mlc_error *err)
{
    char authority[MLC_AUTHORITY_MAX];
    const char *rest = NULL;
    if (url == NULL)
        return mlc_fail(err, MLC_E_INVALID, "relay.url is not set");
    if (strncmp(url, "wss://", 6) == 0) {
        out->tls = true;
        rest = url + 6;
    } else if (strncmp(url, "ws://", 5) == 0) {
        rest = url + 5;
    } else {
        return mlc_fail(err, MLC_E_INVALID, "relay.url %.200s: must begin with wss://", url);
    }
    const size_t len = strcspn(rest, "/?#");
    out->port = out->tls ? 443 : 80;
    if (!mlc_host_split(rest, len, &out->host, &out->port))
        return mlc_fail(err, MLC_E_INVALID, "relay.url %.200s: host or port is malformed", url);
    if (!out->tls && !is_this_machine(out->host))
        return mlc_fail(err, MLC_E_INVALID, "relay.url %.200s: without TLS only to this machine; use wss://",
                        url);
    out->v6 = strchr(out->host, ':') != NULL;
    (void)mlc_host_join(out->host, out->port, authority);
    if (out->port == (out->tls ? 443 : 80))
        *strrchr(authority, ':') = '\0';
    out->host_header = mlc_strdup(authority);
    out->path = mlc_strdup(rest[len] == '/' ? rest + len : "/");
    return out->path != NULL && out->host_header != NULL
               ? MLC_OK
               : mlc_fail(err, MLC_E_NOMEM, "no memory for an address");
}
