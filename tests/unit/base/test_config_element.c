/* Elements of a list that have faults of their own; whether elements changed; sealed values and where they stand. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/config_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const mlc_cfg_field schema[] = {
    {"dir", MLC_CFG_PATH, false, "/var", 0, 0, NULL, "A folder"},
    {"tenants[].id", MLC_CFG_STRING, true, NULL, 1, 10, NULL, "Its name"},
    {"tenants[].secret", MLC_CFG_SECRET, false, NULL, 0, 0, NULL, "Its secret"},
    {"tenants[].limit", MLC_CFG_INT, false, "5", 1, 9, NULL, "A limit"},
    {"tenants[].names", MLC_CFG_STRINGS, false, NULL, 0, 0, NULL, "Names"},
};
enum { FIELDS = sizeof schema / sizeof schema[0] };

/* What the last sealed value was opened for. */
typedef struct seen {
    char path[64], id[16], dir[32];
} seen;

static mlc_code unseal(void *user, const mlc_cfg *cfg, const char *path, const char *base64, mlc_buf *out,
                       mlc_error *err)
{
    seen *const s = user;
    mlc_strlcpy(s->path, path, sizeof s->path);
    mlc_strlcpy(s->id, mlc_cfg_str(cfg, "tenants[0].id"), sizeof s->id);
    mlc_strlcpy(s->dir, mlc_cfg_str(cfg, "dir"), sizeof s->dir);
    return mlc_buf_puts(out, base64, err);
}

static mlc_cfg *load(const char *text, const char *confine, mlc_code expected, mlc_buf *report)
{
    mlc_cfg *cfg = NULL;
    seen ignored;
    const mlc_cfg_source_text source = {
        .file = "/etc/r.conf", .text = text, .len = strlen(text), .confine = confine};
    assert_int_equal(mlc_cfg_load_source(&cfg, &source, schema, FIELDS, unseal, &ignored, report, NULL),
                     expected);
    return cfg;
}

static const char faulty[] = "tenants = (\n"
                             "  { id = \"good\"; },\n"
                             "  { id = \"bad\"; limit = 77;\n"
                             "    secret = \"file:/nowhere/at/all\"; },\n"
                             "  { limt = 3; }\n"
                             ");\n";

static void test_faults_stay_with_their_element(void **state)
{
    (void)state;
    mlc_buf report = {0};
    mlc_cfg *const cfg = load(faulty, "tenants", MLC_OK, &report);
    assert_int_equal(report.len, 0);
    assert_null(mlc_cfg_element_faults(cfg, "tenants[0]"));
    const char *const bad = mlc_cfg_element_faults(cfg, "tenants[1]");
    assert_non_null(strstr(bad, "/etc/r.conf:3: tenants[1].limit: 77"));
    assert_non_null(strstr(bad, "\n/etc/r.conf:4: tenants[1].secret: cannot open /nowhere/at/all"));
    const char *const odd = mlc_cfg_element_faults(cfg, "tenants[2]");
    assert_non_null(strstr(odd, "tenants[2].limt: unknown setting"));
    assert_non_null(strstr(odd, "tenants[2].id: missing"));
    assert_string_equal(mlc_cfg_str(cfg, "tenants[0].id"), "good");
    assert_null(mlc_cfg_secret(cfg, "tenants[1].secret"));
    mlc_cfg_free(cfg);
}

static void test_a_fault_elsewhere_still_fails(void **state)
{
    (void)state;
    mlc_buf report = {0};
    assert_null(load("dri = 1; tenants = ( { limit = 1; } );", "tenants", MLC_E_INVALID, &report));
    assert_non_null(strstr(mlc_buf_text(&report), "dri: unknown setting"));
    assert_null(strstr(mlc_buf_text(&report), "tenants[0]"));
    mlc_buf_free(&report);
    assert_null(load(faulty, NULL, MLC_E_INVALID, &report));
    assert_non_null(strstr(mlc_buf_text(&report), "tenants[2].id: missing"));
    mlc_buf_free(&report);
    assert_null(load("tenants = ( { id = \"a\" ", "tenants", MLC_E_INVALID, &report));
    mlc_buf_free(&report);
}

static void test_a_program_adds_faults(void **state)
{
    (void)state;
    mlc_cfg *const cfg = load("tenants = ( { id = \"a\"; }, { id = \"a\"; } );", "tenants", MLC_OK, NULL);
    assert_int_equal(mlc_cfg_element_fault_add(cfg, "tenants[1]", "twice", NULL), MLC_OK);
    assert_int_equal(mlc_cfg_element_fault_add(cfg, "tenants[1]", "and more", NULL), MLC_OK);
    assert_string_equal(mlc_cfg_element_faults(cfg, "tenants[1]"), "twice\nand more");
    assert_null(mlc_cfg_element_faults(cfg, "tenants[0]"));
    mlc_cfg_free(cfg);
}

static void test_same_and_changed(void **state)
{
    (void)state;
    assert_int_equal(setenv("MLC_TEST_SECRET", "one", 1), 0);
    mlc_cfg *const old =
        load("tenants = ( { id = \"a\"; secret = \"env:MLC_TEST_SECRET\"; names = [ \"x\" ]; },"
             " { id = \"b\"; limit = 3; } );",
             "tenants", MLC_OK, NULL);
    mlc_cfg *const moved = load("tenants = ( { limit = 3; id = \"b\"; },"
                                " { id = \"a\"; secret = \"env:MLC_TEST_SECRET\"; names = [ \"x\" ]; } );",
                                "tenants", MLC_OK, NULL);
    assert_true(mlc_cfg_element_same(old, "tenants[0]", moved, "tenants[1]"));
    assert_true(mlc_cfg_element_same(old, "tenants[1]", moved, "tenants[0]"));
    assert_false(mlc_cfg_element_same(old, "tenants[0]", moved, "tenants[0]"));
    assert_int_equal(setenv("MLC_TEST_SECRET", "two", 1), 0);
    mlc_cfg *const renewed =
        load("tenants = ( { id = \"a\"; secret = \"env:MLC_TEST_SECRET\"; names = [ \"x\" ]; },"
             " { id = \"b\"; limit = 3; names = [ \"y\" ]; } );",
             "tenants", MLC_OK, NULL);
    assert_false(mlc_cfg_element_same(old, "tenants[0]", renewed, "tenants[0]"));
    assert_false(mlc_cfg_element_same(old, "tenants[1]", renewed, "tenants[1]"));
    mlc_cfg_free(old);
    mlc_cfg_free(moved);
    mlc_cfg_free(renewed);
}

static void test_unsealing_knows_the_other_settings(void **state)
{
    (void)state;
    seen s = {{0}, {0}, {0}};
    mlc_cfg *cfg = NULL;
    const char *const text = "tenants = ( { secret = \"sealed:Zm9v\"; id = \"acme\"; } ); dir = \"/srv\";";
    const mlc_cfg_source_text source = {.file = "/etc/r.conf", .text = text, .len = strlen(text)};
    assert_int_equal(mlc_cfg_load_source(&cfg, &source, schema, FIELDS, unseal, &s, NULL, NULL), MLC_OK);
    assert_string_equal(s.path, "tenants[0].secret");
    assert_string_equal(s.id, "acme");
    assert_string_equal(s.dir, "/srv");
    assert_string_equal(mlc_cfg_secret(cfg, "tenants[0].secret"), "Zm9v");
    mlc_cfg_free(cfg);
}

/* What opens a sealed value may need any other secret, also one that comes later by its name. */
static mlc_code unseal_by_pin(void *user, const mlc_cfg *cfg, const char *path, const char *base64,
                              mlc_buf *out, mlc_error *err)
{
    (void)user;
    (void)path;
    (void)base64;
    return mlc_buf_puts(out, mlc_cfg_secret(cfg, "z.pin"), err);
}

static void test_sealed_values_are_opened_last(void **state)
{
    static const mlc_cfg_field rows[] = {{"a.value", MLC_CFG_SECRET, false, NULL, 0, 0, NULL, "Sealed"},
                                         {"z.pin", MLC_CFG_SECRET, false, NULL, 0, 0, NULL, "In clear"}};
    static const char text[] = "a = { value = \"sealed:AAAA\"; }; z = { pin = \"env:MLC_TEST_PIN\"; };";
    const mlc_cfg_source_text source = {.file = "/etc/r.conf", .text = text, .len = sizeof text - 1};
    mlc_cfg *cfg = NULL;
    (void)state;
    /* A clear secret that looks sealed is not opened once more. */
    assert_int_equal(setenv("MLC_TEST_PIN", "sealed:BBBB", 1), 0);
    assert_int_equal(mlc_cfg_load_source(&cfg, &source, rows, 2, unseal_by_pin, NULL, NULL, NULL), MLC_OK);
    assert_string_equal(mlc_cfg_secret(cfg, "z.pin"), "sealed:BBBB");
    assert_string_equal(mlc_cfg_secret(cfg, "a.value"), "sealed:BBBB");
    mlc_cfg_free(cfg);
    assert_int_equal(unsetenv("MLC_TEST_PIN"), 0);
}

static void test_some_settings_only(void **state)
{
    static const mlc_cfg_field rows[] = {{"a.name", MLC_CFG_STRING, true, NULL, 1, 9, NULL, "A name"}};
    static const char text[] =
        "a = { name = \"x\"; other = 3; }; b = ( { c = 1; } ); d = { e = \"sealed:?\"; };";
    char path[] = "/tmp/mlc_some_XXXXXX";
    const int fd = mkstemp(path);
    mlc_cfg *cfg = NULL;
    (void)state;
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(mlc_cfg_load(&cfg, path, rows, 1, NULL, NULL, NULL, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_cfg_load_some(&cfg, path, rows, 1, NULL), MLC_OK);
    assert_string_equal(mlc_cfg_str(cfg, "a.name"), "x");
    mlc_cfg_free(cfg);
    /* Its own rows are checked all the same. */
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(mlc_cfg_load_some(&cfg, path, rows, 1, NULL), MLC_E_INVALID);
    assert_null(cfg);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_faults_stay_with_their_element),
                                       cmocka_unit_test(test_a_fault_elsewhere_still_fails),
                                       cmocka_unit_test(test_a_program_adds_faults),
                                       cmocka_unit_test(test_same_and_changed),
                                       cmocka_unit_test(test_unsealing_knows_the_other_settings),
                                       cmocka_unit_test(test_sealed_values_are_opened_last),
                                       cmocka_unit_test(test_some_settings_only)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
