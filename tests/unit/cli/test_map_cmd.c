/* "mlctl map": the words, the output and the exit code, without any program running. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/mlctl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 16 };

static char file_a[] = "test_map_cmd_a_XXXXXX";
static char file_b[] = "test_map_cmd_b_XXXXXX";

static void put(const char *path, const char *text)
{
    FILE *const out = fopen(path, "wb");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/* Words separated by blanks; all that is printed, output before errors, must hold `words` each. */
static void expect(const char *line, mlctl_exit code, const char *words, const char *more)
{
    char copy[512];
    char *argv[WORDS_MAX] = {NULL};
    int argc = 0;
    char *text = NULL;
    size_t len = 0;
    const mlctl_env env = {0};
    char *rest = NULL;
    (void)snprintf(copy, sizeof copy, "mlctl map %s", line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL && argc < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    FILE *const out = open_memstream(&text, &len);
    assert_non_null(out);
    const mlctl_exit got = mlctl_main(argc, argv, &env, "v", out, out);
    assert_int_equal(fclose(out), 0);
    if (got != code || strstr(text, words) == NULL || (more != NULL && strstr(text, more) == NULL))
        fail_msg("mlctl map %s: exit %d\n%s", line, (int)got, text);
    free(text);
}

static int make_files(void **state)
{
    (void)state;
    const int a = mkstemp(file_a);
    const int b = mkstemp(file_b);
    return a < 0 || b < 0 || close(a) != 0 || close(b) != 0;
}

static int remove_files(void **state)
{
    (void)state;
    return unlink(file_a) != 0 || unlink(file_b) != 0;
}

static void checks(void **state)
{
    char line[256];
    (void)state;
    put(file_a, "flow = \"f\"; target = \"t\"; fields = ( { to = \"a\"; from = \"x\"; } );");
    put(file_b, "flow = \"f\";\nfields = ( { to = \"a\"; frm = \"x\"; } );");
    (void)snprintf(line, sizeof line, "check %s", file_a);
    expect(line, MLCTL_OK, ": good: f -> t, version 1, 1 columns", NULL);
    (void)snprintf(line, sizeof line, "check %s %s", file_b, file_a);
    expect(line, MLCTL_FAILED, ":2: fields[0].frm: unknown setting; did you mean \"from\"?",
           ": good: f -> t");
    expect("check no-such.map", MLCTL_FAILED, "no-such.map: No such file", NULL);
}

static void tests_a_record(void **state)
{
    char line[256];
    (void)state;
    put(file_a,
        "flow = \"f\"; target = \"t\"; inactive = ( { to = \"gone\"; const = 1; type = \"int\"; } );\n"
        "fields = ( { to = \"{prefix}a\"; from = \"x\"; type = \"int\"; }, { to = \"s\"; from = "
        "\"settings.n\"; } );");
    put(file_b, "{\"x\":\"5\"}");
    (void)snprintf(line, sizeof line, "test --map %s --record %s --trace --prefix new_ --set n=v", file_a,
                   file_b);
    expect(line, MLCTL_OK, "from x: (none) -> \"5\"", "\"new_a\":\t5");
    expect(line, MLCTL_OK, "\"s\":\t\"v\"", NULL);
    (void)snprintf(line, sizeof line, "test --map %s --record %s --gone", file_a, file_b);
    expect(line, MLCTL_OK, "\"gone\":\t1", NULL);
    put(file_b, "{\"x\":\"five\"}");
    (void)snprintf(line, sizeof line, "test --map %s --record %s", file_a, file_b);
    expect(line, MLCTL_FAILED, "mlctl: f: ml_a: \"five\" is no whole number", NULL);
    put(file_b, "[]");
    expect(line, MLCTL_FAILED, "no JSON object", NULL);
    put(file_b, "{\"rows\":{\"F0101\":{\"AN8\":\"6001\",\"ALPH\":\"Acme\"}}}");
    (void)snprintf(line, sizeof line, "test --kind customer --record %s", file_b);
    expect(line, MLCTL_OK, "\"name\":\t\"Acme\"", "\"accountnumber\":\t\"6001\"");
    expect("test --kind invoice --record x", MLCTL_FAILED, "there is no built-in mapping of \"invoice\"",
           NULL);
}

static void shows_and_usage(void **state)
{
    (void)state;
    expect("show customer", MLCTL_OK, "target  = \"accounts\";", NULL);
    expect("show", MLCTL_USAGE, "built-in kinds: address", NULL);
    expect("", MLCTL_USAGE, "what is to be done?", NULL);
    expect("check", MLCTL_USAGE, "the file is missing", NULL);
    expect("test", MLCTL_USAGE, "give either --map FILE or --kind KIND", NULL);
    expect("test --map a --kind b", MLCTL_USAGE, "give either", NULL);
    expect("test --map", MLCTL_USAGE, "not known or without its value: --map", NULL);
    expect("test --nothing x", MLCTL_USAGE, "not known or without its value: --nothing", NULL);
    expect("--help", MLCTL_OK, "usage: mlctl map check", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks),
        cmocka_unit_test(tests_a_record),
        cmocka_unit_test(shows_and_usage),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
