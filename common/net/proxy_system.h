/* proxy_system.h - the proxy that the system's settings name for an address. Private to proxy.c.
 *
 * proxy_system_windows.c: what "netsh winhttp" set for the machine; else what the user of this process has: automatic detection,
 * a PAC script, or a named proxy, each with its exceptions. proxy_system.c: there is no such place elsewhere.
 * Thread rule: any thread; may block for seconds while Windows looks for a script.
 */
#ifndef MLC_NET_PROXY_SYSTEM_H
#define MLC_NET_PROXY_SYSTEM_H

#include "base/error.h"

/* What is wrong with asking for it here, as "reason; remedy"; NULL: nothing. */
const char *mlc_proxy_system_fault(void);
/* *proxy: "host:port" for `url` (https://HOST..., wss://HOST...), NULL: none is needed. The caller frees. */
mlc_code mlc_proxy_system(const char *url, char **proxy, mlc_error *err);

#endif
