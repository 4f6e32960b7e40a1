/* flow_record.c - see flow_record.h. */
#include "agent/flow/flow_record.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const cJSON *row, const char *column)
{
    const char *const text = mlc_json_member_text(row, column);
    return text != NULL ? text : "";
}

mlc_code mlc_flow_row_stamp(const mlc_ais *ais, const cJSON *row, const char *date_column,
                            const char *time_column, mlc_jde_stamp *out, mlc_error *err)
{
    const char *const time = time_column != NULL ? text_of(row, time_column) : "";
    out->hms = 0;
    mlc_code code = mlc_ais_row_date(ais, row, date_column, &out->julian, err);
    if (code != MLC_OK)
        return mlc_wrap(err, MLC_E_INVALID, "%s is not a date", date_column);
    if (*time == '\0')
        return MLC_OK;
    code = mlc_jde_time_parse(time, &out->hms, err);
    return code == MLC_OK ? code : mlc_wrap(err, MLC_E_INVALID, "%s is not a time", time_column);
}

/* ---- cells ---- */

static mlc_code add_date(const mlc_ais *ais, cJSON *out, const cJSON *row, const char *column, mlc_error *err)
{
    int32_t julian = 0;
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    char text[32] = "";
    mlc_code code = mlc_ais_row_date(ais, row, column, &julian, err);
    if (code == MLC_OK && julian > 0)
        code = mlc_julian_to_civil(julian, &year, &month, &day, err);
    if (code != MLC_OK)
        return mlc_wrap(err, MLC_E_INVALID, "%s \"%.40s\" is not a date", column, text_of(row, column));
    if (julian > 0)
        (void)snprintf(text, sizeof text, "%04d-%02u-%02u", year, month, day);
    return mlc_json_add_str(out, column, text, err);
}

/* The row as texts. *out is the caller's, also on failure (then as far as it came). */
static mlc_code plain_row(const mlc_flow_record_maker *m, const mlc_flow_part *part, const cJSON *row,
                          cJSON **out, mlc_error *err)
{
    *out = cJSON_CreateObject();
    mlc_code code =
        *out != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for a row of %s", part->table);
    for (size_t i = 0; code == MLC_OK && part->columns[i] != NULL; i++) {
        const char *const column = part->columns[i];
        code = mlc_flow_is_date(column) ? add_date(m->ais, *out, row, column, err)
                                        : mlc_json_add_str(*out, column, text_of(row, column), err);
    }
    return code;
}

/* ---- which rows ---- */

/* Of rows with effective dates the one in effect today that began last; rows without an end are in effect for ever. */
static mlc_code row_in_effect(const mlc_flow_record_maker *m, const mlc_flow_part *part,
                              const mlc_flow_row *rows, size_t count, const cJSON **out, mlc_error *err)
{
    int32_t best = -1;
    *out = NULL;
    for (size_t i = 0; i < count; i++) {
        int32_t from = 0;
        int32_t to = 0;
        mlc_code code = mlc_ais_row_date(m->ais, rows[i].row, part->from, &from, err);
        if (code == MLC_OK && part->to != NULL)
            code = mlc_ais_row_date(m->ais, rows[i].row, part->to, &to, err);
        if (code != MLC_OK)
            return mlc_wrap(err, MLC_E_INVALID, "%s or %s is not a date", part->from,
                            part->to != NULL ? part->to : part->from);
        if (from > m->today || (to > 0 && to < m->today) || from < best)
            continue;
        best = from;
        *out = rows[i].row;
    }
    return MLC_OK;
}

/* The rows of a part that belong to the key; of an object at most one. */
static mlc_code pick(const mlc_flow_record_maker *m, size_t at, const char *key, const mlc_flow_row **rows,
                     size_t *count, mlc_flow_row *one, mlc_error *err)
{
    const mlc_flow_part *const part = &m->spec->parts[at];
    char own[MLC_POLL_KEY_MAX];
    (void)snprintf(own, sizeof own, "%s", key);
    if (part->key_count == 1)
        own[strcspn(own, (const char[]){MLC_POLL_KEY_SEPARATOR, '\0'})] = '\0';
    *rows = mlc_flow_rows_find(&m->data->parts[at], own, count);
    if (part->list || *count == 0)
        return MLC_OK;
    *one = (*rows)[0];
    if (part->from != NULL) {
        const mlc_code code = row_in_effect(m, part, *rows, *count, &one->row, err);
        if (code != MLC_OK)
            return code;
    }
    *rows = one;
    *count = one->row != NULL ? 1 : 0;
    return MLC_OK;
}

/* ---- the record ---- */

static mlc_code add_part(const mlc_flow_record_maker *m, size_t at, const char *key, mlc_flow_record *out,
                         mlc_error *err)
{
    const mlc_flow_part *const part = &m->spec->parts[at];
    const mlc_flow_row *rows = NULL;
    mlc_flow_row one;
    size_t count = 0;
    mlc_code code = pick(m, at, key, &rows, &count, &one, err);
    if (code != MLC_OK)
        return code;
    if (!part->list && (!mlc_flow_selects(m->spec, m->settings, at, count > 0 ? rows[0].row : NULL) ||
                        (at == 0 && count == 0)))
        out->gone = true;
    if (count == 0)
        return MLC_OK;
    cJSON *const list = part->list ? cJSON_AddArrayToObject(out->rows, part->table) : NULL;
    for (size_t i = 0; code == MLC_OK && i < count; i++) {
        mlc_jde_stamp stamp = {0};
        cJSON *plain = NULL;
        code = plain_row(m, part, rows[i].row, &plain, err);
        if (!(part->list ? cJSON_AddItemToArray(list, plain)
                         : cJSON_AddItemToObject(out->rows, part->table, plain))) {
            cJSON_Delete(plain);
            return mlc_fail(err, MLC_E_NOMEM, "no memory for rows of %s", part->table);
        }
        if (code == MLC_OK)
            code = mlc_flow_row_stamp(m->ais, rows[i].row, part->date_column, part->time_column, &stamp, err);
        if (code == MLC_OK && mlc_jde_stamp_cmp(stamp, out->stamp) > 0)
            out->stamp = stamp;
    }
    return code;
}

static mlc_code add_ledger(const mlc_flow_record_maker *m, const char *key, cJSON *rows, mlc_error *err)
{
    char text[MLC_DECIMAL_TEXT_MAX] = "0";
    mlc_decimal sum;
    size_t count = 0;
    const mlc_flow_row *const found = mlc_flow_rows_find(&m->data->ledger, key, &count);
    if (count > 0) {
        const mlc_code code = mlc_json_decimal(found->row, "sum", &sum, err);
        if (code != MLC_OK)
            return mlc_wrap(err, MLC_E_INVALID, "F0911: the sum of AA (amount) is not a number");
        (void)mlc_decimal_text(mlc_decimal_normalize(sum), text);
    }
    cJSON *const ledger = cJSON_AddObjectToObject(rows, "ledger");
    return mlc_json_add_str(ledger, "openBalance", text, err);
}

mlc_code mlc_flow_record_make(const mlc_flow_record_maker *maker, const char *key, mlc_flow_record *out,
                              mlc_error *err)
{
    memset(out, 0, sizeof *out);
    mlc_flow_id(key, out->id);
    const char *const table = maker->spec->source != NULL ? maker->spec->source : maker->spec->parts[0].table;
    (void)snprintf(out->source, sizeof out->source, "JDE/%s/%s", table, out->id);
    out->rows = cJSON_CreateObject();
    if (out->rows == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a %s", maker->spec->kind);
    const size_t parts = mlc_flow_part_count(maker->spec);
    for (size_t i = 0; i < parts; i++) {
        const mlc_code code = add_part(maker, i, key, out, err);
        if (code == MLC_E_INVALID)
            return mlc_wrap(err, code, "%s of %s %s cannot be used", maker->spec->parts[i].table,
                            maker->spec->kind, out->id);
        if (code != MLC_OK)
            return code;
        if (i == 0 && out->gone) /* nothing else counts; what there is of the row tells which record it was */
            return MLC_OK;
    }
    return maker->data->with_ledger ? add_ledger(maker, key, out->rows, err) : MLC_OK;
}

void mlc_flow_record_clear(mlc_flow_record *record)
{
    cJSON_Delete(record->rows);
    record->rows = NULL;
}
