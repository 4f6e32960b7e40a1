/* records_write.c - looking before writing, writing, and what the answers mean. */
#include "relay/records_private.h"

#include "relay/row_id.h"
#include "relay/source_version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HTTP_BAD_REQUEST = 400, HTTP_NOT_FOUND = 404, HTTP_PRECONDITION = 412, PRODUCT_DRAFT = 2 };

static const char product_set[] = "products";

typedef struct write_group {
    size_t count;
    mlc_record_task *tasks[];
} write_group;

/* ---- how a write went ---- */

static void finish_answer(mlc_record_task *task, mlc_code code, const mlc_odata_answer *answer)
{
    const mlc_delivery_result result = {.code = code,
                                        .err = &answer->err,
                                        .uncertain = answer->code == MLC_E_PROTOCOL,
                                        .retry_after_ms = answer->retry_after_ms};
    mlc_record_finish(task, &result);
}

static void forget_used(mlc_record_task *task)
{
    for (size_t i = 0; i < task->used_count; i++)
        mlc_lookups_forget(task->records->opt.lookups, task->used[i].set, task->used[i].key,
                           task->used[i].value);
}

void mlc_record_refused(mlc_record_task *task, const mlc_odata_answer *answer)
{
    mlc_code code = answer->code;
    const bool bad = answer->status == HTTP_BAD_REQUEST || answer->status == HTTP_NOT_FOUND;
    if (bad && task->used_count > 0)
        forget_used(task);
    /* A row that it points to was deleted: the next attempt looks for it again. */
    if (answer->status == HTTP_NOT_FOUND && task->used_count > 0 && !answer->whole_batch)
        code = MLC_E_CONFLICT;
    /* It had passed the check: perhaps the table was changed since its metadata was read. */
    if (answer->status == HTTP_BAD_REQUEST && mlc_schema_doubt(task->records->opt.schema, task->flow->set))
        code = MLC_E_CONFLICT;
    finish_answer(task, code, answer);
}

static void learn(mlc_record_task *task, const char *id)
{
    mlc_records *const r = task->records;
    const mlc_record_flow *const flow = task->flow;
    mlc_record_set_target(task, id);
    if (task->key_value != NULL)
        mlc_lookups_learn(r->opt.lookups, flow->set, flow->key, task->key_value, id);
    mlc_lookups_learn(r->opt.lookups, flow->set, r->source_column, task->master.source, id);
}

/* ---- a product must be active ---- */

static void on_activated(void *user, const mlc_odata_answer *answer)
{
    mlc_record_task *const task = user;
    if (answer->code == MLC_OK)
        mlc_record_done(task, answer->status, "activated");
    else
        mlc_record_refused(task, answer);
}

/* Dynamics makes products as drafts unless its settings say otherwise; a draft is in no quote. */
static bool is_draft(const mlc_record_task *task, const cJSON *row)
{
    int64_t state = 0;
    return strcmp(task->flow->set, product_set) == 0 &&
           mlc_json_int64(row, "statecode", &state, NULL) == MLC_OK && state == PRODUCT_DRAFT;
}

static void activate(mlc_record_task *task)
{
    mlc_error err;
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? mlc_json_add_int(body, "statecode", 0, &err)
                                 : mlc_fail(&err, MLC_E_NOMEM, "no memory for a record");
    if (code == MLC_OK)
        code = mlc_json_add_int(body, "statuscode", 1, &err);
    const mlc_odata_request request = {
        .method = "PATCH", .path = task->target, .body = body, .if_match = "*"};
    if (code == MLC_OK)
        code = mlc_odata_send(task->records->opt.odata, &request, on_activated, task, &err);
    cJSON_Delete(body);
    if (code != MLC_OK)
        mlc_record_fail(task, &err);
}

/* ---- answers to a write ---- */

static void on_other_id(void *user, mlc_code code, const mlc_error *why, bool found)
{
    mlc_record_task *const task = user;
    mlc_error err;
    const mlc_record_flow *const flow = task->flow;
    const char *const id =
        found ? mlc_lookups_known(task->records->opt.lookups, flow->set, flow->key, task->key_value) : NULL;
    if (code != MLC_OK) {
        mlc_record_fail(task, why);
        return;
    }
    char *const path = id != NULL ? mlc_asprintf("%s(%s)", flow->set, id) : NULL;
    if (path == NULL) {
        (void)mlc_fail(&err, MLC_E_CONFLICT,
                       "Dynamics says that %s \"%.100s\" exists already, but does not show it", flow->key,
                       task->key_value);
        mlc_record_fail(task, &err);
        return;
    }
    free(task->path);
    task->path = path;
    mlc_record_write_elsewhere(task);
}

/* Another row has the value of our key: that one is meant. */
static bool is_elsewhere(mlc_record_task *task, const mlc_odata_answer *answer)
{
    if (!task->by_new_id || answer->status != HTTP_PRECONDITION || answer->whole_batch)
        return false;
    task->by_new_id = false;
    return mlc_lookups_ask(task->records->opt.lookups, task->flow->set, task->flow->key, task->key_value,
                           NULL, on_other_id, task, NULL) == MLC_OK;
}

static void on_written(mlc_record_task *task, const mlc_odata_answer *answer)
{
    char column[MLC_RECORD_NAME_MAX + 4];
    const char *const table = mlc_schema_name_of(NULL, task->flow->set);
    if (answer->code != MLC_OK) {
        if (!mlc_record_read_again(task, answer) && !is_elsewhere(task, answer))
            mlc_record_refused(task, answer);
        return;
    }
    mlc_record_differ(task, answer);
    (void)snprintf(column, sizeof column, "%sid", table != NULL ? table : "");
    const char *const shown = mlc_json_str(answer->body, column);
    if (answer->entity_id[0] != '\0')
        learn(task, answer->entity_id);
    else if (shown != NULL && strlen(shown) < sizeof answer->entity_id)
        learn(task, shown);
    if (is_draft(task, answer->body))
        activate(task);
    else
        mlc_record_done(task, answer->status, "");
}

static void on_one_written(void *user, const mlc_odata_answer *answer)
{
    on_written(user, answer);
}

/* ---- writing ---- */

/* Of a product the answer must show whether it is a draft. */
static mlc_code write_request(const mlc_record_task *task, char **path, mlc_odata_request *out,
                              mlc_error *err)
{
    const bool product = strcmp(task->flow->set, product_set) == 0;
    *path = product ? mlc_asprintf("%s?$select=productid,statecode", task->path) : mlc_strdup(task->path);
    if (*path == NULL) {
        (void)mlc_fail(err, MLC_E_NOMEM, "no memory for a record");
        return MLC_E_NOMEM;
    }
    *out = (mlc_odata_request){.method = "PATCH",
                               .path = *path,
                               .body = task->body,
                               .if_match = mlc_record_condition(task),
                               .prefer = product ? "return=representation" : NULL};
    return MLC_OK;
}

void mlc_record_write_one(mlc_record_task *task)
{
    mlc_error err;
    mlc_odata_request request;
    char *path = NULL;
    mlc_code code = write_request(task, &path, &request, &err);
    if (code == MLC_OK)
        code = mlc_odata_send(task->records->opt.odata, &request, on_one_written, task, &err);
    free(path);
    if (code != MLC_OK)
        mlc_record_fail(task, &err);
}

/* The service refuses the batch as such: no record is to be blamed for it, so each is asked about alone. */
static bool refused_as_a_whole(const mlc_odata_answer *answer)
{
    return answer->whole_batch && (answer->code == MLC_E_REJECTED || answer->code == MLC_E_NOTFOUND);
}

static void on_group_written(void *user, const mlc_odata_answer *answers, size_t count)
{
    write_group *const group = user;
    for (size_t i = 0; i < count; i++) {
        if (refused_as_a_whole(&answers[i]))
            mlc_record_write_one(group->tasks[i]);
        else
            on_written(group->tasks[i], &answers[i]);
    }
    free(group);
}

static mlc_code send_group(mlc_odata *odata, write_group *group, mlc_error *err)
{
    mlc_odata_request *const requests = calloc(group->count, sizeof *requests);
    char **const paths = calloc(group->count, sizeof(char *));
    mlc_code code = MLC_OK;
    if (requests == NULL || paths == NULL) {
        free(requests);
        free((void *)paths);
        (void)mlc_fail(err, MLC_E_NOMEM, "no memory for a batch");
        return MLC_E_NOMEM;
    }
    for (size_t i = 0; code == MLC_OK && i < group->count; i++)
        code = write_request(group->tasks[i], &paths[i], &requests[i], err);
    if (code == MLC_OK)
        code = mlc_odata_batch(odata, requests, group->count, on_group_written, group, err);
    for (size_t i = 0; i < group->count; i++)
        free(paths[i]);
    free((void *)paths);
    free(requests);
    return code;
}

void mlc_record_write_group(mlc_records *records, mlc_record_task *const *tasks, size_t count)
{
    mlc_error err;
    if (count == 1) {
        mlc_record_write_one(tasks[0]);
        return;
    }
    write_group *const group = calloc(1, sizeof *group + count * sizeof(mlc_record_task *));
    mlc_code code = MLC_E_NOMEM;
    if (group != NULL) {
        group->count = count;
        memcpy((void *)group->tasks, (const void *)tasks, count * sizeof(mlc_record_task *));
        code = send_group(records->opt.odata, group, &err);
    }
    if (code == MLC_OK)
        return;
    free(group);
    for (size_t i = 0; i < count; i++)
        mlc_record_write_one(tasks[i]);
}

/* ---- looking before writing ---- */

bool mlc_record_settled(mlc_record_task *task, int status, const char *there, const char *id,
                        bool same_is_done)
{
    if (!mlc_source_version_valid(there))
        return false;
    const int order = mlc_source_version_cmp(there, task->master.version);
    if (order < 0 || (order == 0 && !same_is_done))
        return false;
    if (id != NULL && strlen(id) == MLC_UUID_TEXT_MAX - 1)
        learn(task, id);
    mlc_log_info(task->records->opt.log, "records",
                 order == 0 ? "an uncertain write had arrived" : "a newer version is at the target",
                 MLC_S("target", task->target), MLC_S("version", task->master.version),
                 MLC_S("there", there));
    mlc_record_done(task, status, order == 0 ? "had arrived" : mlc_record_superseded);
    return true;
}

static void on_found(mlc_record_task *task, const mlc_odata_answer *answer)
{
    char column[MLC_RECORD_NAME_MAX + 4];
    const char *const table = mlc_schema_name_of(NULL, task->flow->set);
    (void)snprintf(column, sizeof column, "%sid", table != NULL ? table : "");
    const char *const id = mlc_json_str(answer->body, column);
    const char *const there = mlc_json_str(answer->body, task->records->version_column);
    /* A product may have arrived as a draft. */
    if (is_draft(task, answer->body) || !mlc_record_settled(task, answer->status, there, id, true))
        mlc_record_write_one(task);
}

static void on_looked(void *user, const mlc_odata_answer *answer)
{
    mlc_record_task *const task = user;
    if (answer->code == MLC_E_NOTFOUND) {
        mlc_record_write_one(task);
        return;
    }
    if (answer->code == MLC_OK && cJSON_IsObject(answer->body)) {
        on_found(task, answer);
        return;
    }
    /* Nothing was learned: the item stays uncertain. */
    mlc_error err = answer->err;
    if (answer->code == MLC_OK)
        (void)mlc_fail(&err, MLC_E_PROTOCOL, "HTTP %d without the row", answer->status);
    const mlc_delivery_result result = {
        .code = err.code, .err = &err, .uncertain = true, .retry_after_ms = answer->retry_after_ms};
    mlc_record_finish(task, &result);
}

void mlc_record_look(mlc_record_task *task)
{
    mlc_error err;
    const bool product = strcmp(task->flow->set, product_set) == 0;
    char *const path = mlc_asprintf("%s?$select=%s%s", task->path, task->records->version_column,
                                    product ? ",statecode" : "");
    const mlc_odata_request request = {.method = "GET", .path = path};
    const mlc_code code = path != NULL
                              ? mlc_odata_send(task->records->opt.odata, &request, on_looked, task, &err)
                              : mlc_fail(&err, MLC_E_NOMEM, "no memory for a record");
    free(path);
    if (code != MLC_OK)
        mlc_record_fail(task, &err);
}
