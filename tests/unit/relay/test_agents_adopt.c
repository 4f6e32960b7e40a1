/* A control store that was restored from a backup: the certificate that was renewed since is adopted, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "relay/agents.h"
#include "store/audit.h"
#include "support/store_test.h"

enum { LIFE_MS = 3600000, SECOND_MS = 1000 };

typedef struct fix {
    st_fix st;
    mlc_keyring ring;
    mlc_issuer issuer;
    mlc_agents *agents;
    mlc_code code;
    int64_t first_ms; /* beginning of the agent's first certificate */
} fix;

static void on_done(void *user, mlc_code code, const mlc_error *err)
{
    fix *const f = user;
    (void)err;
    f->code = code;
}

static void open_agents(fix *f)
{
    const mlc_issuer_options issuer = {.control = f->st.store, .ring = &f->ring, .life_ms = LIFE_MS};
    assert_int_equal(mlc_issuer_open(&f->issuer, &issuer, NULL), MLC_OK);
    assert_int_equal(mlc_agents_open(&f->agents, f->st.store, &f->ring, &f->issuer, NULL, NULL), MLC_OK);
}

static void reopen(fix *f)
{
    mlc_agents_close(f->agents);
    open_agents(f);
}

static mlc_code outcome(fix *f, mlc_code submitted)
{
    if (submitted != MLC_OK)
        return submitted;
    assert_int_equal(mlc_store_drain(f->st.store, NULL), MLC_OK);
    return f->code;
}

static void enrol(fix *f, const char *token)
{
    uint8_t key[MLC_EC_PRIVATE_LEN], public_key[MLC_EC_PUBLIC_LEN];
    assert_int_equal(mlc_ec_generate(key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_public(key, public_key, NULL), MLC_OK);
    assert_int_equal(outcome(f, mlc_agents_issue(f->agents, "acme", "agent-1", token, mlc_wall_ms() + 60000,
                                                 NULL, on_done, f, NULL)),
                     MLC_OK);
    assert_int_equal(
        outcome(f, mlc_agents_certify(f->agents, token, "agent-1", public_key, on_done, f, NULL)), MLC_OK);
}

static int set_up(void **state)
{
    static const uint8_t root[MLC_KEY_LEN] = {7};
    fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    st_init(&f->st);
    f->ring = mlc_keyring_of(root);
    open_agents(f);
    enrol(f, "token");
    f->first_ms = mlc_agents_find(f->agents, "agent-1")->certs[0].info.not_before_ms;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fix *const f = *state;
    mlc_agents_close(f->agents);
    mlc_issuer_wipe(&f->issuer);
    st_end(&f->st);
    free(f);
    return 0;
}

/* What is special of a certificate; NULL and 0: as the relay issues it for agent-1 of acme. */
typedef struct special {
    const char *name, *tenant;
    const mlc_issuer *issuer;
    int64_t not_before_ms, not_after_ms;
} special;

static void make(const fix *f, const special *what, mlc_buf *out)
{
    uint8_t key[MLC_EC_PRIVATE_LEN], public_key[MLC_EC_PUBLIC_LEN];
    const mlc_issuer *const issuer = what->issuer != NULL ? what->issuer : &f->issuer;
    const mlc_cert_order order = {
        .ca = issuer->cert,
        .ca_len = issuer->cert_len,
        .ca_key = issuer->key,
        .name = what->name != NULL ? what->name : "agent-1",
        .tenant = what->tenant != NULL ? what->tenant : "acme",
        .public_key = public_key,
        .not_before_ms = what->not_before_ms != 0 ? what->not_before_ms : f->first_ms + 2 * SECOND_MS,
        .not_after_ms = what->not_after_ms != 0 ? what->not_after_ms : mlc_wall_ms() + LIFE_MS};
    mlc_buf_clear(out);
    assert_int_equal(mlc_ec_generate(key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_public(key, public_key, NULL), MLC_OK);
    assert_int_equal(mlc_cert_issue(&order, out, NULL), MLC_OK);
}

static mlc_code adopt(fix *f, const mlc_buf *cert)
{
    return outcome(f, mlc_agents_adopt(f->agents, "agent-1", cert->data, cert->len, on_done, f, NULL));
}

/* By both doors: what the tunnel asks first, and the job. */
static void assert_denied(fix *f, const mlc_buf *cert, const char *why)
{
    mlc_cert_info info;
    mlc_error err = {0};
    assert_int_equal(mlc_agents_adoptable(f->agents, "agent-1", cert->data, cert->len, &info, &err),
                     MLC_E_DENIED);
    if (strstr(err.message, why) == NULL)
        fail_msg("%s", err.message);
    assert_int_equal(adopt(f, cert), MLC_E_DENIED);
}

static bool has(const fix *f, const mlc_buf *cert)
{
    const mlc_agent_record *const record = mlc_agents_find(f->agents, "agent-1");
    mlc_cert_info info;
    assert_int_equal(mlc_cert_read(cert->data, cert->len, &info, NULL), MLC_OK);
    return record != NULL && mlc_agent_cert_of(record, info.fingerprint) != NULL;
}

static bool visit_audit(const mlc_audit_item *item, void *arg)
{
    size_t *const count = arg;
    cJSON *tree = NULL;
    assert_int_equal(mlc_audit_tree(item, &tree, NULL), MLC_OK);
    const char *const action = mlc_json_str(tree, "action");
    *count += action != NULL && strcmp(action, "certificate adopted") == 0 ? 1 : 0;
    cJSON_Delete(tree);
    return true;
}

static mlc_code scan_audit(mlc_txn *txn, void *arg, mlc_error *err)
{
    return mlc_audit_scan(txn, 0, 1000, visit_audit, arg, err);
}

static void test_a_newer_one_is_adopted(void **state)
{
    fix *const f = *state;
    mlc_cert_info info;
    mlc_buf first = {0}, renewed = {0};
    size_t adopted = 0;
    const mlc_agent_cert *const cert = mlc_agents_find(f->agents, "agent-1")->certs;
    assert_int_equal(mlc_buf_append(&first, cert->der, cert->len, NULL), MLC_OK);
    make(f, &(special){0}, &renewed);
    assert_int_equal(mlc_agents_adoptable(f->agents, "agent-1", renewed.data, renewed.len, &info, NULL),
                     MLC_OK);
    assert_false(has(f, &renewed)); /* to ask changes nothing */
    assert_int_equal(adopt(f, &renewed), MLC_OK);
    assert_true(has(f, &renewed) && !has(f, &first));
    reopen(f);
    assert_true(has(f, &renewed) && !has(f, &first));
    /* The former one does not come back; the same again is no other. */
    assert_denied(f, &first, "before the newest");
    assert_int_equal(adopt(f, &renewed), MLC_OK);
    assert_int_equal(mlc_store_read(f->st.store, scan_audit, &adopted, NULL), MLC_OK);
    assert_int_equal(adopted, 1);
    mlc_buf_free(&first);
    mlc_buf_free(&renewed);
}

static void test_what_is_not_its_own_is_refused(void **state)
{
    fix *const f = *state;
    const int64_t now = mlc_wall_ms();
    st_fix elsewhere;
    mlc_issuer other;
    mlc_buf cert = {0};
    st_init(&elsewhere);
    const mlc_issuer_options options = {.control = elsewhere.store, .ring = &f->ring, .life_ms = LIFE_MS};
    assert_int_equal(mlc_issuer_open(&other, &options, NULL), MLC_OK);
    const struct {
        special what;
        const char *why;
    } cases[] = {{{.not_before_ms = f->first_ms}, "before the newest"},
                 {{.not_before_ms = f->first_ms - LIFE_MS}, "before the newest"},
                 {{.issuer = &other}, "not issued by this relay"},
                 {{.tenant = "beta"}, "not for this agent"},
                 {{.name = "agent-2"}, "not for this agent"},
                 {{.not_after_ms = now - SECOND_MS}, "not valid now"},
                 {{.not_before_ms = now + 60 * SECOND_MS}, "not valid now"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make(f, &cases[i].what, &cert);
        assert_denied(f, &cert, cases[i].why);
    }
    make(f, &(special){0}, &cert);
    assert_int_equal(mlc_buf_append(&cert, "", 1, NULL), MLC_OK);
    assert_denied(f, &cert, "no certificate");
    cert.len -= 2;
    assert_denied(f, &cert, "no certificate");
    mlc_issuer_wipe(&other);
    st_end(&elsewhere);
    mlc_buf_free(&cert);
}

/* What the renewal itself gave out and then took back does not come back, nor by way of a restart. */
static void test_an_unused_renewal_is_not_adopted_later(void **state)
{
    fix *const f = *state;
    uint8_t fingerprint[MLC_SHA256_LEN], key[MLC_EC_PRIVATE_LEN], public_key[MLC_EC_PUBLIC_LEN];
    mlc_buf dropped = {0};
    memcpy(fingerprint, mlc_agents_find(f->agents, "agent-1")->certs[0].info.fingerprint, sizeof fingerprint);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(mlc_ec_generate(key, NULL), MLC_OK);
        assert_int_equal(mlc_ec_public(key, public_key, NULL), MLC_OK);
        assert_int_equal(
            outcome(f, mlc_agents_renew(f->agents, "agent-1", fingerprint, public_key, on_done, f, NULL)),
            MLC_OK);
        const mlc_agent_cert *const waiting = &mlc_agents_find(f->agents, "agent-1")->certs[1];
        if (i == 0)
            assert_int_equal(mlc_buf_append(&dropped, waiting->der, waiting->len, NULL), MLC_OK);
    }
    assert_denied(f, &dropped, "before the newest");
    reopen(f);
    assert_denied(f, &dropped, "before the newest");
    mlc_buf_free(&dropped);
}

static void test_revoked_stays_revoked(void **state)
{
    fix *const f = *state;
    mlc_buf stolen = {0}, newer = {0};
    make(f, &(special){.not_before_ms = f->first_ms + 60 * SECOND_MS}, &stolen);
    make(f, &(special){.not_before_ms = f->first_ms + 120 * SECOND_MS}, &newer);
    assert_int_equal(adopt(f, &stolen), MLC_OK);
    assert_int_equal(outcome(f, mlc_agents_revoke(f->agents, "agent-1", NULL, on_done, f, NULL)), MLC_OK);
    assert_denied(f, &stolen, "no certificate of this relay");
    assert_denied(f, &newer, "no certificate of this relay");
    /* Enrolled again, its own certificate begins earlier than the stolen one, as after a clock that was put back: no matter. */
    enrol(f, "again");
    assert_true(mlc_agents_find(f->agents, "agent-1")->certs[0].info.not_before_ms < f->first_ms + 60000);
    assert_denied(f, &stolen, "before the newest");
    reopen(f);
    assert_denied(f, &stolen, "before the newest");
    mlc_buf_free(&stolen);
    mlc_buf_free(&newer);
}

static void test_an_agent_with_a_key_adopts_none(void **state)
{
    static const uint8_t key[MLC_KEY_LEN] = {9};
    fix *const f = *state;
    mlc_buf cert = {0};
    make(f, &(special){0}, &cert);
    assert_int_equal(outcome(f, mlc_agents_issue(f->agents, "acme", "agent-1", "key", mlc_wall_ms() + 60000,
                                                 NULL, on_done, f, NULL)),
                     MLC_OK);
    assert_int_equal(outcome(f, mlc_agents_enroll(f->agents, "key", "agent-1", key, on_done, f, NULL)),
                     MLC_OK);
    assert_denied(f, &cert, "no certificate of this relay");
    mlc_buf_free(&cert);
}

/* Two connections at once: the newest stays. */
static void test_the_newest_wins(void **state)
{
    fix *const f = *state;
    mlc_buf older = {0}, newer = {0};
    make(f, &(special){.not_before_ms = f->first_ms + 10 * SECOND_MS}, &older);
    make(f, &(special){.not_before_ms = f->first_ms + 20 * SECOND_MS}, &newer);
    assert_int_equal(mlc_agents_adopt(f->agents, "agent-1", newer.data, newer.len, on_done, f, NULL), MLC_OK);
    assert_int_equal(adopt(f, &older), MLC_E_DENIED);
    assert_true(has(f, &newer) && !has(f, &older));
    mlc_buf_free(&older);
    mlc_buf_free(&newer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_newer_one_is_adopted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_not_its_own_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_unused_renewal_is_not_adopted_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_revoked_stays_revoked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_agent_with_a_key_adopts_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_newest_wins, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
