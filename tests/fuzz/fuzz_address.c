/* parts: record relay */
/* Whatever the bytes: a changed address, a report or a row that is accepted prints and is accepted again, equal. */
#include "record/address.h"
#include "relay/address_row.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void try_address(const char *text, size_t len)
{
    mlc_address a;
    mlc_address again;
    mlc_error err;
    mlc_buf printed = {0};
    uint8_t one[MLC_ADDRESS_HASH_LEN];
    uint8_t two[MLC_ADDRESS_HASH_LEN];
    if (mlc_address_parse(text, len, &a, &err) != MLC_OK) {
        must(a.tree == NULL && mlc_utf8_valid(err.message, strlen(err.message)));
        return;
    }
    must(mlc_address_print(&a, &printed, NULL) == MLC_OK);
    must(mlc_address_parse(mlc_buf_text(&printed), printed.len, &again, NULL) == MLC_OK);
    must(mlc_address_same(&a.now, &again.now, NULL) && a.has_base == again.has_base);
    must(mlc_address_hash(&a.now, one, NULL) == MLC_OK && mlc_address_hash(&again.now, two, NULL) == MLC_OK);
    must(memcmp(one, two, sizeof one) == 0);
    mlc_address_free(&again);
    mlc_address_free(&a);
    mlc_buf_free(&printed);
}

static void try_result(const char *text, size_t len)
{
    mlc_address_result r;
    mlc_address_result again;
    mlc_buf printed = {0};
    if (mlc_address_result_parse(text, len, &r, NULL) != MLC_OK)
        return;
    must(mlc_address_result_print(&r, &printed, NULL) == MLC_OK);
    must(mlc_address_result_parse(mlc_buf_text(&printed), printed.len, &again, NULL) == MLC_OK);
    must(again.restore == r.restore && mlc_address_same(&again.jde, &r.jde, NULL));
    mlc_address_result_free(&again);
    mlc_address_result_free(&r);
    mlc_buf_free(&printed);
}

/* As an answer of Dynamics, and as rows of JDE. */
static void try_rows(const char *text, size_t len)
{
    cJSON *tree = NULL;
    cJSON *body = NULL;
    mlc_address_row row;
    mlc_address_rows rows;
    char words[80];
    if (mlc_json_parse(text, len, 1 << 16, 8, &tree, NULL) != MLC_OK)
        return;
    if (mlc_address_row_read("account", tree, "ml_", &row, NULL) == MLC_OK &&
        mlc_address_row_body("account", &row.fields, "ml_", row.version, &body, NULL) == MLC_OK)
        cJSON_Delete(body);
    (void)mlc_address_row_read("contact", tree, "ml_", &row, NULL);
    mlc_address_of_rows(tree, tree, &rows);
    must(strlen(mlc_address_words(&rows.fields, words, sizeof words)) < sizeof words);
    cJSON_Delete(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const text = (const char *)data;
    try_address(text, size);
    try_result(text, size);
    try_rows(text, size);
    return 0;
}
