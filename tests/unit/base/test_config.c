/* Configuration: values, faults all at once, overrides, secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/config.h"
#include "base/config_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const modes[] = {"poll", "push", NULL};

static const mlc_cfg_field schema[] = {
    {.path = "name", .type = MLC_CFG_STRING, .required = true, .min = 1, .max = 8, .help = "Name"},
    {.path = "relay.url", .type = MLC_CFG_URL, .fallback = "wss://relay.example/", .help = "Where | to"},
    {.path = "relay.token", .type = MLC_CFG_SECRET},
    {.path = "relay.timeout", .type = MLC_CFG_DURATION, .fallback = "30s", .min = 1000, .max = 600000},
    {.path = "store.max_size", .type = MLC_CFG_SIZE, .fallback = "1G", .min = 4096, .max = INT64_C(1) << 40},
    {.path = "store.dir", .type = MLC_CFG_PATH, .fallback = "data"},
    {.path = "retries", .type = MLC_CFG_INT, .fallback = "-1", .min = -1, .max = 100},
    {.path = "big", .type = MLC_CFG_INT},
    {.path = "window", .type = MLC_CFG_SIZE, .fallback = "64G", .min = 1 << 20},
    {.path = "verbose", .type = MLC_CFG_BOOL},
    {.path = "mode", .type = MLC_CFG_ENUM, .fallback = "poll", .choices = modes},
    {.path = "hosts", .type = MLC_CFG_STRINGS, .fallback = "a, b"},
    {.path = "tenants[].id", .type = MLC_CFG_STRING, .required = true},
    {.path = "tenants[].dynamics.url", .type = MLC_CFG_URL},
    {.path = "tenants[].page", .type = MLC_CFG_INT, .fallback = "500"},
    {.path = "tenants[].agents[].key", .type = MLC_CFG_STRING, .required = true},
};
enum { FIELDS = sizeof schema / sizeof *schema };

/* One mlc_cfg with what loading said; release with done. */
typedef struct loaded {
    mlc_cfg *cfg;
    mlc_code code;
    mlc_buf report;
    mlc_error err;
} loaded;

static mlc_code fake_unseal(void *user, const mlc_cfg *cfg, const char *path, const char *base64,
                            mlc_buf *out, mlc_error *err)
{
    (void)cfg;
    (void)path;
    if (strcmp(base64, "Z29vZA==") == 0)
        return mlc_buf_puts(out, user, err);
    return mlc_fail(err, MLC_E_AUTH, "wrong key");
}

static loaded load(const char *text)
{
    static char opened[] = "opened";
    loaded l = {0};
    mlc_error_clear(&l.err);
    l.code = mlc_cfg_load_text(&l.cfg, "/etc/mlc/a.conf", text, strlen(text), schema, FIELDS, fake_unseal,
                               opened, &l.report, &l.err);
    return l;
}

static loaded load_good(const char *text)
{
    loaded l = load(text);
    if (l.code != MLC_OK)
        fail_msg("%s", mlc_buf_text(&l.report));
    assert_string_equal(mlc_buf_text(&l.report), "");
    return l;
}

static void done(loaded *l)
{
    mlc_cfg_free(l->cfg);
    mlc_buf_free(&l->report);
}

/* Loading `text` must give exactly this report. */
static void assert_report(const char *text, const char *expected)
{
    loaded l = load(text);
    assert_int_equal(l.code, MLC_E_INVALID);
    assert_null(l.cfg);
    assert_string_equal(mlc_buf_text(&l.report), expected);
    done(&l);
}

/* Loading `text` must give a report with this part. */
static void assert_reported(const char *text, const char *part)
{
    loaded l = load(text);
    assert_int_equal(l.code, MLC_E_INVALID);
    if (strstr(mlc_buf_text(&l.report), part) == NULL)
        fail_msg("\"%s\" gave: %s", text, mlc_buf_text(&l.report));
    done(&l);
}

static void test_defaults(void **state)
{
    (void)state;
    loaded l = load_good("name = \"x\";");
    char where[64];
    assert_string_equal(mlc_cfg_str(l.cfg, "name"), "x");
    assert_string_equal(mlc_cfg_str(l.cfg, "relay.url"), "wss://relay.example/");
    assert_null(mlc_cfg_secret(l.cfg, "relay.token"));
    assert_int_equal(mlc_cfg_int(l.cfg, "relay.timeout"), 30000);
    assert_int_equal(mlc_cfg_int(l.cfg, "store.max_size"), 1 << 30);
    assert_string_equal(mlc_cfg_str(l.cfg, "store.dir"), "/etc/mlc/data");
    assert_int_equal(mlc_cfg_int(l.cfg, "retries"), -1);
    assert_int_equal(mlc_cfg_int(l.cfg, "big"), 0);
    assert_true(mlc_cfg_int(l.cfg, "window") == INT64_C(64) << 30);
    assert_false(mlc_cfg_bool(l.cfg, "verbose"));
    assert_string_equal(mlc_cfg_str(l.cfg, "mode"), "poll");
    assert_int_equal(mlc_cfg_count(l.cfg, "hosts"), 2);
    assert_string_equal(mlc_cfg_list_str(l.cfg, "hosts", 1), "b");
    assert_null(mlc_cfg_list_str(l.cfg, "hosts", 2));
    assert_int_equal(mlc_cfg_count(l.cfg, "tenants"), 0);
    assert_null(mlc_cfg_str(l.cfg, "tenants[0].id"));
    assert_int_equal(mlc_cfg_count(l.cfg, "tenants[0].agents"), 0);
    assert_string_equal(mlc_cfg_where(l.cfg, "mode", where, sizeof where), "default");
    assert_string_equal(mlc_cfg_where(l.cfg, "name", where, sizeof where), "/etc/mlc/a.conf:1");
    done(&l);
}

static void test_values(void **state)
{
    (void)state;
    loaded l = load_good("# comment { [ (\n"
                         "name = \"n\\u00e9\"; /* { */\n"
                         "relay: { url = \"http://127.0.0.1:8080/x\"; timeout = \"2m\"; }\n"
                         "store = { max_size = 8192; dir = \"/var/lib/x\"; };\n"
                         "big = 9000000000L; verbose = true; retries = 0x10;\n"
                         "mode = \"push\"; hosts = [ \"one\", \"two\", \"three\" ];\n");
    assert_string_equal(mlc_cfg_str(l.cfg, "relay.url"), "http://127.0.0.1:8080/x");
    assert_int_equal(mlc_cfg_int(l.cfg, "relay.timeout"), 120000);
    assert_int_equal(mlc_cfg_int(l.cfg, "store.max_size"), 8192);
    assert_string_equal(mlc_cfg_str(l.cfg, "store.dir"), "/var/lib/x");
    assert_true(mlc_cfg_int(l.cfg, "big") == INT64_C(9000000000));
    assert_true(mlc_cfg_bool(l.cfg, "verbose"));
    assert_int_equal(mlc_cfg_int(l.cfg, "retries"), 16);
    assert_string_equal(mlc_cfg_str(l.cfg, "mode"), "push");
    assert_int_equal(mlc_cfg_count(l.cfg, "hosts"), 3);
    assert_string_equal(mlc_cfg_list_str(l.cfg, "hosts", 2), "three");
    done(&l);
}

static void test_lists_of_groups(void **state)
{
    (void)state;
    loaded l = load_good("name = \"x\";\n"
                         "tenants = (\n"
                         "  { id = \"acme\"; dynamics: { url = \"https://acme.example\"; };\n"
                         "    agents = ( { key = \"k0\"; }, { key = \"k1\"; } ); },\n"
                         "  { id = \"beta\"; page = 50; }\n"
                         ");\n");
    char path[64];
    char where[64];
    assert_int_equal(mlc_cfg_count(l.cfg, "tenants"), 2);
    assert_string_equal(mlc_cfg_str(l.cfg, mlc_cfg_at(path, sizeof path, "tenants[%d].id", 1)), "beta");
    assert_string_equal(mlc_cfg_str(l.cfg, "tenants[0].dynamics.url"), "https://acme.example");
    assert_null(mlc_cfg_str(l.cfg, "tenants[1].dynamics.url"));
    assert_int_equal(mlc_cfg_int(l.cfg, "tenants[0].page"), 500);
    assert_int_equal(mlc_cfg_int(l.cfg, "tenants[1].page"), 50);
    assert_int_equal(mlc_cfg_count(l.cfg, "tenants[0].agents"), 2);
    assert_int_equal(mlc_cfg_count(l.cfg, "tenants[1].agents"), 0);
    assert_string_equal(mlc_cfg_str(l.cfg, "tenants[0].agents[1].key"), "k1");
    assert_string_equal(mlc_cfg_where(l.cfg, "tenants[1].id", where, sizeof where), "/etc/mlc/a.conf:5");
    done(&l);
}

static void test_all_faults_at_once(void **state)
{
    (void)state;
    assert_report(
        "relay: {\n"
        "  timeout = 30;\n"
        "  tokn = \"env:X\";\n"
        "};\n"
        "retries = 101;\n"
        "mode = \"pull\";\n"
        "verbose = \"yes\";\n"
        "tenants = ( { page = 1; }, 7 );\n"
        "timeout = \"1s\";\n"
        "zzz = 1;\n"
        "store = 5;\n",
        "/etc/mlc/a.conf:1: name: missing; give a string in quotes, here or as MLC_NAME\n"
        "/etc/mlc/a.conf:2: relay.timeout: a duration needs a unit; give a duration such as \"500ms\", "
        "\"30s\", \"5m\", \"2h\" or \"7d\"\n"
        "/etc/mlc/a.conf:3: relay.tokn: unknown setting; did you mean \"relay.token\"? Correct or remove it\n"
        "/etc/mlc/a.conf:5: retries: 101 is out of range; choose from -1 to 100\n"
        "/etc/mlc/a.conf:6: mode: \"pull\" is not known; choose one of \"poll\" \"push\"\n"
        "/etc/mlc/a.conf:7: verbose: found a string; give true or false\n"
        "/etc/mlc/a.conf:8: tenants[1]: found a whole number; write each element as a group { ... }\n"
        "/etc/mlc/a.conf:8: tenants[0].id: missing; give a string in quotes\n"
        "/etc/mlc/a.conf:9: timeout: unknown setting; did you mean \"relay.timeout\"? Correct or remove it\n"
        "/etc/mlc/a.conf:10: zzz: unknown setting; remove it\n"
        "/etc/mlc/a.conf:11: store: found a whole number; write it as a group: store: { ... };\n");
}

static void test_first_fault_is_the_error(void **state)
{
    (void)state;
    loaded l = load("name = \"x\";\nretries = 200;\nbig = 1.5;");
    assert_int_equal(l.err.code, MLC_E_INVALID);
    assert_string_equal(l.err.message,
                        "/etc/mlc/a.conf:2: retries: 200 is out of range; choose from -1 to 100");
    done(&l);
}

static void test_value_faults(void **state)
{
    (void)state;
    assert_reported("name = \"123456789\";", "9 bytes is out of range; choose from 1 to 8");
    assert_reported("name = \"\";", "a.conf:1: name: 0 bytes is out of range");
    assert_reported("name = 5;", "name: found a whole number; give a string");
    assert_reported("name = \"x\"; big = 1.0;", "found a number with a point; give a whole number");
    assert_reported("name = \"x\"; big = \"1\";", "found a string; give a whole number");
    assert_reported("name = \"x\"; store: { max_size = \"1Q\"; };", "\"1Q\" is not understood; give a size");
    assert_reported("name = \"x\"; store: { max_size = \"9999999999G\"; };", "is not understood");
    assert_reported("name = \"x\"; store: { max_size = -4096; };", "cannot be negative");
    assert_reported("name = \"x\"; store: { max_size = 1024; };", "1K is out of range; choose from 4K to 1T");
    assert_reported("name = \"x\"; store: { dir = \"\"; };", "the path is empty");
    assert_reported("name = \"x\"; relay: { timeout = \"11m\"; };",
                    "11m is out of range; choose from 1s to 10m");
    assert_reported("name = \"x\"; window = \"1023K\";", "1023K is too little; choose at least 1M");
    assert_reported("name = \"x\"; relay: { timeout = \"-1s\"; };", "not understood");
    assert_reported("name = \"x\"; hosts = \"a\";", "found a string; give a list of strings");
    assert_reported("name = \"x\"; hosts = [ 1 ];", "found a whole number; give a list of strings");
    assert_reported("name = \"x\"; tenants: { id = \"a\"; };", "write it as a list of groups");
    assert_reported("name = \"x\"; tenants = ( { id = \"a\"; agents = ( { } ); } );",
                    "tenants[0].agents[0].key: missing");
}

static void test_urls(void **state)
{
    (void)state;
    static const char *const good[] = {
        "https://a.example",  "wss://a.example:443/x?y#z", "http://localhost:1",     "ws://[::1]:8080/",
        "http://127.0.0.53/", "HTTPS://A.example/",        "https://[2001:db8::1]/x"};
    static const char *const bad[] = {"",
                                      "a.example",
                                      "ftp://a.example",
                                      "http://a.example",
                                      "ws://192.168.0.1/",
                                      "http://127.evil.example/",
                                      "http://localhost.evil.example/",
                                      "http://localhostx/",
                                      "https://user:pw@a.example/",
                                      "https://",
                                      "https:///x",
                                      "https://a b/",
                                      "https://a.example:0/",
                                      "https://a.example:65536/",
                                      "https://a.example:/",
                                      "https://[::1/",
                                      "https://[::1]x/",
                                      "https://a\\b/",
                                      "https://\xc3\xa4.example/"};
    char reason[MLC_CFG_REASON_MAX];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!mlc_cfg_url_check(good[i], reason))
            fail_msg("refused %s: %s", good[i], reason);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (mlc_cfg_url_check(bad[i], reason))
            fail_msg("accepted %s", bad[i]);
}

static void test_syntax(void **state)
{
    (void)state;
    assert_reported("name = \"x\"\nretries 5;",
                    "/etc/mlc/a.conf:2: syntax error; look here and on the line before");
    assert_reported("name = \"x\"; name = \"y\";", "a name given twice");
    assert_reported("name = \"x\";\n  @include \"/etc/passwd\"\n", "a.conf:2: @include is not allowed");
    assert_reported("name = \"x\";\n# \xff\n", "a.conf:2: the line is not UTF-8 text");
    /* Numbers that the parser would cut to 32 or 64 bits without a word. */
    assert_reported("name = \"x\";\nbig = 9000000000;",
                    "a.conf:2: the number 9000000000 needs an L behind it");
    assert_reported("name = \"x\"; big=-2147483649;", "needs an L");
    assert_reported("name = \"x\"; big = 0x80000000;", "needs an L");
    assert_reported("name = \"x\"; big = 99999999999999999999L;", "is too large");
    assert_reported("name = \"x\"; big = 0x8000000000000000L;", "is too large");
    assert_reported("name = \"x\"; big = 11111111111111111111111111111111111111L;", "too long");
    char deep[200];
    memset(deep, '(', sizeof deep);
    memcpy(deep, "name = ", 7);
    deep[sizeof deep - 1] = '\0';
    assert_reported(deep, "nested too deeply");
}

static void test_environment(void **state)
{
    (void)state;
    char where[64];
    assert_int_equal(setenv("MLC_NAME", "env", 1), 0);
    assert_int_equal(setenv("MLC_RELAY_TIMEOUT", "5s", 1), 0);
    assert_int_equal(setenv("MLC_HOSTS", "p,q , r", 1), 0);
    assert_int_equal(setenv("MLC_VERBOSE", "true", 1), 0);
    assert_int_equal(setenv("MLC_MODE", "", 1), 0); /* empty: not set */
    loaded l = load_good("relay: { timeout = \"1000h\"; }; mode = \"push\";");
    assert_string_equal(mlc_cfg_str(l.cfg, "name"), "env");
    assert_int_equal(mlc_cfg_int(l.cfg, "relay.timeout"), 5000);
    assert_int_equal(mlc_cfg_count(l.cfg, "hosts"), 3);
    assert_string_equal(mlc_cfg_list_str(l.cfg, "hosts", 1), "q");
    assert_true(mlc_cfg_bool(l.cfg, "verbose"));
    assert_string_equal(mlc_cfg_str(l.cfg, "mode"), "push");
    assert_string_equal(mlc_cfg_where(l.cfg, "name", where, sizeof where), "environment");
    done(&l);
    assert_int_equal(setenv("MLC_VERBOSE", "1", 1), 0);
    assert_report(
        "", "environment variable MLC_VERBOSE: verbose: \"1\" is neither true nor false; give one of them\n");
    assert_int_equal(unsetenv("MLC_NAME") | unsetenv("MLC_RELAY_TIMEOUT") | unsetenv("MLC_HOSTS") |
                         unsetenv("MLC_VERBOSE") | unsetenv("MLC_MODE"),
                     0);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void with_token(const char *reference, char *text, size_t size)
{
    (void)snprintf(text, size, "name = \"x\"; relay: { token = \"%s\"; };", reference);
}

static void assert_secret(const char *reference, const char *expected)
{
    char text[512];
    with_token(reference, text, sizeof text);
    loaded l = load_good(text);
    assert_string_equal(mlc_cfg_secret(l.cfg, "relay.token"), expected);
    done(&l);
}

static void assert_no_secret(const char *reference, const char *part)
{
    char text[512];
    with_token(reference, text, sizeof text);
    assert_reported(text, part);
}

static void test_secrets(void **state)
{
    const char *folder = *state;
    char path[300];
    char reference[320];
    (void)snprintf(path, sizeof path, "%s/token", folder);
    (void)snprintf(reference, sizeof reference, "file:%s", path);
    write_file(path, "s3cret\n\n", 0600);
    assert_secret(reference, "s3cret\n");
    write_file(path, "s3cret", 0640);
    assert_no_secret(reference, "chmod 600");
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    assert_secret("credential:token", "s3cret");
    assert_no_secret("credential:../token", "needs the name of a credential");
    assert_no_secret("credential:absent", "cannot open");
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_no_secret("credential:token", "LoadCredential");
    write_file(path, "\n", 0600);
    assert_no_secret(reference, "the secret is empty");
    assert_int_equal(unlink(path), 0);
    assert_no_secret(reference, "cannot open");
    (void)snprintf(reference, sizeof reference, "file:%s", folder);
    assert_no_secret(reference, "is not a regular file");
    assert_no_secret("file:relative", "absolute path");
    assert_int_equal(setenv("T_SECRET", "from env", 1), 0);
    assert_secret("env:T_SECRET", "from env");
    assert_int_equal(unsetenv("T_SECRET"), 0);
    assert_no_secret("env:T_SECRET", "environment variable T_SECRET is not set");
    assert_secret("sealed:Z29vZA==", "opened");
    assert_no_secret("sealed:AAAA", "cannot open the sealed value: wrong key");
}

static void test_clear_secret_is_not_repeated(void **state)
{
    (void)state;
    loaded l = load("name = \"x\"; relay: { token = \"hunter2-hunter2\"; };");
    assert_int_equal(l.code, MLC_E_INVALID);
    assert_non_null(strstr(mlc_buf_text(&l.report), "not a reference to a secret"));
    assert_null(strstr(mlc_buf_text(&l.report), "hunter2"));
    done(&l);
}

static void test_file(void **state)
{
    const char *folder = *state;
    char path[300];
    (void)snprintf(path, sizeof path, "%s/a.conf", folder);
    write_file(path, "name = \"x\"; store: { dir = \"d\"; };\n", 0644);
    loaded l = {0};
    assert_int_equal(mlc_cfg_load(&l.cfg, path, schema, FIELDS, NULL, NULL, &l.report, &l.err), MLC_OK);
    const char *dir = mlc_cfg_str(l.cfg, "store.dir");
    assert_true(strncmp(dir, folder, strlen(folder)) == 0);
    assert_string_equal(dir + strlen(folder), "/d");
    done(&l);
    l = (loaded){0};
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mlc_cfg_load(&l.cfg, path, schema, FIELDS, NULL, NULL, &l.report, NULL), MLC_E_NOTFOUND);
    assert_non_null(strstr(mlc_buf_text(&l.report), "a.conf: No such file"));
    assert_int_equal(mlc_cfg_load(&l.cfg, folder, schema, FIELDS, NULL, NULL, NULL, &l.err), MLC_E_INVALID);
    done(&l);
}

static void test_describe(void **state)
{
    (void)state;
    mlc_buf out = {0};
    assert_int_equal(mlc_cfg_describe(schema, FIELDS, &out, NULL), MLC_OK);
    const char *text = mlc_buf_text(&out);
    assert_non_null(
        strstr(text, "| `name` | string, 1 to 8 bytes of text | **required** | `MLC_NAME` | Name |\n"));
    assert_non_null(
        strstr(text, "| `relay.url` | URL | `wss://relay.example/` | `MLC_RELAY_URL` | Where \\| to |\n"));
    assert_non_null(strstr(text, "| `mode` | choice: `poll`, `push` | `poll` | `MLC_MODE` |  |\n"));
    assert_non_null(strstr(text, "| `tenants[].id` | string | **required** | - |  |\n"));
    assert_non_null(strstr(text, "| `relay.timeout` | duration, 1s to 10m | `30s` |"));
    assert_non_null(strstr(text, "| `window` | size, at least 1M | `64G` |"));
    mlc_buf_free(&out);
}

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    char *folder = mlc_asprintf("%s/mlc-config-XXXXXX", tmp != NULL ? tmp : "/tmp");
    *state = folder;
    return folder != NULL && mkdtemp(folder) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    const int rc = rmdir(*state);
    free(*state);
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_lists_of_groups),
        cmocka_unit_test(test_all_faults_at_once),
        cmocka_unit_test(test_first_fault_is_the_error),
        cmocka_unit_test(test_value_faults),
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_syntax),
        cmocka_unit_test(test_environment),
        cmocka_unit_test_setup_teardown(test_secrets, setup, teardown),
        cmocka_unit_test(test_clear_secret_is_not_repeated),
        cmocka_unit_test_setup_teardown(test_file, setup, teardown),
        cmocka_unit_test(test_describe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
