/* parts: store */
/* fuzz_entry.c - any bytes as an entry read from the disk: refused as corrupt, or texts and payload lie inside and end with
 * a NUL, and the entry is written again as one that reads the same. */
#include "store/entry.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_again(const mlc_entry *entry)
{
    mlc_entry again;
    mlc_error err;
    mlc_buf out = {0};
    const mlc_code code = entry_write(entry, &out, &err);
    if (code != MLC_OK) { /* a text longer than is written today */
        must(code == MLC_E_INVALID);
        mlc_buf_free(&out);
        return;
    }
    must(entry_read(out.data, out.len, entry->seq, &again, NULL) == MLC_OK);
    must(strcmp(again.key, entry->key) == 0 && strcmp(again.idem, entry->idem) == 0);
    must(again.state == entry->state && again.attempts == entry->attempts);
    must(again.payload_len == entry->payload_len &&
         memcmp(again.payload, entry->payload, entry->payload_len) == 0);
    mlc_buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mlc_entry entry;
    mlc_error err;
    uint8_t *const copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    if (entry_read(copy, size, 7, &entry, &err) == MLC_OK) {
        const uint8_t *const payload = (const uint8_t *)entry.payload;
        must(payload + entry.payload_len + 1 == copy + size && payload[entry.payload_len] == 0);
        must(entry_size(&entry) > 0);
        check_again(&entry);
    } else {
        must(err.code == MLC_E_CORRUPT);
    }
    free(copy);
    return 0;
}
