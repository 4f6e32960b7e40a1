/* test_delta.c - what answers of change tracking mean: pages, the end, links that are no more, tables that are not tracked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "relay/delta.h"

#include <string.h>

static mlc_delta_verdict judge(bool by_link, mlc_code code, int status, const char *body,
                               mlc_delta_page *page)
{
    static cJSON *tree;
    mlc_error err;
    cJSON_Delete(tree);
    tree = body != NULL ? cJSON_Parse(body) : NULL;
    assert_true(body == NULL || tree != NULL);
    const mlc_delta_verdict verdict = mlc_delta_judge(by_link, code, status, tree, page, &err);
    if (verdict != MLC_DELTA_PAGE && verdict != MLC_DELTA_LAST)
        assert_true(err.code != MLC_OK && err.message[0] != '\0');
    return verdict;
}

static void pages_and_the_end_are_told_apart(void **state)
{
    mlc_delta_page page;
    (void)state;
    assert_int_equal(
        judge(false, MLC_OK, 200, "{\"value\":[{\"a\":1},{\"a\":2}],\"@odata.nextLink\":\"N\"}", &page),
        MLC_DELTA_PAGE);
    assert_string_equal(page.next, "N");
    assert_int_equal(cJSON_GetArraySize(page.rows), 2);
    assert_int_equal(judge(true, MLC_OK, 200, "{\"value\":[],\"@odata.deltaLink\":\"D\"}", &page),
                     MLC_DELTA_LAST);
    assert_string_equal(page.link, "D");
}

static void a_refused_link_has_expired_whatever_the_error_is_called(void **state)
{
    mlc_delta_page page;
    (void)state;
    assert_int_equal(judge(true, MLC_E_REJECTED, 400, NULL, &page), MLC_DELTA_EXPIRED);
    assert_int_equal(judge(true, MLC_E_NOTFOUND, 404, NULL, &page), MLC_DELTA_EXPIRED);
    assert_int_equal(judge(true, MLC_E_UNAVAILABLE, 410, NULL, &page), MLC_DELTA_EXPIRED);
}

static void trouble_is_not_taken_for_an_end_of_the_link(void **state)
{
    static const mlc_code codes[] = {MLC_E_UNAVAILABLE, MLC_E_THROTTLED, MLC_E_AUTH,
                                     MLC_E_DENIED,      MLC_E_TIMEOUT,   MLC_E_CLOSED};
    mlc_delta_page page;
    (void)state;
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        assert_int_equal(judge(true, codes[i], 503, NULL, &page), MLC_DELTA_FAILED);
        assert_int_equal(judge(false, codes[i], 503, NULL, &page), MLC_DELTA_FAILED);
    }
    assert_int_equal(judge(true, MLC_OK, 200, "{\"value\":{}}", &page), MLC_DELTA_FAILED);
    assert_int_equal(judge(true, MLC_OK, 200, NULL, &page), MLC_DELTA_FAILED);
}

static void a_table_that_is_not_tracked_is_known(void **state)
{
    mlc_delta_page page;
    (void)state;
    assert_int_equal(judge(false, MLC_E_REJECTED, 400, NULL, &page), MLC_DELTA_UNTRACKED);
    assert_int_equal(judge(false, MLC_OK, 200, "{\"value\":[]}", &page), MLC_DELTA_UNTRACKED);
}

static bool deleted(const char *text, char id[MLC_UUID_TEXT_MAX])
{
    cJSON *const row = cJSON_Parse(text);
    assert_non_null(row);
    const bool result = mlc_delta_deleted(row, id);
    cJSON_Delete(row);
    return result;
}

static void deleted_rows_are_known_in_each_form(void **state)
{
#define ID "0A1B2C3D-1111-2222-3333-444455556666"
    char id[MLC_UUID_TEXT_MAX];
    (void)state;
    assert_true(deleted("{\"@odata.context\":\"x#salesorders/$deletedEntity\",\"id\":\"" ID
                        "\",\"reason\":\"deleted\"}",
                        id));
    assert_string_equal(id, "0a1b2c3d-1111-2222-3333-444455556666");
    assert_true(deleted("{\"@removed\":{\"reason\":\"deleted\"},\"id\":\"" ID "\"}", id));
    assert_false(deleted("{\"salesorderid\":\"" ID "\",\"id\":\"" ID "\"}", id));
    assert_false(deleted("{\"@removed\":{},\"id\":\"none\"}", id));
    assert_false(deleted("{\"@removed\":{}}", id));
    assert_false(deleted("[]", id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_and_the_end_are_told_apart),
        cmocka_unit_test(a_refused_link_has_expired_whatever_the_error_is_called),
        cmocka_unit_test(trouble_is_not_taken_for_an_end_of_the_link),
        cmocka_unit_test(a_table_that_is_not_tracked_is_known),
        cmocka_unit_test(deleted_rows_are_known_in_each_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
