/* test_replay.c - the test target of replays is complete, and never the JDE that is written to for good (agent/replay.h). */
#include "agent/config.h"
#include "agent/replay.h"

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
    assert_int_equal(chmod(path, 0600), 0);
}

/* What is said of a configuration with these settings of replays; "": nothing. */
static const char *said(const char *replay)
{
    static char out[1024];
    char path[128];
    char text[2048];
    mlc_cfg *cfg = NULL;
    mlc_buf report = {0};
    mlc_error err;
    (void)snprintf(
        text, sizeof text,
        "agent = { id = \"a\"; data_dir = \"data\"; };\nrelay = { url = \"wss://localhost/v1/tunnel\"; };\n"
        "ais = { url = \"https://jde.example:9300\"; username = \"u\"; password = \"file:%s/secret\"; "
        "environment = \"JPD920\"; };\nreplay = { password = \"file:%s/secret\"; %s };\n",
        dir, dir, replay);
    write_file("secret", "x");
    write_file("agent.conf", text);
    (void)snprintf(path, sizeof path, "%s/agent.conf", dir);
    const mlc_code code = mlc_agent_config_load(&cfg, path, &report, &err);
    assert_true((code == MLC_OK) == (report.len == 0));
    mlc_strlcpy(out, mlc_buf_text(&report), sizeof out);
    mlc_cfg_free(cfg);
    mlc_buf_free(&report);
    return out;
}

static void a_whole_target_is_taken(void **state)
{
    (void)state;
    assert_string_equal(said(""), "");
    assert_string_equal(
        said("url = \"https://jde-test.example:9300\"; username = \"t\"; environment = \"JPY920\";"), "");
}

static void the_productive_server_is_refused_however_it_is_written(void **state)
{
    (void)state;
    assert_non_null(
        strstr(said("url = \"https://jde.example:9300\"; username = \"t\"; environment = \"JPY920\";"),
               "replay.url: is the server of ais.url"));
    assert_non_null(
        strstr(said("url = \"https://JDE.example:9300/x\"; username = \"t\"; environment = \"JPY920\";"),
               "replay.url: is the server of ais.url"));
}

static void the_productive_environment_is_refused_behind_any_server(void **state)
{
    (void)state;
    assert_non_null(
        strstr(said("url = \"https://other.example:9300\"; username = \"t\"; environment = \"JPD920\";"),
               "replay.environment: is the environment of ais.environment"));
}

static void what_is_missing_is_named(void **state)
{
    (void)state;
    const char *const text = said("url = \"https://jde-test.example:9300\"; username = \"t\";");
    assert_non_null(strstr(text, "agent.conf:4"));
    assert_non_null(strstr(text, "needs replay.username, replay.password and replay.environment"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_target_is_taken),
        cmocka_unit_test(the_productive_server_is_refused_however_it_is_written),
        cmocka_unit_test(the_productive_environment_is_refused_behind_any_server),
        cmocka_unit_test(what_is_missing_is_named),
    };
    net_make_dir(dir, sizeof dir);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    net_remove_dir(dir);
    return failed;
}
