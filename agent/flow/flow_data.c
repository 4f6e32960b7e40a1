/* flow_data.c - see flow_data.h. */
#include "agent/flow/flow_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char separator[] = {MLC_POLL_KEY_SEPARATOR, '\0'};

mlc_code mlc_flow_key(const cJSON *row, const char *const *columns, size_t count, char out[MLC_POLL_KEY_MAX],
                      mlc_error *err)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *const text = mlc_json_member_text(row, columns[i]);
        const int n = snprintf(out + len, MLC_POLL_KEY_MAX - len, "%s%s", i > 0 ? separator : "",
                               text != NULL ? text : "");
        if (n < 0 || (size_t)n >= MLC_POLL_KEY_MAX - len)
            return mlc_fail(err, MLC_E_LIMIT, "the key of a row, from %s on, is longer than %d bytes",
                            columns[0], MLC_POLL_KEY_MAX - 1);
        len += (size_t)n;
    }
    return MLC_OK;
}

void mlc_flow_id(const char *key, char out[MLC_POLL_KEY_MAX])
{
    size_t len = 0;
    for (const char *p = key;;) {
        size_t n = strcspn(p, separator);
        const char *const next = p + n;
        while (n > 0 && *p == ' ') {
            p++;
            n--;
        }
        while (n > 0 && p[n - 1] == ' ')
            n--;
        memcpy(out + len, p, n); /* never longer than the key */
        len += n;
        if (*next == '\0')
            break;
        out[len++] = '/';
        p = next + 1;
    }
    out[len] = '\0';
}

/* ---- keys ---- */

mlc_code mlc_flow_keys_reserve(mlc_flow_keys *keys, size_t count, mlc_error *err)
{
    keys->count = 0;
    keys->texts = calloc(count + 1, sizeof *keys->texts);
    keys->lead_texts = calloc(count + 1, sizeof *keys->lead_texts);
    keys->wanted = calloc(count + 1, sizeof *keys->wanted);
    keys->leads = calloc(count + 1, sizeof *keys->leads);
    if (keys->texts == NULL || keys->lead_texts == NULL || keys->wanted == NULL || keys->leads == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a page of %zu keys", count);
    return MLC_OK;
}

void mlc_flow_keys_add(mlc_flow_keys *keys, const char *key)
{
    (void)snprintf(keys->texts[keys->count++], MLC_POLL_KEY_MAX, "%s", key);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t sort_distinct(const char **texts, size_t count)
{
    size_t kept = 0;
    qsort(texts, count, sizeof *texts, by_text);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || strcmp(texts[kept - 1], texts[i]) != 0)
            texts[kept++] = texts[i];
    return kept;
}

static void copy_lead(char out[MLC_POLL_KEY_MAX], const char *key)
{
    (void)snprintf(out, MLC_POLL_KEY_MAX, "%.*s", (int)strcspn(key, separator), key);
}

void mlc_flow_keys_close(mlc_flow_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        keys->wanted[i] = keys->texts[i];
        copy_lead(keys->lead_texts[i], keys->texts[i]);
        keys->leads[i] = keys->lead_texts[i];
    }
    keys->wanted_count = sort_distinct(keys->wanted, keys->count);
    keys->lead_count = sort_distinct(keys->leads, keys->count);
}

void mlc_flow_keys_clear(mlc_flow_keys *keys)
{
    free(keys->texts);
    free(keys->lead_texts);
    free(keys->wanted);
    free(keys->leads);
    *keys = (mlc_flow_keys){0};
}

static bool is_among(const char *const *texts, size_t count, const char *text)
{
    return bsearch(&text, texts, count, sizeof *texts, by_text) != NULL;
}

bool mlc_flow_keys_want(const mlc_flow_keys *keys, const char *key, size_t key_count)
{
    char lead[MLC_POLL_KEY_MAX];
    if (key_count > 1 && !keys->expand)
        return is_among(keys->wanted, keys->wanted_count, key);
    copy_lead(lead, key);
    return is_among(keys->leads, keys->lead_count, lead);
}

/* ---- rows ---- */

static int by_key(const void *a, const void *b)
{
    const mlc_flow_row *const x = a;
    const mlc_flow_row *const y = b;
    const int by_text_order = strcmp(x->key, y->key);
    if (by_text_order != 0)
        return by_text_order;
    return x->order < y->order ? -1 : x->order > y->order;
}

mlc_code mlc_flow_rows_open(mlc_flow_rows *rows, cJSON *tree, const char *const *columns, size_t count,
                            mlc_error *err)
{
    const cJSON *row = NULL;
    mlc_code code = MLC_OK;
    mlc_flow_rows_clear(rows);
    rows->tree = tree;
    const size_t total = (size_t)cJSON_GetArraySize(tree);
    rows->at = calloc(total + 1, sizeof *rows->at);
    if (rows->at == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a page of %zu rows", total);
    cJSON_ArrayForEach(row, tree)
    {
        mlc_flow_row *const entry = &rows->at[rows->count];
        code = mlc_flow_key(row, columns, count, entry->key, err);
        if (code != MLC_OK)
            return code;
        entry->row = row;
        entry->order = rows->count++;
    }
    qsort(rows->at, rows->count, sizeof *rows->at, by_key);
    return MLC_OK;
}

void mlc_flow_rows_clear(mlc_flow_rows *rows)
{
    cJSON_Delete(rows->tree);
    free(rows->at);
    *rows = (mlc_flow_rows){0};
}

const mlc_flow_row *mlc_flow_rows_find(const mlc_flow_rows *rows, const char *key, size_t *count)
{
    size_t low = 0; /* rows before `low` have lesser keys */
    size_t high = rows->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(rows->at[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < rows->count && strcmp(rows->at[low + *count].key, key) == 0)
        (*count)++;
    return rows->at != NULL ? rows->at + low : NULL;
}

void mlc_flow_data_clear(mlc_flow_data *data)
{
    mlc_flow_keys_clear(&data->keys);
    for (size_t i = 0; i < MLC_FLOW_PARTS_MAX; i++)
        mlc_flow_rows_clear(&data->parts[i]);
    mlc_flow_rows_clear(&data->ledger);
    data->with_ledger = false;
}
