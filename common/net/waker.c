#include "net/waker.h"

#include <stdlib.h>

struct mlc_waker {
    uv_async_t handle;
    mlc_waker_fn fn;
    void *arg;
};

static void on_async(uv_async_t *handle)
{
    const mlc_waker *waker = handle->data;
    waker->fn(waker->arg);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

mlc_code mlc_waker_open(mlc_waker **out, uv_loop_t *loop, mlc_waker_fn fn, void *arg, mlc_error *err)
{
    *out = NULL;
    mlc_waker *waker = calloc(1, sizeof(*waker));
    if (waker == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a waker");
    waker->fn = fn;
    waker->arg = arg;
    waker->handle.data = waker;
    int rc = uv_async_init(loop, &waker->handle, on_async);
    if (rc != 0) {
        free(waker);
        return mlc_fail(err, MLC_E_IO, "waker: %s", uv_strerror(rc));
    }
    waker->handle.data = waker;
    *out = waker;
    return MLC_OK;
}

void mlc_waker_wake(void *waker)
{
    mlc_waker *w = waker;
    (void)uv_async_send(&w->handle);
}

void mlc_waker_close(mlc_waker *waker)
{
    if (waker != NULL)
        uv_close((uv_handle_t *)&waker->handle, on_closed);
}
