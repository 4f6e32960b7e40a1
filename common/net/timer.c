#include "net/timer.h"

#include <stdlib.h>

struct mlc_timer {
    uv_timer_t handle;
    mlc_timer_fn fn;
    void *arg;
};

static void on_timer(uv_timer_t *handle)
{
    const mlc_timer *timer = handle->data;
    timer->fn(timer->arg);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

mlc_code mlc_timer_open(mlc_timer **out, uv_loop_t *loop, mlc_timer_fn fn, void *arg, mlc_error *err)
{
    *out = NULL;
    mlc_timer *timer = calloc(1, sizeof(*timer));
    if (timer == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a timer");
    int rc = uv_timer_init(loop, &timer->handle);
    if (rc != 0) {
        free(timer);
        return mlc_fail(err, MLC_E_IO, "timer: %s", uv_strerror(rc));
    }
    timer->handle.data = timer;
    timer->fn = fn;
    timer->arg = arg;
    *out = timer;
    return MLC_OK;
}

void mlc_timer_start(mlc_timer *timer, int64_t delay_ms, int64_t repeat_ms)
{
    /* The loop's time is that of the start of its turn: without this a delay begins in the past. */
    uv_update_time(timer->handle.loop);
    uv_timer_start(&timer->handle, on_timer, delay_ms < 0 ? 0 : (uint64_t)delay_ms,
                   repeat_ms < 0 ? 0 : (uint64_t)repeat_ms);
}

void mlc_timer_stop(mlc_timer *timer)
{
    uv_timer_stop(&timer->handle);
}

bool mlc_timer_active(const mlc_timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->handle) != 0;
}

void mlc_timer_unref(mlc_timer *timer)
{
    uv_unref((uv_handle_t *)&timer->handle);
}

void mlc_timer_close(mlc_timer *timer)
{
    if (timer == NULL)
        return;
    uv_timer_stop(&timer->handle);
    uv_close((uv_handle_t *)&timer->handle, on_closed);
}
