/* proxy_system.c - see proxy_system.h. */
#include "net/proxy_system.h"

#include <stddef.h>

const char *mlc_proxy_system_fault(void)
{
    return "from_system is for Windows; write http://HOST:PORT, or from_environment";
}

mlc_code mlc_proxy_system(const char *url, char **proxy, mlc_error *err)
{
    (void)url;
    *proxy = NULL;
    return mlc_fail(err, MLC_E_UNSUPPORTED, "proxy: %s", mlc_proxy_system_fault());
}
