/* What a dry run says: which columns differ, by value and not by spelling, and how it is put into words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/odata_dry.h"

#include <stdlib.h>
#include <string.h>

static cJSON *parsed(const char *text)
{
    cJSON *tree = NULL;
    assert_int_equal(mlc_json_parse(text, strlen(text), 0, 0, &tree, NULL), MLC_OK);
    return tree;
}

/* The list as text. */
static void expect(const char *body, const char *row, const char *differences)
{
    cJSON *const b = parsed(body);
    cJSON *const r = row != NULL ? parsed(row) : NULL;
    cJSON *const list = mlc_odata_differences(b, r);
    char *const text = mlc_json_print(list);
    assert_non_null(text);
    assert_string_equal(text, differences);
    free(text);
    cJSON_Delete(list);
    cJSON_Delete(b);
    cJSON_Delete(r);
}

static void equal_values_do_not_differ(void **state)
{
    (void)state;
    expect("{\"name\":\"Acme\",\"creditlimit\":12.5,\"statecode\":0,\"fax\":null,\"hold\":false}",
           "{\"name\":\"Acme\",\"creditlimit\":12.5000,\"statecode\":0,\"fax\":\"\",\"hold\":false}", "[]");
}

static void what_differs_is_listed_with_both_values(void **state)
{
    (void)state;
    expect("{\"name\":\"Acme Ltd\",\"creditlimit\":12.51,\"city\":\"Roma\"}",
           "{\"name\":\"Acme\",\"creditlimit\":12.5000,\"city\":\"Roma\"}",
           "[{\"column\":\"name\",\"old\":\"Acme\",\"new\":\"Acme Ltd\"},"
           "{\"column\":\"creditlimit\",\"old\":12.5000,\"new\":12.51}]");
    expect("{\"hold\":true}", "{\"hold\":false}", "[{\"column\":\"hold\",\"old\":false,\"new\":true}]");
    expect("{\"fax\":null}", "{\"fax\":\"1\"}", "[{\"column\":\"fax\",\"old\":\"1\",\"new\":null}]");
}

/* Text is compared as text: "01" and "1" are two account numbers. */
static void texts_are_not_numbers(void **state)
{
    (void)state;
    expect("{\"accountnumber\":\"01\"}", "{\"accountnumber\":\"1\"}",
           "[{\"column\":\"accountnumber\",\"old\":\"1\",\"new\":\"01\"}]");
}

static void of_a_new_row_all_that_has_a_value_is_listed(void **state)
{
    (void)state;
    expect("{\"name\":\"Acme\",\"fax\":null}", NULL, "[{\"column\":\"name\",\"old\":null,\"new\":\"Acme\"}]");
}

#define ID  "aaaaaaaa-1111-2222-3333-444444444444"
#define BIG "AAAAAAAA-1111-2222-3333-444444444444"

static void references_are_compared_by_id(void **state)
{
    (void)state;
    expect("{\"transactioncurrencyid@odata.bind\":\"/transactioncurrencies(" ID ")\"}",
           "{\"_transactioncurrencyid_value\":\"" BIG "\"}", "[]");
    expect("{\"parentcustomerid_account@odata.bind\":\"/accounts(" ID ")\"}",
           "{\"_parentcustomerid_value\":\"" ID "\"}", "[]");
    expect("{\"parentcustomerid_account@odata.bind\":\"/accounts(" ID ")\"}",
           "{\"_parentcustomerid_value\":null}",
           "[{\"column\":\"_parentcustomerid_value\",\"old\":null,\"new\":\"/accounts(" ID ")\"}]");
}

static void expect_words(const char *differences, size_t size, const char *words)
{
    char out[200];
    cJSON *const tree = parsed(differences);
    mlc_odata_differences_text(tree, out, size);
    assert_string_equal(out, words);
    cJSON_Delete(tree);
}

static void words_say_what_would_happen(void **state)
{
    (void)state;
    expect_words("{\"exists\":true,\"columns\":[{\"column\":\"name\",\"old\":\"A\",\"new\":\"B\"},"
                 "{\"column\":\"limit\",\"old\":null,\"new\":12.5}]}",
                 200, "would change name \"A\" -> \"B\", limit empty -> 12.5");
    expect_words("{\"exists\":false,\"columns\":[{\"column\":\"name\",\"old\":null,\"new\":\"B\"}]}", 200,
                 "would make a new row with name \"B\"");
    expect_words("{\"exists\":true,\"columns\":[]}", 200, "would change nothing");
    expect_words("{\"exists\":true,\"columns\":[]}", 9, "would ch");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_values_do_not_differ),
                                       cmocka_unit_test(what_differs_is_listed_with_both_values),
                                       cmocka_unit_test(texts_are_not_numbers),
                                       cmocka_unit_test(of_a_new_row_all_that_has_a_value_is_listed),
                                       cmocka_unit_test(references_are_compared_by_id),
                                       cmocka_unit_test(words_say_what_would_happen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
