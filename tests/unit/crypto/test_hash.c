/* Hashes against published vectors, comparisons, random numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/crypto.h"

#include <string.h>

static void assert_hex(const uint8_t hash[MLC_SHA256_LEN], const char *expected)
{
    char hex[2 * MLC_SHA256_LEN + 1];
    mlc_hex(hash, MLC_SHA256_LEN, hex);
    assert_string_equal(hex, expected);
}

static void test_sha256(void **state)
{
    (void)state;
    uint8_t hash[MLC_SHA256_LEN];
    assert_int_equal(mlc_sha256("abc", 3, hash, NULL), MLC_OK);
    assert_hex(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(mlc_sha256(NULL, 0, hash, NULL), MLC_OK);
    assert_hex(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_hmac(void **state)
{
    (void)state;
    /* RFC 4231, cases 1, 2 and 6 */
    uint8_t key[131];
    uint8_t mac[MLC_SHA256_LEN];
    memset(key, 0x0b, 20);
    assert_int_equal(mlc_hmac_sha256(key, 20, "Hi There", 8, mac, NULL), MLC_OK);
    assert_hex(mac, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    const char *text = "what do ya want for nothing?";
    assert_int_equal(mlc_hmac_sha256("Jefe", 4, text, strlen(text), mac, NULL), MLC_OK);
    assert_hex(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    text = "Test Using Larger Than Block-Size Key - Hash Key First";
    memset(key, 0xaa, sizeof key);
    assert_int_equal(mlc_hmac_sha256(key, sizeof key, text, strlen(text), mac, NULL), MLC_OK);
    assert_hex(mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_int_equal(mlc_hmac_sha256(NULL, 0, NULL, 0, mac, NULL), MLC_OK);
    assert_hex(mac, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_equality(void **state)
{
    (void)state;
    assert_true(mlc_ct_equal("abcd", "abcd", 4));
    assert_false(mlc_ct_equal("abcd", "abce", 4));
    assert_false(mlc_ct_equal("\x80", "\x00", 1));
    assert_true(mlc_ct_equal("a", "b", 0));
    assert_true(mlc_secret_equal("secret", "secret"));
    assert_false(mlc_secret_equal("secret", "secret "));
    assert_true(mlc_secret_equal("", ""));
    assert_false(mlc_secret_equal(NULL, NULL));
    assert_false(mlc_secret_equal("a", NULL));
}

static void test_random(void **state)
{
    (void)state;
    uint8_t bytes[1000] = {0};
    uint8_t zeros[sizeof bytes] = {0};
    assert_int_equal(mlc_random(bytes, sizeof bytes, NULL), MLC_OK);
    /* 40 zero bytes in a row by chance: never; by a chunk left out: certainly. */
    for (size_t i = 0; i + 40 <= sizeof bytes; i += 40)
        assert_memory_not_equal(bytes + i, zeros, 40);
    char a[MLC_ID_TEXT_MAX];
    char b[MLC_ID_TEXT_MAX];
    assert_int_equal(mlc_random_id(a, NULL), MLC_OK);
    assert_int_equal(mlc_random_id(b, NULL), MLC_OK);
    assert_int_equal(strlen(a), 32);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    assert_string_not_equal(a, b);
}

static void test_random_below(void **state)
{
    (void)state;
    unsigned seen = 0;
    for (int i = 0; i < 1000; i++) {
        const uint64_t n = mlc_random_below(7);
        assert_true(n < 7);
        seen |= 1U << n;
    }
    assert_int_equal(seen, 0x7f); /* each with a chance of failure of (6/7)^1000 */
    assert_int_equal(mlc_random_below(1), 0);
    assert_true(mlc_random_below(UINT64_MAX) < UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256), cmocka_unit_test(test_hmac),         cmocka_unit_test(test_equality),
        cmocka_unit_test(test_random), cmocka_unit_test(test_random_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
