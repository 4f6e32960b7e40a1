/* parts: relay */
/* fuzz_batch.c - any bytes as the answer of a $batch: the first line is its Content-Type, the rest the body. Parts lie
 * inside the body, in order, and no more than there is room for. */
#include "relay/odata_batch_parse.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 8, TYPE_MAX = 256 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char type[TYPE_MAX];
    mlc_batch_part parts[PARTS];
    mlc_error err = {0};
    size_t count = 0;
    const uint8_t *const feed = size > 0 ? memchr(data, '\n', size) : NULL;
    const size_t type_len = feed != NULL ? (size_t)(feed - data) : 0;
    if (feed == NULL || type_len >= sizeof type)
        return 0;
    memcpy(type, data, type_len);
    type[type_len] = '\0';
    const size_t len = size - type_len - 1;
    /* A copy of exactly this length, so that a step beyond it is seen. */
    char *const body = malloc(len > 0 ? len : 1);
    if (body == NULL)
        return 0;
    memcpy(body, data + type_len + 1, len);
    const mlc_code code = mlc_batch_parse(type, body, len, parts, PARTS, &count, &err);
    must(count <= PARTS && (code == MLC_OK || (code == MLC_E_PROTOCOL && count == 0 && err.code == code)));
    const char *at = body;
    for (size_t i = 0; i < count; i++) {
        must(parts[i].status >= 100 && parts[i].status <= 599);
        must(parts[i].body >= at && parts[i].body + parts[i].body_len <= body + len);
        must(strlen(parts[i].entity_id) < sizeof parts[i].entity_id);
        at = parts[i].body + parts[i].body_len;
    }
    free(body);
    return 0;
}
