/* timer.h - a one-shot or repeating timer on the loop (monotonic clock).
 *
 * The handle lives on the heap until libuv has let go of it, so close is safe everywhere, also inside
 * the timer's own callback. Thread rule: loop's thread only.
 */
#ifndef MLC_NET_TIMER_H
#define MLC_NET_TIMER_H

#include "base/error.h"

#include <stdint.h>
#include <uv.h>

typedef struct mlc_timer mlc_timer;
typedef void (*mlc_timer_fn)(void *arg);

/* A stopped timer. The caller closes it. Errors: MLC_E_NOMEM, MLC_E_IO. */
mlc_code mlc_timer_open(mlc_timer **out, uv_loop_t *loop, mlc_timer_fn fn, void *arg, mlc_error *err);
/* Call fn after delay_ms (below 0 counts as 0), then every repeat_ms (0: once). Replaces what was set. */
void mlc_timer_start(mlc_timer *timer, int64_t delay_ms, int64_t repeat_ms);
void mlc_timer_stop(mlc_timer *timer);
/* True while a call is due. */
bool mlc_timer_active(const mlc_timer *timer);
/* A timer that does not keep the loop running on its own. */
void mlc_timer_unref(mlc_timer *timer);
/* No call comes after this. The memory goes when the loop runs next. NULL is allowed. */
void mlc_timer_close(mlc_timer *timer);

#endif
