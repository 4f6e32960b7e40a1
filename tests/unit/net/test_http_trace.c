/* What a trace tells of a request's way: stage, certificates, the one that was refused (net/http_trace.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/http_trace.h"
#include "support/server_test.h"

static int set_up(void **state)
{
    *state = server_fix_new(true);
    return 0;
}

static int tear_down(void **state)
{
    server_fix_free(*state);
    return 0;
}

/* With the server's certificate and the authority that the client trusts, by their names in make_certs.sh. */
static mlc_http_trace trace_with(server_fix *f, const char *cert, const char *authority, const char *proxy)
{
    char ca[200];
    char url[256];
    mlc_http_trace trace = {0};
    mlc_http_client *client = NULL;
    (void)snprintf(f->cert, sizeof f->cert, "%s/%s.pem", f->dir, cert);
    (void)snprintf(f->key, sizeof f->key, "%s/%s.key", f->dir, cert);
    (void)snprintf(ca, sizeof ca, "%s/%s.pem", f->dir, authority);
    if (f->server == NULL)
        server_fix_open(f, &(server_fix_kind){.tls = true});
    (void)snprintf(url, sizeof url, "%s/echo", f->url);
    const mlc_http_client_options options = {.loop = &f->loop, .ca_file = ca, .proxy = {.url = proxy}};
    const mlc_http_request request = {.method = "GET", .url = url, .trace = &trace};
    assert_int_equal(mlc_http_client_open(&client, &options, NULL), MLC_OK);
    f->result = (net_result){0};
    assert_int_equal(mlc_http_send(client, &request, net_on_done, &f->result, NULL, NULL), MLC_OK);
    assert_true(net_run_until(&f->loop, &f->result.done));
    mlc_http_client_close(client);
    return trace;
}

static void a_good_way_ends_with_the_peers_certificate(void **state)
{
    server_fix *const f = *state;
    const mlc_http_trace t = trace_with(f, "server", "ca", NULL);
    assert_int_equal(f->result.code, MLC_OK);
    assert_int_equal(t.stage, MLC_HTTP_AT_END);
    assert_string_equal(t.peer.subject, "CN=localhost");
    assert_string_equal(t.peer.issuer, "CN=test CA");
    assert_true(t.peer.not_after_ms > mlc_wall_ms());
    assert_string_equal(t.fault, "");
    assert_false(t.unknown_issuer);
}

static void an_unknown_authority_is_named_and_the_request_fails_as_ever(void **state)
{
    server_fix *const f = *state;
    const mlc_http_trace t = trace_with(f, "server", "otherca", NULL);
    assert_int_equal(f->result.code, MLC_E_TLS);
    assert_int_equal(f->handled, 0);
    assert_int_equal(t.stage, MLC_HTTP_AT_TLS);
    assert_true(t.unknown_issuer);
    assert_string_equal(t.refused.subject, "CN=localhost");
    assert_string_equal(t.refused.issuer, "CN=test CA");
}

static void an_expired_certificate_is_told_from_an_unknown_authority(void **state)
{
    server_fix *const f = *state;
    const mlc_http_trace t = trace_with(f, "expired", "ca", NULL);
    assert_int_equal(f->result.code, MLC_E_TLS);
    assert_int_equal(t.stage, MLC_HTTP_AT_TLS);
    assert_false(t.unknown_issuer);
    assert_string_equal(t.fault, "certificate has expired");
    assert_true(t.refused.not_after_ms > 0 && t.refused.not_after_ms < mlc_wall_ms());
}

static void a_wrong_name_is_no_fault_of_the_chain(void **state)
{
    server_fix *const f = *state;
    const mlc_http_trace t = trace_with(f, "wrongname", "ca", NULL);
    assert_int_equal(f->result.code, MLC_E_TLS);
    assert_int_equal(t.stage, MLC_HTTP_AT_TLS);
    assert_string_equal(t.fault, "");
    assert_string_equal(t.peer.subject, "CN=other.example");
}

static void a_missing_ca_file_ends_at_the_handshake(void **state)
{
    const mlc_http_trace t = trace_with(*state, "server", "absent", NULL);
    assert_int_equal(t.stage, MLC_HTTP_AT_TLS);
    assert_string_equal(t.peer.subject, "");
}

static void nobody_listens(void **state)
{
    server_fix *const f = *state;
    server_fix_open(f, &(server_fix_kind){.tls = true});
    mlc_http_server_close(f->server);
    (void)net_run_for(&f->loop, 50);
    const mlc_http_trace t = trace_with(f, "server", "ca", NULL);
    f->server = NULL;
    assert_int_equal(f->result.code, MLC_E_UNREACHABLE);
    assert_int_equal(t.stage, MLC_HTTP_AT_CONNECT);
}

static void refuse_to_connect(net_peer *peer, int fd, int nth)
{
    char request[2048];
    (void)nth;
    if (net_peer_read(peer, fd, request, sizeof request))
        (void)net_send_text(fd, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
}

static void a_proxy_that_refuses_is_told_with_its_status(void **state)
{
    server_fix *const f = *state;
    net_peer proxy;
    char url[64];
    net_peer_start(&proxy, refuse_to_connect);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", proxy.port);
    server_fix_open(f, &(server_fix_kind){.tls = false});
    (void)snprintf(f->url, sizeof f->url, "https://relay.example.com");
    const mlc_http_trace t = trace_with(f, "server", "ca", url);
    net_peer_stop(&proxy);
    assert_int_equal(f->result.code, MLC_E_UNREACHABLE);
    assert_true(t.proxied);
    assert_int_equal(t.stage, MLC_HTTP_AT_PROXY);
    assert_int_equal(t.connect_status, 407);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_way_ends_with_the_peers_certificate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_authority_is_named_and_the_request_fails_as_ever, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_expired_certificate_is_told_from_an_unknown_authority, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_name_is_no_fault_of_the_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_ca_file_ends_at_the_handshake, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_listens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_proxy_that_refuses_is_told_with_its_status, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
