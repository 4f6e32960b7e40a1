#include "net/host.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_port(const char *text, size_t len, int *port)
{
    char digits[8] = "";
    if (len == 0 || len > 5)
        return false;
    memcpy(digits, text, len);
    if (strspn(digits, "0123456789") != len)
        return false;
    *port = (int)strtol(digits, NULL, 10);
    return true;
}

/* What stands between brackets is an IPv6 address, which has colons; nothing else has brackets, and no host has blanks. */
static bool is_host(const char *text, size_t len, bool v6)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == '[' || text[i] == ']' || text[i] == 0x7f)
            return false;
    return len > 0 && len < MLC_HOST_MAX && (!v6 || memchr(text, ':', len) != NULL);
}

bool mlc_host_split(const char *text, size_t len, char **host, int *port)
{
    const bool v6 = len > 0 && text[0] == '[';
    const char *const end = text + len;
    const char *const stop = memchr(text, v6 ? ']' : ':', len);
    const char *const from = v6 ? text + 1 : text;
    *host = NULL;
    if (v6 && stop == NULL)
        return false;
    const char *const colon = stop == NULL ? end : stop + (v6 ? 1 : 0);
    const size_t host_len = (size_t)((stop != NULL ? stop : end) - from);
    if (colon < end && (*colon != ':' || !read_port(colon + 1, (size_t)(end - colon) - 1, port)))
        return false;
    if (!is_host(from, host_len, v6) || *port < 1 || *port > 65535)
        return false;
    *host = mlc_strndup(from, host_len);
    return *host != NULL;
}

const char *mlc_host_join(const char *host, int port, char out[MLC_AUTHORITY_MAX])
{
    const bool v6 = strchr(host, ':') != NULL;
    (void)snprintf(out, MLC_AUTHORITY_MAX, "%s%s%s:%d", v6 ? "[" : "", host, v6 ? "]" : "", port);
    return out;
}
