/* What the relay's configuration says of its tenants: names, credentials, nothing in common, sealed values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/sealed.h"
#include "relay/config.h"
#include "relay/config_check.h"
#include "support/store_test.h"

#include <stdlib.h>

static const char settings[] = "dynamics: { url = \"https://o.api.crm.dynamics.com/api/data/v9.2/\";"
                               " directory = \"d\"; client_id = \"c\"; scope = \"s\";"
                               " client_secret = \"env:MLC_TEST_SECRET_D\"; };";

typedef struct loaded {
    mlc_cfg *cfg;
    mlc_code code;
    mlc_buf report;
} loaded;

typedef mlc_code (*load_fn)(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err);

/* `tenants`: groups without their dynamics, which is put before the last "}" of each. */
static loaded load(const char *dir, load_fn fn, const char *tenants)
{
    char path[300];
    loaded l = {0};
    (void)snprintf(path, sizeof path, "%s/relay.conf", dir);
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    (void)fprintf(file, "relay: { data_dir = \"%s\"; };\ntenants = (\n", dir);
    int depth = 0;
    for (const char *p = tenants; *p != '\0'; p++) {
        depth += *p == '{' ? 1 : *p == '}' ? -1 : 0;
        if (*p == '}' && depth == 0)
            (void)fputs(settings, file);
        (void)fputc(*p, file);
    }
    (void)fputs("\n);\n", file);
    assert_int_equal(fclose(file), 0);
    l.code = fn(&l.cfg, path, &l.report, NULL);
    return l;
}

static void done(loaded *l)
{
    mlc_cfg_free(l->cfg);
    mlc_buf_free(&l->report);
}

static void assert_fault(const char *dir, const char *tenants, const char *part)
{
    loaded l = load(dir, mlc_relay_config_load, tenants);
    assert_int_equal(l.code, MLC_E_INVALID);
    assert_null(l.cfg);
    if (strstr(mlc_buf_text(&l.report), part) == NULL)
        fail_msg("%s\ngave: %s", tenants, mlc_buf_text(&l.report));
    done(&l);
}

#define ONE   "webhook_secret = \"env:MLC_TEST_SECRET_1\"; "
#define TWO   "webhook_secret = \"env:MLC_TEST_SECRET_2\"; "
#define AGENT "mtls_agents = [ \"agent-x\" ]; "

static void test_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"a/b", "..", ".a", "-a", "a b", "a\"b", "a_b", "é", "a%2fb", ""};
    static const char *const good[] = {"acme", "A-1.b", "0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_non_null(mlc_relay_config_name_fault(bad[i]));
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_null(mlc_relay_config_name_fault(good[i]));
}

static void test_nothing_in_common(void **state)
{
    const char *const dir = *state;
    assert_fault(dir, "{ id = \"../x\"; " ONE "}", "tenants[0].id: only letters");
    assert_fault(dir, "{ id = \"a\"; " ONE "}, { id = \"A\"; " TWO "}", "tenants[1].id: another tenant");
    assert_fault(dir, "{ id = \"a\"; " ONE "}, { id = \"b\"; " ONE "}",
                 "tenants[1].webhook_secret: another tenant has the same secret");
    assert_fault(dir, "{ id = \"a\"; " ONE AGENT "}, { id = \"b\"; " TWO AGENT "}",
                 "tenants[1].mtls_agents: another tenant");
    loaded l = load(dir, mlc_relay_config_load, "{ id = \"a\"; " ONE AGENT "}, { id = \"b\"; " TWO "}");
    if (l.code != MLC_OK)
        fail_msg("%s", mlc_buf_text(&l.report));
    done(&l);
}

static void test_schedule_of_the_comparison(void **state)
{
    const char *const dir = *state;
    assert_fault(dir, "{ id = \"a\"; " ONE " compare: { schedule = \"0 25 * * *\"; }; }",
                 "tenants[0].compare.schedule: ");
}

/* Of a tenant's own group, so the text has its dynamics with it; `load` would add others. */
static void test_proxy(void **state)
{
    static const char head[] =
        "relay: { data_dir = \"/tmp\"; }; tenants = ({ id = \"a\"; webhook_secret = "
        "\"env:MLC_TEST_SECRET_1\"; dynamics: { url = \"https://o.example/\"; directory = \"d\"; "
        "client_id = \"c\"; scope = \"s\"; client_secret = \"env:MLC_TEST_SECRET_D\"; ";
    static const struct {
        const char *text, *fault;
    } rows[] = {{"proxy = \"http://p:3128\"; proxy_auth = \"negotiate\";", NULL},
                {"proxy = \"http://u:secret@p:3128\";", "tenants[0].dynamics.proxy: a user and a password"},
                {"proxy = \"http://p:3128\"; no_proxy = \"10.0.0.0/40\";", "tenants[0].dynamics.no_proxy:"}};
    char path[300];
    const char *const dir = *state;
    (void)snprintf(path, sizeof path, "%s/proxy.conf", dir);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        loaded l = {0};
        FILE *const file = fopen(path, "w");
        assert_non_null(file);
        (void)fprintf(file, "%s%s }; });\n", head, rows[i].text);
        assert_int_equal(fclose(file), 0);
        l.code = mlc_relay_config_load(&l.cfg, path, &l.report, NULL);
        assert_int_equal(l.code, rows[i].fault == NULL ? MLC_OK : MLC_E_INVALID);
        if (rows[i].fault != NULL && strstr(mlc_buf_text(&l.report), rows[i].fault) == NULL)
            fail_msg("%s gave: %s", rows[i].text, mlc_buf_text(&l.report));
        assert_null(strstr(mlc_buf_text(&l.report), "secret@"));
        done(&l);
    }
}

static void test_to_run_the_faults_stay_with_the_tenant(void **state)
{
    loaded l = load(*state, mlc_relay_config_load_partly, "{ id = \"a\"; " ONE "}, { id = \"b\"; " ONE "}");
    assert_int_equal(l.code, MLC_OK);
    assert_null(mlc_cfg_element_faults(l.cfg, "tenants[0]"));
    assert_non_null(strstr(mlc_cfg_element_faults(l.cfg, "tenants[1]"), "the same secret"));
    done(&l);
}

static void test_sealed_values_open_at_their_tenant(void **state)
{
    const char *const dir = *state;
    char path[300], tenants[1200];
    mlc_keyring ring;
    mlc_buf sealed = {0};
    (void)snprintf(path, sizeof path, "%s/root.key", dir);
    assert_int_equal(mlc_keyring_load(path, true, &ring, NULL), MLC_OK);
    assert_int_equal(
        mlc_sealed_make(&ring, "ml-relay", "tenants[b].webhook_secret", "sesame", 6, &sealed, NULL), MLC_OK);
    /* The place in the list does not count, the name does. */
    (void)snprintf(tenants, sizeof tenants,
                   "{ id = \"a\"; " ONE "}, { webhook_secret = \"%s\"; id = \"b\"; }", mlc_buf_text(&sealed));
    loaded l = load(dir, mlc_relay_config_load, tenants);
    if (l.code != MLC_OK)
        fail_msg("%s", mlc_buf_text(&l.report));
    assert_string_equal(mlc_cfg_secret(l.cfg, "tenants[1].webhook_secret"), "sesame");
    done(&l);
    (void)snprintf(tenants, sizeof tenants, "{ webhook_secret = \"%s\"; id = \"c\"; }",
                   mlc_buf_text(&sealed));
    assert_fault(dir, tenants, "tenants[0].webhook_secret: cannot open the sealed value: it was sealed with");
    mlc_buf_free(&sealed);
}

/* A list of proxies with a fault in it must not wait for the first request. */
static void test_proxies_are_addresses(void **state)
{
    const char *const dir = *state;
    mlc_error err;
    const char *const names[] = {"MLC_RELAY_TRUSTED_PROXIES", "MLC_RELAY_METRICS_FROM"};
    const char *const paths[] = {"relay.trusted_proxies[1]: ", "relay.metrics_from[1]: "};
    for (size_t i = 0; i < 2; i++) {
        char path[300];
        mlc_cfg *cfg = NULL;
        (void)setenv(names[i], "10.0.0.0/8,proxy.example", 1);
        loaded l = load(dir, mlc_relay_config_load, "{ id = \"a\"; " ONE "}");
        assert_int_equal(l.code, MLC_E_INVALID);
        done(&l);
        (void)snprintf(path, sizeof path, "%s/relay.conf", dir);
        assert_int_equal(mlc_relay_config_load_partly(&cfg, path, NULL, &err), MLC_E_INVALID);
        assert_non_null(strstr(err.message, paths[i]));
        assert_non_null(strstr(err.message, "proxy.example"));
        (void)unsetenv(names[i]);
    }
}

static int make_dir(void **state)
{
    (void)setenv("MLC_TEST_SECRET_1", "one", 1);
    (void)setenv("MLC_TEST_SECRET_2", "two", 1);
    (void)setenv("MLC_TEST_SECRET_D", "dynamics", 1);
    st_fix *const place = calloc(1, sizeof *place);
    assert_non_null(place);
    st_place(place);
    *state = place->root; /* its first member */
    return 0;
}

static int remove_dir(void **state)
{
    st_fix *const place = *state;
    st_end(place);
    free(place);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_nothing_in_common),
        cmocka_unit_test(test_schedule_of_the_comparison),
        cmocka_unit_test(test_proxy),
        cmocka_unit_test(test_to_run_the_faults_stay_with_the_tenant),
        cmocka_unit_test(test_sealed_values_open_at_their_tenant),
        cmocka_unit_test(test_proxies_are_addresses),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
