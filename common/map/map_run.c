/* map_run.c - maps one record: the fields one by one, and what is written for each. */
#include "map/map_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BIND_MAX = 640, KEY_VALUE_MAX = 200 };

const char *mlc_map_expand(char *out, size_t size, const char *name, const char *prefix)
{
    static const char mark[] = "{prefix}";
    const char *const at = strstr(name, mark);
    if (at == NULL)
        (void)snprintf(out, size, "%s", name);
    else
        (void)snprintf(out, size, "%.*s%s%s", (int)(at - name), name, prefix != NULL ? prefix : "ml_",
                       at + sizeof mark - 1);
    return out;
}

/* ---- writing ---- */

static void put(map_run *r, cJSON *out, const char *name, cJSON *node)
{
    if (node == NULL)
        r->broken = mlc_fail(r->err, MLC_E_NOMEM, "no memory for a mapped record");
    else if (r->broken == MLC_OK)
        r->broken = mlc_json_add(out, name, node, r->err);
    else
        cJSON_Delete(node);
}

static void want(map_run *r, const char *set, const char *key, const char *value)
{
    mlc_map_result *const result = r->result;
    for (size_t i = 0; i < result->waiting_count; i++)
        if (strcmp(result->waiting[i].set, set) == 0 && strcmp(result->waiting[i].key, key) == 0 &&
            strcmp(result->waiting[i].value, value) == 0)
            return;
    mlc_map_wanted *const rows = realloc(result->waiting, (result->waiting_count + 1) * sizeof *rows);
    if (rows == NULL) {
        r->broken = mlc_fail(r->err, MLC_E_NOMEM, "no memory for a mapped record");
        return;
    }
    result->waiting = rows;
    mlc_map_wanted *const row = &rows[result->waiting_count++];
    *row = (mlc_map_wanted){mlc_strdup(set), mlc_strdup(key), mlc_strdup(value)};
    if (row->set == NULL || row->key == NULL || row->value == NULL)
        r->broken = mlc_fail(r->err, MLC_E_NOMEM, "no memory for a mapped record");
}

/* "/accounts(accountnumber='6001')": a quote in the value is doubled (contracts/dataverse.md, section Web API). */
static bool bind_by_key(char out[BIND_MAX], const char *set, const char *key, const char *value)
{
    char quoted[2 * KEY_VALUE_MAX + 1];
    size_t n = 0;
    for (const char *p = value; *p != '\0'; p++) {
        if (n + 2 >= sizeof quoted)
            return false;
        quoted[n++] = *p;
        if (*p == '\'')
            quoted[n++] = '\'';
    }
    quoted[n] = '\0';
    return snprintf(out, BIND_MAX, "/%s(%s='%s')", set, key, quoted) < BIND_MAX;
}

static void missing_row(map_run *r, const map_field *field, cJSON *out, const char *name, const char *set,
                        const char *key)
{
    char shown[64];
    char reason[MLC_CFG_REASON_MAX];
    if (field->not_found == MAP_M_NULL)
        put(r, out, name, cJSON_CreateNull());
    if (field->not_found != MAP_M_FAULT)
        return;
    mlc_strlcpy(shown, map_run_text(r), sizeof shown);
    (void)snprintf(reason, sizeof reason,
                   "there is no row of %.60s with %.60s \"%s\"; create it there or correct the value", set,
                   key, shown);
    (void)map_run_fail(r, field, reason);
}

static void write_lookup(map_run *r, const map_field *field, cJSON *out, bool null)
{
    char name[MAP_COLUMN_MAX + 16];
    char set[MLC_MAP_NAME_MAX];
    char key[MLC_MAP_NAME_MAX];
    char id[MLC_MAP_ID_MAX] = "";
    char bind[BIND_MAX];
    (void)snprintf(name, sizeof name, "%s@odata.bind", r->column);
    if (null) {
        put(r, out, name, cJSON_CreateNull());
        return;
    }
    (void)mlc_map_expand(set, sizeof set, field->lookup_set, r->env->prefix);
    (void)mlc_map_expand(key, sizeof key, field->lookup_key, r->env->prefix);
    if (!bind_by_key(bind, set, key, map_run_text(r))) {
        (void)map_run_fail(r, field, "is too long to look a row up by; shorten it");
        return;
    }
    const mlc_map_found found =
        r->env->lookup != NULL ? r->env->lookup(r->env->user, set, key, map_run_text(r), id) : MLC_MAP_FOUND;
    if (found == MLC_MAP_NOT_YET)
        want(r, set, key, map_run_text(r));
    else if (found == MLC_MAP_NOT_FOUND)
        missing_row(r, field, out, name, set, key);
    if (r->trace != NULL)
        map_trace_add(r->trace, r->shown, map_run_text(r),
                      found == MLC_MAP_FOUND     ? (*id != '\0' ? id : bind)
                      : found == MLC_MAP_NOT_YET ? "(not yet known)"
                                                 : NULL,
                      "lookup %.60s by %.60s", set, key);
    if (found != MLC_MAP_FOUND)
        return;
    if (r->env->lookup != NULL)
        (void)snprintf(bind, sizeof bind, "/%s(%.63s)", set, id);
    put(r, out, name, cJSON_CreateString(bind));
}

static void write_number(map_run *r, const map_field *field, cJSON *out)
{
    const char *const text = map_run_text(r);
    char target[MLC_MAP_NAME_MAX];
    char number[24];
    int64_t option = 0;
    if (!field->by_label || field->type != MAP_OPTION) {
        put(r, out, r->column, cJSON_CreateRaw(text));
        return;
    }
    (void)mlc_map_expand(target, sizeof target, r->map->target, r->env->prefix);
    if (r->env->option == NULL || !r->env->option(r->env->user, target, r->column, text, &option)) {
        char shown[64];
        char reason[MLC_CFG_REASON_MAX];
        mlc_strlcpy(shown, text, sizeof shown);
        (void)snprintf(reason, sizeof reason,
                       "\"%s\" is no option of this column; add it in the target or correct it", shown);
        (void)map_run_fail(r, field, reason);
        return;
    }
    (void)snprintf(number, sizeof number, "%" PRId64, option);
    map_trace_add(r->trace, r->shown, text, number, "option");
    put(r, out, r->column, cJSON_CreateRaw(number));
}

static void write_value(map_run *r, const map_field *field, cJSON *out)
{
    switch (field->type) {
    case MAP_LOOKUP:
        write_lookup(r, field, out, false);
        return;
    case MAP_BOOL:
        put(r, out, r->column, cJSON_CreateBool(strcmp(map_run_text(r), "true") == 0));
        return;
    case MAP_INT:
    case MAP_DECIMAL:
    case MAP_MONEY:
    case MAP_OPTION:
        write_number(r, field, out);
        return;
    default:
        put(r, out, r->column, cJSON_CreateString(map_run_text(r)));
        return;
    }
}

static void run_fields(map_run *r, const map_fields *fields, cJSON *out)
{
    for (size_t i = 0; i < fields->count && r->broken == MLC_OK; i++) {
        const map_field *const field = &fields->rows[i];
        (void)mlc_map_expand(r->column, sizeof r->column, field->to, r->env->prefix);
        (void)snprintf(r->shown, sizeof r->shown, "%s%s", r->place, r->column);
        const map_outcome what = map_evaluate(r, field);
        if (what == MAP_WRITE)
            write_value(r, field, out);
        else if (what == MAP_WRITE_NULL && field->type == MAP_LOOKUP)
            write_lookup(r, field, out, true);
        else if (what == MAP_WRITE_BLANK)
            put(r, out, r->column, cJSON_CreateString(""));
        else if (what == MAP_WRITE_NULL)
            put(r, out, r->column, cJSON_CreateNull());
    }
}

static void run_list(map_run *r, cJSON *out)
{
    const map_list *const list = &r->map->list;
    const cJSON *node = NULL;
    const cJSON *element = NULL;
    const map_presence presence = map_path_find(&list->from, &r->scope, &node);
    cJSON *const lines = cJSON_CreateArray();
    const int count = presence == MAP_HERE ? cJSON_GetArraySize(node) : 0;
    put(r, out, list->to, lines);
    if (presence == MAP_HERE && (!cJSON_IsArray(node) || count > MLC_MAP_ROWS_MAX))
        mlc_fault(&r->result->faults, list->to,
                  "%s is no list of at most %d lines; correct the record or the mapping", list->from.text,
                  MLC_MAP_ROWS_MAX);
    else if (list->required && count == 0)
        mlc_fault(&r->result->faults, list->to, "needs at least one line; add one at the source (from %s)",
                  list->from.text);
    else if (presence == MAP_HERE && r->broken == MLC_OK) {
        size_t at = 0;
        cJSON_ArrayForEach(element, node)
        {
            cJSON *const line = cJSON_CreateObject();
            if (line == NULL || !cJSON_AddItemToArray(lines, line)) {
                cJSON_Delete(line);
                r->broken = mlc_fail(r->err, MLC_E_NOMEM, "no memory for a mapped record");
                return;
            }
            r->scope.element = element;
            (void)snprintf(r->place, sizeof r->place, "%.40s[%zu].", list->to, at++);
            run_fields(r, &list->fields, line);
        }
        r->scope.element = NULL;
        r->place[0] = '\0';
    }
}

mlc_code mlc_map_run(mlc_map *map, const cJSON *input, bool gone, const char *record, const mlc_map_env *env,
                     mlc_map_trace *trace, mlc_map_result *result, mlc_error *err)
{
    static const mlc_map_env nothing = {0};
    const cJSON *const rows = mlc_json_get(input, "rows");
    map_run r = {
        .map = map, .env = env != NULL ? env : &nothing, .trace = trace, .result = result, .err = err};
    r.scope =
        (map_scope){.record = input, .rows = cJSON_IsObject(rows) ? rows : NULL, .settings = r.env->settings};
    *result = (mlc_map_result){0};
    cJSON *const out = cJSON_CreateObject();
    if (out == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a mapped record");
    run_fields(&r, gone ? &map->inactive : &map->fields, out);
    if (!gone && map->list.set && r.broken == MLC_OK)
        run_list(&r, out);
    mlc_buf_free(&r.value.text);
    mlc_buf_free(&r.before);
    mlc_code code = r.broken;
    if (code == MLC_OK)
        code = mlc_faults_result(&result->faults, record, err);
    if (code == MLC_OK && result->waiting_count > 0)
        code = mlc_fail(err, MLC_E_UNAVAILABLE, "%.50s: waits for %zu rows of the target to be looked up",
                        record, result->waiting_count);
    if (code == MLC_OK)
        result->output = out;
    else
        cJSON_Delete(out);
    return code;
}

void mlc_map_result_free(mlc_map_result *result)
{
    cJSON_Delete(result->output);
    for (size_t i = 0; i < result->waiting_count; i++) {
        free(result->waiting[i].set);
        free(result->waiting[i].key);
        free(result->waiting[i].value);
    }
    free(result->waiting);
    *result = (mlc_map_result){0};
}
