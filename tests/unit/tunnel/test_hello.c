/* HELLO and WELCOME as JSON, and the proofs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tunnel/hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mlc_hello example(void)
{
    mlc_hello hello = {
        .version_min = 1,
        .version_max = 1,
        .agent = "acme-erp-1",
        .auth = MLC_AUTH_KEY,
        .has_proof = true,
        .software = "ml-agent/0.1.0",
        .capabilities = MLC_CAP_CHUNKS,
        .limits = {65536, 4194304, 4194304},
        .received = {.epoch = 0xfedcba9876543210, .generation = 2, .seq = 9999999999999999999U}};
    memset(hello.nonce, 0x11, sizeof(hello.nonce));
    memset(hello.proof, 0x22, sizeof(hello.proof));
    memset(hello.received.mark, 0x33, sizeof(hello.received.mark));
    return hello;
}

static void assert_same(const mlc_hello *a, const mlc_hello *b)
{
    assert_int_equal(a->version_min, b->version_min);
    assert_int_equal(a->version_max, b->version_max);
    assert_int_equal(a->has_proof, b->has_proof);
    assert_memory_equal(a->proof, b->proof, sizeof(a->proof));
    assert_string_equal(a->software, b->software);
    assert_int_equal(a->capabilities, b->capabilities);
    assert_memory_equal(&a->limits, &b->limits, sizeof(a->limits));
    assert_true(a->received.epoch == b->received.epoch && a->received.generation == b->received.generation &&
                a->received.seq == b->received.seq);
    assert_memory_equal(a->received.mark, b->received.mark, MLC_MARK_LEN);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int welcome = 0; welcome <= 1; welcome++) {
        mlc_buf text = {0};
        const mlc_hello hello = example();
        mlc_hello back;
        mlc_error err = {0};
        assert_int_equal(mlc_hello_print(&text, &hello, welcome == 1, NULL), MLC_OK);
        const mlc_code code = mlc_hello_parse((const char *)text.data, text.len, welcome == 1, &back, &err);
        mlc_buf_free(&text);
        if (code != MLC_OK)
            fail_msg("%s", err.message);
        assert_same(&hello, &back);
        assert_string_equal(back.agent, welcome == 1 ? "" : hello.agent);
    }
}

/* An issued certificate is shown, or is not; anything else in its place is refused. */
static void test_issued_certificate(void **state)
{
    static const char *const wrong[] = {"\"issued\":\"\"", "\"issued\":5", "\"issued\":\"AAA\"",
                                        "\"issued\":[]"};
    (void)state;
    for (size_t len = 0; len <= MLC_HELLO_CERT_MAX; len += MLC_HELLO_CERT_MAX / 2) {
        mlc_buf text = {.max = MLC_HELLO_MAX};
        mlc_hello hello = example(), back;
        hello.auth = MLC_AUTH_CERT;
        hello.has_proof = false;
        hello.has_signature = true;
        memset(hello.issued, 0x44, len);
        hello.issued_len = len;
        assert_int_equal(mlc_hello_print(&text, &hello, false, NULL), MLC_OK);
        assert_int_equal(mlc_hello_parse((const char *)text.data, text.len, false, &back, NULL), MLC_OK);
        assert_int_equal(back.issued_len, len);
        assert_memory_equal(back.issued, hello.issued, len);
        for (size_t i = 0; len == 0 && i < sizeof wrong / sizeof wrong[0]; i++) {
            char more[MLC_HELLO_MAX];
            mlc_error err = {0};
            (void)snprintf(more, sizeof more, "{%s,%s", wrong[i], mlc_buf_text(&text) + 1);
            assert_int_equal(mlc_hello_parse(more, strlen(more), false, &back, &err), MLC_E_PROTOCOL);
            assert_non_null(strstr(err.message, "issued"));
        }
        mlc_buf_free(&text);
    }
}

static void test_mtls_needs_no_proof(void **state)
{
    (void)state;
    mlc_buf text = {0};
    mlc_hello hello = example(), back;
    hello.auth = MLC_AUTH_MTLS;
    hello.has_proof = false;
    memset(hello.proof, 0, sizeof(hello.proof));
    assert_int_equal(mlc_hello_print(&text, &hello, false, NULL), MLC_OK);
    const mlc_code code = mlc_hello_parse((const char *)text.data, text.len, false, &back, NULL);
    mlc_buf_free(&text);
    assert_int_equal(code, MLC_OK);
    assert_int_equal(back.auth, MLC_AUTH_MTLS);
    assert_false(back.has_proof);
}

#define POSITION                                                                                             \
    "\"received\":{\"epoch\":\"0000000000000000\",\"generation\":\"0\",\"seq\":\"0\","                       \
    "\"mark\":\"00000000000000000000000000000000\"}"
#define LIMITS "\"max_frame\":65536,\"max_message\":4194304,\"window\":4194304"
#define NONCE  "\"nonce\":\"1111111111111111111111111111111111111111111111111111111111111111\""
#define PROOF  "\"proof\":\"2222222222222222222222222222222222222222222222222222222222222222\""
#define WHO    "\"version_min\":1,\"version_max\":1,\"agent\":\"a\",\"auth\":\"key\""

/* Without the NUL, so that a sanitizer sees a read beyond the end. */
static char *exact_copy(const void *bytes, size_t len)
{
    char *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    return copy;
}

static mlc_code parse(const char *text, mlc_error *err)
{
    mlc_hello out;
    const size_t len = strlen(text);
    char *exact = exact_copy(text, len);
    const mlc_code code = mlc_hello_parse(exact, len, false, &out, err);
    free(exact);
    return code;
}

static void test_unknown_members_are_ignored(void **state)
{
    (void)state;
    assert_int_equal(parse("{" WHO "," NONCE "," PROOF "," LIMITS "," POSITION
                           ",\"capabilities\":[\"chunks\",\"teleport\",7],\"new\":{\"a\":[1]}}",
                           NULL),
                     MLC_OK);
}

static void test_bad_hellos_name_the_member(void **state)
{
    (void)state;
    static const struct {
        const char *text, *member;
    } bad[] = {
        {"{\"version_min\":2,\"version_max\":1,\"agent\":\"a\",\"auth\":\"key\"," NONCE "," PROOF "," LIMITS
         "," POSITION "}",
         "version_max"},
        {"{\"version_min\":1,\"version_max\":1,\"agent\":\"\",\"auth\":\"key\"," NONCE "," PROOF "," LIMITS
         "," POSITION "}",
         "agent"},
        {"{\"version_min\":1,\"version_max\":1,\"agent\":\"a b\",\"auth\":\"key\"," NONCE "," PROOF "," LIMITS
         "," POSITION "}",
         "agent"},
        {"{\"version_min\":1,\"version_max\":1,\"agent\":\"a\",\"auth\":\"magic\"," NONCE "," PROOF "," LIMITS
         "," POSITION "}",
         "auth"},
        {"{" WHO "," PROOF "," LIMITS "," POSITION "}", "nonce"},
        {"{" WHO "," NONCE "," LIMITS "," POSITION "}", "proof"},
        {"{" WHO "," NONCE ",\"proof\":\"22\"," LIMITS "," POSITION "}", "proof"},
        {"{" WHO "," NONCE "," PROOF ",\"max_frame\":100,\"max_message\":4194304,\"window\":1," POSITION "}",
         "max_frame"},
        {"{" WHO "," NONCE "," PROOF ",\"max_frame\":65536,\"max_message\":4194304,\"window\":0," POSITION
         "}",
         "window"},
        {"{" WHO "," NONCE "," PROOF "," LIMITS "}", "epoch"},
        {"{" WHO "," NONCE "," PROOF "," LIMITS
         ",\"received\":{\"epoch\":\"0x1\",\"generation\":\"0\",\"seq\":"
         "\"99999999999999999999\",\"mark\":\"\"}}",
         "epoch"},
        {"{" WHO "," NONCE "," PROOF "," LIMITS ",\"received\":{\"epoch\":\"0000000000000001\","
         "\"generation\":\"0\",\"seq\":\"99999999999999999999\","
         "\"mark\":\"00000000000000000000000000000000\"}}",
         "seq"},
        {"[1]", "object"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        mlc_error err = {0};
        if (parse(bad[i].text, &err) != MLC_E_PROTOCOL || strstr(err.message, bad[i].member) == NULL)
            fail_msg("%s: code %s, message %s", bad[i].text, mlc_code_name(err.code), err.message);
    }
}

/* Willing to take more than anybody sends: lowered, not refused. */
static void test_huge_limits_are_lowered(void **state)
{
    (void)state;
    static const char text[] = "{" WHO "," NONCE "," PROOF
                               ",\"max_frame\":65536,\"max_message\":99999999999,\"window\":1," POSITION "}";
    mlc_hello out;
    assert_int_equal(mlc_hello_parse(text, sizeof(text) - 1, false, &out, NULL), MLC_OK);
    assert_int_equal(out.limits.max_message, 256 * 1024 * 1024);
}

static void test_shape_is_limited(void **state)
{
    (void)state;
    mlc_hello out;
    char *large = malloc(MLC_HELLO_MAX + 1);
    memset(large, ' ', MLC_HELLO_MAX + 1);
    assert_int_equal(mlc_hello_parse(large, MLC_HELLO_MAX + 1, false, &out, NULL), MLC_E_LIMIT);
    free(large);
    assert_int_not_equal(parse("{\"a\":[[[[[[1]]]]]]}", NULL), MLC_OK);
    assert_int_not_equal(parse("{" WHO, NULL), MLC_OK);
    assert_int_not_equal(parse("", NULL), MLC_OK);
}

/* The two proofs of docs/protocol.md, so that a peer can check its own. */
static void test_proofs(void **state)
{
    (void)state;
    uint8_t key[MLC_KEY_LEN], challenge[MLC_NONCE_LEN], nonce[MLC_NONCE_LEN];
    uint8_t agent[MLC_SHA256_LEN], relay[MLC_SHA256_LEN], other[MLC_SHA256_LEN];
    char hex[2 * MLC_SHA256_LEN + 1], document[65536];
    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t)i;
        challenge[i] = (uint8_t)(0x40 + i);
        nonce[i] = (uint8_t)(0x80 + i);
    }
    assert_int_equal(mlc_proof_agent(key, challenge, "acme-erp-1", nonce, agent, NULL), MLC_OK);
    assert_int_equal(mlc_proof_relay(key, challenge, "acme-erp-1", nonce, relay, NULL), MLC_OK);
    assert_memory_not_equal(agent, relay, sizeof(agent));
    FILE *file = fopen(MLC_SOURCE_DIR "/docs/protocol.md", "r");
    assert_non_null(file);
    const size_t len = fread(document, 1, sizeof(document) - 1, file);
    document[len] = '\0';
    fclose(file);
    mlc_hex(agent, sizeof(agent), hex);
    if (strstr(document, hex) == NULL)
        fail_msg("docs/protocol.md does not show the agent's proof %s", hex);
    mlc_hex(relay, sizeof(relay), hex);
    if (strstr(document, hex) == NULL)
        fail_msg("docs/protocol.md does not show the relay's proof %s", hex);
    /* Everything that goes in matters. */
    assert_int_equal(mlc_proof_agent(key, challenge, "acme-erp-2", nonce, other, NULL), MLC_OK);
    assert_memory_not_equal(agent, other, sizeof(agent));
    challenge[0] ^= 1;
    assert_int_equal(mlc_proof_agent(key, challenge, "acme-erp-1", nonce, other, NULL), MLC_OK);
    assert_memory_not_equal(agent, other, sizeof(agent));
    challenge[0] ^= 1;
    nonce[31] ^= 1;
    assert_int_equal(mlc_proof_agent(key, challenge, "acme-erp-1", nonce, other, NULL), MLC_OK);
    assert_memory_not_equal(agent, other, sizeof(agent));
    nonce[31] ^= 1;
    key[0] ^= 1;
    assert_int_equal(mlc_proof_agent(key, challenge, "acme-erp-1", nonce, other, NULL), MLC_OK);
    assert_memory_not_equal(agent, other, sizeof(agent));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_issued_certificate),
        cmocka_unit_test(test_mtls_needs_no_proof),
        cmocka_unit_test(test_unknown_members_are_ignored),
        cmocka_unit_test(test_bad_hellos_name_the_member),
        cmocka_unit_test(test_huge_limits_are_lowered),
        cmocka_unit_test(test_shape_is_limited),
        cmocka_unit_test(test_proofs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
