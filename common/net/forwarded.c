/* forwarded.c - see forwarded.h. Addresses are compared as 16 bytes; IPv4 as ::ffff:a.b.c.d. */
#include "net/forwarded.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_TEXT = 64, V6_BITS = 128, V4_SHIFT = 96 };

typedef struct proxy_net {
    uint8_t bytes[16];
    unsigned bits;
} proxy_net;

struct mlc_proxies {
    proxy_net nets[MLC_PROXIES_MAX];
    size_t count;
};

mlc_code mlc_proxies_open(mlc_proxies **out, mlc_error *err)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory");
}

void mlc_proxies_free(mlc_proxies *proxies)
{
    free(proxies);
}

/* *v4: it was written as an IPv4 address. */
static bool read_address(const char *text, uint8_t out[16], bool *v4)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    *v4 = inet_pton(AF_INET, text, out + sizeof mapped) == 1;
    if (*v4) {
        memcpy(out, mapped, sizeof mapped);
        return true;
    }
    return inet_pton(AF_INET6, text, out) == 1;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    const unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/* Digits only, at most max. */
static bool read_bits(const char *text, unsigned max, unsigned *out)
{
    const size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 3 || text[digits] != '\0')
        return false;
    *out = (unsigned)strtoul(text, NULL, 10);
    return *out <= max;
}

mlc_code mlc_proxies_add(mlc_proxies *proxies, const char *text, mlc_error *err)
{
    char address[ADDRESS_TEXT];
    proxy_net net = {.bits = V6_BITS};
    bool v4 = false;
    if (proxies->count == MLC_PROXIES_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "more than %d proxies; name their network instead",
                        MLC_PROXIES_MAX);
    mlc_strlcpy(address, text, sizeof address);
    char *const slash = strchr(address, '/');
    if (slash != NULL)
        *slash = '\0';
    if (strlen(text) >= sizeof address || !read_address(address, net.bytes, &v4))
        return mlc_fail(
            err, MLC_E_INVALID,
            "\"%.64s\" is no address; give one such as \"10.0.0.7\", \"10.0.0.0/8\" or \"fd00::/8\"", text);
    if (slash != NULL && !read_bits(slash + 1, v4 ? V6_BITS - V4_SHIFT : V6_BITS, &net.bits))
        return mlc_fail(err, MLC_E_INVALID,
                        "\"%.64s\": behind the slash comes the length of the network, 0 to %d", text,
                        v4 ? V6_BITS - V4_SHIFT : V6_BITS);
    if (slash != NULL && v4)
        net.bits += V4_SHIFT;
    proxies->nets[proxies->count++] = net;
    return MLC_OK;
}

bool mlc_proxies_have(const mlc_proxies *proxies, const char *address)
{
    uint8_t bytes[16];
    bool v4 = false;
    if (proxies == NULL || !read_address(address, bytes, &v4))
        return false;
    for (size_t i = 0; i < proxies->count; i++)
        if (same_bits(proxies->nets[i].bytes, bytes, proxies->nets[i].bits))
            return true;
    return false;
}

/* "[::1]:443" and "10.0.0.1:443", as some proxies write them, lose bracket and port. False: no address. */
static bool bare_address(char *text)
{
    uint8_t bytes[16];
    bool v4 = false;
    if (text[0] == '[') {
        char *const end = strchr(text, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
        *end = '\0';
        memmove(text, text + 1, strlen(text));
    } else if (strchr(text, ':') != NULL && strchr(text, ':') == strrchr(text, ':')) {
        *strchr(text, ':') = '\0';
    }
    return read_address(text, bytes, &v4);
}

/* The last element of header[0..*len) into out, *len then ends before its comma. False: there is none, or it is too long
 * to be an address. */
static bool last_element(const char *header, size_t *len, char out[ADDRESS_TEXT])
{
    static const char space[] = " \t";
    size_t end = *len, from = 0;
    if (end == 0)
        return false;
    while (end > 0 && strchr(space, header[end - 1]) != NULL)
        end--;
    for (from = end; from > 0 && header[from - 1] != ',';)
        from--;
    *len = from > 0 ? from - 1 : 0;
    while (from < end && strchr(space, header[from]) != NULL)
        from++;
    if (from == end || end - from >= ADDRESS_TEXT)
        return false;
    memcpy(out, header + from, end - from);
    out[end - from] = '\0';
    return true;
}

void mlc_forwarded_client(const mlc_proxies *proxies, const char *peer, const char *header, char *out,
                          size_t size)
{
    char hop[ADDRESS_TEXT];
    size_t left = header != NULL ? strlen(header) : 0;
    mlc_strlcpy(out, peer, size);
    for (int i = 0; i < MLC_FORWARDED_HOPS_MAX && mlc_proxies_have(proxies, out); i++) {
        if (!last_element(header, &left, hop) || !bare_address(hop))
            return;
        mlc_strlcpy(out, hop, size);
    }
}
