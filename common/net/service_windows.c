/* service_windows.c - service.h on Windows. Nothing sends signals there: the manager's wish to stop is given, on the loop, to
 * the handles that watch for SIGTERM. */
#include "net/service_windows.h"
#include "net/service.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct mlc_service {
    uv_async_t stop;
};

/* Process-wide, see service_windows.h; under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static mlc_service_tell_fn tell;
static mlc_service *running;
static bool end_wanted;

void mlc_service_tell(mlc_service_tell_fn fn)
{
    (void)pthread_mutex_lock(&lock);
    tell = fn;
    (void)pthread_mutex_unlock(&lock);
}

void mlc_service_end(void)
{
    (void)pthread_mutex_lock(&lock);
    end_wanted = true;
    if (running != NULL)
        (void)uv_async_send(&running->stop);
    (void)pthread_mutex_unlock(&lock);
}

static void tell_watcher(uv_handle_t *handle, void *arg)
{
    uv_signal_t *const watcher = (uv_signal_t *)handle;
    (void)arg;
    if (handle->type == UV_SIGNAL && uv_is_active(handle) && watcher->signum == SIGTERM &&
        watcher->signal_cb != NULL)
        watcher->signal_cb(watcher, SIGTERM);
}

static void on_stop(uv_async_t *handle)
{
    uv_walk(handle->loop, tell_watcher, NULL);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

mlc_code mlc_service_ready(mlc_service **out, uv_loop_t *loop, mlc_log *log, mlc_error *err)
{
    (void)log;
    *out = NULL;
    mlc_service *const service = calloc(1, sizeof *service);
    if (service == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory");
    service->stop.data = service;
    const int rc = uv_async_init(loop, &service->stop, on_stop);
    if (rc != 0) {
        free(service);
        return mlc_fail(err, MLC_E_IO, "the service manager cannot be heard: %s", uv_strerror(rc));
    }
    service->stop.data = service;
    uv_unref((uv_handle_t *)&service->stop);
    (void)pthread_mutex_lock(&lock);
    running = service;
    if (end_wanted)
        (void)uv_async_send(&service->stop);
    const mlc_service_tell_fn fn = tell;
    (void)pthread_mutex_unlock(&lock);
    if (fn != NULL)
        fn(true);
    *out = service;
    return MLC_OK;
}

void mlc_service_stop(mlc_service *service)
{
    if (service == NULL)
        return;
    (void)pthread_mutex_lock(&lock);
    running = NULL;
    const mlc_service_tell_fn fn = tell;
    (void)pthread_mutex_unlock(&lock);
    if (fn != NULL)
        fn(false);
    uv_close((uv_handle_t *)&service->stop, on_closed);
}
