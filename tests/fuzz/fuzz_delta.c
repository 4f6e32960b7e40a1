/* parts: relay */
/* fuzz_delta.c - any JSON as an answer of change tracking: a verdict, and deleted rows by a well-formed id only. */
#include "relay/delta.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *tree = NULL;
    mlc_delta_page page;
    mlc_error err;
    const cJSON *row = NULL;
    if (mlc_json_parse((const char *)data, size, 1 << 16, 16, &tree, &err) != MLC_OK)
        return 0;
    const mlc_delta_verdict verdict = mlc_delta_judge(true, MLC_OK, 200, tree, &page, &err);
    if ((verdict == MLC_DELTA_PAGE) != (page.rows != NULL && page.next != NULL && cJSON_IsArray(page.rows)))
        abort();
    if (verdict == MLC_DELTA_PAGE || verdict == MLC_DELTA_LAST) {
        cJSON_ArrayForEach(row, page.rows)
        {
            char id[MLC_UUID_TEXT_MAX];
            if (mlc_delta_deleted(row, id) && strlen(id) != MLC_UUID_TEXT_MAX - 1)
                abort();
        }
    }
    cJSON_Delete(tree);
    return 0;
}
