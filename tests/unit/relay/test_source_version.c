/* test_source_version.c - versions of master records compare number by number. */
#include "relay/source_version.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void versions_compare_by_number(void **state)
{
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {{"126327.90500", "126327.143005", -1},
                {"126327.143005", "126327.143005", 0},
                {"126327.090500", "126327.90500", 0},
                {"99365.235959", "126001.1", -1},
                {"126327", "126327.0", 0},
                {"126327.1", "126327", 1},
                {"999999999999999999999.1", "1.1", 1},
                {"x", "y", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mlc_source_version_cmp(rows[i].a, rows[i].b), rows[i].order);
        assert_int_equal(mlc_source_version_cmp(rows[i].b, rows[i].a), -rows[i].order);
    }
}

static void version_is_digits_and_points(void **state)
{
    (void)state;
    assert_true(mlc_source_version_valid("1764.126327.143005"));
    assert_false(mlc_source_version_valid(NULL) || mlc_source_version_valid("") ||
                 mlc_source_version_valid(".") || mlc_source_version_valid("1a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(versions_compare_by_number),
                                       cmocka_unit_test(version_is_digits_and_points)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
