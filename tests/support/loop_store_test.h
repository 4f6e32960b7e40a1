/* loop_store_test.h - a loop with a store whose completions arrive on it, in a temporary folder, for the tests of
 * what works on streams (deliverer, admin). Include after cmocka.h. */
#ifndef MLC_TESTS_LOOP_STORE_TEST_H
#define MLC_TESTS_LOOP_STORE_TEST_H

#include "net/waker.h"
#include "store/audit.h"
#include "store/outbox.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LST_PATIENCE_MS = 20000, LST_TICK_MS = 2 };

typedef struct lst_fix {
    uv_loop_t loop;
    char dir[128];
    mlc_waker *waker;
    mlc_store *store;
    bool awake; /* completions arrive; else they wait for lst_dispatch or the close of the store */
} lst_fix;

static inline void lst_check(mlc_code code, const mlc_error *err)
{
    if (code != MLC_OK)
        fail_msg("%s: %s (%s)", mlc_code_name(code), err->message, err->cause);
}

static inline void lst_on_wake(void *arg)
{
    lst_fix *const f = arg;
    if (f->store != NULL && f->awake)
        (void)mlc_store_dispatch(f->store);
}

static inline void lst_open_store(lst_fix *f)
{
    mlc_error err;
    char dir[160];
    (void)snprintf(dir, sizeof dir, "%s/store", f->dir);
    const mlc_store_options options = {.dir = dir, .wake = mlc_waker_wake, .wake_arg = f->waker};
    lst_check(mlc_store_open(&f->store, &options, &err), &err);
}

static inline void lst_init(lst_fix *f)
{
    mlc_error err;
    const char *const base = getenv("TMPDIR");
    (void)snprintf(f->dir, sizeof f->dir, "%s/mlc-lst-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(f->dir));
    assert_int_equal(uv_loop_init(&f->loop), 0);
    lst_check(mlc_waker_open(&f->waker, &f->loop, lst_on_wake, f, &err), &err);
    f->awake = true;
    lst_open_store(f);
}

/* Close the streams before, and what works on them after (its memory is used by the last completions). */
static inline void lst_close_store(lst_fix *f)
{
    mlc_store *const store = f->store;
    f->store = NULL;
    mlc_store_close(store);
}

static inline void lst_end(lst_fix *f)
{
    char command[200];
    mlc_waker_close(f->waker);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    (void)snprintf(command, sizeof command, "rm -rf %s", f->dir);
    assert_int_equal(system(command), 0);
}

static inline void lst_tick(uv_timer_t *timer)
{
    ++*(int *)timer->data;
}

typedef bool (*lst_condition)(void *arg);

/* Run the loop until the condition holds; false when it does not come, or after `patience_ms`. */
static inline bool lst_run(lst_fix *f, lst_condition condition, void *arg, int patience_ms)
{
    int ticks = 0;
    uv_timer_t timer;
    uv_timer_init(&f->loop, &timer);
    timer.data = &ticks;
    uv_timer_start(&timer, lst_tick, LST_TICK_MS, LST_TICK_MS);
    while (!condition(arg) && ticks < patience_ms / LST_TICK_MS)
        uv_run(&f->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    return condition(arg);
}

/* ---- entries ---- */

static inline mlc_outbox *lst_stream(lst_fix *f, const mlc_stream_spec *spec)
{
    mlc_outbox *out = NULL;
    mlc_error err;
    lst_check(mlc_outbox_open(&out, f->store, spec, &err), &err);
    return out;
}

typedef struct lst_put {
    mlc_outbox *stream;
    const char *key, *idem, *payload;
    uint64_t seq;
} lst_put;

static inline mlc_code lst_put_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    lst_put *const put = arg;
    const mlc_entry_new entry = {.tenant = "acme",
                                 .key = put->key,
                                 .idem = put->idem,
                                 .kind = "order",
                                 .correlation = "corr",
                                 .payload = put->payload,
                                 .payload_len = strlen(put->payload),
                                 .now_ms = mlc_wall_ms()};
    return mlc_outbox_put(txn, put->stream, &entry, &put->seq, NULL, err);
}

static inline uint64_t lst_add(lst_fix *f, mlc_outbox *stream, const char *key, const char *idem)
{
    mlc_error err;
    lst_put put = {.stream = stream, .key = key, .idem = idem, .payload = "{\"x\":1.50}"};
    lst_check(mlc_store_run(f->store, lst_put_job, &put, &err), &err);
    return put.seq;
}

/* What a test wants to know of one entry. */
typedef struct lst_entry {
    mlc_outbox *stream;
    uint64_t seq;
    mlc_entry_state state;
    bool uncertain;
    uint32_t attempts;
    int64_t next_attempt_ms, began_ms;
    char key[128], last_error[1024], outcome[256];
} lst_entry;

static inline mlc_code lst_get_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    lst_entry *const out = arg;
    mlc_entry entry;
    const mlc_code code = mlc_outbox_get(txn, out->stream, out->seq, &entry, err);
    if (code != MLC_OK)
        return code;
    out->state = entry.state;
    out->uncertain = entry.uncertain;
    out->attempts = entry.attempts;
    out->next_attempt_ms = entry.next_attempt_ms;
    out->began_ms = entry.began_ms;
    (void)snprintf(out->key, sizeof out->key, "%s", entry.key);
    (void)snprintf(out->last_error, sizeof out->last_error, "%s", entry.last_error);
    (void)snprintf(out->outcome, sizeof out->outcome, "%s", entry.outcome);
    return MLC_OK;
}

static inline lst_entry lst_get(lst_fix *f, mlc_outbox *stream, uint64_t seq)
{
    mlc_error err;
    lst_entry out = {.stream = stream, .seq = seq};
    lst_check(mlc_store_read(f->store, lst_get_job, &out, &err), &err);
    return out;
}

typedef struct lst_stats {
    mlc_outbox *stream;
    mlc_outbox_stats stats;
} lst_stats;

static inline mlc_code lst_stats_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    lst_stats *const s = arg;
    return mlc_outbox_stats_get(txn, s->stream, &s->stats, err);
}

static inline mlc_outbox_stats lst_stats_of(lst_fix *f, mlc_outbox *stream)
{
    mlc_error err;
    lst_stats s = {.stream = stream};
    lst_check(mlc_store_read(f->store, lst_stats_job, &s, &err), &err);
    return s.stats;
}

/* How many audit events hold all of these words. */
typedef struct lst_audit {
    const char *a, *b;
    size_t count;
} lst_audit;

static inline bool lst_audit_has(const mlc_audit_item *item, const char *text)
{
    return strstr(item->event, text) != NULL ||
           (item->personal != NULL && strstr(item->personal, text) != NULL);
}

static inline bool lst_audit_visit(const mlc_audit_item *item, void *arg)
{
    lst_audit *const look = arg;
    if (lst_audit_has(item, look->a) && lst_audit_has(item, look->b))
        look->count++;
    return true;
}

static inline mlc_code lst_audit_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    return mlc_audit_scan(txn, 1, SIZE_MAX, lst_audit_visit, arg, err);
}

static inline size_t lst_audit_count(lst_fix *f, const char *a, const char *b)
{
    mlc_error err;
    lst_audit look = {.a = a, .b = b};
    lst_check(mlc_store_read(f->store, lst_audit_job, &look, &err), &err);
    return look.count;
}

#endif
