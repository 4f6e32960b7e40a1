#include "net/no_proxy.h"

#include "net/host.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char between[] = ", \t";

enum { ENTRY_MAX = MLC_HOST_MAX };

typedef struct address {
    int family; /* AF_INET, AF_INET6; 0: it is a name */
    unsigned char bytes[16];
} address;

static address read_address(const char *text)
{
    address a = {.family = AF_INET};
    if (inet_pton(AF_INET, text, a.bytes) == 1)
        return a;
    a.family = inet_pton(AF_INET6, text, a.bytes) == 1 ? AF_INET6 : 0;
    return a;
}

/* The next entry without brackets, and the bits of its network (-1: none, -2: malformed). False at the end of the list. */
static bool next_entry(const char **at, char entry[ENTRY_MAX], int *bits)
{
    *at += strspn(*at, between);
    const size_t len = strcspn(*at, between);
    if (len == 0)
        return false;
    const char *const text = *at;
    const size_t name_len = strcspn(text, "/") < len ? strcspn(text, "/") : len;
    const bool bracketed = text[0] == '[' && name_len > 2 && text[name_len - 1] == ']';
    const size_t from = bracketed ? 1 : 0;
    const size_t size = name_len - 2 * from;
    *at += len;
    *bits = -1;
    if (size >= ENTRY_MAX) {
        entry[0] = '\0';
        *bits = -2;
        return true;
    }
    memcpy(entry, text + from, size);
    entry[size] = '\0';
    if (name_len < len) {
        const size_t digits = strspn(text + name_len + 1, "0123456789");
        *bits = digits > 0 && digits <= 3 && name_len + 1 + digits == len
                    ? (int)strtol(text + name_len + 1, NULL, 10)
                    : -2;
    }
    return true;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, int bits)
{
    const size_t whole = (size_t)bits / 8;
    const unsigned rest = (unsigned)bits % 8;
    if (memcmp(a, b, whole) != 0)
        return false;
    const unsigned mask = 0xffU << (8 - rest) & 0xffU;
    return rest == 0 || ((a[whole] ^ b[whole]) & mask) == 0;
}

static int bits_of(int family)
{
    return family == AF_INET6 ? 128 : 32;
}

static bool address_matches(const char *entry, int bits, const address *host)
{
    const address net = read_address(entry);
    if (net.family != host->family || bits > bits_of(net.family) || bits == -2)
        return false;
    return same_bits(net.bytes, host->bytes, bits == -1 ? bits_of(net.family) : bits);
}

/* "example.com" and ".example.com" are that name and all below it. A dot at the end says no more. */
static bool name_matches(const char *entry, const char *host, size_t host_len)
{
    const char *const name = entry + (entry[0] == '.' ? 1 : 0);
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == '.')
        len--;
    if (len == 0 || len > host_len || strncasecmp(host + host_len - len, name, len) != 0)
        return false;
    return len == host_len || host[host_len - len - 1] == '.';
}

bool mlc_no_proxy_has(const char *list, const char *host)
{
    char entry[ENTRY_MAX];
    int bits = -1;
    const char *at = list != NULL ? list : "";
    const address own = read_address(host);
    size_t host_len = strlen(host);
    if (host_len > 0 && host[host_len - 1] == '.')
        host_len--;
    while (next_entry(&at, entry, &bits)) {
        if (strcmp(entry, "*") == 0)
            return true;
        if (own.family != 0 ? address_matches(entry, bits, &own)
                            : bits == -1 && name_matches(entry, host, host_len))
            return true;
    }
    return false;
}

const char *mlc_no_proxy_fault(const char *list)
{
    char entry[ENTRY_MAX];
    int bits = -1;
    const char *at = list != NULL ? list : "";
    while (next_entry(&at, entry, &bits)) {
        const address net = read_address(entry);
        if (bits == -2 || (bits >= 0 && (net.family == 0 || bits > bits_of(net.family))))
            return "a network is malformed; write an address and its bits, such as 10.0.0.0/8";
        if (bits == -1 && net.family == 0 && strchr(entry, ':') != NULL)
            return "an entry has a port or is no address; write hosts without ports";
    }
    return NULL;
}
