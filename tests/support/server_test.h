/* server_test.h - a server with a few routes, for the tests of the HTTP server. Include after cmocka.h. */
#ifndef MLC_TESTS_SERVER_TEST_H
#define MLC_TESTS_SERVER_TEST_H

#include "net/http_server.h"
#include "support/net_test.h"

#include "base/clock.h"

enum { SERVER_TEST_LARGE = 20 * 1024 * 1024 };

typedef struct server_fix {
    uv_loop_t loop;
    mlc_lws *lws;
    mlc_http_server *server;
    mlc_http_client *client;
    char dir[128];
    char url[160];
    char cert[160], key[160], ca[160];
    mlc_http_req *held; /* by /hold */
    uv_timer_t later;
    mlc_http_req *waiting[8]; /* by /later */
    bool later_waits;         /* it answers when the test starts its timer */
    size_t waiting_count;
    int handled;
    char seen[1024];
    net_result result;
} server_fix;

static inline void serve_echo_request(mlc_http_req *req, void *user)
{
    server_fix *f = user;
    size_t len = 0;
    f->handled++;
    const char *body = mlc_http_req_body(req, &len);
    const char *q = mlc_http_req_query(req, "q");
    const char *flag = mlc_http_req_query(req, "flag");
    const char *custom = mlc_http_req_header(req, "x-custom");
    const char *type = mlc_http_req_header(req, "content-type");
    const char *name = mlc_http_req_client_name(req);
    char text[4096];
    int n =
        snprintf(text, sizeof(text), "%s %s q=%s flag=%s custom=%s type=%s peer=%s client=%s body=%zu:%.100s",
                 mlc_http_req_method(req), mlc_http_req_path(req), q != NULL ? q : "-",
                 flag != NULL ? flag : "-", custom != NULL ? custom : "-", type != NULL ? type : "-",
                 mlc_http_req_peer(req), name != NULL ? name : "-", len, body);
    mlc_http_reply(req, 200, "text/plain", text, (size_t)n);
}

static inline void serve_hold(mlc_http_req *req, void *user)
{
    server_fix *f = user;
    f->handled++;
    f->held = req;
}

static inline void answer_later(uv_timer_t *timer)
{
    server_fix *f = timer->data;
    while (f->waiting_count > 0)
        mlc_http_reply(f->waiting[--f->waiting_count], 202, NULL, "{}", 2);
}

static inline void serve_later(mlc_http_req *req, void *user)
{
    server_fix *f = user;
    f->handled++;
    assert_in_range(f->waiting_count, 0, 7);
    f->waiting[f->waiting_count++] = req;
    if (!f->later_waits)
        uv_timer_start(&f->later, answer_later, 100, 0);
}

static inline void serve_large(mlc_http_req *req, void *user)
{
    (void)user;
    char *text = malloc(SERVER_TEST_LARGE);
    assert_non_null(text);
    for (size_t i = 0; i < SERVER_TEST_LARGE; i++)
        text[i] = (char)('a' + i % 26);
    mlc_http_reply(req, 200, "text/plain", text, SERVER_TEST_LARGE);
    free(text);
}

static inline void serve_busy(mlc_http_req *req, void *user)
{
    (void)user;
    mlc_http_reply_error(req, 503, 7, "outbox_full", "the \"outbox\" is full");
}

static inline void serve_nothing(mlc_http_req *req, void *user)
{
    (void)user;
    mlc_http_reply(req, 204, NULL, NULL, 0);
}

static inline void serve_close_server(mlc_http_req *req, void *user)
{
    server_fix *f = user;
    mlc_http_server_close(f->server);
    f->server = NULL;
    mlc_http_reply(req, 200, NULL, "{}", 2);
}

static inline mlc_http_server_options server_fix_options(server_fix *f, const mlc_http_route *routes,
                                                         size_t count)
{
    return (mlc_http_server_options){.name = "test",
                                     .host = "127.0.0.1",
                                     .routes = routes,
                                     .route_count = count,
                                     .request_timeout_ms = 1000};
    (void)f;
}

static inline size_t server_fix_routes(server_fix *f, mlc_http_route *routes)
{
    const mlc_http_route rows[] = {
        {"GET", "/echo", 0, serve_echo_request, f},  {"POST", "/echo", 0, serve_echo_request, f},
        {"PUT", "/echo", 0, serve_echo_request, f},  {"DELETE", "/echo", 0, serve_echo_request, f},
        {"HEAD", "/echo", 0, serve_echo_request, f}, {"POST", "/echo/small", 10, serve_echo_request, f},
        {NULL, "/hold", 0, serve_hold, f},           {NULL, "/later", 0, serve_later, f},
        {"GET", "/large", 0, serve_large, f},        {NULL, "/busy", 0, serve_busy, f},
        {NULL, "/nothing", 0, serve_nothing, f},     {NULL, "/close", 0, serve_close_server, f}};
    memcpy(routes, rows, sizeof(rows));
    return sizeof(rows) / sizeof(rows[0]);
}

/* How a test opens its server. */
typedef struct server_fix_kind {
    bool tls, client_ca, unix_socket;
    unsigned max_connections;
    int64_t request_timeout_ms; /* 0: 1 s */
    const struct lws_protocols *extra;
    size_t extra_count;
} server_fix_kind;

static inline void server_fix_open(server_fix *f, const server_fix_kind *kind)
{
    mlc_http_route routes[16];
    size_t count = server_fix_routes(f, routes);
    mlc_http_server_options options = server_fix_options(f, routes, count);
    char unix_path[160];
    snprintf(unix_path, sizeof(unix_path), "%s/admin.sock", f->dir);
    options.max_connections = kind->max_connections;
    if (kind->request_timeout_ms > 0)
        options.request_timeout_ms = kind->request_timeout_ms;
    options.extra_protocols = kind->extra;
    options.extra_count = kind->extra_count;
    if (kind->tls) {
        options.cert_file = f->cert;
        options.key_file = f->key;
    }
    if (kind->client_ca)
        options.client_ca_file = f->ca;
    if (kind->unix_socket)
        options.unix_path = unix_path;
    mlc_error err;
    mlc_error_clear(&err);
    mlc_code code = mlc_http_server_open(&f->server, f->lws, &options, &err);
    if (code != MLC_OK)
        fail_msg("open: %s", err.message);
    snprintf(f->url, sizeof(f->url), "%s://localhost:%d", kind->tls ? "https" : "http",
             mlc_http_server_port(f->server));
}

static inline server_fix *server_fix_new(bool certs)
{
    server_fix *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    uv_loop_init(&f->loop);
    uv_timer_init(&f->loop, &f->later);
    f->later.data = f;
    net_make_dir(f->dir, sizeof(f->dir));
    if (certs)
        net_make_certs(f->dir);
    snprintf(f->cert, sizeof(f->cert), "%s/server.pem", f->dir);
    snprintf(f->key, sizeof(f->key), "%s/server.key", f->dir);
    snprintf(f->ca, sizeof(f->ca), "%s/ca.pem", f->dir);
    assert_int_equal(mlc_lws_open(&f->lws, &f->loop, NULL, NULL), MLC_OK);
    mlc_http_client_options options = {.loop = &f->loop, .ca_file = certs ? f->ca : NULL};
    assert_int_equal(mlc_http_client_open(&f->client, &options, NULL), MLC_OK);
    return f;
}

static inline void server_fix_free(server_fix *f)
{
    mlc_http_server_close(f->server);
    mlc_http_client_close(f->client);
    mlc_lws_close(f->lws);
    uv_close((uv_handle_t *)&f->later, NULL);
    net_loop_end(&f->loop);
    if (f->held != NULL)
        mlc_http_reply(f->held, 200, NULL, NULL, 0); /* void, but frees the handle */
    net_remove_dir(f->dir);
    free(f);
}

/* One request through the client; the result is in f->result. */
static inline void server_fix_ask(server_fix *f, const char *method, const char *path, const void *body,
                                  size_t body_len)
{
    char url[512];
    snprintf(url, sizeof(url), "%s%s", f->url, path);
    const mlc_http_header headers[] = {{"X-Custom", "yes"}};
    mlc_http_request request = {.method = method,
                                .url = url,
                                .headers = headers,
                                .header_count = 1,
                                .body = body,
                                .body_len = body_len,
                                .timeout_ms = 15000,
                                .max_body = 64 * 1024 * 1024};
    f->result = (net_result){0};
    assert_int_equal(mlc_http_send(f->client, &request, net_on_done, &f->result, NULL, NULL), MLC_OK);
    assert_true(net_run_until(&f->loop, &f->result.done));
}

/* Send text over a socket of its own, and give what came back until the close (or `until`). */
static inline char *server_fix_raw(server_fix *f, net_raw *raw)
{
    raw->port = mlc_http_server_port(f->server);
    net_raw_start(raw, &f->loop, 64 * 1024);
    net_raw_finish(raw, &f->loop);
    return raw->got;
}

#endif
