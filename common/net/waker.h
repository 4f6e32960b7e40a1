/* waker.h - call a function on the loop from any thread.
 *
 * Several wakes before the loop gets round to it lead to one call. The store's writer thread uses it to
 * say that answers are waiting. Thread rule: open and close on the loop's thread, wake from any thread
 * (but not after close).
 */
#ifndef MLC_NET_WAKER_H
#define MLC_NET_WAKER_H

#include "base/error.h"

#include <uv.h>

typedef struct mlc_waker mlc_waker;
typedef void (*mlc_waker_fn)(void *arg);

/* An open waker keeps the loop running. Errors: MLC_E_NOMEM, MLC_E_IO. */
mlc_code mlc_waker_open(mlc_waker **out, uv_loop_t *loop, mlc_waker_fn fn, void *arg, mlc_error *err);
/* Fits callbacks of the form void (*)(void *): the argument is the mlc_waker. */
void mlc_waker_wake(void *waker);
/* No call comes after this. The memory goes when the loop runs next. NULL is allowed. */
void mlc_waker_close(mlc_waker *waker);

#endif
