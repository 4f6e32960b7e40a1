/* url.h - addresses, as far as settings need them. Pure; any thread. */
#ifndef MLC_BASE_URL_H
#define MLC_BASE_URL_H

#include <stdbool.h>

/* Do two addresses name the same host and port? Letters' case, a user name and the default port do not count. */
bool mlc_url_same_host(const char *a, const char *b);

#endif
