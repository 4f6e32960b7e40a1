/* test_catalogue.c - what JDE's fields take is checked before a write, all of it at once; a file may add to it. */
#include "agent/catalogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static mlc_faults faults_of(const char *file, const char *inputs)
{
    mlc_catalogue *catalogue = NULL;
    cJSON *tree = NULL;
    mlc_faults faults = {0};
    mlc_error err;
    if (mlc_catalogue_read(&catalogue, "f", file, strlen(file), NULL, &err) != MLC_OK ||
        mlc_json_parse(inputs, strlen(inputs), 0, 0, &tree, &err) != MLC_OK)
        fail_msg("%s", err.message);
    mlc_catalogue_check(catalogue, tree, &faults);
    cJSON_Delete(tree);
    mlc_catalogue_free(catalogue);
    return faults;
}

static void expect(const char *file, const char *inputs, const char *text)
{
    const mlc_faults faults = faults_of(file, inputs);
    if (strcmp(faults.text, text) != 0)
        fail_msg("\"%s\", not \"%s\"", faults.text, text);
}

static void good_inputs_pass(void **state)
{
    (void)state;
    expect(
        "",
        "{\"Reference\":\"R\",\"SoldTo\":\"6001\",\"OrderDate\":\"2026-11-23\",\"Other\":\"what JDE makes of "
        "it\","
        "\"Lines\":[{\"LineNumber\":1,\"Quantity\":5.5000,\"UnitPrice\":0.0001,\"UnitOfMeasure\":\"EA\"}]}",
        "");
}

static void all_faults_are_named_with_line_and_field(void **state)
{
    (void)state;
    expect("",
           "{\"Reference2\":\"12345678901234567890123456\",\"SoldTo\":\"x\",\"OrderDate\":\"2026-02-30\","
           "\"Lines\":["
           "{\"LineNumber\":7,\"UnitPrice\":1.23456,\"Quantity\":123456789012}]}",
           "Reference2 (JDE VR02): has 26 characters, at most 25 fit; shorten it; "
           "SoldTo (JDE AN8): \"x\" is no number that can be held exactly; write it like 1250.00; "
           "OrderDate (JDE TRDJ): \"2026-02-30\" is no date; write it as year-month-day, like 2026-11-23; "
           "line 7 UnitPrice (JDE UPRC): 1.23456 has 5 decimals, JDE keeps 4; round it; "
           "line 7 Quantity (JDE UORG): 123456789012 has 12 digits before the point, JDE keeps 11");
}

static void a_file_adds_and_replaces(void **state)
{
    static const char file[] = "# ours\nitem CRCD text 3 USD EUR\nitem XYZ text 2\ninput Own XYZ # theirs\n";
    (void)state;
    expect(file, "{\"CurrencyCode\":\"EUR\",\"Own\":\"ab\"}", "");
    expect(file, "{\"CurrencyCode\":\"CHF\",\"Own\":\"abc\"}",
           "CurrencyCode (JDE CRCD): \"CHF\" is none of the values that JDE takes here; "
           "Own (JDE XYZ): has 3 characters, at most 2 fit; shorten it");
}

static void a_faulty_file_is_refused_with_every_line(void **state)
{
    static const char file[] = "item A text\nitem B money 3\ninput C NONE\nthing\nitem D number 3 9\n";
    mlc_catalogue *catalogue = NULL;
    mlc_buf report = {0};
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_catalogue_read(&catalogue, "site.fields", file, strlen(file), &report, &err),
                     MLC_E_INVALID);
    assert_null(catalogue);
    assert_string_equal(mlc_buf_text(&report),
                        "site.fields:1: \"\": a length or number of decimals must stand here\n"
                        "site.fields:2: \"money\": is no type; write text, number or date\n"
                        "site.fields:3: \"NONE\": is no data item that is known; define it before\n"
                        "site.fields:4: \"thing\": a line begins with item or input\n"
                        "site.fields:5: \"9\": is too large\n");
    assert_non_null(strstr(err.message, "site.fields:1: "));
    mlc_buf_free(&report);
}

static void a_missing_file_is_told(void **state)
{
    mlc_catalogue *catalogue = NULL;
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_catalogue_open(&catalogue, "/nowhere/fields", NULL, &err), MLC_E_IO);
    assert_int_equal(mlc_catalogue_open(&catalogue, NULL, NULL, &err), MLC_OK);
    mlc_catalogue_free(catalogue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_inputs_pass),
        cmocka_unit_test(all_faults_are_named_with_line_and_field),
        cmocka_unit_test(a_file_adds_and_replaces),
        cmocka_unit_test(a_faulty_file_is_refused_with_every_line),
        cmocka_unit_test(a_missing_file_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
