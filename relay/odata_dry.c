/* odata_dry.c - see odata_dry.h: reading instead of writing. The comparison is in odata_diff.c. */
#include "relay/odata_dry.h"

#include "relay/row_id.h"

#include <stdlib.h>
#include <string.h>

enum { HTTP_NO_CONTENT = 204, HTTP_NOT_FOUND = 404, HTTP_PRECONDITION = 412 };

typedef struct dry_task {
    mlc_odata *odata;
    mlc_odata_fn fn;
    void *user;
    char *method, *target;
    cJSON *body;
    bool must_exist, must_be_new;
} dry_task;

bool mlc_odata_writes(const mlc_odata_request *request)
{
    return strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0;
}

static void free_task(dry_task *task)
{
    free(task->method);
    free(task->target);
    cJSON_Delete(task->body);
    free(task);
}

static dry_task *new_task(mlc_odata *odata, const mlc_odata_request *request, mlc_odata_fn fn, void *user)
{
    dry_task *const task = calloc(1, sizeof *task);
    if (task == NULL)
        return NULL;
    *task = (dry_task){.odata = odata,
                       .fn = fn,
                       .user = user,
                       .method = mlc_strdup(request->method),
                       .target = mlc_strdup(request->path),
                       .body = cJSON_Duplicate(request->body, true)};
    task->must_exist = request->if_match != NULL || strcmp(request->method, "DELETE") == 0;
    task->must_be_new = request->if_none_match != NULL;
    if (task->target != NULL)
        task->target[strcspn(task->target, "?")] = '\0';
    if (task->method != NULL && task->target != NULL && (request->body == NULL || task->body != NULL))
        return task;
    free_task(task);
    return NULL;
}

/* ---- the answer ---- */

static cJSON *describe(const dry_task *task, const cJSON *row)
{
    cJSON *const out = cJSON_CreateObject();
    cJSON *const columns = mlc_odata_differences(task->body, row);
    mlc_code code = out != NULL && columns != NULL ? MLC_OK : MLC_E_NOMEM;
    if (code == MLC_OK)
        code = mlc_json_add_str(out, "method", task->method, NULL);
    if (code == MLC_OK)
        code = mlc_json_add_str(out, "target", task->target, NULL);
    if (code == MLC_OK)
        code = mlc_json_add_bool(out, "exists", row != NULL, NULL);
    if (code == MLC_OK && cJSON_AddItemToObject(out, "columns", columns))
        return out;
    cJSON_Delete(columns);
    cJSON_Delete(out);
    return NULL;
}

static void answer_as_written(dry_task *task, const cJSON *row)
{
    mlc_odata_answer answer = {.status = HTTP_NO_CONTENT, .body = row};
    cJSON *const differences = describe(task, row);
    mlc_error_clear(&answer.err);
    answer.differences = differences;
    if (differences == NULL)
        answer.code = mlc_fail(&answer.err, MLC_E_NOMEM, "no memory for a dry run");
    else if (row == NULL && mlc_row_id("dry run", "target", task->target, answer.entity_id, NULL) != MLC_OK)
        answer.entity_id[0] = '\0';
    task->fn(task->user, &answer);
    cJSON_Delete(differences);
}

static void answer_refused(dry_task *task, int status, const char *why)
{
    mlc_odata_answer answer = {.status = status};
    answer.code = mlc_fail(&answer.err, status == HTTP_NOT_FOUND ? MLC_E_NOTFOUND : MLC_E_CONFLICT,
                           "HTTP %d: %s", status, why);
    task->fn(task->user, &answer);
}

static void on_row(void *user, const mlc_odata_answer *answer)
{
    dry_task *const task = user;
    const bool absent = answer->code == MLC_E_NOTFOUND;
    if (absent && task->must_exist)
        answer_refused(task, HTTP_NOT_FOUND, "the row to be changed is not there");
    else if (absent)
        answer_as_written(task, NULL);
    else if (answer->code == MLC_OK && task->must_be_new)
        answer_refused(task, HTTP_PRECONDITION, "the row to be made is there already");
    else if (answer->code == MLC_OK && cJSON_IsObject(answer->body))
        answer_as_written(task, answer->body);
    else
        task->fn(task->user, answer);
    free_task(task);
}

/* Nothing was there to compare with; the service was asked whether it takes requests at all. */
static void on_alive(void *user, const mlc_odata_answer *answer)
{
    dry_task *const task = user;
    if (answer->code == MLC_OK)
        answer_as_written(task, NULL);
    else
        task->fn(task->user, answer);
    free_task(task);
}

/* ---- asking ---- */

/* "accounts(...)?$select=name,_transactioncurrencyid_value" */
static mlc_code row_address(const dry_task *task, mlc_buf *out, mlc_error *err)
{
    const cJSON *member = NULL;
    const char *between = "?$select=";
    mlc_code code = mlc_buf_puts(out, task->target, err);
    cJSON_ArrayForEach(member, task->body)
    {
        if (code == MLC_OK)
            code = mlc_buf_puts(out, between, err);
        if (code == MLC_OK)
            code = mlc_odata_shown_column(member->string, out, err);
        between = ",";
    }
    return code;
}

mlc_code mlc_odata_dry_send(mlc_odata *odata, const mlc_odata_request *request, mlc_odata_fn fn, void *user,
                            mlc_error *err)
{
    mlc_buf path = {0};
    dry_task *const task = new_task(odata, request, fn, user);
    if (task == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a dry run");
    mlc_code code = row_address(task, &path, err);
    /* A POST to a set or an action has no row to be compared with. */
    const bool has_row = strchr(task->target, '(') != NULL && strcmp(task->method, "POST") != 0;
    const mlc_odata_request look = {.method = "GET", .path = has_row ? mlc_buf_text(&path) : "WhoAmI"};
    if (code == MLC_OK)
        code = mlc_odata_send(odata, &look, has_row ? on_row : on_alive, task, err);
    mlc_buf_free(&path);
    if (code != MLC_OK)
        free_task(task);
    return code;
}

/* ---- several ---- */

typedef struct dry_batch {
    mlc_odata_batch_fn fn;
    void *user;
    size_t count, open;
    struct dry_part *parts;
    mlc_odata_answer *answers;
} dry_batch;

typedef struct dry_part {
    dry_batch *batch;
    size_t at;
} dry_part;

static void close_batch(dry_batch *batch)
{
    if (--batch->open > 0)
        return;
    batch->fn(batch->user, batch->answers, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        cJSON_Delete((cJSON *)batch->answers[i].body);
        cJSON_Delete((cJSON *)batch->answers[i].differences);
    }
    free(batch->answers);
    free(batch->parts);
    free(batch);
}

static void on_part(void *user, const mlc_odata_answer *answer)
{
    const dry_part *const part = user;
    mlc_odata_answer *const kept = &part->batch->answers[part->at];
    *kept = *answer;
    kept->body = cJSON_Duplicate(answer->body, true);
    kept->differences = cJSON_Duplicate(answer->differences, true);
    close_batch(part->batch);
}

/* One that cannot be sent ends alone; the others are asked. */
static void start_part(dry_batch *batch, mlc_odata *odata, const mlc_odata_request *request, size_t at)
{
    mlc_error err;
    batch->parts[at] = (dry_part){batch, at};
    batch->open++;
    if (mlc_odata_send(odata, request, on_part, &batch->parts[at], &err) == MLC_OK)
        return;
    batch->answers[at] = (mlc_odata_answer){.code = err.code, .err = err};
    batch->open--;
}

mlc_code mlc_odata_dry_batch(mlc_odata *odata, const mlc_odata_request *requests, size_t count,
                             mlc_odata_batch_fn fn, void *user, mlc_error *err)
{
    dry_batch *const batch = calloc(1, sizeof *batch);
    if (batch != NULL) {
        *batch = (dry_batch){.fn = fn, .user = user, .count = count};
        batch->parts = calloc(count, sizeof *batch->parts);
        batch->answers = calloc(count, sizeof *batch->answers);
    }
    if (batch == NULL || batch->parts == NULL || batch->answers == NULL) {
        if (batch != NULL)
            free(batch->parts);
        free(batch);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a dry run");
    }
    for (size_t i = 0; i < count; i++)
        start_part(batch, odata, &requests[i], i);
    if (batch->open == 0) {
        free(batch->parts);
        free(batch->answers);
        free(batch);
        return mlc_fail(err, MLC_E_CLOSED, "nothing of the batch could be asked");
    }
    return MLC_OK;
}
