/* odata_send.c - one request of the Dataverse client, and how any answer is read. */
#include "relay/odata_private.h"

#include "base/clock.h"
#include "net/backoff.h"
#include "relay/odata_dry.h"
#include "relay/odata_error.h"

#include <stdlib.h>
#include <string.h>

/* After a 429 that names no time. */
enum { DEFAULT_HOLD_MS = 10 * 1000 };

typedef struct send_task {
    mlc_odata *odata;
    mlc_odata_fn fn;
    void *user;
    bool writes;
} send_task;

void mlc_odata_answer_failed(mlc_odata_answer *answer, mlc_code code, const mlc_error *err, bool writes)
{
    answer->code = code;
    answer->err = *err;
    if (code == MLC_E_LIMIT)
        answer->code = answer->err.code = writes ? MLC_E_UNCERTAIN : MLC_E_UNAVAILABLE;
}

void mlc_odata_answer_take(mlc_odata *odata, mlc_odata_answer *answer, int status, const char *body,
                           size_t len, const char *entity_id, const char *retry_after)
{
    cJSON *tree = NULL;
    mlc_error_clear(&answer->err);
    answer->status = status;
    answer->code = mlc_http_status_code(status);
    mlc_odata_entity_id(entity_id, answer->entity_id);
    if (answer->code != MLC_OK)
        answer->retry_after_ms = mlc_retry_after_ms(retry_after, mlc_wall_ms());
    if (status == 429) {
        if (answer->retry_after_ms == 0)
            answer->retry_after_ms = DEFAULT_HOLD_MS;
        mlc_odata_hold(odata, answer->retry_after_ms);
    }
    if (strspn(body, " \t\r\n") < len)
        (void)mlc_json_parse(body, len, MLC_ODATA_ANSWER_MAX, MLC_ODATA_DEPTH, &tree, NULL);
    answer->body = tree;
    if (answer->code != MLC_OK)
        answer->code = mlc_odata_error_read(status, body, len, &answer->err);
    else if (tree == NULL && strspn(body, " \t\r\n") < len)
        answer->code = mlc_fail(&answer->err, MLC_E_PROTOCOL, "HTTP %d with a body that is not JSON", status);
}

static void on_end(void *user, mlc_code code, const mlc_error *err, const mlc_http_response *response)
{
    send_task *const task = user;
    mlc_odata_answer answer = {.status = 0};
    mlc_odata_answer_failed(&answer, code, err, task->writes);
    if (code == MLC_OK)
        mlc_odata_answer_take(task->odata, &answer, response->status, response->body, response->body_len,
                              mlc_http_header_get(response, "OData-EntityId"),
                              mlc_http_header_get(response, "Retry-After"));
    task->fn(task->user, &answer);
    cJSON_Delete((cJSON *)answer.body);
    free(task);
}

static bool keep(char **to, const char *from)
{
    *to = mlc_strdup(from);
    return from == NULL || *to != NULL;
}

static mlc_code fill(mlc_odata_exchange *x, const mlc_odata *odata, const mlc_odata_request *request,
                     mlc_error *err)
{
    mlc_code code = mlc_odata_check(request, err);
    if (code == MLC_OK)
        code = mlc_odata_address(mlc_odata_url(odata), request->path, &x->url, err);
    if (code != MLC_OK)
        return code;
    if (request->body != NULL) {
        x->body = mlc_json_print(request->body);
        x->body_len = x->body != NULL ? strlen(x->body) : 0;
    }
    const bool kept = keep(&x->method, request->method) && keep(&x->if_match, request->if_match) &&
                      keep(&x->if_none_match, request->if_none_match) && keep(&x->prefer, request->prefer) &&
                      keep(&x->content_type, request->body != NULL ? "application/json" : NULL) &&
                      (request->body == NULL || x->body != NULL);
    return kept ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for a request");
}

mlc_code mlc_odata_send(mlc_odata *odata, const mlc_odata_request *request, mlc_odata_fn fn, void *user,
                        mlc_error *err)
{
    mlc_odata_exchange x = {0};
    if (mlc_odata_is_dry(odata) && mlc_odata_writes(request))
        return mlc_odata_dry_send(odata, request, fn, user, err);
    send_task *const task = calloc(1, sizeof *task);
    if (task == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a request");
    *task = (send_task){odata, fn, user, mlc_odata_writes(request)};
    x.end = on_end;
    x.user = task;
    mlc_code code = fill(&x, odata, request, err);
    if (code == MLC_OK)
        code = mlc_odata_queue(odata, &x, err);
    if (code != MLC_OK) {
        mlc_odata_exchange_free(&x);
        free(task);
    }
    return code;
}
