/* test_master.c - the canonical master record: what is printed is read back, what is wrong is named, equal content is equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/master.h"

#include <string.h>

static const char sample[] =
    "{\"kind\":\"customer\",\"id\":\"6001\",\"source\":\"JDE/F0101/6001\",\"version\":\"1764.126327.143005\","
    "\"gone\":false,\"rows\":{\"F0101\":{\"AN8\":\"6001\",\"ALPH\":\"M\xc3\xbcller\",\"UPMJ\":\"2026-11-23\"}"
    ","
    "\"F0115\":[{\"PHTP\":\"\",\"PH1\":\"555\"},{\"PHTP\":\"FAX\",\"PH1\":\"556\"}]}}";

static mlc_master parse(const char *text)
{
    mlc_master m;
    mlc_error err;
    if (mlc_master_parse(text, strlen(text), &m, &err) != MLC_OK)
        fail_msg("%s (%s)", err.message, err.cause);
    return m;
}

static void what_is_printed_is_read_back(void **state)
{
    (void)state;
    mlc_buf text = {0};
    mlc_master m = parse(sample);
    assert_string_equal(m.kind, "customer");
    assert_string_equal(m.id, "6001");
    assert_string_equal(m.source, "JDE/F0101/6001");
    assert_string_equal(m.version, "1764.126327.143005");
    assert_false(m.gone);
    assert_string_equal(mlc_json_str(mlc_json_get(m.rows, "F0101"), "ALPH"), "M\xc3\xbcller");
    assert_int_equal(mlc_master_print(&m, &text, NULL), MLC_OK);
    assert_string_equal(mlc_buf_text(&text), sample);
    mlc_buf_free(&text);
    mlc_master_free(&m);
    assert_null(m.tree);
}

static void gone_may_be_left_out_and_rows_may_be_empty(void **state)
{
    (void)state;
    mlc_master m =
        parse("{\"kind\":\"price\",\"id\":\"1/30/0//USD/EA\",\"source\":\"JDE/F4106/1/30/0//USD/EA\","
              "\"version\":\"1\",\"rows\":{}}");
    assert_false(m.gone);
    mlc_master_free(&m);
}

static void expect_fault(const char *text, const char *words)
{
    mlc_master m;
    mlc_error err;
    assert_int_equal(mlc_master_parse(text, strlen(text), &m, &err), MLC_E_INVALID);
    if (strstr(err.message, words) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", words, err.message);
    assert_null(m.tree);
    assert_null(m.id);
}

#define HEAD "\"id\":\"6001\",\"source\":\"JDE/F0101/6001\",\"version\":\"1.2.3\""

static void faults_are_named_all_at_once(void **state)
{
    (void)state;
    expect_fault("nonsense", "not readable JSON");
    expect_fault("[]", "not an object");
    expect_fault("{}", "kind: must be one of customer, supplier, contact, item, price");
    expect_fault("{}", "id: is missing");
    expect_fault("{}", "rows: must be an object by table name");
    expect_fault("{\"kind\":\"order\"," HEAD ",\"rows\":{}}", "kind: must be one of");
    expect_fault("{\"kind\":\"item\"," HEAD ",\"gone\":\"yes\",\"rows\":{}}", "gone: must be true or false");
    expect_fault("{\"kind\":\"item\"," HEAD ",\"rows\":{\"F4101\":\"x\"}}", "F4101: a row must be an object");
    expect_fault("{\"kind\":\"item\"," HEAD ",\"rows\":{\"F4101\":[7]}}", "F4101: a row must be an object");
    expect_fault("{\"kind\":\"item\"," HEAD ",\"rows\":{\"F4101\":{\"ITM\":7}}}",
                 "F4101.ITM: must be a text");
    expect_fault("{\"kind\":\"item\",\"id\":7,\"source\":\"x\",\"version\":\"1\",\"rows\":{}}",
                 "id: must be a text");
    expect_fault("{\"kind\":\"item\",\"id\":\"7\",\"source\":\"x\",\"version\":\"a1\",\"rows\":{}}",
                 "version: has characters other than digits and points");
}

static void texts_that_are_too_long_are_named(void **state)
{
    char id[102];
    mlc_buf text = {0};
    mlc_error err;
    mlc_master m = parse(sample);
    (void)state;
    memset(id, '7', sizeof id);
    id[101] = '\0';
    m.id = id;
    assert_int_equal(mlc_master_print(&m, &text, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "id: has 101 characters, at most 100 fit"));
    assert_int_equal(text.len, 0);
    id[100] = '\0';
    assert_int_equal(mlc_master_print(&m, &text, &err), MLC_OK);
    mlc_master_free(&m);
    mlc_buf_free(&text);
}

static bool same(const char *a, const char *b)
{
    uint8_t one[MLC_MASTER_FINGERPRINT_LEN];
    uint8_t two[MLC_MASTER_FINGERPRINT_LEN];
    mlc_master m = parse(a);
    mlc_master n = parse(b);
    assert_int_equal(mlc_master_fingerprint(&m, one, NULL), MLC_OK);
    assert_int_equal(mlc_master_fingerprint(&n, two, NULL), MLC_OK);
    mlc_master_free(&m);
    mlc_master_free(&n);
    return memcmp(one, two, sizeof one) == 0;
}

#define ROWS(rows) "{\"kind\":\"item\"," HEAD ",\"rows\":" rows "}"
#define GONE(rows) "{\"kind\":\"item\"," HEAD ",\"gone\":true,\"rows\":" rows "}"

static void fingerprints_tell_content_from_touches(void **state)
{
    (void)state;
    const char *const plain = ROWS("{\"F4101\":{\"ITM\":\"1\",\"DSC1\":\"a\"}}");
    assert_true(same(plain, plain));
    assert_true(same(
        plain, ROWS("{\"F4101\":{\"DSC1\":\"a\",\"ITM\":\"1\",\"USER\":\"X\",\"PID\":\"P\",\"JOBN\":\"J\","
                    "\"UPMJ\":\"2026-01-01\",\"UPMT\":\"1\",\"TDAY\":\"2\"}}")));
    assert_true(same(ROWS("{\"A\":{},\"B\":{}}"), ROWS("{\"B\":{},\"A\":{}}")));
    assert_false(same(plain, ROWS("{\"F4101\":{\"ITM\":\"1\",\"DSC1\":\"b\"}}")));
    assert_false(same(plain, ROWS("{\"F4101\":{\"ITM\":\"1\",\"DSC2\":\"a\"}}")));
    assert_false(same(plain, ROWS("{\"F4102\":{\"ITM\":\"1\",\"DSC1\":\"a\"}}")));
    assert_false(same(plain, ROWS("{}")));
    assert_false(same(plain, ROWS("{\"F4101\":[{\"ITM\":\"1\",\"DSC1\":\"a\"}]}")));
    /* Boundaries count: "ab"+"" is not "a"+"b". */
    assert_false(same(ROWS("{\"T\":{\"A\":\"ab\",\"B\":\"\"}}"), ROWS("{\"T\":{\"A\":\"a\",\"B\":\"b\"}}")));
    assert_false(same(ROWS("{\"T\":[{\"A\":\"1\"},{}]}"), ROWS("{\"T\":[{},{\"A\":\"1\"}]}")));
}

static void what_is_gone_is_gone_whatever_its_rows(void **state)
{
    (void)state;
    assert_true(same(GONE("{}"), GONE("{\"F4101\":{\"ITM\":\"1\"}}")));
    assert_false(same(GONE("{}"), ROWS("{}")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_printed_is_read_back),
        cmocka_unit_test(gone_may_be_left_out_and_rows_may_be_empty),
        cmocka_unit_test(faults_are_named_all_at_once),
        cmocka_unit_test(texts_that_are_too_long_are_named),
        cmocka_unit_test(fingerprints_tell_content_from_touches),
        cmocka_unit_test(what_is_gone_is_gone_whatever_its_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
