/* test_records.c - master records from the stream to Dynamics, through the real deliverer: addresses, batches, every kind
 * of answer, and that a late stale write never overwrites. test_records_flow.c has what hangs together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/records_test.h"

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

static void open_deliverer(rec_fix *f, size_t group)
{
    rec_open(f, group, (mlc_backoff){1, 2});
}

static uint64_t add(rec_fix *f, const char *id)
{
    return rec_add_customer(f, id, V_OUR);
}

/* ---- one at a time ---- */

static void one_customer_is_one_upsert(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv,
            (dv_reply){.status = 204, .headers = "OData-EntityId: https://org/accounts(" DV_GUID ")\r\n"});
    const uint64_t seq = add(f, "6001");
    open_deliverer(f, 1);
    const lst_entry entry = rec_wait(f, seq, MLC_ENTRY_DONE);
    assert_string_equal(entry.outcome, "204 accounts(" DV_GUID ")");
    assert_int_equal(lst_audit_count(&f->s, "delivered", "accounts(" DV_GUID ")"), 1);
    assert_int_equal(f->dv.count, 1);
    assert_string_equal(f->dv.seen[0].method, "PATCH");
    assert_string_equal(f->dv.seen[0].path, "/api/data/v9.2/accounts(accountnumber='6001')");
    assert_string_equal(f->dv.seen[0].body,
                        "{\"name\":\"Customer 6001\",\"ml_sourcerecordid\":\"JDE/customer/6001\","
                        "\"ml_sourceversion\":\"" V_OUR "\"}");
}

static void answer_without_an_id_names_the_key(void **state)
{
    rec_fix *const f = *state;
    const uint64_t seq = add(f, "6001");
    open_deliverer(f, 1);
    assert_string_equal(rec_wait(f, seq, MLC_ENTRY_DONE).outcome, "204 accounts(accountnumber='6001')");
}

static void refused_and_unreadable_records_are_parked(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv,
            (dv_reply){.status = 400, .body = "{\"error\":{\"code\":\"0x80044331\",\"message\":\"long\"}}"});
    const uint64_t refused = add(f, "6001");
    const uint64_t broken = rec_add(f, "6002", "{\"kind\":\"customer\"}");
    open_deliverer(f, 1);
    assert_non_null(strstr(rec_wait(f, refused, MLC_ENTRY_PARKED).last_error, "0x80044331: long"));
    (void)rec_wait(f, broken, MLC_ENTRY_PARKED);
    assert_int_equal(f->dv.count, 1);
}

static void passing_failures_are_tried_again(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.status = 503});
    dv_next(&f->dv, (dv_reply){.status = 412});
    dv_next(&f->dv, (dv_reply){.status = 429, .headers = "Retry-After: 1\r\n"});
    const uint64_t seq = add(f, "6001");
    open_deliverer(f, 1);
    const lst_entry entry = rec_wait(f, seq, MLC_ENTRY_DONE);
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

static void check_look(rec_fix *f, const look_case *c, const char *id)
{
    char path[128];
    const size_t before = f->dv.count;
    dv_next(&f->dv, c->first);
    dv_next(&f->dv, c->found);
    if (c->requests == 3)
        dv_next(&f->dv, (dv_reply){.status = 204});
    const uint64_t seq = add(f, id);
    mlc_deliverer_poke(f->d);
    const lst_entry entry = rec_wait(f, seq, MLC_ENTRY_DONE);
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
    rec_fix *const f = *state;
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
    rec_fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.how = DV_DROP});
    dv_next(&f->dv, (dv_reply){.status = 503});
    dv_next(&f->dv, (dv_reply){.status = 200, .body = "[]"});
    dv_next(&f->dv, (dv_reply){.how = DV_DROP});
    dv_next(&f->dv, (dv_reply){.status = 200, .body = "{\"ml_sourceversion\":\"" V_NEW "\"}"});
    const uint64_t seq = add(f, "6001");
    open_deliverer(f, 1);
    const lst_entry entry = rec_wait(f, seq, MLC_ENTRY_DONE);
    assert_string_equal(entry.outcome, "200 accounts(accountnumber='6001') superseded at target");
    assert_int_equal(f->dv.count, 5);
    for (size_t i = 1; i < 5; i++)
        assert_string_equal(f->dv.seen[i].method, "GET");
}

/* ---- several ---- */

static void several_go_in_one_batch(void **state)
{
    rec_fix *const f = *state;
    uint64_t seq[GROUP];
    char id[16];
    dv_next(&f->dv, (dv_reply){.status = 200, .headers = MIXED, .body = DONE LONG_NAME DOWN DONE END});
    dv_next(&f->dv, (dv_reply){.status = 204});
    for (int i = 0; i < GROUP; i++) {
        (void)snprintf(id, sizeof id, "%d", i + 1);
        seq[i] = add(f, id);
    }
    open_deliverer(f, GROUP);
    assert_string_equal(rec_wait(f, seq[0], MLC_ENTRY_DONE).outcome, "204 accounts(" DV_GUID ")");
    assert_non_null(strstr(rec_wait(f, seq[1], MLC_ENTRY_PARKED).last_error, "name too long"));
    (void)rec_wait(f, seq[3], MLC_ENTRY_DONE);
    const lst_entry again = rec_wait(f, seq[2], MLC_ENTRY_DONE);
    assert_int_equal(again.attempts, 2);
    assert_string_equal(f->dv.seen[0].path, "/api/data/v9.2/$batch");
    assert_string_equal(f->dv.seen[1].path, "/api/data/v9.2/accounts(accountnumber='3')");
    assert_int_equal(f->dv.count, 2);
}

static void throttled_part_waits(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.status = 200, .headers = MIXED, .body = DONE SLOW END});
    const uint64_t first = add(f, "1");
    const uint64_t second = add(f, "2");
    open_deliverer(f, GROUP);
    (void)rec_wait(f, first, MLC_ENTRY_DONE);
    const lst_entry entry = rec_wait(f, second, MLC_ENTRY_READY);
    assert_false(entry.uncertain);
    assert_true(entry.next_attempt_ms > entry.began_ms + 50 * 1000);
    assert_true(mlc_odata_throttled(f->dv.odata));
}

static void refused_batch_falls_back_to_one_by_one(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv,
            (dv_reply){.status = 400, .body = "{\"error\":{\"code\":\"0x0\",\"message\":\"bad batch\"}}"});
    const uint64_t first = add(f, "1");
    const uint64_t second = add(f, "2");
    open_deliverer(f, GROUP);
    (void)rec_wait(f, first, MLC_ENTRY_DONE);
    (void)rec_wait(f, second, MLC_ENTRY_DONE);
    assert_int_equal(f->dv.count, 3);
    assert_string_equal(f->dv.seen[1].method, "PATCH");
}

static void lost_batch_makes_all_uncertain(void **state)
{
    rec_fix *const f = *state;
    static const dv_reply found = {.status = 200, .body = "{\"ml_sourceversion\":\"" V_OUR "\"}"};
    dv_next(&f->dv, (dv_reply){.status = 200, .headers = MIXED, .body = DONE DONE END, .how = DV_CUT});
    dv_next(&f->dv, found);
    dv_next(&f->dv, found);
    const uint64_t first = add(f, "1");
    const uint64_t second = add(f, "2");
    open_deliverer(f, GROUP);
    assert_non_null(strstr(rec_wait(f, first, MLC_ENTRY_DONE).outcome, "had arrived"));
    assert_non_null(strstr(rec_wait(f, second, MLC_ENTRY_DONE).outcome, "had arrived"));
    assert_int_equal(f->dv.count, 3);
}

/* ---- the end ---- */

static void what_is_under_way_at_the_end_stays_in_flight(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.how = DV_HOLD});
    const uint64_t first = add(f, "1");
    const uint64_t second = add(f, "2");
    open_deliverer(f, GROUP);
    assert_true(dv_run_until(&f->dv, &f->dv.count, 1));
    mlc_deliverer_stop(f->d);
    dv_close_clients(&f->dv);
    assert_int_equal(rec_get(f, first).state, MLC_ENTRY_INFLIGHT);
    assert_int_equal(rec_get(f, second).state, MLC_ENTRY_INFLIGHT);
}

static void look_ended_by_close_stays_in_flight(void **state)
{
    rec_fix *const f = *state;
    f->flag_all = true;
    dv_next(&f->dv, (dv_reply){.how = DV_HOLD});
    const uint64_t seq = add(f, "1");
    open_deliverer(f, 1);
    assert_true(dv_run_until(&f->dv, &f->dv.count, 1));
    assert_string_equal(f->dv.seen[0].method, "GET");
    mlc_deliverer_stop(f->d);
    dv_close_clients(&f->dv);
    assert_int_equal(rec_get(f, seq).state, MLC_ENTRY_INFLIGHT);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rec_set_up, rec_tear_down)
    const struct CMUnitTest tests[] = {T(one_customer_is_one_upsert),
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
