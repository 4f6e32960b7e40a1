/* notify_windows.c - notify.h on Windows, where nobody waits at a socket: the service manager is told by net/service_windows.c. */
#include "base/notify.h"

mlc_code mlc_notify(const char *lines, mlc_error *err)
{
    (void)lines;
    (void)err;
    return MLC_OK;
}

int64_t mlc_notify_watchdog_ms(void)
{
    return 0;
}
