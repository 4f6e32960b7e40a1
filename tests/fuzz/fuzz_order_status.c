/* parts: record agent */
/* fuzz_order_status.c - whatever the bytes: a status that is accepted prints and is accepted again; and any JSON as rows of JDE
 * gives a good status, is silent, or is refused. */
#include "agent/order_rows.h"
#include "record/order_status.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void try_status(const char *text, size_t len)
{
    mlc_order_status s;
    mlc_order_status again;
    mlc_buf printed = {0};
    if (mlc_order_status_parse(text, len, &s, NULL) != MLC_OK) {
        must(s.tree == NULL && s.lines == NULL);
        return;
    }
    must(mlc_order_status_word(&s) != NULL);
    must(mlc_order_status_print(&s, &printed, NULL) == MLC_OK);
    must(mlc_order_status_parse(mlc_buf_text(&printed), printed.len, &again, NULL) == MLC_OK);
    must(again.line_count == s.line_count && again.purchase == s.purchase);
    mlc_order_status_free(&again);
    mlc_order_status_free(&s);
    mlc_buf_free(&printed);
}

static void try_rows(const char *text, size_t len)
{
    cJSON *rows = NULL;
    mlc_buf out = {0};
    bool silent = false;
    mlc_error err;
    if (mlc_json_parse(text, len, 65536, 8, &rows, &err) != MLC_OK)
        return;
    if (mlc_order_rows_shape("1/SO/1", rows, false, "1.2.3", &out, &silent, &err) == MLC_OK)
        must(silent == (out.len == 0));
    mlc_buf_free(&out);
    cJSON_Delete(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_status((const char *)data, size);
    try_rows((const char *)data, size);
    return 0;
}
