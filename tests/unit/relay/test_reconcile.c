/* test_reconcile.c - a reconciled table: pages, links that are kept, links that are refused, tables that are not tracked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/address_memory.h"
#include "relay/reconcile.h"
#include "support/dataverse_test.h"
#include "support/loop_store_test.h"

#define SELECT                                                                                               \
    "?$select=accountid,modifiedon,ml_sourcerecordid,ml_sourceversion,name,address1_line1,address1_line2,"   \
    "address1_line3,address1_city,address1_stateorprovince,address1_postalcode,address1_country"
#define ROW(number, version, modified, street)                                                               \
    "{\"@odata.etag\":\"W/\\\"" number "\\\"\",\"accountid\":\"0a1b2c3d-1111-2222-3333-44445555" number      \
    "\",\"modifiedon\":\"" modified "\",\"ml_sourcerecordid\":\"JDE/F0101/" number                           \
    "\",\"ml_sourceversion\":\"" version "\",\"name\":\"Acme\",\"address1_line1\":\"" street "\"}"
#define LATER "2100-01-01T00:00:00Z"

typedef struct rc_fix {
    lst_fix s;
    dv_fix dv;
    mlc_outbox *intake, *down;
    mlc_reconcile *reconcile;
    char link[256], next[256], page[4][2000];
    size_t found;
} rc_fix;

static void on_found(void *user)
{
    ((rc_fix *)user)->found++;
}

static mlc_code learn_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_address_fields fields = {{"Acme", "A"}};
    (void)arg;
    mlc_code code = mlc_address_memory_put(txn, "JDE/F0101/6001", "1.1.1", &fields, err);
    if (code == MLC_OK)
        code = mlc_address_memory_put(txn, "JDE/F0101/6002", "1.1.1", &fields, err);
    return code;
}

static int set_up(void **state)
{
    static const mlc_stream_spec intake = {.name = "intake", .mode = MLC_STREAM_KEYED};
    static const mlc_stream_spec down = {.name = "down", .mode = MLC_STREAM_SEQUENCE};
    mlc_error err;
    rc_fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    lst_init(&f->s);
    dv_open(&f->dv, &f->s.loop, 0);
    f->intake = lst_stream(&f->s, &intake);
    f->down = lst_stream(&f->s, &down);
    lst_check(mlc_store_run(f->s.store, learn_job, NULL, &err), &err);
    (void)snprintf(f->link, sizeof f->link, "%saccounts?$deltatoken=1", f->dv.url);
    (void)snprintf(f->next, sizeof f->next, "%saccounts?$skiptoken=2", f->dv.url);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    rc_fix *const f = *state;
    mlc_reconcile_stop(f->reconcile);
    dv_close(&f->dv);
    mlc_outbox_close(f->intake);
    mlc_outbox_close(f->down);
    lst_close_store(&f->s);
    mlc_reconcile_close(f->reconcile);
    lst_end(&f->s);
    free(f);
    return 0;
}

static void open_table(rc_fix *f)
{
    mlc_error err;
    const mlc_reconcile_options options = {.loop = &f->s.loop,
                                           .store = f->s.store,
                                           .intake = f->intake,
                                           .down = f->down,
                                           .odata = f->dv.odata,
                                           .table = &mlc_reconcile_accounts,
                                           .tenant = "acme",
                                           .prefix = "ml_",
                                           .interval_ms = 3600000,
                                           .overlap_ms = 1000,
                                           .on_found = on_found,
                                           .user = f};
    lst_check(mlc_reconcile_open(&f->reconcile, &options, &err), &err);
}

static mlc_reconcile_status status_of(const rc_fix *f)
{
    mlc_reconcile_status out;
    mlc_reconcile_status_get(f->reconcile, &out);
    return out;
}

typedef struct runs {
    const rc_fix *f;
    uint64_t wanted;
} runs;

static bool have_run(void *arg)
{
    const runs *const r = arg;
    return status_of(r->f).runs >= r->wanted;
}

static void wait_runs(rc_fix *f, uint64_t wanted)
{
    runs r = {f, wanted};
    if (!lst_run(&f->s, have_run, &r, LST_PATIENCE_MS))
        fail_msg("%d runs: %s", (int)status_of(f).runs, status_of(f).last_error);
}

static void answer(rc_fix *f, size_t at, const char *rows, const char *link_name, const char *link)
{
    char last[320] = "";
    if (link[0] != '\0')
        (void)snprintf(last, sizeof last, ",\"%s\":\"%s\"", link_name, link);
    (void)snprintf(f->page[at], sizeof f->page[at], "{\"value\":[%s]%s}", rows, last);
    dv_next(&f->dv, (dv_reply){.status = 200, .body = f->page[at]});
}

static lst_entry event(rc_fix *f, uint64_t seq)
{
    return lst_get(&f->s, f->intake, seq);
}

static void only_edits_become_events_and_the_link_is_kept(void **state)
{
    rc_fix *const f = *state;
    answer(f, 0,
           ROW("6001", "1.1.1", LATER, "A") ",{\"accountid\":\"" DV_GUID "\",\"modifiedon\":\"" LATER "\"}",
           "@odata.nextLink", f->next);
    answer(f, 1,
           ROW("6002", "1.1.1", LATER, "Edit") "," ROW("6003", "1.1.1", "2000-01-01T00:00:00Z", "Of old"),
           "@odata.deltaLink", f->link);
    open_table(f);
    wait_runs(f, 1);
    assert_string_equal(f->dv.seen[0].path, "/api/data/v9.2/accounts" SELECT);
    assert_non_null(strstr(f->dv.seen[0].head, "odata.track-changes"));
    assert_int_equal(f->dv.count, 2);
    assert_int_equal(status_of(f).found, 1);
    assert_int_equal(status_of(f).resyncs, 1);
    assert_int_equal(f->found, 1);
    assert_string_equal(event(f, 1).key, "address/0a1b2c3d-1111-2222-3333-444455556002");
    /* After a restart the link is asked, and the same version of the row is no second event. */
    mlc_reconcile_stop(f->reconcile);
    mlc_reconcile_close(f->reconcile);
    answer(f, 2, ROW("6002", "1.1.1", LATER, "Edit"), "@odata.deltaLink", f->link);
    open_table(f);
    wait_runs(f, 1);
    assert_string_equal(f->dv.seen[2].path, "/api/data/v9.2/accounts?$deltatoken=1");
    assert_int_equal(status_of(f).found, 0);
    assert_int_equal(status_of(f).resyncs, 0);
    assert_string_equal(status_of(f).set, "accounts");
}

static void a_refused_link_leads_through_the_whole_table(void **state)
{
    rc_fix *const f = *state;
    answer(f, 0, "", "@odata.deltaLink", f->link);
    open_table(f);
    wait_runs(f, 1);
    mlc_reconcile_stop(f->reconcile);
    mlc_reconcile_close(f->reconcile);
    dv_next(&f->dv, (dv_reply){.status = 400, .body = "{\"error\":{\"code\":\"0x80060400\"}}"});
    answer(f, 1, ROW("6001", "1.1.1", LATER, "A") "," ROW("6002", "1.1.1", LATER, "Edit"), "@odata.deltaLink",
           f->link);
    open_table(f);
    wait_runs(f, 1);
    assert_string_equal(f->dv.seen[2].path, "/api/data/v9.2/accounts" SELECT);
    assert_int_equal(status_of(f).found, 1);
    assert_int_equal(status_of(f).resyncs, 1);
}

static void a_table_that_is_not_tracked_is_asked_by_time(void **state)
{
    rc_fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.status = 400, .body = "{\"error\":{\"code\":\"0x80060888\"}}"});
    answer(f, 0, ROW("6002", "1.1.1", LATER, "Edit"), "", "");
    open_table(f);
    wait_runs(f, 1);
    assert_non_null(strstr(f->dv.seen[1].path,
                           SELECT "&$orderby=modifiedon&$filter=ml_sourcerecordid%20ne%20null%20and%20"
                                  "modifiedon%20ge%20"));
    assert_null(strstr(f->dv.seen[1].head, "odata.track-changes"));
    assert_int_equal(status_of(f).found, 1);
    assert_false(status_of(f).tracked);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(only_edits_become_events_and_the_link_is_kept),
        TEST(a_refused_link_leads_through_the_whole_table),
        TEST(a_table_that_is_not_tracked_is_asked_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
