/* Sealed envelopes: they open with the same key and context, and in no other case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"

#include <string.h>

static const uint8_t key[MLC_KEY_LEN] = {1, 2, 3};

static void seal(const char *context, const char *text, mlc_buf *out)
{
    assert_int_equal(mlc_seal(key, context, text, strlen(text), out, NULL), MLC_OK);
    assert_int_equal(out->len, strlen(text) + 29);
    assert_int_equal(out->data[0], 1);
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "x", "a longer secret, more than one block of sixteen bytes"};
    for (size_t i = 0; i < 3; i++) {
        mlc_buf sealed = {0};
        mlc_buf again = {0};
        mlc_buf plain = {0};
        seal("tenant/acme/agent-key", texts[i], &sealed);
        seal("tenant/acme/agent-key", texts[i], &again);
        assert_memory_not_equal(sealed.data, again.data, sealed.len); /* a nonce of its own each time */
        assert_int_equal(mlc_unseal(key, "tenant/acme/agent-key", sealed.data, sealed.len, &plain, NULL),
                         MLC_OK);
        assert_string_equal(mlc_buf_text(&plain), texts[i]);
        mlc_buf_free(&sealed);
        mlc_buf_free(&again);
        mlc_buf_wipe(&plain);
    }
}

static void assert_shut(const uint8_t *with, const char *context, const uint8_t *data, size_t len)
{
    mlc_buf plain = {0};
    assert_int_equal(mlc_unseal(with, context, data, len, &plain, NULL), MLC_E_AUTH);
    assert_int_equal(plain.len, 0);
    mlc_buf_free(&plain);
}

static void test_any_change_is_noticed(void **state)
{
    (void)state;
    mlc_buf sealed = {0};
    seal("a", "hello", &sealed);
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 0x10;
        assert_shut(key, "a", sealed.data, sealed.len);
        sealed.data[i] ^= 0x10;
    }
    for (size_t len = 0; len < sealed.len; len++)
        assert_shut(key, "a", sealed.data, len);
    const uint8_t other[MLC_KEY_LEN] = {1, 2, 4};
    assert_shut(other, "a", sealed.data, sealed.len);
    assert_shut(key, "b", sealed.data, sealed.len);
    assert_shut(key, "", sealed.data, sealed.len);
    assert_shut(key, NULL, sealed.data, sealed.len);
    assert_shut(key, "a", NULL, 0);
    mlc_buf_free(&sealed);
}

/* Values sealed by earlier versions must open for ever: AES-256-GCM of "abc", key and nonce of zeros. */
static void test_known_envelope(void **state)
{
    (void)state;
    static const uint8_t zero_key[MLC_KEY_LEN] = {0};
    uint8_t envelope[32];
    mlc_buf plain = {0};
    assert_int_equal(mlc_hex_parse("01"
                                   "000000000000000000000000"
                                   "54609ea0d8b951752c6cefeef6d8f3c8"
                                   "afc523",
                                   envelope, sizeof envelope, NULL),
                     MLC_OK);
    assert_int_equal(mlc_unseal(zero_key, "ctx", envelope, sizeof envelope, &plain, NULL), MLC_OK);
    assert_string_equal(mlc_buf_text(&plain), "abc");
    mlc_buf_free(&plain);
}

static void test_full_buffer_is_left_alone(void **state)
{
    (void)state;
    mlc_buf out = {.max = 10};
    assert_int_equal(mlc_buf_puts(&out, "before", NULL), MLC_OK);
    assert_int_equal(mlc_seal(key, "a", "hello", 5, &out, NULL), MLC_E_LIMIT);
    assert_string_equal(mlc_buf_text(&out), "before");
    mlc_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_any_change_is_noticed),
        cmocka_unit_test(test_known_envelope),
        cmocka_unit_test(test_full_buffer_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
