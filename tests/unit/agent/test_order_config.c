/* test_order_config.c - mapping and catalogue of orders are checked with the configuration, with file and line. */
#include "agent/config.h"
#include "agent/order_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "support/net_test.h"

static char dir[64];

static void write_file(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Loads a configuration with these settings of orders; the report's text or "". Caller frees. */
static char *load(const char *orders)
{
    char path[128];
    char text[2048];
    mlc_cfg *cfg = NULL;
    mlc_buf report = {0};
    mlc_error err;
    (void)snprintf(
        text, sizeof text,
        "agent = { id = \"a\"; data_dir = \"data\"; };\nrelay = { url = \"wss://localhost/v1/tunnel\"; };\n"
        "ais = { url = \"https://localhost\"; username = \"u\"; password = \"file:%s/secret\"; environment = "
        "\"JPD920\"; };\norders = { %s };\n",
        dir, orders);
    write_file("secret", "x");
    (void)snprintf(path, sizeof path, "%s/secret", dir);
    assert_int_equal(chmod(path, 0600), 0);
    write_file("agent.conf", text);
    (void)snprintf(path, sizeof path, "%s/agent.conf", dir);
    const mlc_code code = mlc_agent_config_load(&cfg, path, &report, &err);
    assert_true((code == MLC_OK) == (cfg != NULL));
    assert_true((code == MLC_OK) == (report.len == 0));
    if (cfg != NULL) {
        mlc_order_config c;
        assert_int_equal(mlc_order_config_read(&c, cfg, NULL, &err), MLC_OK);
        assert_non_null(c.map);
        assert_string_equal(c.order_type, c.purchase ? "OP" : "SO");
        mlc_order_config_free(&c);
    }
    char *const out = mlc_strdup(mlc_buf_text(&report));
    assert_non_null(out);
    mlc_buf_free(&report);
    mlc_cfg_free(cfg);
    return out;
}

static void expect(const char *orders, const char *words)
{
    char *const report = load(orders);
    if (words[0] == '\0' ? report[0] != '\0' : strstr(report, words) == NULL)
        fail_msg("%s: \"%s\", wanted \"%s\"", orders, report, words);
    free(report);
}

static void good_settings_pass(void **state)
{
    (void)state;
    expect("", "");
    expect("target = \"purchase\";", "");
}

static void faults_of_all_files_are_told(void **state)
{
    (void)state;
    write_file("bad.map", "flow = \"order\";\ntarget = \"X\";\nfields = ( { too = \"A\"; } );\n");
    write_file("bad.fields", "item A money\n");
    write_file("other.map",
               "flow = \"order\";\ntarget = \"X\";\nfields = ( { to = \"A\"; from = \"id\"; } );\n");
    expect("mapping = \"bad.map\"; catalogue = \"bad.fields\";", "bad.map:3: ");
    expect("mapping = \"bad.map\"; catalogue = \"bad.fields\";", "bad.fields:1: \"money\": is no type");
    expect("mapping = \"other.map\";", "");
    expect("mapping = \"other.map\"; target = \"purchase\";",
           "agent.conf:4: orders.mapping: the flow of the file must be purchase-order");
    expect("writer = \"form\"; target = \"purchase\";", "orders.writer: the form makes sales orders only");
}

int main(void)
{
    net_make_dir(dir, sizeof dir);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_settings_pass),
        cmocka_unit_test(faults_of_all_files_are_told),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    net_remove_dir(dir);
    return failed;
}
