/* config_url.c - which URLs a configuration may name: encrypted ones, and plain ones to this machine only. */
#include "base/config_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool refuse(char *reason, const char *text)
{
    (void)snprintf(reason, MLC_CFG_REASON_MAX, "%s", text);
    return false;
}

/* "localhost", 127.x.y.z or ::1; len counts no brackets. */
static bool is_loopback(const char *host, size_t len)
{
    if (len == strlen("localhost") && strncasecmp(host, "localhost", len) == 0)
        return true;
    if (len == strlen("::1") && strncmp(host, "::1", len) == 0)
        return true;
    if (len < strlen("127.0.0.0") || strncmp(host, "127.", 4) != 0)
        return false;
    /* Digits and dots only: "127.evil.example" is a name that somebody else's DNS answers. */
    return strspn(host, "0123456789.") >= len;
}

static bool port_is_valid(const char *text, size_t len)
{
    unsigned port = 0;
    if (len == 0 || len > 5)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    return port >= 1 && port <= 65535;
}

/* Host and port of "host[:port]" or "[v6][:port]"; false when malformed. */
static bool split_authority(const char *text, size_t len, const char **host, size_t *host_len)
{
    const char *const end = text + len;
    const char *after;
    if (len > 0 && text[0] == '[') {
        const char *close = memchr(text, ']', len);
        if (close == NULL)
            return false;
        *host = text + 1;
        *host_len = (size_t)(close - text) - 1;
        if (strspn(*host, "0123456789abcdefABCDEF:.") < *host_len)
            return false;
        after = close + 1;
    } else {
        const char *colon = memchr(text, ':', len);
        after = colon != NULL ? colon : end;
        *host = text;
        *host_len = (size_t)(after - text);
        for (size_t i = 0; i < *host_len; i++)
            if (!isalnum((unsigned char)text[i]) && strchr("-._", text[i]) == NULL)
                return false;
    }
    if (*host_len == 0)
        return false;
    return after == end || (*after == ':' && port_is_valid(after + 1, (size_t)(end - after) - 1));
}

bool mlc_cfg_url_check(const char *url, char *reason)
{
    static const char *const schemes[] = {"https://", "wss://", "http://", "ws://"};
    size_t scheme = 0;
    while (scheme < 4 && strncasecmp(url, schemes[scheme], strlen(schemes[scheme])) != 0)
        scheme++;
    if (scheme == 4)
        return refuse(reason, "not an absolute URL; begin it with https:// or wss://");
    for (const char *p = url; *p != '\0'; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 127)
            return refuse(reason, "the URL has a blank, control or non-ASCII character; percent-encode it");
    const char *const authority = url + strlen(schemes[scheme]);
    const size_t len = strcspn(authority, "/?#");
    if (memchr(authority, '@', len) != NULL)
        return refuse(reason, "the URL carries a user or password; use the settings for credentials");
    const char *host = NULL;
    size_t host_len = 0;
    if (!split_authority(authority, len, &host, &host_len))
        return refuse(reason, "host or port of the URL is malformed; write https://host[:port]/path");
    if (scheme >= 2 && !is_loopback(host, host_len))
        return refuse(reason, "an unencrypted URL may only name this machine; use https:// or wss://");
    return true;
}
