/* ais_page.c - the JSON of the data service, both ways (contracts/ais.md, section Reading tables). Pure. */
#include "agent/ais_private.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_SIZE = 500 };

/* ---- answers ---- */

static bool add_words(char *out, size_t size, const char *words)
{
    const size_t used = strlen(out);
    if (words == NULL || *words == '\0')
        return used > 0;
    (void)snprintf(out + used, size - used, "%s%.200s", used > 0 ? "; " : "", words);
    return true;
}

static bool add_list(char *out, size_t size, const cJSON *list)
{
    const cJSON *item = NULL;
    bool any = false;
    cJSON_ArrayForEach(item, list)
    {
        const char *const title = mlc_json_str(item, "TITLE");
        const char *const desc = mlc_json_str(item, "DESC");
        any = true;
        (void)add_words(out, size, cJSON_IsString(item) ? item->valuestring : title);
        if (desc != NULL && (title == NULL || strcmp(title, desc) != 0))
            (void)add_words(out, size, desc);
    }
    if (any && out[0] == '\0')
        (void)add_words(out, size, "an error without a text");
    return any;
}

bool ais_errors_text(const cJSON *answer, char *out, size_t size)
{
    const cJSON *child = NULL;
    bool any = false;
    out[0] = '\0';
    any = add_list(out, size, mlc_json_get(answer, "sysErrors"));
    any = add_list(out, size, mlc_json_get(answer, "errors")) || any;
    cJSON_ArrayForEach(child, answer)
    {
        if (child->string != NULL && strncmp(child->string, "fs_", 3) == 0)
            any = add_list(out, size, mlc_json_get(child, "errors")) || any;
    }
    if (any)
        return true;
    const char *const status = mlc_json_str(answer, "jde__status");
    if (status != NULL && strcmp(status, "ERROR") == 0)
        return add_words(out, size, mlc_json_str(answer, "jde__simpleMessage")) ||
               add_words(out, size, "the orchestration reports ERROR");
    return false;
}

/* "F0101_AN8", "F0101.AN8" or "AN8" -> "AN8". */
static bool plain_name(cJSON *cell, const char *table)
{
    const size_t len = strlen(table);
    if (cell->string == NULL || strncmp(cell->string, table, len) != 0 ||
        (cell->string[len] != '_' && cell->string[len] != '.'))
        return true;
    char *const name = mlc_strdup(cell->string + len + 1);
    if (name == NULL)
        return false;
    cJSON_free(cell->string);
    cell->string = name;
    return true;
}

/* JDE pads texts with blanks on the right; on the left they mean something, but for business units. */
static void trim_right(cJSON *cell)
{
    if (!cJSON_IsString(cell))
        return;
    size_t len = strlen(cell->valuestring);
    while (len > 0 && cell->valuestring[len - 1] == ' ')
        len--;
    cell->valuestring[len] = '\0';
}

static mlc_code plain_rows(cJSON *rows, const char *table, size_t *count, mlc_error *err)
{
    cJSON *row = NULL;
    *count = 0;
    cJSON_ArrayForEach(row, rows)
    {
        if (!cJSON_IsObject(row))
            return mlc_fail(err, MLC_E_PROTOCOL, "%s: a row of the answer is not an object", table);
        for (cJSON *cell = row->child; cell != NULL; cell = cell->next) {
            if (!plain_name(cell, table))
                return mlc_fail(err, MLC_E_NOMEM, "no memory for rows of %s", table);
            trim_right(cell);
        }
        (*count)++;
    }
    return MLC_OK;
}

static const char *next_link(const cJSON *answer)
{
    const cJSON *link = NULL;
    cJSON_ArrayForEach(link, mlc_json_get(answer, "links"))
    {
        const char *const rel = mlc_json_str(link, "rel");
        if (rel != NULL && strcmp(rel, "next") == 0)
            return mlc_json_str(link, "href");
    }
    return NULL;
}

mlc_code ais_page_read(cJSON *answer, const char *table, ais_rows *out, mlc_error *err)
{
    char name[96];
    char words[MLC_ERROR_MESSAGE_MAX / 2];
    memset(out, 0, sizeof *out);
    (void)snprintf(name, sizeof name, "fs_DATABROWSE_%.60s", table);
    if (ais_errors_text(answer, words, sizeof words))
        return mlc_fail(err, strstr(words, "JAS_MSG347") != NULL ? MLC_E_CONFLICT : MLC_E_REJECTED,
                        "%s: AIS reports: %s", table, words);
    cJSON *const grid = (cJSON *)mlc_json_get(mlc_json_get(mlc_json_get(answer, name), "data"), "gridData");
    cJSON *const rows = (cJSON *)mlc_json_get(grid, "rowset");
    const cJSON *const more = mlc_json_get(mlc_json_get(grid, "summary"), "moreRecords");
    if (!cJSON_IsArray(rows) || more == NULL)
        return mlc_fail(err, MLC_E_PROTOCOL,
                        "%s: the answer has no %s.data.gridData with rowset and summary.moreRecords", table,
                        name);
    const mlc_code code = plain_rows(rows, table, &out->count, err);
    out->rows = rows;
    out->more = mlc_json_bool(mlc_json_get(grid, "summary"), "moreRecords", false);
    out->next = next_link(answer);
    return code;
}

/* ---- requests ---- */

static const char *operator_name(mlc_ais_op op)
{
    static const char *const names[] = {"EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL", "LIST"};
    return names[op];
}

static cJSON *add_item(cJSON *list)
{
    cJSON *const item = cJSON_CreateObject();
    if (item != NULL && !cJSON_AddItemToArray(list, item)) {
        cJSON_Delete(item);
        return NULL;
    }
    return item;
}

static mlc_code add_value(cJSON *values, const char *text, size_t len, mlc_error *err)
{
    char *const copy = mlc_strndup(text, len);
    cJSON *const value = copy != NULL ? add_item(values) : NULL;
    mlc_code code = value != NULL ? mlc_json_add_str(value, "content", copy, err)
                                  : mlc_fail(err, MLC_E_NOMEM, "no memory for a query");
    free(copy);
    return code == MLC_OK ? mlc_json_add_str(value, "specialValueId", "LITERAL", err) : code;
}

static mlc_code add_term(cJSON *conditions, const char *table, const mlc_ais_term *term, mlc_error *err)
{
    char control[96];
    cJSON *const condition = add_item(conditions);
    cJSON *const values = condition != NULL ? cJSON_AddArrayToObject(condition, "value") : NULL;
    if (values == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a query");
    (void)snprintf(control, sizeof control, "%.40s.%.40s", table, term->column);
    mlc_code code = mlc_json_add_str(condition, "controlId", control, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(condition, "operator", operator_name(term->op), err);
    const char *text = term->value;
    while (code == MLC_OK) {
        const size_t len = term->op == MLC_AIS_IN ? strcspn(text, "|") : strlen(text);
        code = add_value(values, text, len, err);
        if (text[len] == '\0')
            break;
        text += len + 1;
    }
    return code;
}

static mlc_code add_conditions(cJSON *query, const char *table, const mlc_ais_group *group, mlc_error *err)
{
    cJSON *const conditions = cJSON_AddArrayToObject(query, "condition");
    mlc_code code = conditions != NULL ? mlc_json_add_str(query, "matchType", "MATCH_ALL", err)
                                       : mlc_fail(err, MLC_E_NOMEM, "no memory for a query");
    for (size_t i = 0; code == MLC_OK && i < group->count; i++)
        code = add_term(conditions, table, &group->terms[i], err);
    return code;
}

static mlc_code add_query(cJSON *request, const mlc_ais_query *q, mlc_error *err)
{
    cJSON *const query = cJSON_AddObjectToObject(request, "query");
    mlc_code code = query != NULL ? mlc_json_add_bool(query, "autoFind", true, err)
                                  : mlc_fail(err, MLC_E_NOMEM, "no memory for a query");
    if (code != MLC_OK || q->group_count == 0)
        return code;
    if (q->group_count == 1)
        return add_conditions(query, q->table, &q->groups[0], err);
    cJSON *const groups = cJSON_AddArrayToObject(query, "complexQuery");
    for (size_t i = 0; code == MLC_OK && i < q->group_count; i++) {
        cJSON *const group = groups != NULL ? add_item(groups) : NULL;
        cJSON *const inner = group != NULL ? cJSON_AddObjectToObject(group, "query") : NULL;
        code = inner != NULL ? mlc_json_add_str(group, "andOr", "OR", err)
                             : mlc_fail(err, MLC_E_NOMEM, "no memory for a query");
        if (code == MLC_OK)
            code = add_conditions(inner, q->table, &q->groups[i], err);
    }
    return code;
}

static mlc_code add_order(cJSON *request, const mlc_ais_query *q, mlc_error *err)
{
    char column[96];
    mlc_code code = MLC_OK;
    if (q->order_by == NULL || q->order_by[0] == NULL)
        return MLC_OK;
    cJSON *const aggregation = cJSON_AddObjectToObject(request, "aggregation");
    cJSON *const list = aggregation != NULL ? cJSON_AddArrayToObject(aggregation, "orderBy") : NULL;
    for (size_t i = 0; code == MLC_OK && q->order_by[i] != NULL; i++) {
        cJSON *const item = list != NULL ? add_item(list) : NULL;
        (void)snprintf(column, sizeof column, "%.40s.%.40s", q->table, q->order_by[i]);
        code = item != NULL ? mlc_json_add_str(item, "column", column, err)
                            : mlc_fail(err, MLC_E_NOMEM, "no memory for a query");
        if (code == MLC_OK)
            code = mlc_json_add_str(item, "direction", "ASC", err);
    }
    return code;
}

static mlc_code add_columns(cJSON *request, const mlc_ais_query *q, mlc_error *err)
{
    mlc_buf list = {0};
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && q->columns != NULL && q->columns[i] != NULL; i++)
        code = mlc_buf_printf(&list, err, "%s%s.%s", i > 0 ? "|" : "", q->table, q->columns[i]);
    if (code == MLC_OK && list.len > 0)
        code = mlc_json_add_str(request, "returnControlIDs", mlc_buf_text(&list), err);
    mlc_buf_free(&list);
    return code;
}

/* What every request has. */
static mlc_code open_request(const mlc_ais_query *q, const char *service, cJSON **out, mlc_error *err)
{
    cJSON *const request = cJSON_CreateObject();
    const struct {
        const char *name, *value;
    } texts[] = {{"targetName", q->table},
                 {"targetType", "table"},
                 {"dataServiceType", service},
                 {"findOnEntry", "TRUE"},
                 {"outputType", "GRID_DATA"}};
    mlc_code code = request != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for a query");
    for (size_t i = 0; code == MLC_OK && i < sizeof texts / sizeof texts[0]; i++)
        code = mlc_json_add_str(request, texts[i].name, texts[i].value, err);
    *out = request;
    return code;
}

static mlc_code close_request(cJSON *request, mlc_code code, char **out, mlc_error *err)
{
    if (code == MLC_OK && (*out = mlc_json_print(request)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a query");
    cJSON_Delete(request);
    return code;
}

mlc_code ais_query_print(const mlc_ais_query *q, char **out, mlc_error *err)
{
    char size[16];
    cJSON *request = NULL;
    (void)snprintf(size, sizeof size, "%u", q->page_size > 0 ? q->page_size : PAGE_SIZE);
    mlc_code code = open_request(q, "BROWSE", &request, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(request, "maxPageSize", size, err);
    if (code == MLC_OK)
        code = mlc_json_add_bool(request, "enableNextPageProcessing", true, err);
    if (code == MLC_OK)
        code = add_columns(request, q, err);
    if (code == MLC_OK)
        code = add_query(request, q, err);
    if (code == MLC_OK)
        code = add_order(request, q, err);
    return close_request(request, code, out, err);
}

static mlc_code add_aggregation(cJSON *request, const char *table, const char *sum, const char *group_by,
                                mlc_error *err)
{
    char column[96];
    cJSON *const aggregation = cJSON_AddObjectToObject(request, "aggregation");
    cJSON *const sums = cJSON_AddArrayToObject(aggregation, "aggregations");
    cJSON *const groups = cJSON_AddArrayToObject(aggregation, "groupBy");
    cJSON *const what = sums != NULL ? add_item(sums) : NULL;
    cJSON *const by = groups != NULL ? add_item(groups) : NULL;
    if (what == NULL || by == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a query");
    (void)snprintf(column, sizeof column, "%.40s.%.40s", table, sum);
    mlc_code code = mlc_json_add_str(what, "aggregation", "SUM", err);
    if (code == MLC_OK)
        code = mlc_json_add_str(what, "column", column, err);
    (void)snprintf(column, sizeof column, "%.40s.%.40s", table, group_by);
    return code == MLC_OK ? mlc_json_add_str(by, "column", column, err) : code;
}

mlc_code ais_total_print(const mlc_ais_query *q, const char *sum, const char *group_by, char **out,
                         mlc_error *err)
{
    cJSON *request = NULL;
    mlc_code code = open_request(q, sum != NULL ? "AGGREGATION" : "COUNT", &request, err);
    if (code == MLC_OK)
        code = add_query(request, q, err);
    if (code == MLC_OK && sum != NULL)
        code = add_aggregation(request, q->table, sum, group_by, err);
    return close_request(request, code, out, err);
}
