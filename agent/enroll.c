/* enroll.c - see enroll.h. */
#include "agent/enroll.h"

#include "agent/identity.h"
#include "base/json.h"
#include "net/http_client.h"

#include <stdio.h>
#include <string.h>

typedef struct enroll_answer {
    mlc_code code;
    mlc_error err;
} enroll_answer;

static void on_answer(void *user, mlc_code code, const mlc_error *err, const mlc_http_response *response)
{
    enroll_answer *const a = user;
    a->code = code;
    if (code != MLC_OK) {
        a->err = *err;
        return;
    }
    if (response->status == 200)
        return;
    cJSON *body = NULL;
    const char *words = NULL;
    if (mlc_json_parse(response->body, response->body_len, 16384, 8, &body, NULL) == MLC_OK)
        words = mlc_json_text(mlc_json_path(body, "error.message"));
    a->code = mlc_fail(&a->err, response->status < 500 ? MLC_E_DENIED : MLC_E_UNAVAILABLE,
                       "the relay answered the enrolment with %d: %.200s", response->status,
                       words != NULL ? words : "no reason given");
    cJSON_Delete(body);
}

/* wss://host:port/v1/tunnel -> https://host:port/v1/enroll */
static mlc_code enroll_url(const char *tunnel, char *out, size_t size, mlc_error *err)
{
    const char *const scheme = strncmp(tunnel, "wss://", 6) == 0 ? "https" : "http";
    const char *const host = strstr(tunnel, "://");
    if (host == NULL)
        return mlc_fail(err, MLC_E_INVALID, "relay.url is not a URL");
    const size_t host_len = strcspn(host + 3, "/?#");
    if (snprintf(out, size, "%s://%.*s/v1/enroll", scheme, (int)host_len, host + 3) >= (int)size)
        return mlc_fail(err, MLC_E_LIMIT, "relay.url is too long");
    return MLC_OK;
}

static mlc_code print_request(const mlc_cfg *cfg, const char *token, const char *software,
                              const uint8_t key[MLC_KEY_LEN], mlc_buf *out, mlc_error *err)
{
    mlc_buf base64 = {0};
    char *text = NULL;
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = obj != NULL ? mlc_base64(key, MLC_KEY_LEN, &base64, err)
                                : mlc_fail(err, MLC_E_NOMEM, "no memory for the enrolment");
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "token", token, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "agent", mlc_cfg_str(cfg, "agent.id"), err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "key", mlc_buf_text(&base64), err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "software", software, err);
    if (code == MLC_OK && (text = mlc_json_print(obj)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for the enrolment");
    if (code == MLC_OK)
        code = mlc_buf_puts(out, text, err);
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(obj);
    mlc_buf_wipe(&base64);
    return code;
}

static mlc_code exchange(const mlc_cfg *cfg, mlc_log *log, const mlc_buf *body, const char *software,
                         mlc_error *err)
{
    uv_loop_t loop;
    char url[600];
    mlc_http_client *http = NULL;
    enroll_answer answer = {.code = MLC_E_INTERNAL};
    mlc_code code = enroll_url(mlc_cfg_str(cfg, "relay.url"), url, sizeof url, err);
    if (code != MLC_OK)
        return code;
    if (uv_loop_init(&loop) != 0)
        return mlc_fail(err, MLC_E_IO, "cannot make an event loop");
    const mlc_http_client_options options = {.loop = &loop,
                                             .log = log,
                                             .ca_file = mlc_cfg_str(cfg, "relay.ca_file"),
                                             .proxy = mlc_proxy_of(cfg, "relay"),
                                             .user_agent = software};
    const mlc_http_header header = {"Content-Type", "application/json"};
    const mlc_http_request request = {.method = "POST",
                                      .url = url,
                                      .headers = &header,
                                      .header_count = 1,
                                      .body = body->data,
                                      .body_len = body->len,
                                      .max_body = 16384};
    code = mlc_http_client_open(&http, &options, err);
    if (code == MLC_OK)
        code = mlc_http_send(http, &request, on_answer, &answer, NULL, err);
    while (code == MLC_OK && answer.code == MLC_E_INTERNAL)
        (void)uv_run(&loop, UV_RUN_ONCE);
    if (code == MLC_OK && answer.code != MLC_OK) {
        code = answer.code;
        if (err != NULL)
            *err = answer.err;
    }
    if (http != NULL)
        mlc_http_client_close(http);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return code;
}

mlc_code mlc_enroll(const mlc_cfg *cfg, mlc_log *log, const char *token, const char *software, mlc_error *err)
{
    mlc_store *store = NULL;
    mlc_buf body = {0};
    uint8_t key[MLC_KEY_LEN];
    const mlc_store_options options = {.dir = mlc_cfg_str(cfg, "agent.data_dir"),
                                       .map_max = (size_t)mlc_cfg_int(cfg, "store.map_max"),
                                       .log = log};
    mlc_code code = mlc_store_open(&store, &options, err);
    if (code == MLC_OK)
        code = mlc_identity_make(store, cfg, key, err);
    if (code == MLC_OK)
        code = print_request(cfg, token, software, key, &body, err);
    if (code == MLC_OK)
        code = exchange(cfg, log, &body, software, err);
    explicit_bzero(key, sizeof key);
    mlc_buf_wipe(&body);
    mlc_store_close(store);
    return code;
}
