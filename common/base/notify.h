/* notify.h - tells the service manager (systemd) how the program is: sd_notify(3) without its library.
 *
 * The manager names a datagram socket in $NOTIFY_SOCKET. Without it nobody asked, and nothing is sent.
 * Thread rule: any thread, as long as no other changes the environment.
 */
#ifndef MLC_BASE_NOTIFY_H
#define MLC_BASE_NOTIFY_H

#include "base/error.h"

#include <stdint.h>

/* Send lines such as "READY=1" or "READY=1\nSTATUS=running". Never waits. MLC_OK also when there is no manager.
 * Errors: MLC_E_INVALID: $NOTIFY_SOCKET is neither an absolute path nor "@name"; MLC_E_IO: it could not be sent. */
mlc_code mlc_notify(const char *lines, mlc_error *err);

/* How often "WATCHDOG=1" is to be sent: half of what $WATCHDOG_USEC allows, in ms, at least 1; 0 when no watchdog waits
 * for this process. */
int64_t mlc_notify_watchdog_ms(void);

#endif
