/* Orders into JDE: looked up before they are made, made once, reported in the job that ends them, looked up again after an
 * unclear outcome; and the gate that lets in nothing else (executor.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/executor.h"
#include "crypto/crypto.h"
#include "deliver/held.h"
#include "support/ais_test.h"
#include "support/loop_store_test.h"

#define ORDER_ID "01234567-89ab-cdef-0123-456789abcdef"
#define FOUND(rows)                                                                                          \
    "{\"fs_DATABROWSE_F4201\":{\"data\":{\"gridData\":{\"rowset\":[" rows                                    \
    "],\"summary\":{\"moreRecords\":false}}}}}"
#define ROW "{\"F4201_DOCO\":1001,\"F4201_DCTO\":\"SO\",\"F4201_KCOO\":\"00001\"}"

#define LONG64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LONG   "{\"filler\":\"" LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 "\"}"

typedef struct exec_fix {
    ais_fix *a;
    lst_fix s; /* its store and waker, on the loop of the AIS test */
    mlc_outbox *jde, *up, *held;
    mlc_executor *e;
    mlc_map *map;
    mlc_catalogue *catalogue;
    const char *number, *idem; /* of the order; NULL: the usual */
    mlc_buf order;
    int reported;
    uint64_t seq;
} exec_fix;

static void on_reported(void *user)
{
    exec_fix *const f = user;
    f->reported++;
}

static void print_order(exec_fix *f)
{
    char reference[MLC_BASE36_128_MAX];
    mlc_error err;
    assert_int_equal(mlc_uuid_to_base36(ORDER_ID, reference, NULL), MLC_OK);
    mlc_order_line line = {.line = 1, .item = "ITEM-00001", .quantity = "5", .uom = "EA", .price = "250"};
    const mlc_order order = {.id = ORDER_ID,
                             .source = "Dynamics/salesorder/" ORDER_ID,
                             .reference = reference,
                             .number = f->number != NULL ? f->number : "ORD-1",
                             .customer = "6001",
                             .currency = "USD",
                             .order_date = "2026-11-23",
                             .lines = &line,
                             .line_count = 1};
    lst_check(mlc_order_print(&order, &f->order, &err), &err);
}

static void fix_open_with(exec_fix *f, bool purchase, size_t answer_max)
{
    const mlc_stream_spec jde = {.name = "jde", .mode = MLC_STREAM_KEYED};
    const mlc_stream_spec up = {.name = "up", .mode = MLC_STREAM_SEQUENCE};
    const mlc_stream_spec held = {.name = MLC_HELD_STREAM, .mode = MLC_STREAM_KEYED, .supersede = true};
    mlc_error err;
    memset(f, 0, sizeof *f);
    f->a = ais_fix_new();
    f->a->options.timeout_ms = 300;
    f->a->options.answer_max = answer_max;
    net_make_dir(f->s.dir, sizeof f->s.dir);
    lst_check(mlc_waker_open(&f->s.waker, &f->a->loop, lst_on_wake, &f->s, &err), &err);
    f->s.awake = true;
    lst_open_store(&f->s);
    f->jde = lst_stream(&f->s, &jde);
    f->up = lst_stream(&f->s, &up);
    f->held = lst_stream(&f->s, &held);
    print_order(f);
    lst_check(mlc_map_load_default(purchase ? "purchase-order" : "order", &f->map, &err), &err);
    lst_check(mlc_catalogue_open(&f->catalogue, NULL, NULL, &err), &err);
    ais_fix_open(f->a);
    const mlc_executor_options options = {
        .store = f->s.store,
        .jde = f->jde,
        .up = f->up,
        .held = f->held,
        .ais = f->a->ais,
        .tenant = "acme",
        .orchestration = "ML_CreateSalesOrder",
        .orchestration_version = 3,
        .map = f->map,
        .catalogue = f->catalogue,
        .target = {.purchase = purchase, .order_type = "SO", .company = "00001", .branch_plant = "30"},
        .on_reported = on_reported,
        .user = f};
    const mlc_deliverer_options delivery = {.loop = &f->a->loop,
                                            .max_attempts = 3,
                                            .backoff = {.base_ms = 1, .cap_ms = 2},
                                            .settle_ms = 50,
                                            .breaker_failures = 1000000};
    lst_check(mlc_executor_open(&f->e, &options, &delivery, &err), &err);
}

static void fix_open_for(exec_fix *f, bool purchase)
{
    fix_open_with(f, purchase, 0);
}

static void fix_open(exec_fix *f)
{
    fix_open_for(f, false);
}

static void fix_close(exec_fix *f)
{
    mlc_executor_stop(f->e);
    ais_fix_close(f->a);
    (void)mlc_store_drain(f->s.store, NULL);
    mlc_outbox_close(f->jde);
    mlc_outbox_close(f->up);
    mlc_outbox_close(f->held);
    lst_close_store(&f->s);
    mlc_executor_close(f->e);
    mlc_map_free(f->map);
    mlc_catalogue_free(f->catalogue);
    mlc_waker_close(f->s.waker);
    ais_fix_free(f->a);
    net_remove_dir(f->s.dir);
    mlc_buf_free(&f->order);
}

/* A message through the gate. */
typedef struct gate_put {
    exec_fix *f;
    const char *kind, *payload;
} gate_put;

static mlc_code accept_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const gate_put *const put = arg;
    mlc_executor_gate gate = {.jde = put->f->jde, .tenant = "acme"};
    const mlc_entry_new message = {.tenant = "forged",
                                   .key = "k",
                                   .idem = put->f->idem != NULL ? put->f->idem
                                                                : "dyn/salesorder/" ORDER_ID "/create",
                                   .kind = put->kind,
                                   .correlation = "corr",
                                   .payload = put->payload,
                                   .payload_len = strlen(put->payload),
                                   .now_ms = mlc_wall_ms()};
    return mlc_executor_accept(txn, &message, &gate, err);
}

static mlc_code let_in(exec_fix *f, const char *kind, const char *payload, mlc_error *err)
{
    gate_put put = {f, kind, payload};
    return mlc_store_run(f->s.store, accept_job, &put, err);
}

static mlc_entry_state state_of(exec_fix *f)
{
    return lst_get(&f->s, f->jde, 1).state;
}

/* Let the order in and wait until it is done or parked. */
static mlc_entry_state run_order(exec_fix *f)
{
    mlc_error err;
    lst_check(let_in(f, "order", mlc_buf_text(&f->order), &err), &err);
    mlc_deliverer_poke(mlc_executor_deliverer(f->e));
    for (int i = 0; i < 1000; i++) {
        const mlc_entry_state state = state_of(f);
        if (state == MLC_ENTRY_DONE || state == MLC_ENTRY_PARKED)
            break;
        net_run_for(&f->a->loop, 5);
    }
    net_run_for(&f->a->loop, 20);
    return state_of(f);
}

typedef struct report {
    mlc_outbox *up;
    char text[1024];
} report;

static mlc_code report_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    report *const r = arg;
    mlc_entry entry;
    const mlc_code code = mlc_outbox_get(txn, r->up, 1, &entry, err);
    if (code == MLC_OK)
        (void)snprintf(r->text, sizeof r->text, "%s %s", entry.kind, (const char *)entry.payload);
    return code;
}

static void expect_report(exec_fix *f, const char *a, const char *b)
{
    mlc_error err;
    report r = {.up = f->up};
    lst_check(mlc_store_read(f->s.store, report_job, &r, &err), &err);
    if (strstr(r.text, "order.result ") != r.text || strstr(r.text, a) == NULL || strstr(r.text, b) == NULL)
        fail_msg("the report is: %s", r.text);
    assert_true(f->reported > 0);
    assert_int_equal(lst_stats_of(&f->s, f->up).next_seq, 2); /* one report, whatever the attempts */
}

static size_t creations(const exec_fix *f)
{
    size_t count = 0;
    for (size_t i = 0; i < f->a->asked_count; i++)
        count += strstr(f->a->asked[i].path, "/orchestrator/") != NULL ? 1U : 0U;
    return count;
}

static void test_new_order_is_made_and_reported(void **state)
{
    exec_fix f;
    (void)state;
    fix_open(&f);
    ais_script(f.a, {200, FOUND(""), false},
               {200, "{\"DOCO\":1001,\"DCTO\":\"SO\",\"KCOO\":\"00001\"}", false});
    assert_int_equal(run_order(&f), MLC_ENTRY_DONE);
    assert_int_equal(creations(&f), 1);
    assert_non_null(strstr(f.a->asked[0].body, "F4201.VR01"));
    expect_report(&f, "\"status\":\"created\"", "\"doco\":\"1001\"");
    fix_close(&f);
}

/* In a dry run. JDE has no such order when it is asked, twice, and makes it then. */
static void fix_open_dry(exec_fix *f)
{
    mlc_error err;
    fix_open(f);
    lst_check(mlc_executor_set_dry(f->e, true, &err), &err);
    ais_script(f->a, {200, FOUND(""), false}, {200, FOUND(""), false},
               {200, "{\"DOCO\":1001,\"DCTO\":\"SO\",\"KCOO\":\"00001\"}", false});
}

/* The held order came back as entry 2 and is made. */
static void expect_made_at_last(exec_fix *f)
{
    for (int i = 0; i < 1000 && lst_get(&f->s, f->jde, 2).state != MLC_ENTRY_DONE; i++)
        net_run_for(&f->a->loop, 5);
    net_run_for(&f->a->loop, 20);
    assert_int_equal(creations(f), 1);
    assert_int_equal(lst_get(&f->s, f->held, 1).state, MLC_ENTRY_DONE);
}

/* Tried only, then made without a restart. */
static void test_held_order_is_made_when_the_dry_run_ends(void **state)
{
    exec_fix f;
    mlc_error err;
    (void)state;
    fix_open_dry(&f);
    assert_int_equal(run_order(&f), MLC_ENTRY_DONE);
    assert_int_equal(creations(&f), 0);
    assert_int_equal(lst_get(&f.s, f.held, 1).state, MLC_ENTRY_READY);
    lst_check(mlc_executor_set_dry(f.e, false, &err), &err);
    expect_made_at_last(&f);
    expect_report(&f, "\"status\":\"created\"", "\"doco\":\"1001\"");
    fix_close(&f);
}

/* What was under way when the dry run ended is held all the same, and must not stay so. */
static void test_dry_run_ends_while_an_order_is_under_way(void **state)
{
    exec_fix f;
    mlc_error err;
    (void)state;
    fix_open_dry(&f);
    lst_check(let_in(&f, "order", mlc_buf_text(&f.order), &err), &err);
    mlc_deliverer_poke(mlc_executor_deliverer(f.e));
    for (int i = 0; i < 1000 && f.a->asked_count == 0; i++)
        net_run_for(&f.a->loop, 1);
    assert_int_equal(state_of(&f), MLC_ENTRY_INFLIGHT);
    lst_check(mlc_executor_set_dry(f.e, false, &err), &err);
    for (int i = 0; i < 1000 && lst_stats_of(&f.s, f.jde).next_seq < 3; i++)
        net_run_for(&f.a->loop, 5);
    assert_int_equal(lst_stats_of(&f.s, f.jde).next_seq, 3);
    expect_made_at_last(&f);
    fix_close(&f);
}

typedef struct tried {
    bool ended;
    mlc_code code;
    char outcome[64];
} tried;

static void on_tried(mlc_delivery *item, const mlc_delivery_result *result)
{
    tried *const end = item->sink_user;
    end->ended = true;
    end->code = result->code;
    mlc_strlcpy(end->outcome, result->outcome != NULL ? result->outcome : "", sizeof end->outcome);
    result->effect_free(result->effect_arg);
}

/* As a replay does it: the order is made by the same way, and no stream knows of it. */
static void test_order_that_is_no_entry_is_made_and_leaves_nothing(void **state)
{
    exec_fix f;
    tried end = {0};
    (void)state;
    fix_open(&f);
    ais_script(f.a, {200, FOUND(""), false},
               {200, "{\"DOCO\":1001,\"DCTO\":\"SO\",\"KCOO\":\"00001\"}", false});
    mlc_delivery item = {.attempt = 1,
                         .tenant = "acme",
                         .key = "order/" ORDER_ID,
                         .idem = "dyn/salesorder/" ORDER_ID "/create",
                         .kind = "order",
                         .correlation = "c",
                         .payload = mlc_buf_text(&f.order),
                         .payload_len = f.order.len,
                         .sink = on_tried,
                         .sink_user = &end};
    mlc_executor_try(f.e, &item);
    while (!end.ended)
        (void)uv_run(&f.a->loop, UV_RUN_ONCE);
    assert_int_equal(end.code, MLC_OK);
    assert_string_equal(end.outcome, "created 1001 SO 00001");
    assert_int_equal(creations(&f), 1);
    net_run_for(&f.a->loop, 20);
    assert_int_equal(lst_stats_of(&f.s, f.up).next_seq, 1);
    assert_int_equal(lst_stats_of(&f.s, f.jde).next_seq, 1);
    assert_int_equal(f.reported, 0);
    fix_close(&f);
}

static void test_order_that_is_there_is_not_made_again(void **state)
{
    exec_fix f;
    (void)state;
    fix_open(&f);
    ais_script(f.a, {200, FOUND(ROW), false});
    assert_int_equal(run_order(&f), MLC_ENTRY_DONE);
    assert_int_equal(creations(&f), 0);
    expect_report(&f, "\"status\":\"created\"", "\"kcoo\":\"00001\"");
    fix_close(&f);
}

/* The answer got lost after JDE had done its work: the second attempt finds the order. */
static void test_unclear_outcome_is_looked_up(void **state)
{
    exec_fix f;
    (void)state;
    fix_open(&f);
    ais_script(f.a, {200, FOUND(""), false}, {0, "", true}, {200, FOUND(ROW), false});
    assert_int_equal(run_order(&f), MLC_ENTRY_DONE);
    assert_int_equal(creations(&f), 1);
    assert_int_equal(f.a->asked_count, 3);
    expect_report(&f, "\"status\":\"created\"", "\"doco\":\"1001\"");
    fix_close(&f);
}

/* More than the client takes: the order is not at fault, so it is not parked, and not made twice. */
static void test_answers_without_end_are_tried_again(void **state)
{
    exec_fix f;
    (void)state;
    fix_open_with(&f, false, 400);
    ais_script(f.a, {200, LONG, false}, {200, FOUND(""), false}, {200, LONG, false},
               {200, FOUND(ROW), false});
    assert_int_equal(run_order(&f), MLC_ENTRY_DONE);
    assert_int_equal(creations(&f), 1);
    assert_int_equal(f.a->asked_count, 4);
    expect_report(&f, "\"status\":\"created\"", "\"doco\":\"1001\"");
    fix_close(&f);
}

static void test_answer_without_a_number_is_looked_up(void **state)
{
    exec_fix f;
    (void)state;
    fix_open(&f);
    ais_script(f.a, {200, FOUND(""), false}, {200, "{\"jde__status\":\"SUCCESS\"}", false},
               {200, FOUND(ROW), false});
    assert_int_equal(run_order(&f), MLC_ENTRY_DONE);
    assert_int_equal(creations(&f), 1);
    expect_report(&f, "\"status\":\"created\"", "\"doco\":\"1001\"");
    fix_close(&f);
}

static void test_refused_order_is_parked_and_reported(void **state)
{
    exec_fix f;
    (void)state;
    fix_open(&f);
    ais_script(f.a, {200, FOUND(""), false},
               {200, "{\"jde__status\":\"ERROR\",\"jde__simpleMessage\":\"Item unknown\"}", false});
    assert_int_equal(run_order(&f), MLC_ENTRY_PARKED);
    assert_int_equal(creations(&f), 1);
    expect_report(&f, "\"status\":\"failed\"", "Item unknown");
    fix_close(&f);
}

/* A look-up that fails writes nothing; the order is made when JDE is back. */
static void test_failed_look_up_is_tried_again(void **state)
{
    exec_fix f;
    (void)state;
    fix_open(&f);
    ais_script(f.a, {503, "{}", false}, {200, FOUND(""), false}, {200, "{\"DOCO\":1001}", false});
    assert_int_equal(run_order(&f), MLC_ENTRY_DONE);
    assert_int_equal(creations(&f), 1);
    /* type and company are those it was asked for */
    expect_report(&f, "\"dcto\":\"SO\"", "\"kcoo\":\"00001\"");
    fix_close(&f);
}

/* The reference is too long for VR02: nothing is sent, and the item that JDE does not know is told of as well. */
static void test_faulty_order_is_not_sent_and_all_its_faults_are_told(void **state)
{
    exec_fix f;
    (void)state;
    fix_open(&f);
    f.number = "ORD-12345678901234567890123";
    mlc_buf_clear(&f.order);
    print_order(&f);
    ais_script(
        f.a, {200, FOUND(""), false},
        {200,
         "{\"fs_DATABROWSE_F4101\":{\"data\":{\"gridData\":{\"rowset\":[],\"summary\":{\"moreRecords\":"
         "false}}}}}",
         false});
    assert_int_equal(run_order(&f), MLC_ENTRY_PARKED);
    assert_int_equal(creations(&f), 0);
    expect_report(&f, "Reference2 (JDE VR02): has 27 characters, at most 25 fit; shorten it",
                  "line 1 item: \\\"ITEM-00001\\\" is not in JDE's item master");
    fix_close(&f);
}

/* JDE cannot be asked for the items: the faults that are known are told. */
static void test_faulty_order_is_reported_without_the_items_too(void **state)
{
    exec_fix f;
    (void)state;
    fix_open(&f);
    f.number = "ORD-12345678901234567890123";
    mlc_buf_clear(&f.order);
    print_order(&f);
    ais_script(f.a, {200, FOUND(""), false}, {503, "{}", false});
    assert_int_equal(run_order(&f), MLC_ENTRY_PARKED);
    expect_report(&f, "\"code\":\"invalid\"", "JDE VR02");
    fix_close(&f);
}

/* It takes the place of the parked one, which would hold it back. */
static void test_mended_order_is_made(void **state)
{
    exec_fix f;
    mlc_error err;
    (void)state;
    fix_open(&f);
    ais_script(f.a, {200, FOUND(""), false},
               {200, "{\"jde__status\":\"ERROR\",\"jde__simpleMessage\":\"Item unknown\"}", false},
               {200, FOUND(""), false}, {200, "{\"DOCO\":1002}", false});
    assert_int_equal(run_order(&f), MLC_ENTRY_PARKED);
    f.idem = "dyn/salesorder/" ORDER_ID "/create/0123";
    lst_check(let_in(&f, "order", mlc_buf_text(&f.order), &err), &err);
    assert_int_equal(lst_get(&f.s, f.jde, 1).state, MLC_ENTRY_DONE);
    mlc_deliverer_poke(mlc_executor_deliverer(f.e));
    for (int i = 0; i < 1000 && lst_get(&f.s, f.jde, 2).state != MLC_ENTRY_DONE; i++)
        net_run_for(&f.a->loop, 5);
    assert_int_equal(lst_get(&f.s, f.jde, 2).state, MLC_ENTRY_DONE);
    assert_int_equal(creations(&f), 2);
    fix_close(&f);
}

static void test_purchase_orders_are_looked_up_in_their_own_table(void **state)
{
    exec_fix f;
    (void)state;
    fix_open_for(&f, true);
    ais_script(f.a, {200,
                     "{\"fs_DATABROWSE_F4301\":{\"data\":{\"gridData\":{\"rowset\":[{\"F4301_DOCO\":77,"
                     "\"F4301_DCTO\":\"OP\","
                     "\"F4301_KCOO\":\"00001\"}],\"summary\":{\"moreRecords\":false}}}}}",
                     false});
    assert_int_equal(run_order(&f), MLC_ENTRY_DONE);
    assert_int_equal(creations(&f), 0);
    assert_non_null(strstr(f.a->asked[0].body, "F4301.VR01"));
    expect_report(&f, "\"doco\":\"77\"", "\"dcto\":\"OP\"");
    fix_close(&f);
}

static void test_gate_takes_orders_only(void **state)
{
    exec_fix f;
    mlc_error err;
    (void)state;
    fix_open(&f);
    assert_int_equal(let_in(&f, "delete-all", mlc_buf_text(&f.order), &err), MLC_E_REJECTED);
    assert_int_equal(let_in(&f, "order", "{\"kind\":\"order\",\"lines\":[]}", &err), MLC_E_REJECTED);
    assert_int_equal(let_in(&f, "order", "not json", &err), MLC_E_REJECTED);
    assert_int_equal(lst_stats_of(&f.s, f.jde).next_seq, 1);
    assert_int_equal(f.a->asked_count, 0);
    fix_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_order_is_made_and_reported),
        cmocka_unit_test(test_held_order_is_made_when_the_dry_run_ends),
        cmocka_unit_test(test_dry_run_ends_while_an_order_is_under_way),
        cmocka_unit_test(test_order_that_is_no_entry_is_made_and_leaves_nothing),
        cmocka_unit_test(test_order_that_is_there_is_not_made_again),
        cmocka_unit_test(test_unclear_outcome_is_looked_up),
        cmocka_unit_test(test_answers_without_end_are_tried_again),
        cmocka_unit_test(test_answer_without_a_number_is_looked_up),
        cmocka_unit_test(test_refused_order_is_parked_and_reported),
        cmocka_unit_test(test_failed_look_up_is_tried_again),
        cmocka_unit_test(test_faulty_order_is_not_sent_and_all_its_faults_are_told),
        cmocka_unit_test(test_faulty_order_is_reported_without_the_items_too),
        cmocka_unit_test(test_mended_order_is_made),
        cmocka_unit_test(test_purchase_orders_are_looked_up_in_their_own_table),
        cmocka_unit_test(test_gate_takes_orders_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
