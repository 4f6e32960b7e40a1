/* parts: agent */
/* fuzz_watermark.c - any bytes as a stored watermark: refused as corrupt, or printed and read again as the same; and good for
 * a cycle and its query. */
#include "agent/watermark.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlc_watermark w;
    mlc_watermark again;
    mlc_watermark_query query;
    mlc_error err;
    mlc_buf first = {0};
    mlc_buf second = {0};
    if (mlc_watermark_parse((const char *)data, size, &w, &err) != MLC_OK) {
        must(err.code == MLC_E_CORRUPT && mlc_utf8_valid(err.message, strlen(err.message)));
        return 0;
    }
    must(mlc_watermark_print(&w, &first, NULL) == MLC_OK);
    must(mlc_watermark_parse(mlc_buf_text(&first), first.len, &again, NULL) == MLC_OK);
    must(mlc_watermark_print(&again, &second, NULL) == MLC_OK);
    must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    mlc_watermark_begin(&w, NULL, 60000, INT64_C(1800000000000), -7200000);
    static const char *const keys[] = {"AN8", "CO"};
    const mlc_watermark_columns columns = {.date = "UPMJ", .time = "UPMT", .keys = keys, .key_count = 2};
    mlc_watermark_groups(&w, "24/11/2026", "25/11/2026", &columns, &query);
    must(query.group_count <= sizeof query.groups / sizeof query.groups[0]);
    mlc_watermark_complete(&w);
    mlc_buf_free(&first);
    mlc_buf_free(&second);
    return 0;
}
