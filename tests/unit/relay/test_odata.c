/* test_odata.c - the Dataverse client: what it sends, how answers become codes, 401, 429, limits, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/odata_error.h"
#include "support/dataverse_test.h"

typedef struct got {
    size_t calls;
    mlc_code code;
    int status;
    int64_t retry_after_ms;
    char message[MLC_ERROR_MESSAGE_MAX], name[64], entity_id[64];
} got;

typedef struct fix {
    uv_loop_t loop;
    dv_fix dv;
} fix;

static void on_answer(void *user, const mlc_odata_answer *answer)
{
    got *const g = user;
    const char *const name = mlc_json_str(answer->body, "name");
    g->calls++;
    g->code = answer->code;
    g->status = answer->status;
    g->retry_after_ms = answer->retry_after_ms;
    assert_int_equal(answer->err.code, answer->code);
    assert_false(answer->whole_batch);
    (void)snprintf(g->message, sizeof g->message, "%s", answer->err.message);
    (void)snprintf(g->name, sizeof g->name, "%s", name != NULL ? name : "");
    (void)snprintf(g->entity_id, sizeof g->entity_id, "%s", answer->entity_id);
}

static int set_up(void **state)
{
    fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    dv_open(&f->dv, &f->loop, 3);
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

static void ask(fix *f, const char *method, const char *path, got *g)
{
    mlc_error err;
    const mlc_odata_request request = {.method = method, .path = path};
    const size_t calls = g->calls;
    assert_int_equal(mlc_odata_send(f->dv.odata, &request, on_answer, g, &err), MLC_OK);
    assert_int_equal(g->calls, calls);
}

static void ask_and_wait(fix *f, const char *method, const char *path, got *g)
{
    ask(f, method, path, g);
    assert_true(dv_run_until(&f->dv, &g->calls, g->calls + 1));
}

static bool head_has(const fix *f, size_t nth, const char *line)
{
    return strstr(f->dv.seen[nth].head, line) != NULL;
}

/* ---- what is sent ---- */

static void write_carries_its_headers_and_exact_body(void **state)
{
    fix *const f = *state;
    got g = {0};
    cJSON *const body = cJSON_CreateObject();
    mlc_decimal limit;
    assert_int_equal(mlc_decimal_parse("9007199254740993.10", &limit, NULL), MLC_OK);
    assert_int_equal(mlc_json_add_decimal(body, "creditlimit", limit, NULL), MLC_OK);
    const mlc_odata_request request = {.method = "PATCH",
                                       .path = "accounts(accountnumber='6001')",
                                       .body = body,
                                       .if_match = "W/\"12\"",
                                       .if_none_match = "*",
                                       .prefer = "odata.maxpagesize=500"};
    dv_next(&f->dv,
            (dv_reply){.status = 204,
                       .headers = "OData-EntityId: https://org/api/data/v9.2/accounts(" DV_GUID ")\r\n"});
    assert_int_equal(mlc_odata_send(f->dv.odata, &request, on_answer, &g, NULL), MLC_OK);
    cJSON_Delete(body);
    assert_true(dv_run_until(&f->dv, &g.calls, 1));
    assert_int_equal(g.code, MLC_OK);
    assert_int_equal(g.status, 204);
    assert_string_equal(g.entity_id, DV_GUID);
    assert_string_equal(f->dv.seen[0].method, "PATCH");
    assert_string_equal(f->dv.seen[0].path, "/api/data/v9.2/accounts(accountnumber='6001')");
    assert_string_equal(f->dv.seen[0].body, "{\"creditlimit\":9007199254740993.10}");
    static const char *const lines[] = {"OData-Version: 4.0",
                                        "OData-MaxVersion: 4.0",
                                        "Accept: application/json",
                                        "Authorization: Bearer token-1",
                                        "Content-Type: application/json",
                                        "If-Match: W/\"12\"",
                                        "If-None-Match: *",
                                        "Prefer: odata.maxpagesize=500"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_true(head_has(f, 0, lines[i]));
}

static void read_gives_the_body(void **state)
{
    fix *const f = *state;
    got g = {0};
    dv_next(&f->dv, (dv_reply){.status = 200, .body = "{\"name\":\"Adventure\"}"});
    ask_and_wait(f, "GET", "accounts?$select=name", &g);
    assert_int_equal(g.code, MLC_OK);
    assert_string_equal(g.name, "Adventure");
    assert_string_equal(g.entity_id, "");
    assert_false(head_has(f, 0, "Content-Type"));
}

static void next_link_is_followed_only_within_the_service(void **state)
{
    fix *const f = *state;
    got g = {0};
    mlc_error err;
    char link[256];
    static const char *const foreign[] = {"https://evil.example/api/data/v9.2/accounts",
                                          "HTTP://127.0.0.1/x"};
    (void)snprintf(link, sizeof link, "%saccounts?$skiptoken=1", f->dv.url);
    ask_and_wait(f, "GET", link, &g);
    assert_string_equal(f->dv.seen[0].path, "/api/data/v9.2/accounts?$skiptoken=1");
    for (size_t i = 0; i < 2; i++) {
        const mlc_odata_request request = {.method = "GET", .path = foreign[i]};
        assert_int_equal(mlc_odata_send(f->dv.odata, &request, on_answer, &g, &err), MLC_E_INVALID);
    }
    assert_int_equal(f->dv.count, 1);
}

static void what_would_break_a_line_is_refused(void **state)
{
    fix *const f = *state;
    got g = {0};
    const mlc_odata_request requests[] = {{.method = "GET", .path = "a b"},
                                          {.method = "GET", .path = "a\r\nX: y"},
                                          {.method = "get", .path = "a"},
                                          {.method = "GET", .path = NULL},
                                          {.method = "GET", .path = "a", .if_match = "x\r\ny: z"},
                                          {.method = "GET", .path = "a", .prefer = "x\ny"}};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        assert_int_equal(mlc_odata_send(f->dv.odata, &requests[i], on_answer, &g, NULL), MLC_E_INVALID);
    assert_int_equal(g.calls, 0);
}

static void keys_are_quoted_and_encoded(void **state)
{
    mlc_buf out = {0};
    (void)state;
    assert_int_equal(mlc_odata_key(&out, "accounts", "accountnumber", "O'Neil & S\xc3\xb8n/1", NULL), MLC_OK);
    assert_string_equal(mlc_buf_text(&out), "accounts(accountnumber='O%27%27Neil%20%26%20S%C3%B8n%2F1')");
    assert_int_equal(mlc_odata_key(&out, "accounts", "a='", "x", NULL), MLC_E_INVALID);
    assert_int_equal(mlc_odata_key(&out, "accounts", "a", "", NULL), MLC_E_INVALID);
    assert_int_equal(mlc_odata_key(&out, "accounts", "a", "\xff", NULL), MLC_E_INVALID);
    assert_int_equal(out.len, strlen("accounts(accountnumber='O%27%27Neil%20%26%20S%C3%B8n%2F1')"));
    mlc_buf_clear(&out);
    assert_int_equal(mlc_odata_escape(&out, "a b'c", NULL), MLC_OK);
    assert_string_equal(mlc_buf_text(&out), "a%20b%27c");
    mlc_buf_free(&out);
}

static void no_more_than_max_parallel_are_under_way(void **state)
{
    fix *const f = *state;
    got g[5] = {0};
    const dv_reply done = {.status = 204};
    for (size_t i = 0; i < 5; i++)
        dv_next(&f->dv, (dv_reply){.how = DV_HOLD});
    for (size_t i = 0; i < 5; i++)
        ask(f, "GET", "WhoAmI", &g[i]);
    assert_true(dv_run_until(&f->dv, &f->dv.count, 3));
    net_run_for(&f->loop, 60);
    assert_int_equal(f->dv.count, 3);
    dv_release(&f->dv, &done);
    assert_true(dv_run_until(&f->dv, &f->dv.count, 5));
    dv_release(&f->dv, &done);
    for (size_t i = 0; i < 5; i++)
        assert_true(dv_run_until(&f->dv, &g[i].calls, 1));
}

/* ---- codes ---- */

static void status_and_error_body_make_the_code(void **state)
{
    fix *const f = *state;
    static const char body[] = "{\"error\":{\"code\":\"0x80040237\",\"message\":\"A record\\nexists\"}}";
    static const struct {
        int status;
        mlc_code code;
    } rows[] = {{400, MLC_E_REJECTED}, {403, MLC_E_DENIED},      {404, MLC_E_NOTFOUND},
                {412, MLC_E_CONFLICT}, {500, MLC_E_UNAVAILABLE}, {503, MLC_E_UNAVAILABLE},
                {302, MLC_E_PROTOCOL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        got g = {0};
        dv_next(&f->dv, (dv_reply){.status = rows[i].status, .body = body});
        ask_and_wait(f, "PATCH", "accounts(1)", &g);
        assert_int_equal(g.code, rows[i].code);
        assert_int_equal(g.status, rows[i].status);
        assert_string_equal(g.message, "0x80040237: A record exists");
    }
}

static void error_without_a_body_of_its_own_names_the_status(void **state)
{
    mlc_error err;
    (void)state;
    assert_int_equal(mlc_odata_error_read(502, "<html>Bad gateway", 17, &err), MLC_E_UNAVAILABLE);
    assert_string_equal(err.message, "HTTP 502");
    assert_int_equal(mlc_odata_error_read(400, "", 0, &err), MLC_E_REJECTED);
    assert_string_equal(err.message, "HTTP 400");
    assert_int_equal(mlc_odata_error_read(400, "{\"error\":{\"message\":\"why\"}}", 27, &err),
                     MLC_E_REJECTED);
    assert_string_equal(err.message, "HTTP 400: why");
    assert_int_equal(mlc_odata_error_read(200, "", 0, &err), MLC_E_PROTOCOL);
    assert_int_equal(mlc_odata_error_read(428, "", 0, &err), MLC_E_REJECTED);
    assert_int_equal(mlc_odata_error_read(302, "", 0, &err), MLC_E_PROTOCOL);
}

static void garbage_is_not_an_answer(void **state)
{
    fix *const f = *state;
    got g = {0};
    dv_next(&f->dv, (dv_reply){.status = 200, .body = "{\"name\":"});
    ask_and_wait(f, "GET", "accounts", &g);
    assert_int_equal(g.code, MLC_E_PROTOCOL);
    assert_int_equal(g.status, 200);
}

static void lost_answers_are_uncertain(void **state)
{
    fix *const f = *state;
    got g = {0};
    dv_next(&f->dv, (dv_reply){.status = 200, .body = "{\"name\":\"cut in the middle\"}", .how = DV_CUT});
    dv_next(&f->dv, (dv_reply){.how = DV_DROP});
    ask_and_wait(f, "PATCH", "accounts(1)", &g);
    assert_int_equal(g.code, MLC_E_UNCERTAIN);
    ask_and_wait(f, "PATCH", "accounts(1)", &g);
    assert_int_equal(g.code, MLC_E_UNCERTAIN);
    assert_int_equal(g.status, 0);
    assert_int_equal(f->dv.count, 2);
}

static void an_answer_without_end_is_the_services_fault(void **state)
{
    fix *const f = *state;
    got read = {0};
    got written = {0};
    const dv_reply huge = {.status = 200, .headers = "Content-Length: 99999999999\r\n", .body = "{"};
    dv_next(&f->dv, huge);
    dv_next(&f->dv, huge);
    ask_and_wait(f, "GET", "accounts", &read);
    assert_int_equal(read.code, MLC_E_UNAVAILABLE);
    ask_and_wait(f, "PATCH", "accounts(" DV_GUID ")", &written);
    assert_int_equal(written.code, MLC_E_UNCERTAIN);
}

static void no_service_is_unreachable(void **state)
{
    fix *const f = *state;
    got g = {0};
    mlc_odata *other = NULL;
    const mlc_odata_options options = {
        .loop = &f->loop, .http = f->dv.http, .entra = f->dv.entra, .url = "http://127.0.0.1:1/api/"};
    const mlc_odata_request request = {.method = "PATCH", .path = "accounts(1)"};
    assert_int_equal(mlc_odata_open(&other, &options, NULL), MLC_OK);
    assert_int_equal(mlc_odata_send(other, &request, on_answer, &g, NULL), MLC_OK);
    assert_true(dv_run_until(&f->dv, &g.calls, 1));
    assert_int_equal(g.code, MLC_E_UNREACHABLE);
    mlc_odata_close(other);
}

static void address_must_end_with_a_slash(void **state)
{
    fix *const f = *state;
    mlc_odata *other = NULL;
    const mlc_odata_options options = {.loop = &f->loop, .url = "https://org.example/api"};
    assert_int_equal(mlc_odata_open(&other, &options, NULL), MLC_E_INVALID);
    assert_null(other);
}

/* ---- token ---- */

static void refused_token_is_renewed_once(void **state)
{
    fix *const f = *state;
    got g = {0};
    dv_next(&f->dv, (dv_reply){.status = 401});
    ask_and_wait(f, "GET", "WhoAmI", &g);
    assert_int_equal(g.code, MLC_OK);
    assert_int_equal(g.calls, 1);
    assert_true(head_has(f, 0, "Bearer token-1") && head_has(f, 1, "Bearer token-2"));
    dv_next(&f->dv, (dv_reply){.status = 204}); /* stands for the one above that no script answered */
    dv_next(&f->dv, (dv_reply){.status = 401});
    dv_next(&f->dv,
            (dv_reply){.status = 401, .body = "{\"error\":{\"code\":\"0x1\",\"message\":\"no user\"}}"});
    ask_and_wait(f, "GET", "WhoAmI", &g);
    assert_int_equal(g.code, MLC_E_AUTH);
    assert_string_equal(g.message, "0x1: no user");
    assert_int_equal(f->dv.count, 4);
}

static void without_a_token_nothing_is_sent(void **state)
{
    fix *const f = *state;
    got g = {0};
    dv_token_next(&f->dv, (dv_reply){.status = 401, .body = "{\"error_description\":\"AADSTS1\"}"});
    dv_token_next(&f->dv, (dv_reply){.how = DV_DROP});
    ask_and_wait(f, "PATCH", "accounts(1)", &g);
    assert_int_equal(g.code, MLC_E_AUTH);
    ask_and_wait(f, "PATCH", "accounts(1)", &g);
    assert_int_equal(g.code, MLC_E_UNREACHABLE);
    assert_int_equal(f->dv.count, 0);
}

/* ---- 429 ---- */

static void all_wait_after_a_429(void **state)
{
    fix *const f = *state;
    got slow = {0};
    got next = {0};
    dv_next(&f->dv, (dv_reply){.status = 429,
                               .headers = "Retry-After: 1\r\n",
                               .body = "{\"error\":{\"code\":\"0x80072322\",\"message\":\"too many\"}}"});
    ask_and_wait(f, "GET", "WhoAmI", &slow);
    assert_int_equal(slow.code, MLC_E_THROTTLED);
    assert_int_equal(slow.retry_after_ms, 1000);
    assert_true(mlc_odata_throttled(f->dv.odata));
    ask_and_wait(f, "GET", "WhoAmI", &next);
    assert_int_equal(next.code, MLC_OK);
    assert_true(f->dv.seen[1].at_ms - f->dv.seen[0].at_ms >= 990);
    assert_false(mlc_odata_throttled(f->dv.odata));
}

static void a_429_without_a_time_waits_as_well(void **state)
{
    fix *const f = *state;
    got g = {0};
    dv_next(&f->dv, (dv_reply){.status = 429});
    ask_and_wait(f, "GET", "WhoAmI", &g);
    assert_int_equal(g.code, MLC_E_THROTTLED);
    assert_true(g.retry_after_ms > 0 && mlc_odata_throttled(f->dv.odata));
}

static void a_503_names_its_time_and_holds_no_other(void **state)
{
    fix *const f = *state;
    got g = {0};
    dv_next(&f->dv, (dv_reply){.status = 503, .headers = "Retry-After: 7\r\n"});
    ask_and_wait(f, "GET", "WhoAmI", &g);
    assert_int_equal(g.code, MLC_E_UNAVAILABLE);
    assert_int_equal(g.retry_after_ms, 7000);
    assert_false(mlc_odata_throttled(f->dv.odata));
}

/* ---- the end ---- */

static void close_ends_what_runs_and_what_waits(void **state)
{
    fix *const f = *state;
    got g[5] = {0};
    for (size_t i = 0; i < 3; i++)
        dv_next(&f->dv, (dv_reply){.how = DV_HOLD});
    for (size_t i = 0; i < 5; i++)
        ask(f, "PATCH", "accounts(1)", &g[i]);
    assert_true(dv_run_until(&f->dv, &f->dv.count, 3));
    mlc_odata_close(f->dv.odata);
    f->dv.odata = NULL;
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(g[i].calls, 1);
        assert_int_equal(g[i].code, MLC_E_CLOSED);
    }
}

static void close_while_a_token_is_under_way(void **state)
{
    fix *const f = *state;
    got g = {0};
    dv_token_next(&f->dv, (dv_reply){.how = DV_HOLD});
    ask(f, "GET", "WhoAmI", &g);
    assert_true(dv_run_until(&f->dv, &f->dv.token_count, 1));
    mlc_odata_close(f->dv.odata);
    f->dv.odata = NULL;
    assert_int_equal(g.code, MLC_E_CLOSED);
    mlc_entra_close(f->dv.entra);
    f->dv.entra = NULL;
    assert_int_equal(g.calls, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {T(write_carries_its_headers_and_exact_body),
                                       T(read_gives_the_body),
                                       T(next_link_is_followed_only_within_the_service),
                                       T(what_would_break_a_line_is_refused),
                                       T(keys_are_quoted_and_encoded),
                                       T(no_more_than_max_parallel_are_under_way),
                                       T(status_and_error_body_make_the_code),
                                       T(error_without_a_body_of_its_own_names_the_status),
                                       T(garbage_is_not_an_answer),
                                       T(lost_answers_are_uncertain),
                                       T(an_answer_without_end_is_the_services_fault),
                                       T(no_service_is_unreachable),
                                       T(address_must_end_with_a_slash),
                                       T(refused_token_is_renewed_once),
                                       T(without_a_token_nothing_is_sent),
                                       T(all_wait_after_a_429),
                                       T(a_429_without_a_time_waits_as_well),
                                       T(a_503_names_its_time_and_holds_no_other),
                                       T(close_ends_what_runs_and_what_waits),
                                       T(close_while_a_token_is_under_way)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
