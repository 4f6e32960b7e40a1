/* Every fault of a record is counted, and as many as fit are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/faults.h"

#include <stdio.h>
#include <string.h>

static void none_is_ok(void **state)
{
    (void)state;
    const mlc_faults faults = {0};
    mlc_error err;
    assert_int_equal(mlc_faults_result(&faults, "order 1", &err), MLC_OK);
}

static void all_are_told(void **state)
{
    (void)state;
    mlc_faults faults = {0};
    mlc_error err;
    mlc_fault(&faults, "customer", "is missing");
    mlc_fault(&faults, "total", "\"%s\" is no number", "x");
    assert_int_equal(mlc_faults_result(&faults, "order 1a2b", &err), MLC_E_INVALID);
    assert_string_equal(err.message, "order 1a2b: customer: is missing; total: \"x\" is no number");
    assert_int_equal(faults.count, 2);
    assert_int_equal(faults.hidden, 0);
}

static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    mlc_faults faults = {0};
    mlc_error err;
    char tail[40];
    for (int i = 0; i < 1000; i++)
        mlc_fault(&faults, "quantity", "line %d is not above zero", i);
    assert_int_equal(mlc_faults_result(&faults, "order 1a2b", &err), MLC_E_INVALID);
    assert_int_equal(faults.count, 1000);
    assert_true(faults.hidden > 900);
    (void)snprintf(tail, sizeof tail, "; .. and %u more", faults.hidden);
    assert_string_equal(err.message + strlen(err.message) - strlen(tail), tail);
    /* A short one that would fit again does not slip in behind the tail. */
    const unsigned before = faults.hidden;
    mlc_fault(&faults, "x", "y");
    assert_int_equal(faults.hidden, before + 1);
    (void)snprintf(tail, sizeof tail, "; .. and %u more", faults.hidden);
    assert_string_equal(faults.text + strlen(faults.text) - strlen(tail), tail);
}

static void a_long_one_is_cut_between_characters(void **state)
{
    (void)state;
    mlc_faults faults = {0};
    mlc_error err;
    char text[600];
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 3);
    for (int i = 0; i < 4; i++)
        mlc_fault(&faults, "name", "%s", text);
    (void)mlc_faults_result(&faults, text, &err);
    assert_true(mlc_utf8_valid(err.message, strlen(err.message)));
    assert_true(faults.hidden >= 1);
}

static void a_name_cut_within_a_character_stays_text(void **state)
{
    (void)state;
    mlc_faults faults = {0};
    mlc_error err;
    mlc_fault(&faults, "line 1 (\xc3)", "%.2s is too long", "a\xc3\xa9");
    assert_int_equal(mlc_faults_result(&faults, "order 1", &err), MLC_E_INVALID);
    assert_string_equal(err.message, "order 1: line 1 (): a is too long");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_is_ok),
        cmocka_unit_test(all_are_told),
        cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(a_long_one_is_cut_between_characters),
        cmocka_unit_test(a_name_cut_within_a_character_stays_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
