/* test_flow_config.c - the flows as a configuration file has them: defaults, lists, and all faults at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/config.h"
#include "agent/flow/flow_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char head[] =
    "agent = { id = \"a\"; data_dir = \"/tmp/x\"; };\n"
    "relay = { url = \"wss://relay.example.com/v1/tunnel\"; };\n"
    "ais = { url = \"https://ais.example.com\"; username = \"M\"; password = \"env:PATH\"; "
    "environment = \"E\"; };\n";

static mlc_code load(const char *flows, mlc_cfg **cfg, mlc_buf *report)
{
    char file[] = "/tmp/mlc-flows-XXXXXX";
    mlc_error err;
    const int fd = mkstemp(file);
    FILE *const out = fdopen(fd, "w");
    assert_non_null(out);
    assert_true(fprintf(out, "%sflows = {%s};\n", head, flows) > 0);
    assert_int_equal(fclose(out), 0);
    const mlc_code code = mlc_agent_config_load(cfg, file, report, &err);
    (void)unlink(file);
    return code;
}

static void defaults_run_all_flows_by_night(void **state)
{
    mlc_cfg *cfg = NULL;
    mlc_error err;
    static mlc_flow_config c;
    (void)state;
    assert_int_equal(load("", &cfg, NULL), MLC_OK);
    assert_int_equal(mlc_flow_config_read(&c, cfg, NULL, &err), MLC_OK);
    assert_int_equal(c.plan_count, mlc_flow_spec_count() - 1); /* all but purchase orders */
    assert_string_equal(c.plans[0].spec->name, "customers");
    assert_int_equal(c.plans[0].cron.hours, 1U << 2);
    assert_true(c.plans[0].catch_up);
    assert_false(c.plans[0].window.limited);
    assert_false(c.plans[0].settings.ledger.enabled);
    assert_string_equal(c.plans[0].settings.lists[MLC_FLOW_COMPANY][0], "00000");
    assert_string_equal(c.plans[0].settings.lists[MLC_FLOW_SEARCH_TYPES][0], "C");
    assert_null(c.plans[0].settings.lists[MLC_FLOW_SEARCH_TYPES][1]);
    assert_string_equal(c.plans[1].settings.lists[MLC_FLOW_SEARCH_TYPES][0], "V");
    assert_null(c.zone);
    mlc_flow_config_free(&c);
    mlc_cfg_free(cfg);
}

static void settings_reach_their_flow(void **state)
{
    mlc_cfg *cfg = NULL;
    mlc_error err;
    static mlc_flow_config c;
    (void)state;
    assert_int_equal(
        load("time_zone = \"Europe/Berlin\"; customers = { search_types = [\"C\", \"CX\"]; schedule = "
             "\"@every 5m\"; "
             "window = \"20:00-06:00\"; jitter = \"10m\"; page_size = 77; open_balance = true; }; "
             "suppliers = { enabled = false; };",
             &cfg, NULL),
        MLC_OK);
    assert_int_equal(mlc_flow_config_read(&c, cfg, NULL, &err), MLC_OK);
    assert_int_equal(c.plan_count, mlc_flow_spec_count() - 2);
    assert_string_equal(c.plans[1].spec->name, "contacts");
    assert_int_equal(c.plans[0].cron.every_ms, 300000);
    assert_int_equal(c.plans[0].jitter_ms, 600000);
    assert_int_equal(c.plans[0].page_size, 77);
    assert_true(c.plans[0].window.limited && c.plans[0].settings.ledger.enabled);
    assert_string_equal(c.plans[0].settings.lists[MLC_FLOW_SEARCH_TYPES][1], "CX");
    assert_string_equal(c.plans[1].settings.lists[MLC_FLOW_SEARCH_TYPES][1], "V");
    assert_non_null(c.zone);
    mlc_flow_config_free(&c);
    mlc_cfg_free(cfg);
}

static void all_faults_are_told_with_their_place(void **state)
{
    mlc_cfg *cfg = NULL;
    mlc_buf report = {0};
    static const char *const words[] = {":5: flows.time_zone",          "Mars/Base",
                                        ":6: flows.customers.schedule", "hour \"25\" is out of range",
                                        ":7: flows.prices.window",      "such as 20:00-06:00"};
    (void)state;
    assert_int_equal(load("\ntime_zone = \"Mars/Base\";\ncustomers = { schedule = \"0 25 * * *\"; };\nprices "
                          "= { window = \"8-9\"; };\n",
                          &cfg, &report),
                     MLC_E_INVALID);
    assert_null(cfg);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(mlc_buf_text(&report), words[i]) == NULL)
            fail_msg("\"%s\" is not in:\n%s", words[i], mlc_buf_text(&report));
    mlc_buf_free(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_run_all_flows_by_night),
        cmocka_unit_test(settings_reach_their_flow),
        cmocka_unit_test(all_faults_are_told_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
