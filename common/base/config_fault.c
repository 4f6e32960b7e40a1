/* config_fault.c - collects every fault of a configuration, so that one run shows them all. */
#include "base/config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mlc_cfg_fault_add(mlc_cfg_faults *faults, const char *where, unsigned line, const char *path,
                       const char *fmt, ...)
{
    if (faults->count == faults->cap) {
        const size_t cap = faults->cap == 0 ? 16 : 2 * faults->cap;
        mlc_cfg_fault *rows = realloc(faults->rows, cap * sizeof *rows);
        if (rows == NULL) {
            faults->nomem = true;
            return;
        }
        faults->rows = rows;
        faults->cap = cap;
    }
    char reason[MLC_CFG_REASON_MAX + MLC_CFG_PATH_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(reason, sizeof reason, fmt, args);
    va_end(args);
    const char *colon = path[0] != '\0' ? ": " : "";
    char *text = where != NULL ? mlc_asprintf("%s%s%s: %s", where, colon, path, reason)
                               : mlc_asprintf("%s:%u%s%s: %s", faults->file, line, colon, path, reason);
    char *copy = mlc_strdup(path);
    if (text == NULL || copy == NULL) {
        free(text);
        free(copy);
        faults->nomem = true;
        return;
    }
    faults->rows[faults->count] =
        (mlc_cfg_fault){.line = line, .order = faults->count, .path = copy, .text = text};
    faults->count++;
}

static int compare(const void *a, const void *b)
{
    const mlc_cfg_fault *x = a;
    const mlc_cfg_fault *y = b;
    if (x->line != y->line)
        return x->line < y->line ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

mlc_code mlc_cfg_faults_finish(mlc_cfg_faults *faults, mlc_buf *report, mlc_error *err)
{
    mlc_code code = MLC_OK;
    if (faults->count > 0) {
        qsort(faults->rows, faults->count, sizeof *faults->rows, compare);
        for (size_t i = 0; report != NULL && i < faults->count; i++)
            if (mlc_buf_puts(report, faults->rows[i].text, NULL) != MLC_OK ||
                mlc_buf_puts(report, "\n", NULL) != MLC_OK)
                break; /* a full report still leaves the first fault in err */
        code = mlc_fail(err, MLC_E_INVALID, "%s", faults->rows[0].text);
    } else if (faults->nomem) {
        code = mlc_fail(err, MLC_E_NOMEM, "no memory to check %s", faults->file);
    }
    for (size_t i = 0; i < faults->count; i++) {
        free(faults->rows[i].path);
        free(faults->rows[i].text);
    }
    free(faults->rows);
    *faults = (mlc_cfg_faults){.file = faults->file};
    return code;
}
