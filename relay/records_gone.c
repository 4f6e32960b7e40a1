/* records_gone.c - records that are no more: the row with our source record id is found, and its inactive columns are
 * written. A row that the connector never wrote is left alone. */
#include "relay/records_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HTTP_NOT_FOUND = 404, HTTP_PRECONDITION = 412 };

static void on_written(void *user, const mlc_odata_answer *answer)
{
    mlc_record_task *const task = user;
    mlc_error err;
    mlc_record_differ(task, answer);
    if (answer->code == MLC_OK) {
        mlc_record_done(task, answer->status, mlc_record_deactivated);
    } else if (answer->status == HTTP_PRECONDITION && task->found_version) {
        /* Perhaps it is the row of another record by now: the next attempt looks again. */
        (void)mlc_fail(&err, MLC_E_CONFLICT, "%s was changed between the look and the write", task->target);
        mlc_record_fail(task, &err);
    } else if (answer->status == HTTP_NOT_FOUND || answer->status == HTTP_PRECONDITION) {
        mlc_record_done(task, answer->status, "is no more there either");
    } else {
        mlc_record_refused(task, answer);
    }
}

/* `etag`: of the row as it was found; NULL: not told. */
static void deactivate(mlc_record_task *task, const char *etag)
{
    mlc_error err;
    task->found_version = etag != NULL;
    const mlc_odata_request request = {
        .method = "PATCH", .path = task->target, .body = task->body, .if_match = etag != NULL ? etag : "*"};
    const mlc_code code = mlc_odata_send(task->records->opt.odata, &request, on_written, task, &err);
    if (code != MLC_OK)
        mlc_record_fail(task, &err);
}

static void on_found(void *user, const mlc_odata_answer *answer)
{
    mlc_record_task *const task = user;
    char column[MLC_RECORD_NAME_MAX + 4];
    const char *const table = mlc_schema_name_of(NULL, task->flow->set);
    const cJSON *const rows = mlc_json_get(answer->body, "value");
    mlc_error err = answer->err;
    if (answer->code == MLC_OK && !cJSON_IsArray(rows))
        (void)mlc_fail(&err, MLC_E_UNAVAILABLE, "HTTP %d without a list of rows", answer->status);
    if (answer->code != MLC_OK || !cJSON_IsArray(rows)) {
        const mlc_delivery_result result = {.code = err.code,
                                            .err = &err,
                                            .uncertain = task->item->uncertain,
                                            .retry_after_ms = answer->retry_after_ms};
        mlc_record_finish(task, &result);
        return;
    }
    (void)snprintf(column, sizeof column, "%sid", table != NULL ? table : "");
    const cJSON *const row = cJSON_GetArrayItem(rows, 0);
    const char *const id = mlc_json_str(row, column);
    if (id == NULL) {
        mlc_record_done(task, answer->status, "was never there");
        return;
    }
    mlc_record_set_target(task, id);
    if (!mlc_record_settled(task, answer->status, mlc_json_str(row, task->records->version_column), id,
                            task->item->uncertain))
        deactivate(task, mlc_json_str(row, "@odata.etag"));
}

static mlc_code find_row(mlc_record_task *task, mlc_error *err)
{
    const mlc_records *const r = task->records;
    const char *const table = mlc_schema_name_of(NULL, task->flow->set);
    mlc_buf path = {0};
    mlc_buf value = {0};
    /* Sources hold no quote (record/master.h); one that does is cut there and finds nothing. */
    char *const source = mlc_strndup(task->master.source, strcspn(task->master.source, "'"));
    mlc_code code = source != NULL ? mlc_odata_escape(&value, source, err)
                                   : mlc_fail(err, MLC_E_NOMEM, "no memory for a record");
    if (code == MLC_OK)
        code = mlc_buf_printf(&path, err, "%s?$select=%sid,%s&$top=1&$filter=%s%%20eq%%20'%s'",
                              task->flow->set, table != NULL ? table : "", r->version_column,
                              r->source_column, mlc_buf_text(&value));
    const mlc_odata_request request = {.method = "GET", .path = mlc_buf_text(&path)};
    if (code == MLC_OK)
        code = mlc_odata_send(r->opt.odata, &request, on_found, task, err);
    free(source);
    mlc_buf_free(&path);
    mlc_buf_free(&value);
    return code;
}

void mlc_record_gone(mlc_record_task *task)
{
    mlc_error err;
    mlc_strlcpy(task->target, task->flow->set, sizeof task->target);
    /* The row is found by its source, whatever the mapping knows of it still. */
    cJSON_DeleteItemFromObjectCaseSensitive(task->body, task->flow->key);
    if (task->body->child == NULL) {
        mlc_record_done(task, 0, "the mapping leaves what is gone as it is");
        return;
    }
    mlc_code code = mlc_record_complete(task, false, &err);
    if (code == MLC_OK)
        code = find_row(task, &err);
    if (code != MLC_OK)
        mlc_record_fail(task, &err);
}
