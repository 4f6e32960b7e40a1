/* test_accounts.c - customers from the stream to accounts, through the real deliverer: columns, batches, every kind of
 * answer, and that a late stale write never overwrites. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/dynamics_accounts.h"
#include "support/dataverse_test.h"
#include "support/loop_store_test.h"

#define V_OLD "126326.235959"
#define V_OUR "126327.90500"
#define V_NEW "126327.143005"
#define MIXED "Content-Type: multipart/mixed; boundary=b1\r\n"
#define PART  "--b1\r\nContent-Type: application/http\r\n\r\n"
#define DONE  PART "HTTP/1.1 204 No Content\r\nOData-EntityId: https://org/accounts(" DV_GUID ")\r\n\r\n\r\n"
#define LONG_NAME                                                                                            \
    PART "HTTP/1.1 400 Bad Request\r\n\r\n{\"error\":{\"code\":\"0x80044331\",\"message\":\"name too "       \
         "long\"}}\r\n"
#define SLOW PART "HTTP/1.1 429 Slow\r\nRetry-After: 60\r\n\r\n{}\r\n"
#define DOWN PART "HTTP/1.1 503 Down\r\n\r\n\r\n"
#define END  "--b1--\r\n"

enum { GROUP = 4 };

typedef struct fix {
    lst_fix s;
    dv_fix dv;
    mlc_outbox *stream;
    mlc_accounts *accounts;
    mlc_deliverer *d;
    bool flag_all; /* give every item as uncertain */
} fix;

static void deliver(void *user, mlc_delivery *const *items, size_t count)
{
    fix *const f = user;
    for (size_t i = 0; f->flag_all && i < count; i++)
        items[i]->uncertain = true;
    mlc_accounts_deliver(f->accounts, f->d, items, count);
}

static void open_deliverer(fix *f, size_t group)
{
    mlc_error err;
    const mlc_deliverer_options options = {.loop = &f->s.loop,
                                           .store = f->s.store,
                                           .stream = f->stream,
                                           .actor = "relay",
                                           .max_parallel = GROUP,
                                           .max_group = (unsigned)group,
                                           .max_attempts = 2,
                                           .backoff = {1, 2},
                                           .settle_ms = 1,
                                           .breaker_failures = 1000000,
                                           .deliver = deliver,
                                           .user = f};
    lst_check(mlc_deliverer_open(&f->d, &options, &err), &err);
}

static int set_up(void **state)
{
    static const mlc_account_terms terms[] = {{"N30", 1}, {"N60", 4}};
    static const mlc_stream_spec spec = {.name = "dynamics", .mode = MLC_STREAM_KEYED};
    fix *const f = calloc(1, sizeof *f);
    mlc_error err;
    assert_non_null(f);
    lst_init(&f->s);
    dv_open(&f->dv, &f->s.loop, 0);
    f->stream = lst_stream(&f->s, &spec);
    const mlc_accounts_options options = {
        .odata = f->dv.odata, .prefix = "ml_", .terms = terms, .terms_count = 2};
    lst_check(mlc_accounts_open(&f->accounts, &options, &err), &err);
    *state = f;
    return 0;
}

static mlc_code nothing_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    (void)txn;
    (void)arg;
    (void)err;
    return MLC_OK;
}

/* In the order in which a tenant ends. */
static int tear_down(void **state)
{
    fix *const f = *state;
    if (f->d != NULL)
        mlc_deliverer_stop(f->d);
    dv_close(&f->dv);
    do
        assert_int_equal(mlc_store_run(f->s.store, nothing_job, NULL, NULL), MLC_OK);
    while (mlc_store_dispatch(f->s.store) > 0);
    mlc_outbox_close(f->stream);
    lst_close_store(&f->s);
    mlc_deliverer_close(f->d);
    mlc_accounts_close(f->accounts);
    lst_end(&f->s);
    free(f);
    return 0;
}

/* ---- entries ---- */

static uint64_t add_payload(fix *f, const char *key, const char *payload)
{
    mlc_error err;
    lst_put put = {.stream = f->stream, .key = key, .idem = payload, .payload = payload};
    lst_check(mlc_store_run(f->s.store, lst_put_job, &put, &err), &err);
    return put.seq;
}

static uint64_t add(fix *f, const char *id)
{
    char payload[512];
    (void)snprintf(payload, sizeof payload,
                   "{\"kind\":\"customer\",\"id\":\"%s\",\"source\":\"JDE/F0101/%s\",\"version\":\"" V_OUR
                   "\","
                   "\"fields\":{\"name\":\"Customer %s\"}}",
                   id, id, id);
    return add_payload(f, id, payload);
}

typedef struct wait_for {
    fix *f;
    uint64_t seq;
    mlc_entry_state state;
    uint32_t attempts;
} wait_for;

static bool reached(void *arg)
{
    const wait_for *const w = arg;
    const lst_entry entry = lst_get(&w->f->s, w->f->stream, w->seq);
    return entry.state == w->state && entry.attempts >= w->attempts;
}

static lst_entry wait_state(fix *f, uint64_t seq, mlc_entry_state state)
{
    wait_for w = {f, seq, state, 1};
    if (!lst_run(&f->s, reached, &w, LST_PATIENCE_MS))
        fail_msg("entry %d: %s", (int)seq, lst_get(&f->s, f->stream, seq).last_error);
    return lst_get(&f->s, f->stream, seq);
}

/* ---- the mapping ---- */

static char *body_of(const char *payload, const mlc_account_map *map)
{
    mlc_customer c;
    mlc_error err;
    cJSON *body = NULL;
    lst_check(mlc_customer_parse(payload, strlen(payload), &c, &err), &err);
    lst_check(mlc_account_body(map, &c, &body, &err), &err);
    char *const text = mlc_json_print(body);
    cJSON_Delete(body);
    mlc_customer_free(&c);
    return text;
}

#define RECORD(fields)                                                                                       \
    "{\"kind\":\"customer\",\"id\":\"1\",\"source\":\"JDE/F0101/"                                            \
    "1\",\"version\":\"126327.1\",\"fields\":{" fields "}}"
#define OWN "\"new_sourcerecordid\":\"JDE/F0101/1\",\"new_sourceversion\":\"126327.1\"}"

static void columns_of_an_account(void **state)
{
    static const mlc_account_terms terms[] = {{"N30", 1}, {"N60", 4}};
    static const mlc_account_currency currencies[] = {{"EUR", DV_GUID}};
    const mlc_account_map full = {"new_", terms, 2, currencies, 1};
    const mlc_account_map bare = {"new_", NULL, 0, NULL, 0};
    const struct {
        const char *payload;
        const mlc_account_map *map;
        const char *body;
    } rows[] = {
        {RECORD("\"name\":\"A\",\"creditLimit\":\"90071992547409.93\",\"terms\":\"N60\",\"currency\":\"EUR\","
                "\"onHold\":true"),
         &full,
         "{\"name\":\"A\",\"creditlimit\":90071992547409.93,\"creditonhold\":true,\"paymenttermscode\":4,"
         "\"transactioncurrencyid@odata.bind\":\"/transactioncurrencies(" DV_GUID ")\"," OWN},
        {RECORD("\"terms\":\"N60\",\"currency\":\"EUR\",\"onHold\":false"), &bare,
         "{\"creditonhold\":false," OWN},
        {RECORD("\"terms\":\"X\",\"currency\":\"USD\""), &full, "{" OWN},
        {RECORD("\"name\":\"\",\"creditLimit\":\"\",\"terms\":\"\",\"currency\":\"\""), &full,
         "{\"name\":null,\"creditlimit\":null,\"paymenttermscode\":null," OWN},
        {RECORD("\"terms\":\"\""), &bare, "{" OWN}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *const text = body_of(rows[i].payload, rows[i].map);
        assert_string_equal(text, rows[i].body);
        free(text);
    }
}

static void versions_compare_by_number(void **state)
{
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {{"126327.90500", "126327.143005", -1},
                {"126327.143005", "126327.143005", 0},
                {"126327.090500", "126327.90500", 0},
                {"99365.235959", "126001.1", -1},
                {"126327", "126327.0", 0},
                {"126327.1", "126327", 1},
                {"999999999999999999999.1", "1.1", 1},
                {"x", "y", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(mlc_account_version_cmp(rows[i].a, rows[i].b), rows[i].order);
        assert_int_equal(mlc_account_version_cmp(rows[i].b, rows[i].a), -rows[i].order);
    }
    assert_true(mlc_account_version_valid(V_OUR));
    assert_false(mlc_account_version_valid(NULL) || mlc_account_version_valid("") ||
                 mlc_account_version_valid(".") || mlc_account_version_valid("1a"));
}

/* ---- one at a time ---- */

static void one_customer_is_one_upsert(void **state)
{
    fix *const f = *state;
    dv_next(&f->dv,
            (dv_reply){.status = 204, .headers = "OData-EntityId: https://org/accounts(" DV_GUID ")\r\n"});
    const uint64_t seq = add(f, "6001");
    open_deliverer(f, 1);
    const lst_entry entry = wait_state(f, seq, MLC_ENTRY_DONE);
    assert_string_equal(entry.outcome, "204 accounts(" DV_GUID ")");
    assert_int_equal(lst_audit_count(&f->s, "delivered", "accounts(" DV_GUID ")"), 1);
    assert_int_equal(f->dv.count, 1);
    assert_string_equal(f->dv.seen[0].method, "PATCH");
    assert_string_equal(f->dv.seen[0].path, "/api/data/v9.2/accounts(accountnumber='6001')");
    assert_string_equal(f->dv.seen[0].body,
                        "{\"name\":\"Customer 6001\",\"ml_sourcerecordid\":\"JDE/F0101/6001\","
                        "\"ml_sourceversion\":\"" V_OUR "\"}");
}

static void answer_without_an_id_names_the_key(void **state)
{
    fix *const f = *state;
    const uint64_t seq = add(f, "6001");
    open_deliverer(f, 1);
    assert_string_equal(wait_state(f, seq, MLC_ENTRY_DONE).outcome, "204 accounts(accountnumber='6001')");
}

static void refused_and_unreadable_records_are_parked(void **state)
{
    fix *const f = *state;
    dv_next(&f->dv,
            (dv_reply){.status = 400, .body = "{\"error\":{\"code\":\"0x80044331\",\"message\":\"long\"}}"});
    const uint64_t refused = add(f, "6001");
    const uint64_t broken = add_payload(f, "6002", "{\"kind\":\"customer\"}");
    open_deliverer(f, 1);
    assert_non_null(strstr(wait_state(f, refused, MLC_ENTRY_PARKED).last_error, "0x80044331: long"));
    (void)wait_state(f, broken, MLC_ENTRY_PARKED);
    assert_int_equal(f->dv.count, 1);
}

static void passing_failures_are_tried_again(void **state)
{
    fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.status = 503});
    dv_next(&f->dv, (dv_reply){.status = 412});
    dv_next(&f->dv, (dv_reply){.status = 429, .headers = "Retry-After: 1\r\n"});
    const uint64_t seq = add(f, "6001");
    open_deliverer(f, 1);
    const lst_entry entry = wait_state(f, seq, MLC_ENTRY_DONE);
    assert_int_equal(entry.attempts, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(f->dv.seen[i].method, "PATCH");
    assert_true(f->dv.seen[3].at_ms - f->dv.seen[2].at_ms >= 990);
}

/* ---- uncertain ---- */

/* What is found, and what is to come of it. */
typedef struct look_case {
    dv_reply first; /* leaves it open */
    dv_reply found;
    size_t requests; /* in all */
    const char *outcome;
} look_case;

static void check_look(fix *f, const look_case *c, const char *id)
{
    char path[128];
    const size_t before = f->dv.count;
    dv_next(&f->dv, c->first);
    dv_next(&f->dv, c->found);
    if (c->requests == 3)
        dv_next(&f->dv, (dv_reply){.status = 204});
    const uint64_t seq = add(f, id);
    mlc_deliverer_poke(f->d);
    const lst_entry entry = wait_state(f, seq, MLC_ENTRY_DONE);
    (void)snprintf(path, sizeof path, "/api/data/v9.2/accounts(accountnumber='%s')?$select=ml_sourceversion",
                   id);
    assert_int_equal(f->dv.count - before, c->requests);
    assert_string_equal(f->dv.seen[before].method, "PATCH");
    assert_string_equal(f->dv.seen[before + 1].method, "GET");
    assert_string_equal(f->dv.seen[before + 1].path, path);
    if (c->requests == 3)
        assert_string_equal(f->dv.seen[before + 2].method, "PATCH");
    assert_non_null(strstr(entry.outcome, c->outcome));
}

static void uncertain_writes_are_looked_up_first(void **state)
{
    fix *const f = *state;
#define FOUND(version)                                                                                       \
    {                                                                                                        \
        .status = 200, .body = "{\"accountid\":\"" DV_GUID "\",\"ml_sourceversion\":" version "}"            \
    }
    static const look_case cases[] = {
        {{.how = DV_DROP}, FOUND("\"" V_OUR "\""), 2, "200 accounts(" DV_GUID ") had arrived"},
        {{.how = DV_DROP}, FOUND("\"126327.090500\""), 2, "had arrived"},
        {{.how = DV_DROP}, FOUND("\"" V_NEW "\""), 2, "200 accounts(" DV_GUID ") superseded at target"},
        {{.how = DV_DROP}, FOUND("\"" V_OLD "\""), 3, "204 accounts(accountnumber='4')"},
        {{.how = DV_DROP}, FOUND("null"), 3, "204"},
        {{.how = DV_DROP}, FOUND("\"by hand\""), 3, "204"},
        {{.how = DV_DROP}, {.status = 404}, 3, "204"},
        {{.status = 200, .body = "<html>"}, FOUND("\"" V_OUR "\""), 2, "had arrived"},
        {{.status = 302}, FOUND("\"" V_OUR "\""), 2, "had arrived"},
        {{.status = 201, .body = "{\"accountid\":1}", .how = DV_CUT},
         FOUND("\"" V_NEW "\""),
         2,
         "superseded"}};
    char id[16];
    open_deliverer(f, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(id, sizeof id, "%d", (int)i + 1);
        check_look(f, &cases[i], id);
    }
}

static void failed_look_keeps_it_uncertain(void **state)
{
    fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.how = DV_DROP});
    dv_next(&f->dv, (dv_reply){.status = 503});
    dv_next(&f->dv, (dv_reply){.status = 200, .body = "[]"});
    dv_next(&f->dv, (dv_reply){.how = DV_DROP});
    dv_next(&f->dv, (dv_reply){.status = 200, .body = "{\"ml_sourceversion\":\"" V_NEW "\"}"});
    const uint64_t seq = add(f, "6001");
    open_deliverer(f, 1);
    const lst_entry entry = wait_state(f, seq, MLC_ENTRY_DONE);
    assert_string_equal(entry.outcome, "200 accounts(accountnumber='6001') superseded at target");
    assert_int_equal(f->dv.count, 5);
    for (size_t i = 1; i < 5; i++)
        assert_string_equal(f->dv.seen[i].method, "GET");
}

/* ---- several ---- */

static void several_go_in_one_batch(void **state)
{
    fix *const f = *state;
    uint64_t seq[GROUP];
    char id[16];
    dv_next(&f->dv, (dv_reply){.status = 200, .headers = MIXED, .body = DONE LONG_NAME DOWN DONE END});
    dv_next(&f->dv, (dv_reply){.status = 204});
    for (int i = 0; i < GROUP; i++) {
        (void)snprintf(id, sizeof id, "%d", i + 1);
        seq[i] = add(f, id);
    }
    open_deliverer(f, GROUP);
    assert_string_equal(wait_state(f, seq[0], MLC_ENTRY_DONE).outcome, "204 accounts(" DV_GUID ")");
    assert_non_null(strstr(wait_state(f, seq[1], MLC_ENTRY_PARKED).last_error, "name too long"));
    (void)wait_state(f, seq[3], MLC_ENTRY_DONE);
    const lst_entry again = wait_state(f, seq[2], MLC_ENTRY_DONE);
    assert_int_equal(again.attempts, 2);
    assert_string_equal(f->dv.seen[0].path, "/api/data/v9.2/$batch");
    assert_string_equal(f->dv.seen[1].path, "/api/data/v9.2/accounts(accountnumber='3')");
    assert_int_equal(f->dv.count, 2);
}

static void throttled_part_waits(void **state)
{
    fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.status = 200, .headers = MIXED, .body = DONE SLOW END});
    const uint64_t first = add(f, "1");
    const uint64_t second = add(f, "2");
    open_deliverer(f, GROUP);
    (void)wait_state(f, first, MLC_ENTRY_DONE);
    const lst_entry entry = wait_state(f, second, MLC_ENTRY_READY);
    assert_false(entry.uncertain);
    assert_true(entry.next_attempt_ms > entry.began_ms + 50 * 1000);
    assert_true(mlc_odata_throttled(f->dv.odata));
}

static void refused_batch_falls_back_to_one_by_one(void **state)
{
    fix *const f = *state;
    dv_next(&f->dv,
            (dv_reply){.status = 400, .body = "{\"error\":{\"code\":\"0x0\",\"message\":\"bad batch\"}}"});
    const uint64_t first = add(f, "1");
    const uint64_t second = add(f, "2");
    open_deliverer(f, GROUP);
    (void)wait_state(f, first, MLC_ENTRY_DONE);
    (void)wait_state(f, second, MLC_ENTRY_DONE);
    assert_int_equal(f->dv.count, 3);
    assert_string_equal(f->dv.seen[1].method, "PATCH");
}

static void lost_batch_makes_all_uncertain(void **state)
{
    fix *const f = *state;
    static const dv_reply found = {.status = 200, .body = "{\"ml_sourceversion\":\"" V_OUR "\"}"};
    dv_next(&f->dv, (dv_reply){.status = 200, .headers = MIXED, .body = DONE DONE END, .how = DV_CUT});
    dv_next(&f->dv, found);
    dv_next(&f->dv, found);
    const uint64_t first = add(f, "1");
    const uint64_t second = add(f, "2");
    open_deliverer(f, GROUP);
    assert_non_null(strstr(wait_state(f, first, MLC_ENTRY_DONE).outcome, "had arrived"));
    assert_non_null(strstr(wait_state(f, second, MLC_ENTRY_DONE).outcome, "had arrived"));
    assert_int_equal(f->dv.count, 3);
}

/* ---- the end ---- */

static void what_is_under_way_at_the_end_stays_in_flight(void **state)
{
    fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.how = DV_HOLD});
    const uint64_t first = add(f, "1");
    const uint64_t second = add(f, "2");
    open_deliverer(f, GROUP);
    assert_true(dv_run_until(&f->dv, &f->dv.count, 1));
    mlc_deliverer_stop(f->d);
    dv_close_clients(&f->dv);
    assert_int_equal(lst_get(&f->s, f->stream, first).state, MLC_ENTRY_INFLIGHT);
    assert_int_equal(lst_get(&f->s, f->stream, second).state, MLC_ENTRY_INFLIGHT);
}

static void look_ended_by_close_stays_in_flight(void **state)
{
    fix *const f = *state;
    f->flag_all = true;
    dv_next(&f->dv, (dv_reply){.how = DV_HOLD});
    const uint64_t seq = add(f, "1");
    open_deliverer(f, 1);
    assert_true(dv_run_until(&f->dv, &f->dv.count, 1));
    assert_string_equal(f->dv.seen[0].method, "GET");
    mlc_deliverer_stop(f->d);
    dv_close_clients(&f->dv);
    assert_int_equal(lst_get(&f->s, f->stream, seq).state, MLC_ENTRY_INFLIGHT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {cmocka_unit_test(columns_of_an_account),
                                       cmocka_unit_test(versions_compare_by_number),
                                       T(one_customer_is_one_upsert),
                                       T(answer_without_an_id_names_the_key),
                                       T(refused_and_unreadable_records_are_parked),
                                       T(passing_failures_are_tried_again),
                                       T(uncertain_writes_are_looked_up_first),
                                       T(failed_look_keeps_it_uncertain),
                                       T(several_go_in_one_batch),
                                       T(throttled_part_waits),
                                       T(refused_batch_falls_back_to_one_by_one),
                                       T(lost_batch_makes_all_uncertain),
                                       T(what_is_under_way_at_the_end_stays_in_flight),
                                       T(look_ended_by_close_stays_in_flight)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
