/* flow_read.c - see flow_read.h. */
#include "agent/flow/flow_read.h"

#include "agent/ais_totals.h"
#include "agent/row_fetch.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)MLC_ROW_FETCH_SEPARATOR == (int)MLC_POLL_KEY_SEPARATOR, "keys are handed on as they are");
_Static_assert((int)MLC_ROW_FETCH_COLUMNS_MAX >= (int)MLC_FLOW_KEYS_MAX, "all keys fit");

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
    /* of the records that the leading rows let through; pointers into the keys */
    const char **leads;
    size_t lead_count;
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
    free(run->leads);
    mlc_buf_free(&run->list);
    cJSON_Delete(run->sums);
    free(run);
}

static void start_others(read_run *run);

static void one_is_done(read_run *run)
{
    if (--run->open > 0)
        return;
    if (run->leads == NULL && run->code == MLC_OK) { /* that was the leading part */
        start_others(run);
        if (run->open > 0)
            return;
    }
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
                           .keys = p->run->leads != NULL ? p->run->leads : keys->leads,
                           .key_count = p->run->leads != NULL ? p->run->lead_count : keys->lead_count,
                           .order = p->order,
                           .keep = keep_row};
    mlc_code code = MLC_OK;
    if (part->exact && !keys->expand) {
        fetch.keys = keys->wanted;
        fetch.key_count = keys->wanted_count;
        fetch.exact_columns = spec->keys;
        fetch.exact_count = part->key_count;
    }
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
    if (code == MLC_OK && run->at < run->lead_count) {
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
    const mlc_flow_ledger *const ledger = &run->r.settings->ledger;
    mlc_buf_clear(&run->list);
    const mlc_code code = mlc_row_fetch_list(run->leads, run->lead_count, run->at, &run->list, err);
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

/* ---- selection ---- */

static bool is_listed(const char *const *list, const char *text)
{
    for (; list != NULL && *list != NULL; list++)
        if (strcmp(*list, text) == 0)
            return true;
    return false;
}

bool mlc_flow_selects(const mlc_flow_spec *spec, const mlc_flow_settings *settings, size_t part,
                      const cJSON *row)
{
    for (size_t i = 0; i < MLC_FLOW_RULES_MAX && spec->rules[i].column != NULL; i++) {
        const mlc_flow_rule *const rule = &spec->rules[i];
        if (rule->part != part)
            continue;
        const char *const text = row != NULL ? mlc_json_member_text(row, rule->column) : NULL;
        const bool listed = row != NULL && is_listed(settings->lists[rule->list], text != NULL ? text : "");
        if (listed == rule->not_in)
            return false;
    }
    return true;
}

/* The leads of which a leading row is selected: the others need no further rows. */
static mlc_code choose_leads(read_run *run, mlc_error *err)
{
    const mlc_flow_keys *const keys = &run->r.data->keys;
    const mlc_flow_rows *const rows = &run->r.data->parts[0];
    size_t at = 0;
    run->leads = calloc(keys->lead_count + 1, sizeof *run->leads);
    if (run->leads == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a page of %zu keys", keys->lead_count);
    /* Both are in order of key. */
    for (size_t i = 0; i < keys->lead_count; i++) {
        bool taken = false;
        while (at < rows->count && mlc_flow_lead_cmp(rows->at[at].key, keys->leads[i]) < 0)
            at++;
        for (; at < rows->count && mlc_flow_lead_cmp(rows->at[at].key, keys->leads[i]) == 0; at++)
            taken = taken || mlc_flow_selects(run->r.spec, run->r.settings, 0, rows->at[at].row);
        if (taken)
            run->leads[run->lead_count++] = keys->leads[i];
    }
    return MLC_OK;
}

/* ---- all ---- */

static mlc_code open_part(read_run *run, size_t at, mlc_error *err)
{
    part_read *const p = &run->parts[at];
    *p = (part_read){.run = run, .part = &run->r.spec->parts[at], .rows = &run->r.data->parts[at]};
    const mlc_code code = start_part(p, err);
    run->open += code == MLC_OK ? 1 : 0;
    return code;
}

static void start_others(read_run *run)
{
    mlc_error err;
    const size_t parts = mlc_flow_part_count(run->r.spec);
    mlc_code code = choose_leads(run, &err);
    if (code == MLC_OK && run->lead_count == 0)
        return;
    for (size_t i = 1; code == MLC_OK && i < parts; i++)
        code = open_part(run, i, &err);
    if (code == MLC_OK && run->r.spec->ledger && run->r.settings->ledger.enabled) {
        code = start_sums(run, &err);
        run->open += code == MLC_OK ? 1 : 0;
    }
    note(run, code, &err); /* what is under way already is waited for */
}

mlc_code mlc_flow_read_start(const mlc_flow_read *read, mlc_error *err)
{
    read_run *const run = calloc(1, sizeof *run);
    if (run == NULL || (run->sums = cJSON_CreateArray()) == NULL) {
        free(run);
        return mlc_fail(err, MLC_E_NOMEM, "no memory to read a page");
    }
    run->r = *read;
    mlc_error_clear(&run->err);
    const mlc_code code = open_part(run, 0, err);
    if (code != MLC_OK)
        run_free(run);
    return code;
}
