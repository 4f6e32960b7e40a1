/* Requests a well-meaning peer makes, over TLS and with our own client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/server_test.h"

#include <sys/stat.h>

static int set_up_tls(void **state)
{
    server_fix *f = server_fix_new(true);
    /* Server and client share a loop, which a sanitizer on a busy machine may hold up for seconds. */
    server_fix_open(f, &(server_fix_kind){.tls = true, .client_ca = true, .request_timeout_ms = 15000});
    *state = f;
    return 0;
}

static int set_up_bare(void **state)
{
    *state = server_fix_new(true);
    return 0;
}

static int tear_down(void **state)
{
    server_fix_free(*state);
    return 0;
}

static void requests_reach_their_handler(void **state)
{
    server_fix *f = *state;
    server_fix_ask(f, "GET", "/echo/a%20b/../c?q=1%262&flag&other=x", NULL, 0);
    assert_int_equal(f->result.code, MLC_OK);
    assert_int_equal(f->result.status, 200);
    assert_string_equal(f->result.type, "text/plain");
    assert_string_equal(f->result.body,
                        "GET /echo/c q=1&2 flag= custom=yes type=- peer=127.0.0.1 client=- body=0:");
    for (int i = 0; i < 3; i++) {
        server_fix_ask(f, "POST", "/echo", "hello", 5);
        assert_string_equal(f->result.body,
                            "POST /echo q=- flag=- custom=yes type=- peer=127.0.0.1 client=- body=5:hello");
        assert_string_equal(f->result.connection, ""); /* kept */
    }
}

static void every_method_and_empty_bodies_work(void **state)
{
    server_fix *f = *state;
    static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
    for (size_t i = 0; i < 4; i++) {
        for (int twice = 0; twice < 2; twice++) {
            server_fix_ask(f, methods[i], "/echo", NULL, 0);
            assert_int_equal(f->result.code, MLC_OK);
            assert_memory_equal(f->result.body, methods[i], strlen(methods[i]));
            server_fix_ask(f, methods[i], "/echo", "", 0);
            assert_int_equal(f->result.status, 200);
        }
    }
    server_fix_ask(f, "DELETE", "/echo", "abc", 3);
    assert_non_null(strstr(f->result.body, "body=3:abc"));
    server_fix_ask(f, "HEAD", "/echo", NULL, 0);
    assert_int_equal(f->result.status, 200);
    assert_int_equal(f->result.body_len, 0);
    server_fix_ask(f, "GET", "/nothing", NULL, 0);
    assert_int_equal(f->result.status, 204);
}

static void late_answers_arrive(void **state)
{
    server_fix *f = *state;
    server_fix_ask(f, "GET", "/later", NULL, 0);
    assert_int_equal(f->result.status, 202);
    server_fix_ask(f, "POST", "/later", "x", 1);
    assert_int_equal(f->result.status, 202);
    assert_string_equal(f->result.type, "application/json");
}

static void errors_are_json(void **state)
{
    server_fix *f = *state;
    server_fix_ask(f, "POST", "/nowhere", "abc", 3);
    assert_int_equal(f->result.status, 404);
    assert_string_equal(
        f->result.body,
        "{\"error\":{\"code\":\"not_found\",\"message\":\"there is nothing at this address\"}}");
    assert_string_equal(f->result.connection, "");
    server_fix_ask(f, "DELETE", "/large", NULL, 0);
    assert_int_equal(f->result.status, 405);
    server_fix_ask(f, "GET", "/busy", NULL, 0);
    assert_int_equal(f->result.status, 503);
    assert_string_equal(f->result.retry_after, "7");
    assert_string_equal(f->result.body,
                        "{\"error\":{\"code\":\"outbox_full\",\"message\":\"the \\\"outbox\\\" is full\"}}");
}

static void the_longest_route_decides_the_limit(void **state)
{
    server_fix *f = *state;
    server_fix_ask(f, "POST", "/echo/small", "0123456789", 10);
    assert_int_equal(f->result.status, 200);
    server_fix_ask(f, "POST", "/echo/small", "0123456789a", 11);
    assert_int_equal(f->result.status, 413);
    assert_string_equal(f->result.connection, "close");
    server_fix_ask(f, "POST", "/echo", "0123456789a", 11);
    assert_int_equal(f->result.status, 200);
}

static void far_too_large_bodies_get_an_answer(void **state)
{
    server_fix *f = *state;
    size_t len = (size_t)30 * 1024 * 1024;
    char *body = calloc(1, len);
    server_fix_ask(f, "POST", "/echo", body, len);
    free(body);
    assert_int_equal(f->result.code, MLC_OK);
    assert_int_equal(f->result.status, 413);
    assert_int_equal(f->handled, 0);
}

static void large_answers_come_whole(void **state)
{
    server_fix *f = *state;
    server_fix_ask(f, "GET", "/large", NULL, 0);
    assert_int_equal(f->result.code, MLC_OK);
    assert_int_equal(f->result.body_len, SERVER_TEST_LARGE);
    server_fix_ask(f, "GET", "/echo", NULL, 0);
    assert_int_equal(f->result.status, 200);
}

static void many_at_once(void **state)
{
    server_fix *f = *state;
    net_result results[200] = {0};
    char url[256];
    snprintf(url, sizeof(url), "%s/echo", f->url);
    mlc_http_request request = {.method = "POST", .url = url, .body = "x", .body_len = 1};
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(mlc_http_send(f->client, &request, net_on_done, &results[i], NULL, NULL), MLC_OK);
    for (size_t i = 0; i < 200; i++) {
        assert_true(net_run_until(&f->loop, &results[i].done));
        assert_int_equal(results[i].status, 200);
    }
    assert_int_equal(f->handled, 200);
}

/* ---- certificates ---- */

static mlc_code ask_with(server_fix *f, const char *server_cert, const char *client_cert)
{
    char cert[200], key[200], url[256];
    snprintf(f->cert, sizeof(f->cert), "%s/%s.pem", f->dir, server_cert);
    snprintf(f->key, sizeof(f->key), "%s/%s.key", f->dir, server_cert);
    server_fix_open(f, &(server_fix_kind){.tls = true, .client_ca = true});
    mlc_http_client *client = NULL;
    mlc_http_client_options options = {.loop = &f->loop, .ca_file = f->ca};
    if (client_cert != NULL) {
        snprintf(cert, sizeof(cert), "%s/%s.pem", f->dir, client_cert);
        snprintf(key, sizeof(key), "%s/%s.key", f->dir, client_cert);
        options.client_cert_file = cert;
        options.client_key_file = key;
    }
    assert_int_equal(mlc_http_client_open(&client, &options, NULL), MLC_OK);
    snprintf(url, sizeof(url), "%s/echo", f->url);
    mlc_http_request request = {.method = "POST", .url = url, .body = "x", .body_len = 1};
    f->result = (net_result){0};
    assert_int_equal(mlc_http_send(client, &request, net_on_done, &f->result, NULL, NULL), MLC_OK);
    assert_true(net_run_until(&f->loop, &f->result.done));
    mlc_http_client_close(client);
    return f->result.code;
}

static void a_wrong_server_name_is_refused(void **state)
{
    assert_int_equal(ask_with(*state, "wrongname", NULL), MLC_E_TLS);
}

static void an_expired_certificate_is_refused(void **state)
{
    assert_int_equal(ask_with(*state, "expired", NULL), MLC_E_TLS);
}

static void a_self_signed_certificate_is_refused(void **state)
{
    assert_int_equal(ask_with(*state, "selfsigned", NULL), MLC_E_TLS);
}

static void a_client_certificate_names_the_client(void **state)
{
    server_fix *f = *state;
    assert_int_equal(ask_with(f, "server", "client"), MLC_OK);
    assert_non_null(strstr(f->result.body, "client=agent-1 "));
}

static void a_strangers_client_certificate_is_refused(void **state)
{
    server_fix *f = *state;
    assert_int_not_equal(ask_with(f, "server", "stranger"), MLC_OK);
    assert_int_equal(f->handled, 0);
}

/* What openssl s_client makes of the server, which runs meanwhile. */
static bool s_client_says(server_fix *f, const char *options, const char *text)
{
    char command[1024], out[256];
    snprintf(out, sizeof(out), "%s/s_client.out", f->dir);
    snprintf(command, sizeof(command),
             "timeout 5 openssl s_client -connect 127.0.0.1:%d %s </dev/null >%s 2>&1 &",
             mlc_http_server_port(f->server), options, out);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): the other side is the openssl tool */
    char found[2048];
    for (int i = 0; i < 100; i++) {
        net_run_for(&f->loop, 50);
        snprintf(found, sizeof(found), "grep -q '%s' %s", text, out);
        if (system(found) == 0) /* NOLINT(cert-env33-c) */
            return true;
    }
    return false;
}

static void only_http_1_1_and_tls_1_2_are_offered(void **state)
{
    server_fix *f = *state;
    assert_true(s_client_says(f, "-alpn h2,http/1.1", "ALPN protocol: http/1.1"));
    assert_true(s_client_says(f, "-tls1_2", "Cipher is ECDHE"));
    assert_true(s_client_says(f, "-tls1_1 -cipher ALL:@SECLEVEL=0", "alert protocol version"));
}

/* ---- opening and closing ---- */

static void bad_options_are_refused(void **state)
{
    server_fix *f = *state;
    mlc_http_server *server = NULL;
    mlc_http_server_options plain = {.name = "x", .host = "0.0.0.0"};
    assert_int_equal(mlc_http_server_open(&server, f->lws, &plain, NULL), MLC_E_INVALID);
    plain.host = NULL;
    assert_int_equal(mlc_http_server_open(&server, f->lws, &plain, NULL), MLC_E_INVALID);
    mlc_http_server_options half = {.name = "x", .host = "127.0.0.1", .cert_file = f->cert};
    assert_int_equal(mlc_http_server_open(&server, f->lws, &half, NULL), MLC_E_INVALID);
    mlc_http_server_options missing = {
        .name = "x", .host = "127.0.0.1", .cert_file = "/dev/null/none", .key_file = f->key};
    assert_int_equal(mlc_http_server_open(&server, f->lws, &missing, NULL), MLC_E_INVALID);
    mlc_http_server_options garbage = {
        .name = "x", .host = "127.0.0.1", .cert_file = f->key, .key_file = f->cert};
    assert_int_equal(mlc_http_server_open(&server, f->lws, &garbage, NULL), MLC_E_IO);
    mlc_http_server_options nowhere = {
        .name = "x", .host = "203.0.113.7", .cert_file = f->cert, .key_file = f->key};
    assert_int_equal(mlc_http_server_open(&server, f->lws, &nowhere, NULL), MLC_E_IO);
    assert_null(server);
}

static void a_port_is_given_once_and_freed_by_close(void **state)
{
    server_fix *f = *state;
    server_fix_open(f, &(server_fix_kind){.tls = true});
    int port = mlc_http_server_port(f->server);
    mlc_http_route routes[16];
    mlc_http_server *second = NULL;
    mlc_http_server_options options = server_fix_options(f, routes, server_fix_routes(f, routes));
    options.port = port;
    assert_int_equal(mlc_http_server_open(&second, f->lws, &options, NULL), MLC_E_EXISTS);
    server_fix_ask(f, "GET", "/echo", NULL, 0); /* leaves a kept connection */
    mlc_http_server_close(f->server);
    f->server = NULL;
    mlc_code code = MLC_E_EXISTS;
    for (int i = 0; i < 100 && code != MLC_OK; i++) {
        net_run_for(&f->loop, 10);
        code = mlc_http_server_open(&f->server, f->lws, &options, NULL);
    }
    assert_int_equal(code, MLC_OK);
    snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%d", port);
    server_fix_ask(f, "GET", "/echo", NULL, 0);
    assert_int_equal(f->result.status, 200);
}

static void servers_come_and_go(void **state)
{
    server_fix *f = *state;
    for (int i = 0; i < 20; i++) {
        server_fix_open(f, &(server_fix_kind){.tls = i % 2 == 0});
        server_fix_ask(f, "GET", "/echo", NULL, 0);
        assert_int_equal(f->result.status, 200);
        mlc_http_server_close(f->server);
        f->server = NULL;
    }
}

static void close_in_a_handler_is_safe(void **state)
{
    server_fix *f = *state;
    server_fix_open(f, &(server_fix_kind){.tls = true});
    server_fix_ask(f, "GET", "/close", NULL, 0);
    assert_null(f->server);
    net_run_for(&f->loop, 20);
}

static void open_requests_survive_the_server(void **state)
{
    server_fix *f = *state;
    server_fix_open(f, &(server_fix_kind){.tls = true});
    char url[256];
    snprintf(url, sizeof(url), "%s/hold?q=kept", f->url);
    mlc_http_request request = {.method = "POST", .url = url, .body = "x", .body_len = 1};
    assert_int_equal(mlc_http_send(f->client, &request, net_on_done, &f->result, NULL, NULL), MLC_OK);
    bool held = false;
    for (int i = 0; i < 200 && !held; i++) {
        net_run_for(&f->loop, 10);
        held = f->held != NULL;
    }
    assert_true(held);
    mlc_http_server_close(f->server);
    f->server = NULL;
    assert_true(net_run_until(&f->loop, &f->result.done));
    assert_int_equal(f->result.code, MLC_E_UNCERTAIN);
    assert_string_equal(mlc_http_req_query(f->held, "q"), "kept");
    assert_string_equal(mlc_http_req_body(f->held, NULL), "x");
    assert_null(mlc_http_req_header(f->held, "host"));
    mlc_http_reply(f->held, 200, NULL, "{}", 2);
    f->held = NULL;
}

static void the_unix_socket_is_private_and_served(void **state)
{
    server_fix *f = *state;
    char path[200];
    struct stat st;
    snprintf(path, sizeof(path), "%s/admin.sock", f->dir);
    server_fix_kind kind = {.unix_socket = true};
    for (int i = 0; i < 2; i++) {
        server_fix_open(f, &kind);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0660);
        net_raw raw = {.unix_path = path,
                       .send = "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"};
        char *got = server_fix_raw(f, &raw);
        assert_non_null(strstr(got, "200 OK"));
        assert_non_null(strstr(got, "peer=unix"));
        free(got);
        mlc_http_server *second = NULL;
        mlc_http_server_options options = {.name = "second", .unix_path = path};
        assert_int_equal(mlc_http_server_open(&second, f->lws, &options, NULL), MLC_E_EXISTS);
        mlc_http_server_close(f->server);
        f->server = NULL;
        assert_int_not_equal(stat(path, &st), 0);
    }
    server_fix_open(f, &kind); /* while the one before is still going down */
    net_run_for(&f->loop, 50);
    assert_int_equal(stat(path, &st), 0);
}

static void a_file_is_not_taken_for_a_socket(void **state)
{
    server_fix *f = *state;
    mlc_http_server *server = NULL;
    mlc_http_server_options options = {.name = "x", .unix_path = f->ca};
    assert_int_equal(mlc_http_server_open(&server, f->lws, &options, NULL), MLC_E_EXISTS);
    assert_int_equal(access(f->ca, F_OK), 0);
    options.unix_path = "@abstract";
    assert_int_equal(mlc_http_server_open(&server, f->lws, &options, NULL), MLC_E_INVALID);
}

#define over_tls(test)  cmocka_unit_test_setup_teardown(test, set_up_tls, tear_down)
#define with_none(test) cmocka_unit_test_setup_teardown(test, set_up_bare, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        over_tls(requests_reach_their_handler),
        over_tls(every_method_and_empty_bodies_work),
        over_tls(late_answers_arrive),
        over_tls(errors_are_json),
        over_tls(the_longest_route_decides_the_limit),
        over_tls(far_too_large_bodies_get_an_answer),
        over_tls(large_answers_come_whole),
        over_tls(many_at_once),
        over_tls(only_http_1_1_and_tls_1_2_are_offered),
        with_none(a_wrong_server_name_is_refused),
        with_none(an_expired_certificate_is_refused),
        with_none(a_self_signed_certificate_is_refused),
        with_none(a_client_certificate_names_the_client),
        with_none(a_strangers_client_certificate_is_refused),
        with_none(bad_options_are_refused),
        with_none(a_port_is_given_once_and_freed_by_close),
        with_none(servers_come_and_go),
        with_none(close_in_a_handler_is_safe),
        with_none(open_requests_survive_the_server),
        with_none(the_unix_socket_is_private_and_served),
        with_none(a_file_is_not_taken_for_a_socket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
