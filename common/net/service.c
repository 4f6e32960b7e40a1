/* service.c - see service.h. */
#include "net/service.h"

#include "base/notify.h"
#include "net/timer.h"

#include <stdlib.h>

struct mlc_service {
    mlc_log *log;
    mlc_timer *timer;
    bool failed; /* told once, not every few seconds */
};

static void tell(mlc_service *service, const char *lines)
{
    mlc_error err;
    const mlc_code code = mlc_notify(lines, &err);
    if (code != MLC_OK && !service->failed)
        mlc_log_warn(service->log, "service", "the service manager does not hear",
                     MLC_S("error", err.message));
    service->failed = code != MLC_OK;
}

static void on_alive(void *arg)
{
    tell(arg, "WATCHDOG=1");
}

mlc_code mlc_service_ready(mlc_service **out, uv_loop_t *loop, mlc_log *log, mlc_error *err)
{
    *out = NULL;
    mlc_service *const service = calloc(1, sizeof *service);
    if (service == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory");
    service->log = log;
    const mlc_code code = mlc_timer_open(&service->timer, loop, on_alive, service, err);
    if (code != MLC_OK) {
        free(service);
        return code;
    }
    const int64_t interval = mlc_notify_watchdog_ms();
    if (interval > 0)
        mlc_timer_start(service->timer, interval, interval);
    mlc_timer_unref(service->timer);
    tell(service, "READY=1\nWATCHDOG=1");
    *out = service;
    return MLC_OK;
}

void mlc_service_stop(mlc_service *service)
{
    if (service == NULL)
        return;
    tell(service, "STOPPING=1");
    mlc_timer_close(service->timer);
    free(service);
}
