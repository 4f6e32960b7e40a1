/* tunnel_target.c - the tunnel's address and its proxy, from the settings. */
#include "agent/tunnel_client_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROXY_AUTH_MAX = 95 /* libwebsockets keeps no more */ };

void mlc_target_free(mlc_target *target)
{
    free(target->host);
    free(target->path);
    free(target->proxy_host);
    if (target->proxy_auth != NULL)
        mlc_wipe(target->proxy_auth, strlen(target->proxy_auth));
    free(target->proxy_auth);
    memset(target, 0, sizeof(*target));
}

/* "host", "host:port", "[v6]", "[v6]:port"; false when it is none. */
static bool split_host(const char *text, size_t len, char **host, int *port)
{
    const bool v6 = len > 0 && text[0] == '[';
    const char *end = text + len;
    const char *stop = memchr(text, v6 ? ']' : ':', len);
    const char *from = v6 ? text + 1 : text;
    if (v6 && stop == NULL)
        return false;
    const char *colon = v6 ? stop + 1 : stop;
    if (colon == NULL)
        colon = end;
    const size_t host_len = (size_t)((stop != NULL ? stop : end) - from);
    if (colon < end) {
        char digits[8] = "";
        const size_t digits_len = (size_t)(end - colon) - 1;
        if (*colon != ':' || digits_len == 0 || digits_len > 5)
            return false;
        memcpy(digits, colon + 1, digits_len);
        if (strspn(digits, "0123456789") != digits_len)
            return false;
        *port = (int)strtol(digits, NULL, 10);
    }
    if (host_len == 0 || host_len > 253 || *port < 1 || *port > 65535)
        return false;
    *host = mlc_strndup(from, host_len);
    return *host != NULL;
}

static bool is_this_machine(const char *host)
{
    return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

static mlc_code parse_url(mlc_target *out, const char *url, mlc_error *err)
{
    const char *rest = NULL;
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
    if (!split_host(rest, len, &out->host, &out->port))
        return mlc_fail(err, MLC_E_INVALID, "relay.url %.200s: host or port is malformed", url);
    if (!out->tls && !is_this_machine(out->host))
        return mlc_fail(err, MLC_E_INVALID, "relay.url %.200s: without TLS only to this machine; use wss://",
                        url);
    out->path = mlc_strdup(rest[len] == '/' ? rest + len : "/");
    return out->path != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for an address");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decode in place; false when malformed or with a NUL. */
static bool url_decode(char *text)
{
    char *to = text;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p != '%') {
            *to++ = *p;
            continue;
        }
        const int high = hex_digit(p[1]);
        const int low = high < 0 ? -1 : hex_digit(p[2]);
        if (low < 0 || (high == 0 && low == 0))
            return false;
        *to++ = (char)(16 * high + low);
        p += 2;
    }
    *to = '\0';
    return true;
}

/* The text may hold a password: messages do not repeat it. */
static mlc_code parse_proxy(mlc_target *out, const char *proxy, mlc_error *err)
{
    if (strncmp(proxy, "http://", 7) != 0)
        return mlc_fail(err, MLC_E_INVALID, "relay.proxy: must be http://[user:password@]host:port");
    const char *rest = proxy + 7;
    size_t len = strcspn(rest, "/");
    const char *at = memrchr(rest, '@', len);
    if (at != NULL) {
        out->proxy_auth = mlc_strndup(rest, (size_t)(at - rest));
        if (out->proxy_auth == NULL)
            return mlc_fail(err, MLC_E_NOMEM, "no memory for an address");
        if (!url_decode(out->proxy_auth))
            return mlc_fail(err, MLC_E_INVALID,
                            "relay.proxy: a percent sign in user or password is malformed");
        if (strlen(out->proxy_auth) > PROXY_AUTH_MAX)
            return mlc_fail(err, MLC_E_INVALID, "relay.proxy: user and password have more than %d bytes",
                            PROXY_AUTH_MAX);
        len -= (size_t)(at + 1 - rest);
        rest = at + 1;
    }
    out->proxy_port = 0;
    if (!split_host(rest, len, &out->proxy_host, &out->proxy_port))
        return mlc_fail(err, MLC_E_INVALID, "relay.proxy: host or port is malformed or missing");
    return MLC_OK;
}

mlc_code mlc_target_parse(mlc_target *out, const char *url, const char *proxy, mlc_error *err)
{
    if (url == NULL)
        return mlc_fail(err, MLC_E_INVALID, "relay.url is not set");
    const mlc_code code = parse_url(out, url, err);
    return code == MLC_OK && proxy != NULL && proxy[0] != '\0' ? parse_proxy(out, proxy, err) : code;
}

bool mlc_target_use_proxy(const mlc_target *target, struct lws_vhost *vhost, const char *address)
{
    char text[PROXY_AUTH_MAX + 96];
    const bool v6 = strchr(address, ':') != NULL;
    snprintf(text, sizeof(text), "%s%s%s%s%s:%d", target->proxy_auth != NULL ? target->proxy_auth : "",
             target->proxy_auth != NULL ? "@" : "", v6 ? "[" : "", address, v6 ? "]" : "",
             target->proxy_port);
    const bool ok = lws_set_proxy(vhost, text) == 0;
    mlc_wipe(text, sizeof(text));
    return ok;
}

void mlc_target_no_proxy(struct lws_vhost *vhost)
{
    (void)lws_set_proxy(vhost, ":0");
}
