/* no_proxy.h - hosts that are reached without the proxy: a list as in the variable NO_PROXY.
 *
 * Entries are separated by commas or blanks. Each is one of
 *   *                 every host
 *   example.com       that host and all below it; also written .example.com
 *   10.1.2.3, ::1     that address, as the URL writes it (no name is looked up); IPv6 also in brackets
 *   10.0.0.0/8, fd00::/8   all addresses of that network
 * Pure functions; any thread.
 */
#ifndef MLC_NET_NO_PROXY_H
#define MLC_NET_NO_PROXY_H

#include <stdbool.h>

/* Is `host` (a name or an address, IPv6 without brackets) on the list? NULL and "" are empty lists. */
bool mlc_no_proxy_has(const char *list, const char *host);

/* What is wrong with a list, as "reason; remedy"; NULL: nothing. */
const char *mlc_no_proxy_fault(const char *list);

#endif
