/* parts: base */
/* The JSON reader: what it takes prints to a text that it takes again and that prints the same. */
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { DEPTH = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every accessor must take every node. */
static void visit(const cJSON *node)
{
    int64_t whole = 0;
    mlc_decimal exact = {0};
    for (const cJSON *child = node->child; child != NULL; child = child->next) {
        if (mlc_json_is_number(child) && mlc_json_text(child) == NULL)
            abort();
        if (child->string != NULL) {
            if (mlc_json_get(node, child->string) == NULL)
                abort();
            (void)mlc_json_path(node, child->string);
            (void)mlc_json_bool(node, child->string, false);
            (void)mlc_json_int64(node, child->string, &whole, NULL);
            (void)mlc_json_decimal(node, child->string, &exact, NULL);
        }
        visit(child);
    }
}

static char *print(const cJSON *tree)
{
    char *text = mlc_json_print(tree);
    if (text == NULL)
        abort();
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *tree = NULL, *again = NULL;
    mlc_error err = {0};
    mlc_code code = mlc_json_parse((const char *)data, size, 0, DEPTH, &tree, &err);
    if (code != MLC_OK) {
        if (tree != NULL || err.code != code || !mlc_utf8_valid(err.message, strlen(err.message)))
            abort();
        return 0;
    }
    visit(tree);
    char *text = print(tree);
    if (mlc_json_parse(text, strlen(text), 0, DEPTH, &again, NULL) != MLC_OK)
        abort();
    char *same = print(again);
    if (strcmp(text, same) != 0)
        abort();
    free(text);
    free(same);
    cJSON_Delete(tree);
    cJSON_Delete(again);
    return 0;
}
