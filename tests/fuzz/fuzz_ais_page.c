/* parts: agent */
/* fuzz_ais_page.c - any JSON as an answer of AIS: page of rows, words of an error, order number. What is read as a page
 * has rows of objects, and each of them has a key and a stamp or is refused with a reason. */
#include "agent/ais_private.h"
#include "agent/flow/flow_record.h"
#include "agent/order_inputs.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void try_row(const mlc_ais *ais, const cJSON *row)
{
    static const char *const columns[] = {"AN8", "ALPH"};
    char key[MLC_POLL_KEY_MAX];
    char id[MLC_POLL_KEY_MAX];
    mlc_jde_stamp stamp;
    mlc_error err;
    int32_t julian = 0;
    (void)mlc_ais_row_date(ais, row, "UPMJ", &julian, NULL);
    if (mlc_flow_key(row, columns, 2, key, NULL) == MLC_OK) {
        mlc_flow_id(key, id);
        must(strlen(id) < sizeof id);
    }
    const mlc_code code = mlc_flow_row_stamp(ais, row, "UPMJ", "UPMT", &stamp, &err);
    if (code == MLC_OK)
        must(stamp.hms >= 0 && stamp.hms <= 235959);
    else
        must(code == MLC_E_INVALID && mlc_utf8_valid(err.message, strlen(err.message)));
}

static void try_page(cJSON *answer, const mlc_ais *ais)
{
    ais_rows rows;
    mlc_error err;
    size_t count = 0;
    const cJSON *row = NULL;
    const mlc_code code = ais_page_read(answer, "F0101", &rows, &err);
    if (code != MLC_OK) {
        must(err.code == code && mlc_utf8_valid(err.message, strlen(err.message)));
        return;
    }
    cJSON_ArrayForEach(row, rows.rows)
    {
        must(cJSON_IsObject(row));
        try_row(ais, row);
        count++;
    }
    must(count == rows.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *tree = NULL;
    char words[MLC_ERROR_MESSAGE_MAX / 2];
    mlc_jde_order_key key;
    char format[] = "dd/MM/yyyy";
    const mlc_ais ais = {.date_format = format};
    if (mlc_json_parse((const char *)data, size, AIS_BODY_MAX, AIS_DEPTH, &tree, NULL) != MLC_OK)
        return 0;
    if (ais_errors_text(tree, words, sizeof words))
        must(words[0] != '\0' && strlen(words) < sizeof words);
    if (mlc_order_key_find(tree, &key))
        must(key.doco != NULL);
    try_page(tree, &ais);
    cJSON_Delete(tree);
    return 0;
}
