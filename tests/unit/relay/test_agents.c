/* The registry of agents: tokens and names are of one tenant, whatever another tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/agents.h"
#include "support/store_test.h"

static const uint8_t root[MLC_KEY_LEN] = {7};
static const uint8_t key[MLC_KEY_LEN] = {1};
static const uint8_t other_key[MLC_KEY_LEN] = {2};

typedef struct fix {
    st_fix st;
    mlc_agents *agents;
    mlc_code code;
    char why[MLC_ERROR_MESSAGE_MAX];
} fix;

static void on_done(void *user, mlc_code code, const mlc_error *err)
{
    fix *const f = user;
    f->code = code;
    (void)snprintf(f->why, sizeof f->why, "%s", code != MLC_OK ? err->message : "");
}

static void open_agents(fix *f)
{
    const mlc_keyring ring = mlc_keyring_of(root);
    assert_int_equal(mlc_agents_open(&f->agents, f->st.store, &ring, NULL, NULL, NULL), MLC_OK);
}

static fix *fix_new(void)
{
    fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    st_init(&f->st);
    open_agents(f);
    return f;
}

static void fix_free(fix *f)
{
    mlc_agents_close(f->agents);
    st_end(&f->st);
    free(f);
}

/* The outcome, at once or after the commit. */
static mlc_code outcome(fix *f, mlc_code submitted)
{
    if (submitted != MLC_OK)
        return submitted;
    assert_int_equal(mlc_store_drain(f->st.store, NULL), MLC_OK);
    return f->code;
}

static mlc_code issue(fix *f, const char *tenant, const char *agent, const char *token)
{
    return outcome(
        f, mlc_agents_issue(f->agents, tenant, agent, token, mlc_wall_ms() + 60000, NULL, on_done, f, NULL));
}

static mlc_code enroll(fix *f, const char *token, const char *agent, const uint8_t *with)
{
    return outcome(f, mlc_agents_enroll(f->agents, token, agent, with, on_done, f, NULL));
}

static void assert_owner(const fix *f, const char *agent, const char *tenant)
{
    const mlc_agent_record *const record = mlc_agents_find(f->agents, agent);
    assert_non_null(record);
    assert_string_equal(record->tenant, tenant);
}

static void test_token_is_for_one_agent_of_one_tenant(void **state)
{
    (void)state;
    fix *const f = fix_new();
    assert_int_equal(issue(f, "a", "agent-a", "token-a"), MLC_OK);
    assert_int_equal(enroll(f, "token-a", "agent-b", key), MLC_E_DENIED);
    assert_int_equal(enroll(f, "token-A", "agent-a", key), MLC_E_DENIED);
    assert_int_equal(enroll(f, "token-a", "agent-a", key), MLC_OK);
    assert_owner(f, "agent-a", "a");
    assert_int_equal(enroll(f, "token-a", "agent-a", other_key), MLC_E_DENIED);
    fix_free(f);
}

static void test_name_of_another_tenant_is_not_given(void **state)
{
    (void)state;
    fix *const f = fix_new();
    assert_int_equal(issue(f, "a", "agent-a", "token-a"), MLC_OK);
    assert_int_equal(issue(f, "b", "agent-a", "token-b"), MLC_OK); /* nobody has the name yet */
    assert_int_equal(enroll(f, "token-a", "agent-a", key), MLC_OK);
    /* The token of b was made before: the name is taken now. */
    assert_int_equal(enroll(f, "token-b", "agent-a", other_key), MLC_E_EXISTS);
    assert_null(strstr(f->why, "tenant a"));
    assert_int_equal(issue(f, "b", "agent-a", "token-b2"), MLC_E_EXISTS);
    assert_owner(f, "agent-a", "a");
    assert_memory_equal(mlc_agents_find(f->agents, "agent-a")->key, key, MLC_KEY_LEN);
    /* Nor after a restart. */
    mlc_agents_close(f->agents);
    open_agents(f);
    assert_owner(f, "agent-a", "a");
    assert_memory_equal(mlc_agents_find(f->agents, "agent-a")->key, key, MLC_KEY_LEN);
    fix_free(f);
}

static void test_names_known_by_certificate(void **state)
{
    (void)state;
    fix *const f = fix_new();
    assert_int_equal(issue(f, "b", "agent-a", "token-b"), MLC_OK);
    assert_int_equal(mlc_agents_add_certified(f->agents, "agent-a", "a", NULL), MLC_OK);
    assert_int_equal(mlc_agents_add_certified(f->agents, "agent-a", "b", NULL), MLC_E_EXISTS);
    assert_int_equal(enroll(f, "token-b", "agent-a", key), MLC_E_EXISTS);
    assert_false(mlc_agents_find(f->agents, "agent-a")->has_key);
    /* When a leaves, the name is free; what is enrolled with a key stays. */
    assert_int_equal(issue(f, "a", "keyed", "token-a"), MLC_OK);
    assert_int_equal(enroll(f, "token-a", "keyed", key), MLC_OK);
    mlc_agents_drop_certified(f->agents, "a");
    assert_null(mlc_agents_find(f->agents, "agent-a"));
    assert_owner(f, "keyed", "a");
    assert_int_equal(mlc_agents_add_certified(f->agents, "agent-a", "b", NULL), MLC_OK);
    fix_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_token_is_for_one_agent_of_one_tenant),
                                       cmocka_unit_test(test_name_of_another_tenant_is_not_given),
                                       cmocka_unit_test(test_names_known_by_certificate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
