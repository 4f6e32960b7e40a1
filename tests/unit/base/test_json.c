/* json.h: what the strict reader takes and refuses, places in messages, exact numbers, accessors, builders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static cJSON *parse(const char *text)
{
    cJSON *tree = NULL;
    mlc_error err = {0};
    mlc_code code = mlc_json_parse(text, strlen(text), 0, 0, &tree, &err);
    if (code != MLC_OK)
        print_error("%s: %s\n", text, err.message);
    assert_int_equal(code, MLC_OK);
    assert_non_null(tree);
    return tree;
}

static void assert_prints(const char *text, const char *expected)
{
    cJSON *tree = parse(text);
    char *printed = mlc_json_print(tree);
    assert_string_equal(printed, expected);
    free(printed);
    cJSON_Delete(tree);
}

static void assert_refused(const char *text, size_t len)
{
    cJSON untouched, *tree = &untouched;
    mlc_error err = {0};
    assert_int_equal(mlc_json_parse(text, len, 0, 0, &tree, &err), MLC_E_INVALID);
    assert_null(tree);
    assert_non_null(strstr(err.message, "JSON line "));
}

static void values_print_back(void **state)
{
    (void)state;
    static const char *const SAME[] = {"null",
                                       "true",
                                       "false",
                                       "0",
                                       "-0",
                                       "\"\"",
                                       "[]",
                                       "{}",
                                       "[1,[2,[3]]]",
                                       "{\"a\":{\"b\":[null,true]},\"c\":\"x\"}",
                                       "\"\\\"\\\\\\b\\f\\n\\r\\t\"",
                                       "\"\xC3\xA9\xF0\x9F\x98\x80\""};
    for (size_t i = 0; i < sizeof SAME / sizeof SAME[0]; i++)
        assert_prints(SAME[i], SAME[i]);
    assert_prints(" \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n", "{\"a\":[1,2],\"b\":{}}");
    assert_prints("\"\\/\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\"", "\"/A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"");
}

static void numbers_keep_every_digit(void **state)
{
    (void)state;
    static const char *const SAME[] = {"12345678901234567890.123456789012345678901234567890",
                                       "0.1",
                                       "1.10",
                                       "-0.00",
                                       "1e400",
                                       "1E+2",
                                       "9007199254740993",
                                       "2.5e-3"};
    for (size_t i = 0; i < sizeof SAME / sizeof SAME[0]; i++)
        assert_prints(SAME[i], SAME[i]);
}

static void malformed_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      " ",
                                      "nul",
                                      "nulL",
                                      "True",
                                      "NaN",
                                      "Infinity",
                                      "-",
                                      "+1",
                                      "01",
                                      "-01",
                                      "1.",
                                      ".5",
                                      "1e",
                                      "1e+",
                                      "0x10",
                                      "1 2",
                                      "1,",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1,",
                                      "[1,]",
                                      "[,1]",
                                      "[1 2]",
                                      "[1}",
                                      "{",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":1",
                                      "{\"a\":1,",
                                      "{\"a\":1,}",
                                      "{\"a\" 1}",
                                      "{a:1}",
                                      "{1:1}",
                                      "{'a':1}",
                                      "{\"a\":1]",
                                      "\"",
                                      "\"abc",
                                      "\"\\",
                                      "\"\\\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\u12g4\"",
                                      "\"\\u",
                                      "\"\\u0000\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\"",
                                      "\"\\ud800x\"",
                                      "\"\\ud800\\n\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"a\nb\"",
                                      "\"a\tb\"",
                                      "// c\n1",
                                      "\xEF\xBB\xBF{}",
                                      "\"\xC3\"",
                                      "\"\xED\xA0\x80\"",
                                      "\xC2\xA0 1"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        assert_refused(BAD[i], strlen(BAD[i]));
    assert_refused("\"a\0b\"", 5);
    assert_refused("1\0", 2);
}

static void only_len_bytes_are_read(void **state)
{
    (void)state;
    const char bytes[] = {'[', '1', '2', ']', 'x'};
    char *exact = malloc(4);
    assert_non_null(exact);
    memcpy(exact, bytes, 4);
    cJSON *tree = NULL;
    assert_int_equal(mlc_json_parse(exact, 4, 0, 0, &tree, NULL), MLC_OK);
    cJSON_Delete(tree);
    for (size_t len = 0; len < 4; len++) {
        char *cut = malloc(len + 1);
        assert_non_null(cut);
        memcpy(cut, bytes, len);
        assert_int_equal(mlc_json_parse(cut, len, 0, 0, &tree, NULL), MLC_E_INVALID);
        free(cut);
    }
    free(exact);
}

static void messages_name_the_place_not_the_content(void **state)
{
    (void)state;
    const char *text = "{\n  \"\xC3\xA9\": \"hidden\",\n  \"b\": hidden\n}";
    cJSON *tree = NULL;
    mlc_error err = {0};
    assert_int_equal(mlc_json_parse(text, strlen(text), 0, 0, &tree, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "line 3, column 8"));
    assert_null(strstr(err.message, "hidden"));
    text = "[\"\xC3\xA9\xC3\xA9\",]";
    assert_int_equal(mlc_json_parse(text, strlen(text), 0, 0, &tree, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "line 1, column 7"));
    text = "{\"a\":1";
    assert_int_equal(mlc_json_parse(text, strlen(text), 0, 0, &tree, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "column 7: unexpected end"));
    text = "[1,\n\"\xFF\"]";
    assert_int_equal(mlc_json_parse(text, strlen(text), 0, 0, &tree, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "line 2, column 2"));
}

static void limits_hold(void **state)
{
    (void)state;
    cJSON *tree = NULL;
    mlc_error err = {0};
    assert_int_equal(mlc_json_parse("[1,2]", 5, 5, 0, &tree, &err), MLC_OK);
    cJSON_Delete(tree);
    assert_int_equal(mlc_json_parse("[1,2]", 5, 4, 0, &tree, &err), MLC_E_LIMIT);
    assert_null(tree);
    assert_int_equal(mlc_json_parse("[{\"a\":1}]", 9, 0, 2, &tree, &err), MLC_OK);
    cJSON_Delete(tree);
    assert_int_equal(mlc_json_parse("[{\"a\":[]}]", 10, 0, 2, &tree, &err), MLC_E_LIMIT);
    assert_null(tree);
    assert_non_null(strstr(err.message, "column 7"));
    /* Depth is nesting, not the number of containers. */
    assert_int_equal(mlc_json_parse("[[],[],[[]]]", 12, 0, 3, &tree, &err), MLC_OK);
    cJSON_Delete(tree);
}

static void default_depth(void **state)
{
    (void)state;
    char text[2 * MLC_JSON_DEPTH_DEFAULT + 2];
    cJSON *tree = NULL;
    memset(text, '[', MLC_JSON_DEPTH_DEFAULT);
    memset(text + MLC_JSON_DEPTH_DEFAULT, ']', MLC_JSON_DEPTH_DEFAULT);
    assert_int_equal(mlc_json_parse(text, (size_t)2 * MLC_JSON_DEPTH_DEFAULT, 0, 0, &tree, NULL), MLC_OK);
    cJSON_Delete(tree);
    memset(text, '[', sizeof text);
    assert_int_equal(mlc_json_parse(text, sizeof text, 0, 0, &tree, NULL), MLC_E_LIMIT);
}

static void members_and_paths(void **state)
{
    (void)state;
    cJSON *tree =
        parse("{\"a\":{\"b\":{\"c\":\"deep\"}},\"A\":1,\"d\":\"one\",\"d\":\"two\",\"\":\"empty\"}");
    assert_string_equal(mlc_json_text(mlc_json_path(tree, "a.b.c")), "deep");
    assert_ptr_equal(mlc_json_path(tree, "a"), mlc_json_get(tree, "a"));
    assert_null(mlc_json_path(tree, "a.b.c.d"));
    assert_null(mlc_json_path(tree, "a.x.c"));
    assert_null(mlc_json_path(tree, "a."));
    assert_null(mlc_json_path(NULL, "a"));
    assert_string_equal(mlc_json_member_text(tree, "A"), "1");
    assert_string_equal(mlc_json_str(tree, "d"), "two");
    assert_string_equal(mlc_json_str(tree, ""), "empty");
    assert_null(mlc_json_str(tree, "A"));
    assert_null(mlc_json_get(tree, "absent"));
    assert_null(mlc_json_get(tree, "D"));
    assert_null(mlc_json_get(mlc_json_get(tree, "d"), "x"));
    assert_null(mlc_json_get(NULL, "x"));
    assert_null(mlc_json_get(tree, NULL));
    cJSON_Delete(tree);
}

static void texts_and_booleans(void **state)
{
    (void)state;
    cJSON *tree =
        parse("{\"s\":\"12\",\"n\":1.50,\"t\":true,\"f\":\"false\",\"w\":\"true\",\"z\":null,\"o\":{}}");
    assert_string_equal(mlc_json_member_text(tree, "s"), "12");
    assert_string_equal(mlc_json_member_text(tree, "n"), "1.50");
    assert_null(mlc_json_member_text(tree, "t"));
    assert_null(mlc_json_member_text(tree, "z"));
    assert_null(mlc_json_member_text(tree, "o"));
    assert_null(mlc_json_text(NULL));
    assert_true(mlc_json_is_number(mlc_json_get(tree, "n")));
    assert_false(mlc_json_is_number(mlc_json_get(tree, "s")));
    assert_false(mlc_json_is_number(NULL));
    assert_true(mlc_json_bool(tree, "t", false));
    assert_false(mlc_json_bool(tree, "f", true));
    assert_true(mlc_json_bool(tree, "w", false));
    assert_true(mlc_json_bool(tree, "s", true));
    assert_false(mlc_json_bool(tree, "n", false));
    assert_true(mlc_json_bool(tree, "absent", true));
    cJSON_Delete(tree);
}

static void whole_numbers(void **state)
{
    (void)state;
    cJSON *tree = parse("{\"n\":-42,\"s\":\"17\",\"max\":9223372036854775807,\"min\":-9223372036854775808,"
                        "\"over\":9223372036854775808,\"frac\":1.5,\"zero\":12.00,\"exp\":1e3,\"text\":\"x\","
                        "\"blank\":\" 1\",\"plus\":\"+1\",\"none\":\"\",\"sfrac\":\"1.0\",\"null\":null}");
    static const struct {
        const char *name;
        int64_t value;
    } GOOD[] = {{"n", -42}, {"s", 17}, {"max", INT64_MAX}, {"min", INT64_MIN}, {"zero", 12}, {"exp", 1000}};
    static const char *const BAD[] = {"over", "frac", "text", "blank", "plus", "none", "sfrac", "null"};
    int64_t value = 0;
    mlc_error err = {0};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        assert_int_equal(mlc_json_int64(tree, GOOD[i].name, &value, &err), MLC_OK);
        assert_true(value == GOOD[i].value);
    }
    value = 5;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(mlc_json_int64(tree, BAD[i], &value, &err), MLC_E_INVALID);
        assert_non_null(strstr(err.message, BAD[i]));
    }
    assert_int_equal(mlc_json_int64(tree, "absent", &value, &err), MLC_E_NOTFOUND);
    assert_int_equal(value, 5);
    cJSON_Delete(tree);
}

static void decimals(void **state)
{
    (void)state;
    cJSON *tree = parse("{\"n\":12.340,\"s\":\"-0.05\",\"null\":null,\"bad\":\"1,5\",\"t\":true,"
                        "\"big\":12345678901234567890}");
    mlc_decimal value = {0};
    char text[MLC_DECIMAL_TEXT_MAX];
    mlc_error err = {0};
    assert_int_equal(mlc_json_decimal(tree, "n", &value, &err), MLC_OK);
    assert_string_equal(mlc_decimal_text(value, text), "12.340");
    assert_int_equal(mlc_json_decimal(tree, "s", &value, &err), MLC_OK);
    assert_string_equal(mlc_decimal_text(value, text), "-0.05");
    assert_int_equal(mlc_json_decimal(tree, "null", &value, &err), MLC_E_NOTFOUND);
    assert_int_equal(mlc_json_decimal(tree, "absent", &value, &err), MLC_E_NOTFOUND);
    assert_int_equal(mlc_json_decimal(tree, "bad", &value, &err), MLC_E_INVALID);
    assert_string_not_equal(err.cause, "");
    assert_int_equal(mlc_json_decimal(tree, "t", &value, &err), MLC_E_INVALID);
    assert_int_equal(mlc_json_decimal(tree, "big", &value, &err), MLC_E_INVALID);
    assert_string_equal(mlc_decimal_text(value, text), "-0.05");
    cJSON_Delete(tree);
}

static void building(void **state)
{
    (void)state;
    mlc_error err = {0};
    cJSON *tree = cJSON_CreateObject(), *list = cJSON_CreateArray();
    assert_int_equal(mlc_json_add_str(tree, "s", "a\"\xC3\xA9\n", &err), MLC_OK);
    assert_int_equal(mlc_json_add_str(tree, "z", NULL, &err), MLC_OK);
    assert_int_equal(mlc_json_add_int(tree, "i", INT64_MIN, &err), MLC_OK);
    assert_int_equal(mlc_json_add_bool(tree, "b", true, &err), MLC_OK);
    assert_int_equal(mlc_json_add_decimal(tree, "d", (mlc_decimal){.unscaled = -12300, .scale = 3}, &err),
                     MLC_OK);
    assert_int_equal(mlc_json_add(tree, "l", list, &err), MLC_OK);
    assert_int_equal(mlc_json_add_int(list, NULL, 7, &err), MLC_OK);
    assert_int_equal(mlc_json_add_str(list, NULL, "x", &err), MLC_OK);
    char *text = mlc_json_print(tree);
    assert_string_equal(text, "{\"s\":\"a\\\"\xC3\xA9\\n\",\"z\":null,\"i\":-9223372036854775808,\"b\":true,"
                              "\"d\":-12.300,\"l\":[7,\"x\"]}");
    cJSON_Delete(parse(text));
    int64_t value = 0;
    assert_int_equal(mlc_json_int64(tree, "i", &value, &err), MLC_OK);
    assert_true(value == INT64_MIN);
    free(text);
    cJSON_Delete(tree);
}

/* Children given away with a failure must not leak: the sanitizer watches. */
static void building_failures(void **state)
{
    (void)state;
    mlc_error err = {0};
    cJSON *tree = cJSON_CreateObject(), *text = cJSON_CreateString("x");
    assert_int_equal(mlc_json_add(tree, "n", NULL, &err), MLC_E_NOMEM);
    assert_int_equal(mlc_json_add(text, "n", cJSON_CreateTrue(), &err), MLC_E_INTERNAL);
    assert_int_equal(mlc_json_add(NULL, "n", cJSON_CreateTrue(), &err), MLC_E_INTERNAL);
    assert_int_equal(mlc_json_add(tree, NULL, cJSON_CreateTrue(), &err), MLC_E_INTERNAL);
    assert_int_equal(mlc_json_add_str(tree, "bad", "\xFF", &err), MLC_E_INVALID);
    assert_null(tree->child);
    cJSON_Delete(tree);
    cJSON_Delete(text);
}

static void trees_of_the_reader_can_be_changed(void **state)
{
    (void)state;
    cJSON *tree = parse("{\"a\":1,\"b\":[]}");
    assert_int_equal(mlc_json_add_int(tree, "c", 3, NULL), MLC_OK);
    cJSON_DeleteItemFromObjectCaseSensitive(tree, "a");
    assert_int_equal(mlc_json_add_int(cJSON_GetObjectItemCaseSensitive(tree, "b"), NULL, 2, NULL), MLC_OK);
    cJSON *copy = cJSON_Duplicate(tree, true);
    char *text = mlc_json_print(copy);
    assert_string_equal(text, "{\"b\":[2],\"c\":3}");
    free(text);
    cJSON_Delete(copy);
    cJSON_Delete(tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_print_back),
        cmocka_unit_test(numbers_keep_every_digit),
        cmocka_unit_test(malformed_is_refused),
        cmocka_unit_test(only_len_bytes_are_read),
        cmocka_unit_test(messages_name_the_place_not_the_content),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(default_depth),
        cmocka_unit_test(members_and_paths),
        cmocka_unit_test(texts_and_booleans),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(decimals),
        cmocka_unit_test(building),
        cmocka_unit_test(building_failures),
        cmocka_unit_test(trees_of_the_reader_can_be_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
