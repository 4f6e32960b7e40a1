/* sent_columns.c - see sent.h: values that were written against values that Dynamics shows, both in one canonical form. */
#include "relay/sent.h"

#include "base/buf.h"
#include "crypto/crypto.h"

#include <string.h>

enum { MASK_BITS = 64, NAME_SIZE = 128 };

bool mlc_sent_comparable(const mlc_map *map, size_t index, const char *prefix, const mlc_schema_table *table,
                         char *name, size_t size)
{
    const mlc_map_column column = mlc_map_column_at(map, index);
    if (index >= MASK_BITS || column.list != NULL || column.set != NULL)
        return false;
    (void)mlc_map_expand(name, size, column.name, prefix);
    const mlc_schema_column *const known = mlc_schema_column_find(table, name);
    if (known == NULL)
        return false;
    switch (known->type) {
    case MLC_COLUMN_TEXT:
    case MLC_COLUMN_INTEGER:
    case MLC_COLUMN_BOOLEAN:
    case MLC_COLUMN_CHOICE:
        return true;
    case MLC_COLUMN_DECIMAL:
        return known->decimals >= 0;
    default:
        return false;
    }
}

/* A decimal as the column holds it. */
static mlc_code print_decimal(const mlc_schema_column *column, const char *lexeme, mlc_buf *out,
                              mlc_error *err)
{
    char text[MLC_DECIMAL_TEXT_MAX];
    mlc_decimal value;
    mlc_code code = mlc_decimal_parse(lexeme, &value, err);
    if (code == MLC_OK)
        code = mlc_decimal_rescale(value, (unsigned)column->decimals, MLC_ROUND_HALF_UP, &value, err);
    return code == MLC_OK
               ? mlc_buf_printf(out, err, "#%s", mlc_decimal_text(mlc_decimal_normalize(value), text))
               : code;
}

/* Nothing and "" are the same to Dynamics. */
static mlc_code print_value(const mlc_schema_column *column, const cJSON *node, mlc_buf *out, mlc_error *err)
{
    if (cJSON_IsString(node))
        return node->valuestring[0] != '\0' ? mlc_buf_printf(out, err, "=%s", node->valuestring)
                                            : mlc_buf_puts(out, "-", err);
    if (cJSON_IsBool(node))
        return mlc_buf_puts(out, cJSON_IsTrue(node) ? "+" : "!", err);
    const char *const lexeme = node != NULL && !cJSON_IsNull(node) ? mlc_json_text(node) : NULL;
    if (lexeme == NULL)
        return mlc_buf_puts(out, "-", err);
    return column->type == MLC_COLUMN_DECIMAL ? print_decimal(column, lexeme, out, err)
                                              : mlc_buf_printf(out, err, "#%s", lexeme);
}

static mlc_code hash_row(const mlc_map *map, const char *prefix, const mlc_schema_table *table,
                         const cJSON *row, uint64_t mask, uint8_t out[MLC_SENT_HASH_LEN], mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    char name[NAME_SIZE];
    mlc_buf text = {0};
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < mlc_map_column_count(map) && i < MASK_BITS; i++) {
        if ((mask >> i & 1) == 0 || !mlc_sent_comparable(map, i, prefix, table, name, sizeof name))
            continue;
        code = mlc_buf_printf(&text, err, "%s", name);
        if (code == MLC_OK)
            code = print_value(mlc_schema_column_find(table, name), mlc_json_get(row, name), &text, err);
        if (code == MLC_OK)
            code = mlc_buf_append(&text, "", 1, err);
    }
    if (code == MLC_OK)
        code = mlc_sha256(text.data, text.len, hash, err);
    if (code == MLC_OK)
        memcpy(out, hash, MLC_SENT_HASH_LEN);
    mlc_buf_free(&text);
    return code;
}

static void mapping_mark(const mlc_map *map, uint8_t out[MLC_SENT_HASH_LEN])
{
    memset(out, 0, MLC_SENT_HASH_LEN);
    memcpy(out, mlc_map_digest(map), strnlen(mlc_map_digest(map), MLC_SENT_HASH_LEN));
}

mlc_code mlc_sent_columns_written(const mlc_map *map, const char *prefix, const mlc_schema_table *table,
                                  const cJSON *body, mlc_sent_columns *out, mlc_error *err)
{
    char name[NAME_SIZE];
    memset(out, 0, sizeof *out);
    mapping_mark(map, out->mapping);
    for (size_t i = 0; i < mlc_map_column_count(map) && i < MASK_BITS; i++)
        if (mlc_sent_comparable(map, i, prefix, table, name, sizeof name) && mlc_json_get(body, name) != NULL)
            out->mask |= UINT64_C(1) << i;
    const mlc_code code = hash_row(map, prefix, table, body, out->mask, out->hash, err);
    if (code != MLC_OK)
        out->mask = 0;
    return code;
}

bool mlc_sent_columns_same(const mlc_map *map, const char *prefix, const mlc_schema_table *table,
                           const cJSON *row, const mlc_sent_columns *written)
{
    uint8_t mapping[MLC_SENT_HASH_LEN];
    uint8_t hash[MLC_SENT_HASH_LEN];
    mapping_mark(map, mapping);
    if (written->mask == 0 || memcmp(mapping, written->mapping, sizeof mapping) != 0)
        return true;
    if (hash_row(map, prefix, table, row, written->mask, hash, NULL) != MLC_OK)
        return true;
    return memcmp(hash, written->hash, sizeof hash) == 0;
}
