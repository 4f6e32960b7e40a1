/* The client against peers that misbehave: is "sent" told from "not sent", and does nothing go out twice? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/net_test.h"

typedef struct fixture {
    uv_loop_t loop;
    mlc_http_client *client;
    net_peer peer;
    bool peer_runs;
    net_result result;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    uv_loop_init(&f->loop);
    mlc_http_client_options options = {.loop = &f->loop, .user_agent = "test", .connect_timeout_ms = 3000};
    assert_int_equal(mlc_http_client_open(&f->client, &options, NULL), MLC_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    if (f->peer_runs)
        net_peer_stop(&f->peer);
    mlc_http_client_close(f->client);
    net_loop_end(&f->loop);
    free(f);
    return 0;
}

static void start_peer(fixture *f, void (*serve)(net_peer *, int, int))
{
    net_peer_start(&f->peer, serve);
    f->peer_runs = true;
}

static mlc_http_request to_peer(const fixture *f, const char *scheme, const char *method, char *url,
                                size_t size)
{
    snprintf(url, size, "%s://127.0.0.1:%d/path?secret=1", scheme, f->peer.port);
    bool posts = strcmp(method, "POST") == 0;
    return (mlc_http_request){.method = method,
                              .url = url,
                              .body = posts ? "{}" : NULL,
                              .body_len = posts ? 2 : 0,
                              .timeout_ms = 8000};
}

static void run(fixture *f, const mlc_http_request *request)
{
    mlc_error err;
    f->result = (net_result){0};
    assert_int_equal(mlc_http_send(f->client, request, net_on_done, &f->result, NULL, &err), MLC_OK);
    assert_false(f->result.done); /* never inside the call */
    assert_true(net_run_until(&f->loop, &f->result.done));
    assert_int_equal(f->result.calls, 1);
    assert_null(strstr(f->result.message, "secret"));
}

static void ask(fixture *f, const char *scheme, const char *method, int64_t timeout_ms, size_t max_body)
{
    char url[128];
    mlc_http_request request = to_peer(f, scheme, method, url, sizeof(url));
    request.max_body = max_body;
    if (timeout_ms > 0)
        request.timeout_ms = timeout_ms;
    run(f, &request);
}

/* ---- peers ---- */

static void serve_close(net_peer *peer, int fd, int nth)
{
    (void)peer;
    (void)fd;
    (void)nth;
}

static void serve_read_then_close(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    net_peer_read(peer, fd, text, sizeof(text));
}

static void serve_ok(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    while (net_peer_read(peer, fd, text, sizeof(text)))
        net_send_text(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok");
}

/* The second answer of a connection begins with a folded line, which continues no header. */
static void serve_folded(net_peer *peer, int fd, int nth)
{
    char text[4096];
    (void)nth;
    if (net_peer_read(peer, fd, text, sizeof(text)))
        net_send_text(fd, "HTTP/1.1 200 OK\r\nX-Before: 1\r\nContent-Length: 2\r\n\r\nok");
    while (net_peer_read(peer, fd, text, sizeof(text)))
        net_send_text(fd, "HTTP/1.1 200 OK\r\n folded\r\nContent-Length: 2\r\n\r\nok");
}

/* The first connection answers once, reads a second request and closes. */
static void serve_stale(net_peer *peer, int fd, int nth)
{
    char text[4096];
    if (nth > 0) {
        serve_ok(peer, fd, nth);
        return;
    }
    if (net_peer_read(peer, fd, text, sizeof(text)))
        net_send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    net_peer_read(peer, fd, text, sizeof(text));
}

static void serve_half(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    if (net_peer_read(peer, fd, text, sizeof(text)))
        net_send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
}

static void serve_half_head(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    if (net_peer_read(peer, fd, text, sizeof(text)))
        net_send_text(fd, "HTTP/1.1 200 OK\r\nContent-Le");
}

static void serve_silence(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    while (net_peer_wait(peer, fd) && recv(fd, text, sizeof(text), 0) > 0)
        ;
}

static void serve_no_http(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    if (net_peer_read(peer, fd, text, sizeof(text)))
        net_send_text(fd, "220 smtp.example ESMTP\r\n");
}

static void serve_endless_body(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    if (!net_peer_read(peer, fd, text, sizeof(text)))
        return;
    net_send_text(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (!atomic_load(&peer->stop) && net_send_text(fd, "8\r\n12345678\r\n"))
        ;
}

static void serve_endless_head(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    if (!net_peer_read(peer, fd, text, sizeof(text)))
        return;
    net_send_text(fd, "HTTP/1.1 200 OK\r\n");
    while (!atomic_load(&peer->stop) && net_send_text(fd, "X-More: and more and more\r\n"))
        ;
}

static void serve_large_length(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    if (net_peer_read(peer, fd, text, sizeof(text)))
        net_send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
    net_peer_wait(peer, fd);
}

static void serve_interim(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    if (net_peer_read(peer, fd, text, sizeof(text)))
        net_send_text(fd, "HTTP/1.1 103 Early Hints\r\nContent-Type: wrong/one\r\n\r\n"
                          "HTTP/1.1 429 Too Many\r\nRETRY-AFTER:  17 \r\nContent-Type: text/plain\r\n"
                          "Content-Length: 0\r\n\r\n");
}

static void serve_redirect(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    while (net_peer_read(peer, fd, text, sizeof(text)))
        net_send_text(fd, "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nSet-Cookie: a=b\r\n"
                          "Content-Length: 0\r\n\r\n");
}

static void serve_echo(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096], answer[5000];
    while (net_peer_read(peer, fd, text, sizeof(text))) {
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(text),
                 text);
        net_send_text(fd, answer);
    }
}

/* A proxy that answers CONNECT with a refusal. */
static void serve_proxy_refusal(net_peer *peer, int fd, int nth)
{
    (void)nth;
    char text[4096];
    if (net_peer_read(peer, fd, text, sizeof(text)))
        net_send_text(fd, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
}

/* ---- answered ---- */

static void an_answer_is_read_and_the_connection_kept(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_ok);
    for (int i = 0; i < 3; i++) {
        ask(f, "http", i == 1 ? "POST" : "GET", 0, 0);
        assert_int_equal(f->result.code, MLC_OK);
        assert_int_equal(f->result.status, 200);
        assert_string_equal(f->result.body, "ok");
        assert_string_equal(f->result.type, "text/plain");
    }
    assert_int_equal(atomic_load(&f->peer.connections), 1);
    assert_int_equal(atomic_load(&f->peer.requests), 3);
}

static void interim_answers_leave_no_headers(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_interim);
    ask(f, "http", "GET", 0, 0);
    assert_int_equal(f->result.code, MLC_OK);
    assert_int_equal(f->result.status, 429);
    assert_string_equal(f->result.type, "text/plain");
    assert_string_equal(f->result.retry_after, "17");
}

static void a_folded_line_without_a_header_is_no_answer(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_folded);
    for (int i = 0; i < 4; i++) {
        ask(f, "http", "GET", 0, 0);
        assert_int_equal(f->result.code, i % 2 == 0 ? MLC_OK : MLC_E_UNCERTAIN);
    }
}

static void redirects_and_cookies_are_not_followed(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_redirect);
    ask(f, "http", "GET", 0, 0);
    assert_int_equal(f->result.status, 302);
    assert_int_equal(atomic_load(&f->peer.requests), 1);
}

static void the_request_goes_out_as_asked(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_echo);
    char url[128];
    mlc_http_request request = to_peer(f, "http", "PATCH", url, sizeof(url));
    const mlc_http_header headers[] = {
        {"Authorization", "Bearer abc"}, {"Content-Type", "application/json"}, {"X-Empty", ""}};
    request.headers = headers;
    request.header_count = 3;
    request.body = "{\"a\":1}";
    request.body_len = 7;
    run(f, &request);
    assert_non_null(strstr(f->result.body, "PATCH /path?secret=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(f->result.body, "Authorization: Bearer abc\r\n"));
    assert_non_null(strstr(f->result.body, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(f->result.body, "X-Empty:\r\n"));
    assert_non_null(strstr(f->result.body, "User-Agent: test\r\n"));
    assert_non_null(strstr(f->result.body, "Content-Length: 7\r\n"));
    assert_non_null(strstr(f->result.body, "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(f->result.body, "Expect"));
    assert_null(strstr(f->result.body, "Cookie"));
}

static void methods_without_body_send_none(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_echo);
    static const char *const methods[] = {"GET", "DELETE", "PUT", "POST"};
    for (size_t i = 0; i < 4; i++) {
        char url[128];
        mlc_http_request request = to_peer(f, "http", methods[i], url, sizeof(url));
        request.body = NULL;
        run(f, &request);
        assert_int_equal(f->result.code, MLC_OK);
        assert_memory_equal(f->result.body, methods[i], strlen(methods[i]));
        assert_null(strstr(f->result.body, "Content-Type"));
        assert_true((strstr(f->result.body, "Content-Length: 0") != NULL) == (methods[i][0] == 'P'));
    }
}

/* ---- certainly not sent ---- */

static void nobody_listening_is_unreachable(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_close);
    net_peer_stop(&f->peer);
    f->peer_runs = false;
    ask(f, "http", "POST", 0, 0);
    assert_int_equal(f->result.code, MLC_E_UNREACHABLE);
    ask(f, "https", "POST", 0, 0);
    assert_int_equal(f->result.code, MLC_E_UNREACHABLE);
}

static void unknown_host_is_not_sent(void **state)
{
    fixture *f = *state;
    mlc_http_request request = {.method = "POST", .url = "https://host.invalid/", .timeout_ms = 2000};
    run(f, &request);
    assert_true(f->result.code == MLC_E_UNREACHABLE || f->result.code == MLC_E_TIMEOUT);
}

static void hang_up_in_the_handshake_is_unreachable(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_close);
    ask(f, "https", "POST", 0, 0);
    assert_int_equal(f->result.code, MLC_E_UNREACHABLE);
}

static void silence_in_the_handshake_is_a_timeout(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_silence);
    ask(f, "https", "POST", 300, 0);
    assert_int_equal(f->result.code, MLC_E_TIMEOUT);
}

static void use_peer_as_proxy(fixture *f)
{
    char proxy[64];
    mlc_http_client_close(f->client);
    snprintf(proxy, sizeof(proxy), "http://user:pw@127.0.0.1:%d", f->peer.port);
    mlc_http_client_options options = {.loop = &f->loop, .proxy = {.url = proxy}};
    assert_int_equal(mlc_http_client_open(&f->client, &options, NULL), MLC_OK);
}

static void proxy_refusal_is_unreachable(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_proxy_refusal);
    use_peer_as_proxy(f);
    mlc_http_request request = {.method = "POST", .url = "https://crm.example/", .body = "x", .body_len = 1};
    run(f, &request);
    assert_int_equal(f->result.code, MLC_E_UNREACHABLE);
    assert_int_equal(atomic_load(&f->peer.requests), 1);
    assert_null(strstr(f->result.message, "pw"));
}

static void proxy_silence_is_a_timeout(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_silence);
    use_peer_as_proxy(f);
    mlc_http_request request = {.method = "POST", .url = "https://crm.example/", .timeout_ms = 300};
    run(f, &request);
    assert_int_equal(f->result.code, MLC_E_TIMEOUT);
}

static void plain_requests_pass_the_proxy_by(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_echo);
    use_peer_as_proxy(f);
    ask(f, "http", "GET", 0, 0);
    assert_memory_equal(f->result.body, "GET /path", 9); /* a proxy would get the whole URL */
    assert_null(strstr(f->result.body, "Proxy-"));
}

/* ---- perhaps executed ---- */

static void hang_up_is_uncertain(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_read_then_close);
    ask(f, "http", "POST", 0, 0);
    assert_int_equal(f->result.code, MLC_E_UNCERTAIN);
    ask(f, "http", "GET", 0, 0);
    assert_int_equal(f->result.code, MLC_E_UNCERTAIN);
    assert_int_equal(atomic_load(&f->peer.requests), 2);
}

static void hang_up_before_reading_is_uncertain(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_close);
    ask(f, "http", "POST", 0, 0);
    assert_int_equal(f->result.code, MLC_E_UNCERTAIN);
}

static void half_answers_are_uncertain(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_half);
    ask(f, "http", "POST", 0, 0);
    assert_int_equal(f->result.code, MLC_E_UNCERTAIN);
    assert_int_equal(f->result.status, 0);
    f->peer.serve = serve_half_head;
    ask(f, "http", "POST", 0, 0);
    assert_int_equal(f->result.code, MLC_E_UNCERTAIN);
}

static void silence_is_uncertain(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_silence);
    ask(f, "http", "POST", 300, 0);
    assert_int_equal(f->result.code, MLC_E_UNCERTAIN);
}

static void no_http_is_uncertain(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_no_http);
    ask(f, "http", "POST", 0, 0);
    assert_int_equal(f->result.code, MLC_E_UNCERTAIN);
}

/* The server reads a POST on a kept connection and hangs up: it may have executed it. */
static void a_post_is_never_repeated(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_stale);
    ask(f, "http", "GET", 0, 0);
    assert_int_equal(f->result.code, MLC_OK);
    ask(f, "http", "POST", 0, 0);
    assert_int_equal(f->result.code, MLC_E_UNCERTAIN);
    assert_int_equal(atomic_load(&f->peer.requests), 2);
    ask(f, "http", "POST", 0, 0);
    assert_int_equal(f->result.code, MLC_OK);
    assert_int_equal(atomic_load(&f->peer.requests), 3);
}

static void a_get_is_repeated_on_a_new_connection(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_stale);
    ask(f, "http", "GET", 0, 0);
    ask(f, "http", "GET", 0, 0);
    assert_int_equal(f->result.code, MLC_OK);
    assert_int_equal(atomic_load(&f->peer.requests), 3);
    assert_int_equal(atomic_load(&f->peer.connections), 2);
}

/* ---- limits ---- */

static void answers_have_a_limit(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_endless_body);
    ask(f, "http", "GET", 0, 10000);
    assert_int_equal(f->result.code, MLC_E_LIMIT);
    assert_in_range(f->result.body_len, 0, 10000);
    f->peer.serve = serve_large_length;
    ask(f, "http", "GET", 0, 10000);
    assert_int_equal(f->result.code, MLC_E_LIMIT);
    f->peer.serve = serve_endless_head;
    ask(f, "http", "GET", 0, 0);
    assert_int_equal(f->result.code, MLC_E_LIMIT);
}

/* ---- refused before anything happens ---- */

static void bad_requests_are_refused(void **state)
{
    fixture *f = *state;
    static const char *const urls[] = {"http://example.com/",
                                       "http://10.0.0.1/",
                                       "http://127.0.0.1.nip.io/",
                                       "http://localhost.evil/",
                                       "ftp://127.0.0.1/",
                                       "file:///etc/passwd",
                                       "127.0.0.1/",
                                       "https://u:p@127.0.0.1/",
                                       "https://127.0.0.1/\r\nX: y",
                                       "http://[::2]/",
                                       "http://128.0.0.1/",
                                       ""};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        mlc_http_request request = {.method = "GET", .url = urls[i]};
        assert_int_equal(mlc_http_send(f->client, &request, net_on_done, &f->result, NULL, NULL),
                         MLC_E_INVALID);
    }
    static const mlc_http_header bad[] = {{"X: y\r\nZ", "1"}, {"X", "1\r\nY: 2"}, {"", "1"}, {"X Y", "1"}};
    for (size_t i = 0; i < 4; i++) {
        mlc_http_request request = {
            .method = "GET", .url = "http://127.0.0.1:1/", .headers = &bad[i], .header_count = 1};
        assert_int_equal(mlc_http_send(f->client, &request, net_on_done, &f->result, NULL, NULL),
                         MLC_E_INVALID);
    }
    mlc_http_request request = {.method = "GET / HTTP/1.1\r\n", .url = "http://127.0.0.1:1/"};
    assert_int_equal(mlc_http_send(f->client, &request, net_on_done, &f->result, NULL, NULL), MLC_E_INVALID);
    net_run_for(&f->loop, 5);
    assert_int_equal(f->result.calls, 0);
}

static void bad_options_are_refused(void **state)
{
    fixture *f = *state;
    mlc_http_client *client = NULL;
    mlc_http_client_options half = {.loop = &f->loop, .client_cert_file = "x.pem"};
    assert_int_equal(mlc_http_client_open(&client, &half, NULL), MLC_E_INVALID);
    mlc_http_client_options socks = {.loop = &f->loop, .proxy = {.url = "socks5://127.0.0.1:1"}};
    assert_int_equal(mlc_http_client_open(&client, &socks, NULL), MLC_E_INVALID);
    assert_null(client);
}

/* ---- ending early ---- */

static void cancelled_calls_end_at_once(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_silence);
    char url[128];
    mlc_http_request request = to_peer(f, "http", "POST", url, sizeof(url));
    mlc_http_call *call = NULL;
    assert_int_equal(mlc_http_send(f->client, &request, net_on_done, &f->result, &call, NULL), MLC_OK);
    net_run_for(&f->loop, 50);
    mlc_http_cancel(call);
    assert_int_equal(f->result.calls, 1);
    assert_int_equal(f->result.code, MLC_E_CLOSED);
}

static void close_ends_all_calls(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_silence);
    char url[128];
    net_result results[40] = {0};
    mlc_http_request request = to_peer(f, "http", "POST", url, sizeof(url));
    for (size_t i = 0; i < 40; i++)
        assert_int_equal(mlc_http_send(f->client, &request, net_on_done, &results[i], NULL, NULL), MLC_OK);
    net_run_for(&f->loop, 20);
    mlc_http_client_close(f->client);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(results[i].calls, 1);
        assert_int_equal(results[i].code, MLC_E_CLOSED);
    }
    mlc_http_client_options options = {.loop = &f->loop};
    assert_int_equal(mlc_http_client_open(&f->client, &options, NULL), MLC_OK);
}

typedef struct closer {
    fixture *f;
    net_result other;
    bool done;
} closer;

static void close_in_callback(void *user, mlc_code code, const mlc_error *err,
                              const mlc_http_response *response)
{
    (void)code;
    (void)err;
    closer *c = user;
    mlc_http_request request = {.method = "GET", .url = "http://127.0.0.1:1/"};
    assert_int_equal(mlc_http_send(c->f->client, &request, net_on_done, &c->other, NULL, NULL), MLC_OK);
    mlc_http_client_close(c->f->client);
    assert_int_equal(mlc_http_send(c->f->client, &request, net_on_done, &c->other, NULL, NULL), MLC_E_CLOSED);
    assert_int_equal(response->status, 200); /* still valid */
    c->done = true;
}

static void close_within_a_callback_is_safe(void **state)
{
    fixture *f = *state;
    start_peer(f, serve_ok);
    char url[128];
    closer c = {.f = f};
    mlc_http_request request = to_peer(f, "http", "GET", url, sizeof(url));
    assert_int_equal(mlc_http_send(f->client, &request, close_in_callback, &c, NULL, NULL), MLC_OK);
    assert_true(net_run_until(&f->loop, &c.done));
    assert_int_equal(c.other.calls, 1);
    assert_int_equal(c.other.code, MLC_E_CLOSED);
    f->client = NULL;
    mlc_http_client_close(f->client);
}

static void statuses_have_classes(void **state)
{
    (void)state;
    static const struct {
        int status;
        mlc_code code;
    } rows[] = {{200, MLC_OK},
                {204, MLC_OK},
                {400, MLC_E_REJECTED},
                {405, MLC_E_REJECTED},
                {413, MLC_E_REJECTED},
                {415, MLC_E_REJECTED},
                {422, MLC_E_REJECTED},
                {401, MLC_E_AUTH},
                {403, MLC_E_DENIED},
                {404, MLC_E_NOTFOUND},
                {410, MLC_E_NOTFOUND},
                {409, MLC_E_CONFLICT},
                {412, MLC_E_CONFLICT},
                {408, MLC_E_THROTTLED},
                {429, MLC_E_THROTTLED},
                {500, MLC_E_UNAVAILABLE},
                {503, MLC_E_UNAVAILABLE},
                {302, MLC_E_PROTOCOL},
                {100, MLC_E_PROTOCOL},
                {418, MLC_E_PROTOCOL},
                {0, MLC_E_PROTOCOL},
                {600, MLC_E_PROTOCOL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(mlc_http_status_code(rows[i].status), rows[i].code);
}

#define with_client(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_client(an_answer_is_read_and_the_connection_kept),
        with_client(interim_answers_leave_no_headers),
        with_client(a_folded_line_without_a_header_is_no_answer),
        with_client(redirects_and_cookies_are_not_followed),
        with_client(the_request_goes_out_as_asked),
        with_client(methods_without_body_send_none),
        with_client(nobody_listening_is_unreachable),
        with_client(unknown_host_is_not_sent),
        with_client(hang_up_in_the_handshake_is_unreachable),
        with_client(silence_in_the_handshake_is_a_timeout),
        with_client(proxy_refusal_is_unreachable),
        with_client(proxy_silence_is_a_timeout),
        with_client(plain_requests_pass_the_proxy_by),
        with_client(hang_up_is_uncertain),
        with_client(hang_up_before_reading_is_uncertain),
        with_client(half_answers_are_uncertain),
        with_client(silence_is_uncertain),
        with_client(no_http_is_uncertain),
        with_client(a_post_is_never_repeated),
        with_client(a_get_is_repeated_on_a_new_connection),
        with_client(answers_have_a_limit),
        with_client(bad_requests_are_refused),
        with_client(bad_options_are_refused),
        with_client(cancelled_calls_end_at_once),
        with_client(close_ends_all_calls),
        with_client(close_within_a_callback_is_safe),
        cmocka_unit_test(statuses_have_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
