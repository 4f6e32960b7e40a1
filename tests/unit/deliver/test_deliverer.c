/* The deliverer on a real store: order per key, parallel keys, retry, review, uncertainty, and a job that
 * stores result and effect together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/deliverer.h"
#include "support/loop_store_test.h"

#include <stdatomic.h>

enum { SEEN_MAX = 256 };

typedef struct del_fix del_fix;

/* What the transport saw of one delivery. */
typedef struct del_seen {
    uint64_t seq;
    uint32_t attempt;
    bool uncertain;
    size_t group; /* how many came together */
} del_seen;

struct del_fix {
    lst_fix s;
    mlc_stream_spec jde_spec, up_spec;
    mlc_outbox *jde, *up;
    mlc_deliverer *d;
    mlc_deliverer_options options;
    void (*answer)(del_fix *f, mlc_delivery *item); /* NULL: hold */
    mlc_delivery *held[SEEN_MAX];
    size_t held_count, held_peak;
    del_seen seen[SEEN_MAX];
    size_t seen_count;
    int committed, freed;
    uint64_t bad_seq; /* the one the answer is for */
    mlc_code bad_code;
    bool bad_uncertain;
    atomic_int effect_code; /* what the effect answers; MLC_OK: puts an entry into `up` */
};

static void deliver(void *user, mlc_delivery *const *items, size_t count)
{
    del_fix *const f = user;
    for (size_t i = 0; i < count; i++) {
        mlc_delivery *const item = items[i];
        for (size_t k = 0; k < f->held_count; k++)
            assert_string_not_equal(f->held[k]->key, item->key);
        assert_string_equal(item->payload, "{\"x\":1.50}");
        assert_int_equal(item->payload_len, 10);
        assert_string_equal(item->tenant, "acme");
        assert_string_equal(item->kind, "order");
        assert_string_equal(item->correlation, "corr");
        assert_in_range(f->seen_count, 0, SEEN_MAX - 1);
        f->seen[f->seen_count++] = (del_seen){item->seq, item->attempt, item->uncertain, count};
        if (f->answer == NULL) {
            f->held[f->held_count++] = item;
            if (f->held_count > f->held_peak)
                f->held_peak = f->held_count;
        } else {
            f->answer(f, item);
        }
    }
}

static void on_committed(void *user)
{
    del_fix *const f = user;
    f->committed++;
}

static void open_streams(del_fix *f)
{
    f->jde = lst_stream(&f->s, &f->jde_spec);
    f->up = lst_stream(&f->s, &f->up_spec);
}

static void open_deliverer(del_fix *f)
{
    mlc_error err;
    f->options.store = f->s.store;
    f->options.stream = f->jde;
    lst_check(mlc_deliverer_open(&f->d, &f->options, &err), &err);
}

static int set_up(void **state)
{
    del_fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    lst_init(&f->s);
    f->jde_spec = (mlc_stream_spec){.name = "jde", .mode = MLC_STREAM_KEYED};
    f->up_spec = (mlc_stream_spec){.name = "up", .mode = MLC_STREAM_SEQUENCE};
    f->options = (mlc_deliverer_options){.loop = &f->s.loop,
                                         .actor = "agent",
                                         .max_attempts = 2,
                                         .backoff = {.base_ms = 1, .cap_ms = 2},
                                         .settle_ms = 60000,
                                         .breaker_failures = 1000000,
                                         .deliver = deliver,
                                         .on_committed = on_committed,
                                         .user = f};
    open_streams(f);
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

/* As a program ends: stop, let the jobs run out, close streams, store, deliverer. */
static void close_all(del_fix *f)
{
    if (f->d != NULL)
        mlc_deliverer_stop(f->d);
    do
        assert_int_equal(mlc_store_run(f->s.store, nothing_job, NULL, NULL), MLC_OK);
    while (mlc_store_dispatch(f->s.store) > 0);
    mlc_outbox_close(f->jde);
    mlc_outbox_close(f->up);
    lst_close_store(&f->s);
    mlc_deliverer_close(f->d);
    f->d = NULL;
    f->held_count = 0;
}

static int tear_down(void **state)
{
    del_fix *const f = *state;
    close_all(f);
    lst_end(&f->s);
    free(f);
    return 0;
}

/* ---- conditions ---- */

static bool all_done(void *arg)
{
    del_fix *const f = arg;
    const mlc_outbox_stats s = lst_stats_of(&f->s, f->jde);
    return s.ready + s.inflight + s.parked == 0;
}

static bool settled(void *arg)
{
    del_fix *const f = arg;
    mlc_deliverer_status s;
    mlc_deliverer_status_get(f->d, &s);
    return s.under_way == 0 && f->committed > 0;
}

static bool some_held(void *arg)
{
    const del_fix *const f = arg;
    return f->held_count > 0;
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static bool seen_ten(void *arg)
{
    const del_fix *const f = arg;
    return f->seen_count >= 10;
}

static void wait_for(del_fix *f, lst_condition condition)
{
    assert_true(lst_run(&f->s, condition, f, LST_PATIENCE_MS));
}

static mlc_deliverer_status status_of(const del_fix *f)
{
    mlc_deliverer_status s;
    mlc_deliverer_status_get(f->d, &s);
    return s;
}

/* ---- answers ---- */

static void count_free(void *arg)
{
    del_fix *const f = arg;
    f->freed++;
}

static void finish_ok(del_fix *f, mlc_delivery *item)
{
    const mlc_delivery_result result = {.code = MLC_OK,
                                        .outcome = "created 1234",
                                        .target_id = "JDE/F4201/1234 SO 00001",
                                        .effect_arg = f,
                                        .effect_free = count_free};
    mlc_deliverer_finish(f->d, item, &result);
}

static void finish_bad(del_fix *f, mlc_delivery *item, mlc_code code, bool uncertain)
{
    mlc_error err;
    (void)mlc_fail(&err, code, "went wrong");
    const mlc_delivery_result result = {
        .code = code, .err = &err, .uncertain = uncertain, .effect_arg = f, .effect_free = count_free};
    mlc_deliverer_finish(f->d, item, &result);
}

/* The bad one always fails; others are taken. bad_seq 0: all are bad. */
static void answer_bad(del_fix *f, mlc_delivery *item)
{
    if (f->bad_seq == 0 || item->seq == f->bad_seq)
        finish_bad(f, item, f->bad_code, f->bad_uncertain);
    else
        finish_ok(f, item);
}

static void answer_bad_once(del_fix *f, mlc_delivery *item)
{
    if (item->attempt == 1)
        finish_bad(f, item, f->bad_code, f->bad_uncertain);
    else
        finish_ok(f, item);
}

/* ---- tests ---- */

static void entries_are_delivered_and_told(void **state)
{
    del_fix *const f = *state;
    f->answer = finish_ok;
    const uint64_t seq = lst_add(&f->s, f->jde, "order/1", "i1");
    open_deliverer(f);
    wait_for(f, settled);
    const lst_entry e = lst_get(&f->s, f->jde, seq);
    assert_int_equal(e.state, MLC_ENTRY_DONE);
    assert_string_equal(e.outcome, "created 1234");
    assert_int_equal(e.attempts, 1);
    assert_int_equal(f->freed, 1);
    assert_int_equal(f->committed, 1);
    assert_int_equal(status_of(f).delivered, 1);
    assert_int_equal(lst_audit_count(&f->s, "\"delivered\"", "JDE/F4201/1234 SO 00001"), 1);
    assert_int_equal(lst_audit_count(&f->s, "\"delivered\"", "\"jde\""), 1);
}

static void a_poke_finds_new_entries(void **state)
{
    del_fix *const f = *state;
    f->answer = finish_ok;
    open_deliverer(f);
    assert_false(lst_run(&f->s, never, NULL, 20));
    (void)lst_add(&f->s, f->jde, "order/1", "i1");
    mlc_deliverer_poke(f->d);
    wait_for(f, settled);
    assert_int_equal(f->seen_count, 1);
}

static void a_key_is_delivered_in_order(void **state)
{
    del_fix *const f = *state;
    char idem[16];
    for (int i = 0; i < 20; i++) {
        (void)snprintf(idem, sizeof idem, "i%d", i);
        (void)lst_add(&f->s, f->jde, "order/1", idem);
    }
    f->answer = answer_bad_once; /* a failure does not let a successor pass */
    f->bad_code = MLC_E_UNREACHABLE;
    open_deliverer(f);
    wait_for(f, all_done);
    assert_int_equal(f->seen_count, 40);
    for (size_t i = 0; i < 40; i++) {
        assert_int_equal(f->seen[i].seq, i / 2 + 1);
        assert_int_equal(f->seen[i].attempt, i % 2 + 1);
    }
}

static bool parallel_reached(void *arg)
{
    const del_fix *const f = arg;
    return f->held_count == 8;
}

static void keys_are_delivered_in_parallel(void **state)
{
    del_fix *const f = *state;
    char key[32];
    for (int i = 0; i < 20; i++) {
        (void)snprintf(key, sizeof key, "order/%d", i);
        (void)lst_add(&f->s, f->jde, key, key);
    }
    f->options.max_group = 3;
    open_deliverer(f);
    wait_for(f, parallel_reached);
    assert_false(lst_run(&f->s, never, NULL, 50));
    assert_int_equal(f->held_count, 8); /* no more than max_parallel */
    assert_int_equal(lst_stats_of(&f->s, f->jde).inflight, 8);
    assert_int_equal(f->seen[0].group, 3);
    assert_int_equal(f->seen[7].group, 2);
    for (int finished = 0; finished < 20; finished++) {
        wait_for(f, some_held);
        assert_in_range(f->held_count, 1, 8);
        finish_ok(f, f->held[--f->held_count]);
        mlc_deliverer_poke(f->d); /* harmless */
    }
    wait_for(f, all_done);
    assert_int_equal(f->seen_count, 20);
    assert_int_equal(f->held_peak, 8);
}

static void failures_are_retried_with_backoff(void **state)
{
    del_fix *const f = *state;
    const uint64_t seq = lst_add(&f->s, f->jde, "order/1", "i1");
    f->answer = answer_bad_once;
    f->bad_code = MLC_E_UNAVAILABLE;
    open_deliverer(f);
    wait_for(f, all_done);
    (void)lst_run(&f->s, settled, f, LST_PATIENCE_MS);
    assert_int_equal(f->seen_count, 2);
    assert_int_equal(f->seen[1].attempt, 2);
    assert_false(f->seen[1].uncertain);
    assert_int_equal(lst_get(&f->s, f->jde, seq).state, MLC_ENTRY_DONE);
    assert_int_equal(lst_audit_count(&f->s, "\"retried\"", "\"unavailable\""), 1);
    assert_int_equal(lst_audit_count(&f->s, "\"retried\"", "went wrong"), 1);
    assert_int_equal(f->freed, 2);
    assert_int_equal(status_of(f).retried, 1);
    assert_string_equal(status_of(f).last_error, "went wrong");
}

static void a_far_retry_waits(void **state)
{
    del_fix *const f = *state;
    f->options.backoff = (mlc_backoff){.base_ms = 3600000, .cap_ms = 3600000};
    const uint64_t seq = lst_add(&f->s, f->jde, "order/1", "i1");
    f->answer = answer_bad;
    f->bad_code = MLC_E_UNCERTAIN; /* at least the settle time of a minute */
    open_deliverer(f);
    wait_for(f, settled);
    assert_false(lst_run(&f->s, never, NULL, 50));
    assert_int_equal(f->seen_count, 1);
    const lst_entry e = lst_get(&f->s, f->jde, seq);
    assert_int_equal(e.state, MLC_ENTRY_READY);
    assert_true(e.uncertain);
    assert_true(e.next_attempt_ms >= e.began_ms + 60000);
}

static void a_faulty_record_is_parked_at_once(void **state)
{
    del_fix *const f = *state;
    f->bad_seq = lst_add(&f->s, f->jde, "order/1", "i1");
    const uint64_t next = lst_add(&f->s, f->jde, "order/1", "i2");
    const uint64_t other = lst_add(&f->s, f->jde, "order/2", "i3");
    f->answer = answer_bad;
    f->bad_code = MLC_E_REJECTED;
    open_deliverer(f);
    assert_false(lst_run(&f->s, never, NULL, 50));
    wait_for(f, settled);
    const lst_entry e = lst_get(&f->s, f->jde, f->bad_seq);
    assert_int_equal(e.state, MLC_ENTRY_PARKED);
    assert_string_equal(e.last_error, "went wrong");
    assert_int_equal(lst_get(&f->s, f->jde, next).state, MLC_ENTRY_READY); /* held back */
    assert_int_equal(lst_get(&f->s, f->jde, other).state, MLC_ENTRY_DONE);
    assert_int_equal(lst_audit_count(&f->s, "\"parked\"", "\"rejected\""), 1);
    assert_int_equal(status_of(f).parked, 1);
}

static bool one_parked(void *arg)
{
    del_fix *const f = arg;
    return lst_stats_of(&f->s, f->jde).parked == 1;
}

static void a_long_outage_parks_nothing(void **state)
{
    del_fix *const f = *state;
    f->bad_seq = lst_add(&f->s, f->jde, "order/1", "i1");
    f->answer = answer_bad;
    f->bad_code = MLC_E_UNAVAILABLE;
    open_deliverer(f);
    wait_for(f, seen_ten); /* max_attempts is 2 */
    assert_int_equal(lst_stats_of(&f->s, f->jde).parked, 0);
    /* The peer takes another record: now it is this one's own fault. */
    (void)lst_add(&f->s, f->jde, "order/2", "i2");
    mlc_deliverer_poke(f->d);
    wait_for(f, one_parked);
    assert_int_equal(lst_get(&f->s, f->jde, f->bad_seq).state, MLC_ENTRY_PARKED);
}

static void the_peer_at_fault_parks_nothing_at_all(void **state)
{
    del_fix *const f = *state;
    f->bad_seq = lst_add(&f->s, f->jde, "order/1", "i1");
    (void)lst_add(&f->s, f->jde, "order/2", "i2");
    f->answer = answer_bad;
    f->bad_code = MLC_E_AUTH;
    open_deliverer(f);
    wait_for(f, seen_ten);
    assert_int_equal(lst_stats_of(&f->s, f->jde).parked, 0);
}

static void an_uncertain_one_that_is_parked_stays_uncertain(void **state)
{
    del_fix *const f = *state;
    const uint64_t seq = lst_add(&f->s, f->jde, "order/1", "i1");
    f->answer = answer_bad;
    f->bad_code = MLC_E_REJECTED;
    f->bad_uncertain = true;
    open_deliverer(f);
    wait_for(f, settled);
    const lst_entry e = lst_get(&f->s, f->jde, seq);
    assert_int_equal(e.state, MLC_ENTRY_PARKED);
    assert_true(e.uncertain);
}

static bool breaker_is_open(void *arg)
{
    const del_fix *const f = arg;
    return status_of(f).breaker_open;
}

static void the_breaker_lets_one_through(void **state)
{
    del_fix *const f = *state;
    char key[32];
    for (int i = 0; i < 8; i++) {
        (void)snprintf(key, sizeof key, "order/%d", i);
        (void)lst_add(&f->s, f->jde, key, key);
    }
    f->options.breaker_failures = 3;
    f->options.breaker_open_ms = 30;
    f->options.breaker_open_max_ms = 30;
    f->options.max_parallel = 3;
    f->answer = answer_bad;
    f->bad_code = MLC_E_UNREACHABLE;
    open_deliverer(f);
    wait_for(f, breaker_is_open);
    assert_true(status_of(f).next_try_ms > 0);
    const size_t before = f->seen_count;
    assert_in_range(before, 3, 5);
    f->answer = NULL; /* the trial hangs */
    wait_for(f, some_held);
    assert_int_equal(f->held_count, 1);
    f->answer = finish_ok;
    finish_ok(f, f->held[--f->held_count]);
    assert_false(status_of(f).breaker_open);
    wait_for(f, all_done);
}

static void a_throttling_peer_is_left_alone(void **state)
{
    del_fix *const f = *state;
    mlc_error err;
    (void)lst_add(&f->s, f->jde, "order/1", "i1");
    open_deliverer(f);
    wait_for(f, some_held);
    (void)mlc_fail(&err, MLC_E_THROTTLED, "slow down");
    const mlc_delivery_result result = {.code = MLC_E_THROTTLED, .err = &err, .retry_after_ms = 600000};
    mlc_deliverer_finish(f->d, f->held[--f->held_count], &result);
    (void)lst_add(&f->s, f->jde, "order/2", "i2");
    mlc_deliverer_poke(f->d);
    assert_false(lst_run(&f->s, never, NULL, 50));
    assert_int_equal(f->seen_count, 1);
    assert_false(status_of(f).breaker_open);
    assert_true(status_of(f).next_try_ms > 0);
}

/* ---- crash ---- */

static void what_was_under_way_comes_back_uncertain(void **state)
{
    del_fix *const f = *state;
    f->options.settle_ms = 1;
    const uint64_t seq = lst_add(&f->s, f->jde, "order/1", "i1");
    open_deliverer(f);
    wait_for(f, some_held);
    close_all(f); /* without a finish: as after kill -9 */
    lst_open_store(&f->s);
    open_streams(f);
    assert_int_equal(lst_get(&f->s, f->jde, seq).state, MLC_ENTRY_INFLIGHT);
    f->answer = finish_ok;
    open_deliverer(f);
    wait_for(f, settled);
    assert_int_equal(f->seen_count, 2);
    assert_int_equal(f->seen[1].attempt, 2);
    assert_true(f->seen[1].uncertain);
    assert_int_equal(lst_get(&f->s, f->jde, seq).state, MLC_ENTRY_DONE);
}

static void closed_leaves_the_entry_in_flight(void **state)
{
    del_fix *const f = *state;
    const uint64_t seq = lst_add(&f->s, f->jde, "order/1", "i1");
    f->answer = answer_bad;
    f->bad_code = MLC_E_CLOSED;
    open_deliverer(f);
    assert_false(lst_run(&f->s, never, NULL, 50));
    assert_int_equal(f->seen_count, 1);
    assert_int_equal(lst_get(&f->s, f->jde, seq).state, MLC_ENTRY_INFLIGHT);
    close_all(f);
    assert_int_equal(f->freed, 1);
    lst_open_store(&f->s);
    open_streams(f);
}

static void stop_picks_nothing_more(void **state)
{
    del_fix *const f = *state;
    const uint64_t seq = lst_add(&f->s, f->jde, "order/1", "i1");
    open_deliverer(f);
    wait_for(f, some_held);
    mlc_deliverer_stop(f->d);
    const uint64_t later = lst_add(&f->s, f->jde, "order/2", "i2");
    mlc_deliverer_poke(f->d);
    finish_ok(f, f->held[--f->held_count]);
    assert_false(lst_run(&f->s, never, NULL, 50));
    assert_int_equal(f->seen_count, 1);
    assert_int_equal(lst_get(&f->s, f->jde, seq).state, MLC_ENTRY_DONE);
    assert_int_equal(lst_get(&f->s, f->jde, later).state, MLC_ENTRY_READY);
    assert_int_equal(f->committed, 0);
}

static bool in_flight_in_store(void *arg)
{
    del_fix *const f = arg;
    return lst_stats_of(&f->s, f->jde).inflight == 1;
}

static void what_was_begun_but_not_sent_is_put_back(void **state)
{
    del_fix *const f = *state;
    const uint64_t seq = lst_add(&f->s, f->jde, "order/1", "i1");
    f->s.awake = false; /* the begin is committed, its completion waits */
    open_deliverer(f);
    wait_for(f, in_flight_in_store);
    mlc_deliverer_stop(f->d);
    f->s.awake = true;
    (void)mlc_store_dispatch(f->s.store);
    assert_false(lst_run(&f->s, never, NULL, 50));
    assert_int_equal(f->seen_count, 0);
    const lst_entry e = lst_get(&f->s, f->jde, seq);
    assert_int_equal(e.state, MLC_ENTRY_READY);
    assert_false(e.uncertain);
}

/* ---- effects ---- */

/* Runs on the store's thread. */
static mlc_code effect(mlc_txn *txn, const mlc_delivery *item, void *arg, mlc_error *err)
{
    del_fix *const f = arg;
    const mlc_entry_new entry = {.tenant = item->tenant,
                                 .key = item->key,
                                 .idem = item->idem,
                                 .kind = "order.result",
                                 .correlation = item->correlation,
                                 .payload = "{}",
                                 .payload_len = 2,
                                 .now_ms = 1};
    const mlc_code answer = (mlc_code)atomic_load(&f->effect_code);
    if (answer != MLC_OK)
        return mlc_fail(err, answer, "the effect says no");
    return mlc_outbox_put(txn, f->up, &entry, NULL, NULL, err);
}

static void finish_with_effect(del_fix *f, mlc_delivery *item)
{
    const mlc_delivery_result result = {
        .code = MLC_OK, .effect = effect, .effect_arg = f, .effect_free = count_free};
    mlc_deliverer_finish(f->d, item, &result);
}

static void finish_with_park_effect(del_fix *f, mlc_delivery *item)
{
    mlc_error err;
    (void)mlc_fail(&err, f->bad_code, "went wrong");
    const mlc_delivery_result result = {
        .code = f->bad_code, .err = &err, .park_effect = effect, .effect_arg = f, .effect_free = count_free};
    mlc_deliverer_finish(f->d, item, &result);
}

static void the_effect_is_in_the_same_job(void **state)
{
    del_fix *const f = *state;
    (void)lst_add(&f->s, f->jde, "order/1", "i1");
    f->answer = finish_with_effect;
    open_deliverer(f);
    wait_for(f, settled);
    assert_int_equal(lst_stats_of(&f->s, f->jde).done, 1);
    assert_int_equal(lst_stats_of(&f->s, f->up).ready, 1);
    assert_int_equal(f->freed, 1);
}

static void the_park_effect_is_for_parking_only(void **state)
{
    del_fix *const f = *state;
    (void)lst_add(&f->s, f->jde, "order/1", "i1");
    f->answer = finish_with_park_effect;
    f->bad_code = MLC_E_UNREACHABLE;
    open_deliverer(f);
    wait_for(f, seen_ten);
    assert_int_equal(lst_stats_of(&f->s, f->up).ready, 0);
    f->bad_code = MLC_E_REJECTED;
    wait_for(f, one_parked);
    assert_int_equal(lst_stats_of(&f->s, f->up).ready, 1);
}

static void a_full_next_hop_delays_the_result_only(void **state)
{
    del_fix *const f = *state;
    const uint64_t seq = lst_add(&f->s, f->jde, "order/1", "i1");
    const uint64_t next = lst_add(&f->s, f->jde, "order/1", "i2");
    f->answer = finish_with_effect;
    atomic_store(&f->effect_code, MLC_E_FULL);
    open_deliverer(f);
    assert_false(lst_run(&f->s, never, NULL, 500)); /* several tries */
    assert_int_equal(f->seen_count, 1);             /* not sent again, its key held back */
    assert_int_equal(lst_get(&f->s, f->jde, seq).state, MLC_ENTRY_INFLIGHT);
    assert_int_equal(lst_stats_of(&f->s, f->up).ready, 0);
    assert_int_equal(f->freed, 0);
    assert_int_equal(status_of(f).under_way, 1);
    atomic_store(&f->effect_code, MLC_OK); /* room again */
    wait_for(f, all_done);
    assert_int_equal(f->seen_count, 2);
    assert_int_equal(lst_get(&f->s, f->jde, seq).attempts, 1);
    assert_int_equal(lst_get(&f->s, f->jde, next).state, MLC_ENTRY_DONE);
    assert_int_equal(lst_stats_of(&f->s, f->up).ready, 2);
    assert_int_equal(lst_audit_count(&f->s, "\"delivered\"", "\"i1\""), 1);
}

static mlc_code ack_first(mlc_txn *txn, void *arg, mlc_error *err)
{
    return mlc_outbox_ack(txn, arg, 1, mlc_wall_ms(), err);
}

static bool one_done(void *arg)
{
    del_fix *const f = arg;
    return lst_stats_of(&f->s, f->jde).done == 1;
}

static void room_in_the_next_hop_lets_the_result_through(void **state)
{
    del_fix *const f = *state;
    mlc_error err;
    mlc_outbox_close(f->up);
    f->up_spec = (mlc_stream_spec){.name = "tight", .mode = MLC_STREAM_SEQUENCE, .max_entries = 1};
    f->up = lst_stream(&f->s, &f->up_spec);
    (void)lst_add(&f->s, f->jde, "order/1", "i1");
    (void)lst_add(&f->s, f->jde, "order/2", "i2");
    f->answer = finish_with_effect;
    open_deliverer(f);
    wait_for(f, one_done);
    assert_false(lst_run(&f->s, never, NULL, 300));
    assert_int_equal(lst_stats_of(&f->s, f->jde).inflight, 1);
    assert_int_equal(lst_stats_of(&f->s, f->up).ready, 1);
    lst_check(mlc_store_run(f->s.store, ack_first, f->up, &err), &err);
    wait_for(f, all_done);
    assert_int_equal(lst_stats_of(&f->s, f->up).ready, 1);
    assert_int_equal(f->seen_count, 2); /* each was sent once */
}

static void an_impossible_effect_is_put_before_a_person(void **state)
{
    del_fix *const f = *state;
    const uint64_t seq = lst_add(&f->s, f->jde, "order/1", "i1");
    f->answer = finish_with_effect;
    atomic_store(&f->effect_code, MLC_E_INVALID);
    open_deliverer(f);
    wait_for(f, settled);
    const lst_entry e = lst_get(&f->s, f->jde, seq);
    assert_int_equal(e.state, MLC_ENTRY_PARKED);
    assert_true(e.uncertain);
    assert_string_equal(e.last_error, "delivered; what follows from it cannot be stored: the effect says no");
    assert_int_equal(f->freed, 1);
}

/* ---- superseding streams ---- */

static bool second_is_done(void *arg)
{
    del_fix *const f = arg;
    return lst_get(&f->s, f->jde, 2).state == MLC_ENTRY_DONE;
}

static void a_newer_snapshot_takes_over_on_retry(void **state)
{
    del_fix *const f = *state;
    mlc_outbox_close(f->jde);
    f->jde_spec = (mlc_stream_spec){.name = "snap", .mode = MLC_STREAM_KEYED, .supersede = true};
    f->jde = lst_stream(&f->s, &f->jde_spec);
    const uint64_t seq = lst_add(&f->s, f->jde, "customer/1", "v1");
    open_deliverer(f);
    wait_for(f, some_held);
    (void)lst_add(&f->s, f->jde, "customer/1", "v2");
    f->answer = finish_ok;
    finish_bad(f, f->held[--f->held_count], MLC_E_UNREACHABLE, false);
    wait_for(f, second_is_done);
    const lst_entry e = lst_get(&f->s, f->jde, seq);
    assert_int_equal(e.state, MLC_ENTRY_DONE);
    assert_non_null(strstr(e.outcome, "superseded"));
    assert_int_equal(lst_audit_count(&f->s, "\"superseded\"", "\"v1\""), 1);
    assert_int_equal(lst_audit_count(&f->s, "\"superseded\"", "went wrong"), 1);
    assert_int_equal(lst_audit_count(&f->s, "\"retried\"", "\"v1\""), 0);
    assert_int_equal(status_of(f).retried, 0);
}

#define DEL_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DEL_TEST(entries_are_delivered_and_told),
        DEL_TEST(a_poke_finds_new_entries),
        DEL_TEST(a_key_is_delivered_in_order),
        DEL_TEST(keys_are_delivered_in_parallel),
        DEL_TEST(failures_are_retried_with_backoff),
        DEL_TEST(a_far_retry_waits),
        DEL_TEST(a_faulty_record_is_parked_at_once),
        DEL_TEST(a_long_outage_parks_nothing),
        DEL_TEST(the_peer_at_fault_parks_nothing_at_all),
        DEL_TEST(an_uncertain_one_that_is_parked_stays_uncertain),
        DEL_TEST(the_breaker_lets_one_through),
        DEL_TEST(a_throttling_peer_is_left_alone),
        DEL_TEST(what_was_under_way_comes_back_uncertain),
        DEL_TEST(closed_leaves_the_entry_in_flight),
        DEL_TEST(stop_picks_nothing_more),
        DEL_TEST(what_was_begun_but_not_sent_is_put_back),
        DEL_TEST(the_effect_is_in_the_same_job),
        DEL_TEST(the_park_effect_is_for_parking_only),
        DEL_TEST(a_full_next_hop_delays_the_result_only),
        DEL_TEST(room_in_the_next_hop_lets_the_result_through),
        DEL_TEST(an_impossible_effect_is_put_before_a_person),
        DEL_TEST(a_newer_snapshot_takes_over_on_retry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
