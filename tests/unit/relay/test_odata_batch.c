/* test_odata_batch.c - the multipart answer as bytes, and a batch through the client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/odata_batch_parse.h"
#include "support/dataverse_test.h"

enum { PARTS = 4 };

#define MIXED "multipart/mixed; boundary=b1"
#define PART  "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
#define DONE                                                                                                 \
    "--b1\r\n" PART "HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n"                                      \
    "OData-EntityId: https://org/accounts(" DV_GUID ")\r\n\r\n\r\n"
#define REFUSED                                                                                              \
    "--b1\r\n" PART "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n\r\n"                     \
    "{\"error\":{\"code\":\"0x80044331\",\"message\":\"too long\"}}\r\n"
#define SLOW                                                                                                 \
    "--b1\r\n" PART "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 9\r\n\r\n"                               \
    "{\"error\":{\"code\":\"0x80072322\",\"message\":\"slow\"}}\r\n"
#define END "--b1--\r\n"

/* ---- the parser ---- */

static mlc_code parse(const char *type, const char *text, mlc_batch_part *parts, size_t *count)
{
    mlc_error err;
    const mlc_code code = mlc_batch_parse(type, text, strlen(text), parts, PARTS, count, &err);
    assert_int_equal(err.code == MLC_E_PROTOCOL, code == MLC_E_PROTOCOL);
    return code;
}

static void parts_come_in_order_with_what_matters(void **state)
{
    mlc_batch_part p[PARTS];
    size_t count = 0;
    (void)state;
    assert_int_equal(parse(MIXED, "preamble\r\n" DONE REFUSED SLOW END "epilogue", p, &count), MLC_OK);
    assert_int_equal(count, 3);
    assert_int_equal(p[0].status, 204);
    assert_string_equal(p[0].entity_id, "https://org/accounts(" DV_GUID ")");
    assert_int_equal(p[0].body_len, 0);
    assert_int_equal(p[1].status, 400);
    assert_memory_equal(p[1].body, "{\"error\"", 8);
    assert_int_equal(p[1].body[p[1].body_len - 1], '}');
    assert_int_equal(p[2].status, 429);
    assert_string_equal(p[2].retry_after, "9");
}

static void forms_of_type_and_line_ends(void **state)
{
    static const char *const types[] = {"Multipart/Mixed; Boundary=\"b1\"",
                                        "multipart/mixed;charset=x;boundary=b1;x=y",
                                        " multipart/mixed ;boundary=b1"};
    mlc_batch_part p[PARTS];
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_int_equal(parse(types[i], DONE END, p, &count), MLC_OK);
        assert_int_equal(count, 1);
    }
    assert_int_equal(
        parse(MIXED, "--b1\nContent-Type: application/http\n\nHTTP/1.1 200 OK\n\n{}\n--b1--", p, &count),
        MLC_OK);
    assert_int_equal(p[0].body_len, 2);
    /* Neither blank line nor body after the last header. */
    assert_int_equal(parse(MIXED, "--b1  \r\n" PART "HTTP/1.1 204\r\nX: y\r\n" END, p, &count), MLC_OK);
    assert_int_equal(p[0].status, 204);
    assert_int_equal(parse(MIXED, END, p, &count), MLC_OK);
    assert_int_equal(count, 0);
    /* A longer boundary is another one. */
    assert_int_equal(parse(MIXED, "--b1\r\n" PART "HTTP/1.1 200 OK\r\n\r\n--b12\r\n" END, p, &count), MLC_OK);
    assert_int_equal(p[0].body_len, 5);
}

static void what_cannot_be_framed_is_refused(void **state)
{
    static const char *const types[] = {
        NULL,
        "",
        "application/json",
        "multipart/mixed",
        "multipart/mixedness;boundary=b1",
        "multipart/mixed;boundary=",
        "multipart/mixed;boundary=\"b1",
        "multipart/mixed;boundary=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    static const char *const texts[] = {
        "",
        "--b1",
        DONE,
        DONE "--b1",
        DONE DONE DONE DONE DONE END,
        "--b1\r\n\r\n\r\n" END,
        "--b1\r\n" PART END,
        "--b1\r\n" PART "HTTP/1.1 2x0 OK\r\n\r\n" END,
        "--b1\r\n" PART "HTTP/1.1 999 OK\r\n\r\n" END,
        "--b1\r\n" PART "HTTP/1.1 2000\r\n\r\n" END,
        "--b1\r\n" PART "HTTP/2 200 OK\r\n\r\n" END,
        "--b1\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" END};
    mlc_batch_part p[PARTS];
    size_t count = 9;
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_int_equal(parse(types[i], DONE END, p, &count), MLC_E_PROTOCOL);
        assert_int_equal(count, 0);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(parse(MIXED, texts[i], p, &count), MLC_E_PROTOCOL);
        assert_int_equal(count, 0);
    }
}

static void headers_that_do_not_fit_are_left_out(void **state)
{
    mlc_batch_part p[PARTS];
    size_t count = 0;
    char text[2048];
    char value[600];
    (void)state;
    memset(value, 'a', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    (void)snprintf(text, sizeof text,
                   "--b1\r\n" PART "HTTP/1.1 204 No\r\nOData-EntityId: %s\r\nRetry-After: %s\r\n\r\n" END,
                   value, value);
    assert_int_equal(parse(MIXED, text, p, &count), MLC_OK);
    assert_string_equal(p[0].entity_id, "");
    assert_string_equal(p[0].retry_after, "");
}

/* ---- through the client ---- */

typedef struct got {
    size_t calls, count;
    mlc_code code[PARTS];
    int status[PARTS];
    bool whole[PARTS];
    char message[PARTS][128], entity_id[PARTS][64];
} got;

typedef struct fix {
    uv_loop_t loop;
    dv_fix dv;
} fix;

static void on_answers(void *user, const mlc_odata_answer *answers, size_t count)
{
    got *const g = user;
    g->calls++;
    g->count = count;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(answers[i].err.code, answers[i].code);
        g->code[i] = answers[i].code;
        g->status[i] = answers[i].status;
        g->whole[i] = answers[i].whole_batch;
        (void)snprintf(g->message[i], sizeof g->message[i], "%.100s", answers[i].err.message);
        (void)snprintf(g->entity_id[i], sizeof g->entity_id[i], "%s", answers[i].entity_id);
    }
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

/* Three upserts answered so. */
static got send_three(fix *f, dv_reply reply)
{
    got g = {0};
    cJSON *const body = cJSON_CreateObject();
    assert_int_equal(mlc_json_add_str(body, "name", "Adventure", NULL), MLC_OK);
    const mlc_odata_request requests[] = {
        {.method = "PATCH", .path = "accounts(accountnumber='1')", .body = body, .if_match = "*"},
        {.method = "PATCH", .path = "accounts(accountnumber='2')", .body = body},
        {.method = "GET", .path = "accounts(accountnumber='3')"}};
    dv_next(&f->dv, reply);
    assert_int_equal(mlc_odata_batch(f->dv.odata, requests, 3, on_answers, &g, NULL), MLC_OK);
    cJSON_Delete(body);
    assert_int_equal(g.calls, 0);
    assert_true(dv_run_until(&f->dv, &g.calls, 1));
    assert_int_equal(g.count, 3);
    return g;
}

static dv_reply mixed(const char *body)
{
    return (dv_reply){.status = 200, .headers = "Content-Type: " MIXED "\r\n", .body = body};
}

static void each_operation_gets_its_own_result(void **state)
{
    fix *const f = *state;
    const got g = send_three(f, mixed(DONE REFUSED SLOW END));
    assert_int_equal(g.code[0], MLC_OK);
    assert_string_equal(g.entity_id[0], DV_GUID);
    assert_int_equal(g.code[1], MLC_E_REJECTED);
    assert_string_equal(g.message[1], "0x80044331: too long");
    assert_int_equal(g.code[2], MLC_E_THROTTLED);
    assert_false(g.whole[0] || g.whole[1] || g.whole[2]);
    assert_true(mlc_odata_throttled(f->dv.odata));
}

static void operations_are_framed_as_the_service_reads_them(void **state)
{
    fix *const f = *state;
    char expected[1024];
    char boundary[64];
    (void)send_three(f, mixed(DONE DONE DONE END));
    const dv_seen *const seen = &f->dv.seen[0];
    const char *const at = strstr(seen->head, "Content-Type: multipart/mixed; boundary=");
    assert_non_null(at);
    assert_int_equal(sscanf(strchr(at, '=') + 1, "%63[^\r]", boundary), 1);
    assert_string_equal(seen->method, "POST");
    assert_string_equal(seen->path, "/api/data/v9.2/$batch");
    assert_non_null(strstr(seen->head, "Prefer: odata.continue-on-error"));
    assert_non_null(strstr(seen->head, "Accept: multipart/mixed, application/json;q=0.5\r\n"));
    (void)snprintf(
        expected, sizeof expected,
        "--%s\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        "PATCH %saccounts(accountnumber='1') HTTP/1.1\r\nAccept: application/json\r\n"
        "Content-Type: application/json\r\nIf-Match: *\r\n\r\n{\"name\":\"Adventure\"}\r\n--%s\r\n",
        boundary, f->dv.url, boundary);
    assert_memory_equal(seen->body, expected, strlen(expected));
    (void)snprintf(expected, sizeof expected, "HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n--%s--\r\n",
                   boundary);
    assert_string_equal(seen->body + strlen(seen->body) - strlen(expected), expected);
}

static void operation_without_a_part_is_not_understood(void **state)
{
    fix *const f = *state;
    const got g = send_three(
        f, (dv_reply){.status = 400, .headers = "Content-Type: " MIXED "\r\n", .body = DONE REFUSED END});
    assert_int_equal(g.code[0], MLC_OK);
    assert_int_equal(g.code[1], MLC_E_REJECTED);
    assert_int_equal(g.code[2], MLC_E_PROTOCOL);
    assert_false(g.whole[2]);
}

static void failure_of_the_batch_is_everyones(void **state)
{
    fix *const f = *state;
    static const struct {
        dv_reply reply;
        mlc_code code;
    } rows[] = {
        {{.status = 400, .body = "{\"error\":{\"code\":\"0x0\",\"message\":\"bad batch\"}}"}, MLC_E_REJECTED},
        {{.status = 503}, MLC_E_UNAVAILABLE},
        {{.status = 200, .body = "{}"}, MLC_E_PROTOCOL},
        {{.status = 200, .headers = "Content-Type: " MIXED "\r\n", .body = DONE DONE}, MLC_E_PROTOCOL},
        {{.status = 200, .headers = "Content-Type: " MIXED "\r\n", .body = DONE DONE DONE DONE END},
         MLC_E_PROTOCOL},
        {{.status = 200, .headers = "Content-Type: " MIXED "\r\n", .body = DONE DONE DONE END, .how = DV_CUT},
         MLC_E_UNCERTAIN},
        {{.how = DV_DROP}, MLC_E_UNCERTAIN}};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const got g = send_three(f, rows[r].reply);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(g.code[i], rows[r].code);
            assert_true(g.whole[i]);
        }
    }
}

static void limits_of_a_batch(void **state)
{
    fix *const f = *state;
    got g = {0};
    static mlc_odata_request requests[1001];
    const mlc_odata_request bad = {.method = "PATCH", .path = "a\r\nb"};
    assert_int_equal(mlc_odata_batch(f->dv.odata, requests, 0, on_answers, &g, NULL), MLC_E_INVALID);
    assert_int_equal(mlc_odata_batch(f->dv.odata, requests, 1001, on_answers, &g, NULL), MLC_E_LIMIT);
    assert_int_equal(mlc_odata_batch(f->dv.odata, &bad, 1, on_answers, &g, NULL), MLC_E_INVALID);
    assert_int_equal(g.calls, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {cmocka_unit_test(parts_come_in_order_with_what_matters),
                                       cmocka_unit_test(forms_of_type_and_line_ends),
                                       cmocka_unit_test(what_cannot_be_framed_is_refused),
                                       cmocka_unit_test(headers_that_do_not_fit_are_left_out),
                                       T(each_operation_gets_its_own_result),
                                       T(operations_are_framed_as_the_service_reads_them),
                                       T(operation_without_a_part_is_not_understood),
                                       T(failure_of_the_batch_is_everyones),
                                       T(limits_of_a_batch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
