/* records_prepare.c - from a master record to a checked body and an address. */
#include "relay/records_private.h"

#include "relay/row_id.h"
#include "relay/schema_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A mapping asks for all its lookups at once; more rounds than this mean that rows vanish while they are asked for. */
enum { ROUNDS_MAX = 6, RECORD_NAME_MAX = 140, CURRENCY_MAX = 8 };

static void address(mlc_record_task *task);

static void record_name(const mlc_record_task *task, char out[RECORD_NAME_MAX])
{
    (void)snprintf(out, RECORD_NAME_MAX, "%s %s", task->master.kind, task->master.id);
}

/* ---- lookups ---- */

static mlc_record_lookup *find_used(mlc_record_task *task, const char *set, const char *key,
                                    const char *value)
{
    for (size_t i = 0; i < task->used_count; i++) {
        mlc_record_lookup *const used = &task->used[i];
        if (strcmp(used->set, set) == 0 && strcmp(used->key, key) == 0 && strcmp(used->value, value) == 0)
            return used;
    }
    return NULL;
}

static mlc_record_lookup *add_used(mlc_record_task *task, const char *set, const char *key, const char *value)
{
    if (task->used_count == MLC_RECORD_USED_MAX)
        return NULL;
    mlc_record_lookup *const used = &task->used[task->used_count];
    *used = (mlc_record_lookup){mlc_strdup(set), mlc_strdup(key), mlc_strdup(value), false};
    if (used->set != NULL && used->key != NULL && used->value != NULL) {
        task->used_count++;
        return used;
    }
    free(used->set);
    free(used->key);
    free(used->value);
    return NULL;
}

static mlc_map_found lookup(void *user, const char *set, const char *key, const char *value,
                            char id[MLC_MAP_ID_MAX])
{
    mlc_record_task *const task = user;
    const mlc_record_lookup *used = find_used(task, set, key, value);
    if (used != NULL && used->absent)
        return MLC_MAP_NOT_FOUND;
    const char *const known = mlc_lookups_known(task->records->opt.lookups, set, key, value);
    if (known == NULL)
        return MLC_MAP_NOT_YET;
    if (used == NULL)
        (void)add_used(task, set, key, value);
    mlc_strlcpy(id, known, MLC_MAP_ID_MAX);
    return MLC_MAP_FOUND;
}

static bool option(void *user, const char *set, const char *column, const char *label, int64_t *value)
{
    const mlc_record_task *const task = user;
    const mlc_schema_table *const table = mlc_schema_table_of(task->records->opt.schema, set);
    const mlc_schema_column *const found = table != NULL ? mlc_schema_column_find(table, column) : NULL;
    return found != NULL && mlc_schema_option_value(found, label, value);
}

/* The currency of a price: of its row, or out of its id when the row is gone (record/master.h). */
static const char *currency_of(const mlc_record_task *task, char out[CURRENCY_MAX])
{
    const char *const column = mlc_json_str(mlc_json_get(task->master.rows, "F4106"), "CRCD");
    out[0] = '\0';
    if (strcmp(task->master.kind, "price") != 0)
        return out;
    if (column != NULL && *column != '\0') {
        mlc_strlcpy(out, column, CURRENCY_MAX);
        return out;
    }
    const char *at = task->master.id;
    for (int i = 0; at != NULL && i < 4; i++) {
        at = strchr(at, '/');
        at = at != NULL ? at + 1 : NULL;
    }
    const size_t len = at != NULL ? strcspn(at, "/") : 0;
    if (len > 0 && len < CURRENCY_MAX)
        (void)snprintf(out, CURRENCY_MAX, "%.*s", (int)len, at);
    return out;
}

/* A row that the connector itself delivers: when it is not there, it may be on its way. */
static bool is_delivered(const mlc_records *records, const char *set)
{
    for (size_t i = 0; i < records->flow_count; i++)
        if (strcmp(records->flows[i].set, set) == 0)
            return true;
    return false;
}

static void after_asks(mlc_record_task *task)
{
    if (task->ask_err.code != MLC_OK) {
        mlc_record_fail(task, &task->ask_err);
        return;
    }
    for (size_t i = 0; i < task->used_count; i++) {
        const mlc_record_lookup *const used = &task->used[i];
        if (!used->absent || !is_delivered(task->records, used->set) || task->master.gone)
            continue;
        mlc_record_wait(task, used);
        return;
    }
    mlc_record_prepare(task);
}

static void on_asked(void *user, mlc_code code, const mlc_error *err, bool found)
{
    mlc_record_task *const task = user;
    (void)found;
    if (code != MLC_OK && task->ask_err.code == MLC_OK)
        task->ask_err = *err;
    if (--task->open_asks > 0)
        return;
    /* Each is known now, or absent. */
    for (size_t i = 0; i < task->used_count; i++) {
        mlc_record_lookup *const used = &task->used[i];
        used->absent =
            mlc_lookups_known(task->records->opt.lookups, used->set, used->key, used->value) == NULL;
    }
    after_asks(task);
}

static mlc_code ask_all(mlc_record_task *task, const mlc_map_result *result, mlc_error *err)
{
    char currency[CURRENCY_MAX];
    mlc_code code = MLC_OK;
    task->open_asks = 1; /* none ends before all are asked */
    for (size_t i = 0; code == MLC_OK && i < result->waiting_count; i++) {
        const mlc_map_wanted *const wanted = &result->waiting[i];
        if (find_used(task, wanted->set, wanted->key, wanted->value) == NULL &&
            add_used(task, wanted->set, wanted->key, wanted->value) == NULL)
            return mlc_fail(err, MLC_E_LIMIT, "a record may look up at most %d rows", MLC_RECORD_USED_MAX);
        code = mlc_lookups_ask(task->records->opt.lookups, wanted->set, wanted->key, wanted->value,
                               currency_of(task, currency), on_asked, task, err);
        task->open_asks += code == MLC_OK;
    }
    return code;
}

static void ask(mlc_record_task *task, const mlc_map_result *result)
{
    mlc_error err;
    mlc_code code = MLC_OK;
    mlc_error_clear(&task->ask_err);
    if (++task->rounds > ROUNDS_MAX || result->waiting_count == 0)
        code = mlc_fail(&err, MLC_E_CONFLICT,
                        "the rows that the record points to change while they are looked up");
    else
        code = ask_all(task, result, &err);
    if (code != MLC_OK && task->ask_err.code == MLC_OK)
        task->ask_err = err;
    if (task->open_asks > 0)
        task->open_asks--;
    if (task->open_asks == 0)
        after_asks(task);
}

/* ---- mapping and check ---- */

static mlc_code add_own(mlc_record_task *task, const mlc_schema_table *table, const char *column,
                        const char *value, mlc_error *err)
{
    if (mlc_schema_column_find(table, column) == NULL)
        return mlc_fail(err, MLC_E_INVALID,
                        "table \"%s\" of Dynamics has no column \"%s\"; add the connector's columns to it",
                        table->name, column);
    cJSON_DeleteItemFromObjectCaseSensitive(task->body, column);
    return mlc_json_add_str(task->body, column, value, err);
}

mlc_code mlc_record_complete(mlc_record_task *task, bool whole, mlc_error *err)
{
    mlc_records *const r = task->records;
    char name[RECORD_NAME_MAX];
    mlc_faults faults = {0};
    const mlc_schema_table *const table = mlc_schema_table_of(r->opt.schema, task->flow->set);
    if (table == NULL)
        return mlc_fail(err, MLC_E_UNAVAILABLE, "the metadata of \"%s\" are not known", task->flow->set);
    mlc_code code = add_own(task, table, r->source_column, task->master.source, err);
    if (code == MLC_OK)
        code = add_own(task, table, r->version_column, task->master.version, err);
    if (code != MLC_OK)
        return code;
    record_name(task, name);
    mlc_schema_check(table, task->body, whole, mlc_schema_name_of, NULL, &faults);
    return mlc_faults_result(&faults, name, err);
}

static mlc_code run_map(mlc_record_task *task, mlc_map_result *result, mlc_error *err)
{
    char name[RECORD_NAME_MAX];
    const mlc_map_env env = {
        .user = task, .prefix = task->records->prefix, .lookup = lookup, .option = option};
    record_name(task, name);
    const mlc_code code =
        mlc_map_run(task->flow->map, task->master.tree, task->master.gone, name, &env, NULL, result, err);
    if (code != MLC_OK)
        return code;
    cJSON_Delete(task->body);
    task->body = result->output;
    result->output = NULL;
    return task->body != NULL ? MLC_OK : mlc_fail(err, MLC_E_INTERNAL, "the mapping gave nothing");
}

static void on_schema(void *user, mlc_code code, const mlc_error *err)
{
    mlc_record_task *const task = user;
    if (code == MLC_OK)
        mlc_record_prepare(task);
    else
        mlc_record_fail(task, err);
}

void mlc_record_prepare(mlc_record_task *task)
{
    mlc_records *const r = task->records;
    mlc_error err;
    mlc_map_result result = {0};
    mlc_code code = MLC_OK;
    if (mlc_schema_table_of(r->opt.schema, task->flow->set) == NULL) {
        code = mlc_schema_wait(r->opt.schema, task->flow->set, on_schema, task, &err);
        if (code != MLC_OK)
            mlc_record_fail(task, &err);
        return;
    }
    code = run_map(task, &result, &err);
    if (code == MLC_E_UNAVAILABLE) {
        ask(task, &result);
        mlc_map_result_free(&result);
        return;
    }
    mlc_map_result_free(&result);
    if (code == MLC_OK && task->master.gone) {
        mlc_record_gone(task);
        return;
    }
    if (code == MLC_OK)
        code = mlc_record_complete(task, true, &err);
    if (code == MLC_OK)
        address(task);
    else
        mlc_record_fail(task, &err);
}

/* ---- the address ---- */

static mlc_code take_key(mlc_record_task *task, mlc_error *err)
{
    const char *const key = task->flow->key;
    const char *value = mlc_json_member_text(task->body, key);
    char name[RECORD_NAME_MAX];
    if (value == NULL || *value == '\0') {
        record_name(task, name);
        return mlc_fail(
            err, MLC_E_INVALID,
            "%s: %s: is empty, but records are told apart by it; fill it in JDE, or correct the mapping",
            name, key);
    }
    free(task->key_value);
    task->key_value = mlc_strdup(value);
    return task->key_value != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for a record");
}

static mlc_code set_path(mlc_record_task *task, const char *id, mlc_error *err)
{
    mlc_buf path = {0};
    mlc_code code = MLC_OK;
    if (id != NULL)
        code = mlc_buf_printf(&path, err, "%s(%s)", task->flow->set, id);
    else
        code = mlc_odata_key(&path, task->flow->set, task->flow->key, task->key_value, err);
    free(task->path);
    task->path = code == MLC_OK ? mlc_buf_take(&path) : NULL;
    mlc_buf_free(&path);
    if (code == MLC_OK && task->path == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a record");
    if (code == MLC_OK)
        mlc_strlcpy(task->target, task->path, sizeof task->target);
    return code;
}

/* By an id that follows from the key. */
static mlc_code set_new_path(mlc_record_task *task, mlc_error *err)
{
    char id[MLC_UUID_TEXT_MAX];
    task->by_new_id = true;
    const mlc_code code = mlc_row_id(task->flow->set, task->flow->key, task->key_value, id, err);
    return code == MLC_OK ? set_path(task, id, err) : code;
}

static void on_key_asked(void *user, mlc_code code, const mlc_error *why, bool found)
{
    mlc_record_task *const task = user;
    mlc_error err;
    const mlc_record_flow *const flow = task->flow;
    const char *const id =
        found ? mlc_lookups_known(task->records->opt.lookups, flow->set, flow->key, task->key_value) : NULL;
    if (code != MLC_OK)
        err = *why;
    else
        code = id != NULL ? set_path(task, id, &err) : set_new_path(task, &err);
    if (code == MLC_OK)
        mlc_record_ready(task);
    else
        mlc_record_fail(task, &err);
}

static void address(mlc_record_task *task)
{
    mlc_records *const r = task->records;
    const mlc_record_flow *const flow = task->flow;
    mlc_error err;
    mlc_code code = take_key(task, &err);
    if (code != MLC_OK) {
        mlc_record_fail(task, &err);
        return;
    }
    const char *const status =
        mlc_schema_key_status(mlc_schema_table_of(r->opt.schema, flow->set), flow->key);
    const bool active = status != NULL && strcmp(status, "Active") == 0;
    const char *const known = mlc_lookups_known(r->opt.lookups, flow->set, flow->key, task->key_value);
    if (active && mlc_row_key_addressable(task->key_value)) {
        /* The key in the address is the value; the service wants it once. */
        code = set_path(task, NULL, &err);
        cJSON_DeleteItemFromObjectCaseSensitive(task->body, flow->key);
    } else if (known != NULL) {
        code = set_path(task, known, &err);
    } else if (active) {
        /* The key keeps a second row from being made. */
        code = set_new_path(task, &err);
    } else {
        code = mlc_lookups_ask(r->opt.lookups, flow->set, flow->key, task->key_value, NULL, on_key_asked,
                               task, &err);
        if (code == MLC_OK)
            return;
    }
    if (code == MLC_OK)
        mlc_record_ready(task);
    else
        mlc_record_fail(task, &err);
}
