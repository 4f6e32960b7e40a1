/* Would this agent be let in? By its key, over a real socket; who does not know the key learns nothing (relay/agent_check.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/json.h"
#include "relay/agent_check.h"
#include "support/net_test.h"
#include "support/store_test.h"
#include "tunnel/hello.h"

static const uint8_t root[MLC_KEY_LEN] = {7};
static const uint8_t key[MLC_KEY_LEN] = {1};
static const uint8_t other_key[MLC_KEY_LEN] = {2};

/* Of agent-3, which has a certificate. */
static mlc_own_identity own;
static uint8_t public_key[MLC_EC_PUBLIC_LEN];

typedef struct office {
    st_fix st;
    mlc_keyring ring;
    mlc_issuer issuer;
    uv_loop_t loop;
    mlc_lws *lws;
    mlc_tunnel_server *tunnel;
    mlc_enroll_desk desk;
    mlc_http_server *server;
    mlc_http_client *client;
    net_result result;
} office;

static mlc_code find_agent(void *user, const char *agent_id, mlc_tunnel_agent *out, mlc_error *err)
{
    (void)user;
    (void)out;
    return mlc_fail(err, MLC_E_NOTFOUND, "agent %s is unknown", agent_id);
}

static void on_stored(void *user, mlc_code code, const mlc_error *err)
{
    (void)user;
    (void)err;
    assert_int_equal(code, MLC_OK);
}

static int set_up(void **state)
{
    office *const o = calloc(1, sizeof *o);
    const mlc_tunnel_server_options tunnel = {.software = "test", .find_agent = find_agent};
    assert_non_null(o);
    st_init(&o->st);
    assert_int_equal(uv_loop_init(&o->loop), 0);
    o->ring = mlc_keyring_of(root);
    const mlc_issuer_options issuer = {.control = o->st.store, .ring = &o->ring, .life_ms = 3600000};
    assert_int_equal(mlc_issuer_open(&o->issuer, &issuer, NULL), MLC_OK);
    assert_int_equal(mlc_agents_open(&o->desk.agents, o->st.store, &o->ring, &o->issuer, NULL, NULL), MLC_OK);
    assert_int_equal(mlc_agents_issue(o->desk.agents, "acme", "agent-1", "token-1", INT64_MAX / 2, NULL,
                                      on_stored, NULL, NULL),
                     MLC_OK);
    assert_int_equal(mlc_store_drain(o->st.store, NULL), MLC_OK);
    assert_int_equal(mlc_agents_enroll(o->desk.agents, "token-1", "agent-1", key, on_stored, NULL, NULL),
                     MLC_OK);
    assert_int_equal(mlc_store_drain(o->st.store, NULL), MLC_OK);
    assert_int_equal(mlc_ec_generate(own.key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_public(own.key, public_key, NULL), MLC_OK);
    assert_int_equal(mlc_agents_issue(o->desk.agents, "gamma", "agent-3", "token-3", INT64_MAX / 2, NULL,
                                      on_stored, NULL, NULL),
                     MLC_OK);
    assert_int_equal(mlc_store_drain(o->st.store, NULL), MLC_OK);
    assert_int_equal(
        mlc_agents_certify(o->desk.agents, "token-3", "agent-3", public_key, on_stored, NULL, NULL), MLC_OK);
    assert_int_equal(mlc_store_drain(o->st.store, NULL), MLC_OK);
    memcpy(own.fingerprint, mlc_agents_find(o->desk.agents, "agent-3")->certs[0].info.fingerprint,
           sizeof own.fingerprint);
    assert_int_equal(mlc_agents_add_certified(o->desk.agents, "agent-2", "beta", NULL), MLC_OK);
    assert_int_equal(mlc_tunnel_server_open(&o->tunnel, &tunnel, NULL), MLC_OK);
    o->desk.tunnel = o->tunnel;
    const mlc_http_route route = {.method = "POST",
                                  .prefix = MLC_AGENT_CHECK_PATH,
                                  .handler = mlc_agent_check_handle,
                                  .user = &o->desk};
    const mlc_http_server_options server = {
        .name = "test", .host = "127.0.0.1", .routes = &route, .route_count = 1};
    const mlc_http_client_options client = {.loop = &o->loop};
    assert_int_equal(mlc_lws_open(&o->lws, &o->loop, NULL, NULL), MLC_OK);
    assert_int_equal(mlc_http_server_open(&o->server, o->lws, &server, NULL), MLC_OK);
    assert_int_equal(mlc_http_client_open(&o->client, &client, NULL), MLC_OK);
    *state = o;
    return 0;
}

static int tear_down(void **state)
{
    office *const o = *state;
    mlc_http_server_close(o->server);
    mlc_http_client_close(o->client);
    mlc_tunnel_server_close(o->tunnel);
    mlc_lws_close(o->lws);
    net_loop_end(&o->loop);
    st_end(&o->st);
    mlc_agents_close(o->desk.agents);
    free(o);
    return 0;
}

static void ask(office *o, const char *body)
{
    char url[128];
    (void)snprintf(url, sizeof url, "http://localhost:%d" MLC_AGENT_CHECK_PATH,
                   mlc_http_server_port(o->server));
    const mlc_http_request request = {.method = "POST", .url = url, .body = body, .body_len = strlen(body)};
    o->result = (net_result){0};
    assert_int_equal(mlc_http_send(o->client, &request, net_on_done, &o->result, NULL, NULL), MLC_OK);
    assert_true(net_run_until(&o->loop, &o->result.done));
    assert_int_equal(o->result.code, MLC_OK);
}

/* As `agent` with a proof by this key. */
static void ask_as(office *o, const char *agent, const uint8_t with[MLC_KEY_LEN])
{
    char body[512];
    uint8_t nonce[MLC_NONCE_LEN];
    uint8_t proof[MLC_SHA256_LEN];
    mlc_buf first = {0};
    mlc_buf second = {0};
    assert_int_equal(mlc_random(nonce, sizeof nonce, NULL), MLC_OK);
    assert_int_equal(mlc_proof_check(with, agent, nonce, proof, NULL), MLC_OK);
    assert_int_equal(mlc_base64(nonce, sizeof nonce, &first, NULL), MLC_OK);
    assert_int_equal(mlc_base64(proof, sizeof proof, &second, NULL), MLC_OK);
    (void)snprintf(body, sizeof body, "{\"agent\":\"%s\",\"nonce\":\"%s\",\"proof\":\"%s\"}", agent,
                   mlc_buf_text(&first), mlc_buf_text(&second));
    mlc_buf_free(&first);
    mlc_buf_free(&second);
    ask(o, body);
}

static void the_right_key_is_accepted(void **state)
{
    office *const o = *state;
    ask_as(o, "agent-1", key);
    assert_int_equal(o->result.status, 200);
    assert_string_equal(o->result.body, "{\"agent\":\"agent-1\",\"tenant\":\"acme\",\"connected\":false}");
}

static void a_wrong_key_and_an_unknown_agent_get_the_same_answer(void **state)
{
    static const uint8_t nobody[MLC_KEY_LEN];
    office *const o = *state;
    char refused[sizeof o->result.body];
    ask_as(o, "agent-1", other_key);
    assert_int_equal(o->result.status, 403);
    (void)snprintf(refused, sizeof refused, "%s", o->result.body);
    ask_as(o, "agent-9", other_key);
    assert_int_equal(o->result.status, 403);
    assert_string_equal(o->result.body, refused);
    /* The key that stands for an unknown agent opens nothing, nor for one that is known by certificate. */
    ask_as(o, "agent-9", nobody);
    assert_int_equal(o->result.status, 403);
    ask_as(o, "agent-2", nobody);
    assert_int_equal(o->result.status, 403);
    assert_string_equal(o->result.body, refused);
}

/* As `agent` with a signature of this identity. */
static void ask_signed(office *o, const char *agent, const mlc_own_identity *with, const char *what)
{
    char body[2048], fingerprint[2 * MLC_SHA256_LEN + 1], hex[2 * MLC_EC_SIGNATURE_LEN + 1];
    uint8_t nonce[MLC_NONCE_LEN] = {4}, signature[MLC_EC_SIGNATURE_LEN];
    mlc_buf base64 = {0}, issued = {0};
    assert_int_equal(mlc_sign_request(with, what, agent, nonce, sizeof nonce, signature, NULL), MLC_OK);
    mlc_hex(with->fingerprint, sizeof with->fingerprint, fingerprint);
    mlc_hex(signature, sizeof signature, hex);
    assert_int_equal(mlc_base64(nonce, sizeof nonce, &base64, NULL), MLC_OK);
    assert_int_equal(mlc_base64(with->cert, with->cert_len, &issued, NULL), MLC_OK);
    (void)snprintf(
        body, sizeof body,
        "{\"agent\":\"%s\",\"nonce\":\"%s\",\"certificate\":\"%s\",\"signature\":\"%s\",\"issued\":\"%s\"}",
        agent, mlc_buf_text(&base64), fingerprint, hex, mlc_buf_text(&issued));
    mlc_buf_free(&base64);
    mlc_buf_free(&issued);
    ask(o, body);
}

static void the_certificate_is_accepted_for_its_agent_only(void **state)
{
    office *const o = *state;
    mlc_own_identity other = own;
    ask_signed(o, "agent-3", &own, "check");
    assert_int_equal(o->result.status, 200);
    assert_string_equal(o->result.body, "{\"agent\":\"agent-3\",\"tenant\":\"gamma\",\"connected\":false}");
    ask_signed(o, "agent-1", &own, "check");
    assert_int_equal(o->result.status, 403);
    ask_signed(o, "agent-9", &own, "check");
    assert_int_equal(o->result.status, 403);
    ask_signed(o, "agent-3", &own, "renew");
    assert_int_equal(o->result.status, 403);
    assert_int_equal(mlc_ec_generate(other.key, NULL), MLC_OK);
    ask_signed(o, "agent-3", &other, "check");
    assert_int_equal(o->result.status, 403);
    /* Nor by a key that it does not have. */
    static const uint8_t nobody[MLC_KEY_LEN];
    ask_as(o, "agent-3", nobody);
    assert_int_equal(o->result.status, 403);
}

/* One that the registry does not know, because its store was restored: what the tunnel would adopt is accepted. */
static void a_certificate_that_would_be_adopted_is_accepted(void **state)
{
    office *const o = *state;
    mlc_own_identity newer = own;
    mlc_cert_info info;
    mlc_buf der = {0};
    assert_int_equal(mlc_ec_generate(newer.key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_public(newer.key, public_key, NULL), MLC_OK);
    const mlc_cert_order order = {.ca = o->issuer.cert,
                                  .ca_len = o->issuer.cert_len,
                                  .ca_key = o->issuer.key,
                                  .name = "agent-3",
                                  .tenant = "gamma",
                                  .public_key = public_key,
                                  .not_before_ms = mlc_wall_ms(),
                                  .not_after_ms = mlc_wall_ms() + 3600000};
    assert_int_equal(mlc_cert_issue(&order, &der, NULL), MLC_OK);
    assert_int_equal(mlc_cert_read(der.data, der.len, &info, NULL), MLC_OK);
    memcpy(newer.fingerprint, info.fingerprint, sizeof newer.fingerprint);
    ask_signed(o, "agent-3", &newer, "check");
    assert_int_equal(o->result.status, 403); /* it is not shown */
    memcpy(newer.cert, der.data, der.len);
    newer.cert_len = der.len;
    ask_signed(o, "agent-3", &newer, "check");
    assert_int_equal(o->result.status, 200);
    ask_signed(o, "agent-1", &newer, "check");
    assert_int_equal(o->result.status, 403);
    memcpy(newer.key, own.key, sizeof newer.key); /* of its key, nobody else's */
    ask_signed(o, "agent-3", &newer, "check");
    assert_int_equal(o->result.status, 403);
    mlc_buf_free(&der);
}

static void what_is_malformed_is_told(void **state)
{
    static const char *const bodies[] = {
        "",
        "[]",
        "{}",
        "{\"agent\":5}",
        "{\"agent\":\"agent-1\"}",
        "{\"agent\":\"agent-2\"}",
        "{\"agent\":\"agent-3\",\"signature\":\"00\"}",
        "{\"agent\":\"agent-1\",\"nonce\":\"AAAA\",\"proof\":\"AAAA\"}",
        "{\"agent\":\"agent-1\",\"nonce\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"proof\":\"!\"}"};
    office *const o = *state;
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        ask(o, bodies[i]);
        if (o->result.status != 400)
            fail_msg("%s: %d", bodies[i], o->result.status);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_right_key_is_accepted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_key_and_an_unknown_agent_get_the_same_answer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_certificate_is_accepted_for_its_agent_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_certificate_that_would_be_adopted_is_accepted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_malformed_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
