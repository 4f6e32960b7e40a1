/* The handshake by an issued certificate: who lacks the agent's key, or the authority's, does not come through, and learns
 * nothing. The signatures are those of docs/protocol.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tunnel/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GENERIC "the agent is unknown or its credentials are wrong"

typedef struct pair {
    mlc_session *agent, *relay;
    mlc_own_identity own;
    uint8_t authority[MLC_EC_PRIVATE_LEN], public_key[MLC_EC_PUBLIC_LEN];
    mlc_identity who; /* what the relay finds out */
    mlc_notice notice;
    char words[512];
    bool closed;
} pair;

static void new_keys(pair *p)
{
    uint8_t agent_key[MLC_EC_PRIVATE_LEN];
    memset(p, 0, sizeof *p);
    assert_int_equal(mlc_ec_generate(agent_key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_generate(p->authority, NULL), MLC_OK);
    memcpy(p->own.key, agent_key, sizeof agent_key);
    memset(p->own.fingerprint, 0x5a, sizeof p->own.fingerprint);
    memset(p->own.cert, 0xa5, sizeof p->own.cert);
    p->own.cert_len = 600;
    assert_int_equal(mlc_ec_public(agent_key, p->public_key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_public(p->authority, p->own.relay_key, NULL), MLC_OK);
    p->who.public_key = p->public_key;
}

static void drain(pair *p, mlc_session *s)
{
    mlc_action action;
    while (mlc_session_next(s, &action)) {
        if (action.type == MLC_ACTION_IDENTIFY) {
            assert_int_equal(action.hello->auth, MLC_AUTH_CERT);
            assert_memory_equal(action.hello->fingerprint, p->own.fingerprint, MLC_SHA256_LEN);
            assert_int_equal(action.hello->issued_len, p->own.cert_len);
            assert_memory_equal(action.hello->issued, p->own.cert, p->own.cert_len);
            mlc_session_identify(s, 0, &p->who);
        } else if (action.type == MLC_ACTION_RESUME) {
            mlc_session_start(s, 1, &(mlc_start){.epoch = 5, .generation = 1});
        } else if (action.type == MLC_ACTION_STARTED) {
            mlc_session_committed(s, action.position.seq);
        } else if (action.type == MLC_ACTION_CLOSED && !p->closed) {
            p->closed = true;
            p->notice = action.notice;
            (void)snprintf(p->words, sizeof p->words, "%s", action.notice.text);
        }
    }
}

static size_t carry(pair *p, mlc_session *from, mlc_session *to)
{
    uint8_t buf[MLC_FRAME_MAX];
    size_t len = 0, total = 0;
    while ((len = mlc_session_output(from, buf, sizeof buf)) > 0) {
        mlc_session_receive(to, 0, buf, len, true);
        drain(p, to);
        total += len;
    }
    return total;
}

static void shake(pair *p, bool with_authority)
{
    mlc_session_config agent = {.role = MLC_SESSION_AGENT, .agent_id = "acme-erp-1", .own = &p->own};
    mlc_session_config relay = {.role = MLC_SESSION_RELAY,
                                .authority_key = with_authority ? p->authority : NULL};
    memset(agent.nonce, 1, sizeof agent.nonce);
    memset(relay.nonce, 2, sizeof relay.nonce);
    assert_int_equal(mlc_session_open(&p->agent, &agent, 0, NULL), MLC_OK);
    assert_int_equal(mlc_session_open(&p->relay, &relay, 0, NULL), MLC_OK);
    while (carry(p, p->relay, p->agent) + carry(p, p->agent, p->relay) > 0)
        ;
}

static void end(pair *p)
{
    mlc_session_free(p->agent);
    mlc_session_free(p->relay);
}

static void assert_refused(pair *p, bool with_authority, const char *words)
{
    shake(p, with_authority);
    assert_true(p->closed);
    assert_int_equal(p->notice.code, MLC_CLOSE_AUTH);
    if (strstr(p->words, words) == NULL)
        fail_msg("%s", p->words);
    assert_false(mlc_session_is_open(p->agent));
    end(p);
}

static void test_both_prove_themselves(void **state)
{
    pair p;
    (void)state;
    new_keys(&p);
    shake(&p, true);
    if (p.closed)
        fail_msg("%s", p.words);
    assert_true(mlc_session_is_open(p.agent));
    assert_true(mlc_session_is_open(p.relay));
    end(&p);
}

static void test_another_key_is_refused(void **state)
{
    pair p;
    (void)state;
    new_keys(&p);
    assert_int_equal(mlc_ec_generate(p.own.key, NULL), MLC_OK);
    assert_refused(&p, true, GENERIC);
}

static void test_an_unknown_certificate_is_refused(void **state)
{
    pair p;
    (void)state;
    new_keys(&p);
    p.who.public_key = NULL;
    assert_refused(&p, true, GENERIC);
    /* The shared key of the agent does not make up for it. */
    static const uint8_t key[MLC_KEY_LEN] = {1};
    new_keys(&p);
    p.who = (mlc_identity){.key = key, .certificate = true};
    assert_refused(&p, true, GENERIC);
}

static void test_a_relay_without_authority_refuses(void **state)
{
    pair p;
    (void)state;
    new_keys(&p);
    assert_refused(&p, false, GENERIC);
}

static void test_a_relay_of_another_authority_is_noticed(void **state)
{
    pair p;
    uint8_t other[MLC_EC_PRIVATE_LEN];
    (void)state;
    new_keys(&p);
    assert_int_equal(mlc_ec_generate(other, NULL), MLC_OK);
    assert_int_equal(mlc_ec_public(other, p.own.relay_key, NULL), MLC_OK);
    assert_refused(&p, true, "issuing authority is another");
}

static void test_words_are_for_the_holder_of_the_key_only(void **state)
{
    pair p;
    (void)state;
    new_keys(&p);
    p.who.refusal = "the certificate has expired";
    assert_refused(&p, true, "the certificate has expired");
    new_keys(&p);
    p.who.refusal = "the certificate has expired";
    assert_int_equal(mlc_ec_generate(p.own.key, NULL), MLC_OK);
    assert_refused(&p, true, GENERIC);
}

/* What one side signed is no signature of the other, of another agent, or of another connection. */
static void test_signatures_are_bound(void **state)
{
    pair p;
    mlc_hello hello = {0};
    uint8_t challenge[MLC_NONCE_LEN] = {2}, other[MLC_NONCE_LEN] = {3};
    (void)state;
    new_keys(&p);
    memcpy(hello.fingerprint, p.own.fingerprint, sizeof hello.fingerprint);
    hello.nonce[0] = 1;
    assert_int_equal(mlc_sign_agent(&p.own, challenge, "a", hello.nonce, hello.signature, NULL), MLC_OK);
    assert_int_equal(mlc_signed_by_agent(p.public_key, challenge, "a", &hello, NULL), MLC_OK);
    assert_int_equal(mlc_signed_by_agent(p.public_key, other, "a", &hello, NULL), MLC_E_AUTH);
    assert_int_equal(mlc_signed_by_agent(p.public_key, challenge, "b", &hello, NULL), MLC_E_AUTH);
    mlc_own_identity mirror = p.own;
    memcpy(mirror.relay_key, p.public_key, sizeof mirror.relay_key);
    assert_int_equal(mlc_signed_by_relay(&mirror, challenge, "a", hello.nonce, hello.signature, NULL),
                     MLC_E_AUTH);
    hello.fingerprint[0] ^= 1;
    assert_int_equal(mlc_signed_by_agent(p.public_key, challenge, "a", &hello, NULL), MLC_E_AUTH);
    uint8_t signature[MLC_EC_SIGNATURE_LEN];
    assert_int_equal(mlc_sign_request(&p.own, "renew", "a", "csr", 3, signature, NULL), MLC_OK);
    assert_int_equal(
        mlc_signed_request(p.public_key, p.own.fingerprint, "renew", "a", "csr", 3, signature, NULL), MLC_OK);
    assert_int_equal(
        mlc_signed_request(p.public_key, p.own.fingerprint, "check", "a", "csr", 3, signature, NULL),
        MLC_E_AUTH);
}

/* ---- docs/protocol.md ---- */

static void assert_documented(const uint8_t *bytes, size_t len)
{
    char hex[2 * MLC_EC_SIGNATURE_LEN + 3];
    char line[1024];
    bool found = false;
    mlc_hex(bytes, len, hex);
    FILE *const in = fopen(MLC_SOURCE_DIR "/docs/protocol.md", "re");
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL)
        found = found || strstr(line, hex) != NULL;
    (void)fclose(in);
    if (!found)
        fail_msg("docs/protocol.md does not show %s", hex);
}

static void test_worked_example(void **state)
{
    mlc_own_identity own;
    uint8_t authority[MLC_EC_PRIVATE_LEN], challenge[MLC_NONCE_LEN], nonce[MLC_NONCE_LEN];
    uint8_t signature[MLC_EC_SIGNATURE_LEN], public_key[MLC_EC_PUBLIC_LEN];
    (void)state;
    for (size_t i = 0; i < 32; i++) {
        own.key[i] = (uint8_t)i;
        authority[i] = (uint8_t)(0x20 + i);
        challenge[i] = (uint8_t)(0x40 + i);
        nonce[i] = (uint8_t)(0x80 + i);
        own.fingerprint[i] = (uint8_t)(0xc0 + i);
    }
    assert_int_equal(mlc_ec_public(own.key, public_key, NULL), MLC_OK);
    assert_documented(public_key, sizeof public_key / 2);
    assert_int_equal(mlc_sign_agent(&own, challenge, "acme-erp-1", nonce, signature, NULL), MLC_OK);
    assert_documented(signature, sizeof signature);
    assert_int_equal(
        mlc_sign_relay(authority, challenge, "acme-erp-1", nonce, own.fingerprint, signature, NULL), MLC_OK);
    assert_documented(signature, sizeof signature);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_prove_themselves),
        cmocka_unit_test(test_another_key_is_refused),
        cmocka_unit_test(test_an_unknown_certificate_is_refused),
        cmocka_unit_test(test_a_relay_without_authority_refuses),
        cmocka_unit_test(test_a_relay_of_another_authority_is_noticed),
        cmocka_unit_test(test_words_are_for_the_holder_of_the_key_only),
        cmocka_unit_test(test_signatures_are_bound),
        cmocka_unit_test(test_worked_example),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
