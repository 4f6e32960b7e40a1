/* master.c - see master.h. */
#include "record/master.h"

#include "crypto/crypto.h"
#include "record/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_MAX = 100, SOURCE_MAX = 120, VERSION_MAX = 64, KIND_SHOWN = 24 };

static const char *const kinds[] = {"customer", "supplier", "contact", "item", "price"};
/* Who touched a row, and when: not part of its content. */
static const char *const audit_columns[] = {"USER", "PID", "JOBN", "UPMJ", "UPMT", "TDAY"};

bool mlc_master_is_kind(const char *kind)
{
    for (size_t i = 0; kind != NULL && i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

/* ---- checks ---- */

static void check_row(mlc_faults *faults, const char *table, const cJSON *row)
{
    char name[MLC_SHOWN_MAX + 16];
    char shown[MLC_SHOWN_MAX];
    const cJSON *cell = NULL;
    if (!cJSON_IsObject(row)) {
        mlc_fault(faults, table, "a row must be an object of columns");
        return;
    }
    cJSON_ArrayForEach(cell, row)
    {
        if (cJSON_IsString(cell))
            continue;
        (void)snprintf(name, sizeof name, "%.12s.%s", table, mlc_shown(shown, cell->string));
        mlc_fault(faults, name, "must be a text in quotes");
    }
}

static void check_rows(mlc_faults *faults, const cJSON *rows)
{
    char shown[MLC_SHOWN_MAX];
    const cJSON *table = NULL;
    const cJSON *row = NULL;
    if (!cJSON_IsObject(rows)) {
        mlc_fault(faults, "rows", "must be an object by table name");
        return;
    }
    cJSON_ArrayForEach(table, rows)
    {
        (void)mlc_shown(shown, table->string);
        if (!cJSON_IsArray(table)) {
            check_row(faults, shown, table);
            continue;
        }
        cJSON_ArrayForEach(row, table) check_row(faults, shown, row);
    }
}

static void check(const mlc_master *m, mlc_faults *faults)
{
    if (!mlc_master_is_kind(m->kind))
        mlc_fault(faults, "kind", "must be one of customer, supplier, contact, item, price");
    if (mlc_check_needed(faults, "id", m->id))
        mlc_check_len(faults, "id", m->id, ID_MAX);
    if (mlc_check_needed(faults, "source", m->source))
        mlc_check_len(faults, "source", m->source, SOURCE_MAX);
    if (mlc_check_needed(faults, "version", m->version)) {
        mlc_check_len(faults, "version", m->version, VERSION_MAX);
        if (m->version[strspn(m->version, "0123456789.")] != '\0')
            mlc_fault(faults, "version", "has characters other than digits and points");
    }
    check_rows(faults, m->rows);
}

static mlc_code result(const mlc_master *m, const mlc_faults *faults, mlc_error *err)
{
    char name[KIND_SHOWN + MLC_SHOWN_MAX];
    char shown[MLC_SHOWN_MAX];
    (void)snprintf(name, sizeof name, "%s %s", mlc_master_is_kind(m->kind) ? m->kind : "master record",
                   mlc_shown(shown, m->id != NULL ? m->id : "without id"));
    return mlc_faults_result(faults, name, err);
}

/* ---- text ---- */

mlc_code mlc_master_print(const mlc_master *master, mlc_buf *out, mlc_error *err)
{
    mlc_faults faults = {0};
    check(master, &faults);
    mlc_code code = result(master, &faults, err);
    if (code != MLC_OK)
        return code;
    cJSON *const tree = cJSON_CreateObject();
    if (tree == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a %s", master->kind);
    code = mlc_json_add_str(tree, "kind", master->kind, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(tree, "id", master->id, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(tree, "source", master->source, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(tree, "version", master->version, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(tree, "gone", master->gone, err);
    /* Only printed: the node of the reference dies with the tree, the rows stay. */
    if (code == MLC_OK && !cJSON_AddItemReferenceToObject(tree, "rows", (cJSON *)master->rows))
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a %s", master->kind);
    return mlc_record_close(tree, code, out, err);
}

static mlc_code take(mlc_master *m, mlc_error *err)
{
    mlc_faults faults = {0};
    const cJSON *const gone = mlc_json_get(m->tree, "gone");
    m->kind = mlc_field_str(&faults, m->tree, "kind");
    m->id = mlc_field_str(&faults, m->tree, "id");
    m->source = mlc_field_str(&faults, m->tree, "source");
    m->version = mlc_field_str(&faults, m->tree, "version");
    m->rows = mlc_json_get(m->tree, "rows");
    m->gone = cJSON_IsTrue(gone);
    if (gone != NULL && !cJSON_IsBool(gone))
        mlc_fault(&faults, "gone", "must be true or false");
    /* A member of the wrong type reads as absent: to call it missing as well would mislead. */
    if (faults.count == 0)
        check(m, &faults);
    return result(m, &faults, err);
}

mlc_code mlc_master_parse(const char *text, size_t len, mlc_master *out, mlc_error *err)
{
    *out = (mlc_master){0};
    mlc_code code = mlc_json_parse(text, len, MLC_MASTER_MAX, MLC_RECORD_DEPTH_MAX, &out->tree, err);
    if (code != MLC_OK)
        return code == MLC_E_NOMEM ? code
                                   : mlc_wrap(err, MLC_E_INVALID, "the master record is not readable JSON");
    code = cJSON_IsObject(out->tree) ? take(out, err)
                                     : mlc_fail(err, MLC_E_INVALID, "the master record is not an object");
    if (code != MLC_OK)
        mlc_master_free(out);
    return code;
}

void mlc_master_free(mlc_master *master)
{
    cJSON_Delete(master->tree);
    *master = (mlc_master){0};
}

/* ---- fingerprint ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const cJSON *const *)a)->string, (*(const cJSON *const *)b)->string);
}

/* The members of an object in order of name, so that their order in JSON does not matter. *out is freed by the caller. */
static mlc_code members(const cJSON *object, const cJSON ***out, size_t *count, mlc_error *err)
{
    const cJSON *member = NULL;
    size_t n = 0;
    *count = 0;
    cJSON_ArrayForEach(member, object) n++;
    *out = calloc(n + 1, sizeof **out);
    if (*out == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a fingerprint");
    cJSON_ArrayForEach(member, object)(*out)[(*count)++] = member;
    qsort(*out, n, sizeof **out, by_name);
    return MLC_OK;
}

/* With its length before it, so that no two contents run into the same bytes. */
static mlc_code put_text(mlc_buf *out, const char *text, mlc_error *err)
{
    return mlc_buf_printf(out, err, "%zu:%s", strlen(text), text);
}

static bool is_audit(const char *column)
{
    for (size_t i = 0; i < sizeof audit_columns / sizeof audit_columns[0]; i++)
        if (strcmp(column, audit_columns[i]) == 0)
            return true;
    return false;
}

static mlc_code put_row(mlc_buf *out, const cJSON *row, mlc_error *err)
{
    const cJSON **cells = NULL;
    size_t count = 0;
    mlc_code code = members(row, &cells, &count, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(out, "{", err);
    for (size_t i = 0; code == MLC_OK && i < count; i++) {
        if (is_audit(cells[i]->string))
            continue;
        code = put_text(out, cells[i]->string, err);
        if (code == MLC_OK)
            code = put_text(out, cJSON_IsString(cells[i]) ? cells[i]->valuestring : "", err);
    }
    free(cells);
    return code == MLC_OK ? mlc_buf_puts(out, "}", err) : code;
}

static mlc_code put_rows(mlc_buf *out, const cJSON *rows, mlc_error *err)
{
    const cJSON **tables = NULL;
    size_t count = 0;
    mlc_code code = members(rows, &tables, &count, err);
    for (size_t i = 0; code == MLC_OK && i < count; i++) {
        const cJSON *row = NULL;
        code = put_text(out, tables[i]->string, err);
        if (code == MLC_OK && !cJSON_IsArray(tables[i])) {
            code = put_row(out, tables[i], err);
            continue;
        }
        if (code == MLC_OK)
            code = mlc_buf_puts(out, "[", err);
        for (row = tables[i]->child; code == MLC_OK && row != NULL; row = row->next)
            code = put_row(out, row, err);
        if (code == MLC_OK)
            code = mlc_buf_puts(out, "]", err);
    }
    free(tables);
    return code;
}

mlc_code mlc_master_fingerprint(const mlc_master *master, uint8_t out[MLC_MASTER_FINGERPRINT_LEN],
                                mlc_error *err)
{
    mlc_buf text = {0};
    uint8_t hash[MLC_SHA256_LEN];
    mlc_code code = put_text(&text, master->kind, err);
    if (code == MLC_OK)
        code = put_text(&text, master->id, err);
    if (code == MLC_OK)
        code = put_text(&text, master->source, err);
    if (code == MLC_OK)
        code = master->gone ? mlc_buf_puts(&text, "gone", err) : put_rows(&text, master->rows, err);
    if (code == MLC_OK)
        code = mlc_sha256(text.data, text.len, hash, err);
    if (code == MLC_OK)
        memcpy(out, hash, MLC_MASTER_FINGERPRINT_LEN);
    mlc_buf_free(&text);
    return code;
}
