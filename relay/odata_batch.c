/* odata_batch.c - several independent writes in one $batch.
 *
 * No change sets: each operation stands alone, and continue-on-error makes the service go on after a failure. The parts
 * of the answer have the order of the operations (contracts/dataverse.md, Web API). An operation without a
 * part gets MLC_E_PROTOCOL: it may have been executed.
 */
#include "relay/odata_private.h"

#include "crypto/crypto.h"
#include "relay/odata_batch_parse.h"
#include "relay/odata_dry.h"

#include <stdlib.h>
#include <string.h>

enum { OPERATIONS_MAX = 1000, BOUNDARY_SIZE = 48 };

typedef struct batch_task {
    mlc_odata *odata;
    mlc_odata_batch_fn fn;
    void *user;
    size_t count;
    mlc_odata_answer *answers;
    mlc_batch_part *parts;
} batch_task;

static void free_task(batch_task *task)
{
    for (size_t i = 0; task->answers != NULL && i < task->count; i++)
        cJSON_Delete((cJSON *)task->answers[i].body);
    free(task->answers);
    free(task->parts);
    free(task);
}

static batch_task *make_task(mlc_odata *odata, size_t count, mlc_odata_batch_fn fn, void *user)
{
    batch_task *const task = calloc(1, sizeof *task);
    if (task == NULL)
        return NULL;
    *task = (batch_task){.odata = odata, .fn = fn, .user = user, .count = count};
    task->answers = calloc(count, sizeof *task->answers);
    task->parts = calloc(count, sizeof *task->parts);
    if (task->answers != NULL && task->parts != NULL)
        return task;
    free_task(task);
    return NULL;
}

/* ---- the answer ---- */

static void fail_all(batch_task *task, const mlc_odata_answer *whole)
{
    for (size_t i = 0; i < task->count; i++) {
        task->answers[i] = *whole;
        task->answers[i].body = NULL;
        task->answers[i].whole_batch = true;
    }
}

static void take_parts(batch_task *task, size_t parsed)
{
    for (size_t i = 0; i < task->count; i++) {
        mlc_odata_answer *const answer = &task->answers[i];
        const mlc_batch_part *const part = &task->parts[i];
        if (i < parsed)
            mlc_odata_answer_take(task->odata, answer, part->status, part->body, part->body_len,
                                  part->entity_id, part->retry_after);
        else
            answer->code = mlc_fail(&answer->err, MLC_E_PROTOCOL, "the batch answer has no part for it");
    }
}

static void read_answer(batch_task *task, const mlc_http_response *response)
{
    size_t parsed = 0;
    const char *const type = mlc_http_header_get(response, "Content-Type");
    mlc_odata_answer whole = {.status = response->status};
    if (!mlc_batch_is_multipart(type)) {
        mlc_odata_answer_take(task->odata, &whole, response->status, response->body, response->body_len, NULL,
                              mlc_http_header_get(response, "Retry-After"));
        if (whole.code == MLC_OK)
            whole.code = mlc_fail(&whole.err, MLC_E_PROTOCOL, "batch answer: not multipart/mixed");
        cJSON_Delete((cJSON *)whole.body);
        whole.body = NULL;
        fail_all(task, &whole);
        return;
    }
    whole.code = mlc_batch_parse(type, response->body, response->body_len, task->parts, task->count, &parsed,
                                 &whole.err);
    if (whole.code != MLC_OK)
        fail_all(task, &whole);
    else
        take_parts(task, parsed);
}

static void on_end(void *user, mlc_code code, const mlc_error *err, const mlc_http_response *response)
{
    batch_task *const task = user;
    mlc_odata_answer failure = {.status = 0};
    mlc_odata_answer_failed(&failure, code, err, true);
    if (code == MLC_OK)
        read_answer(task, response);
    else
        fail_all(task, &failure);
    task->fn(task->user, task->answers, task->count);
    free_task(task);
}

/* ---- the request ---- */

static mlc_code put_header(mlc_buf *out, const char *name, const char *value, mlc_error *err)
{
    return value != NULL ? mlc_buf_printf(out, err, "%s: %s\r\n", name, value) : MLC_OK;
}

static mlc_code put_body(mlc_buf *out, const cJSON *body, mlc_error *err)
{
    mlc_code code = mlc_buf_puts(out, "\r\n", err);
    if (body == NULL || code != MLC_OK)
        return code;
    char *const text = mlc_json_print(body);
    code = text != NULL ? mlc_buf_puts(out, text, err) : mlc_fail(err, MLC_E_NOMEM, "no memory for a batch");
    free(text);
    return code;
}

static mlc_code put_operation(mlc_buf *out, const char *url, const char *boundary,
                              const mlc_odata_request *request, mlc_error *err)
{
    char *address = NULL;
    mlc_code code = mlc_odata_check(request, err);
    if (code == MLC_OK)
        code = mlc_odata_address(url, request->path, &address, err);
    if (code == MLC_OK)
        code = mlc_buf_printf(
            out, err,
            "--%s\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            "%s %s HTTP/1.1\r\nAccept: application/json\r\n",
            boundary, request->method, address);
    free(address);
    if (code == MLC_OK && request->body != NULL)
        code = put_header(out, "Content-Type", "application/json", err);
    if (code == MLC_OK)
        code = put_header(out, "If-Match", request->if_match, err);
    if (code == MLC_OK)
        code = put_header(out, "If-None-Match", request->if_none_match, err);
    if (code == MLC_OK)
        code = put_header(out, "Prefer", request->prefer, err);
    if (code == MLC_OK)
        code = put_body(out, request->body, err);
    return code == MLC_OK ? mlc_buf_puts(out, "\r\n", err) : code;
}

static mlc_code make_boundary(char out[BOUNDARY_SIZE], mlc_error *err)
{
    static const char prefix[] = "batch_";
    memcpy(out, prefix, sizeof prefix);
    return mlc_random_id(out + sizeof prefix - 1, err);
}

static mlc_code fill(mlc_odata_exchange *x, const char *url, const mlc_odata_request *requests, size_t count,
                     mlc_error *err)
{
    char boundary[BOUNDARY_SIZE];
    mlc_buf out = {0};
    mlc_code code = make_boundary(boundary, err);
    for (size_t i = 0; code == MLC_OK && i < count; i++)
        code = put_operation(&out, url, boundary, &requests[i], err);
    if (code == MLC_OK)
        code = mlc_buf_printf(&out, err, "--%s--\r\n", boundary);
    if (code == MLC_OK) {
        x->body_len = out.len;
        x->body = mlc_buf_take(&out);
        x->method = mlc_strdup("POST");
        x->url = mlc_asprintf("%s$batch", url);
        x->prefer = mlc_strdup("odata.continue-on-error");
        x->content_type = mlc_asprintf("multipart/mixed; boundary=%s", boundary);
        /* Asked for JSON alone, a service may answer with a batch in JSON (OData JSON Format 4.01, section 19). */
        x->accept = mlc_strdup("multipart/mixed, application/json;q=0.5");
        if (x->accept == NULL || x->body == NULL || x->method == NULL || x->url == NULL ||
            x->prefer == NULL || x->content_type == NULL)
            code = mlc_fail(err, MLC_E_NOMEM, "no memory for a batch");
    }
    mlc_buf_free(&out);
    return code;
}

mlc_code mlc_odata_batch(mlc_odata *odata, const mlc_odata_request *requests, size_t count,
                         mlc_odata_batch_fn fn, void *user, mlc_error *err)
{
    mlc_odata_exchange x = {0};
    if (count == 0)
        return mlc_fail(err, MLC_E_INVALID, "a batch needs an operation");
    if (count > OPERATIONS_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "a batch has at most %d operations", OPERATIONS_MAX);
    if (mlc_odata_is_dry(odata))
        return mlc_odata_dry_batch(odata, requests, count, fn, user, err);
    batch_task *const task = make_task(odata, count, fn, user);
    if (task == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a batch");
    x.end = on_end;
    x.user = task;
    mlc_code code = fill(&x, mlc_odata_url(odata), requests, count, err);
    if (code == MLC_OK)
        code = mlc_odata_queue(odata, &x, err);
    if (code != MLC_OK) {
        mlc_odata_exchange_free(&x);
        free_task(task);
    }
    return code;
}
