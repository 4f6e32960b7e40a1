/* The command line of mlctl: every command as it is documented, and every way to get it wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/args.h"

#include <string.h>

enum { WORDS_MAX = 16 };

/* Split at blanks; "_" stands for a blank in a word. */
static mlc_code parse_in(const char *line, const mlctl_env *env, mlctl_args *out, mlc_error *err)
{
    static char text[512]; /* arguments are borrowed from it */
    char *argv[WORDS_MAX] = {text};
    int argc = 0;
    char *rest = text;
    mlc_strlcpy(text, line, sizeof text);
    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_in_range(argc, 0, WORDS_MAX - 1);
        argv[argc++] = word;
        for (char *p = word; *p != '\0'; p++)
            if (*p == '_')
                *p = ' ';
    }
    return mlctl_args_parse(argc, argv, env, out, err);
}

static mlctl_args good(const char *line)
{
    mlctl_args args;
    mlc_error err;
    const mlctl_env env = {.user = "jane"};
    if (parse_in(line, &env, &args, &err) != MLC_OK)
        fail_msg("%s: %s", line, err.message);
    return args;
}

static void bad(const char *line, const char *words)
{
    mlctl_args args;
    mlc_error err;
    const mlctl_env env = {.user = "jane"};
    assert_int_equal(parse_in(line, &env, &args, &err), MLC_E_INVALID);
    if (strstr(err.message, words) == NULL)
        fail_msg("%s: \"%s\" is not in \"%s\"", line, words, err.message);
}

static void documented_commands_are_understood(void **state)
{
    (void)state;
    mlctl_args a = good("mlctl status");
    assert_int_equal(a.command, MLCTL_STATUS);
    assert_null(a.socket);
    assert_string_equal(a.person, "jane");
    assert_false(a.json);
    a = good("mlctl --json --socket /tmp/s parked --store acme --stream jde");
    assert_int_equal(a.command, MLCTL_PARKED);
    assert_true(a.json);
    assert_string_equal(a.socket, "/tmp/s");
    assert_string_equal(a.store, "acme");
    assert_string_equal(a.stream, "jde");
    a = good("mlctl show agent up 17");
    assert_int_equal(a.command, MLCTL_SHOW);
    assert_int_equal(a.seq, 17);
    a = good("mlctl retry agent up 18446744073709551615");
    assert_true(a.seq == UINT64_MAX);
    a = good("mlctl retry agent up --all");
    assert_true(a.all);
    assert_string_equal(a.stream, "up");
    a = good("mlctl dismiss agent up 3 --reason entered_by_hand");
    assert_int_equal(a.command, MLCTL_DISMISS);
    assert_string_equal(a.reason, "entered by hand");
    a = good("mlctl audit");
    assert_int_equal(a.command, MLCTL_AUDIT);
    assert_int_equal(a.from, 1);
    a = good("mlctl audit --store=acme --key=customer/6001 --from=500");
    assert_int_equal(a.from, 500);
    assert_string_equal(a.key, "customer/6001");
    a = good("mlctl audit verify --store acme");
    assert_int_equal(a.command, MLCTL_AUDIT_VERIFY);
    a = good("mlctl enroll-token acme plant-1");
    assert_int_equal(a.command, MLCTL_ENROLL_TOKEN);
    assert_int_equal(a.ttl_s, 3600);
    assert_string_equal(a.agent, "plant-1");
    a = good("mlctl enroll-token acme plant-1 --ttl 2d");
    assert_int_equal(a.ttl_s, 172800);
    a = good("mlctl revoke acme plant-1 --url http://127.0.0.1:9000");
    assert_int_equal(a.command, MLCTL_REVOKE);
    assert_null(a.socket);
    a = good("mlctl agents --url http://[::1]:9000/");
    assert_int_equal(a.command, MLCTL_AGENTS);
    a = good("mlctl webhooks acme");
    assert_int_equal(a.command, MLCTL_WEBHOOKS);
    assert_string_equal(a.tenant, "acme");
    assert_false(a.repair);
    assert_true(good("mlctl webhooks --repair acme").repair);
    assert_int_equal(good("mlctl --help status").command, MLCTL_HELP);
    assert_int_equal(good("mlctl --version").command, MLCTL_VERSION);
}

static void the_environment_has_its_say(void **state)
{
    (void)state;
    mlctl_args a;
    mlc_error err;
    mlctl_env env = {.socket = "/run/x.sock", .sudo_user = "jane", .user = "root"};
    assert_int_equal(parse_in("mlctl status", &env, &a, &err), MLC_OK);
    assert_string_equal(a.socket, "/run/x.sock");
    assert_string_equal(a.person, "jane");
    assert_int_equal(parse_in("mlctl status --url http://localhost:1", &env, &a, &err), MLC_OK);
    assert_null(a.socket);
    env = (mlctl_env){.socket = "", .sudo_user = ""};
    assert_int_equal(parse_in("mlctl status", &env, &a, &err), MLC_OK);
    assert_null(a.socket);
    assert_string_equal(a.person, "unknown");
}

static void mistakes_are_named(void **state)
{
    (void)state;
    bad("mlctl", "what is to be done?");
    bad("mlctl webhooks", "something is missing; usage: mlctl webhooks TENANT");
    bad("mlctl webhooks acme --repair --verify", "give either --verify or --repair");
    bad("mlctl status --repair", "--repair does not belong here");
    bad("mlctl verify", "command \"verify\" is not known");
    bad("mlctl frobnicate", "command \"frobnicate\" is not known");
    bad("mlctl show agent up", "something is missing; usage: mlctl show STORE STREAM SEQ");
    bad("mlctl show agent up 1 2", "there is too much");
    bad("mlctl show agent up 0", "SEQ: \"0\" is no number of an entry");
    bad("mlctl show agent up 1x", "SEQ: \"1x\"");
    bad("mlctl show agent up -1", "option \"-1\" is not known");
    bad("mlctl show agent up 99999999999999999999", "SEQ: ");
    bad("mlctl retry agent up", "something is missing");
    bad("mlctl retry agent up 1 --all", "give either an entry's number or --all");
    bad("mlctl dismiss agent up 1", "--reason is missing");
    bad("mlctl dismiss agent up --all --reason x", "--all does not belong here");
    bad("mlctl status --store x", "--store does not belong here; usage: mlctl status");
    bad("mlctl parked --stream jde", "--stream needs --store");
    bad("mlctl parked --store", "--store: its value is missing");
    bad("mlctl parked --store=", "--store: its value is missing");
    bad("mlctl parked --shop x", "option \"--shop\" is not known");
    bad("mlctl audit --from x", "--from: \"x\" is no number");
    bad("mlctl poll --dry", "--dry does not belong here");
    bad("mlctl status --report", "--report does not belong here");
    bad("mlctl compare customer item", "there is too much; usage: mlctl compare [KIND]");
    bad("mlctl compare customer --report", "there is too much");
    bad("mlctl enroll-token acme", "something is missing");
    bad("mlctl enroll-token acme a --ttl 1w", "--ttl: \"1w\" is no time from 1s to 7d");
    bad("mlctl enroll-token acme a --ttl 8d", "--ttl: ");
    bad("mlctl enroll-token acme a --ttl 0", "--ttl: ");
    bad("mlctl status --socket /x --url http://127.0.0.1:1", "give either --socket or --url");
    bad("mlctl a b c d e f g", "too many words");
}

static void a_comparison_may_be_of_one_kind_one_tenant_and_dry(void **state)
{
    (void)state;
    mlctl_args args = good("mlctl compare");
    assert_int_equal(args.command, MLCTL_COMPARE);
    assert_null(args.kind);
    assert_false(args.dry || args.report);
    args = good("mlctl compare price --dry --store acme");
    assert_string_equal(args.kind, "price");
    assert_string_equal(args.store, "acme");
    assert_true(args.dry);
    args = good("mlctl compare --report");
    assert_true(args.report);
}

static void plain_http_stays_on_this_machine(void **state)
{
    (void)state;
    bad("mlctl status --url http://relay.example.com", "--url: must be http://127.0.0.1:PORT");
    bad("mlctl status --url http://127.0.0.1.example.com", "--url: ");
    bad("mlctl status --url http://localhost@evil.example", "--url: ");
    bad("mlctl status --url http://127.0.0.1:1@evil.example", "--url: ");
    bad("mlctl status --url file:///etc/passwd", "--url: ");
    bad("mlctl status --url https://", "--url: ");
    (void)good("mlctl status --url https://relay.example.com");
}

static void help_tells_the_exit_codes(void **state)
{
    (void)state;
    assert_non_null(strstr(mlctl_help(), "exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3"));
}

static void trials_are_understood(void **state)
{
    (void)state;
    mlctl_args a = good("mlctl dry-run prices --id 60001,60002");
    assert_int_equal(a.command, MLCTL_DRY_RUN);
    assert_string_equal(a.ref, "prices");
    assert_string_equal(a.ids, "60001,60002");
    a = good("mlctl dry-run customer/6001 --store acme");
    assert_string_equal(a.ref, "customer/6001");
    assert_string_equal(a.store, "acme");
    a = good("mlctl replay --audit 17 --target https://test.example/");
    assert_int_equal(a.command, MLCTL_REPLAY);
    assert_int_equal(a.seq, 17);
    assert_string_equal(a.target, "https://test.example/");
    a = good("mlctl replay --correlation jde/customer/6001/1.2.3");
    assert_string_equal(a.correlation, "jde/customer/6001/1.2.3");
    bad("mlctl replay", "give either --audit or --correlation");
    bad("mlctl replay --audit 1 --correlation c", "give either --audit or --correlation");
    bad("mlctl replay --audit x", "no number of an entry");
    bad("mlctl dry-run", "something is missing");
    bad("mlctl status --id 6001", "--id does not belong here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trials_are_understood),
        cmocka_unit_test(documented_commands_are_understood),
        cmocka_unit_test(the_environment_has_its_say),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_comparison_may_be_of_one_kind_one_tenant_and_dry),
        cmocka_unit_test(plain_http_stays_on_this_machine),
        cmocka_unit_test(help_tells_the_exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
