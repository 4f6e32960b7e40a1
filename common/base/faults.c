/* faults.c - see faults.h. */
#include "base/faults.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

/* One fault may not crowd out the others; the tail keeps room for ".. and 4294967295 more". */
enum { LINE_MAX_BYTES = 200, TAIL_ROOM = 32, RECORD_MAX = 56 };

/* "field: reason", cut between characters. */
static void format_line(char out[LINE_MAX_BYTES], const char *field, const char *fmt, va_list args)
    MLC_PRINTF(3, 0);
static void format_line(char out[LINE_MAX_BYTES], const char *field, const char *fmt, va_list args)
{
    char reason[512];
    char whole[sizeof reason + 128];
    (void)vsnprintf(reason, sizeof reason, fmt, args);
    (void)snprintf(whole, sizeof whole, "%.100s: %s", field, reason);
    mlc_strlcpy(out, mlc_utf8_mend(whole), LINE_MAX_BYTES);
}

void mlc_fault(mlc_faults *faults, const char *field, const char *fmt, ...)
{
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, fmt);
    format_line(line, field, fmt, args);
    va_end(args);

    faults->count++;
    const char *const join = faults->count > 1 ? "; " : "";
    const size_t used = strlen(faults->text);
    if (faults->hidden == 0 && used + strlen(join) + strlen(line) < sizeof faults->text - TAIL_ROOM) {
        (void)snprintf(faults->text + used, sizeof faults->text - used, "%s%s", join, line);
        return;
    }
    /* The tail was written by this function before, or there is none yet. */
    char *const tail = faults->hidden == 0 ? faults->text + used : strstr(faults->text, "; .. and ");
    faults->hidden++;
    if (tail != NULL)
        (void)snprintf(tail, TAIL_ROOM, "; .. and %u more", faults->hidden);
}

mlc_code mlc_faults_result(const mlc_faults *faults, const char *record, mlc_error *err)
{
    if (faults->count == 0)
        return MLC_OK;
    char name[RECORD_MAX];
    mlc_strlcpy(name, record, sizeof name);
    return mlc_fail(err, MLC_E_INVALID, "%s: %s", name, faults->text);
}
