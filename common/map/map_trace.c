/* map_trace.c - what each step did to a value, for a person who writes a mapping. */
#include "map/map_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACE_MAX = 1 << 20, SHOWN_MAX = 120, STEP_MAX = 160 };

struct mlc_map_trace {
    mlc_buf lines;
    bool short_of; /* something could not be noted */
};

mlc_map_trace *mlc_map_trace_new(void)
{
    mlc_map_trace *const trace = calloc(1, sizeof *trace);
    if (trace != NULL)
        trace->lines.max = TRACE_MAX;
    return trace;
}

void mlc_map_trace_free(mlc_map_trace *trace)
{
    if (trace == NULL)
        return;
    mlc_buf_free(&trace->lines);
    free(trace);
}

/* A value in quotes, or (none). */
static const char *shown(char out[SHOWN_MAX + 8], const char *text)
{
    char part[SHOWN_MAX];
    if (text == NULL) {
        (void)snprintf(out, SHOWN_MAX + 8, "(none)");
        return out;
    }
    mlc_strlcpy(part, text, sizeof part);
    (void)snprintf(out, SHOWN_MAX + 8, "\"%s\"%s", part, strlen(part) < strlen(text) ? ".." : "");
    return out;
}

void map_trace_add(mlc_map_trace *trace, const char *field, const char *before, const char *after,
                   const char *fmt, ...)
{
    char step[STEP_MAX];
    char was[SHOWN_MAX + 8];
    char is[SHOWN_MAX + 8];
    if (trace == NULL)
        return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(step, sizeof step, fmt, args);
    va_end(args);
    step[mlc_utf8_prefix(step, strlen(step))] = '\0';
    if (mlc_buf_printf(&trace->lines, NULL, "%-24s %s: %s -> %s\n", field, step, shown(was, before),
                       shown(is, after)) != MLC_OK)
        trace->short_of = true;
}

mlc_code mlc_map_trace_print(const mlc_map_trace *trace, mlc_buf *out, mlc_error *err)
{
    mlc_code code = mlc_buf_puts(out, mlc_buf_text(&trace->lines), err);
    if (code == MLC_OK && trace->short_of)
        code = mlc_buf_puts(out, "(further steps could not be noted)\n", err);
    return code;
}
