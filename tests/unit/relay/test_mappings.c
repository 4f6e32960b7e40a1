/* test_mappings.c - the mapping files of a tenant are checked with the configuration, each fault with file and line. */
#include "relay/config.h"
#include "relay/mappings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define GOOD   "flow=\"customer\"; target=\"accounts\"; key=\"accountnumber\"; version=7;\n"
#define FIELDS "fields=({ to=\"accountnumber\"; from=\"id\"; });\n"

typedef struct fix {
    char dir[64];
    mlc_cfg *cfg;
    mlc_buf report;
} fix;

static void write_file(const fix *f, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", f->dir, name);
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
    fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/mlc-mappings-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(setenv("MLC_TEST_SECRET", "secret", 1), 0);
    write_file(
        f, "relay.conf",
        "relay = { data_dir = \"data\"; };\n"
        "tenants = ( { id = \"acme\"; webhook_secret = \"env:MLC_TEST_SECRET\";\n"
        "  mappings = { customer = \"own.map\"; };\n"
        "  dynamics = { url = \"https://org.example/api/data/v9.2/\"; directory = \"d\"; client_id = \"c\";\n"
        "    client_secret = \"env:MLC_TEST_SECRET\"; scope = \"s\"; }; } );\n");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fix *const f = *state;
    static const char *const names[] = {"own.map", "relay.conf"};
    char path[128];
    mlc_cfg_free(f->cfg);
    mlc_buf_free(&f->report);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(f->dir), 0);
    free(f);
    return 0;
}

static mlc_code load(fix *f, const char *map, mlc_error *err)
{
    char path[128];
    write_file(f, "own.map", map);
    mlc_cfg_free(f->cfg);
    f->cfg = NULL;
    mlc_buf_clear(&f->report);
    (void)snprintf(path, sizeof path, "%s/relay.conf", f->dir);
    return mlc_relay_config_load(&f->cfg, path, &f->report, err);
}

static void file_of_the_tenant_replaces_the_built_in_one(void **state)
{
    fix *const f = *state;
    mlc_error err;
    mlc_mappings mappings;
    if (load(f, GOOD FIELDS, &err) != MLC_OK)
        fail_msg("%s", mlc_buf_text(&f->report));
    assert_int_equal(mlc_mappings_load(f->cfg, 0, &mappings, NULL, &err), MLC_OK);
    assert_int_equal(mlc_map_version(mappings.maps[0]), 7);
    for (size_t i = 1; i < MLC_MAPPINGS_MAX; i++)
        assert_int_equal(mlc_map_version(mappings.maps[i]), 1);
    assert_string_equal(mlc_map_flow(mappings.maps[4]), "price");
    mlc_mappings_free(&mappings);
}

static void faults_are_found_with_the_configuration(void **state)
{
    static const struct {
        const char *map, *words;
    } rows[] = {{GOOD "fields=({ to=\"name\"; frm=\"F0101.ALPH\"; });\n", "own.map:2: "},
                {GOOD "fields=(\n", "own.map:"},
                {"flow=\"supplier\"; target=\"accounts\"; key=\"accountnumber\"; version=1;\n" FIELDS,
                 "own.map: flow: is \"supplier\""},
                {"flow=\"customer\"; target=\"acounts\"; key=\"accountnumber\"; version=1;\n" FIELDS,
                 "own.map: target: this relay knows no set \"acounts\""}};
    fix *const f = *state;
    mlc_error err;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(load(f, rows[i].map, &err), MLC_E_INVALID);
        assert_null(f->cfg);
        if (strstr(mlc_buf_text(&f->report), rows[i].words) == NULL)
            fail_msg("%s: %s", rows[i].map, mlc_buf_text(&f->report));
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {T(file_of_the_tenant_replaces_the_built_in_one),
                                       T(faults_are_found_with_the_configuration)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
