/* The canonical customer: what is printed is read back, what is wrong is named, equal content is equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/customer.h"

#include <string.h>

static const mlc_customer sample = {.id = "6001",
                                    .source = "JDE/F0101/6001",
                                    .version = "126327.143005",
                                    .name = "M\xc3\xbcller \"Sons\"",
                                    .search_type = "C",
                                    .tax_id = "",
                                    .credit_limit = "50000.00",
                                    .terms = "N30",
                                    .currency = "USD",
                                    .has_hold = true,
                                    .on_hold = false};

static void printed_is_read_back(void **state)
{
    (void)state;
    mlc_buf text = {0};
    mlc_customer c;
    mlc_error err;
    assert_int_equal(mlc_customer_print(&sample, &text, &err), MLC_OK);
    assert_string_equal(mlc_buf_text(&text),
                        "{\"kind\":\"customer\",\"id\":\"6001\",\"source\":\"JDE/F0101/6001\","
                        "\"version\":\"126327.143005\",\"fields\":{\"name\":\"M\xc3\xbcller \\\"Sons\\\"\","
                        "\"searchType\":\"C\",\"taxId\":\"\",\"creditLimit\":\"50000.00\",\"terms\":\"N30\","
                        "\"currency\":\"USD\",\"onHold\":false}}");
    assert_int_equal(mlc_customer_parse(mlc_buf_text(&text), text.len, &c, &err), MLC_OK);
    assert_string_equal(c.name, sample.name);
    assert_string_equal(c.tax_id, "");
    assert_string_equal(c.credit_limit, "50000.00");
    assert_null(c.hold_code); /* absent stays absent: it must not empty the target's field */
    assert_true(c.has_hold);
    assert_false(c.on_hold);
    mlc_customer_free(&c);
    mlc_buf_free(&text);
}

static void expect_fault(const char *text, const char *words)
{
    mlc_customer c;
    mlc_error err;
    assert_int_equal(mlc_customer_parse(text, strlen(text), &c, &err), MLC_E_INVALID);
    if (strstr(err.message, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
    assert_null(c.tree);
    assert_null(c.id);
}

static void faults_are_named(void **state)
{
    (void)state;
    expect_fault("{", "customer is not readable JSON");
    expect_fault("[]", "kind");
    expect_fault("{\"kind\":\"order\"}", "kind: \"order\" is not \"customer\"");
    expect_fault("{\"kind\":\"customer\"}", "fields: must be an object");
    expect_fault("{\"kind\":\"customer\",\"fields\":{}}", "id: is missing; source: is missing; version: is");
    expect_fault("{\"kind\":\"customer\",\"id\":6001,\"fields\":{}}", "id: must be a text in quotes");
    expect_fault("{\"kind\":\"customer\",\"id\":\"60-1\",\"source\":\"s\",\"version\":\"1\",\"fields\":{"
                 "\"creditLimit\":\"1,5\",\"name\":\"12345678901234567890123456789012345678901\","
                 "\"onHold\":false}}",
                 "customer 60-1: id: \"60-1\" is no JDE address number");
    expect_fault("{\"kind\":\"customer\",\"id\":\"6\",\"source\":\"s\",\"version\":\"1\",\"fields\":{"
                 "\"creditLimit\":\"1,5\",\"name\":\"12345678901234567890123456789012345678901\"}}",
                 "name: has 41 characters, at most 40 fit; shorten it; creditLimit: \"1,5\" is no number");
    expect_fault("{\"kind\":\"customer\",\"id\":\"6\",\"source\":\"s\",\"version\":\"1\",\"fields\":{"
                 "\"onHold\":\"N\"}}",
                 "onHold: must be true or false");
    expect_fault("{\"kind\":\"customer\",\"id\":\"6\",\"source\":\"s\",\"version\":\"v1\",\"fields\":{}}",
                 "version: has characters other than digits and points");
}

static void characters_count_not_bytes(void **state)
{
    (void)state;
    mlc_customer c = sample;
    mlc_customer back;
    mlc_buf text = {0};
    char name[81];
    for (size_t i = 0; i < 80; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    name[80] = '\0';
    c.name = name;
    assert_int_equal(mlc_customer_print(&c, &text, NULL), MLC_OK);
    assert_int_equal(mlc_customer_parse(mlc_buf_text(&text), text.len, &back, NULL), MLC_OK);
    mlc_customer_free(&back);
    mlc_buf_free(&text);
}

static void print_needs_an_identity(void **state)
{
    (void)state;
    mlc_buf text = {0};
    mlc_error err;
    const mlc_customer nobody = {.name = "x"};
    assert_int_equal(mlc_customer_print(&nobody, &text, &err), MLC_E_INVALID);
    assert_int_equal(text.len, 0);
}

static bool same_print(const mlc_customer *a, const mlc_customer *b)
{
    uint8_t one[16];
    uint8_t two[16];
    assert_int_equal(mlc_customer_fingerprint(a, one, NULL), MLC_OK);
    assert_int_equal(mlc_customer_fingerprint(b, two, NULL), MLC_OK);
    return memcmp(one, two, sizeof one) == 0;
}

static void fingerprint_is_of_the_content(void **state)
{
    (void)state;
    mlc_customer c = sample;
    c.version = "126328.1";
    assert_true(same_print(&sample, &c));
    c.version = NULL;
    assert_true(same_print(&sample, &c));
    c.credit_limit = "50000.0";
    assert_true(same_print(&sample, &c));
    c.credit_limit = "50000.01";
    assert_false(same_print(&sample, &c));
    c = sample;
    c.on_hold = true;
    assert_false(same_print(&sample, &c));
    c = sample;
    c.tax_id = NULL; /* absent is not empty */
    assert_false(same_print(&sample, &c));
    c = sample;
    c.id = "6002";
    assert_false(same_print(&sample, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printed_is_read_back),          cmocka_unit_test(faults_are_named),
        cmocka_unit_test(characters_count_not_bytes),    cmocka_unit_test(print_needs_an_identity),
        cmocka_unit_test(fingerprint_is_of_the_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
