/* forwarded.h - which peers are proxies of ours, and who stands behind them (X-Forwarded-For).
 *
 * The header can be written by anybody. It is believed only as far as proxies of ours wrote it: read from its right end,
 * each address that is a proxy of ours is stepped over; the first other one is the client. An entry that is no address
 * ends the walk at the proxy before it.
 * Thread rule: immutable after parsing.
 */
#ifndef MLC_NET_FORWARDED_H
#define MLC_NET_FORWARDED_H

#include "base/error.h"

#include <stddef.h>

enum { MLC_PROXIES_MAX = 64, MLC_FORWARDED_HOPS_MAX = 32 };

typedef struct mlc_proxies mlc_proxies;

/* A list of none. Free with mlc_proxies_free. */
mlc_code mlc_proxies_open(mlc_proxies **out, mlc_error *err);
/* Add an address or a network: "10.0.0.7", "10.0.0.0/8", "::1", "fd00::/8". MLC_E_INVALID, MLC_E_LIMIT: says why. */
mlc_code mlc_proxies_add(mlc_proxies *proxies, const char *text, mlc_error *err);
/* NULL is allowed. */
void mlc_proxies_free(mlc_proxies *proxies);

/* Is that address one of them? What is no address is not. NULL proxies: none is. */
bool mlc_proxies_have(const mlc_proxies *proxies, const char *address);
/* The client's address into out (size bytes, at least 46): `peer` itself, or, when it is a proxy of ours, whom the value
 * of X-Forwarded-For names behind it. `header` may be NULL. */
void mlc_forwarded_client(const mlc_proxies *proxies, const char *peer, const char *header, char *out,
                          size_t size);

#endif
