/* Enrolment and the agent's key: made once, sealed, told to the relay, kept when the exchange fails (enroll.h, identity.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/config.h"
#include "agent/enroll.h"
#include "agent/identity.h"
#include "support/net_test.h"

#include <sys/stat.h>

typedef struct site {
    char dir[128], file[160];
    net_peer relay;
    mlc_cfg *cfg;
    mlc_error err;
} site;

/* Of the relay's thread; read after it was stopped. */
static char last_request[4096];
static const char *relay_answer;

static void serve(net_peer *peer, int fd, int nth)
{
    (void)nth;
    if (net_peer_read(peer, fd, last_request, sizeof last_request) && relay_answer != NULL)
        (void)net_send_text(fd, relay_answer);
}

static void site_open(site *s, const char *answer)
{
    memset(s, 0, sizeof *s);
    relay_answer = answer;
    last_request[0] = '\0';
    net_make_dir(s->dir, sizeof s->dir);
    net_peer_start(&s->relay, serve);
    (void)snprintf(s->file, sizeof s->file, "%s/agent.conf", s->dir);
    FILE *const out = fopen(s->file, "we");
    assert_non_null(out);
    (void)fprintf(
        out,
        "agent: { id = \"agent-1\"; tenant = \"acme\"; data_dir = \"%s/data\"; };\n"
        "relay: { url = \"ws://127.0.0.1:%d/v1/tunnel\"; };\n"
        "ais: { url = \"https://ais.example.com\"; username = \"U\"; password = \"env:MLC_TEST_PASSWORD\";\n"
        "  environment = \"E\"; };\n",
        s->dir, s->relay.port);
    (void)fclose(out);
    mlc_buf report = {0};
    assert_int_equal(setenv("MLC_TEST_PASSWORD", "p", 1), 0);
    if (mlc_agent_config_load(&s->cfg, s->file, &report, &s->err) != MLC_OK)
        fail_msg("%s", mlc_buf_text(&report));
    mlc_buf_free(&report);
}

static void site_close(site *s)
{
    mlc_cfg_free(s->cfg);
    net_remove_dir(s->dir);
}

static mlc_code enroll(site *s)
{
    const mlc_code code = mlc_enroll(s->cfg, NULL, "one-time-token", "ml-agent/test", &s->err);
    net_peer_stop(&s->relay);
    return code;
}

static mlc_code load_key(site *s, uint8_t key[MLC_KEY_LEN])
{
    mlc_store *store = NULL;
    const mlc_store_options options = {.dir = mlc_cfg_str(s->cfg, "agent.data_dir")};
    assert_int_equal(mlc_store_open(&store, &options, NULL), MLC_OK);
    const mlc_code code = mlc_identity_load(store, s->cfg, key, &s->err);
    mlc_store_close(store);
    return code;
}

static void test_key_is_told_and_kept(void **state)
{
    site s;
    uint8_t key[MLC_KEY_LEN];
    mlc_buf base64 = {0};
    struct stat info;
    char root[200];
    (void)state;
    site_open(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    assert_int_equal(enroll(&s), MLC_OK);
    assert_int_equal(strncmp(last_request, "POST /v1/enroll HTTP/1.1\r\n", 26), 0);
    assert_non_null(strstr(last_request, "\"token\":\"one-time-token\""));
    assert_non_null(strstr(last_request, "\"agent\":\"agent-1\""));
    assert_int_equal(load_key(&s, key), MLC_OK);
    assert_int_equal(mlc_base64(key, sizeof key, &base64, NULL), MLC_OK);
    assert_non_null(strstr(last_request, mlc_buf_text(&base64)));
    assert_int_equal(stat(mlc_identity_root_key_file(s.cfg, root, sizeof root), &info), 0);
    assert_int_equal(info.st_mode & 077, 0);
    mlc_buf_free(&base64);
    site_close(&s);
}

static void refused(const char *answer, mlc_code code, const char *words)
{
    site s;
    uint8_t key[MLC_KEY_LEN];
    site_open(&s, answer);
    const mlc_code got = enroll(&s);
    if (got != code || strstr(s.err.message, words) == NULL)
        fail_msg("%s: %s", mlc_code_name(got), s.err.message);
    assert_null(strstr(s.err.message, "one-time-token"));
    /* The key stays: the same token with the same key is good again. */
    assert_int_equal(load_key(&s, key), MLC_OK);
    site_close(&s);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"
            "{\"error\":{\"code\":\"denied\",\"message\":\"the token has ended\"}}",
            MLC_E_DENIED, "the token has ended");
    refused("HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\n?", MLC_E_UNAVAILABLE, "no reason given");
    refused(NULL, MLC_E_UNCERTAIN, "");
}

static void test_repeated_enrolment_tells_the_same_key(void **state)
{
    site s;
    char first[4096];
    (void)state;
    site_open(&s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    assert_int_equal(mlc_enroll(s.cfg, NULL, "one-time-token", "ml-agent/test", &s.err), MLC_OK);
    assert_int_equal(enroll(&s), MLC_OK); /* joins the relay's thread: both requests are over */
    const char *const body = strstr(last_request, "\r\n\r\n");
    uint8_t key[MLC_KEY_LEN];
    mlc_buf base64 = {0};
    assert_non_null(body);
    (void)snprintf(first, sizeof first, "%s", body);
    assert_int_equal(load_key(&s, key), MLC_OK);
    assert_int_equal(mlc_base64(key, sizeof key, &base64, NULL), MLC_OK);
    assert_non_null(strstr(first, mlc_buf_text(&base64)));
    mlc_buf_free(&base64);
    site_close(&s);
}

static void test_agent_without_a_key_is_told_how(void **state)
{
    site s;
    uint8_t key[MLC_KEY_LEN];
    (void)state;
    site_open(&s, NULL);
    net_peer_stop(&s.relay);
    assert_int_equal(load_key(&s, key), MLC_E_NOTFOUND);
    assert_non_null(strstr(s.err.message, "ml-agent enroll"));
    site_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_is_told_and_kept),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_repeated_enrolment_tells_the_same_key),
        cmocka_unit_test(test_agent_without_a_key_is_told_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
