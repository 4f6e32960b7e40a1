/* flow_read.c - see flow_read.h. */
#include "agent/flow/flow_read.h"

#include "agent/ais_totals.h"
#include "agent/row_fetch.h"

#include <stdlib.h>

enum { LISTED = MLC_FLOW_TERMS_MAX, SLOTS = MLC_FLOW_PARTS_MAX };

typedef struct read_run read_run;

typedef struct part_read {
    read_run *run;
    const mlc_flow_part *part;
    mlc_flow_rows *rows;
    const char *order[MLC_FLOW_KEYS_MAX + 2];
    mlc_buf lists[LISTED];
} part_read;

struct read_run {
    mlc_flow_read r;
    size_t open; /* answers still to come */
    mlc_code code;
    mlc_error err;
    part_read parts[SLOTS];
    /* the ledger */
    size_t at;
    mlc_buf list;
    cJSON *sums;
};

static void note(read_run *run, mlc_code code, const mlc_error *err)
{
    if (code == MLC_OK || run->code != MLC_OK)
        return;
    run->code = code;
    run->err = *err;
}

static void run_free(read_run *run)
{
    for (size_t i = 0; i < SLOTS; i++)
        for (size_t k = 0; k < LISTED; k++)
            mlc_buf_free(&run->parts[i].lists[k]);
    mlc_buf_free(&run->list);
    cJSON_Delete(run->sums);
    free(run);
}

static void one_is_done(read_run *run)
{
    if (--run->open > 0)
        return;
    run->r.done(run->r.user, run->code, &run->err);
    run_free(run);
}

/* ---- parts ---- */

static bool keep_row(void *user, const cJSON *row)
{
    char key[MLC_POLL_KEY_MAX];
    const part_read *const p = user;
    const mlc_flow_spec *const spec = p->run->r.spec;
    /* A key too long is kept: the index will tell of it. */
    if (mlc_flow_key(row, spec->keys, p->part->key_count, key, NULL) != MLC_OK)
        return true;
    return mlc_flow_keys_want(&p->run->r.data->keys, key, p->part->key_count);
}

static void on_rows(void *user, mlc_code code, const mlc_error *why, cJSON *rows)
{
    part_read *const p = user;
    mlc_error err;
    if (code == MLC_OK) {
        code = mlc_flow_rows_open(p->rows, rows, p->run->r.spec->keys, p->part->key_count, &err);
        why = &err;
    }
    note(p->run, code, why);
    one_is_done(p->run);
}

static mlc_code make_term(part_read *p, const mlc_flow_term *term, mlc_buf *list, mlc_ais_term *out,
                          mlc_error *err)
{
    *out = (mlc_ais_term){term->column, term->op, term->value};
    if (term->list == MLC_FLOW_NO_LIST)
        return MLC_OK;
    const char *const *values = p->run->r.settings->lists[term->list];
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && values != NULL && values[i] != NULL; i++)
        code = mlc_buf_printf(list, err, "%s%s", i > 0 ? "|" : "", values[i]);
    out->value = mlc_buf_text(list);
    return code;
}

static mlc_code start_part(part_read *p, mlc_error *err)
{
    const mlc_flow_spec *const spec = p->run->r.spec;
    const mlc_flow_part *const part = p->part;
    const mlc_flow_keys *const keys = &p->run->r.data->keys;
    size_t n = 0;
    for (; n < part->key_count; n++)
        p->order[n] = spec->keys[n];
    p->order[n] = part->order;
    mlc_row_fetch fetch = {.table = part->table,
                           .columns = part->columns,
                           .key_column = spec->keys[0],
                           .keys = keys->leads,
                           .key_count = keys->lead_count,
                           .order = p->order,
                           .keep = keep_row};
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < MLC_FLOW_TERMS_MAX && part->terms[i].column != NULL; i++)
        code = make_term(p, &part->terms[i], &p->lists[i], &fetch.terms[fetch.term_count++], err);
    return code == MLC_OK ? mlc_row_fetch_start(p->run->r.ais, &fetch, on_rows, p, err) : code;
}

/* ---- ledger ---- */

static mlc_code start_sums(read_run *run, mlc_error *err);

static void on_sums(void *user, mlc_code code, const mlc_error *why, const cJSON *sums)
{
    static const char *const columns[] = {"key"};
    read_run *const run = user;
    const mlc_flow_keys *const keys = &run->r.data->keys;
    mlc_error err = *why;
    const cJSON *sum = NULL;
    cJSON_ArrayForEach(sum, sums)
    {
        cJSON *const copy = code == MLC_OK ? cJSON_Duplicate(sum, true) : NULL;
        if (code == MLC_OK && (copy == NULL || !cJSON_AddItemToArray(run->sums, copy))) {
            cJSON_Delete(copy);
            code = mlc_fail(&err, MLC_E_NOMEM, "no memory for sums of F0911");
        }
    }
    run->at += MLC_ROW_FETCH_PORTION;
    if (code == MLC_OK && run->at < keys->lead_count) {
        code = start_sums(run, &err);
        if (code == MLC_OK)
            return;
    }
    if (code == MLC_OK) {
        cJSON *const tree = run->sums;
        run->sums = NULL;
        code = mlc_flow_rows_open(&run->r.data->ledger, tree, columns, 1, &err);
        run->r.data->with_ledger = code == MLC_OK;
    }
    note(run, code, &err);
    one_is_done(run);
}

/* AA of ledger type AA, over the customers' own object accounts. */
static mlc_code start_sums(read_run *run, mlc_error *err)
{
    const mlc_flow_keys *const keys = &run->r.data->keys;
    const mlc_flow_ledger *const ledger = &run->r.settings->ledger;
    mlc_buf_clear(&run->list);
    const mlc_code code = mlc_row_fetch_list(keys->leads, keys->lead_count, run->at, &run->list, err);
    if (code != MLC_OK)
        return code;
    const mlc_ais_term terms[] = {{"AN8", MLC_AIS_IN, mlc_buf_text(&run->list)},
                                  {"LT", MLC_AIS_EQ, "AA"},
                                  {"OBJ", MLC_AIS_GE, ledger->object_from},
                                  {"OBJ", MLC_AIS_LE, ledger->object_to},
                                  {"POST", MLC_AIS_EQ, "P"}};
    const size_t count = sizeof terms / sizeof terms[0];
    const mlc_ais_group group = {terms, ledger->posted_only ? count : count - 1};
    const mlc_ais_query query = {.table = "F0911", .groups = &group, .group_count = 1};
    return mlc_ais_sums(run->r.ais, &query, "AA", "AN8", on_sums, run, err);
}

/* ---- all ---- */

mlc_code mlc_flow_read_start(const mlc_flow_read *read, mlc_error *err)
{
    mlc_code code = MLC_OK;
    read_run *const run = calloc(1, sizeof *run);
    if (run == NULL || (run->sums = cJSON_CreateArray()) == NULL) {
        free(run);
        return mlc_fail(err, MLC_E_NOMEM, "no memory to read a page");
    }
    run->r = *read;
    mlc_error_clear(&run->err);
    const size_t parts = mlc_flow_part_count(read->spec);
    for (size_t i = 0; code == MLC_OK && i < parts; i++) {
        run->parts[i] = (part_read){.run = run, .part = &read->spec->parts[i], .rows = &read->data->parts[i]};
        code = start_part(&run->parts[i], err);
        if (code == MLC_OK)
            run->open++;
    }
    if (code == MLC_OK && read->spec->ledger && read->settings->ledger.enabled) {
        code = start_sums(run, err);
        if (code == MLC_OK)
            run->open++;
    }
    if (code == MLC_OK)
        return MLC_OK;
    if (run->open == 0) {
        run_free(run);
        return code;
    }
    note(run, code, err); /* the others are under way: told when they are in */
    return MLC_OK;
}
