/* order_items.c - see order_items.h. */
#include "agent/order_items.h"

#include "agent/row_fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct items_check {
    const mlc_order *order;
    mlc_order_items_fn fn;
    void *user;
    const char **keys; /* distinct items */
    size_t key_count;
} items_check;

static const char *const columns[] = {"LITM", NULL};
static const char *const by_item[] = {"LITM", NULL};

static void check_free(items_check *c)
{
    free((void *)c->keys);
    free(c);
}

static bool is_known(const cJSON *rows, const char *item)
{
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, rows)
    {
        const char *const text = mlc_json_member_text(row, "LITM");
        if (text != NULL && strcmp(text, item) == 0)
            return true;
    }
    return false;
}

static void on_rows(void *user, mlc_code code, const mlc_error *err, cJSON *rows)
{
    items_check *const c = user;
    mlc_faults unknown = {0};
    (void)err;
    for (size_t i = 0; code == MLC_OK && i < c->order->line_count; i++) {
        const mlc_order_line *const line = &c->order->lines[i];
        char name[48];
        if (is_known(rows, line->item))
            continue;
        (void)snprintf(name, sizeof name, "line %lld item", (long long)line->line);
        mlc_fault(&unknown, name,
                  "\"%.25s\" is not in JDE's item master; choose another product or add the item",
                  line->item);
    }
    cJSON_Delete(rows);
    c->fn(c->user, code, &unknown);
    check_free(c);
}

/* An item with the character that separates a list's values cannot be asked for, and is none of JDE's. */
static void take_keys(items_check *c)
{
    for (size_t i = 0; i < c->order->line_count; i++) {
        const char *const item = c->order->lines[i].item;
        size_t at = 0;
        while (at < c->key_count && strcmp(c->keys[at], item) != 0)
            at++;
        if (at == c->key_count && strchr(item, '|') == NULL)
            c->keys[c->key_count++] = item;
    }
}

mlc_code mlc_order_items_check(mlc_ais *ais, const mlc_order *order, mlc_order_items_fn fn, void *user,
                               mlc_error *err)
{
    items_check *const c = calloc(1, sizeof *c);
    if (c == NULL || (c->keys = calloc(order->line_count + 1, sizeof *c->keys)) == NULL) {
        free(c);
        return mlc_fail(err, MLC_E_NOMEM, "no memory to look up items");
    }
    c->order = order;
    c->fn = fn;
    c->user = user;
    take_keys(c);
    const mlc_row_fetch fetch = {.table = "F4101",
                                 .columns = columns,
                                 .key_column = "LITM",
                                 .keys = c->keys,
                                 .key_count = c->key_count,
                                 .order = by_item};
    const mlc_code code = c->key_count > 0 ? mlc_row_fetch_start(ais, &fetch, on_rows, c, err)
                                           : mlc_fail(err, MLC_E_INVALID, "no items to look up");
    if (code != MLC_OK)
        check_free(c);
    return code;
}
