/* test_delivery_link.c - the end of a delivery writes the cross-reference, and the audit event tells what was there before;
 * and upkeep closes segments of the trail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/deliverer.h"
#include "deliver/upkeep.h"
#include "store/audit.h"
#include "store/crossref.h"
#include "support/loop_store_test.h"

#define SOURCE "Dynamics/salesorders/1"
#define TARGET "JDE/F4201/1234 SO 00001"

typedef struct link_fix {
    lst_fix s;
    mlc_outbox *jde;
    mlc_deliverer *d;
    mlc_upkeep *upkeep;
    mlc_code code;      /* of the answer */
    const char *source; /* of the answer */
    int committed, wanted;
} link_fix;

static void deliver(void *user, mlc_delivery *const *items, size_t count)
{
    link_fix *const f = user;
    mlc_error err;
    assert_int_equal(count, 1);
    (void)mlc_fail(&err, f->code, "no");
    const mlc_delivery_result result = {
        .code = f->code, .err = &err, .source_id = f->source, .target_id = TARGET, .link = true};
    mlc_deliverer_finish(f->d, items[0], &result);
}

static void on_committed(void *user)
{
    ((link_fix *)user)->committed++;
}

static int set_up(void **state)
{
    mlc_error err;
    link_fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    lst_init(&f->s);
    f->source = SOURCE;
    f->jde = lst_stream(&f->s, &(mlc_stream_spec){.name = "jde", .mode = MLC_STREAM_KEYED});
    const mlc_deliverer_options options = {.loop = &f->s.loop,
                                           .store = f->s.store,
                                           .stream = f->jde,
                                           .actor = "agent",
                                           .deliver = deliver,
                                           .on_committed = on_committed,
                                           .user = f};
    lst_check(mlc_deliverer_open(&f->d, &options, &err), &err);
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

static int tear_down(void **state)
{
    link_fix *const f = *state;
    mlc_deliverer_stop(f->d);
    do
        assert_int_equal(mlc_store_run(f->s.store, nothing_job, NULL, NULL), MLC_OK);
    while (mlc_store_dispatch(f->s.store) > 0);
    mlc_outbox_close(f->jde);
    lst_close_store(&f->s);
    mlc_deliverer_close(f->d);
    mlc_upkeep_close(f->upkeep);
    lst_end(&f->s);
    free(f);
    return 0;
}

static bool is_committed(void *arg)
{
    const link_fix *const f = arg;
    return f->committed >= f->wanted;
}

/* Deliver one more and wait for its end. */
static void run_one(link_fix *f, const char *idem)
{
    f->wanted = f->committed + 1;
    (void)lst_add(&f->s, f->jde, "order/1", idem);
    mlc_deliverer_poke(f->d);
    assert_true(lst_run(&f->s, is_committed, f, LST_PATIENCE_MS));
}

typedef struct link_look {
    size_t count;
    bool hashed;
} link_look;

static bool see(const mlc_crossref *link, void *arg)
{
    link_look *const look = arg;
    look->count++;
    look->hashed = link->hash != NULL && link->written_ms > 0;
    assert_string_equal(link->other, TARGET);
    return true;
}

static mlc_code look_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    return mlc_crossref_find(txn, SOURCE, see, arg, err);
}

static link_look look_of(link_fix *f)
{
    mlc_error err;
    link_look look = {0};
    lst_check(mlc_store_read(f->s.store, look_job, &look, &err), &err);
    return look;
}

static void test_delivery_links_and_tells_what_was_before(void **state)
{
    link_fix *const f = *state;
    run_one(f, "i1");
    link_look look = look_of(f);
    assert_int_equal(look.count, 1);
    assert_true(look.hashed);
    assert_int_equal(lst_audit_count(&f->s, "\"sourceId\":\"" SOURCE "\"", "\"targetId\":\"" TARGET "\""), 1);
    assert_int_equal(lst_audit_count(&f->s, "\"delivered\"", "\"payloadBefore\""), 0);
    run_one(f, "i2"); /* now it is known what stands there */
    look = look_of(f);
    assert_int_equal(look.count, 1);
    assert_int_equal(lst_audit_count(&f->s, "\"delivered\"", "\"payloadBefore\""), 1);
}

static void test_what_was_not_delivered_is_not_linked(void **state)
{
    link_fix *const f = *state;
    f->code = MLC_E_REJECTED;
    run_one(f, "i1");
    assert_int_equal(look_of(f).count, 0);
    assert_int_equal(lst_audit_count(&f->s, "\"parked\"", SOURCE), 1);
}

/* A name that is none says so in the audit trail only: the delivery happened. */
static void test_name_that_is_none_is_no_obstacle(void **state)
{
    link_fix *const f = *state;
    f->source = "6001";
    run_one(f, "i1");
    assert_int_equal(lst_get(&f->s, f->jde, 1).state, MLC_ENTRY_DONE);
    assert_int_equal(look_of(f).count, 0);
}

static bool has_segment(void *arg)
{
    link_fix *const f = arg;
    return lst_audit_count(&f->s, "\"segment closed\"", "") >= 2;
}

static void test_upkeep_closes_segments(void **state)
{
    link_fix *const f = *state;
    mlc_error err;
    char idem[16];
    for (int i = 0; i < 12; i++) {
        (void)snprintf(idem, sizeof idem, "i%d", i);
        run_one(f, idem);
    }
    const mlc_upkeep_options options = {.loop = &f->s.loop,
                                        .store = f->s.store,
                                        .streams = {f->jde},
                                        .stream_count = 1,
                                        .interval_ms = 10,
                                        .audit = {.segment_entries = 5}};
    lst_check(mlc_upkeep_open(&f->upkeep, &options, &err), &err);
    assert_true(lst_run(&f->s, has_segment, f, LST_PATIENCE_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_delivery_links_and_tells_what_was_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_not_delivered_is_not_linked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_name_that_is_none_is_no_obstacle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_upkeep_closes_segments, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
