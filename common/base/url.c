/* url.c - see url.h. */
#include "base/url.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 300 };

static const char *default_port(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "ws://", 5) == 0 ? ":80" : ":443";
}

/* "https://user@a.example/x" -> "a.example:443" */
static void host_of(const char *url, char out[HOST_MAX])
{
    const char *const scheme = strstr(url, "://");
    const char *host = scheme != NULL ? scheme + 3 : url;
    size_t len = strcspn(host, "/?#");
    const char *const user_end = memchr(host, '@', len);
    if (user_end != NULL) {
        len -= (size_t)(user_end + 1 - host);
        host = user_end + 1;
    }
    /* The colons of "[::1]" are no port's. */
    const char *const bracket = memchr(host, ']', len);
    const char *const tail = bracket != NULL ? bracket : host;
    const bool has_port = memchr(tail, ':', len - (size_t)(tail - host)) != NULL;
    (void)snprintf(out, HOST_MAX, "%.*s%s", (int)(len < 256 ? len : 256), host,
                   has_port ? "" : default_port(url));
}

bool mlc_url_same_host(const char *a, const char *b)
{
    char left[HOST_MAX];
    char right[HOST_MAX];
    host_of(a, left);
    host_of(b, right);
    return strcasecmp(left, right) == 0;
}
