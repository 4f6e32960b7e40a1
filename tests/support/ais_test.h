/* ais_test.h - an AIS server inside the test: answers by a script over real sockets, and keeps what it was asked. The client under
 * test is opened on the same loop. Include after cmocka.h. */
#ifndef MLC_TESTS_AIS_TEST_H
#define MLC_TESTS_AIS_TEST_H

#include "agent/ais.h"
#include "net/http_server.h"
#include "support/net_test.h"

enum { AIS_TEST_ASKED_MAX = 64, AIS_TEST_PORTION_KEYS = 100 };

/* One answer. `body` may hold "%U" for the server's address and "%T" for the token of the log-in that counts. */
typedef struct ais_reply {
    int status;
    const char *body;
    bool hang; /* no answer */
} ais_reply;

typedef struct ais_asked {
    char path[128], token[64], rid[64];
    char *body;
} ais_asked;

typedef struct ais_fix {
    uv_loop_t loop;
    mlc_lws *lws;
    mlc_http_server *server;
    mlc_http_client *http;
    mlc_ais *ais;
    mlc_ais_options options;
    char url[64];
    /* the server's side */
    int login_status; /* 0: 200 */
    const char *date_format;
    int logins, logouts;
    char logout_token[64];
    const ais_reply *script; /* for all that is neither log-in nor log-out, in order; the last one stays */
    size_t script_len, script_at;
    ais_asked asked[AIS_TEST_ASKED_MAX];
    size_t asked_count;
    mlc_http_req *held[8];
    size_t held_count, held_peak;
    bool closed;
} ais_fix;

static inline void ais_serve_login(mlc_http_req *req, void *user)
{
    ais_fix *const f = user;
    char text[512];
    f->logins++;
    if (f->login_status != 0) {
        mlc_http_reply(req, f->login_status, NULL, "{\"message\":\"no\"}", 16);
        return;
    }
    const int n =
        snprintf(text, sizeof text,
                 "{\"username\":\"U\",\"environment\":\"JDV920\",\"userInfo\":{\"token\":\"tok-%d\","
                 "\"simpleDateFormat\":\"%s\",\"timeZoneOffset\":\"UTC-05:00\"}}",
                 f->logins, f->date_format);
    mlc_http_reply(req, 200, NULL, text, (size_t)n);
}

static inline void ais_serve_logout(mlc_http_req *req, void *user)
{
    ais_fix *const f = user;
    const char *const token = mlc_http_req_header(req, "jde-ais-auth");
    f->logouts++;
    (void)snprintf(f->logout_token, sizeof f->logout_token, "%s", token != NULL ? token : "");
    mlc_http_reply(req, 200, NULL, "{}", 2);
}

static inline void ais_note(ais_fix *f, mlc_http_req *req)
{
    size_t len = 0;
    assert_true(f->asked_count < AIS_TEST_ASKED_MAX);
    ais_asked *const asked = &f->asked[f->asked_count++];
    const char *const token = mlc_http_req_header(req, "jde-ais-auth");
    const char *const rid = mlc_http_req_query(req, "rid");
    const char *const body = mlc_http_req_body(req, &len);
    (void)snprintf(asked->path, sizeof asked->path, "%s", mlc_http_req_path(req));
    (void)snprintf(asked->token, sizeof asked->token, "%s", token != NULL ? token : "");
    (void)snprintf(asked->rid, sizeof asked->rid, "%s", rid != NULL ? rid : "");
    asked->body = mlc_strndup(body, len);
    assert_non_null(asked->body);
}

static inline void ais_print_reply(const ais_fix *f, const char *body, mlc_buf *out)
{
    for (; *body != '\0'; body++) {
        mlc_code code = MLC_OK;
        if (strncmp(body, "%U", 2) == 0)
            code = mlc_buf_puts(out, f->url, NULL);
        else if (strncmp(body, "%T", 2) == 0)
            code = mlc_buf_printf(out, NULL, "tok-%d", f->logins);
        else
            code = mlc_buf_append(out, body, 1, NULL);
        assert_int_equal(code, MLC_OK);
        if (*body == '%')
            body++;
    }
}

static inline void ais_serve(mlc_http_req *req, void *user)
{
    ais_fix *const f = user;
    mlc_buf text = {0};
    ais_note(f, req);
    assert_true(f->script_len > 0);
    const ais_reply *const reply = &f->script[f->script_at];
    if (f->script_at + 1 < f->script_len)
        f->script_at++;
    if (reply->hang) {
        assert_true(f->held_count < sizeof f->held / sizeof f->held[0]);
        f->held[f->held_count++] = req;
        f->held_peak = f->held_count > f->held_peak ? f->held_count : f->held_peak;
        return;
    }
    ais_print_reply(f, reply->body, &text);
    mlc_http_reply(req, reply->status, NULL, text.data, text.len);
    mlc_buf_free(&text);
}

/* Until a request hangs; false when none comes. */
static inline bool ais_wait_held(ais_fix *f)
{
    for (int i = 0; i < NET_TEST_PATIENCE_MS / NET_TEST_TICK_MS && f->held_count == 0; i++)
        net_run_for(&f->loop, NET_TEST_TICK_MS);
    return f->held_count > 0;
}

/* Answer what hangs. */
static inline void ais_release_held(ais_fix *f, int status, const char *body)
{
    while (f->held_count > 0)
        mlc_http_reply(f->held[--f->held_count], status, NULL, body, strlen(body));
}

static inline ais_fix *ais_fix_new(void)
{
    ais_fix *const f = calloc(1, sizeof *f);
    mlc_error err;
    assert_non_null(f);
    const mlc_http_route routes[] = {{"POST", "/jderest/v2/tokenrequest", 0, ais_serve_login, f},
                                     {"POST", "/jderest/v2/tokenrequest/logout", 0, ais_serve_logout, f},
                                     {NULL, "/jderest/", 1024 * 1024, ais_serve, f}};
    const mlc_http_server_options server = {.name = "ais",
                                            .host = "127.0.0.1",
                                            .routes = routes,
                                            .route_count = sizeof routes / sizeof routes[0]};
    f->date_format = "dd/MM/yyyy";
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(mlc_lws_open(&f->lws, &f->loop, NULL, NULL), MLC_OK);
    if (mlc_http_server_open(&f->server, f->lws, &server, &err) != MLC_OK)
        fail_msg("%s", err.message);
    (void)snprintf(f->url, sizeof f->url, "http://127.0.0.1:%d", mlc_http_server_port(f->server));
    const mlc_http_client_options client = {.loop = &f->loop};
    assert_int_equal(mlc_http_client_open(&f->http, &client, NULL), MLC_OK);
    f->options = (mlc_ais_options){.loop = &f->loop,
                                   .http = f->http,
                                   .url = f->url,
                                   .username = "U",
                                   .password = "P",
                                   .environment = "JDV920"};
    return f;
}

#define ais_script(f, ...)                                                                                   \
    do {                                                                                                     \
        static const ais_reply script_rows[] = {__VA_ARGS__};                                                \
        (f)->script = script_rows;                                                                           \
        (f)->script_len = sizeof script_rows / sizeof script_rows[0];                                        \
        (f)->script_at = 0;                                                                                  \
    } while (0)

/* After a test has set f->options. */
static inline void ais_fix_open(ais_fix *f)
{
    mlc_error err;
    if (mlc_ais_open(&f->ais, &f->options, &err) != MLC_OK)
        fail_msg("%s", err.message);
}

static inline void ais_on_closed(void *user)
{
    *(bool *)user = true;
}

/* Close the client and wait until it has logged out. */
static inline void ais_fix_close(ais_fix *f)
{
    mlc_ais_close(f->ais, ais_on_closed, &f->closed);
    f->ais = NULL;
    assert_true(net_run_until(&f->loop, &f->closed));
}

static inline void ais_fix_free(ais_fix *f)
{
    if (f->ais != NULL)
        ais_fix_close(f);
    mlc_http_client_close(f->http);
    mlc_http_server_close(f->server);
    mlc_lws_close(f->lws);
    net_loop_end(&f->loop);
    ais_release_held(f, 200, "{}"); /* void, but frees the handles */
    for (size_t i = 0; i < f->asked_count; i++)
        free(f->asked[i].body);
    free(f);
}

/* ---- what came of a call ---- */

typedef struct ais_result {
    bool done;
    int calls;
    mlc_code code;
    char message[MLC_ERROR_MESSAGE_MAX];
    char answer[512];
} ais_result;

static inline void ais_on_ready(void *user, mlc_code code, const mlc_error *err)
{
    ais_result *const r = user;
    r->done = true;
    r->calls++;
    r->code = code;
    (void)snprintf(r->message, sizeof r->message, "%s", err->message);
}

static inline void ais_on_answer(void *user, mlc_code code, const mlc_error *err, const cJSON *answer)
{
    ais_result *const r = user;
    ais_on_ready(user, code, err);
    assert_true((code == MLC_OK) == (answer != NULL));
    char *const text = answer != NULL ? mlc_json_print(answer) : NULL;
    (void)snprintf(r->answer, sizeof r->answer, "%s", text != NULL ? text : "");
    free(text);
}

/* Log in, and wait for it. */
static inline mlc_code ais_log_in(ais_fix *f, ais_result *r)
{
    *r = (ais_result){0};
    assert_int_equal(mlc_ais_ready(f->ais, ais_on_ready, r, NULL), MLC_OK);
    assert_true(net_run_until(&f->loop, &r->done));
    return r->code;
}

/* Begin an orchestration with one input. */
static inline void ais_begin_write(ais_fix *f, ais_result *r)
{
    cJSON *const inputs = cJSON_CreateObject();
    *r = (ais_result){0};
    assert_non_null(inputs);
    assert_int_equal(mlc_json_add_str(inputs, "Reference", "R1", NULL), MLC_OK);
    assert_int_equal(mlc_ais_orchestrate(f->ais, 3, "ML_CreateSalesOrder", inputs, ais_on_answer, r, NULL),
                     MLC_OK);
    cJSON_Delete(inputs);
}

static inline mlc_code ais_write(ais_fix *f, ais_result *r)
{
    ais_begin_write(f, r);
    assert_true(net_run_until(&f->loop, &r->done));
    return r->code;
}

#endif
