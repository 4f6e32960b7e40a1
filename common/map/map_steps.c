/* map_steps.c - a field's value: its source, and its steps in their fixed order. */
#include "map/map_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- helpers ---- */

const char *map_run_text(const map_run *r)
{
    return r->value.presence == MAP_ABSENT ? NULL : mlc_buf_text(&r->value.text);
}

static bool is_empty(const map_run *r)
{
    return r->value.presence != MAP_HERE || r->value.text.len == 0;
}

static void set_text(map_run *r, map_presence presence, const char *text, size_t len)
{
    r->value.presence = presence;
    if (!map_text_set(&r->value, text, len))
        mlc_fault(&r->result->faults, r->shown, "is longer than %d bytes; shorten it", MLC_MAP_VALUE_MAX);
}

/* Remember the value before a step, when somebody will look at it. */
static void note_before(map_run *r)
{
    if (r->trace == NULL)
        return;
    mlc_buf_clear(&r->before);
    (void)mlc_buf_append(&r->before, mlc_buf_text(&r->value.text), r->value.text.len, NULL);
}

static void note(map_run *r, bool was_absent, const char *step)
{
    if (r->trace != NULL)
        map_trace_add(r->trace, r->shown, was_absent ? NULL : mlc_buf_text(&r->before), map_run_text(r), "%s",
                      step);
}

static const char *source_name(const map_field *field)
{
    if (field->from_count > 0)
        return field->from[0].text;
    return field->concat_count > 0 ? field->concat[0].text != NULL ? "concat" : field->concat[0].path.text
                                   : "expr";
}

bool map_run_fail(map_run *r, const map_field *field, const char *reason)
{
    map_trace_add(r->trace, r->shown, map_run_text(r), NULL, "FAULT %.120s", reason);
    if (field->from_count > 0 || (field->concat_count > 0 && !field->concat[0].constant))
        mlc_fault(&r->result->faults, r->shown, "%s (from %s)", reason, source_name(field));
    else
        mlc_fault(&r->result->faults, r->shown, "%s", reason);
    return false;
}

/* ---- source ---- */

/* Text of a path, borrowed; NULL with the presence otherwise. */
static const char *read_path(map_run *r, const map_field *field, const map_path *path, map_presence *presence)
{
    const cJSON *node = NULL;
    *presence = map_path_find(path, &r->scope, &node);
    if (*presence != MAP_HERE)
        return NULL;
    const char *const text = map_node_text(node);
    if (text == NULL)
        (void)map_run_fail(r, field,
                           "holds several values where one is needed; correct the path in the mapping");
    return text;
}

static bool is_blank_text(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static void take_from(map_run *r, const map_field *field)
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
        map_trace_add(r->trace, r->shown, NULL, map_run_text(r), "from %.100s", field->from[0].text);
}

static void take_concat(map_run *r, const map_field *field)
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
        (void)map_run_fail(r, field, "is too long when joined; shorten its parts");
    map_trace_add(r->trace, r->shown, NULL, map_run_text(r), "concat of %zu", field->concat_count);
    mlc_buf_free(&joined);
}

static void take_source(map_run *r, const map_field *field)
{
    if (field->from_count > 0) {
        take_from(r, field);
    } else if (field->concat_count > 0) {
        take_concat(r, field);
    } else if (field->constant != NULL) {
        set_text(r, MAP_HERE, field->constant, strlen(field->constant));
        map_trace_add(r->trace, r->shown, NULL, map_run_text(r), "const");
    } else {
        set_text(r, MAP_ABSENT, "", 0);
    }
}

/* ---- steps ---- */

/* `when`: false ends the field without a word. */
static bool wanted(map_run *r, const map_field *field)
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

static bool run_texts(map_run *r, const map_field *field)
{
    char reason[MLC_CFG_REASON_MAX];
    if (r->value.presence != MAP_HERE)
        return true;
    note_before(r);
    map_text_trim(field, &r->value);
    if (!map_text_letters(field, r->map->locale, &r->value, reason))
        return map_run_fail(r, field, reason);
    map_text_part(field, &r->value);
    if (r->trace != NULL && strcmp(mlc_buf_text(&r->before), mlc_buf_text(&r->value.text)) != 0)
        note(r, false, "text steps");
    return true;
}

static bool use_unknown(map_run *r, const map_field *field, bool *skip)
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
        mlc_strlcpy(shown, map_run_text(r), sizeof shown);
        (void)snprintf(reason, sizeof reason,
                       "the code \"%s\" is not in the table %.60s; add it there or correct it", shown,
                       field->table->name);
        return map_run_fail(r, field, reason);
    }
}

static bool run_table(map_run *r, const map_field *field, bool *skip)
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

static bool run_expression(map_run *r, const map_field *field)
{
    char reason[MLC_CFG_REASON_MAX];
    mlc_buf result = {0};
    map_lua_kind kind = MAP_LUA_NIL;
    if (field->expr == 0)
        return true;
    note_before(r);
    const bool was_absent = r->value.presence == MAP_ABSENT;
    if (!map_lua_run(r->map->lua, field->expr, map_run_text(r), &r->scope, &kind, &result, reason)) {
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

static void run_default(map_run *r, const map_field *field)
{
    if (field->fallback == NULL || !is_empty(r))
        return;
    note_before(r);
    const bool was_absent = r->value.presence == MAP_ABSENT;
    set_text(r, MAP_HERE, field->fallback, strlen(field->fallback));
    note(r, was_absent, "default");
}

static bool run_type(map_run *r, const map_field *field)
{
    char reason[MLC_CFG_REASON_MAX];
    if (is_empty(r))
        return true;
    note_before(r);
    if (!map_value_convert(field, &r->value, reason) ||
        (!is_empty(r) && !map_text_pad(field, &r->value, reason)) || !map_text_max(field, &r->value, reason))
        return map_run_fail(r, field, reason);
    if (r->trace != NULL && strcmp(mlc_buf_text(&r->before), mlc_buf_text(&r->value.text)) != 0)
        note(r, false, map_type_name(field->type));
    return true;
}

static map_outcome decide_empty(map_run *r, const map_field *field)
{
    if (field->required) {
        (void)map_run_fail(r, field, "is needed, but there is nothing; fill it in at the source");
        return MAP_SKIP;
    }
    const map_blank blank = r->value.presence == MAP_ABSENT ? field->absent : field->empty;
    static const char *const words[] = {"empty, not written", "empty, written as null",
                                        "empty, written as blank"};
    static const map_outcome outcomes[] = {MAP_SKIP, MAP_WRITE_NULL, MAP_WRITE_BLANK};
    static const char *const after[] = {NULL, "null", ""};
    map_trace_add(r->trace, r->shown, map_run_text(r), after[blank], "%s", words[blank]);
    return outcomes[blank];
}

map_outcome map_evaluate(map_run *r, const map_field *field)
{
    bool skip = false;
    if (!wanted(r, field))
        return MAP_SKIP;
    const unsigned faults = r->result->faults.count;
    take_source(r, field);
    if (r->result->faults.count > faults || !run_texts(r, field) || !run_table(r, field, &skip) || skip ||
        !run_expression(r, field))
        return MAP_SKIP;
    run_default(r, field);
    if (!run_type(r, field) || r->result->faults.count > faults)
        return MAP_SKIP;
    return is_empty(r) ? decide_empty(r, field) : MAP_WRITE;
}
