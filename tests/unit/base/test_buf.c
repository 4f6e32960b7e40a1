/* buf.h: the growing buffer with its ceiling, and the string, UTF-8 and byte-order helpers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

static void appends_and_terminates(void **state)
{
    (void)state;
    mlc_buf buf = {0};
    assert_string_equal(mlc_buf_text(&buf), "");
    assert_int_equal(mlc_buf_append(&buf, NULL, 0, NULL), MLC_OK);
    assert_int_equal(mlc_buf_puts(&buf, "abc", NULL), MLC_OK);
    assert_int_equal(mlc_buf_printf(&buf, NULL, "-%d-%s", 42, "x"), MLC_OK);
    assert_string_equal(mlc_buf_text(&buf), "abc-42-x");
    assert_int_equal(buf.len, 8);
    mlc_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_string_equal(mlc_buf_text(&buf), "");
    mlc_buf_free(&buf);
    assert_null(buf.data);
    mlc_buf_free(&buf);
    mlc_buf_free(NULL);
}

static void grows_over_every_boundary(void **state)
{
    (void)state;
    mlc_buf buf = {0};
    for (size_t i = 0; i < 5000; i++) {
        const uint8_t byte = (uint8_t)(i % 251);
        assert_int_equal(mlc_buf_append(&buf, &byte, 1, NULL), MLC_OK);
        assert_int_equal(buf.data[buf.len], 0);
    }
    assert_int_equal(buf.len, 5000);
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(buf.data[i], i % 251);
    mlc_buf_free(&buf);
}

static void ceiling_holds_and_leaves_the_buffer(void **state)
{
    (void)state;
    mlc_error err = {0};
    mlc_buf buf = {.max = 5};
    assert_int_equal(mlc_buf_puts(&buf, "12345", &err), MLC_OK);
    assert_int_equal(mlc_buf_puts(&buf, "6", &err), MLC_E_LIMIT);
    assert_int_equal(err.code, MLC_E_LIMIT);
    assert_int_equal(mlc_buf_printf(&buf, &err, "%d", 6), MLC_E_LIMIT);
    assert_int_equal(mlc_url_encode(&buf, "/", &err), MLC_E_LIMIT);
    assert_string_equal(mlc_buf_text(&buf), "12345");
    mlc_buf_consume(&buf, 2);
    assert_int_equal(mlc_buf_puts(&buf, "67", &err), MLC_OK);
    assert_string_equal(mlc_buf_text(&buf), "34567");
    assert_int_equal(mlc_buf_append(&buf, "x", SIZE_MAX, &err), MLC_E_LIMIT);
    mlc_buf_free(&buf);
    assert_int_equal(buf.max, 5);
}

static void impossible_length_is_refused(void **state)
{
    (void)state;
    mlc_buf buf = {0};
    assert_int_equal(mlc_buf_puts(&buf, "ab", NULL), MLC_OK);
    assert_int_equal(mlc_buf_append(&buf, "x", SIZE_MAX - 1, NULL), MLC_E_LIMIT);
    assert_string_equal(mlc_buf_text(&buf), "ab");
    mlc_buf_free(&buf);
}

static void consume_moves_the_rest(void **state)
{
    (void)state;
    mlc_buf buf = {0};
    mlc_buf_consume(&buf, 0);
    assert_int_equal(mlc_buf_puts(&buf, "abcdef", NULL), MLC_OK);
    mlc_buf_consume(&buf, 0);
    assert_string_equal(mlc_buf_text(&buf), "abcdef");
    mlc_buf_consume(&buf, 4);
    assert_string_equal(mlc_buf_text(&buf), "ef");
    assert_int_equal(buf.len, 2);
    mlc_buf_consume(&buf, 2);
    assert_string_equal(mlc_buf_text(&buf), "");
    mlc_buf_free(&buf);
}

static void take_hands_the_memory_over(void **state)
{
    (void)state;
    mlc_buf buf = {.max = 9};
    char *text = mlc_buf_take(&buf);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(mlc_buf_puts(&buf, "mine", NULL), MLC_OK);
    text = mlc_buf_take(&buf);
    assert_string_equal(text, "mine");
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.max, 9);
    free(text);
}

static void wipe_frees(void **state)
{
    (void)state;
    uint8_t bytes[4] = {1, 2, 3, 4};
    mlc_wipe(bytes, 3);
    assert_memory_equal(bytes, "\0\0\0\4", 4);
    mlc_wipe(NULL, 0);
    mlc_buf buf = {0};
    mlc_buf_wipe(&buf);
    assert_int_equal(mlc_buf_puts(&buf, "secret", NULL), MLC_OK);
    mlc_buf_wipe(&buf);
    assert_null(buf.data);
    mlc_buf_wipe(NULL);
}

static void copies(void **state)
{
    (void)state;
    assert_null(mlc_strdup(NULL));
    assert_null(mlc_strndup(NULL, 3));
    char *a = mlc_strdup("abc"), *b = mlc_strndup("abcdef", 2), *c = mlc_asprintf("%s-%03d", "n", 7);
    assert_string_equal(a, "abc");
    assert_string_equal(b, "ab");
    assert_string_equal(c, "n-007");
    free(a);
    free(b);
    free(c);
}

static void strlcpy_cuts_between_characters(void **state)
{
    (void)state;
    char out[5] = "zzzz";
    mlc_strlcpy(out, "ab", sizeof out);
    assert_string_equal(out, "ab");
    mlc_strlcpy(out, "abcd", sizeof out);
    assert_string_equal(out, "abcd");
    mlc_strlcpy(out, "abcde", sizeof out);
    assert_string_equal(out, "abcd");
    mlc_strlcpy(out, "abc\xC3\xA9", sizeof out);
    assert_string_equal(out, "abc");
    mlc_strlcpy(out, "ab\xC3\xA9", sizeof out);
    assert_string_equal(out, "ab\xC3\xA9");
    mlc_strlcpy(out, "a\xF0\x9F\x98\x80z", sizeof out);
    assert_string_equal(out, "a");
    mlc_strlcpy(out, NULL, sizeof out);
    assert_string_equal(out, "");
    mlc_strlcpy(out, "x", 1);
    assert_string_equal(out, "");
    mlc_strlcpy(NULL, "x", 0);
}

static void mend_takes_out_what_is_no_character(void **state)
{
    (void)state;
    char whole[] = "caf\xC3\xA9", cut[] = "caf\xC3", middle[] = "a\xE2\x82 (b\xF0\x9F\x98)",
         bytes[] = "\xA9\xFFx\x80";
    assert_string_equal(mlc_utf8_mend(whole), "caf\xC3\xA9");
    assert_string_equal(mlc_utf8_mend(cut), "caf");
    assert_string_equal(mlc_utf8_mend(middle), "a (b)");
    assert_string_equal(mlc_utf8_mend(bytes), "x");
}

static void trims_blanks_on_the_right(void **state)
{
    (void)state;
    char padded[] = "  ACME   ", blank[] = "    ", none[] = "";
    assert_string_equal(mlc_trim_right(padded), "  ACME");
    assert_string_equal(mlc_trim_right(blank), "");
    assert_string_equal(mlc_trim_right(none), "");
    assert_null(mlc_trim_right(NULL));
}

static void utf8(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"",
                                       "plain",
                                       "\xC2\x80",
                                       "\xDF\xBF",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xEF\xBF\xBF",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF"};
    static const char *const BAD[] = {"\x80",
                                      "\xBF",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xC3",
                                      "\xC3(",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xED\xBF\xBF",
                                      "\xE2\x82",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xF0\x9F\x98",
                                      "\xFF"};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++)
        assert_true(mlc_utf8_valid(GOOD[i], strlen(GOOD[i])));
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_false(mlc_utf8_valid(BAD[i], strlen(BAD[i])));
        assert_int_equal(mlc_utf8_prefix(BAD[i], strlen(BAD[i])), 0);
    }
    assert_false(mlc_utf8_valid("a\0b", 3));
    assert_int_equal(mlc_utf8_prefix("a\0b", 3), 1);
    assert_int_equal(mlc_utf8_prefix("\xC3\xA9\xC3", 3), 2);
}

static void utf16_units(void **state)
{
    (void)state;
    assert_int_equal(mlc_utf16_len(""), 0);
    assert_int_equal(mlc_utf16_len("abc"), 3);
    assert_int_equal(mlc_utf16_len("\xC3\xA9\xE2\x82\xAC"), 2);
    assert_int_equal(mlc_utf16_len("x\xF0\x9F\x98\x80"), 3);
}

static void url_encoding(void **state)
{
    (void)state;
    mlc_buf out = {0};
    assert_int_equal(mlc_buf_puts(&out, "q=", NULL), MLC_OK);
    assert_int_equal(mlc_url_encode(&out, "AZaz09-._~ /?%+\xC3\xA9'", NULL), MLC_OK);
    assert_string_equal(mlc_buf_text(&out), "q=AZaz09-._~%20%2F%3F%25%2B%C3%A9%27");
    mlc_buf_free(&out);
}

static void url_encoding_is_all_or_nothing(void **state)
{
    (void)state;
    mlc_buf out = {.max = 6};
    assert_int_equal(mlc_buf_puts(&out, "q=", NULL), MLC_OK);
    assert_int_equal(mlc_url_encode(&out, "abc/", NULL), MLC_E_LIMIT);
    assert_string_equal(mlc_buf_text(&out), "q=");
    assert_int_equal(out.len, 2);
    mlc_buf_free(&out);
}

static void big_endian(void **state)
{
    (void)state;
    uint8_t p[8];
    mlc_put_u16(p, 0x0102);
    assert_memory_equal(p, "\x01\x02", 2);
    assert_int_equal(mlc_get_u16((const uint8_t *)"\xFF\xFE"), 0xFFFE);
    mlc_put_u32(p, 0x01020304);
    assert_memory_equal(p, "\x01\x02\x03\x04", 4);
    assert_int_equal(mlc_get_u32((const uint8_t *)"\xFF\xFE\xFD\xFC"), 0xFFFEFDFC);
    mlc_put_u64(p, UINT64_C(0x0102030405060708));
    assert_memory_equal(p, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_true(mlc_get_u64((const uint8_t *)"\xFF\xFE\xFD\xFC\xFB\xFA\xF9\xF8") ==
                UINT64_C(0xFFFEFDFCFBFAF9F8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appends_and_terminates),
        cmocka_unit_test(grows_over_every_boundary),
        cmocka_unit_test(ceiling_holds_and_leaves_the_buffer),
        cmocka_unit_test(impossible_length_is_refused),
        cmocka_unit_test(consume_moves_the_rest),
        cmocka_unit_test(take_hands_the_memory_over),
        cmocka_unit_test(wipe_frees),
        cmocka_unit_test(copies),
        cmocka_unit_test(strlcpy_cuts_between_characters),
        cmocka_unit_test(mend_takes_out_what_is_no_character),
        cmocka_unit_test(trims_blanks_on_the_right),
        cmocka_unit_test(utf8),
        cmocka_unit_test(utf16_units),
        cmocka_unit_test(url_encoding),
        cmocka_unit_test(url_encoding_is_all_or_nothing),
        cmocka_unit_test(big_endian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
