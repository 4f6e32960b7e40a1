/* test_address.c - changed addresses and their reports: print and read, faults in a clerk's words, comparing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/address.h"

#include <string.h>

#define L40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static mlc_address sample(void)
{
    return (mlc_address){.table = "account",
                         .id = "0a1b2c3d-1111-2222-3333-444455556666",
                         .source = "JDE/F0101/6001",
                         .an8 = "6001",
                         .version = "1764.126327.143005",
                         .modified = "2026-11-23T10:00:00Z",
                         .change = "77",
                         .now = {{"Acme", "1 Main St", "", NULL, "Denver", "CO", "80202", "US"}},
                         .has_base = true,
                         .base = {{"Acme", "2 Old St", "", "", "Denver", "CO", "80202", "US"}}};
}

static void it_survives_print_and_read(void **state)
{
    (void)state;
    const mlc_address in = sample();
    mlc_address out;
    mlc_buf text = {0};
    mlc_error err;
    assert_int_equal(mlc_address_print(&in, &text, &err), MLC_OK);
    assert_int_equal(mlc_address_parse(mlc_buf_text(&text), text.len, &out, &err), MLC_OK);
    assert_string_equal(out.an8, "6001");
    assert_null(out.line);
    assert_string_equal(out.now.text[MLC_ADDRESS_LINE1], "1 Main St");
    assert_string_equal(out.now.text[MLC_ADDRESS_LINE2], "");
    assert_null(out.now.text[MLC_ADDRESS_LINE3]);
    assert_true(out.has_base);
    assert_string_equal(out.base.text[MLC_ADDRESS_LINE1], "2 Old St");
    mlc_address_free(&out);
    mlc_buf_free(&text);
}

static void faulty(mlc_address a, const char *words)
{
    mlc_error err;
    assert_int_equal(mlc_address_check(&a, &err), MLC_E_INVALID);
    if (strstr(err.message, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
}

static void all_faults_are_named_as_dynamics_names_the_fields(void **state)
{
    (void)state;
    mlc_address a = sample();
    a.now.text[MLC_ADDRESS_STATE] = "Colorado";
    a.now.text[MLC_ADDRESS_CITY] = "A city with more than twenty-five characters";
    faulty(a, "State/Province: \"Colorado\" is longer than JDE's codes");
    faulty(a, "City: has 44 characters, at most 25 fit");
    a = sample();
    a.now.text[MLC_ADDRESS_NAME] = "";
    faulty(a, "Account Name: is empty");
    a = sample();
    a.now.text[MLC_ADDRESS_LINE1] = "1 Main St\nDenver";
    faulty(a, "Street 1: has a line break");
    a = sample();
    a.an8 = "60x1";
    faulty(a, "an8");
    a = sample();
    a.table = "lead";
    faulty(a, "table: must be account or contact");
    a = sample();
    a.modified = "yesterday";
    faulty(a, "modified");
}

static void a_long_third_street_may_split_at_a_comma(void **state)
{
    (void)state;
    mlc_error err;
    mlc_address a = sample();
    a.now.text[MLC_ADDRESS_LINE3] = L40 ", " L40;
    assert_int_equal(mlc_address_check(&a, &err), MLC_OK);
    a.now.text[MLC_ADDRESS_LINE3] = L40 "a, " L40;
    faulty(a, "Street 3: has 83 characters, at most 40 fit");
    a.now.text[MLC_ADDRESS_LINE3] = L40 L40;
    faulty(a, "Street 3");
}

static void refused(const char *text)
{
    mlc_address out;
    mlc_error err;
    assert_int_equal(mlc_address_parse(text, strlen(text), &out, &err), MLC_E_INVALID);
    assert_null(out.tree);
}

static void other_shapes_are_refused(void **state)
{
    (void)state;
    refused("{\"kind\":\"order\"}");
    refused("{\"kind\":\"address\",\"table\":\"account\",\"id\":\"x\",\"source\":\"s\",\"an8\":\"1\","
            "\"change\":\"1\",\"modified\":\"2026-01-01\"}");
    refused("{\"kind\":\"address\",\"table\":\"account\",\"id\":\"x\",\"source\":\"s\",\"an8\":\"1\","
            "\"change\":\"1\",\"modified\":\"2026-01-01\",\"now\":{\"city\":5}}");
}

static void blanks_on_the_right_and_the_case_of_codes_do_not_count(void **state)
{
    (void)state;
    uint8_t one[MLC_ADDRESS_HASH_LEN];
    uint8_t two[MLC_ADDRESS_HASH_LEN];
    const mlc_address_fields a = {{"Acme", "1 Main St", NULL, "", "Denver", "co", "80202", "us"}};
    const mlc_address_fields b = {{"Acme  ", "1 Main St ", "", NULL, "Denver", "CO", "80202", "US "}};
    const mlc_address_fields c = {{"Acme", "1 main st", NULL, "", "Denver", "co", "80202", "us"}};
    const mlc_address_fields name_only = {{"x"}};
    assert_true(mlc_address_same(&a, &b, NULL));
    assert_false(mlc_address_same(&a, &c, NULL));
    assert_true(mlc_address_same(&a, &c, &name_only));
    assert_int_equal(mlc_address_hash(&a, one, NULL), MLC_OK);
    assert_int_equal(mlc_address_hash(&b, two, NULL), MLC_OK);
    assert_memory_equal(one, two, sizeof one);
    assert_int_equal(mlc_address_hash(&c, two, NULL), MLC_OK);
    assert_memory_not_equal(one, two, sizeof one);
}

static void texts_of_neighbours_do_not_run_together(void **state)
{
    (void)state;
    uint8_t one[MLC_ADDRESS_HASH_LEN];
    uint8_t two[MLC_ADDRESS_HASH_LEN];
    const mlc_address_fields a = {{"", "ab", "c"}};
    const mlc_address_fields b = {{"", "a", "bc"}};
    assert_int_equal(mlc_address_hash(&a, one, NULL), MLC_OK);
    assert_int_equal(mlc_address_hash(&b, two, NULL), MLC_OK);
    assert_memory_not_equal(one, two, sizeof one);
}

static void rows_of_jde(void **state)
{
    (void)state;
    mlc_address_rows out;
    char words[64];
    static const char address[] =
        "{\"ADD1\":\"1 Main St\",\"ADD3\":\"Hall\",\"ADD4\":\"Door 4\",\"ADDZ\":\"80202\"}";
    cJSON *const book = cJSON_Parse("{\"ALPH\":\"Acme\"}");
    cJSON *const row = cJSON_Parse(address);
    mlc_address_of_rows(book, row, &out);
    assert_string_equal(out.fields.text[MLC_ADDRESS_NAME], "Acme");
    assert_string_equal(out.fields.text[MLC_ADDRESS_LINE3], "Hall, Door 4");
    assert_string_equal(out.fields.text[MLC_ADDRESS_CITY], "");
    assert_string_equal(mlc_address_words(&out.fields, words, sizeof words),
                        "Acme, 1 Main St, Hall, Door 4, 80202");
    mlc_address_of_rows(NULL, NULL, &out);
    assert_null(out.fields.text[MLC_ADDRESS_NAME]);
    assert_true(mlc_address_empty(&out.fields));
    assert_string_equal(mlc_address_words(&out.fields, words, sizeof words), "no address");
    cJSON_Delete(book);
    cJSON_Delete(row);
}

static void reports(void **state)
{
    (void)state;
    mlc_address_result out;
    mlc_buf text = {0};
    mlc_error err;
    const mlc_address_result in = {.table = "contact",
                                   .id = "x",
                                   .source = "JDE/F0111/6001/1",
                                   .outcome = "conflict",
                                   .restore = true,
                                   .sent = {{NULL, "mine"}},
                                   .jde = {{"Acme", "theirs"}}};
    assert_int_equal(mlc_address_result_print(&in, &text, &err), MLC_OK);
    assert_int_equal(mlc_address_result_parse(mlc_buf_text(&text), text.len, &out, &err), MLC_OK);
    assert_true(out.restore);
    assert_null(out.sent.text[MLC_ADDRESS_NAME]);
    assert_string_equal(out.jde.text[MLC_ADDRESS_LINE1], "theirs");
    mlc_address_result_free(&out);
    mlc_buf_clear(&text);
    mlc_address_result odd = in;
    odd.outcome = "perhaps";
    assert_int_equal(mlc_address_result_print(&odd, &text, &err), MLC_OK);
    assert_int_equal(mlc_address_result_parse(mlc_buf_text(&text), text.len, &out, &err), MLC_E_INVALID);
    mlc_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_survives_print_and_read),
        cmocka_unit_test(all_faults_are_named_as_dynamics_names_the_fields),
        cmocka_unit_test(a_long_third_street_may_split_at_a_comma),
        cmocka_unit_test(other_shapes_are_refused),
        cmocka_unit_test(blanks_on_the_right_and_the_case_of_codes_do_not_count),
        cmocka_unit_test(texts_of_neighbours_do_not_run_together),
        cmocka_unit_test(rows_of_jde),
        cmocka_unit_test(reports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
