/* The proxy's settings, the plan that follows from them, and who is reached without it (net/proxy.h, net/no_proxy.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/host.h"
#include "net/no_proxy.h"
#include "net/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const variables[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
                                        "no_proxy",    "NO_PROXY",    NULL};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; variables[i] != NULL; i++)
        (void)unsetenv(variables[i]);
    return 0;
}

/* ---- host and port ---- */

static void host_and_port_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *host;
        int port;
    } rows[] = {{"proxy:3128", "proxy", 3128},
                {"proxy", "proxy", 7},
                {"[::1]:80", "::1", 80},
                {"[fd00::2]", "fd00::2", 7},
                {"10.0.0.1:1", "10.0.0.1", 1},
                {"", NULL, 0},
                {":80", NULL, 0},
                {"[]:80", NULL, 0},
                {"[::1", NULL, 0},
                {"[::1]80", NULL, 0},
                {"[[fd0]:80", NULL, 0},
                {"[fd0]:80", NULL, 0},
                {"pro]xy:80", NULL, 0},
                {"pro xy:80", NULL, 0},
                {"proxy:", NULL, 0},
                {"proxy:0", NULL, 0},
                {"proxy:65536", NULL, 0},
                {"proxy:8o", NULL, 0},
                {"proxy:123456", NULL, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *host = NULL;
        int port = 7;
        const bool ok = mlc_host_split(rows[i].text, strlen(rows[i].text), &host, &port);
        assert_int_equal(ok, rows[i].host != NULL);
        if (ok) {
            assert_string_equal(host, rows[i].host);
            assert_int_equal(port, rows[i].port);
        } else {
            assert_null(host);
        }
        free(host);
    }
}

static void host_and_port_are_joined(void **state)
{
    char text[MLC_AUTHORITY_MAX];
    (void)state;
    assert_string_equal(mlc_host_join("relay.example.com", 443, text), "relay.example.com:443");
    assert_string_equal(mlc_host_join("fd00::1", 443, text), "[fd00::1]:443");
}

/* ---- who is reached without it ---- */

static void the_list_of_exceptions(void **state)
{
    static const struct {
        const char *list, *host;
        bool has;
    } rows[] = {{NULL, "a.example", false},
                {"", "a.example", false},
                {"*", "a.example", true},
                {"*", "10.0.0.1", true},
                {"a.example", "a.example", true},
                {"a.example", "A.Example", true},
                {"a.example", "b.a.example", true},
                {"a.example", "ba.example", false},
                {".a.example", "a.example", true},
                {".a.example", "x.a.example", true},
                {"a.example.", "a.example", true},
                {"a.example", "a.example.", true},
                {"example", "a.example.com", false},
                {"x.example, a.example", "a.example", true},
                {"x.example a.example", "a.example", true},
                {" ,, a.example,", "a.example", true},
                {"10.1.2.3", "10.1.2.3", true},
                {"10.1.2.3", "10.1.2.30", false},
                {"2.3", "10.1.2.3", false}, /* the end of an address is no domain */
                {"10.0.0.0/8", "10.255.0.1", true},
                {"10.0.0.0/8", "11.0.0.1", false},
                {"10.0.0.0/9", "10.128.0.0", false},
                {"10.0.0.0/0", "192.168.1.1", true},
                {"10.1.2.3/32", "10.1.2.3", true},
                {"10.0.0.0/8", "ten.example", false},
                {"10.0.0.0/8", "::a00:1", false},
                {"::1", "::1", true},
                {"[::1]", "::1", true},
                {"fd00::/8", "fd12::1", true},
                {"[fd00::]/8", "fd12::1", true},
                {"fd00::/8", "fe80::1", false},
                {"0:0:0:0:0:0:0:1", "::1", true},
                {"10.0.0.0/33", "10.0.0.0", false},
                {"a.example/8", "a.example", false}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (mlc_no_proxy_has(rows[i].list, rows[i].host) != rows[i].has)
            fail_msg("\"%s\" and %s", rows[i].list, rows[i].host);
}

static void an_overlong_entry_is_no_entry(void **state)
{
    char list[1024];
    (void)state;
    memset(list, 'a', 600);
    (void)snprintf(list + 600, sizeof list - 600, ",b.example");
    assert_true(mlc_no_proxy_has(list, "b.example"));
    assert_false(mlc_no_proxy_has(list, "aaa"));
}

static void faults_of_the_list(void **state)
{
    (void)state;
    assert_null(mlc_no_proxy_fault(NULL));
    assert_null(mlc_no_proxy_fault("*, .a.example 10.0.0.0/8,[fd00::]/8 ::1"));
    assert_non_null(mlc_no_proxy_fault("10.0.0.0/33"));
    assert_non_null(mlc_no_proxy_fault("fd00::/129"));
    assert_non_null(mlc_no_proxy_fault("10.0.0.0/"));
    assert_non_null(mlc_no_proxy_fault("10.0.0.0/8x"));
    assert_non_null(mlc_no_proxy_fault("a.example/8"));
    assert_non_null(mlc_no_proxy_fault("a.example:443"));
}

/* ---- the plan ---- */

static void assert_plan(const mlc_proxy *settings, const char *name, const char *user, const char *password)
{
    mlc_proxy_plan plan;
    assert_int_equal(mlc_proxy_plan_make(&plan, settings, NULL), MLC_OK);
    const char *const got[] = {plan.name, plan.user, plan.password};
    const char *const wanted[] = {name, user, password};
    for (size_t i = 0; i < 3; i++) {
        if (wanted[i] == NULL)
            assert_null(got[i]);
        else
            assert_string_equal(got[i], wanted[i]);
    }
    mlc_proxy_plan_free(&plan);
}

static void no_proxy_is_a_plan_too(void **state)
{
    mlc_proxy_plan plan;
    (void)state;
    assert_plan(&(mlc_proxy){0}, NULL, NULL, NULL);
    assert_plan(&(mlc_proxy){.url = ""}, NULL, NULL, NULL);
    assert_plan(&(mlc_proxy){.url = "from_environment"}, NULL, NULL, NULL);
    assert_int_equal(mlc_proxy_plan_make(&plan, &(mlc_proxy){0}, NULL), MLC_OK);
    assert_false(mlc_proxy_plan_leads(&plan, "a.example"));
    assert_string_equal(plan.auth, "any");
    mlc_proxy_plan_free(&plan);
}

static void address_and_user_of_the_settings(void **state)
{
    (void)state;
    assert_plan(&(mlc_proxy){.url = "http://p.example:3128"}, "p.example:3128", NULL, NULL);
    assert_plan(&(mlc_proxy){.url = "HTTP://p.example:3128/"}, "p.example:3128", NULL, NULL);
    assert_plan(&(mlc_proxy){.url = "http://[fd00::9]:8080"}, "[fd00::9]:8080", NULL, NULL);
    assert_plan(&(mlc_proxy){.url = "http://p:1", .user = "CORP\\jane", .password = "a%40:b"}, "p:1",
                "CORP\\jane", "a%40:b");
    assert_plan(&(mlc_proxy){.url = "http://jane:s%40fe%3Aword@p:1"}, "p:1", "jane", "s@fe:word");
    assert_plan(&(mlc_proxy){.url = "http://u@x:y@p:1"}, "p:1", "u@x", "y");
    assert_plan(&(mlc_proxy){.url = "http://other:pw@p:1", .user = "jane", .password = "word"}, "p:1", "jane",
                "word");
}

static void what_is_no_proxy_is_refused_and_no_password_repeated(void **state)
{
    static const char *const bad[] = {
        "socks5://p:1", "https://p:1",  "http://p",          "http://p:0",
        "http://p:1/x", "http://:80",   "http://u:secret@p", "http://u:secret%zz@p:1",
        "p:70000",      "http://[::1:1"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mlc_proxy_plan plan;
        mlc_error err;
        assert_int_equal(mlc_proxy_plan_make(&plan, &(mlc_proxy){.url = bad[i]}, &err), MLC_E_INVALID);
        assert_null(plan.name);
        assert_non_null(strstr(err.message, "proxy"));
        assert_null(strstr(err.message, "secret"));
    }
    mlc_proxy_plan plan;
    assert_int_equal(mlc_proxy_plan_make(&plan, &(mlc_proxy){.url = "http://p:1", .auth = "bearer"}, NULL),
                     MLC_E_INVALID);
}

static void the_environment_is_read_when_asked_for(void **state)
{
    mlc_proxy_plan plan;
    mlc_error err;
    (void)clear_environment(state);
    (void)setenv("ALL_PROXY", "all.example:1", 1);
    assert_plan(&(mlc_proxy){.url = "from_environment"}, "all.example:1", NULL, NULL);
    (void)setenv("HTTPS_PROXY", "http://jane:pw@upper.example:2/", 1);
    assert_plan(&(mlc_proxy){.url = "from_environment"}, "upper.example:2", "jane", "pw");
    (void)setenv("https_proxy", "http://lower.example:3", 1);
    (void)setenv("NO_PROXY", "corp.example,10.0.0.0/8", 1);
    const mlc_proxy settings = {.url = "from_environment", .no_proxy = "other.example"};
    assert_int_equal(mlc_proxy_plan_make(&plan, &settings, NULL), MLC_OK);
    assert_string_equal(plan.name, "lower.example:3");
    assert_false(mlc_proxy_plan_leads(&plan, "ais.corp.example"));
    assert_false(mlc_proxy_plan_leads(&plan, "10.1.1.1"));
    assert_false(mlc_proxy_plan_leads(&plan, "other.example"));
    assert_true(mlc_proxy_plan_leads(&plan, "relay.example.com"));
    mlc_proxy_plan_free(&plan);
    /* Without being asked for, it plays no part. */
    assert_plan(&(mlc_proxy){0}, NULL, NULL, NULL);
    assert_int_equal(mlc_proxy_plan_make(&plan, &(mlc_proxy){.url = "http://p:1"}, NULL), MLC_OK);
    assert_true(mlc_proxy_plan_leads(&plan, "ais.corp.example"));
    mlc_proxy_plan_free(&plan);
    (void)setenv("https_proxy", "socks5://lower.example:3", 1);
    assert_int_equal(mlc_proxy_plan_make(&plan, &settings, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "https_proxy"));
    (void)clear_environment(state);
}

/* ---- the settings of a program ---- */

static const mlc_cfg_field schema[] = {
    {"relay.url", MLC_CFG_STRING, false, NULL, 0, 512, NULL, "Where it leads"}, MLC_PROXY_FIELDS("relay")};

/* The fault of this text, "" when there is none, with the setting's name first. */
static const char *fault_of(const char *text, char out[512])
{
    char dir[] = "/tmp/mlc-proxy-XXXXXX";
    char file[64];
    mlc_cfg *cfg = NULL;
    mlc_buf report = {0};
    assert_non_null(mkdtemp(dir));
    (void)snprintf(file, sizeof file, "%s/x.conf", dir);
    (void)setenv("MLC_TEST_PASSWORD", "tiger", 1);
    FILE *const f = fopen(file, "w");
    assert_non_null(f);
    (void)fprintf(f, "relay: { %s };\n", text);
    (void)fclose(f);
    assert_int_equal(
        mlc_cfg_load(&cfg, file, schema, sizeof schema / sizeof schema[0], NULL, NULL, &report, NULL),
        MLC_OK);
    mlc_buf_clear(&report);
    const mlc_code code = mlc_proxy_check(cfg, "relay", &report, NULL);
    assert_int_equal(code, report.len > 0 ? MLC_E_INVALID : MLC_OK);
    const char *const name = strstr(mlc_buf_text(&report), "relay.");
    (void)snprintf(out, 512, "%s", name != NULL ? name : mlc_buf_text(&report));
    mlc_buf_free(&report);
    mlc_cfg_free(cfg);
    (void)unlink(file);
    (void)rmdir(dir);
    return out;
}

#define SIGN_IN " proxy_user = \"jane\"; proxy_password = \"env:MLC_TEST_PASSWORD\";"

static void settings_are_checked_together(void **state)
{
    static const struct {
        const char *text, *setting; /* NULL: no fault */
    } rows[] = {
        {"", NULL},
        {"proxy = \"http://p:3128\";", NULL},
        {"proxy = \"from_environment\"; proxy_auth = \"ntlm\";", NULL},
        {"proxy = \"http://p:3128\"; proxy_auth = \"negotiate\"; no_proxy = \"10.0.0.0/8\";", NULL},
        {"proxy = \"http://p:3128\"; proxy_auth = \"ntlm\";" SIGN_IN, NULL},
        {"proxy = \"p:3128\";", "relay.proxy:"},
        {"proxy = \"https://p:3128\";", "relay.proxy:"},
        {"proxy = \"http://p\";", "relay.proxy:"},
        {"proxy = \"http://jane:secret@p:3128\";", "relay.proxy: a user and a password do not stand here"},
        {SIGN_IN, "relay.proxy_user: there is no proxy"},
        {"proxy = \"http://p:3128\"; proxy_user = \"jane\";",
         "relay.proxy_user: user and password go together"},
        {"proxy = \"http://p:3128\"; proxy_password = \"env:MLC_TEST_PASSWORD\";", "relay.proxy_user:"},
        {"proxy = \"http://p:3128\"; proxy_auth = \"negotiate\";" SIGN_IN, "relay.proxy_user: Negotiate"},
        {"proxy = \"http://p:3128\"; proxy_auth = \"digest\";", "relay.proxy_auth: this sign-in needs"},
        {"proxy = \"http://p:3128\"; no_proxy = \"10.0.0.0/99\";", "relay.no_proxy: a network"},
    };
    char text[512];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *const got = fault_of(rows[i].text, text);
        assert_null(strstr(got, "secret@"));
        if (rows[i].setting == NULL ? got[0] != '\0' : strstr(got, rows[i].setting) != got)
            fail_msg("%s: \"%s\"", rows[i].text, got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_and_port_are_taken_apart),
        cmocka_unit_test(host_and_port_are_joined),
        cmocka_unit_test(the_list_of_exceptions),
        cmocka_unit_test(an_overlong_entry_is_no_entry),
        cmocka_unit_test(faults_of_the_list),
        cmocka_unit_test(no_proxy_is_a_plan_too),
        cmocka_unit_test(address_and_user_of_the_settings),
        cmocka_unit_test(what_is_no_proxy_is_refused_and_no_password_repeated),
        cmocka_unit_test(the_environment_is_read_when_asked_for),
        cmocka_unit_test(settings_are_checked_together),
    };
    return cmocka_run_group_tests(tests, clear_environment, NULL);
}
