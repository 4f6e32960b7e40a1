/* mlctl against real admin routes on a unix socket: what it prints, how it exits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/mlctl.h"
#include "support/admin_test.h"

#include <curl/curl.h>

enum { WORDS_MAX = 16 };

typedef struct ran {
    const char *line, *socket;
    char *out, *err;
    size_t out_len, err_len;
    mlctl_exit code;
} ran;

/* "_" stands for a blank in a word. */
static void run_in_thread(void *arg)
{
    ran *const r = arg;
    char text[512];
    char *argv[WORDS_MAX];
    int argc = 0;
    char *rest = text;
    const mlctl_env env = {.socket = r->socket, .sudo_user = "jane", .user = "root"};
    FILE *const out = open_memstream(&r->out, &r->out_len);
    FILE *const err = open_memstream(&r->err, &r->err_len);
    mlc_strlcpy(text, r->line, sizeof text);
    for (char *word = strtok_r(text, " ", &rest); word != NULL && argc < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest)) {
        argv[argc++] = word;
        for (char *p = word; *p != '\0'; p++)
            if (*p == '_')
                *p = ' ';
    }
    r->code = mlctl_main(argc, argv, &env, "mlctl test", out, err);
    (void)fclose(out);
    (void)fclose(err);
}

static void expect_words(const char *text, const char *words)
{
    if (strstr(text, words) == NULL)
        fail_msg("\"%s\" is not in:\n%s", words, text);
}

/* Run; the exit code and words of the output (or, when it fails, of the error) must fit. */
static void expect(admin_fix *f, const char *line, mlctl_exit code, const char *words)
{
    ran r = {.line = line, .socket = f->socket};
    admin_fix_meanwhile(f, run_in_thread, &r);
    if (r.code != code)
        fail_msg("%s: exit %d\n%s%s", line, (int)r.code, r.out, r.err);
    expect_words(code == MLCTL_OK ? r.out : r.err, words);
    assert_int_equal(r.err_len > 0, code != MLCTL_OK);
    free(r.out);
    free(r.err);
}

static void state_is_shown(void **state)
{
    admin_fix *const f = *state;
    expect(f, "mlctl parked", MLCTL_OK, "nothing is parked\n");
    (void)admin_fix_park(f, f->jde, "order/1", "i1");
    expect(f, "mlctl status", MLCTL_OK, "link: up\n");
    expect(f, "mlctl status", MLCTL_OK, "agent  jde     0      0          1       0     ");
    expect(f, "mlctl status --json", MLCTL_OK, "{\"program\":\"ml-test/1.0\",");
    expect(f, "mlctl parked", MLCTL_OK, "agent  jde     1    order  order/1  0         ");
    expect(f, "mlctl parked --store agent --stream jde", MLCTL_OK, "item is unknown\n");
    expect(f, "mlctl parked --store agent --stream up", MLCTL_OK, "nothing is parked\n");
    expect(f, "mlctl show agent jde 1", MLCTL_OK, "\"x\":\t1.50");
    expect(f, "mlctl show agent jde 1", MLCTL_OK, "lastError     item is unknown\n");
}

static void decisions_are_carried_out(void **state)
{
    admin_fix *const f = *state;
    (void)admin_fix_park(f, f->jde, "order/1", "i1");
    (void)admin_fix_park(f, f->jde, "order/2", "i2");
    (void)admin_fix_park(f, f->up, "customer/1", "c1");
    expect(f, "mlctl retry agent jde 1", MLCTL_OK, "entry 1 is to be delivered again\n");
    expect(f, "mlctl retry agent up 1", MLCTL_OK, "entry 1 is to be delivered again, as entry 2\n");
    expect(f, "mlctl dismiss agent jde 2 --reason by_hand", MLCTL_OK, "entry 2 is dismissed\n");
    assert_string_equal(lst_get(&f->s, f->jde, 2).outcome, "dismissed: by hand");
    expect(f, "mlctl retry agent jde --all", MLCTL_OK, "0 entries are to be delivered again\n");
    expect(f, "mlctl show agent jde 1", MLCTL_OK, "operator:jane");
    expect(f, "mlctl audit --key order/2", MLCTL_OK, "operator:jane  dismissed");
    expect(f, "mlctl audit --json", MLCTL_OK, "{\"index\":1,\"hash\":\"");
    expect(f, "mlctl audit verify", MLCTL_OK, "agent: 3 entries, the chain is whole\n");
}

static void failures_are_told(void **state)
{
    admin_fix *const f = *state;
    expect(f, "mlctl retry agent jde 7", MLCTL_FAILED, "mlctl: stream jde has no entry 7");
    expect(f, "mlctl show acme jde 7", MLCTL_FAILED, "store \"acme\" is not known; known are: agent");
    expect(f, "mlctl agents", MLCTL_FAILED, "mlctl: "); /* this program has no agents */
    expect(f, "mlctl frobnicate", MLCTL_USAGE, "command \"frobnicate\" is not known");
    expect(f, "mlctl status --socket /nonexistent/admin.sock", MLCTL_UNREACHABLE,
           "/nonexistent/admin.sock does not answer");
}

static void records_cannot_steer_the_terminal(void **state)
{
    admin_fix *const f = *state;
    (void)admin_fix_park(f, f->jde, "order/\x1b[2J\xc2\x9b", "i1");
    expect(f, "mlctl parked", MLCTL_OK, "order/?[2J??");
}

/* ---- the relay's routes, answered by hand ---- */

typedef struct relay_fix {
    mlc_http_server *relay;
    char relay_socket[160];
    char last_body[256];
} relay_fix;

static void serve_relay(mlc_http_req *req, void *user)
{
    relay_fix *const f = user;
    size_t len = 0;
    const char *const path = mlc_http_req_path(req);
    (void)snprintf(f->last_body, sizeof f->last_body, "%s", mlc_http_req_body(req, &len));
    const char *const text = strcmp(path, "/v1/enroll-tokens") == 0
                                 ? "{\"token\":\"t0ken\",\"expires\":\"2026-11-24T05:00:00.000Z\"}"
                             : strcmp(path, "/v1/agents") == 0
                                 ? "{\"agents\":[{\"tenant\":\"acme\",\"agent\":\"p1\",\"up\":true},{"
                                   "\"agent\":\"p2\",\"seen\":7}]}"
                             : strcmp(path, "/v1/flows") == 0
                                 ? "{\"flows\":[{\"name\":\"customers\",\"state\":\"running\","
                                   "\"lastStart\":\"2026-11-24T02:00:00.000Z\",\"lastEnd\":\"\",\"rows\":500,"
                                   "\"rate\":250,\"firstLoad\":{\"done\":500,\"total\":1000000,\"percent\":0,"
                                   "\"secondsLeft\":3998},\"lastError\":\"JDE is\\u001b[2J away\"},"
                                   "{\"name\":\"items\",\"state\":\"idle\",\"sent\":7,\"lastError\":\"\"}]}"
                                 : "{}";
    mlc_http_reply(req, 200, NULL, text, strlen(text));
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void commands_of_agent_and_relay_work(void **state)
{
    admin_fix *const f = *state;
    relay_fix relay = {0};
    mlc_error err;
    char saved[sizeof f->socket];
    const mlc_http_route routes[] = {{.prefix = "/v1/", .handler = serve_relay, .user = &relay}};
    (void)snprintf(relay.relay_socket, sizeof relay.relay_socket, "%s/relay.sock", f->s.dir);
    const mlc_http_server_options options = {
        .name = "relay", .unix_path = relay.relay_socket, .routes = routes, .route_count = 1};
    lst_check(mlc_http_server_open(&relay.relay, f->lws, &options, &err), &err);
    memcpy(saved, f->socket, sizeof saved);
    memcpy(f->socket, relay.relay_socket, sizeof f->socket);
    expect(f, "mlctl enroll-token acme p1 --ttl 30m", MLCTL_OK,
           "token    t0ken\nexpires  2026-11-24T05:00:00.000Z\n");
    assert_string_equal(relay.last_body,
                        "{\"tenant\":\"acme\",\"agent\":\"p1\",\"ttlSeconds\":1800,\"operator\":\"jane\"}");
    expect(f, "mlctl revoke acme p1", MLCTL_OK, "agent p1 is shut out");
    assert_string_equal(relay.last_body, "{\"tenant\":\"acme\",\"agent\":\"p1\",\"operator\":\"jane\"}");
    expect(f, "mlctl agents", MLCTL_OK,
           "tenant  agent  up   seen\n"
           "acme    p1     yes  -\n"
           "-       p2     -    7\n");
    expect(
        f, "mlctl flows", MLCTL_OK,
        "customers  running  2026-11-24 02:00:00Z  -         -         500   0     0     0        250     "
        "0 %, 500 of 1000000, 1h 6m left\n"
        "items      idle     -                     -         -         0     7     0     0        0       -\n"
        "customers: JDE is?[2J away\n");
    expect(f, "mlctl poll prices", MLCTL_OK, "flow prices runs as soon as there is room");
    assert_string_equal(relay.last_body, "{\"flow\":\"prices\"}");
    expect(f, "mlctl poll", MLCTL_OK, "all flows run");
    assert_string_equal(relay.last_body, "{}");
    expect(f, "mlctl poll prices items", MLCTL_USAGE, "usage: mlctl poll [FLOW]");
    memcpy(f->socket, saved, sizeof saved);
    mlc_http_server_close(relay.relay);
    (void)lst_run(&f->s, never, NULL, 20); /* one unix socket after the other */
}

#define CLI_TEST(name) cmocka_unit_test_setup_teardown(name, admin_fix_set_up, admin_fix_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLI_TEST(state_is_shown),
        CLI_TEST(decisions_are_carried_out),
        CLI_TEST(failures_are_told),
        CLI_TEST(records_cannot_steer_the_terminal),
        CLI_TEST(commands_of_agent_and_relay_work),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
