/* The operator's routes on a real unix socket: what they tell, what they change, what they refuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/admin_ask.h"

static int64_t number(const cJSON *obj, const char *name)
{
    int64_t value = -1;
    (void)mlc_json_int64(obj, name, &value, NULL);
    return value;
}

/* ---- telling ---- */

static void status_tells_all_streams(void **state)
{
    admin_fix *const f = *state;
    (void)lst_add(&f->s, f->jde, "order/1", "i1");
    (void)admin_fix_park(f, f->jde, "order/2", "i2");
    cJSON *const tree = ask(f, "/v1/status", NULL, 200);
    assert_string_equal(mlc_json_str(tree, "program"), "ml-test/1.0");
    assert_string_equal(mlc_json_str(tree, "link"), "up");
    const cJSON *const store = cJSON_GetArrayItem(mlc_json_get(tree, "stores"), 0);
    assert_string_equal(mlc_json_str(store, "name"), "agent");
    assert_true(number(store, "commits") > 0);
    assert_null(mlc_json_get(store, "error"));
    const cJSON *const jde = cJSON_GetArrayItem(mlc_json_get(store, "streams"), 0);
    assert_string_equal(mlc_json_str(jde, "name"), "jde");
    assert_int_equal(number(jde, "ready"), 1);
    assert_int_equal(number(jde, "parked"), 1);
    assert_non_null(mlc_json_str(jde, "oldestLive"));
    assert_int_equal(cJSON_GetArraySize(mlc_json_get(store, "streams")), 2);
    cJSON_Delete(tree);
}

static void parked_ones_are_listed_in_pages(void **state)
{
    admin_fix *const f = *state;
    char key[32];
    for (int i = 0; i < 5; i++) {
        (void)snprintf(key, sizeof key, "order/%d", i);
        (void)admin_fix_park(f, f->jde, key, key);
    }
    (void)admin_fix_park(f, f->up, "customer/1", "c1");
    cJSON *tree = ask(f, "/v1/parked", NULL, 200);
    assert_int_equal(cJSON_GetArraySize(mlc_json_get(tree, "entries")), 6);
    assert_false(mlc_json_bool(tree, "more", true));
    const cJSON *const first = cJSON_GetArrayItem(mlc_json_get(tree, "entries"), 0);
    assert_string_equal(mlc_json_str(first, "lastError"), "item is unknown");
    assert_string_equal(mlc_json_str(first, "state"), "parked");
    assert_null(mlc_json_get(first, "payload"));
    cJSON_Delete(tree);
    tree = ask(f, "/v1/parked?store=agent&stream=jde&max=3", NULL, 200);
    assert_int_equal(cJSON_GetArraySize(mlc_json_get(tree, "entries")), 3);
    assert_true(mlc_json_bool(tree, "more", false));
    assert_int_equal(number(tree, "next"), 4);
    cJSON_Delete(tree);
    tree = ask(f, "/v1/parked?store=agent&stream=jde&max=3&from=4", NULL, 200);
    assert_int_equal(cJSON_GetArraySize(mlc_json_get(tree, "entries")), 2);
    assert_false(mlc_json_bool(tree, "more", true));
    cJSON_Delete(tree);
}

static void an_entry_is_shown_with_payload_and_history(void **state)
{
    admin_fix *const f = *state;
    (void)admin_fix_park(f, f->jde, "order/1", "i1");
    (void)admin_fix_park(f, f->jde, "order/2", "i2");
    cJSON_Delete(
        ask(f, "/v1/retry", "{\"store\":\"agent\",\"stream\":\"jde\",\"seq\":1,\"operator\":\"jane\"}", 200));
    cJSON *const tree = ask(f, "/v1/entry?store=agent&stream=jde&seq=1", NULL, 200);
    assert_string_equal(mlc_json_str(tree, "key"), "order/1");
    assert_string_equal(mlc_json_member_text(mlc_json_get(tree, "payload"), "x"), "1.50"); /* exact */
    assert_int_equal(number(tree, "payloadBytes"), 10);
    const cJSON *const history = mlc_json_get(tree, "history");
    assert_int_equal(cJSON_GetArraySize(history), 1);
    assert_string_equal(mlc_json_str(cJSON_GetArrayItem(history, 0), "actor"), "operator:jane");
    cJSON_Delete(tree);
}

static void faulty_questions_say_how_it_is_right(void **state)
{
    admin_fix *const f = *state;
    expect_error(f, "/v1/entry?stream=jde&seq=7", NULL, 404, "stream jde has no entry 7");
    expect_error(f, "/v1/entry?stream=jde", NULL, 400, "seq: missing");
    expect_error(f, "/v1/entry?stream=jde&seq=x", NULL, 400, "seq: must be a whole number");
    expect_error(f, "/v1/entry?seq=1", NULL, 400, "stream: missing; give one of: jde, up");
    expect_error(f, "/v1/parked?store=acme", NULL, 404, "store \"acme\" is not known; known are: agent");
    expect_error(f, "/v1/audit?store=acme", NULL, 404, "known are: agent");
    expect_error(f, "/v1/statusx", NULL, 404, "no such address");
    expect_error(f, "/v1/audit/verify/x", NULL, 404, "no such address");
}

/* ---- deciding ---- */

static void a_parked_one_is_released(void **state)
{
    admin_fix *const f = *state;
    const uint64_t seq = admin_fix_park(f, f->jde, "order/1", "i1");
    cJSON *const tree =
        ask(f, "/v1/retry", "{\"store\":\"agent\",\"stream\":\"jde\",\"seq\":1,\"operator\":\"jane\"}", 200);
    assert_int_equal(number(tree, "released"), 1);
    assert_int_equal(number(tree, "seq"), 1);
    cJSON_Delete(tree);
    assert_int_equal(lst_get(&f->s, f->jde, seq).state, MLC_ENTRY_READY);
    assert_int_equal(f->released, 1);
    assert_ptr_equal(f->released_stream, f->jde);
    assert_int_equal(lst_audit_count(&f->s, "\"released\"", "operator:jane"), 1);
    expect_error(f, "/v1/retry", "{\"store\":\"agent\",\"stream\":\"jde\",\"seq\":1,\"operator\":\"jane\"}",
                 409, "entry 1 of stream jde is ready; only parked entries can be retried");
    assert_int_equal(f->released, 1);
    assert_int_equal(lst_audit_count(&f->s, "\"released\"", ""), 1);
}

static void all_parked_ones_are_released(void **state)
{
    admin_fix *const f = *state;
    char key[32];
    for (int i = 0; i < 450; i++) { /* more than one job takes */
        (void)snprintf(key, sizeof key, "order/%d", i);
        (void)admin_fix_park(f, f->jde, key, key);
    }
    (void)admin_fix_park(f, f->up, "customer/1", "c1");
    cJSON *tree = ask(f, "/v1/retry", "{\"stream\":\"jde\",\"all\":true,\"operator\":\"jane\"}", 200);
    assert_int_equal(number(tree, "released"), 450);
    cJSON_Delete(tree);
    assert_int_equal(lst_stats_of(&f->s, f->jde).parked, 0);
    assert_int_equal(lst_stats_of(&f->s, f->up).parked, 1);
    assert_int_equal(lst_audit_count(&f->s, "\"released\"", "operator:jane"), 450);
    assert_int_equal(f->released, 3);
    tree = ask(f, "/v1/retry", "{\"stream\":\"jde\",\"all\":true,\"operator\":\"jane\"}", 200);
    assert_int_equal(number(tree, "released"), 0);
    cJSON_Delete(tree);
}

static void a_sequence_stream_requeues(void **state)
{
    admin_fix *const f = *state;
    (void)admin_fix_park(f, f->up, "customer/1", "c1");
    cJSON *const tree = ask(f, "/v1/retry", "{\"stream\":\"up\",\"seq\":1,\"operator\":\"jane\"}", 200);
    assert_int_equal(number(tree, "seq"), 2);
    cJSON_Delete(tree);
    assert_int_equal(lst_get(&f->s, f->up, 1).state, MLC_ENTRY_DONE);
    assert_int_equal(lst_get(&f->s, f->up, 2).state, MLC_ENTRY_READY);
}

static void a_parked_one_is_dismissed_with_a_reason(void **state)
{
    admin_fix *const f = *state;
    const uint64_t seq = admin_fix_park(f, f->jde, "order/1", "i1");
    expect_error(f, "/v1/dismiss", "{\"stream\":\"jde\",\"seq\":1,\"operator\":\"jane\"}", 400,
                 "reason: must be a text of 1 to 500 characters");
    expect_error(f, "/v1/dismiss", "{\"stream\":\"jde\",\"all\":true,\"reason\":\"x\",\"operator\":\"jane\"}",
                 400, "seq: must be");
    cJSON *const tree =
        ask(f, "/v1/dismiss",
            "{\"stream\":\"jde\",\"seq\":1,\"reason\":\"entered by hand\",\"operator\":\"jane\"}", 200);
    assert_int_equal(number(tree, "dismissed"), 1);
    cJSON_Delete(tree);
    const lst_entry e = lst_get(&f->s, f->jde, seq);
    assert_int_equal(e.state, MLC_ENTRY_DONE);
    assert_string_equal(e.outcome, "dismissed: entered by hand");
    assert_int_equal(lst_audit_count(&f->s, "\"dismissed\"", "entered by hand"), 1);
    assert_int_equal(f->released, 0);
}

static void faulty_decisions_are_refused(void **state)
{
    admin_fix *const f = *state;
    (void)admin_fix_park(f, f->jde, "order/1", "i1");
    expect_error(f, "/v1/retry", "{", 400, "");
    expect_error(f, "/v1/retry", "[]", 400, "stream: missing");
    expect_error(f, "/v1/retry", "{\"stream\":\"jde\",\"operator\":\"jane\"}", 400, "seq: must be");
    expect_error(f, "/v1/retry", "{\"stream\":\"jde\",\"seq\":-1,\"operator\":\"jane\"}", 400,
                 "seq: must be");
    expect_error(f, "/v1/retry", "{\"stream\":\"jde\",\"seq\":1}", 400, "operator: must be");
    expect_error(f, "/v1/retry", "{\"stream\":\"jde\",\"seq\":1,\"operator\":\"a\\nb\"}", 400,
                 "operator: must be");
    expect_error(f, "/v1/retry", "{\"stream\":\"x\",\"seq\":1,\"operator\":\"jane\"}", 404,
                 "known are: jde, up");
    expect_error(f, "/v1/retry", "{\"stream\":\"jde\",\"seq\":9,\"operator\":\"jane\"}", 404,
                 "has no entry 9");
    assert_int_equal(lst_stats_of(&f->s, f->jde).parked, 1);
    assert_int_equal(lst_audit_count(&f->s, "released", ""), 0);
}

static void pages_of_other_sites_decide_nothing(void **state)
{
    admin_fix *const f = *state;
    static const char body[] = "{\"stream\":\"jde\",\"seq\":1,\"operator\":\"jane\"}";
    static const struct {
        const char *header;
        long status;
    } rows[] = {{"Origin: https://evil.example", 403},
                {"Origin: null", 403},
                {"Origin: http://localhost.evil.example", 403},
                {"Origin: http://localhost", 200}};
    (void)admin_fix_park(f, f->jde, "order/1", "i1");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        asked a = {.socket = f->socket, .path = "/v1/retry", .body = body, .header = rows[i].header};
        assert_int_equal(lst_stats_of(&f->s, f->jde).parked, 1);
        admin_fix_meanwhile(f, ask_in_thread, &a);
        assert_int_equal(a.status, rows[i].status);
        mlc_buf_free(&a.text);
    }
}

/* ---- audit trail ---- */

static mlc_code audit_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_audit_event event = {
        .at_ms = 1, .actor = "agent", .action = "polled", .key = arg, .outcome = "ok"};
    return mlc_audit_append(txn, &event, NULL, err);
}

static void add_event(admin_fix *f, char *key)
{
    mlc_error err;
    lst_check(mlc_store_run(f->s.store, audit_job, key, &err), &err);
}

static size_t lines_of(const char *text)
{
    size_t lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void the_trail_is_exported(void **state)
{
    admin_fix *const f = *state;
    asked a;
    char one[] = "customer/1";
    char two[] = "customer/2";
    for (int i = 0; i < 10; i++)
        add_event(f, i % 2 == 0 ? one : two);
    ask_text(f, &a, "/v1/audit", NULL);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.type, "application/x-ndjson");
    assert_int_equal(lines_of(mlc_buf_text(&a.text)), 10);
    mlc_buf_free(&a.text);
    ask_text(f, &a, "/v1/audit?from=4&max=3", NULL);
    assert_int_equal(lines_of(mlc_buf_text(&a.text)), 3);
    assert_memory_equal(mlc_buf_text(&a.text), "{\"index\":4,\"hash\":\"", 19);
    mlc_buf_free(&a.text);
    ask_text(f, &a, "/v1/audit?key=customer/2&from=5", NULL);
    assert_int_equal(lines_of(mlc_buf_text(&a.text)), 3);
    assert_null(strstr(mlc_buf_text(&a.text), one));
    mlc_buf_free(&a.text);
    ask_text(f, &a, "/v1/audit?key=customer/", NULL); /* no prefix search */
    assert_int_equal(a.status, 200);
    assert_int_equal(a.text.len, 0);
    mlc_buf_free(&a.text);
}

static void the_trail_is_verified(void **state)
{
    admin_fix *const f = *state;
    char key[] = "k";
    add_event(f, key);
    add_event(f, key);
    cJSON *const tree = ask(f, "/v1/audit/verify?store=agent", NULL, 200);
    assert_true(mlc_json_bool(tree, "ok", false));
    assert_int_equal(number(tree, "entries"), 2);
    cJSON_Delete(tree);
}

/* ---- monitoring ---- */

static void metrics_are_prometheus_text(void **state)
{
    admin_fix *const f = *state;
    asked a;
    (void)admin_fix_park(f, f->jde, "order/1", "i1");
    ask_text(f, &a, "/metrics", NULL);
    assert_int_equal(a.status, 200);
    assert_memory_equal(a.type, "text/plain; version=0.0.4", 25);
    const char *const text = mlc_buf_text(&a.text);
    assert_non_null(strstr(text, "# TYPE ml_outbox_entries gauge\n"));
    assert_non_null(strstr(text, "ml_outbox_entries{store=\"agent\",stream=\"jde\",state=\"parked\"} 1\n"));
    assert_non_null(strstr(text, "ml_outbox_entries{store=\"agent\",stream=\"up\",state=\"ready\"} 0\n"));
    assert_non_null(strstr(text, "ml_outbox_oldest_seconds{store=\"agent\",stream=\"jde\"} "));
    assert_non_null(strstr(text, "ml_store_map_bytes{store=\"agent\"} "));
    assert_non_null(strstr(text, "ml_store_commits_total{store=\"agent\"} "));
    assert_non_null(strstr(text, "ml_build_info{program=\"ml-test/1.0\"} 1\n"));
    assert_non_null(strstr(text, "\nml_link_up 1\n"));
    mlc_buf_free(&a.text);
}

static void health_is_the_programs_to_say(void **state)
{
    admin_fix *const f = *state;
    cJSON *tree = ask(f, "/healthz", NULL, 200);
    assert_true(mlc_json_bool(tree, "ok", false));
    cJSON_Delete(tree);
    f->unhealthy = true;
    tree = ask(f, "/healthz", NULL, 503);
    assert_string_equal(mlc_json_str(tree, "why"), "the disk is full");
    cJSON_Delete(tree);
}

/* ---- ending ---- */

static void a_removed_store_is_unknown(void **state)
{
    admin_fix *const f = *state;
    mlc_admin_remove_store(f->admin, "nobody");
    mlc_admin_remove_store(f->admin, "agent");
    expect_error(f, "/v1/entry?store=agent&stream=jde&seq=1", NULL, 404, "known are: none");
    cJSON *const tree = ask(f, "/v1/status", NULL, 200);
    assert_int_equal(cJSON_GetArraySize(mlc_json_get(tree, "stores")), 0);
    cJSON_Delete(tree);
}

typedef struct close_race {
    admin_fix *f;
    uv_timer_t timer;
    bool closed;
} close_race;

/* The decision is committed, its completion still waits, when the routes are closed. */
static void close_routes(uv_timer_t *timer)
{
    close_race *const race = timer->data;
    if (lst_stats_of(&race->f->s, race->f->jde).ready == 0)
        return;
    race->closed = true;
    uv_close((uv_handle_t *)timer, NULL);
    mlc_admin_close(race->f->admin);
    race->f->admin = NULL;
}

static void closing_answers_those_who_wait(void **state)
{
    admin_fix *const f = *state;
    (void)admin_fix_park(f, f->jde, "order/1", "i1");
    f->s.awake = false;
    close_race race = {.f = f};
    uv_timer_init(&f->s.loop, &race.timer);
    race.timer.data = &race;
    uv_timer_start(&race.timer, close_routes, 1, 1);
    expect_error(f, "/v1/retry", "{\"stream\":\"jde\",\"seq\":1,\"operator\":\"jane\"}", 503,
                 "shutting down");
    assert_true(race.closed);
    assert_int_equal(mlc_store_dispatch(f->s.store), 1); /* must not touch what is gone */
    assert_int_equal(f->released, 0);
}

#define ADMIN_TEST(name) cmocka_unit_test_setup_teardown(name, admin_fix_set_up, admin_fix_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ADMIN_TEST(status_tells_all_streams),
        ADMIN_TEST(parked_ones_are_listed_in_pages),
        ADMIN_TEST(an_entry_is_shown_with_payload_and_history),
        ADMIN_TEST(faulty_questions_say_how_it_is_right),
        ADMIN_TEST(a_parked_one_is_released),
        ADMIN_TEST(all_parked_ones_are_released),
        ADMIN_TEST(a_sequence_stream_requeues),
        ADMIN_TEST(a_parked_one_is_dismissed_with_a_reason),
        ADMIN_TEST(faulty_decisions_are_refused),
        ADMIN_TEST(pages_of_other_sites_decide_nothing),
        ADMIN_TEST(the_trail_is_exported),
        ADMIN_TEST(the_trail_is_verified),
        ADMIN_TEST(metrics_are_prometheus_text),
        ADMIN_TEST(health_is_the_programs_to_say),
        ADMIN_TEST(a_removed_store_is_unknown),
        ADMIN_TEST(closing_answers_those_who_wait),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
