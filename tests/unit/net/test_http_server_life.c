/* The end of a server that a successor follows: a listening socket of somebody else's, draining, another certificate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/server_test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_up(void **state)
{
    *state = server_fix_new(false);
    return 0;
}

static int set_up_tls(void **state)
{
    *state = server_fix_new(true);
    return 0;
}

static int tear_down(void **state)
{
    server_fix_free(*state);
    return 0;
}

/* A listening socket on loopback, or, with an address, elsewhere. */
static int listener(const char *address, uint16_t *port)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t len = sizeof(name);
    assert_int_equal(inet_pton(AF_INET, address, &name.sin_addr), 1);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
    *port = ntohs(name.sin_port);
    return fd;
}

static mlc_code open_on(server_fix *f, int fd, bool tls, mlc_error *err)
{
    mlc_http_route routes[16];
    mlc_http_server_options options = server_fix_options(f, routes, server_fix_routes(f, routes));
    options.listen_fd = fd;
    if (tls) {
        options.cert_file = f->cert;
        options.key_file = f->key;
    }
    const mlc_code code = mlc_http_server_open(&f->server, f->lws, &options, err);
    if (code == MLC_OK)
        snprintf(f->url, sizeof(f->url), "%s://localhost:%d", tls ? "https" : "http",
                 mlc_http_server_port(f->server));
    return code;
}

/* ---- a socket of somebody else's ---- */

static void serve_from_a_socket_passed(server_fix *f, bool tls)
{
    uint16_t port = 0;
    const int fd = listener("127.0.0.1", &port);
    assert_int_equal(open_on(f, fd, tls, NULL), MLC_OK);
    assert_int_equal(mlc_http_server_port(f->server), port);
    for (int i = 0; i < 5; i++) {
        server_fix_ask(f, "POST", "/echo", "body", 4);
        assert_int_equal(f->result.status, 200);
        assert_non_null(strstr(f->result.body, "peer=127.0.0.1"));
    }
}

static void a_socket_passed_is_served(void **state)
{
    serve_from_a_socket_passed(*state, false);
}

static void a_socket_passed_is_served_over_tls(void **state)
{
    serve_from_a_socket_passed(*state, true);
}

static void without_tls_a_socket_passed_must_be_of_loopback(void **state)
{
    uint16_t port = 0;
    mlc_error err;
    const int fd = listener("0.0.0.0", &port);
    assert_int_equal(open_on(*state, fd, false, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "without TLS"));
    close(fd);
}

/* A connection that comes while nobody accepts is served by the next server; none is refused. */
static void connections_wait_for_a_successor(void **state)
{
    server_fix *f = *state;
    uint16_t port = 0;
    const int fd = listener("127.0.0.1", &port);
    assert_int_equal(open_on(f, dup(fd), false, NULL), MLC_OK);
    server_fix_ask(f, "GET", "/echo", NULL, 0);
    mlc_http_server_close(f->server);
    f->server = NULL;
    net_run_for(&f->loop, 50);
    net_raw raw = {.send = "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", .port = port};
    net_raw_start(&raw, &f->loop, 4096);
    net_run_for(&f->loop, 100); /* it is connected, and waits */
    assert_int_equal(open_on(f, fd, false, NULL), MLC_OK);
    net_raw_finish(&raw, &f->loop);
    assert_non_null(strstr(raw.got, "200 OK"));
    free(raw.got);
}

/* ---- draining ---- */

static void what_is_under_way_is_answered_before_the_end(void **state)
{
    server_fix *f = *state;
    server_fix_open(f, &(server_fix_kind){0});
    net_raw raw = {.send = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n", .port = mlc_http_server_port(f->server)};
    net_raw_start(&raw, &f->loop, 4096);
    while (f->waiting_count == 0)
        net_run_for(&f->loop, 5);
    mlc_http_server_drain(f->server);
    assert_int_equal(mlc_http_server_busy(f->server, false), 1);
    net_raw_finish(&raw, &f->loop);
    assert_non_null(strstr(raw.got, "202 Accepted"));
    assert_non_null(strstr(raw.got, "Connection: close"));
    assert_true(raw.closed);
    net_run_for(&f->loop, 20);
    assert_int_equal(mlc_http_server_busy(f->server, true), 0);
    free(raw.got);
}

static void a_kept_connection_gets_its_next_answer_and_ends(void **state)
{
    server_fix *f = *state;
    server_fix_open(f, &(server_fix_kind){0});
    server_fix_ask(f, "GET", "/echo", NULL, 0);
    assert_int_equal(mlc_http_server_busy(f->server, false), 0);
    assert_int_equal(mlc_http_server_busy(f->server, true), 1);
    mlc_http_server_drain(f->server);
    mlc_http_server_drain(f->server);
    net_run_for(&f->loop, 20);
    server_fix_ask(f, "GET", "/echo", NULL, 0);
    assert_int_equal(f->result.status, 200);
    net_run_for(&f->loop, 20);
    assert_int_equal(mlc_http_server_busy(f->server, true), 0);
}

static void draining_refuses_new_connections_without_a_socket_passed(void **state)
{
    server_fix *f = *state;
    server_fix_open(f, &(server_fix_kind){0});
    mlc_http_server_drain(f->server);
    server_fix_ask(f, "GET", "/echo", NULL, 0);
    assert_int_equal(f->result.status, 200);
    mlc_http_server_stop_accepting(f->server);
    mlc_http_server_stop_accepting(f->server);
    net_run_for(&f->loop, 50);
    server_fix_ask(f, "GET", "/echo", NULL, 0);
    assert_int_equal(f->result.code, MLC_E_UNREACHABLE);
}

/* ---- what a service manager passes ---- */

/* In a process of its own, whose third descriptor is `fd`. Gives 100 when one was taken, 0 when none, else the code. */
static int inherit(int fd, const char *count, bool for_another)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char pid[16];
        int got = -1;
        snprintf(pid, sizeof(pid), "%d", (int)getpid() + (for_another ? 1 : 0));
        (void)setenv("LISTEN_PID", pid, 1);
        (void)setenv("LISTEN_FDS", count, 1);
        if (fd >= 0 && fd != 3)
            (void)dup2(fd, 3);
        const mlc_code code = mlc_inherited_listener(&got, NULL);
        const bool clean = getenv("LISTEN_PID") == NULL && getenv("LISTEN_FDS") == NULL;
        const bool shut = got != 3 || (fcntl(3, F_GETFD) & FD_CLOEXEC) != 0;
        _exit(!clean || !shut ? 99 : code != MLC_OK ? (int)code : got == 3 ? 100 : got);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_manager_passes_one_listening_socket(void **state)
{
    (void)state;
    uint16_t port = 0;
    const int fd = listener("127.0.0.1", &port), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(inherit(fd, "1", false), 100);
    assert_int_equal(inherit(fd, "1", true), 0); /* meant for another process */
    assert_int_equal(inherit(fd, "2", false), MLC_E_INVALID);
    assert_int_equal(inherit(fd, "x", false), MLC_E_INVALID);
    assert_int_equal(inherit(null, "1", false), MLC_E_INVALID);
    const int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(inherit(plain, "1", false), MLC_E_INVALID);
    close(plain);
    close(null);
    close(fd);
}

/* ---- another certificate ---- */

static void copy_file(const char *dir, const char *from, const char *to)
{
    char command[512];
    snprintf(command, sizeof(command), "cp %s/%s %s/%s", dir, from, dir, to);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): plain names */
}

/* The certificate under which the server answers now, by what a client that trusts the CA says of it. */
static mlc_code ask_anew(server_fix *f)
{
    char url[256];
    mlc_http_client *client = NULL;
    const mlc_http_client_options options = {.loop = &f->loop, .ca_file = f->ca};
    assert_int_equal(mlc_http_client_open(&client, &options, NULL), MLC_OK);
    snprintf(url, sizeof(url), "%s/echo", f->url);
    const mlc_http_request request = {.method = "GET", .url = url};
    f->result = (net_result){0};
    assert_int_equal(mlc_http_send(client, &request, net_on_done, &f->result, NULL, NULL), MLC_OK);
    assert_true(net_run_until(&f->loop, &f->result.done));
    mlc_http_client_close(client);
    return f->result.code;
}

static void a_certificate_comes_while_the_server_runs(void **state)
{
    server_fix *f = *state;
    mlc_error err;
    copy_file(f->dir, "expired.pem", "now.pem");
    copy_file(f->dir, "expired.key", "now.key");
    snprintf(f->cert, sizeof(f->cert), "%s/now.pem", f->dir);
    snprintf(f->key, sizeof(f->key), "%s/now.key", f->dir);
    server_fix_open(f, &(server_fix_kind){.tls = true, .client_ca = true});
    assert_int_equal(ask_anew(f), MLC_E_TLS);
    copy_file(f->dir, "server.pem", "now.pem");
    assert_int_equal(mlc_http_server_reload_tls(f->server, &err), MLC_E_TLS); /* not its key */
    assert_non_null(strstr(err.message, "now.key"));
    assert_int_equal(ask_anew(f), MLC_E_TLS);
    copy_file(f->dir, "server.key", "now.key");
    assert_int_equal(mlc_http_server_reload_tls(f->server, NULL), MLC_OK);
    assert_int_equal(ask_anew(f), MLC_OK);
    copy_file(f->dir, "server.key", "now.pem"); /* holds no certificate */
    assert_int_equal(mlc_http_server_reload_tls(f->server, &err), MLC_E_TLS);
    assert_non_null(strstr(err.message, "now.pem"));
    assert_int_equal(ask_anew(f), MLC_OK);
}

static void without_tls_there_is_nothing_to_reload(void **state)
{
    server_fix *f = *state;
    server_fix_open(f, &(server_fix_kind){0});
    assert_int_equal(mlc_http_server_reload_tls(f->server, NULL), MLC_E_UNSUPPORTED);
}

/* ---- behind a proxy ---- */

static void a_proxy_names_its_client(void **state)
{
    server_fix *f = *state;
    mlc_http_route routes[16];
    mlc_proxies *proxies = NULL;
    mlc_http_server_options options = server_fix_options(f, routes, server_fix_routes(f, routes));
    assert_int_equal(mlc_proxies_open(&proxies, NULL), MLC_OK);
    assert_int_equal(mlc_proxies_add(proxies, "127.0.0.0/8", NULL), MLC_OK);
    options.proxies = proxies;
    assert_int_equal(mlc_http_server_open(&f->server, f->lws, &options, NULL), MLC_OK);
    net_raw raw = {.send = "GET /echo HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.1, 203.0.113.9\r\n"
                           "Connection: close\r\n\r\n"};
    char *got = server_fix_raw(f, &raw);
    assert_non_null(strstr(got, "peer=203.0.113.9 "));
    free(got);
    raw = (net_raw){.send = "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"};
    got = server_fix_raw(f, &raw);
    assert_non_null(strstr(got, "peer=127.0.0.1 "));
    free(got);
    mlc_http_server_close(f->server);
    f->server = NULL;
    net_run_for(&f->loop, 20);
    mlc_proxies_free(proxies);
}

#define plain(test)    cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define over_tls(test) cmocka_unit_test_setup_teardown(test, set_up_tls, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        plain(a_socket_passed_is_served),
        over_tls(a_socket_passed_is_served_over_tls),
        plain(without_tls_a_socket_passed_must_be_of_loopback),
        plain(connections_wait_for_a_successor),
        plain(what_is_under_way_is_answered_before_the_end),
        plain(a_kept_connection_gets_its_next_answer_and_ends),
        plain(draining_refuses_new_connections_without_a_socket_passed),
        cmocka_unit_test(a_manager_passes_one_listening_socket),
        over_tls(a_certificate_comes_while_the_server_runs),
        plain(without_tls_there_is_nothing_to_reload),
        plain(a_proxy_names_its_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
