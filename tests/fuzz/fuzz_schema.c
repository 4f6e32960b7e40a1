/* parts: relay */
/* fuzz_schema.c - any bytes as metadata of a table, as its option sets, and as its durable copy. What was read can be
 * printed and read again, and a check against it ends. */
#include "relay/schema_check.h"
#include "relay/schema_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static const char *any_table(void *user, const char *set)
{
    (void)user;
    return set;
}

static void check_body(const mlc_schema_table *table, const cJSON *body)
{
    mlc_faults faults = {0};
    mlc_schema_check(table, body, true, any_table, NULL, &faults);
    must((faults.count == 0) == (faults.text[0] == '\0'));
    must(mlc_utf8_valid(faults.text, strlen(faults.text)));
}

static size_t try_table(cJSON *compact, const cJSON *body)
{
    mlc_schema_table *table = NULL;
    if (mlc_schema_table_new(compact, &table, NULL) != MLC_OK)
        return 0;
    const size_t count = table->count;
    for (size_t i = 0; i < count; i++)
        must(mlc_schema_column_find(table, table->columns[i].name) != NULL);
    check_body(table, body);
    mlc_schema_table_free(table);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *tree = NULL;
    cJSON *compact = NULL;
    cJSON *again = NULL;
    if (mlc_json_parse((const char *)data, size, 1 << 16, 16, &tree, NULL) != MLC_OK)
        return 0;
    if (mlc_schema_compact(tree, &compact, NULL) == MLC_OK) {
        const int columns = cJSON_GetArraySize(mlc_json_get(compact, "columns"));
        (void)mlc_schema_add_options(compact, mlc_json_get(tree, "options"), NULL);
        char *const text = mlc_json_print(compact);
        must(text != NULL && mlc_json_parse(text, strlen(text), 0, 16, &again, NULL) == MLC_OK);
        free(text);
        must(try_table(again, mlc_json_get(tree, "body")) == (size_t)columns);
        cJSON_Delete(compact);
    }
    (void)try_table(cJSON_Duplicate(tree, true), mlc_json_get(tree, "body"));
    cJSON_Delete(tree);
    return 0;
}
