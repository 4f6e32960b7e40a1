/* ask.c - see ask.h. */
#include "admin/ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 8 << 20 };

typedef struct question {
    mlc_ask_fn fn;
    void *user;
    char socket[256];
} question;

static mlc_code judge(const question *q, mlc_code code, const mlc_http_response *response, cJSON **tree,
                      mlc_error *err)
{
    if (code == MLC_E_UNREACHABLE && access(q->socket, W_OK) != 0 && errno == EACCES)
        return mlc_fail(err, MLC_E_DENIED, "%s may not be opened by this user", q->socket);
    if (code != MLC_OK)
        return code;
    const mlc_code parsed = mlc_json_parse(response->body, response->body_len, ANSWER_MAX, 0, tree, err);
    if (response->status == 200)
        return parsed == MLC_OK ? MLC_OK
                                : mlc_wrap(err, MLC_E_PROTOCOL, "%s: the answer is not readable", q->socket);
    const char *const words = mlc_json_text(mlc_json_path(*tree, "error.message"));
    return mlc_fail(err, MLC_E_REJECTED, "%.300s",
                    words != NULL ? words : "the program refuses the question");
}

static void on_answer(void *user, mlc_code code, const mlc_error *why, const mlc_http_response *response)
{
    question *const q = user;
    mlc_error err = *why;
    cJSON *tree = NULL;
    code = judge(q, code, response, &tree, &err);
    q->fn(q->user, code, &err, code == MLC_OK ? tree : NULL);
    cJSON_Delete(tree);
    free(q);
}

mlc_code mlc_admin_ask(mlc_http_client *client, const char *socket, const char *path, int64_t timeout_ms,
                       mlc_ask_fn fn, void *user, mlc_error *err)
{
    char url[512];
    question *const q = calloc(1, sizeof *q);
    if (q == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a question");
    q->fn = fn;
    q->user = user;
    (void)snprintf(q->socket, sizeof q->socket, "%s", socket);
    (void)snprintf(url, sizeof url, "http://localhost%s", path);
    const mlc_http_request request = {
        .method = "GET", .url = url, .timeout_ms = timeout_ms, .max_body = ANSWER_MAX};
    const mlc_code code = mlc_http_send(client, &request, on_answer, q, NULL, err);
    if (code != MLC_OK)
        free(q);
    return code;
}
