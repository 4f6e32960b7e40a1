/* odata_driver.c - the relay's token client and Dataverse client as a program, for tests against servers of other
 * makers: a JSON object for each line of standard input is one task, and a JSON array of its answers one line of standard output.
 *
 * Environment: MLC_URL, MLC_AUTHORITY, MLC_DIRECTORY, MLC_CLIENT_ID, MLC_SCOPE, MLC_CA_FILE and either
 * MLC_CLIENT_SECRET, or MLC_CERT_FILE, MLC_KEY_FILE and MLC_CERT_ALG. The log goes to standard error.
 *
 *   { "op": "send", ...request }              one request
 *   { "op": "batch", "requests": [request] }  several in one $batch
 *   { "op": "tokens", "count": n }            n who ask at once
 *   { "op": "status" }                        of the token client
 *   { "op": "refuse" }                        forget the last token, as after a 401; then the status
 * A request: method, path or key [set, column, value], query (raw) or filter (to be escaped), body, ifMatch,
 * ifNoneMatch, prefer.
 */
#include "relay/odata.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 8 * 1024 * 1024, REQUESTS_MAX = 1000, TASK_DEPTH = 32 };

typedef struct driver {
    uv_loop_t loop;
    mlc_log *log;
    mlc_http_client *http;
    mlc_entra *entra;
    mlc_odata *odata;
    char *token;    /* the last one */
    size_t waiting; /* callbacks that have not come */
    cJSON *answers;
} driver;

/* ---- answers ---- */

static cJSON *new_answer(driver *d, mlc_code code, const char *message)
{
    cJSON *const answer = cJSON_CreateObject();
    cJSON_AddStringToObject(answer, "code", mlc_code_name(code));
    cJSON_AddStringToObject(answer, "message", message);
    cJSON_AddItemToArray(d->answers, answer);
    return answer;
}

static void keep_answer(driver *d, const mlc_odata_answer *from)
{
    cJSON *const answer = new_answer(d, from->code, from->err.message);
    cJSON_AddNumberToObject(answer, "status", from->status);
    cJSON_AddNumberToObject(answer, "retryAfterMs", (double)from->retry_after_ms);
    cJSON_AddStringToObject(answer, "entityId", from->entity_id);
    cJSON_AddBoolToObject(answer, "wholeBatch", from->whole_batch);
    if (from->body != NULL)
        cJSON_AddItemToObject(answer, "body", cJSON_Duplicate(from->body, true));
}

static void on_answer(void *user, const mlc_odata_answer *answer)
{
    driver *const d = user;
    keep_answer(d, answer);
    d->waiting--;
}

static void on_batch(void *user, const mlc_odata_answer *answers, size_t count)
{
    driver *const d = user;
    for (size_t i = 0; i < count; i++)
        keep_answer(d, &answers[i]);
    d->waiting--;
}

static void on_token(void *user, mlc_code code, const mlc_error *err, const char *token)
{
    driver *const d = user;
    cJSON *const answer = new_answer(d, code, err->message);
    if (token != NULL) {
        cJSON_AddStringToObject(answer, "token", token);
        free(d->token);
        d->token = mlc_strdup(token);
    }
    d->waiting--;
}

/* ---- tasks ---- */

static mlc_code put_path(const cJSON *task, mlc_buf *path, mlc_error *err)
{
    const cJSON *const key = mlc_json_get(task, "key");
    const char *const query = mlc_json_str(task, "query");
    const char *const filter = mlc_json_str(task, "filter");
    mlc_code code = MLC_OK;
    if (cJSON_GetArraySize(key) == 3)
        code = mlc_odata_key(path, mlc_json_text(cJSON_GetArrayItem(key, 0)),
                             mlc_json_text(cJSON_GetArrayItem(key, 1)),
                             mlc_json_text(cJSON_GetArrayItem(key, 2)), err);
    else
        code = mlc_buf_puts(path, mlc_json_str(task, "path"), err);
    if (code == MLC_OK && query != NULL)
        code = mlc_buf_printf(path, err, "?%s", query);
    if (code == MLC_OK && filter != NULL)
        code = mlc_buf_puts(path, "?$filter=", err);
    return code == MLC_OK && filter != NULL ? mlc_odata_escape(path, filter, err) : code;
}

static mlc_code fill(const cJSON *task, mlc_odata_request *request, mlc_buf *path, mlc_error *err)
{
    const mlc_code code = put_path(task, path, err);
    *request = (mlc_odata_request){.method = mlc_json_str(task, "method"),
                                   .path = mlc_buf_text(path),
                                   .body = mlc_json_get(task, "body"),
                                   .if_match = mlc_json_str(task, "ifMatch"),
                                   .if_none_match = mlc_json_str(task, "ifNoneMatch"),
                                   .prefer = mlc_json_str(task, "prefer")};
    return code;
}

static mlc_code do_send(driver *d, const cJSON *task, mlc_error *err)
{
    mlc_buf path = {0};
    mlc_odata_request request;
    mlc_code code = fill(task, &request, &path, err);
    if (code == MLC_OK)
        code = mlc_odata_send(d->odata, &request, on_answer, d, err);
    d->waiting = code == MLC_OK ? 1 : 0;
    mlc_buf_free(&path);
    return code;
}

static mlc_code do_batch(driver *d, const cJSON *task, mlc_error *err)
{
    static mlc_odata_request requests[REQUESTS_MAX];
    static mlc_buf paths[REQUESTS_MAX];
    mlc_code code = MLC_OK;
    size_t count = 0;
    const cJSON *part = NULL;
    cJSON_ArrayForEach(part, mlc_json_get(task, "requests"))
    {
        if (code == MLC_OK && count < REQUESTS_MAX) {
            code = fill(part, &requests[count], &paths[count], err);
            count++;
        }
    }
    if (code == MLC_OK)
        code = mlc_odata_batch(d->odata, requests, count, on_batch, d, err);
    d->waiting = code == MLC_OK ? 1 : 0;
    for (size_t i = 0; i < count; i++)
        mlc_buf_free(&paths[i]);
    return code;
}

static mlc_code do_tokens(driver *d, const cJSON *task, mlc_error *err)
{
    int64_t count = 1;
    mlc_code code = mlc_json_int64(task, "count", &count, err);
    for (int64_t i = 0; i < count && code == MLC_OK; i++) {
        code = mlc_entra_token(d->entra, on_token, d, err);
        if (code == MLC_OK)
            d->waiting++;
    }
    return code;
}

static void do_status(driver *d)
{
    mlc_entra_status status;
    mlc_entra_status_get(d->entra, &status);
    cJSON *const answer = new_answer(d, MLC_OK, status.last_error);
    cJSON_AddBoolToObject(answer, "hasToken", status.has_token);
    cJSON_AddNumberToObject(answer, "expiresInMs", (double)status.expires_in_ms);
    cJSON_AddNumberToObject(answer, "requests", (double)status.requests);
    cJSON_AddNumberToObject(answer, "failures", (double)status.failures);
}

static void run_task(driver *d, const cJSON *task)
{
    mlc_error err;
    mlc_code code = MLC_OK;
    const char *const op = mlc_json_str(task, "op");
    mlc_error_clear(&err);
    d->answers = cJSON_CreateArray();
    if (op != NULL && strcmp(op, "send") == 0) {
        code = do_send(d, task, &err);
    } else if (op != NULL && strcmp(op, "batch") == 0) {
        code = do_batch(d, task, &err);
    } else if (op != NULL && strcmp(op, "tokens") == 0) {
        code = do_tokens(d, task, &err);
    } else if (op != NULL && strcmp(op, "refuse") == 0) {
        mlc_entra_refused(d->entra, d->token);
        do_status(d);
    } else {
        do_status(d);
    }
    while (d->waiting > 0)
        (void)uv_run(&d->loop, UV_RUN_ONCE);
    if (code != MLC_OK)
        (void)new_answer(d, code, err.message);
    char *const text = mlc_json_print(d->answers);
    (void)printf("%s\n", text != NULL ? text : "[]");
    (void)fflush(stdout);
    free(text);
    cJSON_Delete(d->answers);
}

/* ---- life ---- */

static mlc_code open_all(driver *d, mlc_error *err)
{
    mlc_code code = mlc_log_open(&d->log, "-", MLC_LOG_DEBUG, err);
    const mlc_http_client_options http = {.loop = &d->loop, .log = d->log, .ca_file = getenv("MLC_CA_FILE")};
    if (code == MLC_OK)
        code = mlc_http_client_open(&d->http, &http, err);
    const mlc_entra_options entra = {.loop = &d->loop,
                                     .http = d->http,
                                     .log = d->log,
                                     .authority = getenv("MLC_AUTHORITY"),
                                     .tenant = getenv("MLC_DIRECTORY"),
                                     .client_id = getenv("MLC_CLIENT_ID"),
                                     .client_secret = getenv("MLC_CLIENT_SECRET"),
                                     .client_cert_file = getenv("MLC_CERT_FILE"),
                                     .client_key_file = getenv("MLC_KEY_FILE"),
                                     .alg = mlc_entra_alg_named(getenv("MLC_CERT_ALG")),
                                     .scope = getenv("MLC_SCOPE"),
                                     .backoff = {10, 100}};
    if (code == MLC_OK)
        code = mlc_entra_open(&d->entra, &entra, err);
    const mlc_odata_options odata = {.loop = &d->loop,
                                     .http = d->http,
                                     .entra = d->entra,
                                     .log = d->log,
                                     .url = getenv("MLC_URL"),
                                     .timeout_ms = 30000};
    return code == MLC_OK ? mlc_odata_open(&d->odata, &odata, err) : code;
}

static void close_all(driver *d)
{
    mlc_odata_close(d->odata);
    mlc_entra_close(d->entra);
    if (d->http != NULL)
        mlc_http_client_close(d->http);
    (void)uv_run(&d->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&d->loop);
    mlc_log_close(d->log);
    free(d->token);
}

int main(void)
{
    driver d = {0};
    mlc_error err;
    char *const line = malloc(LINE_SIZE);
    if (line == NULL || uv_loop_init(&d.loop) != 0) {
        free(line);
        return EXIT_FAILURE;
    }
    const mlc_code code = open_all(&d, &err);
    if (code != MLC_OK)
        (void)fprintf(stderr, "odata_driver: %s\n", err.message);
    while (code == MLC_OK && fgets(line, LINE_SIZE, stdin) != NULL) {
        cJSON *task = NULL;
        if (mlc_json_parse(line, strlen(line), 0, TASK_DEPTH, &task, &err) != MLC_OK)
            (void)fprintf(stderr, "odata_driver: %s\n", err.message);
        run_task(&d, task);
        cJSON_Delete(task);
    }
    close_all(&d);
    free(line);
    return code == MLC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
