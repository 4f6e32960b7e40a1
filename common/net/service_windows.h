/* service_windows.h - between the service manager's thread and the loop, on Windows (net/service.h).
 *
 * Windows knows one service in a process of its kind, and calls it without an argument: so what is kept here is the
 * process's, the one exception beside lws_ctx.c to "no hidden state".
 */
#ifndef MLC_NET_SERVICE_WINDOWS_H
#define MLC_NET_SERVICE_WINDOWS_H

#include <stdbool.h>

/* Called on the loop's thread: the program is ready, or it has begun to stop. */
typedef void (*mlc_service_tell_fn)(bool ready);

/* Before the program runs. NULL: nobody wants to know. */
void mlc_service_tell(mlc_service_tell_fn fn);

/* The program is to stop: whoever watches the loop for SIGTERM is told so. Any thread, at any time, also before the loop
 * runs. */
void mlc_service_end(void);

#endif
