/* Requests no library would make: cut, slow, contradictory, too large. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/server_test.h"

static int ws_echo(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user;
    if (reason == LWS_CALLBACK_ESTABLISHED)
        lws_callback_on_writable(wsi);
    if (reason != LWS_CALLBACK_SERVER_WRITEABLE)
        return 0;
    (void)in;
    (void)len;
    uint8_t out[LWS_PRE + 5] = {0};
    for (size_t i = 0; i < 5; i++)
        out[LWS_PRE + i] = (uint8_t) "hello"[i];
    return lws_write(wsi, out + LWS_PRE, 5, LWS_WRITE_TEXT) == 5 ? 0 : -1;
}

static int set_up(void **state)
{
    server_fix *f = server_fix_new(false);
    server_fix_open(f, &(server_fix_kind){.max_connections = 3});
    *state = f;
    return 0;
}

static int set_up_ws(void **state)
{
    static const struct lws_protocols extra[] = {{.name = "mlc.test", .callback = ws_echo}};
    server_fix *f = server_fix_new(false);
    server_fix_open(f, &(server_fix_kind){.extra = extra, .extra_count = 1});
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    server_fix_free(*state);
    return 0;
}

static void expect_answer(server_fix *f, const char *request, const char *answer, bool closed)
{
    net_raw raw = {.send = request};
    if (!closed)
        raw.until = answer;
    char *got = server_fix_raw(f, &raw);
    if (strstr(got, answer) == NULL)
        fail_msg("for %.60s...: no \"%s\" in: %s", request, answer, got);
    if (closed)
        assert_true(raw.closed);
    free(got);
}

/* The connection ends, and nothing is said. */
static void expect_silence(server_fix *f, const char *request)
{
    net_raw raw = {.send = request};
    char *got = server_fix_raw(f, &raw);
    assert_string_equal(got, "");
    assert_true(raw.closed);
    free(got);
}

#define HOST "Host: x\r\n"

static void pipelined_requests_are_answered_in_order(void **state)
{
    server_fix *f = *state;
    net_raw raw = {.send = "POST /later?q=1 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxx"
                           "GET /echo?q=2 HTTP/1.1\r\n" HOST "\r\n"
                           "GET /later HTTP/1.1\r\n" HOST "\r\n"
                           "GET /echo?q=4 HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"};
    char *got = server_fix_raw(f, &raw);
    const char *first = strstr(got, "202");
    const char *second = strstr(got, "q=2");
    const char *third = second != NULL ? strstr(second, "202") : NULL;
    const char *fourth = strstr(got, "q=4");
    assert_true(first != NULL && second != NULL && third != NULL && fourth != NULL);
    assert_true(first < second && second < third && third < fourth);
    assert_true(raw.closed);
    assert_int_equal(f->handled, 4);
    free(got);
}

/* No handler may see a body that is not the request's. */
static void pipelined_bodies_end_the_connection(void **state)
{
    server_fix *f = *state;
    static const char *const seconds[] = {
        "POST /echo?q=2 HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc",
        "PUT /echo?q=2 HTTP/1.1\r\n" HOST "Content-Length: 30\r\n\r\nabcdefghijabcdefghijabcdefghij",
        "POST /echo?q=2 HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"};
    char request[512];
    for (size_t i = 0; i < 3; i++) {
        f->handled = 0;
        snprintf(request, sizeof(request), "GET /%s HTTP/1.1\r\n" HOST "\r\n%s", i == 0 ? "later" : "echo",
                 seconds[i]);
        net_raw raw = {.send = request};
        char *got = server_fix_raw(f, &raw);
        assert_true(raw.closed);
        assert_memory_equal(got, "HTTP/1.1 20", 11);
        assert_null(strstr(got, "q=2"));
        assert_int_equal(f->handled, 1);
        free(got);
    }
}

/* libwebsockets would go round in it for ever, and no other connection be served. */
static void a_pipelined_body_that_is_refused_ends_the_connection(void **state)
{
    server_fix *f = *state;
    net_raw raw = {.send = "GET /echo HTTP/1.1\r\n" HOST "\r\n"
                           "DELETE /echo HTTP/1.1\r\n" HOST "Content-Length: 9x\r\n\r\n"
                           "POST /echo HTTP/1.1\r\n" HOST "\r\n"};
    char *got = server_fix_raw(f, &raw);
    assert_true(raw.closed);
    assert_memory_equal(got, "HTTP/1.1 20", 11);
    assert_int_equal(f->handled, 1);
    free(got);
}

static void names_of_http2_are_no_request(void **state)
{
    server_fix *f = *state;
    net_raw raw = {.send = ":path /echo HTTP/1.1\r\n" HOST "\r\n"};
    char *got = server_fix_raw(f, &raw);
    assert_true(raw.closed);
    assert_int_equal(f->handled, 0);
    free(got);
}

static void chunked_bodies_are_read(void **state)
{
    server_fix *f = *state;
    expect_answer(f,
                  "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                  "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nT: v\r\n\r\n",
                  "body=7:abcdefg", true);
    net_raw raw = {.send = "PUT /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n3\r\nab",
                   .send_later = "c\r\n0\r\n\r\n"};
    char *got = server_fix_raw(f, &raw);
    assert_non_null(strstr(got, "body=3:abc"));
    free(got);
}

static void chunked_bodies_have_the_routes_limit(void **state)
{
    server_fix *f = *state;
    expect_answer(f,
                  "POST /echo/small HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                  "6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n",
                  "413 Content Too Large", true);
    expect_answer(f, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400 Bad",
                  true);
    assert_int_equal(f->handled, 0);
}

static void contradictory_lengths_are_refused(void **state)
{
    server_fix *f = *state;
    static const char *const heads[] = {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                                        "Content-Length: 3\r\nContent-Length: 4\r\n",
                                        "Content-Length: -3\r\n",
                                        "Content-Length: +3\r\n",
                                        "Content-Length: 3x\r\n",
                                        "Content-Length: 0x3\r\n",
                                        "Content-Length: 99999999999999999999\r\n"};
    char request[512];
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        snprintf(request, sizeof(request), "POST /echo HTTP/1.1\r\n" HOST "%s\r\nabc", heads[i]);
        expect_answer(f, request, "400 Bad Request", true);
    }
    expect_answer(f, "GET /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 Bad",
                  true);
    expect_answer(f, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", "501 Not", true);
    assert_int_equal(f->handled, 0);
}

static void a_post_without_length_has_no_body(void **state)
{
    server_fix *f = *state;
    expect_answer(f, "POST /echo HTTP/1.1\r\n" HOST "\r\n", "body=0:", true);
    expect_answer(f, "GET /echo HTTP/1.0\r\n\r\n", "body=0:", true);
}

static void who_expects_100_continue_gets_it(void **state)
{
    server_fix *f = *state;
    net_raw raw = {.send = "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 3\r\n"
                           "Connection: close\r\n\r\n",
                   .send_later = "abc"};
    char *got = server_fix_raw(f, &raw);
    assert_memory_equal(got, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n", 42);
    assert_non_null(strstr(got, "body=3:abc"));
    free(got);
    expect_answer(f,
                  "POST /echo/small HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 300\r\n\r\n",
                  "HTTP/1.1 413", true);
}

static void slow_bodies_get_408(void **state)
{
    server_fix *f = *state;
    expect_answer(f, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc", "408 Request Timeout",
                  true);
    expect_answer(f, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc",
                  "408 Request", true);
    assert_int_equal(f->handled, 0);
}

static void slow_heads_are_cut_off(void **state)
{
    server_fix *f = *state;
    expect_silence(f, "GET /echo HTTP/1.1\r\nX-");
    expect_silence(f, "");
    net_raw raw = {
        .send = "GET /echo HTTP/1.1\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        .drip = true};
    char *got = server_fix_raw(f, &raw);
    assert_string_equal(got, "");
    free(got);
}

static char *long_request(const char *before, size_t len, const char *after)
{
    const size_t room = strlen(before) + len + strlen(after) + 1;
    char *filler = calloc(1, len + 1);
    char *text = malloc(room);
    assert_non_null(filler);
    assert_non_null(text);
    memset(filler, 'a', len);
    assert_int_equal(snprintf(text, room, "%s%s%s", before, filler, after), room - 1);
    free(filler);
    return text;
}

static void long_addresses_and_headers_are_refused(void **state)
{
    server_fix *f = *state;
    char *request = long_request("GET /echo/", 5000, " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    expect_answer(f, request, "414 URI Too Long", true);
    free(request);
    request = long_request("GET /echo?q=", 5000, " HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    expect_answer(f, request, "414 URI Too Long", true);
    free(request);
    request =
        long_request("GET /echo HTTP/1.1\r\n" HOST "Authorization: ", 9000, "\r\nConnection: close\r\n\r\n");
    expect_answer(f, request, "431 Request Header", true);
    free(request);
    request =
        long_request("GET /echo HTTP/1.1\r\n" HOST "Authorization: ", 40000, "\r\nConnection: close\r\n\r\n");
    expect_silence(f, request);
    free(request);
    assert_int_equal(f->handled, 0);
}

static void nonsense_is_cut_off(void **state)
{
    server_fix *f = *state;
    static const char *const requests[] = {
        "BREW /pot HTTP/1.1\r\n" HOST "\r\n", "\x16\x03\x01\x02\x02\x01\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET http://a/ HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\n" HOST "Connection: Upgrade, HTTP2-Settings\r\n"
        "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"};
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        net_raw raw = {.send = requests[i]};
        char *got = server_fix_raw(f, &raw);
        assert_true(raw.closed);
        assert_null(strstr(got, "HTTP/1.1 200"));
        assert_null(strstr(got, "101 Switching"));
        free(got);
    }
    assert_int_equal(f->handled, 0);
}

static void encoded_paths_are_decoded_once_and_stay_inside(void **state)
{
    server_fix *f = *state;
    expect_answer(f, "GET /echo/%2e%2e/%6eothing HTTP/1.0\r\n\r\n", "204 No Content", true);
    expect_answer(f, "GET /../../etc/passwd HTTP/1.0\r\n\r\n", "404 Not Found", true);
    expect_answer(f, "GET /echo/%2565 HTTP/1.0\r\n\r\n", "GET /echo/%65 ", true);
}

static void a_peer_that_hangs_up_makes_late_answers_void(void **state)
{
    server_fix *f = *state;
    net_raw raw = {.send = "GET /later HTTP/1.1\r\n" HOST "\r\n", .hang_up = true};
    free(server_fix_raw(f, &raw));
    net_raw half = {.send = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc", .hang_up = true};
    free(server_fix_raw(f, &half));
    net_run_for(&f->loop, 200);
    assert_int_equal(f->handled, 1);
    expect_answer(f, "GET /echo HTTP/1.0\r\n\r\n", "200 OK", true);
}

static void connections_have_a_limit(void **state)
{
    server_fix *f = *state;
    net_raw held[3];
    f->later_waits = true;
    for (size_t i = 0; i < 3; i++) {
        held[i] = (net_raw){.port = mlc_http_server_port(f->server),
                            .send = "GET /later HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"};
        net_raw_start(&held[i], &f->loop, 4096);
        for (int turns = 0; turns < 1000 && f->waiting_count <= i; turns++)
            net_run_for(&f->loop, 5);
        assert_int_equal(f->waiting_count, i + 1);
    }
    expect_silence(f, "GET /echo HTTP/1.0\r\n\r\n");
    uv_timer_start(&f->later, answer_later, 0, 0);
    int answered = 0;
    for (size_t i = 0; i < 3; i++) {
        net_raw_finish(&held[i], &f->loop);
        answered += strstr(held[i].got, "202") != NULL;
        free(held[i].got);
    }
    assert_int_equal(answered, 3);
    expect_answer(f, "GET /echo HTTP/1.0\r\n\r\n", "200 OK", true);
}

#define UPGRADE(protocol)                                                                                    \
    "GET /tunnel HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"                       \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" protocol "\r\n"

static void websockets_need_an_added_protocol(void **state)
{
    server_fix *f = *state;
    expect_silence(f, UPGRADE(""));
    expect_silence(f, UPGRADE("Sec-WebSocket-Protocol: http\r\n"));
}

static void added_protocols_get_websockets(void **state)
{
    server_fix *f = *state;
    expect_answer(f, UPGRADE("Sec-WebSocket-Protocol: mlc.test\r\n"), "101 Switching Protocols", false);
    net_raw raw = {.send = UPGRADE("Sec-WebSocket-Protocol: mlc.test\r\n"), .until = "hello"};
    char *got = server_fix_raw(f, &raw);
    assert_non_null(strstr(got, "hello"));
    free(got);
    expect_silence(f, UPGRADE(""));
    expect_silence(f, UPGRADE("Sec-WebSocket-Protocol: http\r\n"));
    expect_answer(f, "GET /echo HTTP/1.0\r\n\r\n", "200 OK", true);
}

/* The server goes while a websocket is open: it must be taken along. */
static void open_websockets_are_closed_with_the_server(void **state)
{
    server_fix *f = *state;
    net_raw raw = {.send = UPGRADE("Sec-WebSocket-Protocol: mlc.test\r\n")};
    raw.port = mlc_http_server_port(f->server);
    net_raw_start(&raw, &f->loop, 4096);
    net_run_for(&f->loop, 200);
    mlc_http_server_close(f->server);
    f->server = NULL;
    net_raw_finish(&raw, &f->loop);
    assert_non_null(strstr(raw.got, "hello"));
    free(raw.got);
}

#define plain(test)   cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define with_ws(test) cmocka_unit_test_setup_teardown(test, set_up_ws, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        plain(pipelined_requests_are_answered_in_order),
        plain(pipelined_bodies_end_the_connection),
        plain(names_of_http2_are_no_request),
        plain(a_pipelined_body_that_is_refused_ends_the_connection),
        plain(chunked_bodies_are_read),
        plain(chunked_bodies_have_the_routes_limit),
        plain(contradictory_lengths_are_refused),
        plain(a_post_without_length_has_no_body),
        plain(who_expects_100_continue_gets_it),
        plain(slow_bodies_get_408),
        plain(slow_heads_are_cut_off),
        plain(long_addresses_and_headers_are_refused),
        plain(nonsense_is_cut_off),
        plain(encoded_paths_are_decoded_once_and_stay_inside),
        plain(a_peer_that_hangs_up_makes_late_answers_void),
        plain(connections_have_a_limit),
        plain(websockets_need_an_added_protocol),
        with_ws(added_protocols_get_websockets),
        with_ws(open_websockets_are_closed_with_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
