/* test_drift.c - the full comparison at the relay (relay/drift.h): what differs between JDE's answers, what was delivered, and the
 * rows in Dynamics; what is asked for once more; and what is only told. The test plays the agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/drift.h"
#include "relay/sent.h"
#include "support/records_test.h"

#define VERSION "100.126327.1"

enum { IDS_MAX = 8, PAYLOAD_MAX = 4096 };

typedef struct drift_fix {
    rec_fix *r;
    mlc_outbox *down;
    mlc_drift *drift;
    uint64_t read; /* messages of "down" that the agent has taken */
    int sent_down;
    char payload[PAYLOAD_MAX];
    char outcome[64];
} drift_fix;

/* ---- the agent's side ---- */

static void on_down(void *user)
{
    ((drift_fix *)user)->sent_down++;
}

static mlc_code message_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    drift_fix *const f = arg;
    mlc_entry entry;
    const mlc_code code = mlc_outbox_get(txn, f->down, f->read + 1, &entry, err);
    if (code == MLC_OK)
        (void)snprintf(f->payload, sizeof f->payload, "%s %.*s", entry.kind, (int)entry.payload_len,
                       (const char *)entry.payload);
    return code;
}

static bool has_message(void *arg)
{
    drift_fix *const f = arg;
    return mlc_store_read(f->r->s.store, message_job, f, NULL) == MLC_OK;
}

static bool has_ended(void *arg)
{
    const drift_fix *const f = arg;
    cJSON *const out = cJSON_CreateObject();
    mlc_drift_describe(f->drift, out);
    const bool running = mlc_json_bool(out, "running", true);
    cJSON_Delete(out);
    return !running;
}

/* The next question; its payload. */
static const char *next_message(drift_fix *f, const char *kind)
{
    const size_t len = strlen(kind);
    if (!lst_run(&f->r->s, has_message, f, LST_PATIENCE_MS))
        fail_msg("no %s came", kind);
    f->read++;
    if (strncmp(f->payload, kind, len) != 0)
        fail_msg("not a %s: %s", kind, f->payload);
    return f->payload + len + 1;
}

static void on_taken(mlc_delivery *item, const mlc_delivery_result *result)
{
    drift_fix *const f = item->sink_user;
    assert_int_equal(result->code, MLC_OK);
    mlc_strlcpy(f->outcome, result->outcome, sizeof f->outcome);
}

static void give(drift_fix *f, const mlc_compare_answer *answer)
{
    mlc_buf text = {0};
    mlc_error err;
    lst_check(mlc_compare_answer_print(answer, &text, &err), &err);
    mlc_delivery item = {.attempt = 1,
                         .kind = "compare.answer",
                         .payload = mlc_buf_text(&text),
                         .payload_len = text.len,
                         .sink = on_taken,
                         .sink_user = f};
    assert_int_equal(mlc_drift_check(item.payload, item.payload_len, &err), MLC_OK);
    mlc_drift_take(f->drift, NULL, &item);
    mlc_buf_free(&text);
}

/* A record as JDE or the relay knows it: the content is one letter. */
typedef struct known {
    const char *id;
    char content;
} known;

static void fingerprint_of(char content, uint8_t out[MLC_MASTER_FINGERPRINT_LEN])
{
    memset(out, content, MLC_MASTER_FINGERPRINT_LEN);
}

/* Answer the next question with the ids of these records. */
static void answer_ids(drift_fix *f, const known *records, size_t count)
{
    mlc_compare_id ids[IDS_MAX] = {0};
    mlc_compare_answer answer = {.enabled = true, .by_ids = true, .ids = ids, .id_count = count};
    mlc_error err;
    const char *const asked = next_message(f, "compare.request");
    lst_check(mlc_compare_request_parse(asked, strlen(asked), &answer.asked, &err), &err);
    for (size_t i = 0; i < count; i++) {
        mlc_strlcpy(ids[i].id, records[i].id, sizeof ids[i].id);
        ids[i].usable = true;
        fingerprint_of(records[i].content, ids[i].fingerprint);
    }
    give(f, &answer);
    assert_string_equal(f->outcome, "compared");
}

/* ---- the relay's side ---- */

static mlc_code sent_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const known *const record = arg;
    mlc_sent sent = {.version = VERSION};
    fingerprint_of(record->content, sent.fingerprint);
    return mlc_sent_put(txn, "customer", record->id, &sent, err);
}

static void delivered(drift_fix *f, known record)
{
    mlc_error err;
    lst_check(mlc_store_run(f->r->s.store, sent_job, &record, &err), &err);
}

/* The page of accounts that Dynamics will show. */
static void shows(drift_fix *f, const char *rows)
{
    dv_next(&f->r->dv, (dv_reply){.status = 200, .body = rows});
}
#define ROW(id, version) "{\"ml_sourcerecordid\":\"JDE/F0101/" id "\",\"ml_sourceversion\":\"" version "\"}"
#define ROWS(rows)       "{\"value\":[" rows "]}"

static void open_drift(drift_fix *f, uint64_t max_gone, int64_t patience_ms)
{
    mlc_error err;
    const mlc_drift_options options = {.loop = &f->r->s.loop,
                                       .store = f->r->s.store,
                                       .down = f->down,
                                       .dynamics = f->r->stream,
                                       .odata = f->r->dv.odata,
                                       .schema = f->r->schema,
                                       .mappings = &f->r->mappings,
                                       .tenant = "acme",
                                       .prefix = "ml_",
                                       .patience_ms = patience_ms,
                                       .max_gone = max_gone,
                                       .on_down = on_down,
                                       .user = f};
    lst_check(mlc_drift_open(&f->drift, &options, &err), &err);
}

static void start(drift_fix *f, bool dry)
{
    mlc_error err;
    lst_check(mlc_drift_start(f->drift, "customer", dry, &err), &err);
}

/* The whole report of the run that ends now, in f->payload. */
static const char *report(drift_fix *f)
{
    if (!lst_run(&f->r->s, has_ended, f, LST_PATIENCE_MS))
        fail_msg("the run does not end");
    cJSON *const out = cJSON_CreateObject();
    mlc_drift_describe(f->drift, out);
    char *const text = mlc_json_print(mlc_json_get(out, "last"));
    assert_non_null(text);
    mlc_strlcpy(f->payload, text, sizeof f->payload);
    free(text);
    cJSON_Delete(out);
    return f->payload;
}

static void expect(const char *text, const char *words)
{
    if (strstr(text, words) == NULL)
        fail_msg("no %s in %s", words, text);
}

static uint64_t messages(drift_fix *f)
{
    return lst_stats_of(&f->r->s, f->down).next_seq - 1;
}

static int set_up(void **state)
{
    static const mlc_stream_spec down = {.name = "down", .mode = MLC_STREAM_SEQUENCE};
    drift_fix *const f = calloc(1, sizeof *f);
    void *inner = NULL;
    assert_non_null(f);
    assert_int_equal(rec_set_up(&inner), 0);
    f->r = inner;
    f->down = lst_stream(&f->r->s, &down);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    drift_fix *const f = *state;
    void *inner = f->r;
    mlc_drift_stop(f->drift);
    do
        assert_int_equal(mlc_store_run(f->r->s.store, rec_nothing_job, NULL, NULL), MLC_OK);
    while (mlc_store_dispatch(f->r->s.store) > 0);
    mlc_drift_close(f->drift);
    mlc_outbox_close(f->down);
    assert_int_equal(rec_tear_down(&inner), 0);
    free(f);
    return 0;
}

/* ---- tests ---- */

static void equal_sides_are_told_as_such(void **state)
{
    drift_fix *const f = *state;
    const known record = {"6001", 'a'};
    delivered(f, record);
    shows(f, ROWS(ROW("6001", VERSION)));
    open_drift(f, 100, 60000);
    start(f, false);
    answer_ids(f, &record, 1);
    const char *const text = report(f);
    expect(text, "\"done\":true");
    expect(text, "\"records\":1,\"missing\":0,\"stale\":0,\"extra\":0,\"changed\":0");
    assert_int_equal(messages(f), 1);
    expect(f->r->dv.seen[0].path, "accounts?$select=ml_sourcerecordid,ml_sourceversion,statecode,");
}

static void each_difference_is_found_and_asked_for_once_more(void **state)
{
    drift_fix *const f = *state;
    const known jde[] = {{"6001", 'a'}, {"6002", 'a'}, {"6003", 'b'}};
    delivered(f, (known){"6001", 'a'});
    delivered(f, (known){"6003", 'a'}); /* another content */
    delivered(f, (known){"6004", 'a'}); /* gone from JDE */
    delivered(f, (known){"6005", 'a'}); /* gone from JDE, and its row as well */
    /* 6001 shows an older version. */
    shows(f, ROWS(ROW("6001", "99.1.1") "," ROW("6003", VERSION) "," ROW("6004", VERSION)));
    open_drift(f, 100, 60000);
    start(f, false);
    answer_ids(f, jde, 3);
    const char *const heal = next_message(f, "resend.request");
    mlc_resend_request request;
    mlc_error err;
    lst_check(mlc_resend_parse(heal, strlen(heal), &request, &err), &err);
    assert_string_equal(request.of, "customer");
    assert_int_equal(request.id_count, 4);
    assert_string_equal(request.ids[0].id, "6002");
    assert_false(request.ids[0].known);
    assert_string_equal(request.ids[1].id, "6003");
    assert_true(request.ids[1].known);
    mlc_resend_free(&request);
    const char *const gone = next_message(f, "resend.request");
    expect(gone, "{\"id\":\"6004\",\"known\":true},{\"id\":\"6005\",\"known\":true}");
    const char *const text = report(f);
    expect(text, "\"records\":3,\"missing\":2,\"stale\":2,\"extra\":2,\"changed\":0");
    expect(text, "\"sentAgain\":6,\"held\":0");
    expect(text, "{\"id\":\"6002\",\"what\":\"missing\"}");
    assert_int_equal(lst_audit_count(&f->r->s, "\"action\":\"compared\"", "\"outcome\":\"drift\""), 1);
    assert_int_equal(messages(f), 3);
}

static void a_row_of_ours_that_nobody_knows_is_extra_unless_inactive(void **state)
{
    drift_fix *const f = *state;
    shows(f, ROWS("{\"ml_sourcerecordid\":\"JDE/F0101/6006\",\"ml_sourceversion\":\"1.1.1\",\"statecode\":0}"
                  ",{\"ml_sourcerecordid\":\"JDE/F0101/6007\",\"ml_sourceversion\":\"1.1.1\",\"statecode\":1}"
                  ",{\"ml_sourcerecordid\":\"JDE/F9999/1\",\"ml_sourceversion\":\"1.1.1\",\"statecode\":0}"));
    open_drift(f, 100, 60000);
    start(f, true);
    answer_ids(f, NULL, 0);
    const char *const text = report(f);
    expect(text, "\"missing\":0,\"stale\":0,\"extra\":1");
    expect(text, "\"samples\":[{\"id\":\"6006\",\"what\":\"extra\"}]");
}

static void a_dry_run_only_tells(void **state)
{
    drift_fix *const f = *state;
    const known jde = {"6001", 'a'};
    delivered(f, (known){"6002", 'a'});
    shows(f, ROWS(ROW("6002", VERSION)));
    open_drift(f, 100, 60000);
    start(f, true);
    answer_ids(f, &jde, 1);
    const char *const text = report(f);
    expect(text, "\"dry\":true");
    expect(text, "\"missing\":1,\"stale\":0,\"extra\":1");
    expect(text, "\"sentAgain\":0");
    assert_int_equal(messages(f), 1);
}

static void when_too_many_are_gone_none_is_deactivated(void **state)
{
    drift_fix *const f = *state;
    const known jde = {"6003", 'b'};
    delivered(f, (known){"6001", 'a'});
    delivered(f, (known){"6002", 'a'});
    delivered(f, (known){"6003", 'a'});
    shows(f, ROWS(ROW("6001", VERSION) "," ROW("6002", VERSION) "," ROW("6003", VERSION)));
    open_drift(f, 1, 60000);
    start(f, false);
    answer_ids(f, &jde, 1);
    expect(next_message(f, "resend.request"), "[{\"id\":\"6003\",\"known\":true}]");
    const char *const text = report(f);
    expect(text, "\"extra\":2");
    expect(text, "\"sentAgain\":1,\"held\":2");
    assert_int_equal(messages(f), 2);
}

static void what_is_under_way_is_left_alone(void **state)
{
    drift_fix *const f = *state;
    const known jde = {"6001", 'a'};
    (void)rec_add_customer(f->r, "6001", "100.1.1"); /* no deliverer is open: it waits */
    shows(f, ROWS(""));
    open_drift(f, 100, 60000);
    start(f, false);
    answer_ids(f, &jde, 1);
    const char *const text = report(f);
    expect(text, "\"missing\":0");
    expect(text, "\"underWay\":1,\"sentAgain\":0");
}

static void only_ranges_that_differ_are_asked_for(void **state)
{
    drift_fix *const f = *state;
    mlc_range ranges[] = {{.from = 0, .to = 7000}, {.from = 7000, .to = INT64_MAX}};
    mlc_compare_answer answer = {.enabled = true, .ranges = ranges, .range_count = 2};
    const known other = {"7001", 'b'};
    uint8_t print[MLC_MASTER_FINGERPRINT_LEN];
    mlc_error err;
    delivered(f, (known){"6001", 'a'});
    delivered(f, (known){"7001", 'a'});
    shows(f, ROWS(ROW("6001", VERSION) "," ROW("7001", VERSION)));
    open_drift(f, 100, 60000);
    start(f, false);
    const char *const asked = next_message(f, "compare.request");
    lst_check(mlc_compare_request_parse(asked, strlen(asked), &answer.asked, &err), &err);
    assert_int_equal(answer.asked.from, 0);
    assert_true(answer.asked.to == INT64_MAX);
    fingerprint_of('a', print);
    lst_check(mlc_range_add(&ranges[0].sum, "6001", print, &err), &err);
    fingerprint_of('b', print);
    lst_check(mlc_range_add(&ranges[1].sum, "7001", print, &err), &err);
    give(f, &answer);
    answer_ids(f, &other, 1);
    expect(next_message(f, "resend.request"), "[{\"id\":\"7001\",\"known\":true}]");
    expect(report(f), "\"records\":2,\"missing\":0,\"stale\":1");
    assert_int_equal(messages(f), 3);
}

static void a_flow_that_is_off_is_not_compared(void **state)
{
    drift_fix *const f = *state;
    mlc_compare_answer answer = {.enabled = false, .by_ids = true};
    mlc_error err;
    delivered(f, (known){"6001", 'a'});
    open_drift(f, 100, 60000);
    start(f, false);
    const char *const asked = next_message(f, "compare.request");
    lst_check(mlc_compare_request_parse(asked, strlen(asked), &answer.asked, &err), &err);
    give(f, &answer);
    const char *const text = report(f);
    expect(text, "\"enabled\":false");
    expect(text, "\"extra\":0");
    assert_int_equal(f->r->dv.count, 0);
}

static void an_agent_that_is_silent_ends_the_run(void **state)
{
    drift_fix *const f = *state;
    mlc_compare_answer late = {.enabled = true, .by_ids = true};
    mlc_error err;
    open_drift(f, 100, 50);
    start(f, false);
    const char *const asked = next_message(f, "compare.request");
    lst_check(mlc_compare_request_parse(asked, strlen(asked), &late.asked, &err), &err);
    const char *const text = report(f);
    expect(text, "\"done\":false");
    expect(text, "the agent did not answer");
    give(f, &late);
    assert_string_equal(f->outcome, "nobody waits for it");
    assert_int_equal(f->r->dv.count, 0);
}

static void a_list_that_cannot_be_read_ends_the_run(void **state)
{
    drift_fix *const f = *state;
    dv_next(&f->r->dv, (dv_reply){.status = 200, .body = "{\"rows\":[]}"});
    open_drift(f, 100, 60000);
    start(f, false);
    answer_ids(f, NULL, 0);
    expect(report(f), "without \\\"value\\\"");
}

static void one_run_at_a_time_and_of_a_kind_that_is(void **state)
{
    drift_fix *const f = *state;
    mlc_error err;
    open_drift(f, 100, 60000);
    assert_int_equal(mlc_drift_start(f->drift, "invoice", false, &err), MLC_E_NOTFOUND);
    start(f, false);
    assert_int_equal(mlc_drift_start(f->drift, NULL, false, &err), MLC_E_CONFLICT);
}

static void the_last_report_outlives_the_program(void **state)
{
    drift_fix *const f = *state;
    char kept[PAYLOAD_MAX];
    shows(f, ROWS(""));
    open_drift(f, 100, 60000);
    start(f, true);
    answer_ids(f, NULL, 0);
    mlc_strlcpy(kept, report(f), sizeof kept);
    mlc_drift_stop(f->drift);
    do
        assert_int_equal(mlc_store_run(f->r->s.store, rec_nothing_job, NULL, NULL), MLC_OK);
    while (mlc_store_dispatch(f->r->s.store) > 0);
    mlc_drift_close(f->drift);
    open_drift(f, 100, 60000);
    assert_string_equal(report(f), kept);
}

#define DRIFT_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DRIFT_TEST(equal_sides_are_told_as_such),
        DRIFT_TEST(each_difference_is_found_and_asked_for_once_more),
        DRIFT_TEST(a_row_of_ours_that_nobody_knows_is_extra_unless_inactive),
        DRIFT_TEST(a_dry_run_only_tells),
        DRIFT_TEST(when_too_many_are_gone_none_is_deactivated),
        DRIFT_TEST(what_is_under_way_is_left_alone),
        DRIFT_TEST(only_ranges_that_differ_are_asked_for),
        DRIFT_TEST(a_flow_that_is_off_is_not_compared),
        DRIFT_TEST(an_agent_that_is_silent_ends_the_run),
        DRIFT_TEST(a_list_that_cannot_be_read_ends_the_run),
        DRIFT_TEST(one_run_at_a_time_and_of_a_kind_that_is),
        DRIFT_TEST(the_last_report_outlives_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
