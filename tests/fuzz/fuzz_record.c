/* parts: record */
/* Whatever the bytes: a record that is accepted prints and is accepted again; a refused one leaves nothing. */
#include "record/order.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void try_order(const char *text, size_t len)
{
    mlc_order o;
    mlc_order again;
    mlc_error err;
    mlc_buf printed = {0};
    if (mlc_order_parse(text, len, &o, &err) != MLC_OK) {
        must(o.tree == NULL && o.lines == NULL && mlc_utf8_valid(err.message, strlen(err.message)));
        return;
    }
    must(o.line_count > 0 && mlc_order_check(&o, NULL) == MLC_OK);
    must(mlc_order_print(&o, &printed, NULL) == MLC_OK);
    must(mlc_order_parse(mlc_buf_text(&printed), printed.len, &again, NULL) == MLC_OK);
    must(again.line_count == o.line_count);
    mlc_order_free(&again);
    mlc_order_free(&o);
    mlc_buf_free(&printed);
}

static void try_result(const char *text, size_t len)
{
    mlc_order_result r;
    mlc_order_result again;
    mlc_buf printed = {0};
    if (mlc_order_result_parse(text, len, &r, NULL) != MLC_OK)
        return;
    must(mlc_order_result_print(&r, &printed, NULL) == MLC_OK);
    must(mlc_order_result_parse(mlc_buf_text(&printed), printed.len, &again, NULL) == MLC_OK);
    must(again.created == r.created);
    mlc_order_result_free(&again);
    mlc_order_result_free(&r);
    mlc_buf_free(&printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const text = (const char *)data;
    try_order(text, size);
    try_result(text, size);
    return 0;
}
