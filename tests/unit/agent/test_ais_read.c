/* Reading of the AIS client: the query, rows with plain names, next links, and every way a set of rows can end before its end
 * (ais.h; contracts/ais.md, section Reading tables). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/ais_test.h"

#define PAGE(rows, more, links)                                                                              \
    "{\"fs_DATABROWSE_F0101\":{\"data\":{\"gridData\":{\"rowset\":[" rows                                    \
    "],\"summary\":{\"records\":1,\"moreRecords\":" more                                                     \
    "}}},\"errors\":[]},\"sysErrors\":[],\"links\":[" links "]}"
#define NEXT(rid) "{\"rel\":\"next\",\"href\":\"%U/jderest/v2/dataservice/next?rid=" rid "&token=%T\"}"
#define ROW(an8)  "{\"F0101_AN8\":" an8 ",\"F0101_ALPH\":\" Acme   \"}"

enum { ROWS_MAX = 16 };

/* Everything a set of rows gave. */
typedef struct set {
    bool ended;
    int ends, pages;
    size_t rows;
    char an8[ROWS_MAX][16], name[ROWS_MAX][32];
    mlc_code code;
    char message[MLC_ERROR_MESSAGE_MAX];
    bool hold; /* do not go on by itself */
    bool stop;
    bool paused;
    mlc_ais_cursor *cursor;
} set;

static void on_page(void *user, mlc_ais_cursor *cursor, const mlc_ais_page *page, mlc_code code,
                    const mlc_error *err)
{
    set *const s = user;
    const cJSON *row = NULL;
    if (page == NULL) {
        s->ended = true;
        s->ends++;
        s->code = code;
        (void)snprintf(s->message, sizeof s->message, "%s", err->message);
        return;
    }
    s->pages++;
    cJSON_ArrayForEach(row, page->rows)
    {
        assert_true(s->rows < ROWS_MAX);
        (void)snprintf(s->an8[s->rows], sizeof s->an8[0], "%s", mlc_json_member_text(row, "AN8"));
        (void)snprintf(s->name[s->rows++], sizeof s->name[0], "%s", mlc_json_member_text(row, "ALPH"));
    }
    s->cursor = cursor;
    if (s->stop)
        mlc_ais_stop(cursor);
    else if (page->more && !s->hold)
        mlc_ais_next(cursor);
    s->paused = s->stop || s->hold;
}

static void browse(ais_fix *f, set *s)
{
    static const char *const columns[] = {"AN8", "ALPH", NULL};
    static const char *const order[] = {"UPMJ", "AN8", NULL};
    static const mlc_ais_term after[] = {{"UPMJ", MLC_AIS_GT, "24/11/2026"}};
    static const mlc_ais_term same[] = {{"UPMJ", MLC_AIS_EQ, "24/11/2026"}, {"AN8", MLC_AIS_IN, "1|2|3"}};
    static const mlc_ais_group groups[] = {{after, 1}, {same, 2}};
    const mlc_ais_query query = {.table = "F0101",
                                 .columns = columns,
                                 .groups = groups,
                                 .group_count = 2,
                                 .order_by = order,
                                 .page_size = 2};
    mlc_error err;
    if (mlc_ais_browse(f->ais, &query, on_page, s, NULL, &err) != MLC_OK)
        fail_msg("%s", err.message);
}

/* Read a set to its end, whatever that is. */
static mlc_code read_set(ais_fix *f, set *s)
{
    ais_fix_open(f);
    browse(f, s);
    assert_true(net_run_until(&f->loop, &s->ended));
    net_run_for(&f->loop, 20);
    assert_int_equal(s->ends, 1);
    return s->code;
}

static void test_pages_follow_next_links(void **state)
{
    ais_fix *const f = ais_fix_new();
    set s = {0};
    (void)state;
    ais_script(f, {200, PAGE(ROW("1") "," ROW("2"), "true", NEXT("a")), false},
               {200, PAGE(ROW("3"), "true", NEXT("b")), false}, {200, PAGE("", "false", ""), false});
    assert_int_equal(read_set(f, &s), MLC_OK);
    assert_int_equal(s.pages, 3);
    assert_int_equal(s.rows, 3);
    assert_string_equal(s.an8[2], "3");
    assert_string_equal(s.name[0], " Acme"); /* blanks on the right only */
    assert_string_equal(f->asked[0].path, "/jderest/v2/dataservice");
    assert_string_equal(f->asked[1].path, "/jderest/v2/dataservice/next");
    assert_string_equal(f->asked[1].rid, "a");
    assert_string_equal(f->asked[2].rid, "b");
    ais_fix_free(f);
}

static void test_query_on_the_wire(void **state)
{
    ais_fix *const f = ais_fix_new();
    set s = {0};
    cJSON *tree = NULL;
    (void)state;
    ais_script(f, {200, PAGE("", "false", ""), false});
    assert_int_equal(read_set(f, &s), MLC_OK);
    const char *const body = f->asked[0].body;
    assert_int_equal(mlc_json_parse(body, strlen(body), 0, 0, &tree, NULL), MLC_OK);
    assert_string_equal(mlc_json_str(tree, "targetName"), "F0101");
    assert_string_equal(mlc_json_str(tree, "returnControlIDs"), "F0101.AN8|F0101.ALPH");
    assert_string_equal(mlc_json_member_text(tree, "maxPageSize"), "2");
    assert_true(mlc_json_bool(tree, "enableNextPageProcessing", false));
    assert_null(strstr(body, "tok-")); /* the token is a header's */
    const cJSON *const groups = mlc_json_path(tree, "query.complexQuery");
    assert_int_equal(cJSON_GetArraySize(groups), 2);
    const cJSON *const second = mlc_json_path(cJSON_GetArrayItem(groups, 1), "query.condition");
    const cJSON *const list = cJSON_GetArrayItem(second, 1);
    assert_string_equal(mlc_json_str(list, "controlId"), "F0101.AN8");
    assert_string_equal(mlc_json_str(list, "operator"), "LIST");
    assert_int_equal(cJSON_GetArraySize(mlc_json_get(list, "value")), 3);
    assert_int_equal(cJSON_GetArraySize(mlc_json_path(tree, "aggregation.orderBy")), 2);
    cJSON_Delete(tree);
    ais_fix_free(f);
}

/* A set ends with CONFLICT: the reader starts again from the last key. */
static void test_more_rows_without_a_link(void **state)
{
    ais_fix *const f = ais_fix_new();
    set s = {0};
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "true", ""), false});
    assert_int_equal(read_set(f, &s), MLC_E_CONFLICT);
    assert_int_equal(s.rows, 1);
    ais_fix_free(f);
}

static void test_link_to_another_server_is_not_followed(void **state)
{
    ais_fix *const f = ais_fix_new();
    set s = {0};
    (void)state;
    ais_script(f, {200,
                   PAGE(ROW("1"), "true",
                        "{\"rel\":\"next\",\"href\":\"http://127.0.0.1:1/jderest/v2/x?token=%T\"}"),
                   false});
    assert_int_equal(read_set(f, &s), MLC_E_CONFLICT);
    assert_int_equal(f->asked_count, 1);
    ais_fix_free(f);
}

static void test_result_set_timeout(void **state)
{
    ais_fix *const f = ais_fix_new();
    set s = {0};
    (void)state;
    ais_script(
        f, {200, PAGE(ROW("1"), "true", NEXT("a")), false},
        {500, "{\"sysErrors\":[{\"TITLE\":\"JAS_MSG347: gone\",\"DESC\":\"The result set has timed out\"}]}",
         false});
    assert_int_equal(read_set(f, &s), MLC_E_CONFLICT);
    assert_null(strstr(s.message, "tok-"));
    ais_fix_free(f);
}

static void test_result_set_timeout_as_200(void **state)
{
    ais_fix *const f = ais_fix_new();
    set s = {0};
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "true", NEXT("a")), false},
               {200, "{\"sysErrors\":[{\"TITLE\":\"JAS_MSG347: gone\"}]}", false});
    assert_int_equal(read_set(f, &s), MLC_E_CONFLICT);
    ais_fix_free(f);
}

/* A next link belongs to its session: with the session the set is gone, and asking again would not help. */
static void test_session_ends_between_pages(void **state)
{
    ais_fix *const f = ais_fix_new();
    set s = {0};
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "true", NEXT("a")), false},
               {444, "{\"message\":\"Invalid Token\"}", false}, {200, PAGE("", "false", ""), false});
    assert_int_equal(read_set(f, &s), MLC_E_CONFLICT);
    assert_int_equal(f->asked_count, 2);
    set again = {0};
    browse(f, &again);
    assert_true(net_run_until(&f->loop, &again.ended));
    assert_int_equal(again.code, MLC_OK);
    assert_string_equal(f->asked[2].token, "tok-2");
    ais_fix_free(f);
}

static void refused_set(const ais_reply *reply, mlc_code code, const char *words)
{
    ais_fix *const f = ais_fix_new();
    set s = {0};
    f->script = reply;
    f->script_len = 1;
    assert_int_equal(read_set(f, &s), code);
    if (strstr(s.message, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, s.message);
    assert_int_equal(s.pages, 0);
    ais_fix_free(f);
}

static void test_answers_that_are_no_page(void **state)
{
    static const struct {
        ais_reply reply;
        mlc_code code;
        const char *words;
    } cases[] = {
        {{200, "<html>busy</html>", false}, MLC_E_PROTOCOL, "not JSON"},
        {{200, "{\"fs_DATABROWSE_F0101\":{\"data\":{\"gridData\":{\"rowset\":[{\"F0101_AN8\":1", false},
         MLC_E_PROTOCOL,
         "not JSON"},
        {{200, "{}", false}, MLC_E_PROTOCOL, "gridData"},
        {{200, "{\"fs_DATABROWSE_F0101\":{\"data\":{\"gridData\":{\"rowset\":[]}}}}", false},
         MLC_E_PROTOCOL,
         "moreRecords"},
        {{200, PAGE("7", "false", ""), false}, MLC_E_PROTOCOL, "row"},
        {{200, "{\"sysErrors\":[{\"TITLE\":\"No access to F0101\",\"DESC\":\"Security\"}]}", false},
         MLC_E_REJECTED,
         "No access to F0101"},
        {{400, "{\"message\":\"Bad column F0101.XX\"}", false}, MLC_E_REJECTED, "Bad column"},
        {{500, "{\"message\":\"broken\"}", false}, MLC_E_UNAVAILABLE, "broken"},
        {{503, "not json", false}, MLC_E_UNAVAILABLE, "503"},
        {{429, "{}", false}, MLC_E_THROTTLED, "429"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refused_set(&cases[i].reply, cases[i].code, cases[i].words);
}

/* Reading twice does no harm: what was sent without an answer is unavailable, not uncertain. */
static void test_silent_server_is_unavailable(void **state)
{
    ais_fix *const f = ais_fix_new();
    set s = {0};
    (void)state;
    f->options.timeout_ms = 100;
    ais_script(f, {0, "", true});
    assert_int_equal(read_set(f, &s), MLC_E_UNAVAILABLE);
    ais_fix_free(f);
}

/* The peer's fault, and no limit that a record could pass. */
static void test_answer_without_end_is_unavailable(void **state)
{
    ais_fix *const f = ais_fix_new();
    set s = {0};
    (void)state;
    f->options.answer_max = 200;
    ais_script(f, {200, PAGE(ROW("1") "," ROW("2") "," ROW("3"), "false", ""), false});
    assert_int_equal(read_set(f, &s), MLC_E_UNAVAILABLE);
    assert_non_null(strstr(s.message, "does not end"));
    assert_int_equal(s.pages, 0);
    ais_fix_free(f);
}

/* The server sends half a page and hangs up. */
static void serve_half(net_peer *peer, int fd, int nth)
{
    char request[8192];
    (void)nth;
    while (net_peer_read(peer, fd, request, sizeof request)) {
        if (strstr(request, "tokenrequest") != NULL) {
            (void)net_send_text(
                fd, "HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{\"userInfo\":{\"token\":\"tok-1\"}}");
            continue;
        }
        (void)net_send_text(fd,
                            "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{\"fs_DATABROWSE_F0101\":{\"da");
        return;
    }
}

static void test_page_cut_on_the_wire(void **state)
{
    ais_fix *const f = ais_fix_new();
    set s = {0};
    net_peer peer;
    char url[64];
    (void)state;
    net_peer_start(&peer, serve_half);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d", peer.port);
    f->options.url = url;
    assert_int_equal(read_set(f, &s), MLC_E_UNAVAILABLE);
    assert_int_equal(s.rows, 0);
    ais_fix_free(f);
    net_peer_stop(&peer);
}

static void test_reader_decides_when_to_go_on(void **state)
{
    ais_fix *const f = ais_fix_new();
    set s = {.hold = true};
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "true", NEXT("a")), false}, {200, PAGE(ROW("2"), "false", ""), false});
    ais_fix_open(f);
    browse(f, &s);
    assert_true(net_run_until(&f->loop, &s.paused));
    net_run_for(&f->loop, 30);
    assert_int_equal(f->asked_count, 1);
    mlc_ais_next(s.cursor);
    assert_true(net_run_until(&f->loop, &s.ended));
    assert_int_equal(s.code, MLC_OK);
    assert_int_equal(s.rows, 2);
    ais_fix_free(f);
}

static void test_stop_in_and_after_the_callback(void **state)
{
    ais_fix *const f = ais_fix_new();
    set inside = {.stop = true};
    set later = {.hold = true};
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "true", NEXT("a")), false});
    ais_fix_open(f);
    browse(f, &inside);
    assert_true(net_run_until(&f->loop, &inside.paused));
    browse(f, &later);
    assert_true(net_run_until(&f->loop, &later.paused));
    mlc_ais_stop(later.cursor);
    net_run_for(&f->loop, 30);
    assert_int_equal(inside.ends + later.ends, 0);
    assert_int_equal(f->asked_count, 2);
    ais_fix_free(f);
}

static void test_close_ends_sets(void **state)
{
    ais_fix *const f = ais_fix_new();
    set held = {.hold = true};
    set running = {0};
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "true", NEXT("a")), false}, {0, "", true});
    ais_fix_open(f);
    browse(f, &held);
    assert_true(net_run_until(&f->loop, &held.paused));
    browse(f, &running);
    assert_true(ais_wait_held(f));
    ais_fix_close(f);
    assert_int_equal(held.code, MLC_E_CLOSED);
    assert_int_equal(running.code, MLC_E_CLOSED);
    assert_int_equal(held.ends + running.ends, 2);
    ais_fix_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_follow_next_links),
        cmocka_unit_test(test_query_on_the_wire),
        cmocka_unit_test(test_more_rows_without_a_link),
        cmocka_unit_test(test_link_to_another_server_is_not_followed),
        cmocka_unit_test(test_result_set_timeout),
        cmocka_unit_test(test_result_set_timeout_as_200),
        cmocka_unit_test(test_session_ends_between_pages),
        cmocka_unit_test(test_answers_that_are_no_page),
        cmocka_unit_test(test_silent_server_is_unavailable),
        cmocka_unit_test(test_answer_without_end_is_unavailable),
        cmocka_unit_test(test_page_cut_on_the_wire),
        cmocka_unit_test(test_reader_decides_when_to_go_on),
        cmocka_unit_test(test_stop_in_and_after_the_callback),
        cmocka_unit_test(test_close_ends_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
