/* window.h - the hours of the day at which something is allowed: "20:00-06:00" in a time zone. Pure.
 *
 * Both ends are local times; the begin belongs to the window, the end does not. A window may go over midnight. An empty
 * text is a window that is always open. Where daylight saving leaves out an end, it lies at the end of the gap; where it
 * repeats one, its first occurrence counts for the begin and its last for the end: the window is rather too wide by an hour
 * once a year than shut.
 */
#ifndef MLC_SCHEDULE_WINDOW_H
#define MLC_SCHEDULE_WINDOW_H

#include "base/error.h"
#include "base/jdedate.h"

typedef struct mlc_window {
    bool limited;
    int32_t from_s, to_s; /* seconds of the day */
} mlc_window;

/* NULL and "" are allowed. MLC_E_INVALID tells what would be right. */
mlc_code mlc_window_parse(const char *text, mlc_window *out, mlc_error *err);
/* The first instant at or after `at_ms` (wall time, ms) at which it is open: at_ms itself when it is open then. */
int64_t mlc_window_next(const mlc_window *window, const mlc_zone *zone, int64_t at_ms);

#endif
