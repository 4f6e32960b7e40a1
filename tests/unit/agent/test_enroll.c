/* Enrolment: the key is made here and stays, its request is told; what comes back is taken only when it fits (enroll.h, identity.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/certify.h"
#include "agent/config.h"
#include "agent/enroll.h"
#include "base/clock.h"
#include "support/net_test.h"

#include <sys/stat.h>

typedef struct site {
    char dir[128], file[160], url[128];
    net_peer relay;
    mlc_cfg *cfg;
    mlc_error err;
} site;

/* An authority for the answers, and for whom they are wrong. */
typedef struct office {
    uint8_t key[MLC_EC_PRIVATE_LEN];
    mlc_buf cert;
    enum { ANSWER_FIXED, ANSWER_GOOD, ANSWER_OTHER_KEY, ANSWER_OTHER_NAME, ANSWER_OTHER_AUTHORITY } answer;
} office;

/* Of the relay's thread; read after it was stopped. */
static char last_request[8192];
static const char *relay_answer;
static office the_office;

static void issue(const uint8_t *public_key, const char *name, mlc_buf *out)
{
    const int64_t now = mlc_wall_ms();
    const mlc_cert_order order = {.ca = the_office.cert.data,
                                  .ca_len = the_office.cert.len,
                                  .ca_key = the_office.key,
                                  .name = name,
                                  .tenant = the_office.cert.len > 0 ? "acme" : NULL,
                                  .public_key = public_key,
                                  .not_before_ms = now - 60000,
                                  .not_after_ms = now + 3600000};
    assert_int_equal(mlc_cert_issue(&order, out, NULL), MLC_OK);
}

static void new_authority(void)
{
    uint8_t public_key[MLC_EC_PUBLIC_LEN];
    mlc_buf cert = {0};
    assert_int_equal(mlc_ec_generate(the_office.key, NULL), MLC_OK);
    assert_int_equal(mlc_ec_public(the_office.key, public_key, NULL), MLC_OK);
    mlc_buf_free(&the_office.cert);
    const mlc_cert_order order = {.ca_key = the_office.key,
                                  .name = "test",
                                  .public_key = public_key,
                                  .not_before_ms = mlc_wall_ms() - 60000,
                                  .not_after_ms = mlc_wall_ms() + 7200000};
    assert_int_equal(mlc_cert_issue(&order, &cert, NULL), MLC_OK);
    the_office.cert = cert;
}

/* The public key of the request. */
static void requested_key(uint8_t out[MLC_EC_PUBLIC_LEN])
{
    cJSON *body = NULL;
    char name[MLC_CERT_NAME_MAX];
    mlc_buf der = {0};
    const char *const text = strstr(last_request, "\r\n\r\n");
    assert_non_null(text);
    assert_int_equal(mlc_json_parse(text + 4, strlen(text + 4), 8192, 4, &body, NULL), MLC_OK);
    const char *const csr = mlc_json_str(body, "csr");
    assert_non_null(csr);
    assert_int_equal(mlc_base64_parse(csr, strlen(csr), &der, NULL), MLC_OK);
    assert_int_equal(mlc_csr_read(der.data, der.len, name, out, NULL), MLC_OK);
    assert_string_equal(name, "agent-1");
    mlc_buf_free(&der);
    cJSON_Delete(body);
}

static void answer_with_certificate(int fd)
{
    uint8_t public_key[MLC_EC_PUBLIC_LEN], other[MLC_EC_PRIVATE_LEN];
    mlc_buf cert = {0}, first = {0}, second = {0}, body = {0}, text = {0};
    requested_key(public_key);
    if (the_office.answer == ANSWER_OTHER_KEY) {
        assert_int_equal(mlc_ec_generate(other, NULL), MLC_OK);
        assert_int_equal(mlc_ec_public(other, public_key, NULL), MLC_OK);
    }
    issue(public_key, the_office.answer == ANSWER_OTHER_NAME ? "agent-2" : "agent-1", &cert);
    if (the_office.answer == ANSWER_OTHER_AUTHORITY)
        new_authority();
    assert_int_equal(mlc_base64(cert.data, cert.len, &first, NULL), MLC_OK);
    assert_int_equal(mlc_base64(the_office.cert.data, the_office.cert.len, &second, NULL), MLC_OK);
    (void)mlc_buf_printf(&body, NULL, "{\"agent\":\"agent-1\",\"certificate\":\"%s\",\"authority\":\"%s\"}",
                         mlc_buf_text(&first), mlc_buf_text(&second));
    (void)mlc_buf_printf(&text, NULL, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                         body.len, mlc_buf_text(&body));
    (void)net_send_text(fd, mlc_buf_text(&text));
    mlc_buf_free(&cert);
    mlc_buf_free(&first);
    mlc_buf_free(&second);
    mlc_buf_free(&body);
    mlc_buf_free(&text);
}

static void serve(net_peer *peer, int fd, int nth)
{
    (void)nth;
    if (!net_peer_read(peer, fd, last_request, sizeof last_request))
        return;
    if (the_office.answer != ANSWER_FIXED)
        answer_with_certificate(fd);
    else if (relay_answer != NULL)
        (void)net_send_text(fd, relay_answer);
}

static void site_open(site *s, const char *answer)
{
    memset(s, 0, sizeof *s);
    relay_answer = answer;
    the_office.answer = ANSWER_FIXED;
    last_request[0] = '\0';
    net_make_dir(s->dir, sizeof s->dir);
    net_peer_start(&s->relay, serve);
    (void)snprintf(s->url, sizeof s->url, "ws://127.0.0.1:%d/v1/tunnel", s->relay.port);
    (void)snprintf(s->file, sizeof s->file, "%s/agent.conf", s->dir);
    FILE *const out = fopen(s->file, "we");
    assert_non_null(out);
    (void)fprintf(
        out,
        "agent: { id = \"agent-1\"; tenant = \"acme\"; data_dir = \"%s/data\"; };\n"
        "ais: { url = \"https://ais.example.com\"; username = \"U\"; password = \"env:MLC_TEST_PASSWORD\";\n"
        "  environment = \"E\"; };\n",
        s->dir);
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
    const mlc_code code = mlc_enroll(s->cfg, NULL, s->url, "one-time-token", "ml-agent/test", NULL, &s->err);
    net_peer_stop(&s->relay);
    return code;
}

static mlc_store *open_store(const site *s)
{
    mlc_store *store = NULL;
    const mlc_store_options options = {.dir = mlc_cfg_str(s->cfg, "agent.data_dir")};
    assert_int_equal(mlc_store_open(&store, &options, NULL), MLC_OK);
    return store;
}

static mlc_code load(site *s, mlc_agent_identity *out)
{
    mlc_store *const store = open_store(s);
    const mlc_code code = mlc_identity_load(store, s->cfg, out, &s->err);
    mlc_store_close(store);
    return code;
}

/* The key of the next request, as it is stored. */
static void next_key(const site *s, uint8_t out[MLC_EC_PRIVATE_LEN])
{
    mlc_store *const store = open_store(s);
    assert_int_equal(mlc_identity_next_key(store, s->cfg, out, NULL), MLC_OK);
    mlc_store_close(store);
}

static void test_certificate_is_taken(void **state)
{
    site s;
    uint8_t key[MLC_EC_PRIVATE_LEN], public_key[MLC_EC_PUBLIC_LEN];
    char hex[2 * MLC_EC_PRIVATE_LEN + 1];
    mlc_key_place root;
    struct stat info;
    mlc_agent_identity identity;
    mlc_buf base64 = {0};
    (void)state;
    site_open(&s, NULL);
    the_office.answer = ANSWER_GOOD;
    next_key(&s, key);
    if (enroll(&s) != MLC_OK)
        fail_msg("%s", s.err.message);
    assert_int_equal(strncmp(last_request, "POST /v1/enroll HTTP/1.1\r\n", 26), 0);
    assert_non_null(strstr(last_request, "\"token\":\"one-time-token\""));
    /* The key that was stored before is the one that was certified, and was not told. */
    requested_key(public_key);
    assert_int_equal(load(&s, &identity), MLC_OK);
    assert_int_equal(identity.kind, MLC_IDENTITY_CERT);
    assert_memory_equal(identity.own.key, key, sizeof key);
    assert_memory_equal(identity.info.public_key, public_key, sizeof public_key);
    mlc_hex(key, sizeof key, hex);
    assert_null(strstr(last_request, hex));
    assert_int_equal(mlc_base64(key, sizeof key, &base64, NULL), MLC_OK);
    assert_null(strstr(last_request, mlc_buf_text(&base64)));
    /* The next request is for another key. */
    next_key(&s, key);
    assert_memory_not_equal(identity.own.key, key, sizeof key);
    mlc_key_place_of(mlc_identity_key_owner(), s.cfg, &root);
    assert_int_equal(stat(root.file, &info), 0);
    assert_int_equal(info.st_mode & 077, 0);
    mlc_buf_free(&base64);
    site_close(&s);
}

static void refused(const char *answer, int kind, mlc_code code, const char *words)
{
    site s;
    uint8_t before[MLC_EC_PRIVATE_LEN], after[MLC_EC_PRIVATE_LEN];
    mlc_agent_identity identity;
    site_open(&s, answer);
    the_office.answer = kind;
    next_key(&s, before);
    const mlc_code got = enroll(&s);
    if (got != code || strstr(s.err.message, words) == NULL)
        fail_msg("%s: %s", mlc_code_name(got), s.err.message);
    assert_null(strstr(s.err.message, "one-time-token"));
    assert_int_equal(load(&s, &identity), MLC_E_NOTFOUND);
    /* The key stays: the same token with the same key is good again. */
    next_key(&s, after);
    assert_memory_equal(before, after, sizeof after);
    site_close(&s);
}

static void test_refusals(void **state)
{
    (void)state;
    refused("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n"
            "{\"error\":{\"code\":\"denied\",\"message\":\"the token has ended\"}}",
            ANSWER_FIXED, MLC_E_DENIED, "the token has ended");
    refused("HTTP/1.1 503 Busy\r\nContent-Length: 1\r\n\r\n?", ANSWER_FIXED, MLC_E_UNAVAILABLE,
            "no reason given");
    refused(NULL, ANSWER_FIXED, MLC_E_UNCERTAIN, "");
    refused("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", ANSWER_FIXED, MLC_E_PROTOCOL, "former version");
}

static void test_what_does_not_fit_is_not_taken(void **state)
{
    (void)state;
    refused(NULL, ANSWER_OTHER_KEY, MLC_E_PROTOCOL, "not for the key");
    refused(NULL, ANSWER_OTHER_NAME, MLC_E_PROTOCOL, "another agent");
    refused(NULL, ANSWER_OTHER_AUTHORITY, MLC_E_PROTOCOL, "not issued by the authority");
}

static void test_agent_that_is_not_enrolled_is_told_how(void **state)
{
    site s;
    mlc_agent_identity identity;
    (void)state;
    site_open(&s, NULL);
    net_peer_stop(&s.relay);
    assert_int_equal(load(&s, &identity), MLC_E_NOTFOUND);
    assert_non_null(strstr(s.err.message, "ml-agent enroll"));
    site_close(&s);
}

static void test_everything_is_sealed_anew(void **state)
{
    static const uint8_t fresh[MLC_KEY_LEN] = {5};
    site s;
    size_t count = 0;
    mlc_keyring ring;
    mlc_key_place root;
    mlc_agent_identity before, after;
    uint8_t next[MLC_EC_PRIVATE_LEN], again[MLC_EC_PRIVATE_LEN];
    (void)state;
    site_open(&s, NULL);
    the_office.answer = ANSWER_GOOD;
    assert_int_equal(enroll(&s), MLC_OK);
    next_key(&s, next);
    assert_int_equal(load(&s, &before), MLC_OK);
    mlc_key_place_of(mlc_identity_key_owner(), s.cfg, &root);
    assert_int_equal(mlc_key_place_ring(mlc_identity_key_owner(), s.cfg, false, &ring, NULL), MLC_OK);
    mlc_keyring both = mlc_keyring_of(fresh);
    memcpy(both.keys[both.count++], ring.keys[0], MLC_KEY_LEN);
    assert_int_equal(mlc_identity_reseal_stopped(s.cfg, &both, &count, NULL), MLC_OK);
    assert_int_equal(count, 2);
    assert_int_equal(load(&s, &after), MLC_E_AUTH); /* the file still is the former key */
    FILE *const out = fopen(root.file, "we");
    assert_non_null(out);
    assert_int_equal(fwrite(fresh, 1, sizeof fresh, out), sizeof fresh);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(load(&s, &after), MLC_OK);
    assert_memory_equal(&before.own, &after.own, sizeof before.own);
    next_key(&s, again);
    assert_memory_equal(next, again, sizeof next);
    site_close(&s);
}

static int make_office(void **state)
{
    (void)state;
    new_authority();
    return 0;
}

static int close_office(void **state)
{
    (void)state;
    mlc_buf_free(&the_office.cert);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificate_is_taken),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_what_does_not_fit_is_not_taken),
        cmocka_unit_test(test_agent_that_is_not_enrolled_is_told_how),
        cmocka_unit_test(test_everything_is_sealed_anew),
    };
    return cmocka_run_group_tests(tests, make_office, close_office);
}
