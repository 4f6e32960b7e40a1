/* error.h: names, cause chains, cutting of long texts, NULL errors, classes of codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"

#include <string.h>

static void names_are_distinct(void **state)
{
    (void)state;
    for (int a = MLC_OK; a <= MLC_E_INTERNAL; a++) {
        assert_string_not_equal(mlc_code_name((mlc_code)a), "");
        assert_string_not_equal(mlc_code_name((mlc_code)a), "unknown");
        for (int b = MLC_OK; b < a; b++)
            assert_string_not_equal(mlc_code_name((mlc_code)a), mlc_code_name((mlc_code)b));
    }
    assert_string_equal(mlc_code_name(MLC_E_UNREACHABLE), "unreachable");
    assert_string_equal(mlc_code_name((mlc_code)(MLC_E_INTERNAL + 1)), "unknown");
    assert_string_equal(mlc_code_name((mlc_code)-1), "unknown");
}

static void fail_stores_and_returns(void **state)
{
    (void)state;
    mlc_error err = {.cause = "old"};
    assert_int_equal(mlc_fail(&err, MLC_E_IO, "file %s, line %d", "a.cfg", 7), MLC_E_IO);
    assert_int_equal(err.code, MLC_E_IO);
    assert_string_equal(err.message, "file a.cfg, line 7");
    assert_string_equal(err.cause, "");
}

static void wrap_chains_causes(void **state)
{
    (void)state;
    char text[256];
    mlc_error err = {0};
    (void)mlc_wrap(&err, MLC_E_IO, "first");
    assert_string_equal(err.cause, "");
    assert_int_equal(mlc_wrap(&err, MLC_E_TLS, "second"), MLC_E_TLS);
    assert_string_equal(err.cause, "first");
    (void)mlc_wrap(&err, MLC_E_UNREACHABLE, "third");
    assert_int_equal(err.code, MLC_E_UNREACHABLE);
    assert_string_equal(err.message, "third");
    assert_string_equal(err.cause, "second: first");
    assert_string_equal(mlc_error_text(&err, text, sizeof text), "third (second: first)");
}

static void arguments_may_be_the_error_itself(void **state)
{
    (void)state;
    mlc_error err = {0};
    (void)mlc_fail(&err, MLC_E_IO, "inner");
    (void)mlc_fail(&err, MLC_E_IO, "outer of %s", err.message);
    assert_string_equal(err.message, "outer of inner");
    (void)mlc_wrap(&err, MLC_E_IO, "again %s", err.message);
    assert_string_equal(err.message, "again outer of inner");
    assert_string_equal(err.cause, "outer of inner");
}

static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    char text[2 * MLC_ERROR_MESSAGE_MAX + 2] = "x";
    for (size_t i = 0; i < MLC_ERROR_MESSAGE_MAX; i++)
        memcpy(text + 1 + 2 * i, "\xC3\xA9", 3);
    mlc_error err = {0};
    (void)mlc_fail(&err, MLC_E_INVALID, "%s", text);
    assert_int_equal(strlen(err.message), MLC_ERROR_MESSAGE_MAX - 1);
    (void)mlc_fail(&err, MLC_E_INVALID, "%s", text + 1);
    assert_int_equal(strlen(err.message), MLC_ERROR_MESSAGE_MAX - 2);
    assert_true(mlc_utf8_valid(err.message, strlen(err.message)));
    (void)mlc_wrap(&err, MLC_E_INVALID, "outer");
    assert_true(strlen(err.cause) >= MLC_ERROR_CAUSE_MAX - 2);
    assert_true(mlc_utf8_valid(err.cause, strlen(err.cause)));
}

static void text_fits_its_buffer(void **state)
{
    (void)state;
    mlc_error err = {0};
    char text[8] = "untouch";
    (void)mlc_fail(&err, MLC_E_INVALID, "123456789");
    assert_ptr_equal(mlc_error_text(&err, text, 0), text);
    assert_string_equal(text, "untouch");
    assert_string_equal(mlc_error_text(&err, text, sizeof text), "1234567");
    assert_string_equal(mlc_error_text(&err, text, 1), "");
    assert_string_equal(mlc_error_text(NULL, text, sizeof text), "");
}

static void null_error_keeps_the_code(void **state)
{
    (void)state;
    assert_int_equal(mlc_fail(NULL, MLC_E_FULL, "x %d", 1), MLC_E_FULL);
    assert_int_equal(mlc_wrap(NULL, MLC_E_LIMIT, "x"), MLC_E_LIMIT);
    mlc_error_clear(NULL);
}

static void clear_empties(void **state)
{
    (void)state;
    mlc_error err = {.code = MLC_E_IO, .message = "m", .cause = "c"};
    mlc_error_clear(&err);
    assert_int_equal(err.code, MLC_OK);
    assert_string_equal(err.message, "");
    assert_string_equal(err.cause, "");
}

static void classes_of_codes(void **state)
{
    (void)state;
    static const mlc_code TRANSIENT[] = {MLC_E_UNREACHABLE, MLC_E_TIMEOUT, MLC_E_TLS,       MLC_E_AUTH,
                                         MLC_E_DENIED,      MLC_E_FULL,    MLC_E_THROTTLED, MLC_E_UNAVAILABLE,
                                         MLC_E_CLOSED,      MLC_E_LOCKED,  MLC_E_UNCERTAIN};
    static const mlc_code LASTING[] = {MLC_OK,         MLC_E_INVALID,  MLC_E_REJECTED,    MLC_E_CONFLICT,
                                       MLC_E_NOTFOUND, MLC_E_CORRUPT,  MLC_E_UNSUPPORTED, MLC_E_INTERNAL,
                                       MLC_E_EXISTS,   MLC_E_PROTOCOL, MLC_E_LIMIT};
    for (size_t i = 0; i < sizeof TRANSIENT / sizeof TRANSIENT[0]; i++)
        assert_true(mlc_code_is_transient(TRANSIENT[i]));
    for (size_t i = 0; i < sizeof LASTING / sizeof LASTING[0]; i++)
        assert_false(mlc_code_is_transient(LASTING[i]));
    for (int code = MLC_OK; code <= MLC_E_INTERNAL; code++)
        assert_int_equal(mlc_code_is_uncertain((mlc_code)code), code == MLC_E_UNCERTAIN);
}

static void a_limited_text_leaves_no_half_character(void **state)
{
    (void)state;
    mlc_error err;
    (void)mlc_fail(&err, MLC_E_INVALID, "\"%.2s\" is no number", "a\xc3\xa9");
    assert_string_equal(err.message, "\"a\" is no number");
    (void)mlc_wrap(&err, MLC_E_INVALID, "field %.1s", "\xc3\xa9");
    assert_string_equal(err.message, "field ");
    assert_string_equal(err.cause, "\"a\" is no number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_distinct),
        cmocka_unit_test(fail_stores_and_returns),
        cmocka_unit_test(wrap_chains_causes),
        cmocka_unit_test(arguments_may_be_the_error_itself),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(text_fits_its_buffer),
        cmocka_unit_test(a_limited_text_leaves_no_half_character),
        cmocka_unit_test(null_error_keeps_the_code),
        cmocka_unit_test(clear_empties),
        cmocka_unit_test(classes_of_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
