/* service.h - the program as a service: ready, alive, stopping (base/notify.h).
 *
 * Without a service manager all of it does nothing. A note that cannot be sent goes to the log as a warning and stops
 * nothing. Thread rule: loop's thread only. That is the point: a loop that hangs sends no sign of life, and the
 * manager starts the program anew.
 */
#ifndef MLC_NET_SERVICE_H
#define MLC_NET_SERVICE_H

#include "base/log.h"

#include <uv.h>

typedef struct mlc_service mlc_service;

/* Tell that the program is ready, and from now on, as often as asked, that it is alive. The timer does not keep the
 * loop running. The caller stops it. Errors: MLC_E_NOMEM, MLC_E_IO. */
mlc_code mlc_service_ready(mlc_service **out, uv_loop_t *loop, mlc_log *log, mlc_error *err);

/* Tell that the program is stopping. The memory goes when the loop runs next. NULL (never ready) is allowed: nothing. */
void mlc_service_stop(mlc_service *service);

#endif
