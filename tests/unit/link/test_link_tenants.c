/* Agents of two tenants on one relay: keys, quotas of connections, and a tenant that goes while its agent is connected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/tunnel_test.h"

static const uint8_t key_a[MLC_KEY_LEN] = {0xa};
static const uint8_t key_b[MLC_KEY_LEN] = {0xb};

/* "agent-a" and "agent-a2" are of tenant a (the fixture's relay end), "agent-b" is of tenant b. */
typedef struct two_tenants {
    tunnel_fix *f;
    tunnel_end b_relay, other_agent;
    mlc_tunnel_client *other;
    unsigned max_connections;
    bool closed; /* tenant a */
} two_tenants;

static mlc_code find_agent(void *user, const char *id, mlc_tunnel_agent *out, mlc_error *err)
{
    const two_tenants *const two = user;
    const bool of_b = strcmp(id, "agent-b") == 0;
    if (!of_b && two->closed)
        return mlc_fail(err, MLC_E_UNAVAILABLE, "tenant a is not open now");
    out->has_key = true;
    memcpy(out->key, of_b ? key_b : key_a, MLC_KEY_LEN);
    out->binding = of_b ? &two->b_relay.binding : &two->f->relay.binding;
    out->max_connections = two->max_connections;
    return MLC_OK;
}

static two_tenants *open_two(void)
{
    two_tenants *const two = calloc(1, sizeof *two);
    assert_non_null(two);
    two->f = tunnel_fix_new(true);
    tunnel_end_open(&two->b_relay, &two->f->loop, two->f->dir, "relay-b", "down", "up");
    tunnel_end_open(&two->other_agent, &two->f->loop, two->f->dir, "agent-2", "up", "down");
    two->f->find_agent = find_agent;
    two->f->find_user = two;
    tunnel_serve(two->f);
    return two;
}

static void close_two(two_tenants *two)
{
    mlc_tunnel_client_close(two->other);
    mlc_tunnel_client_close(two->f->client);
    two->f->client = NULL;
    mlc_tunnel_server_close(two->f->server);
    two->f->server = NULL;
    tunnel_end_close(&two->b_relay);
    tunnel_end_close(&two->other_agent);
    tunnel_fix_free(two->f);
    free(two);
}

static mlc_tunnel_client_options options_of(two_tenants *two, const char *id, const uint8_t *key)
{
    mlc_tunnel_client_options options = tunnel_client_defaults(two->f);
    options.agent_id = id;
    options.agent_key = key;
    return options;
}

static bool is_up(tunnel_fix *f, uint64_t arg)
{
    mlc_link_status status;
    (void)arg;
    mlc_tunnel_client_status(f->client, &status);
    return status.up;
}

static bool is_down(tunnel_fix *f, uint64_t downs)
{
    return f->agent.downs >= downs;
}

static bool other_has_word(tunnel_fix *f, uint64_t arg)
{
    const two_tenants *const two = f->find_user;
    (void)arg;
    return two->other_agent.downs > 0 || two->other_agent.ups > 0;
}

static bool other_is_up(tunnel_fix *f, uint64_t arg)
{
    const two_tenants *const two = f->find_user;
    mlc_link_status status;
    (void)arg;
    mlc_tunnel_client_status(two->other, &status);
    return status.up;
}

static void test_key_of_one_with_the_name_of_another(void **state)
{
    (void)state;
    two_tenants *const two = open_two();
    const mlc_tunnel_client_options options = options_of(two, "agent-b", key_a);
    tunnel_put_many(&two->f->agent, "up", 0, 1, 100);
    tunnel_dial(two->f, &options);
    assert_true(tunnel_wait(two->f, is_down, 1));
    assert_non_null(strstr(two->f->agent.last_why, "auth"));
    assert_int_equal(two->f->agent.ups, 0);
    assert_int_equal(tunnel_received(&two->b_relay), 0);
    assert_int_equal(tunnel_received(&two->f->relay), 0);
    close_two(two);
}

static void test_each_goes_to_its_own(void **state)
{
    (void)state;
    two_tenants *const two = open_two();
    const mlc_tunnel_client_options a = options_of(two, "agent-a", key_a);
    mlc_tunnel_client_options b = options_of(two, "agent-b", key_b);
    b.binding = two->other_agent.binding;
    tunnel_put_many(&two->f->agent, "of-a", 0, 3, 100);
    tunnel_put_many(&two->other_agent, "of-b", 0, 5, 100);
    tunnel_dial(two->f, &a);
    assert_int_equal(mlc_tunnel_client_open(&two->other, &b, NULL), MLC_OK);
    assert_true(tunnel_wait(two->f, tunnel_all_acked, 0));
    assert_true(tunnel_wait(two->f, other_is_up, 0));
    while (tunnel_acked(&two->other_agent) < 5)
        uv_run(&two->f->loop, UV_RUN_ONCE);
    assert_int_equal(tunnel_received(&two->f->relay), 3);
    assert_int_equal(tunnel_received(&two->b_relay), 5);
    close_two(two);
}

static void test_connections_of_a_tenant_are_counted(void **state)
{
    (void)state;
    two_tenants *const two = open_two();
    two->max_connections = 1;
    const mlc_tunnel_client_options first = options_of(two, "agent-a", key_a);
    tunnel_dial(two->f, &first);
    assert_true(tunnel_wait(two->f, is_up, 0));
    mlc_tunnel_client_options second = options_of(two, "agent-a2", key_a);
    second.binding = two->other_agent.binding;
    assert_int_equal(mlc_tunnel_client_open(&two->other, &second, NULL), MLC_OK);
    assert_true(tunnel_wait(two->f, other_has_word, 0));
    while (strstr(two->other_agent.last_why, "as many agents") == NULL)
        assert_true(uv_run(&two->f->loop, UV_RUN_ONCE) != 0);
    mlc_tunnel_client_close(two->other);
    two->other = NULL;
    /* The other tenant has its own count. */
    mlc_tunnel_client_options b = options_of(two, "agent-b", key_b);
    b.binding = two->other_agent.binding;
    assert_int_equal(mlc_tunnel_client_open(&two->other, &b, NULL), MLC_OK);
    assert_true(tunnel_wait(two->f, other_is_up, 0));
    assert_true(is_up(two->f, 0));
    close_two(two);
}

static void test_a_tenant_that_is_closed_and_opened(void **state)
{
    (void)state;
    two_tenants *const two = open_two();
    const mlc_tunnel_client_options options = options_of(two, "agent-a", key_a);
    mlc_link_status status;
    tunnel_dial(two->f, &options);
    assert_true(tunnel_wait(two->f, is_up, 0));
    two->closed = true;
    mlc_tunnel_server_drop(two->f->server, &two->f->relay.binding, "the relay closes this tenant");
    assert_int_equal(mlc_tunnel_server_status(two->f->server, "agent-a", &status, NULL), MLC_E_NOTFOUND);
    assert_true(tunnel_wait(two->f, is_down, 1));
    tunnel_end_close(&two->f->relay);
    tunnel_end_open(&two->f->relay, &two->f->loop, two->f->dir, "relay", "down", "up");
    tunnel_put_many(&two->f->agent, "up", 0, 10, 100);
    two->closed = false;
    assert_true(tunnel_wait(two->f, tunnel_all_acked, 0));
    assert_int_equal(tunnel_received(&two->f->relay), 10);
    close_two(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_key_of_one_with_the_name_of_another),
                                       cmocka_unit_test(test_each_goes_to_its_own),
                                       cmocka_unit_test(test_connections_of_a_tenant_are_counted),
                                       cmocka_unit_test(test_a_tenant_that_is_closed_and_opened)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
