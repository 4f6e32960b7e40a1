/* What the main of a program does before it works: no core dump, closed memory, and no token in the list of processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const mlc_cfg_field schema[] = {
    {"log.file", MLC_CFG_PATH, false, "/dev/null", 0, 0, NULL, "Log file"},
    {"log.level", MLC_CFG_STRING, false, "error", 0, 0, NULL, "Least level"},
};

static bool was_closed;
static char seen_token[64], seen_relay[64];

static void look(void)
{
    struct rlimit core = {1, 1};
    was_closed = getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0 &&
                 prctl(PR_GET_DUMPABLE) == 0;
}

static mlc_code load(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err)
{
    look(); /* secrets are read here */
    return mlc_cfg_load(out, file, schema, sizeof schema / sizeof schema[0], NULL, NULL, report, err);
}

static mlc_code run(const mlc_program_context *context, mlc_error *err)
{
    (void)context;
    (void)err;
    return MLC_OK;
}

static mlc_code enroll(const mlc_program_context *context, mlc_error *err)
{
    (void)err;
    (void)snprintf(seen_token, sizeof seen_token, "%s", context->token != NULL ? context->token : "");
    (void)snprintf(seen_relay, sizeof seen_relay, "%s", context->relay != NULL ? context->relay : "");
    return MLC_OK;
}

static int command(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    look();
    return 0;
}

static int seal(const char *program, int argc, char **argv)
{
    (void)program;
    return command(argc, argv);
}

static const mlc_program program = {.name = "test",
                                    .software = "test/1",
                                    .load_config = load,
                                    .run = run,
                                    .enroll = enroll,
                                    .seal = seal,
                                    .doctor = command};

static int call(int argc, char **argv)
{
    assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
    was_closed = false;
    return mlc_program_main(&program, argc, argv);
}

static void test_memory_is_closed_before_secrets_are_read(void **state)
{
    char file[] = "/tmp/mlc_program_XXXXXX";
    char name[] = "test", config[] = "--config", check[] = "--check-config", doctor[] = "doctor",
         sealing[] = "seal";
    char *running[] = {name, config, file, NULL};
    char *checking[] = {name, check, file, NULL};
    char *examining[] = {name, doctor, NULL};
    char *sealed[] = {name, sealing, NULL};
    (void)state;
    const int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(call(3, running), 0);
    assert_true(was_closed);
    assert_int_equal(call(3, checking), 0);
    assert_true(was_closed);
    assert_int_equal(call(2, examining), 0);
    assert_true(was_closed);
    assert_int_equal(call(2, sealed), 0);
    assert_true(was_closed);
    assert_int_equal(unlink(file), 0);
}

static void test_token_leaves_the_arguments(void **state)
{
    char file[] = "/tmp/mlc_program_XXXXXX";
    char name[] = "test", word[] = "enroll", config[] = "--config", token[] = "--token",
         secret[] = "s3cret-token";
    char relay[] = "--relay", url[] = "https://relay.example.com";
    char *args[] = {name, word, config, file, token, secret, relay, url, NULL};
    (void)state;
    const int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(call(8, args), 0);
    assert_string_equal(seen_token, "s3cret-token");
    assert_string_equal(seen_relay, url);
    assert_string_equal(secret, "xxxxxxxxxxxx");
    /* Only at enrolment. */
    char again[] = "s3cret-token";
    char *others[] = {name, config, file, token, again, NULL};
    assert_int_equal(call(5, others), 2);
    assert_int_equal(unlink(file), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_closed_before_secrets_are_read),
        cmocka_unit_test(test_token_leaves_the_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
