/* test_entra.c - tokens: one request however many ask, kept until shortly before the end, failures given to all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/entra_answer.h"
#include "support/dataverse_test.h"

typedef struct got {
    size_t calls;
    mlc_code code;
    char token[64];
    char message[MLC_ERROR_MESSAGE_MAX];
    int64_t at_ms;
    mlc_entra *refuse; /* refuse the token inside the call */
} got;

typedef struct fix {
    uv_loop_t loop;
    dv_fix dv;
} fix;

static void on_token(void *user, mlc_code code, const mlc_error *err, const char *token)
{
    got *const g = user;
    g->calls++;
    g->code = code;
    g->at_ms = mlc_mono_ms();
    assert_int_equal(err->code, code);
    assert_int_equal(token == NULL, code != MLC_OK);
    (void)snprintf(g->token, sizeof g->token, "%s", token != NULL ? token : "");
    (void)snprintf(g->message, sizeof g->message, "%s", err->message);
    if (g->refuse != NULL)
        mlc_entra_refused(g->refuse, token);
    g->refuse = NULL;
}

static int set_up(void **state)
{
    fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    dv_open(&f->dv, &f->loop, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fix *const f = *state;
    dv_close(&f->dv);
    net_loop_end(&f->loop);
    free(f);
    return 0;
}

static void reopen(fix *f, mlc_backoff backoff, int64_t timeout_ms)
{
    mlc_entra_options options = dv_entra_options(&f->dv);
    options.backoff = backoff;
    options.timeout_ms = timeout_ms;
    mlc_entra_close(f->dv.entra);
    assert_int_equal(mlc_entra_open(&f->dv.entra, &options, NULL), MLC_OK);
}

static void ask(fix *f, got *g)
{
    const size_t calls = g->calls;
    assert_int_equal(mlc_entra_token(f->dv.entra, on_token, g, NULL), MLC_OK);
    assert_int_equal(g->calls, calls);
}

static void ask_and_wait(fix *f, got *g)
{
    ask(f, g);
    assert_true(dv_run_until(&f->dv, &g->calls, g->calls + 1));
}

/* ---- the good case ---- */

static void one_request_for_all_who_ask(void **state)
{
    fix *const f = *state;
    got g[5] = {0};
    mlc_entra_status status;
    for (size_t i = 0; i < 4; i++)
        ask(f, &g[i]);
    assert_true(dv_run_until(&f->dv, &g[3].calls, 1));
    ask_and_wait(f, &g[4]);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(g[i].calls, 1);
        assert_string_equal(g[i].token, "token-1");
    }
    assert_int_equal(f->dv.token_count, 1);
    assert_string_equal(f->dv.token_seen[0].path, "/dir/oauth2/v2.0/token");
    assert_string_equal(
        f->dv.token_seen[0].body,
        "grant_type=client_credentials&client_id=client&client_secret=s3cret%2F%2B%26%3Dvalue&"
        "scope=https%3A%2F%2Forg.crm.dynamics.com%2F.default");
    assert_non_null(strstr(f->dv.token_seen[0].head, "Content-Type: application/x-www-form-urlencoded\r\n"));
    mlc_entra_status_get(f->dv.entra, &status);
    assert_true(status.has_token && status.requests == 1 && status.failures == 0);
    assert_in_range(status.expires_in_ms, 3500 * 1000, 3599 * 1000);
}

static void margin_is_a_fifth_but_at_most_five_minutes(void **state)
{
    (void)state;
    assert_int_equal(mlc_entra_margin_ms(INT64_C(3600) * 1000), 300 * 1000);
    assert_int_equal(mlc_entra_margin_ms(INT64_C(100) * 1000), 20 * 1000);
    assert_int_equal(mlc_entra_margin_ms(1000), 200);
}

static void expired_token_is_not_given_out(void **state)
{
    fix *const f = *state;
    got g = {0};
    mlc_entra_status status;
    dv_token_next(&f->dv,
                  (dv_reply){.status = 200, .body = "{\"access_token\":\"short\",\"expires_in\":\"1\"}"});
    ask_and_wait(f, &g);
    assert_string_equal(g.token, "short");
    net_run_for(&f->loop, 850);
    mlc_entra_status_get(f->dv.entra, &status);
    assert_false(status.has_token);
    ask_and_wait(f, &g);
    assert_string_equal(g.token, "token-2");
}

static void refused_token_is_forgotten_but_not_a_newer_one(void **state)
{
    fix *const f = *state;
    got g = {0};
    ask_and_wait(f, &g);
    mlc_entra_refused(f->dv.entra, "token-1");
    ask_and_wait(f, &g);
    assert_string_equal(g.token, "token-2");
    mlc_entra_refused(f->dv.entra, "token-1");
    ask_and_wait(f, &g);
    assert_string_equal(g.token, "token-2");
    assert_int_equal(f->dv.token_count, 2);
}

static void refusal_by_the_first_waiter_makes_the_second_wait(void **state)
{
    fix *const f = *state;
    got first = {.refuse = f->dv.entra};
    got second = {0};
    ask(f, &first);
    ask(f, &second);
    assert_true(dv_run_until(&f->dv, &second.calls, 1));
    assert_string_equal(first.token, "token-1");
    assert_string_equal(second.token, "token-2");
}

/* ---- failures ---- */

static void refusal_reaches_all_with_its_reason(void **state)
{
    fix *const f = *state;
    got g[3] = {0};
    mlc_entra_status status;
    dv_token_next(&f->dv,
                  (dv_reply){.status = 401,
                             .body = "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000215: "
                                     "Invalid client secret.\\r\\nTrace ID: 1\"}"});
    for (size_t i = 0; i < 3; i++)
        ask(f, &g[i]);
    assert_true(dv_run_until(&f->dv, &g[2].calls, 1));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(g[i].code, MLC_E_AUTH);
        assert_non_null(strstr(g[i].message, "AADSTS7000215: Invalid client secret."));
        assert_null(strstr(g[i].message, "Trace"));
    }
    mlc_entra_status_get(f->dv.entra, &status);
    assert_true(!status.has_token && status.failures == 1);
    assert_non_null(strstr(status.last_error, "AADSTS7000215"));
    ask_and_wait(f, &g[0]);
    assert_string_equal(g[0].token, "token-2");
    mlc_entra_status_get(f->dv.entra, &status);
    assert_string_equal(status.last_error, "");
}

static void secret_in_a_refusal_is_left_out(void **state)
{
    fix *const f = *state;
    got g = {0};
    dv_token_next(&f->dv, (dv_reply){.status = 400, .body = "{\"error_description\":\"bad " DV_SECRET "\"}"});
    ask_and_wait(f, &g);
    assert_int_equal(g.code, MLC_E_AUTH);
    assert_null(strstr(g.message, "s3cret"));
}

static void next_request_waits_for_the_backoff(void **state)
{
    fix *const f = *state;
    got g = {0};
    reopen(f, (mlc_backoff){300, 300}, 0);
    dv_token_next(&f->dv, (dv_reply){.status = 503});
    ask_and_wait(f, &g);
    assert_int_equal(g.code, MLC_E_UNREACHABLE);
    const int64_t failed = g.at_ms;
    ask_and_wait(f, &g);
    assert_int_equal(g.code, MLC_OK);
    assert_true(f->dv.token_seen[1].at_ms - failed >= 290);
}

static void too_long_a_backoff_fails_at_once(void **state)
{
    fix *const f = *state;
    got g = {0};
    reopen(f, (mlc_backoff){1, 2}, 5000);
    dv_token_next(&f->dv, (dv_reply){.status = 429, .headers = "Retry-After: 600\r\n"});
    ask_and_wait(f, &g);
    assert_int_equal(g.code, MLC_E_THROTTLED);
    ask_and_wait(f, &g);
    assert_int_equal(g.code, MLC_E_THROTTLED);
    assert_int_equal(f->dv.token_count, 1);
}

static void nothing_unusable_is_taken_for_a_token(void **state)
{
    fix *const f = *state;
    const dv_reply replies[] = {
        {.status = 200, .body = "{\"access_token\":"},
        {.status = 200, .body = ""},
        {.status = 200, .body = "[]"},
        {.status = 200, .body = "{\"expires_in\":3599}"},
        {.status = 200, .body = "{\"access_token\":\"\",\"expires_in\":3599}"},
        {.status = 200, .body = "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":3599}"},
        {.status = 200, .body = "{\"access_token\":\"a\",\"expires_in\":0}"},
        {.status = 200, .body = "{\"access_token\":\"a\"}"},
        {.status = 200, .body = "{\"access_token\":\"a\",\"expires_in\":60,\"token_type\":\"pop\"}"},
        {.status = 200, .body = "{\"access_token\":\"a\",\"expires_in\":3599}", .how = DV_CUT},
        {.how = DV_DROP},
        {.status = 302, .headers = "Location: http://127.0.0.1:1/\r\n"},
        {.status = 500, .body = "<html>"}};
    const size_t count = sizeof replies / sizeof replies[0];
    for (size_t i = 0; i < count; i++) {
        got g = {0};
        dv_token_next(&f->dv, replies[i]);
        ask_and_wait(f, &g);
        assert_int_equal(g.code, MLC_E_UNREACHABLE);
        assert_true(g.message[0] != '\0');
    }
    assert_int_equal(f->dv.token_count, count);
}

static void incomplete_options_are_refused(void **state)
{
    fix *const f = *state;
    mlc_entra *e = NULL;
    mlc_error err = {0};
    mlc_entra_options options = dv_entra_options(&f->dv);
    options.client_secret = "";
    assert_int_equal(mlc_entra_open(&e, &options, &err), MLC_E_INVALID);
    assert_null(e);
}

/* ---- the end ---- */

static void ask_again(void *user, mlc_code code, const mlc_error *err, const char *token)
{
    fix *const f = user;
    got g = {0};
    (void)err;
    (void)token;
    assert_int_equal(code, MLC_E_CLOSED);
    assert_int_equal(mlc_entra_token(f->dv.entra, on_token, &g, NULL), MLC_E_CLOSED);
}

static void close_ends_those_who_wait(void **state)
{
    fix *const f = *state;
    got g = {0};
    dv_token_next(&f->dv, (dv_reply){.how = DV_HOLD});
    ask(f, &g);
    assert_true(dv_run_until(&f->dv, &f->dv.token_count, 1));
    assert_int_equal(mlc_entra_token(f->dv.entra, ask_again, f, NULL), MLC_OK);
    mlc_odata_close(f->dv.odata);
    f->dv.odata = NULL;
    mlc_entra_close(f->dv.entra);
    f->dv.entra = NULL;
    assert_int_equal(g.calls, 1);
    assert_int_equal(g.code, MLC_E_CLOSED);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {T(one_request_for_all_who_ask),
                                       T(margin_is_a_fifth_but_at_most_five_minutes),
                                       T(expired_token_is_not_given_out),
                                       T(refused_token_is_forgotten_but_not_a_newer_one),
                                       T(refusal_by_the_first_waiter_makes_the_second_wait),
                                       T(refusal_reaches_all_with_its_reason),
                                       T(secret_in_a_refusal_is_left_out),
                                       T(next_request_waits_for_the_backoff),
                                       T(too_long_a_backoff_fails_at_once),
                                       T(nothing_unusable_is_taken_for_a_token),
                                       T(incomplete_options_are_refused),
                                       T(close_ends_those_who_wait)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
