/* host.h - the host and port of an address as people write it: "host", "host:port", "[v6]", "[v6]:port".
 *
 * Pure functions; any thread.
 */
#ifndef MLC_NET_HOST_H
#define MLC_NET_HOST_H

#include <stdbool.h>
#include <stddef.h>

enum { MLC_HOST_MAX = 254, MLC_AUTHORITY_MAX = MLC_HOST_MAX + 8 };

/* Take `len` bytes of text apart. `host` gets no brackets; the caller frees it. `port` keeps its value when none is
 * written. False: malformed, a port outside 1 to 65535 (also the kept one), or no memory; *host is NULL then. */
bool mlc_host_split(const char *text, size_t len, char **host, int *port);

/* "host:port", an IPv6 address in brackets. Returns out. */
const char *mlc_host_join(const char *host, int port, char out[MLC_AUTHORITY_MAX]);

#endif
