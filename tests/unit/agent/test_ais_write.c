/* Writing of the AIS client: what was certainly not done, what was refused, and what may have been done (ais_write.c;
 * contracts/ais.md, section Writing). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/ais_test.h"

#define LONG64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG   LONG64 LONG64 LONG64 LONG64

static void expect(const ais_reply *reply, mlc_code code, const char *words)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    f->script = reply;
    f->script_len = 1;
    ais_fix_open(f);
    const mlc_code got = ais_write(f, &r);
    if (got != code || strstr(r.message, words) == NULL)
        fail_msg("status %d: %s, \"%s\"; wanted %s with \"%s\"", reply->status, mlc_code_name(got), r.message,
                 mlc_code_name(code), words);
    assert_int_equal(r.calls, 1);
    assert_int_equal(f->asked_count, 1); /* a write is never repeated on its own */
    ais_fix_free(f);
}

static void test_outcomes(void **state)
{
    static const struct {
        ais_reply reply;
        mlc_code code;
        const char *words;
    } cases[] = {
        {{200, "{\"DOCO\":1001}", false}, MLC_OK, ""},
        /* HTTP 200 is no success when the application says otherwise */
        {{200, "{\"jde__status\":\"ERROR\",\"jde__simpleMessage\":\"Item unknown\"}", false},
         MLC_E_REJECTED,
         "Item unknown"},
        {{200, "{\"jde__status\":\"ERROR\"}", false}, MLC_E_REJECTED, "reports ERROR"},
        {{200,
          "{\"errors\":[{\"CODE\":\"0001\",\"TITLE\":\"Record Invalid\",\"DESC\":\"No such customer\"}]}",
          false},
         MLC_E_REJECTED,
         "Record Invalid; No such customer"},
        {{200, "{\"fs_P4210_W4210A\":{\"errors\":[{\"TITLE\":\"Error: Invalid Date\"}]}}", false},
         MLC_E_REJECTED,
         "Invalid Date"},
        {{200, "{\"sysErrors\":[{\"TITLE\":\"JAS_MSG1: broken\"}]}", false}, MLC_E_REJECTED, "JAS_MSG1"},
        {{200, "{\"errors\":[{}]}", false}, MLC_E_REJECTED, "without a text"},
        {{200, "{\"errors\":[],\"sysErrors\":[],\"DOCO\":1}", false}, MLC_OK, ""},
        /* refused before anything was done */
        {{400, "{\"errorText\":\"Bad quantity\"}", false}, MLC_E_REJECTED, "Bad quantity"},
        {{404, "{\"message\":\"no such orchestration\"}", false}, MLC_E_REJECTED, "no such orchestration"},
        {{429, "{}", false}, MLC_E_THROTTLED, "busy"},
        /* it may have been done */
        {{500, "{\"message\":\"connection to JDE lost\"}", false}, MLC_E_UNCERTAIN, "connection to JDE lost"},
        {{503, "<html>", false}, MLC_E_UNCERTAIN, "503"},
        {{200, "<html>gateway</html>", false}, MLC_E_UNCERTAIN, "cannot be read"},
        {{200, "{\"DOCO\":10", false}, MLC_E_UNCERTAIN, "cannot be read"},
        {{200, "", false}, MLC_E_UNCERTAIN, "cannot be read"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect(&cases[i].reply, cases[i].code, cases[i].words);
}

static void test_answer_and_request(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    (void)state;
    ais_script(f, {200, "{\"DOCO\":1001,\"DCTO\":\"SO\"}", false});
    ais_fix_open(f);
    assert_int_equal(ais_write(f, &r), MLC_OK);
    assert_string_equal(r.answer, "{\"DOCO\":1001,\"DCTO\":\"SO\"}");
    assert_string_equal(f->asked[0].path, "/jderest/v3/orchestrator/ML_CreateSalesOrder");
    assert_string_equal(f->asked[0].body, "{\"Reference\":\"R1\"}");
    assert_string_equal(f->asked[0].token, "tok-1");
    ais_fix_free(f);
}

static void test_form_service(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r = {0};
    cJSON *const request = cJSON_CreateObject();
    (void)state;
    ais_script(f, {200, "{\"fs_P4210_W4210A\":{\"errors\":[]}}", false});
    ais_fix_open(f);
    assert_int_equal(mlc_json_add_str(request, "formName", "P4210_W4210A", NULL), MLC_OK);
    assert_int_equal(mlc_ais_form(f->ais, request, ais_on_answer, &r, NULL), MLC_OK);
    cJSON_Delete(request);
    assert_true(net_run_until(&f->loop, &r.done));
    assert_int_equal(r.code, MLC_OK);
    assert_string_equal(f->asked[0].path, "/jderest/v2/formservice");
    assert_string_equal(f->asked[0].body, "{\"formName\":\"P4210_W4210A\"}");
    ais_fix_free(f);
}

static void test_version_2_and_names_that_would_leave_the_path(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r = {0};
    cJSON *const inputs = cJSON_CreateObject();
    static const char *const bad[] = {"", "../tokenrequest", "a b", "a?x=1", "a%2f"};
    (void)state;
    ais_script(f, {200, "{}", false});
    ais_fix_open(f);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(mlc_ais_orchestrate(f->ais, 3, bad[i], inputs, ais_on_answer, &r, NULL),
                         MLC_E_INVALID);
    assert_int_equal(mlc_ais_orchestrate(f->ais, 2, "ML_X.1", inputs, ais_on_answer, &r, NULL), MLC_OK);
    cJSON_Delete(inputs);
    assert_true(net_run_until(&f->loop, &r.done));
    assert_string_equal(f->asked[0].path, "/jderest/v2/orchestrator/ML_X.1");
    ais_fix_free(f);
}

static void test_silent_server_is_uncertain(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    (void)state;
    f->options.timeout_ms = 200;
    ais_script(f, {0, "", true});
    ais_fix_open(f);
    assert_int_equal(ais_write(f, &r), MLC_E_UNCERTAIN);
    assert_int_equal(f->asked_count, 1);
    ais_fix_free(f);
}

/* It came after the order was taken, and is no fault of the order. */
static void test_answer_without_end_is_uncertain(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    (void)state;
    f->options.answer_max = 200;
    ais_script(f, {200, "{\"DOCO\":1001,\"filler\":\"" LONG "\"}", false});
    ais_fix_open(f);
    assert_int_equal(ais_write(f, &r), MLC_E_UNCERTAIN);
    assert_non_null(strstr(r.message, "sent, but its answer cannot be read"));
    assert_int_equal(f->asked_count, 1);
    ais_fix_free(f);
}

/* Nothing listens any more: the write was certainly not sent. */
static void test_server_that_is_gone(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    (void)state;
    ais_script(f, {200, "{}", false});
    ais_fix_open(f);
    assert_int_equal(ais_log_in(f, &r), MLC_OK);
    mlc_http_server_close(f->server);
    f->server = NULL;
    net_run_for(&f->loop, 50);
    assert_int_equal(ais_write(f, &r), MLC_E_UNREACHABLE);
    ais_fix_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes),
        cmocka_unit_test(test_answer_and_request),
        cmocka_unit_test(test_form_service),
        cmocka_unit_test(test_version_2_and_names_that_would_leave_the_path),
        cmocka_unit_test(test_silent_server_is_uncertain),
        cmocka_unit_test(test_answer_without_end_is_uncertain),
        cmocka_unit_test(test_server_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
