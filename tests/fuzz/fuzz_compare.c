/* parts: record */
/* fuzz_compare.c - any bytes as a message of the full comparison: refused, or printed and read again as the same. */
#include "record/compare.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void try_answer(const char *text, size_t size)
{
    mlc_compare_answer answer;
    mlc_compare_answer again;
    mlc_buf first = {0};
    mlc_error err;
    if (mlc_compare_answer_parse(text, size, &answer, &err) == MLC_OK) {
        must(mlc_compare_answer_print(&answer, &first, NULL) == MLC_OK);
        must(mlc_compare_answer_parse(mlc_buf_text(&first), first.len, &again, NULL) == MLC_OK);
        must(again.id_count == answer.id_count && again.range_count == answer.range_count);
        mlc_compare_answer_free(&again);
    }
    mlc_compare_answer_free(&answer);
    mlc_buf_free(&first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const text = (const char *)data;
    mlc_compare_request request;
    mlc_resend_request resend;
    mlc_error err;
    try_answer(text, size);
    if (mlc_compare_request_parse(text, size, &request, &err) == MLC_OK)
        must(request.from >= 0 && request.to > request.from && request.run[0] != '\0');
    if (mlc_resend_parse(text, size, &resend, &err) == MLC_OK)
        must(resend.id_count > 0 && resend.id_count <= MLC_COMPARE_RESEND_MAX);
    mlc_resend_free(&resend);
    return 0;
}
