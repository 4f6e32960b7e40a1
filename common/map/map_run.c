/* map_run.c - maps one record: for each field its source, its steps in their fixed order, and what is written. */
#include "map/map_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_MAX = MLC_MAP_NAME_MAX + 32, BIND_MAX = 640, KEY_VALUE_MAX = 200 };

/* One run. `before` keeps a value for the trace and for expressions; it is used again by every field. */
typedef struct run {
    mlc_map *map;
    const mlc_map_env *env;
    mlc_map_trace *trace;
    mlc_map_result *result;
    map_scope scope;
    map_value value;
    mlc_buf before;
    char place[64]; /* "Lines[2]." in a list */
    char column[COLUMN_MAX];
    char shown[COLUMN_MAX + 64]; /* place and column, for faults and trace */
    mlc_code broken;             /* not a fault of the record */
    mlc_error *err;
} run;

typedef enum outcome { WRITE, WRITE_NULL, WRITE_BLANK, SKIP } outcome;

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

/* ---- helpers ---- */

static const char *text_of(const run *r)
{
    return r->value.presence == MAP_ABSENT ? NULL : mlc_buf_text(&r->value.text);
}

static bool is_empty(const run *r)
{
    return r->value.presence != MAP_HERE || r->value.text.len == 0;
}

static void set_text(run *r, map_presence presence, const char *text, size_t len)
{
    r->value.presence = presence;
    if (!map_text_set(&r->value, text, len))
        mlc_fault(&r->result->faults, r->shown, "is longer than %d bytes; shorten it", MLC_MAP_VALUE_MAX);
}

/* Remember the value before a step, when somebody will look at it. */
static void note_before(run *r)
{
    if (r->trace == NULL)
        return;
    mlc_buf_clear(&r->before);
    (void)mlc_buf_append(&r->before, mlc_buf_text(&r->value.text), r->value.text.len, NULL);
}

static void note(run *r, bool was_absent, const char *step)
{
    if (r->trace != NULL)
        map_trace_add(r->trace, r->shown, was_absent ? NULL : mlc_buf_text(&r->before), text_of(r), "%s",
                      step);
}

static const char *source_name(const map_field *field)
{
    if (field->from_count > 0)
        return field->from[0].text;
    return field->concat_count > 0 ? field->concat[0].text != NULL ? "concat" : field->concat[0].path.text
                                   : "expr";
}

static bool fail(run *r, const map_field *field, const char *reason)
{
    map_trace_add(r->trace, r->shown, text_of(r), NULL, "FAULT %.120s", reason);
    if (field->from_count > 0 || (field->concat_count > 0 && !field->concat[0].constant))
        mlc_fault(&r->result->faults, r->shown, "%s (from %s)", reason, source_name(field));
    else
        mlc_fault(&r->result->faults, r->shown, "%s", reason);
    return false;
}

/* ---- source ---- */

/* Text of a path, borrowed; NULL with the presence otherwise. */
static const char *read_path(run *r, const map_field *field, const map_path *path, map_presence *presence)
{
    const cJSON *node = NULL;
    *presence = map_path_find(path, &r->scope, &node);
    if (*presence != MAP_HERE)
        return NULL;
    const char *const text = map_node_text(node);
    if (text == NULL)
        (void)fail(r, field, "holds several values where one is needed; correct the path in the mapping");
    return text;
}

static bool is_blank_text(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static void take_from(run *r, const map_field *field)
{
    map_presence best = MAP_ABSENT;
    for (size_t i = 0; i < field->from_count; i++) {
        map_presence presence = MAP_ABSENT;
        const char *const text = read_path(r, field, &field->from[i], &presence);
        const bool last = i + 1 == field->from_count;
        if (text != NULL && (!is_blank_text(text) || (last && best == MAP_ABSENT))) {
            set_text(r, MAP_HERE, text, strlen(text));
            if (r->trace != NULL)
                map_trace_add(r->trace, r->shown, NULL, text, "from %.100s", field->from[i].text);
            return;
        }
        if (presence != MAP_ABSENT)
            best = MAP_EMPTY;
    }
    set_text(r, best, "", 0);
    if (r->trace != NULL)
        map_trace_add(r->trace, r->shown, NULL, text_of(r), "from %.100s", field->from[0].text);
}

static void take_concat(run *r, const map_field *field)
{
    mlc_buf joined = {.max = MLC_MAP_VALUE_MAX};
    map_presence best = MAP_ABSENT;
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < field->concat_count; i++) {
        const map_part *const part = &field->concat[i];
        map_presence presence = MAP_HERE;
        const char *const text = part->constant ? part->text : read_path(r, field, &part->path, &presence);
        if (presence > best && !part->constant)
            best = presence;
        if (text == NULL || (!part->constant && is_blank_text(text)))
            continue;
        size_t len = strlen(text);
        while (!part->constant && text[len - 1] == ' ') /* JDE pads on the right; not blank: ends somewhere */
            len--;
        if (joined.len > 0 && field->separator != NULL)
            code = mlc_buf_puts(&joined, field->separator, NULL);
        if (code == MLC_OK)
            code = mlc_buf_append(&joined, text, len, NULL);
    }
    set_text(r, joined.len > 0 ? MAP_HERE : best, mlc_buf_text(&joined), joined.len);
    if (code != MLC_OK)
        (void)fail(r, field, "is too long when joined; shorten its parts");
    map_trace_add(r->trace, r->shown, NULL, text_of(r), "concat of %zu", field->concat_count);
    mlc_buf_free(&joined);
}

static void take_source(run *r, const map_field *field)
{
    if (field->from_count > 0) {
        take_from(r, field);
    } else if (field->concat_count > 0) {
        take_concat(r, field);
    } else if (field->constant != NULL) {
        set_text(r, MAP_HERE, field->constant, strlen(field->constant));
        map_trace_add(r->trace, r->shown, NULL, text_of(r), "const");
    } else {
        set_text(r, MAP_ABSENT, "", 0);
    }
}

/* ---- steps ---- */

/* `when`: false ends the field without a word. */
static bool wanted(run *r, const map_field *field)
{
    char reason[MLC_CFG_REASON_MAX];
    map_lua_kind kind = MAP_LUA_NIL;
    if (field->when == 0)
        return true;
    if (!map_lua_run(r->map->lua, field->when, NULL, &r->scope, &kind, &r->before, reason)) {
        mlc_fault(&r->result->faults, r->shown, "its condition (when) fails: %.150s; correct the mapping",
                  reason);
        return false;
    }
    const bool yes = kind == MAP_LUA_TRUE || kind == MAP_LUA_TEXT;
    map_trace_add(r->trace, r->shown, NULL, yes ? "true" : "false", "when");
    return yes;
}

static bool run_texts(run *r, const map_field *field)
{
    char reason[MLC_CFG_REASON_MAX];
    if (r->value.presence != MAP_HERE)
        return true;
    note_before(r);
    map_text_trim(field, &r->value);
    if (!map_text_letters(field, r->map->locale, &r->value, reason))
        return fail(r, field, reason);
    map_text_part(field, &r->value);
    if (r->trace != NULL && strcmp(mlc_buf_text(&r->before), mlc_buf_text(&r->value.text)) != 0)
        note(r, false, "text steps");
    return true;
}

static bool use_unknown(run *r, const map_field *field, bool *skip)
{
    char shown[48];
    char reason[MLC_CFG_REASON_MAX];
    switch (field->unknown) {
    case MAP_U_KEEP:
        return true;
    case MAP_U_DEFAULT:
        set_text(r, MAP_EMPTY, "", 0);
        return true;
    case MAP_U_OMIT:
        *skip = true;
        return true;
    default:
        mlc_strlcpy(shown, text_of(r), sizeof shown);
        (void)snprintf(reason, sizeof reason,
                       "the code \"%s\" is not in the table %.60s; add it there or correct it", shown,
                       field->table->name);
        return fail(r, field, reason);
    }
}

static bool run_table(run *r, const map_field *field, bool *skip)
{
    if (field->table == NULL || r->value.presence == MAP_ABSENT)
        return true;
    note_before(r);
    const char *const found = map_table_find(field->table, mlc_buf_text(&r->value.text));
    if (found != NULL)
        set_text(r, MAP_HERE, found, strlen(found));
    else if (!is_empty(r) && !use_unknown(r, field, skip))
        return false;
    note(r, false, *skip ? "table, unknown: not written" : "table");
    return true;
}

static bool run_expression(run *r, const map_field *field)
{
    char reason[MLC_CFG_REASON_MAX];
    mlc_buf result = {0};
    map_lua_kind kind = MAP_LUA_NIL;
    if (field->expr == 0)
        return true;
    note_before(r);
    const bool was_absent = r->value.presence == MAP_ABSENT;
    if (!map_lua_run(r->map->lua, field->expr, text_of(r), &r->scope, &kind, &result, reason)) {
        mlc_buf_free(&result);
        mlc_fault(&r->result->faults, r->shown,
                  "its expression fails: %.150s; correct the record or the mapping", reason);
        return false;
    }
    if (kind == MAP_LUA_NIL)
        set_text(r, MAP_ABSENT, "", 0);
    else if (kind == MAP_LUA_TEXT)
        set_text(r, MAP_HERE, mlc_buf_text(&result), result.len);
    else
        set_text(r, MAP_HERE, kind == MAP_LUA_TRUE ? "true" : "false", kind == MAP_LUA_TRUE ? 4 : 5);
    mlc_buf_free(&result);
    note(r, was_absent, "expr");
    return true;
}

static void run_default(run *r, const map_field *field)
{
    if (field->fallback == NULL || !is_empty(r))
        return;
    note_before(r);
    const bool was_absent = r->value.presence == MAP_ABSENT;
    set_text(r, MAP_HERE, field->fallback, strlen(field->fallback));
    note(r, was_absent, "default");
}

static bool run_type(run *r, const map_field *field)
{
    char reason[MLC_CFG_REASON_MAX];
    if (is_empty(r))
        return true;
    note_before(r);
    if (!map_value_convert(field, &r->value, reason) ||
        (!is_empty(r) && !map_text_pad(field, &r->value, reason)) || !map_text_max(field, &r->value, reason))
        return fail(r, field, reason);
    if (r->trace != NULL && strcmp(mlc_buf_text(&r->before), mlc_buf_text(&r->value.text)) != 0)
        note(r, false, map_type_name(field->type));
    return true;
}

static outcome decide_empty(run *r, const map_field *field)
{
    if (field->required) {
        (void)fail(r, field, "is needed, but there is nothing; fill it in at the source");
        return SKIP;
    }
    const map_blank blank = r->value.presence == MAP_ABSENT ? field->absent : field->empty;
    static const char *const words[] = {"empty, not written", "empty, written as null",
                                        "empty, written as blank"};
    static const outcome outcomes[] = {SKIP, WRITE_NULL, WRITE_BLANK};
    static const char *const after[] = {NULL, "null", ""};
    map_trace_add(r->trace, r->shown, text_of(r), after[blank], "%s", words[blank]);
    return outcomes[blank];
}

/* All steps up to what is written. SKIP also after a fault, which was added. */
static outcome evaluate(run *r, const map_field *field)
{
    bool skip = false;
    if (!wanted(r, field))
        return SKIP;
    const unsigned faults = r->result->faults.count;
    take_source(r, field);
    if (r->result->faults.count > faults || !run_texts(r, field) || !run_table(r, field, &skip) || skip ||
        !run_expression(r, field))
        return SKIP;
    run_default(r, field);
    if (!run_type(r, field) || r->result->faults.count > faults)
        return SKIP;
    return is_empty(r) ? decide_empty(r, field) : WRITE;
}

/* ---- writing ---- */

static void put(run *r, cJSON *out, const char *name, cJSON *node)
{
    if (node == NULL)
        r->broken = mlc_fail(r->err, MLC_E_NOMEM, "no memory for a mapped record");
    else if (r->broken == MLC_OK)
        r->broken = mlc_json_add(out, name, node, r->err);
    else
        cJSON_Delete(node);
}

static void want(run *r, const char *set, const char *key, const char *value)
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

static void missing_row(run *r, const map_field *field, cJSON *out, const char *name, const char *set,
                        const char *key)
{
    char shown[64];
    char reason[MLC_CFG_REASON_MAX];
    if (field->not_found == MAP_M_NULL)
        put(r, out, name, cJSON_CreateNull());
    if (field->not_found != MAP_M_FAULT)
        return;
    mlc_strlcpy(shown, text_of(r), sizeof shown);
    (void)snprintf(reason, sizeof reason,
                   "there is no row of %.60s with %.60s \"%s\"; create it there or correct the value", set,
                   key, shown);
    (void)fail(r, field, reason);
}

static void write_lookup(run *r, const map_field *field, cJSON *out, bool null)
{
    char name[COLUMN_MAX + 16];
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
    if (!bind_by_key(bind, set, key, text_of(r))) {
        (void)fail(r, field, "is too long to look a row up by; shorten it");
        return;
    }
    const mlc_map_found found =
        r->env->lookup != NULL ? r->env->lookup(r->env->user, set, key, text_of(r), id) : MLC_MAP_FOUND;
    if (found == MLC_MAP_NOT_YET)
        want(r, set, key, text_of(r));
    else if (found == MLC_MAP_NOT_FOUND)
        missing_row(r, field, out, name, set, key);
    if (r->trace != NULL)
        map_trace_add(r->trace, r->shown, text_of(r),
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

static void write_number(run *r, const map_field *field, cJSON *out)
{
    const char *const text = text_of(r);
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
        (void)fail(r, field, reason);
        return;
    }
    (void)snprintf(number, sizeof number, "%" PRId64, option);
    map_trace_add(r->trace, r->shown, text, number, "option");
    put(r, out, r->column, cJSON_CreateRaw(number));
}

static void write_value(run *r, const map_field *field, cJSON *out)
{
    switch (field->type) {
    case MAP_LOOKUP:
        write_lookup(r, field, out, false);
        return;
    case MAP_BOOL:
        put(r, out, r->column, cJSON_CreateBool(strcmp(text_of(r), "true") == 0));
        return;
    case MAP_INT:
    case MAP_DECIMAL:
    case MAP_MONEY:
    case MAP_OPTION:
        write_number(r, field, out);
        return;
    default:
        put(r, out, r->column, cJSON_CreateString(text_of(r)));
        return;
    }
}

static void run_fields(run *r, const map_fields *fields, cJSON *out)
{
    for (size_t i = 0; i < fields->count && r->broken == MLC_OK; i++) {
        const map_field *const field = &fields->rows[i];
        (void)mlc_map_expand(r->column, sizeof r->column, field->to, r->env->prefix);
        (void)snprintf(r->shown, sizeof r->shown, "%s%s", r->place, r->column);
        const outcome what = evaluate(r, field);
        if (what == WRITE)
            write_value(r, field, out);
        else if (what == WRITE_NULL && field->type == MAP_LOOKUP)
            write_lookup(r, field, out, true);
        else if (what == WRITE_BLANK)
            put(r, out, r->column, cJSON_CreateString(""));
        else if (what == WRITE_NULL)
            put(r, out, r->column, cJSON_CreateNull());
    }
}

static void run_list(run *r, cJSON *out)
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
    run r = {.map = map, .env = env != NULL ? env : &nothing, .trace = trace, .result = result, .err = err};
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
