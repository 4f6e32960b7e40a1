/* The session of the AIS client: one log-in for all, a new one when the token has aged or is refused, one repetition, log-out
 * at close (ais.h; contracts/ais.md, section Session). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/ais_test.h"

static void test_one_login_serves_all_calls(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result results[6];
    mlc_ais_session_info info;
    (void)state;
    ais_script(f, {200, "{\"ok\":true}", false});
    ais_fix_open(f);
    mlc_ais_info(f->ais, &info);
    assert_false(info.logged_in);
    for (size_t i = 0; i < 6; i++)
        ais_begin_write(f, &results[i]);
    for (size_t i = 0; i < 6; i++) {
        assert_true(net_run_until(&f->loop, &results[i].done));
        assert_int_equal(results[i].code, MLC_OK);
        assert_int_equal(results[i].calls, 1);
        assert_string_equal(f->asked[i].token, "tok-1");
    }
    mlc_ais_info(f->ais, &info);
    assert_true(info.logged_in);
    assert_int_equal(info.logins, 1);
    assert_string_equal(info.date_format, "dd/MM/yyyy");
    assert_string_equal(info.zone_offset, "UTC-05:00");
    assert_string_equal(info.environment, "JDV920");
    assert_int_equal(f->logins, 1);
    ais_fix_free(f);
}

static void test_no_more_at_once_than_allowed(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result results[5];
    (void)state;
    f->options.max_parallel = 2;
    ais_script(f, {0, "", true});
    ais_fix_open(f);
    for (size_t i = 0; i < 5; i++)
        ais_begin_write(f, &results[i]);
    for (size_t i = 0; i < 5; i += 2) {
        assert_true(ais_wait_held(f));
        net_run_for(&f->loop, 30); /* for one that should not come */
        ais_release_held(f, 200, "{}");
    }
    for (size_t i = 0; i < 5; i++) {
        assert_true(net_run_until(&f->loop, &results[i].done));
        assert_int_equal(results[i].code, MLC_OK);
    }
    assert_int_equal(f->held_peak, 2);
    ais_fix_free(f);
}

static void test_aged_token_is_renewed_before_use(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    (void)state;
    f->options.token_life_ms = 30;
    ais_script(f, {200, "{}", false});
    ais_fix_open(f);
    assert_int_equal(ais_write(f, &r), MLC_OK);
    net_run_for(&f->loop, 60);
    assert_int_equal(ais_write(f, &r), MLC_OK);
    assert_int_equal(f->logins, 2);
    assert_string_equal(f->asked[0].token, "tok-1");
    assert_string_equal(f->asked[1].token, "tok-2");
    ais_fix_free(f);
}

static void refused_once(int status)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    const ais_reply script[] = {{status, "{\"message\":\"Invalid Token\"}", false},
                                {200, "{\"n\":1}", false}};
    f->script = script;
    f->script_len = 2;
    ais_fix_open(f);
    assert_int_equal(ais_write(f, &r), MLC_OK);
    assert_int_equal(r.calls, 1);
    assert_string_equal(r.answer, "{\"n\":1}");
    assert_int_equal(f->logins, 2);
    assert_int_equal(f->asked_count, 2);
    assert_string_equal(f->asked[0].token, "tok-1");
    assert_string_equal(f->asked[1].token, "tok-2");
    assert_string_equal(f->asked[0].body, f->asked[1].body);
    ais_fix_free(f);
}

static void test_refused_token_leads_to_one_new_login(void **state)
{
    (void)state;
    refused_once(401);
    refused_once(403);
    refused_once(444);
}

static void refused_always(int status, mlc_code code)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    const ais_reply script[] = {{status, "{\"message\":\"Invalid Token\"}", false}};
    f->script = script;
    f->script_len = 1;
    ais_fix_open(f);
    assert_int_equal(ais_write(f, &r), code);
    assert_int_equal(f->asked_count, 2);
    assert_int_equal(f->logins, 2);
    ais_fix_free(f);
}

static void test_refused_again_is_an_error(void **state)
{
    (void)state;
    refused_always(444, MLC_E_AUTH);
    refused_always(401, MLC_E_AUTH);
    refused_always(403, MLC_E_DENIED);
}

/* Several calls that are refused at once share the new log-in. */
static void test_refusals_share_the_new_login(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result results[3];
    (void)state;
    ais_script(f, {444, "{}", false}, {444, "{}", false}, {444, "{}", false}, {200, "{}", false});
    ais_fix_open(f);
    for (size_t i = 0; i < 3; i++)
        ais_begin_write(f, &results[i]);
    for (size_t i = 0; i < 3; i++) {
        assert_true(net_run_until(&f->loop, &results[i].done));
        assert_int_equal(results[i].code, MLC_OK);
    }
    assert_int_equal(f->logins, 2);
    ais_fix_free(f);
}

static void test_refused_login_names_user_and_remedy(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    mlc_ais_session_info info;
    (void)state;
    f->login_status = 403;
    f->options.password = "top-secret";
    ais_script(f, {200, "{}", false});
    ais_fix_open(f);
    assert_int_equal(ais_log_in(f, &r), MLC_E_AUTH);
    assert_non_null(strstr(r.message, "ais.password"));
    assert_null(strstr(r.message, "top-secret"));
    mlc_ais_info(f->ais, &info);
    assert_false(info.logged_in);
    assert_non_null(strstr(info.last_error, "refuses user U"));
    /* The next call does not hammer: it waits for its turn, and goes through when the user is unlocked. */
    f->login_status = 0;
    assert_int_equal(ais_write(f, &r), MLC_OK);
    assert_int_equal(f->logins, 2);
    ais_fix_free(f);
}

static void test_login_that_fails_otherwise(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    (void)state;
    f->login_status = 503;
    ais_fix_open(f);
    assert_int_equal(ais_log_in(f, &r), MLC_E_UNAVAILABLE);
    f->login_status = 0;
    assert_int_equal(ais_log_in(f, &r), MLC_OK);
    ais_fix_free(f);
}

static void test_logout_at_close(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    (void)state;
    ais_fix_open(f);
    assert_int_equal(ais_log_in(f, &r), MLC_OK);
    ais_fix_close(f);
    assert_int_equal(f->logouts, 1);
    assert_string_equal(f->logout_token, "tok-1");
    ais_fix_free(f);
}

static void test_no_logout_without_session(void **state)
{
    ais_fix *const f = ais_fix_new();
    (void)state;
    ais_fix_open(f);
    ais_fix_close(f);
    assert_int_equal(f->logins, 0);
    assert_int_equal(f->logouts, 0);
    ais_fix_free(f);
}

static void test_close_ends_calls_under_way(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result running, waiting, late;
    (void)state;
    f->options.max_parallel = 1;
    ais_script(f, {0, "", true});
    ais_fix_open(f);
    ais_begin_write(f, &running);
    assert_true(ais_wait_held(f));
    ais_begin_write(f, &waiting);
    ais_begin_write(f, &late);
    mlc_ais_close(f->ais, ais_on_closed, &f->closed);
    f->ais = NULL;
    assert_int_equal(running.code, MLC_E_CLOSED);
    assert_int_equal(waiting.code, MLC_E_CLOSED);
    assert_int_equal(late.code, MLC_E_CLOSED);
    assert_true(net_run_until(&f->loop, &f->closed));
    assert_int_equal(running.calls + waiting.calls + late.calls, 3);
    assert_int_equal(f->logouts, 1);
    ais_fix_free(f);
}

static void test_dates_need_the_format_of_the_login(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r;
    char text[32];
    (void)state;
    ais_fix_open(f);
    assert_int_equal(mlc_ais_date(f->ais, 126328, text, sizeof text, NULL), MLC_E_CONFLICT);
    assert_int_equal(ais_log_in(f, &r), MLC_OK);
    assert_int_equal(mlc_ais_date(f->ais, 126328, text, sizeof text, NULL), MLC_OK);
    assert_string_equal(text, "24/11/2026");
    ais_fix_free(f);
}

static void test_configured_date_format_wins(void **state)
{
    ais_fix *const f = ais_fix_new();
    char text[32];
    (void)state;
    f->options.date_format = "MM/dd/yyyy";
    ais_fix_open(f);
    assert_int_equal(mlc_ais_date(f->ais, 126328, text, sizeof text, NULL), MLC_OK);
    assert_string_equal(text, "11/24/2026");
    ais_fix_free(f);
}

static void test_the_clock_is_asked_for_and_its_answer_does_not_matter(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r = {0};
    (void)state;
    ais_script(f, {404, "not here", false});
    ais_fix_open(f);
    assert_int_equal(mlc_ais_clock(f->ais, ais_on_ready, &r, NULL), MLC_OK);
    assert_true(net_run_until(&f->loop, &r.done));
    assert_int_equal(r.code, MLC_OK);
    assert_int_equal(r.calls, 1);
    assert_int_equal(f->logins, 1);
    assert_int_equal(f->asked_count, 1);
    assert_string_equal(f->asked[0].path, "/jderest/v2/defaultconfig");
    ais_fix_free(f);
}

static void test_no_clock_without_a_session(void **state)
{
    ais_fix *const f = ais_fix_new();
    ais_result r = {0};
    (void)state;
    f->login_status = 403;
    ais_fix_open(f);
    assert_int_equal(mlc_ais_clock(f->ais, ais_on_ready, &r, NULL), MLC_OK);
    assert_true(net_run_until(&f->loop, &r.done));
    assert_int_equal(r.code, MLC_E_AUTH);
    ais_fix_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_login_serves_all_calls),
        cmocka_unit_test(test_no_more_at_once_than_allowed),
        cmocka_unit_test(test_aged_token_is_renewed_before_use),
        cmocka_unit_test(test_refused_token_leads_to_one_new_login),
        cmocka_unit_test(test_refused_again_is_an_error),
        cmocka_unit_test(test_refusals_share_the_new_login),
        cmocka_unit_test(test_refused_login_names_user_and_remedy),
        cmocka_unit_test(test_login_that_fails_otherwise),
        cmocka_unit_test(test_logout_at_close),
        cmocka_unit_test(test_no_logout_without_session),
        cmocka_unit_test(test_close_ends_calls_under_way),
        cmocka_unit_test(test_dates_need_the_format_of_the_login),
        cmocka_unit_test(test_configured_date_format_wins),
        cmocka_unit_test(test_the_clock_is_asked_for_and_its_answer_does_not_matter),
        cmocka_unit_test(test_no_clock_without_a_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
