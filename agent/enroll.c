/* enroll.c - see enroll.h. */
#include "agent/enroll.h"

#include "agent/certify.h"
#include "agent/relay_url.h"
#include "net/http_client.h"

#include <string.h>

typedef struct enroll_answer {
    mlc_code code;
    mlc_error err;
    mlc_buf cert, authority;
} enroll_answer;

static void on_answer(void *user, mlc_code code, const mlc_error *err, const mlc_http_response *response)
{
    enroll_answer *const a = user;
    a->code = code;
    if (code != MLC_OK)
        a->err = *err;
    else
        a->code = mlc_certify_answer("enrolment", response->status, response->body, response->body_len,
                                     &a->cert, &a->authority, &a->err);
}

static mlc_code exchange(const mlc_cfg *cfg, mlc_log *log, const char *tunnel, const mlc_buf *body,
                         const char *software, enroll_answer *answer, mlc_error *err)
{
    uv_loop_t loop;
    char url[MLC_RELAY_URL_MAX + 32];
    mlc_http_client *http = NULL;
    answer->code = MLC_E_INTERNAL;
    mlc_code code = mlc_relay_url_http(tunnel, MLC_ENROLL_PATH, url, sizeof url, err);
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
                                      .max_body = MLC_CERTIFY_ANSWER_MAX};
    code = mlc_http_client_open(&http, &options, err);
    if (code == MLC_OK)
        code = mlc_http_send(http, &request, on_answer, answer, NULL, err);
    while (code == MLC_OK && answer->code == MLC_E_INTERNAL)
        (void)uv_run(&loop, UV_RUN_ONCE);
    if (code == MLC_OK && answer->code != MLC_OK) {
        code = answer->code;
        if (err != NULL)
            *err = answer->err;
    }
    if (http != NULL)
        mlc_http_client_close(http);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return code;
}

mlc_code mlc_enroll(const mlc_cfg *cfg, mlc_log *log, const char *url, const char *token,
                    const char *software, int64_t *until_ms, mlc_error *err)
{
    mlc_store *store = NULL;
    mlc_buf body = {0};
    enroll_answer answer = {.code = MLC_E_INTERNAL};
    mlc_agent_identity identity = {0};
    uint8_t key[MLC_EC_PRIVATE_LEN] = {0};
    const mlc_store_options options = {.dir = mlc_cfg_str(cfg, "agent.data_dir"),
                                       .map_max = (size_t)mlc_cfg_int(cfg, "store.map_max"),
                                       .log = log};
    mlc_code code = mlc_store_open(&store, &options, err);
    if (code == MLC_OK)
        code = mlc_identity_next_key(store, cfg, key, err);
    if (code == MLC_OK)
        code = mlc_certify_enroll_body(mlc_cfg_str(cfg, "agent.id"), token, software, key, &body, err);
    if (code == MLC_OK)
        code = exchange(cfg, log, url, &body, software, &answer, err);
    if (code == MLC_OK)
        code = mlc_identity_keep(store, cfg, &answer.cert, &answer.authority, key, &identity, err);
    if (code == MLC_OK && until_ms != NULL)
        *until_ms = identity.info.not_after_ms;
    mlc_identity_wipe(&identity);
    mlc_wipe(key, sizeof key);
    mlc_buf_wipe(&body);
    mlc_buf_free(&answer.cert);
    mlc_buf_free(&answer.authority);
    mlc_store_close(store);
    return code;
}
