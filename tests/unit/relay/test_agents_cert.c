/* Certificates in the registry of agents: issued once for a token and a key, renewed without a moment in which none is good,
 * gone with the agent; and everything secret sealed by tenant and agent, and sealed anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "relay/agents.h"
#include "store/cursor.h"
#include "support/store_test.h"

enum { LIFE_MS = 3600000 };

typedef struct fix {
    st_fix st;
    mlc_keyring ring;
    mlc_issuer issuer;
    mlc_agents *agents;
    mlc_code code;
    char why[MLC_ERROR_MESSAGE_MAX];
} fix;

/* Of three agents' keys. */
static uint8_t points[3][MLC_EC_PUBLIC_LEN];

static void on_done(void *user, mlc_code code, const mlc_error *err)
{
    fix *const f = user;
    f->code = code;
    (void)snprintf(f->why, sizeof f->why, "%s", code != MLC_OK ? err->message : "");
}

static void open_agents(fix *f, int64_t life_ms)
{
    const mlc_issuer_options issuer = {.control = f->st.store, .ring = &f->ring, .life_ms = life_ms};
    assert_int_equal(mlc_issuer_open(&f->issuer, &issuer, NULL), MLC_OK);
    assert_int_equal(mlc_agents_open(&f->agents, f->st.store, &f->ring, &f->issuer, NULL, NULL), MLC_OK);
}

static void reopen(fix *f, int64_t life_ms)
{
    mlc_agents_close(f->agents);
    open_agents(f, life_ms);
}

static fix *fix_new(void)
{
    static const uint8_t root[MLC_KEY_LEN] = {7};
    fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    st_init(&f->st);
    f->ring = mlc_keyring_of(root);
    open_agents(f, LIFE_MS);
    return f;
}

static void fix_free(fix *f)
{
    mlc_agents_close(f->agents);
    mlc_issuer_wipe(&f->issuer);
    st_end(&f->st);
    free(f);
}

static mlc_code outcome(fix *f, mlc_code submitted)
{
    if (submitted != MLC_OK)
        return submitted;
    assert_int_equal(mlc_store_drain(f->st.store, NULL), MLC_OK);
    return f->code;
}

static void issue(fix *f, const char *token)
{
    assert_int_equal(outcome(f, mlc_agents_issue(f->agents, "acme", "agent-1", token, mlc_wall_ms() + 60000,
                                                 NULL, on_done, f, NULL)),
                     MLC_OK);
}

static mlc_code certify(fix *f, const char *token, size_t key)
{
    return outcome(f, mlc_agents_certify(f->agents, token, "agent-1", points[key], on_done, f, NULL));
}

static mlc_code renew(fix *f, const uint8_t *shown, size_t key)
{
    return outcome(f, mlc_agents_renew(f->agents, "agent-1", shown, points[key], on_done, f, NULL));
}

static mlc_code shut_out(fix *f)
{
    return outcome(f, mlc_agents_revoke(f->agents, "agent-1", "operator:jane", on_done, f, NULL));
}

static void used(fix *f, const uint8_t *shown)
{
    mlc_agents_used(f->agents, "agent-1", shown);
    assert_int_equal(mlc_store_drain(f->st.store, NULL), MLC_OK);
}

static const mlc_agent_record *record_of(const fix *f)
{
    const mlc_agent_record *const record = mlc_agents_find(f->agents, "agent-1");
    assert_non_null(record);
    return record;
}

static void fingerprint_of(const fix *f, size_t key, uint8_t out[MLC_SHA256_LEN])
{
    const mlc_agent_cert *const cert = mlc_agent_cert_for(record_of(f), points[key]);
    assert_non_null(cert);
    memcpy(out, cert->info.fingerprint, MLC_SHA256_LEN);
}

static bool has(const fix *f, const uint8_t fingerprint[MLC_SHA256_LEN])
{
    return mlc_agent_cert_of(record_of(f), fingerprint) != NULL;
}

static void test_certificate_for_a_token(void **state)
{
    uint8_t first[MLC_SHA256_LEN], again[MLC_SHA256_LEN];
    fix *const f = fix_new();
    (void)state;
    issue(f, "token");
    assert_int_equal(certify(f, "other", 0), MLC_E_DENIED);
    assert_int_equal(certify(f, "token", 0), MLC_OK);
    fingerprint_of(f, 0, first);
    const mlc_agent_cert *const cert = &record_of(f)->certs[0];
    assert_string_equal(cert->info.name, "agent-1");
    assert_int_equal(mlc_cert_check(cert->der, cert->len, f->issuer.cert, f->issuer.cert_len, NULL), MLC_OK);
    assert_in_range(cert->info.not_after_ms, mlc_wall_ms() + LIFE_MS - 60000, mlc_wall_ms() + LIFE_MS);
    /* A lost answer: the very same. */
    assert_int_equal(certify(f, "token", 0), MLC_OK);
    fingerprint_of(f, 0, again);
    assert_memory_equal(first, again, sizeof first);
    assert_int_equal(certify(f, "token", 1), MLC_E_DENIED);
    /* It is there after a restart, of the same authority. */
    reopen(f, LIFE_MS);
    assert_true(has(f, first));
    assert_int_equal(mlc_cert_check(record_of(f)->certs[0].der, record_of(f)->certs[0].len, f->issuer.cert,
                                    f->issuer.cert_len, NULL),
                     MLC_OK);
    fix_free(f);
}

static void test_renewal_overlaps(void **state)
{
    uint8_t first[MLC_SHA256_LEN], second[MLC_SHA256_LEN], again[MLC_SHA256_LEN], third[MLC_SHA256_LEN];
    fix *const f = fix_new();
    (void)state;
    issue(f, "token");
    assert_int_equal(certify(f, "token", 0), MLC_OK);
    fingerprint_of(f, 0, first);
    assert_int_equal(renew(f, points[0], 1), MLC_E_DENIED); /* no fingerprint of it */
    assert_int_equal(renew(f, first, 1), MLC_OK);
    fingerprint_of(f, 1, second);
    assert_true(has(f, first) && has(f, second));
    /* The answer was lost: the very same. Then the agent lost its key: another one takes the place. */
    assert_int_equal(renew(f, first, 1), MLC_OK);
    fingerprint_of(f, 1, again);
    assert_memory_equal(second, again, sizeof second);
    reopen(f, LIFE_MS);
    assert_true(has(f, first) && has(f, second));
    assert_int_equal(renew(f, first, 2), MLC_OK);
    assert_false(has(f, second));
    fingerprint_of(f, 2, third);
    /* Using the old one changes nothing; using the new one ends the old. */
    used(f, first);
    assert_true(has(f, first) && has(f, third));
    used(f, third);
    assert_true(!has(f, first) && has(f, third));
    reopen(f, LIFE_MS);
    assert_true(!has(f, first) && has(f, third));
    assert_int_equal(renew(f, first, 1), MLC_E_DENIED);
    fix_free(f);
}

/* The agent asks with the renewed one, whose first use the relay did not store. */
static void test_renewal_by_the_one_that_waits(void **state)
{
    uint8_t first[MLC_SHA256_LEN], second[MLC_SHA256_LEN];
    fix *const f = fix_new();
    (void)state;
    issue(f, "token");
    assert_int_equal(certify(f, "token", 0), MLC_OK);
    fingerprint_of(f, 0, first);
    assert_int_equal(renew(f, first, 1), MLC_OK);
    fingerprint_of(f, 1, second);
    assert_int_equal(renew(f, second, 2), MLC_OK);
    assert_true(!has(f, first) && has(f, second) && mlc_agent_cert_for(record_of(f), points[2]) != NULL);
    fix_free(f);
}

static void test_expired_is_not_renewed(void **state)
{
    uint8_t first[MLC_SHA256_LEN];
    fix *const f = fix_new();
    (void)state;
    reopen(f, 1000);
    issue(f, "token");
    assert_int_equal(certify(f, "token", 0), MLC_OK);
    fingerprint_of(f, 0, first);
    while (record_of(f)->certs[0].info.not_after_ms > mlc_wall_ms())
        (void)usleep(50000);
    assert_int_equal(renew(f, first, 1), MLC_E_DENIED);
    assert_non_null(strstr(f->why, "enrol the agent again"));
    fix_free(f);
}

static void test_revoked_is_gone_with_its_tokens(void **state)
{
    uint8_t first[MLC_SHA256_LEN];
    fix *const f = fix_new();
    (void)state;
    issue(f, "token");
    issue(f, "spare");
    assert_int_equal(certify(f, "token", 0), MLC_OK);
    fingerprint_of(f, 0, first);
    assert_int_equal(shut_out(f), MLC_OK);
    assert_null(mlc_agents_find(f->agents, "agent-1"));
    assert_int_equal(renew(f, first, 1), MLC_E_DENIED);
    assert_int_equal(certify(f, "token", 0), MLC_E_DENIED);
    assert_int_equal(certify(f, "spare", 0), MLC_E_DENIED);
    reopen(f, LIFE_MS);
    assert_null(mlc_agents_find(f->agents, "agent-1"));
    assert_int_equal(shut_out(f), MLC_E_NOTFOUND);
    issue(f, "new");
    assert_int_equal(certify(f, "new", 0), MLC_OK);
    assert_false(has(f, first));
    fix_free(f);
}

static void test_a_key_becomes_a_certificate(void **state)
{
    static const uint8_t key[MLC_KEY_LEN] = {9};
    fix *const f = fix_new();
    (void)state;
    issue(f, "old");
    assert_int_equal(outcome(f, mlc_agents_enroll(f->agents, "old", "agent-1", key, on_done, f, NULL)),
                     MLC_OK);
    assert_true(record_of(f)->has_key);
    issue(f, "new");
    assert_int_equal(certify(f, "new", 0), MLC_OK);
    assert_false(record_of(f)->has_key);
    reopen(f, LIFE_MS);
    assert_false(record_of(f)->has_key);
    fix_free(f);
}

/* ---- what is sealed ---- */

static mlc_code move_agent(mlc_txn *txn, void *arg, mlc_error *err)
{
    const void *value = NULL;
    size_t len = 0;
    char text[4096];
    (void)arg;
    mlc_code code = mlc_cursor_get(txn, "agent/agent-1", &value, &len, err);
    if (code != MLC_OK || len >= sizeof text)
        return MLC_E_INTERNAL;
    memcpy(text, value, len);
    text[len] = '\0';
    char *const tenant = strstr(text, "\"acme\"");
    assert_non_null(tenant);
    memcpy(tenant, "\"beta\"", 6);
    return mlc_cursor_put(txn, "agent/agent-1", text, len, err);
}

/* Who can write the store, but has no root key, cannot give an agent's key to another tenant. */
static void test_key_is_bound_to_its_tenant(void **state)
{
    static const uint8_t key[MLC_KEY_LEN] = {9};
    mlc_error err;
    mlc_agents *agents = NULL;
    fix *const f = fix_new();
    (void)state;
    issue(f, "old");
    assert_int_equal(outcome(f, mlc_agents_enroll(f->agents, "old", "agent-1", key, on_done, f, NULL)),
                     MLC_OK);
    assert_int_equal(mlc_store_run(f->st.store, move_agent, NULL, NULL), MLC_OK);
    assert_int_equal(mlc_agents_open(&agents, f->st.store, &f->ring, NULL, NULL, &err), MLC_E_AUTH);
    fix_free(f);
}

static void test_everything_is_sealed_anew(void **state)
{
    static const uint8_t key[MLC_KEY_LEN] = {9}, next[MLC_KEY_LEN] = {8};
    uint8_t authority[MLC_EC_PRIVATE_LEN];
    size_t count = 0;
    mlc_agents *agents = NULL;
    fix *const f = fix_new();
    (void)state;
    issue(f, "old");
    assert_int_equal(outcome(f, mlc_agents_enroll(f->agents, "old", "agent-1", key, on_done, f, NULL)),
                     MLC_OK);
    memcpy(authority, f->issuer.key, sizeof authority);
    mlc_keyring both = mlc_keyring_of(next);
    memcpy(both.keys[both.count++], f->ring.keys[0], MLC_KEY_LEN);
    assert_int_equal(mlc_agents_reseal(f->agents, &both, &count, NULL), MLC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(mlc_agents_reseal(f->agents, &both, &count, NULL), MLC_OK);
    assert_int_equal(count, 0);
    /* The former key opens nothing any more, the new one alone everything. */
    assert_int_equal(mlc_agents_open(&agents, f->st.store, &f->ring, NULL, NULL, NULL), MLC_E_AUTH);
    f->ring = mlc_keyring_of(next);
    reopen(f, LIFE_MS);
    assert_memory_equal(record_of(f)->key, key, sizeof key);
    assert_memory_equal(f->issuer.key, authority, sizeof authority);
    fix_free(f);
}

static int make_keys(void **state)
{
    uint8_t key[MLC_EC_PRIVATE_LEN];
    (void)state;
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        if (mlc_ec_generate(key, NULL) != MLC_OK || mlc_ec_public(key, points[i], NULL) != MLC_OK)
            return 1;
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate_for_a_token),
        cmocka_unit_test(test_renewal_overlaps),
        cmocka_unit_test(test_renewal_by_the_one_that_waits),
        cmocka_unit_test(test_expired_is_not_renewed),
        cmocka_unit_test(test_revoked_is_gone_with_its_tokens),
        cmocka_unit_test(test_a_key_becomes_a_certificate),
        cmocka_unit_test(test_key_is_bound_to_its_tenant),
        cmocka_unit_test(test_everything_is_sealed_anew),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
