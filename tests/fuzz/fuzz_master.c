/* parts: record */
/* Whatever the bytes: a master record that is accepted prints, is accepted again and has the same fingerprint. */
#include "record/master.h"

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
    mlc_master m;
    mlc_master again;
    mlc_error err;
    mlc_buf printed = {0};
    uint8_t one[MLC_MASTER_FINGERPRINT_LEN];
    uint8_t two[MLC_MASTER_FINGERPRINT_LEN];
    if (mlc_master_parse((const char *)data, size, &m, &err) != MLC_OK) {
        must(m.tree == NULL && mlc_utf8_valid(err.message, strlen(err.message)));
        return 0;
    }
    must(mlc_master_is_kind(m.kind));
    must(mlc_master_print(&m, &printed, NULL) == MLC_OK);
    must(printed.len > MLC_MASTER_MAX ||
         mlc_master_parse(mlc_buf_text(&printed), printed.len, &again, NULL) == MLC_OK);
    if (printed.len <= MLC_MASTER_MAX) {
        must(mlc_master_fingerprint(&m, one, NULL) == MLC_OK);
        must(mlc_master_fingerprint(&again, two, NULL) == MLC_OK);
        must(again.gone == m.gone && memcmp(one, two, sizeof one) == 0);
        mlc_master_free(&again);
    }
    mlc_master_free(&m);
    mlc_buf_free(&printed);
    return 0;
}
