/* test_row_id.c - ids that follow from keys, keys that may stand in an address, and the memory of ids. */
#include "relay/id_cache.h"
#include "relay/row_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ID_A "0a1b2c3d-1111-2222-3333-444455556666"
#define ID_B "0a1b2c3d-1111-2222-3333-444455556667"

static void id_follows_from_what_the_row_stands_for(void **state)
{
    char a[MLC_UUID_TEXT_MAX];
    char b[MLC_UUID_TEXT_MAX];
    (void)state;
    assert_int_equal(mlc_row_id("pricelevels", "name", "JDE USD", a, NULL), MLC_OK);
    assert_int_equal(mlc_row_id("pricelevels", "name", "JDE USD", b, NULL), MLC_OK);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(a[14], '8');
    assert_non_null(strchr("89ab", a[19]));
    assert_int_equal(mlc_row_id("pricelevels", "name", "JDE EUR", b, NULL), MLC_OK);
    assert_string_not_equal(a, b);
    assert_int_equal(mlc_row_id("pricelevels", "nameJDE", " USD", b, NULL), MLC_OK);
    assert_string_not_equal(a, b);
}

static void key_in_an_address(void **state)
{
    static const char *const bad[] = {"",    "a/b", "a<b",  "a>b", "a*b", "a%b",
                                      "a&b", "a:b", "a\\b", "a?b", "a+b", "a#b"};
    (void)state;
    assert_true(mlc_row_key_addressable("6001") && mlc_row_key_addressable("O'Hara \xc3\xa9 (1)"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(mlc_row_key_addressable(bad[i]));
}

static void cache_forgets_the_longest_unused(void **state)
{
    mlc_id_cache *cache = NULL;
    char value[16];
    (void)state;
    assert_int_equal(mlc_id_cache_open(&cache, 3, NULL), MLC_OK);
    for (int i = 0; i < 3; i++) {
        (void)snprintf(value, sizeof value, "%d", i);
        mlc_id_cache_put(cache, "uoms", "name", value, ID_A);
    }
    assert_non_null(mlc_id_cache_get(cache, "uoms", "name", "0"));
    mlc_id_cache_put(cache, "uoms", "name", "3", ID_B);
    assert_int_equal(mlc_id_cache_count(cache), 3);
    assert_null(mlc_id_cache_get(cache, "uoms", "name", "1"));
    assert_string_equal(mlc_id_cache_get(cache, "uoms", "name", "0"), ID_A);
    assert_null(mlc_id_cache_get(cache, "uom", "sname", "0"));
    mlc_id_cache_put(cache, "uoms", "name", "0", ID_B);
    assert_string_equal(mlc_id_cache_get(cache, "uoms", "name", "0"), ID_B);
    mlc_id_cache_forget(cache, "uoms", "name", "0");
    mlc_id_cache_put(cache, "uoms", "name", "9", "no id");
    assert_null(mlc_id_cache_get(cache, "uoms", "name", "0"));
    assert_null(mlc_id_cache_get(cache, "uoms", "name", "9"));
    assert_int_equal(mlc_id_cache_count(cache), 2);
    mlc_id_cache_close(cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(id_follows_from_what_the_row_stands_for),
                                       cmocka_unit_test(key_in_an_address),
                                       cmocka_unit_test(cache_forgets_the_longest_unused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
