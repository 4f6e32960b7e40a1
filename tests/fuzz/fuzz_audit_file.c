/* parts: store */
/* fuzz_audit_file.c - any bytes as an exported audit trail: refused in words, or each entry it took is written again as the
 * line that was read. */
#include "store/audit_file.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_line(const char *text, size_t len, bool csv)
{
    mlc_audit_line line;
    mlc_error err;
    mlc_buf again = {0};
    const mlc_code code = mlc_audit_line_parse(text, len, csv, &line, &err);
    if (code != MLC_OK) {
        must(err.message[0] != '\0');
        return;
    }
    if (line.item.index > 0) {
        must((csv ? mlc_audit_line_csv(&line.item, &again, &err)
                  : mlc_audit_line_json(&line.item, &again, &err)) == MLC_OK);
        must(again.len == len + 1 && memcmp(again.data, text, len) == 0);
    }
    mlc_buf_free(&again);
    mlc_audit_line_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlc_audit_file file = {0};
    mlc_error err;
    char *const copy = malloc(size > 0 ? size : 1);
    mlc_code code = MLC_OK;
    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    for (size_t at = 0; at < size && code == MLC_OK;) {
        const char *const end = memchr(copy + at, '\n', size - at);
        const size_t len = end != NULL ? (size_t)(end - copy) - at : size - at;
        check_line(copy + at, len, false);
        check_line(copy + at, len, true);
        code = mlc_audit_file_next(&file, copy + at, len, &err);
        at += len + 1;
    }
    if (code == MLC_OK)
        code = mlc_audit_file_end(&file, &err);
    must(code == MLC_OK || err.message[0] != '\0');
    mlc_audit_file_free(&file);
    free(copy);
    return 0;
}
