#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/http_chunked.h"

#include <string.h>

/* Feed in steps of `step` bytes. */
static mlc_code decode(const char *text, size_t step, mlc_buf *out, bool *ended)
{
    mlc_chunked decoder = {0};
    mlc_code code = MLC_OK;
    size_t len = strlen(text);
    for (size_t at = 0; at < len && code == MLC_OK; at += step)
        code = mlc_chunked_feed(&decoder, text + at, len - at < step ? len - at : step, out, NULL);
    *ended = mlc_chunked_ended(&decoder);
    return code;
}

static void decodes_in_any_cut(void **state)
{
    (void)state;
    static const char text[] = "4\r\nWiki\r\n6;name=value\r\npedia \r\nE \r\nin \r\n\r\nchunks.\r\n0\r\n"
                               "Trailer: x\r\nOther: y\r\n\r\nGET / HTTP/1.1";
    for (size_t step = 1; step < sizeof(text); step++) {
        mlc_buf out = {0};
        bool ended = false;
        assert_int_equal(decode(text, step, &out, &ended), MLC_OK);
        assert_true(ended);
        assert_string_equal(mlc_buf_text(&out), "Wikipedia in \r\n\r\nchunks.");
        mlc_buf_free(&out);
    }
}

static void refuses_malformed_framing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\r\n",         "x\r\n",    "-1\r\n", "4\n",         "4\rx",     "4\r\nWikiX\n", "4\r\nWiki\n",
        "4\r\nWiki\rX", "0\r\n\rX", " 4\r\n", "0x4\r\nWiki", ";a=b\r\n", "+4\r\n",       "4\r\nWiki4\r\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        mlc_buf out = {0};
        bool ended = false;
        assert_int_equal(decode(bad[i], 1, &out, &ended), MLC_E_PROTOCOL);
        assert_false(ended);
        mlc_buf_free(&out);
    }
}

static void refuses_sizes_that_overflow(void **state)
{
    (void)state;
    mlc_buf out = {0};
    bool ended = false;
    assert_int_equal(decode("fffffffffffffffff\r\n", 64, &out, &ended), MLC_E_PROTOCOL);
    assert_int_equal(decode("0000000000000000000004\r\n", 64, &out, &ended), MLC_E_PROTOCOL);
    mlc_buf_free(&out);
}

static void stops_at_the_limit(void **state)
{
    (void)state;
    mlc_buf out = {.max = 6};
    bool ended = false;
    assert_int_equal(decode("4\r\nWiki\r\n4\r\npedi\r\n0\r\n\r\n", 64, &out, &ended), MLC_E_LIMIT);
    mlc_buf_free(&out);
}

static void limits_extensions_and_trailers(void **state)
{
    (void)state;
    char text[6000];
    memset(text, 'a', sizeof(text));
    memcpy(text, "1;", 2);
    text[sizeof(text) - 1] = '\0';
    mlc_buf out = {0};
    bool ended = false;
    assert_int_equal(decode(text, 100, &out, &ended), MLC_E_LIMIT);
    memcpy(text, "0\r\n", 3);
    assert_int_equal(decode(text, 100, &out, &ended), MLC_E_LIMIT);
    mlc_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes_in_any_cut),
        cmocka_unit_test(refuses_malformed_framing),
        cmocka_unit_test(refuses_sizes_that_overflow),
        cmocka_unit_test(stops_at_the_limit),
        cmocka_unit_test(limits_extensions_and_trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
