/* row_fetch.c - see row_fetch.h. */
#include "agent/row_fetch.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE_SIZE = 500, RESTARTS_MAX = 3 };

typedef struct row_fetch_run {
    mlc_ais *ais;
    mlc_row_fetch fetch;
    mlc_row_fetch_fn fn;
    void *user;
    cJSON *rows;
    cJSON *kept; /* last row of the portions before, NULL: none */
    size_t at;   /* first key of the portion under way */
    unsigned restarts;
    mlc_buf list;
} row_fetch_run;

static mlc_code fetch_portion(row_fetch_run *run, mlc_error *err);

static void fetch_end(row_fetch_run *run, mlc_code code, const mlc_error *err)
{
    cJSON *rows = run->rows;
    if (code != MLC_OK) {
        cJSON_Delete(rows);
        rows = NULL;
    }
    run->fn(run->user, code, err, rows);
    mlc_buf_free(&run->list);
    free(run);
}

static cJSON *last_row(const row_fetch_run *run)
{
    return run->rows->child != NULL ? run->rows->child->prev : NULL;
}

static mlc_code keep_rows(row_fetch_run *run, const cJSON *rows, mlc_error *err)
{
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, rows)
    {
        if (run->fetch.keep != NULL && !run->fetch.keep(run->user, row))
            continue;
        cJSON *copy = cJSON_Duplicate(row, true);
        if (copy == NULL || !cJSON_AddItemToArray(run->rows, copy)) {
            cJSON_Delete(copy);
            return mlc_fail(err, MLC_E_NOMEM, "no memory for rows of %s", run->fetch.table);
        }
    }
    return MLC_OK;
}

/* The result set went away between two pages: read this portion again from its beginning. */
static mlc_code restart_portion(row_fetch_run *run, mlc_error *err)
{
    if (++run->restarts > RESTARTS_MAX)
        return mlc_fail(err, MLC_E_UNAVAILABLE, "%s: the result set timed out %d times in a row",
                        run->fetch.table, RESTARTS_MAX);
    while (last_row(run) != run->kept)
        cJSON_Delete(cJSON_DetachItemViaPointer(run->rows, last_row(run)));
    return fetch_portion(run, err);
}

static void on_page(void *user, mlc_ais_cursor *cursor, const mlc_ais_page *page, mlc_code code,
                    const mlc_error *why)
{
    row_fetch_run *const run = user;
    mlc_error err;
    mlc_error_clear(&err);
    if (page != NULL) {
        code = keep_rows(run, page->rows, &err);
        if (code == MLC_OK) {
            if (page->more)
                mlc_ais_next(cursor);
            return;
        }
        mlc_ais_stop(cursor);
        fetch_end(run, code, &err);
        return;
    }
    if (code == MLC_E_CONFLICT) {
        code = restart_portion(run, &err);
        if (code != MLC_OK)
            fetch_end(run, code, &err);
        return;
    }
    if (code != MLC_OK) {
        fetch_end(run, code, why);
        return;
    }
    run->restarts = 0;
    run->at += MLC_ROW_FETCH_PORTION;
    run->kept = last_row(run);
    if (run->at >= run->fetch.key_count) {
        fetch_end(run, MLC_OK, why);
        return;
    }
    code = fetch_portion(run, &err);
    if (code != MLC_OK)
        fetch_end(run, code, &err);
}

mlc_code mlc_row_fetch_list(const char *const *keys, size_t count, size_t at, mlc_buf *out, mlc_error *err)
{
    mlc_code code = MLC_OK;
    for (size_t i = at; code == MLC_OK && i < count && i < at + MLC_ROW_FETCH_PORTION; i++)
        code = mlc_buf_printf(out, err, "%s%s", i > at ? "|" : "", keys[i]);
    return code;
}

static mlc_code fetch_portion(row_fetch_run *run, mlc_error *err)
{
    const mlc_row_fetch *const f = &run->fetch;
    mlc_buf_clear(&run->list);
    const mlc_code code = mlc_row_fetch_list(f->keys, f->key_count, run->at, &run->list, err);
    if (code != MLC_OK)
        return code;
    mlc_ais_term terms[MLC_ROW_FETCH_TERMS_MAX + 1] = {{f->key_column, MLC_AIS_IN, mlc_buf_text(&run->list)}};
    memcpy(terms + 1, f->terms, f->term_count * sizeof terms[0]);
    const mlc_ais_group group = {terms, f->term_count + 1};
    const mlc_ais_query query = {.table = f->table,
                                 .columns = f->columns,
                                 .groups = &group,
                                 .group_count = 1,
                                 .order_by = f->order,
                                 .page_size = PAGE_SIZE};
    return mlc_ais_browse(run->ais, &query, on_page, run, NULL, err);
}

mlc_code mlc_row_fetch_start(mlc_ais *ais, const mlc_row_fetch *fetch, mlc_row_fetch_fn fn, void *user,
                             mlc_error *err)
{
    row_fetch_run *const run = calloc(1, sizeof *run);
    mlc_code code = MLC_OK;
    if (run == NULL || (run->rows = cJSON_CreateArray()) == NULL) {
        free(run);
        return mlc_fail(err, MLC_E_NOMEM, "no memory to read %s", fetch->table);
    }
    run->ais = ais;
    run->fetch = *fetch;
    run->fn = fn;
    run->user = user;
    code = fetch_portion(run, err);
    if (code != MLC_OK) {
        cJSON_Delete(run->rows);
        mlc_buf_free(&run->list);
        free(run);
    }
    return code;
}
