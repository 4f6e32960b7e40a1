/* test_records_address.c - edits of addresses that nobody has read yet, and JDE's snapshots that come upon them. The only
 * address column of the small mapping is the name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/address_memory.h"
#include "support/records_test.h"

#define PATH      "/api/data/v9.2/accounts(accountnumber='6001')"
#define FIRST     "100.126327.1"
#define SECOND    "101.126327.2"
#define THIRD     "102.126327.3"
#define ROW_ETAG  "W/\"77\""
#define EDIT_IDEM "dyn/address/" DV_GUID "/77"

static const mlc_backoff quick = {1, 2};

static int set_up(void **state)
{
    static const mlc_stream_spec spec = {.name = "down", .mode = MLC_STREAM_SEQUENCE};
    const int result = rec_set_up(state);
    rec_fix *const f = *state;
    f->down = lst_stream(&f->s, &spec);
    return result;
}

static mlc_code learn(mlc_txn *txn, void *arg, mlc_error *err)
{
    return mlc_address_memory_learn(txn, arg, strlen(arg), err);
}

/* A snapshot of customer 6001 arrives. */
static uint64_t add(rec_fix *f, const char *version, const char *name, const char *limit)
{
    mlc_error err;
    char payload[512];
    (void)snprintf(
        payload, sizeof payload,
        "{\"kind\":\"customer\",\"id\":\"6001\",\"source\":\"JDE/F0101/6001\",\"version\":\"%s\","
        "\"gone\":false,\"rows\":{\"F0101\":{\"AN8\":\"6001\",\"ALPH\":\"%s\"},\"F03012\":{\"ACL\":\"%s\"}}}",
        version, name, limit);
    lst_check(mlc_store_run(f->s.store, learn, payload, &err), &err);
    const uint64_t seq = rec_add(f, "customer/6001", payload);
    mlc_deliverer_poke(f->d);
    return seq;
}

static void deliver(rec_fix *f, const char *version, const char *name, const char *limit)
{
    (void)rec_wait(f, add(f, version, name, limit), MLC_ENTRY_DONE);
}

/* Dynamics shows the row so. */
static void row_is(rec_fix *f, const char *version, const char *name, const char *etag)
{
    static char bodies[4][400];
    static size_t next;
    char *const body = bodies[next++ % 4];
    (void)snprintf(body, sizeof bodies[0],
                   "{\"@odata.etag\":\"W/\\\"%s\\\"\",\"accountid\":\"" DV_GUID
                   "\",\"modifiedon\":\"2026-11-25T00:00:00Z\",\"ml_sourcerecordid\":\"JDE/F0101/6001\","
                   "\"ml_sourceversion\":\"%s\",\"name\":\"%s\"}",
                   etag, version, name);
    dv_next(&f->dv, (dv_reply){.status = 200, .body = body});
}

static const dv_seen *request(const rec_fix *f, size_t at)
{
    assert_true(at < f->dv.count);
    return &f->dv.seen[at];
}

static void assert_read(const rec_fix *f, size_t at)
{
    assert_string_equal(request(f, at)->method, "GET");
    assert_int_equal(strncmp(request(f, at)->path, PATH "?$select=", strlen(PATH "?$select=")), 0);
}

/* `name`, `condition`: NULL: none. */
static void assert_written(const rec_fix *f, size_t at, const char *name, const char *condition)
{
    char text[64];
    const dv_seen *const seen = request(f, at);
    assert_string_equal(seen->method, "PATCH");
    assert_string_equal(seen->path, PATH);
    (void)snprintf(text, sizeof text, "\"name\":\"%s\"", name != NULL ? name : "");
    assert_int_equal(strstr(seen->body, name != NULL ? text : "\"name\"") != NULL, name != NULL);
    (void)snprintf(text, sizeof text, "If-Match: %s\r\n", condition != NULL ? condition : "");
    assert_int_equal(strstr(seen->head, condition != NULL ? text : "If-Match") != NULL, condition != NULL);
}

typedef struct count_arg {
    mlc_outbox *stream;
    mlc_outbox_stats stats;
} count_arg;

static mlc_code count_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    count_arg *const a = arg;
    return mlc_outbox_stats_get(txn, a->stream, &a->stats, err);
}

typedef struct edit_arg {
    mlc_outbox *stream;
    char idem[128], payload[1024];
} edit_arg;

static mlc_code edit_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    edit_arg *const a = arg;
    mlc_entry entry;
    const mlc_code code = mlc_outbox_get(txn, a->stream, 1, &entry, err);
    if (code != MLC_OK)
        return code;
    (void)snprintf(a->idem, sizeof a->idem, "%s", entry.idem);
    (void)snprintf(a->payload, sizeof a->payload, "%.*s", (int)entry.payload_len,
                   (const char *)entry.payload);
    return MLC_OK;
}

static edit_arg saved_edit(rec_fix *f)
{
    mlc_error err;
    edit_arg a = {.stream = f->down};
    lst_check(mlc_store_read(f->s.store, edit_job, &a, &err), &err);
    return a;
}

static uint64_t saved_edits(rec_fix *f)
{
    mlc_error err;
    count_arg a = {.stream = f->down};
    lst_check(mlc_store_read(f->s.store, count_job, &a, &err), &err);
    return a.stats.ready;
}

/* ---- without a further request ---- */

static void a_new_record_is_written_whole_without_a_look(void **state)
{
    rec_fix *const f = *state;
    rec_open(f, 1, quick);
    deliver(f, FIRST, "Acme", "1");
    assert_int_equal(f->dv.count, 1);
    assert_written(f, 0, "Acme", NULL);
}

static void an_address_that_did_not_change_is_left_alone_without_a_look(void **state)
{
    rec_fix *const f = *state;
    rec_open(f, 1, quick);
    deliver(f, FIRST, "Acme", "1");
    deliver(f, SECOND, "Acme", "2");
    deliver(f, THIRD, "Acme", "3");
    assert_int_equal(f->dv.count, 3);
    assert_written(f, 1, NULL, "*");
    assert_non_null(strstr(request(f, 1)->body, "\"creditlimit\":2"));
    assert_non_null(strstr(request(f, 1)->body, SECOND));
    assert_written(f, 2, NULL, "*");
}

static void a_row_that_is_gone_is_made_again_whole(void **state)
{
    rec_fix *const f = *state;
    rec_open(f, 1, quick);
    deliver(f, FIRST, "Acme", "1");
    dv_next(&f->dv, (dv_reply){.status = 204});
    dv_next(&f->dv, (dv_reply){.status = 404}); /* the write */
    dv_next(&f->dv, (dv_reply){.status = 404}); /* the look */
    deliver(f, SECOND, "Acme", "2");
    assert_int_equal(f->dv.count, 4);
    assert_written(f, 1, NULL, "*");
    assert_read(f, 2);
    assert_written(f, 3, "Acme", NULL);
}

/* ---- looking ---- */

static void a_changed_address_is_written_over_what_was_read(void **state)
{
    rec_fix *const f = *state;
    rec_open(f, 1, quick);
    dv_next(&f->dv, (dv_reply){.status = 204});
    row_is(f, FIRST, "Acme", "77");
    deliver(f, FIRST, "Acme", "1");
    deliver(f, SECOND, "Acme Ltd", "1");
    assert_int_equal(f->dv.count, 3);
    assert_read(f, 1);
    assert_written(f, 2, "Acme Ltd", ROW_ETAG);
    assert_int_equal(saved_edits(f), 0);
    /* And is what is known from then on. */
    deliver(f, THIRD, "Acme Ltd", "2");
    assert_int_equal(f->dv.count, 4);
    assert_written(f, 3, NULL, "*");
}

static void an_edit_is_saved_with_its_base_before_it_is_written_over(void **state)
{
    rec_fix *const f = *state;
    rec_open(f, 1, quick);
    dv_next(&f->dv, (dv_reply){.status = 204});
    row_is(f, FIRST, "Edited", "77");
    deliver(f, FIRST, "Acme", "1");
    deliver(f, SECOND, "Acme Ltd", "1");
    assert_written(f, 2, "Acme Ltd", ROW_ETAG);
    assert_int_equal(saved_edits(f), 1);
    const edit_arg edit = saved_edit(f);
    assert_string_equal(edit.idem, EDIT_IDEM);
    assert_non_null(strstr(edit.payload, "\"now\":{\"name\":\"Edited\""));
    assert_non_null(strstr(edit.payload, "\"base\":{\"name\":\"Acme\""));
    assert_non_null(strstr(edit.payload, "\"version\":\"" FIRST "\""));
}

static void an_edit_that_jde_has_by_now_is_no_edit(void **state)
{
    rec_fix *const f = *state;
    rec_open(f, 1, quick);
    dv_next(&f->dv, (dv_reply){.status = 204});
    row_is(f, FIRST, "Acme Ltd", "77");
    deliver(f, FIRST, "Acme", "1");
    deliver(f, SECOND, "Acme Ltd", "1");
    assert_written(f, 2, "Acme Ltd", ROW_ETAG);
    assert_int_equal(saved_edits(f), 0);
}

static void an_edit_between_look_and_write_is_looked_at_again(void **state)
{
    rec_fix *const f = *state;
    rec_open(f, 1, quick);
    dv_next(&f->dv, (dv_reply){.status = 204});
    row_is(f, FIRST, "Acme", "76");
    dv_next(&f->dv, (dv_reply){.status = 412});
    row_is(f, FIRST, "Edited", "77");
    deliver(f, FIRST, "Acme", "1");
    deliver(f, SECOND, "Acme Ltd", "1");
    assert_int_equal(f->dv.count, 5);
    assert_written(f, 2, "Acme Ltd", "W/\"76\"");
    assert_written(f, 4, "Acme Ltd", ROW_ETAG);
    assert_int_equal(saved_edits(f), 1);
}

static void a_write_that_may_have_arrived_is_not_taken_for_known(void **state)
{
    rec_fix *const f = *state;
    rec_open(f, 1, quick);
    dv_next(&f->dv, (dv_reply){.status = 204});
    row_is(f, FIRST, "Acme", "76");
    dv_next(&f->dv, (dv_reply){.status = 403}); /* and it was superseded, or parked */
    row_is(f, FIRST, "Edited", "77");
    deliver(f, FIRST, "Acme", "1");
    (void)add(f, SECOND, "Acme Ltd", "1");
    assert_true(dv_run_until(&f->dv, &f->dv.count, 5));
    assert_read(f, 3);
    assert_written(f, 4, "Acme Ltd", ROW_ETAG);
    assert_int_equal(saved_edits(f), 1);
}

static void a_lost_answer_is_looked_for(void **state)
{
    rec_fix *const f = *state;
    rec_open(f, 1, quick);
    dv_next(&f->dv, (dv_reply){.status = 204});
    row_is(f, FIRST, "Acme", "76");
    dv_next(&f->dv, (dv_reply){.how = DV_DROP});
    row_is(f, SECOND, "Acme Ltd", "77");
    deliver(f, FIRST, "Acme", "1");
    deliver(f, SECOND, "Acme Ltd", "1");
    assert_int_equal(f->dv.count, 4);
    /* It had arrived: known. */
    deliver(f, THIRD, "Acme Ltd", "2");
    assert_written(f, 4, NULL, "*");
}

static void a_record_that_is_sent_again_unchanged_is_read_and_written(void **state)
{
    rec_fix *const f = *state;
    rec_open(f, 1, quick);
    dv_next(&f->dv, (dv_reply){.status = 204});
    row_is(f, FIRST, "Edited", "77");
    deliver(f, FIRST, "Acme", "1");
    deliver(f, SECOND, "Acme", "1");
    assert_int_equal(f->dv.count, 3);
    assert_written(f, 2, "Acme", ROW_ETAG);
    assert_int_equal(saved_edits(f), 1);
}

static void a_record_whose_first_version_was_missed_is_read(void **state)
{
    rec_fix *const f = *state;
    char first[] = "{\"kind\":\"customer\",\"id\":\"6001\",\"source\":\"JDE/F0101/6001\",\"version\":\"" FIRST
                   "\",\"gone\":false,\"rows\":{\"F0101\":{\"AN8\":\"6001\",\"ALPH\":\"Acme\"}}}";
    mlc_error err;
    lst_check(mlc_store_run(f->s.store, learn, first, &err), &err);
    rec_open(f, 1, quick);
    row_is(f, FIRST, "Edited", "77");
    deliver(f, SECOND, "Acme Ltd", "1");
    assert_int_equal(f->dv.count, 2);
    assert_written(f, 1, "Acme Ltd", ROW_ETAG);
    assert_int_equal(saved_edits(f), 1);
}

static void without_the_flow_of_addresses_all_is_written_as_it_comes(void **state)
{
    rec_fix *const f = *state;
    mlc_outbox_close(f->down);
    f->down = NULL;
    rec_open(f, 1, quick);
    deliver(f, FIRST, "Acme", "1");
    deliver(f, SECOND, "Acme", "2");
    deliver(f, THIRD, "Acme Ltd", "2");
    assert_int_equal(f->dv.count, 3);
    assert_written(f, 1, "Acme", NULL);
    assert_written(f, 2, "Acme Ltd", NULL);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, rec_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_new_record_is_written_whole_without_a_look),
        TEST(an_address_that_did_not_change_is_left_alone_without_a_look),
        TEST(a_row_that_is_gone_is_made_again_whole),
        TEST(a_changed_address_is_written_over_what_was_read),
        TEST(an_edit_is_saved_with_its_base_before_it_is_written_over),
        TEST(an_edit_that_jde_has_by_now_is_no_edit),
        TEST(an_edit_between_look_and_write_is_looked_at_again),
        TEST(a_write_that_may_have_arrived_is_not_taken_for_known),
        TEST(a_lost_answer_is_looked_for),
        TEST(a_record_that_is_sent_again_unchanged_is_read_and_written),
        TEST(a_record_whose_first_version_was_missed_is_read),
        TEST(without_the_flow_of_addresses_all_is_written_as_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
