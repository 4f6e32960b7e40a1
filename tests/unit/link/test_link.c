/* The whole tunnel: two stores, two transports, real sockets and TLS, a wire that is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/http_listen.h"
#include "support/tunnel_test.h"

enum { MANY = 5000 };

/* ---- checks ---- */

typedef struct order_check {
    unsigned expected;
    const char *prefix;
    size_t payload_len;
    bool gaps_allowed;
} order_check;

static bool check_next(const mlc_entry *entry, void *arg)
{
    order_check *check = arg;
    char idem[64], start[24];
    snprintf(idem, sizeof(idem), "%s/%u", check->prefix, check->expected);
    assert_string_equal(entry->idem, idem);
    assert_string_equal(entry->correlation, idem);
    assert_string_equal(entry->kind, "test");
    assert_int_equal(entry->payload_len, check->payload_len);
    const int n = snprintf(start, sizeof(start), "%u:", check->expected);
    assert_memory_equal(entry->payload, start, (size_t)n);
    if (check->payload_len > 24)
        assert_int_equal(((const char *)entry->payload)[check->payload_len - 1],
                         'a' + (int)(check->expected % 26));
    check->expected++;
    return true;
}

typedef struct scan_job {
    mlc_outbox *stream;
    order_check check;
} scan_job;

static mlc_code scan(mlc_txn *txn, void *arg, mlc_error *err)
{
    scan_job *job = arg;
    return mlc_outbox_scan(txn, job->stream, 1, SIZE_MAX, check_next, &job->check, err);
}

/* Exactly messages 0..count-1 arrived, in order, once each, whole. */
static void assert_received(const tunnel_end *end, const char *prefix, unsigned count, size_t payload_len)
{
    scan_job job = {.stream = end->received, .check = {.prefix = prefix, .payload_len = payload_len}};
    assert_int_equal(mlc_store_read(end->store, scan, &job, NULL), MLC_OK);
    assert_int_equal(job.check.expected, count);
}

static bool relay_has(tunnel_fix *f, uint64_t count)
{
    return tunnel_received(&f->relay) >= count;
}

static bool agent_down(tunnel_fix *f, uint64_t downs)
{
    return f->agent.downs >= downs;
}

/* ---- tests ---- */

static void exchange_with_cuts(bool tls, bool compress)
{
    tunnel_fix *f = tunnel_fix_new(tls);
    f->compress = compress;
    tunnel_serve(f);
    f->wire.cut_after = tls ? (size_t)90 * 1024 : (size_t)60 * 1024;
    if (compress)
        f->wire.cut_after = (size_t)20 * 1024;
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    tunnel_dial(f, &options);
    /* Some before, some while it runs. */
    tunnel_put_many(&f->agent, "up", 0, MANY / 2, 100);
    tunnel_put_many(&f->relay, "down", 0, MANY / 2, 100);
    assert_true(tunnel_wait(f, tunnel_is_up, 0));
    for (unsigned i = MANY / 2; i < MANY; i += 100) {
        tunnel_put_many(&f->agent, "up", i, 100, 100);
        tunnel_put_many(&f->relay, "down", i, 100, 100);
        mlc_tunnel_client_poke(f->client);
        mlc_tunnel_server_poke(f->server, TUNNEL_TEST_AGENT);
        net_run_for(&f->loop, 1);
    }
    assert_true(tunnel_wait(f, tunnel_all_acked, 0));
    assert_received(&f->relay, "up", MANY, 100);
    assert_received(&f->agent, "down", MANY, 100);
    if (!compress)
        assert_true(f->wire.cuts >= 10);
    assert_true(f->wire.cuts > 0);
    mlc_link_status status;
    mlc_tunnel_client_status(f->client, &status);
    assert_true(status.reconnects > 0);
    assert_true(status.received == MANY);
    assert_true(f->agent.received_calls > 0);
    tunnel_fix_free(f);
}

static void test_cut_many_times_tls(void **state)
{
    (void)state;
    exchange_with_cuts(true, false);
}

static void test_cut_many_times_deflate(void **state)
{
    (void)state;
    exchange_with_cuts(true, true);
}

static void large_messages(bool compress)
{
    tunnel_fix *f = tunnel_fix_new(true);
    f->compress = compress;
    tunnel_serve(f);
    tunnel_put_many(&f->agent, "up", 0, 3, (size_t)1024 * 1024);
    tunnel_put_many(&f->relay, "down", 0, 3, (size_t)1024 * 1024);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    tunnel_dial(f, &options);
    assert_true(tunnel_wait(f, tunnel_all_acked, 0));
    assert_received(&f->relay, "up", 3, (size_t)1024 * 1024);
    assert_received(&f->agent, "down", 3, (size_t)1024 * 1024);
    tunnel_fix_free(f);
}

static void test_large_message_in_chunks(void **state)
{
    (void)state;
    large_messages(false);
}

/* A few bytes on the wire become a megabyte: nothing may wait for the next event of a socket. */
static void test_large_message_deflated(void **state)
{
    (void)state;
    large_messages(true);
}

static void test_client_certificate(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    f->client_ca = true;
    tunnel_serve(f);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    options.agent_key = NULL;
    options.client_cert_file = f->client_cert;
    options.client_key_file = f->client_key;
    tunnel_put_many(&f->agent, "up", 0, 10, 100);
    tunnel_dial(f, &options);
    assert_true(tunnel_wait(f, tunnel_all_acked, 0));
    assert_received(&f->relay, "up", 10, 100);
    assert_string_equal(f->seen_name, "agent-1");
    assert_int_equal(strlen(f->seen_print), 64);
    tunnel_fix_free(f);
}

/* Dial with options that must be refused, and give the reason. */
static void assert_refused(tunnel_fix *f, const mlc_tunnel_client_options *options, const char *why)
{
    tunnel_dial(f, options);
    assert_true(tunnel_wait(f, agent_down, 1));
    if (strstr(f->agent.last_why, why) == NULL)
        fail_msg("refused for: %s", f->agent.last_why);
    assert_int_equal(f->agent.ups, 0);
    assert_int_equal(f->relay.ups, 0);
}

static void test_wrong_key_is_refused(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    uint8_t wrong[MLC_KEY_LEN];
    tunnel_serve(f);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    memset(wrong, 0x5b, sizeof(wrong));
    options.agent_key = wrong;
    tunnel_put_many(&f->agent, "up", 0, 1, 100);
    assert_refused(f, &options, "auth");
    assert_int_equal(tunnel_received(&f->relay), 0);
    tunnel_fix_free(f);
}

static void test_unknown_agent_is_refused(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    f->known = false;
    tunnel_serve(f);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    assert_refused(f, &options, "auth");
    /* The operator enrols it: the agent finds in by itself. */
    f->known = true;
    assert_true(tunnel_wait(f, tunnel_is_up, 0));
    tunnel_fix_free(f);
}

static void test_certificate_without_permission_is_refused(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    f->client_ca = true;
    tunnel_serve(f);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    options.agent_key = NULL; /* it says "mtls" but shows a certificate of nobody we know */
    options.client_cert_file = f->cert;
    options.client_key_file = f->key_file;
    assert_refused(f, &options, "");
    tunnel_fix_free(f);
}

static void test_untrusted_relay_is_refused(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    char other[160];
    snprintf(other, sizeof(other), "%s/otherca.pem", f->dir);
    tunnel_serve(f);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    options.ca_file = other;
    assert_refused(f, &options, "");
    tunnel_fix_free(f);
}

static void test_wrong_host_name_is_refused(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    snprintf(f->cert, sizeof(f->cert), "%s/wrongname.pem", f->dir);
    snprintf(f->key_file, sizeof(f->key_file), "%s/wrongname.key", f->dir);
    tunnel_serve(f);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    assert_refused(f, &options, "");
    tunnel_fix_free(f);
}

static void dial_v6(const char *cert, bool works)
{
    tunnel_fix *f = tunnel_fix_new(true);
    f->host = "::1";
    snprintf(f->cert, sizeof(f->cert), "%s/%s.pem", f->dir, cert);
    snprintf(f->key_file, sizeof(f->key_file), "%s/%s.key", f->dir, cert);
    tunnel_serve(f);
    snprintf(f->url, sizeof(f->url), "wss://[::1]:%d/v1/tunnel", mlc_http_server_port(f->http));
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    tunnel_put_many(&f->agent, "up", 0, 10, 100);
    if (works) {
        tunnel_dial(f, &options);
        assert_true(tunnel_wait(f, tunnel_all_acked, 0));
    } else {
        assert_refused(f, &options, "\"CN=other.example\", issued by \"CN=test CA\", is not for ::1");
    }
    tunnel_fix_free(f);
}

/* libwebsockets cuts a host at its first colon and would verify no name at all for [::1]. */
static void test_ipv6_address_is_verified(void **state)
{
    (void)state;
    if (!mlc_listen_have_ipv6())
        skip();
    dial_v6("server", true);
    dial_v6("wrongname", false);
}

static void test_refused_certificate_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *cert, *ca, *words;
    } rows[] = {
        {"server", "otherca", "\"CN=localhost\", issued by \"CN=test CA\", comes from no authority known"},
        {"selfsigned", "ca", "\"CN=localhost\", issued by \"CN=localhost\", comes from no authority known"},
        {"wrongname", "ca", "is not for localhost: write into relay.url"},
        {"expired", "ca", "certificate has expired; have it corrected"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tunnel_fix *f = tunnel_fix_new(true);
        snprintf(f->cert, sizeof(f->cert), "%s/%s.pem", f->dir, rows[i].cert);
        snprintf(f->key_file, sizeof(f->key_file), "%s/%s.key", f->dir, rows[i].cert);
        tunnel_serve(f);
        snprintf(f->ca, sizeof(f->ca), "%s/%s.pem", f->dir, rows[i].ca);
        mlc_tunnel_client_options options = tunnel_client_defaults(f);
        assert_refused(f, &options, rows[i].words);
        tunnel_fix_free(f);
    }
}

static void test_newer_connection_wins(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    tunnel_end second = {0};
    mlc_tunnel_client *other = NULL;
    tunnel_serve(f);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    options.reconnect_cap_ms = 600000; /* who was replaced stays away */
    tunnel_dial(f, &options);
    assert_true(tunnel_wait(f, tunnel_is_up, 0));
    tunnel_end_open(&second, &f->loop, f->dir, "second", "up", "down");
    options.binding = second.binding;
    assert_int_equal(mlc_tunnel_client_open(&other, &options, NULL), MLC_OK);
    assert_true(tunnel_wait(f, agent_down, 1));
    assert_non_null(strstr(f->agent.last_why, "replaced"));
    assert_non_null(strstr(f->agent.last_why, "newer connection"));
    tunnel_put_many(&second, "up", 0, 5, 100);
    mlc_tunnel_client_poke(other);
    assert_true(tunnel_wait(f, relay_has, 5));
    mlc_link_status status;
    mlc_tunnel_client_status(other, &status);
    assert_true(status.up);
    mlc_tunnel_client_close(other);
    tunnel_end_close(&second);
    tunnel_fix_free(f);
}

static void test_kick(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    tunnel_serve(f);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    options.reconnect_cap_ms = 600000;
    tunnel_dial(f, &options);
    assert_true(tunnel_wait(f, tunnel_is_up, 0));
    mlc_tunnel_server_kick(f->server, TUNNEL_TEST_AGENT, "revoked by the operator");
    assert_true(tunnel_wait(f, agent_down, 1));
    assert_non_null(strstr(f->agent.last_why, "revoked by the operator"));
    mlc_link_status status;
    assert_int_equal(mlc_tunnel_server_status(f->server, TUNNEL_TEST_AGENT, &status, NULL), MLC_OK);
    assert_false(status.up);
    assert_int_equal(mlc_tunnel_server_status(f->server, "nobody", &status, NULL), MLC_E_NOTFOUND);
    tunnel_fix_free(f);
}

static void test_half_open_peer_is_noticed_by_both(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    f->ping_ms = 100;
    tunnel_serve(f);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    tunnel_dial(f, &options);
    assert_true(tunnel_wait(f, tunnel_is_up, 0));
    f->wire.frozen = true; /* bytes go nowhere, the sockets stay open */
    assert_true(tunnel_wait(f, agent_down, 1));
    assert_non_null(strstr(f->agent.last_why, "timeout"));
    net_run_for(&f->loop, 400);
    assert_int_equal(f->relay.downs, 1);
    f->wire.frozen = false;
    wire_cut(&f->wire);
    assert_true(tunnel_wait(f, tunnel_is_up, 0));
    tunnel_fix_free(f);
}

static void test_idle_connection_stays_up(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    f->ping_ms = 100;
    tunnel_serve(f);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    tunnel_dial(f, &options);
    assert_true(tunnel_wait(f, tunnel_is_up, 0));
    net_run_for(&f->loop, 1000);
    assert_int_equal(f->agent.downs, 0);
    assert_int_equal(f->relay.downs, 0);
    tunnel_fix_free(f);
}

static void use_proxy(const char *credentials, const char *wanted, bool works)
{
    tunnel_fix *f = tunnel_fix_new(true);
    char proxy[256];
    tunnel_serve(f);
    f->wire.is_proxy = true;
    f->wire.proxy_auth = wanted;
    snprintf(proxy, sizeof(proxy), "http://%s127.0.0.1:%d", credentials, f->wire.port);
    snprintf(f->url, sizeof(f->url), "wss://localhost:%d/v1/tunnel", mlc_http_server_port(f->http));
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    options.proxy.url = proxy;
    tunnel_put_many(&f->agent, "up", 0, 10, 100);
    if (!works) {
        assert_refused(f, &options, "");
        assert_true(f->wire.refused > 0);
    } else {
        char line[64];
        tunnel_dial(f, &options);
        assert_true(tunnel_wait(f, tunnel_all_acked, 0));
        snprintf(line, sizeof(line), "CONNECT localhost:%d ", mlc_http_server_port(f->http));
        assert_memory_equal(f->wire.connect_line, line, strlen(line));
    }
    tunnel_fix_free(f);
}

static void test_proxy(void **state)
{
    (void)state;
    use_proxy("", NULL, true);
}

static void test_proxy_with_password(void **state)
{
    (void)state;
    use_proxy("jane:s%40fe%3Aword@", "Basic amFuZTpzQGZlOndvcmQ=", true); /* jane:s@fe:word */
}

static void test_proxy_refuses(void **state)
{
    (void)state;
    use_proxy("jane:wrong@", "Basic amFuZTpzQGZlOndvcmQ=", false);
}

static void test_refused_messages_are_parked(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    tunnel_serve(f);
    f->wire.cut_after = (size_t)30 * 1024;
    snprintf(f->relay.refuse, sizeof(f->relay.refuse), "7"); /* every key with a 7 */
    tunnel_put_many(&f->agent, "up", 0, 100, 100);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    tunnel_dial(f, &options);
    assert_true(tunnel_wait(f, tunnel_all_acked, 0));
    assert_int_equal(tunnel_received(&f->relay), 81);
    const mlc_outbox_stats stats = tunnel_stats_of(&f->agent, f->agent.out);
    assert_int_equal(stats.parked, 19);
    assert_int_equal(stats.done, 81);
    tunnel_fix_free(f);
}

static void test_busy_receiver_gets_all_later(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    tunnel_serve(f);
    f->relay.busy_for = 3;
    tunnel_put_many(&f->agent, "up", 0, 1000, 100);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    tunnel_dial(f, &options);
    assert_true(tunnel_wait(f, tunnel_all_acked, 0));
    assert_received(&f->relay, "up", 1000, 100);
    assert_int_equal(f->relay.busy_for, 0);
    assert_int_equal(f->agent.downs, 0);
    tunnel_fix_free(f);
}

/* Puts the next batch when all before is acknowledged; true after the last. */
static bool batches_acked(tunnel_fix *f, uint64_t count)
{
    const mlc_outbox_stats up = tunnel_stats_of(&f->agent, f->agent.out);
    if (up.acked_seq + 1 != up.next_seq)
        return false;
    if (up.acked_seq == count * 10)
        return true;
    tunnel_put_many(&f->agent, "up", (unsigned)up.acked_seq, 10, 100);
    mlc_tunnel_client_poke(f->client);
    return false;
}

/* The sender goes on at once when it may: waiting for its next ping each time would outlast our patience. */
static void test_often_busy_receiver(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    tunnel_serve(f);
    f->relay.busy_step = 10; /* the first of each batch */
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    tunnel_dial(f, &options);
    assert_true(tunnel_wait(f, batches_acked, 10));
    assert_received(&f->relay, "up", 100, 100);
    assert_int_equal(f->relay.busy_next, 100);
    assert_int_equal(f->agent.downs, 0);
    tunnel_fix_free(f);
}

static void test_too_large_message_is_parked(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    f->max_message = (size_t)64 * 1024;
    tunnel_serve(f);
    tunnel_put_many(&f->agent, "up", 0, 3, 100);
    tunnel_put_many(&f->agent, "big", 0, 1, (size_t)100 * 1024);
    tunnel_put_many(&f->agent, "up", 3, 3, 100);
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    tunnel_dial(f, &options);
    assert_true(tunnel_wait(f, tunnel_all_acked, 0));
    assert_received(&f->relay, "up", 6, 100);
    assert_int_equal(tunnel_stats_of(&f->agent, f->agent.out).parked, 1);
    tunnel_fix_free(f);
}

static void test_rate_limit_slows_without_loss(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(true);
    f->max_frames_per_s = 20;
    tunnel_serve(f);
    tunnel_put_many(&f->agent, "up", 0, 30, (size_t)60 * 1024); /* a websocket message each */
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    tunnel_dial(f, &options);
    const int64_t begun = mlc_mono_ms();
    assert_true(tunnel_wait(f, tunnel_all_acked, 0));
    assert_true(mlc_mono_ms() - begun >= 300); /* a lower bound: a slow machine only takes longer */
    assert_received(&f->relay, "up", 30, (size_t)60 * 1024);
    assert_int_equal(f->agent.downs, 0);
    tunnel_fix_free(f);
}

static void test_settings_are_checked(void **state)
{
    (void)state;
    tunnel_fix *f = tunnel_fix_new(false);
    static const struct {
        const char *url, *proxy, *word;
    } bad[] = {
        {"https://relay/v1/tunnel", NULL, "relay.url"},     {"wss://:443/", NULL, "relay.url"},
        {"wss://relay:99999/", NULL, "relay.url"},          {"ws://relay.example.com/", NULL, "without TLS"},
        {"wss://relay/", "socks://p:1", "proxy"},           {"wss://relay/", "http://p", "proxy"},
        {"wss://relay/", "http://u:secret%zz@p:1", "proxy"}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        mlc_error err = {0};
        mlc_tunnel_client_options options = tunnel_client_defaults(f);
        options.url = bad[i].url;
        options.proxy.url = bad[i].proxy;
        assert_int_equal(mlc_tunnel_client_open(&f->client, &options, &err), MLC_E_INVALID);
        assert_null(f->client);
        assert_non_null(strstr(err.message, bad[i].word));
        assert_null(strstr(err.message, "secret"));
    }
    mlc_tunnel_client_options options = tunnel_client_defaults(f);
    options.url = "wss://relay/";
    options.agent_key = NULL;
    assert_int_equal(mlc_tunnel_client_open(&f->client, &options, NULL), MLC_E_INVALID);
    tunnel_fix_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settings_are_checked),
        cmocka_unit_test(test_large_message_in_chunks),
        cmocka_unit_test(test_large_message_deflated),
        cmocka_unit_test(test_cut_many_times_tls),
        cmocka_unit_test(test_cut_many_times_deflate),
        cmocka_unit_test(test_client_certificate),
        cmocka_unit_test(test_wrong_key_is_refused),
        cmocka_unit_test(test_unknown_agent_is_refused),
        cmocka_unit_test(test_certificate_without_permission_is_refused),
        cmocka_unit_test(test_untrusted_relay_is_refused),
        cmocka_unit_test(test_wrong_host_name_is_refused),
        cmocka_unit_test(test_ipv6_address_is_verified),
        cmocka_unit_test(test_refused_certificate_is_named),
        cmocka_unit_test(test_newer_connection_wins),
        cmocka_unit_test(test_kick),
        cmocka_unit_test(test_half_open_peer_is_noticed_by_both),
        cmocka_unit_test(test_idle_connection_stays_up),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_proxy_with_password),
        cmocka_unit_test(test_proxy_refuses),
        cmocka_unit_test(test_refused_messages_are_parked),
        cmocka_unit_test(test_busy_receiver_gets_all_later),
        cmocka_unit_test(test_often_busy_receiver),
        cmocka_unit_test(test_too_large_message_is_parked),
        cmocka_unit_test(test_rate_limit_slows_without_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
