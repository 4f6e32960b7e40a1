/* deliverer.c - see deliverer.h: life, picking what is due, the durable begin, handing over. */
#include "deliver/deliverer_private.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    PARALLEL_DEFAULT = 8,
    PARALLEL_MAX = 10000,
    ATTEMPTS_DEFAULT = 12,
    BACKOFF_BASE_MS = 1000,
    BACKOFF_CAP_MS = 15 * 60 * 1000,
    SETTLE_MS = 120 * 1000,
    BREAKER_FAILURES = 5,
    BREAKER_OPEN_MS = 5000,
    BREAKER_OPEN_MAX_MS = 120 * 1000,
    /* Due times are wall times: after a jump of the clock this is how long they can be wrong. */
    REPOLL_MS = 30 * 1000,
    /* After a begin that came to nothing. */
    BEGIN_AGAIN_MS = 100,
    BEGIN_AGAIN_MAX_MS = 15 * 1000
};

static int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sooner_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Monotonic time before which nothing may be picked. */
static int64_t gate_of(const mlc_deliverer *d, int64_t mono_ms)
{
    return later_of(later_of(d->begin_at_ms, d->hold_until_ms), mlc_breaker_when(&d->breaker, mono_ms));
}

static bool has_room(const mlc_deliverer *d)
{
    return d->flight_count < d->opt.max_parallel;
}

/* ---- timer ---- */

void mlc_deliverer_arm(mlc_deliverer *d)
{
    const int64_t mono = mlc_mono_ms();
    int64_t delay = REPOLL_MS;
    bool waiting = false;
    for (const mlc_flight *f = d->flights; f != NULL; f = f->next) {
        if (f->phase != MLC_FLIGHT_WAITING)
            continue;
        waiting = true;
        delay = sooner_of(delay, f->store_again_ms - mono);
    }
    if (d->stopped && !waiting) {
        mlc_timer_stop(d->timer);
        return;
    }
    if (!d->stopped && d->begin == NULL && has_room(d)) {
        const int64_t gate = gate_of(d, mono);
        if (gate > mono)
            delay = sooner_of(delay, gate - mono);
        else if (d->next_due_ms != INT64_MAX)
            delay = sooner_of(delay, d->next_due_ms - mlc_wall_ms());
    }
    mlc_timer_start(d->timer, delay < 1 ? 1 : delay, 0);
}

static void on_timer(void *arg)
{
    mlc_deliverer *const d = arg;
    const int64_t mono = mlc_mono_ms();
    for (mlc_flight *f = d->flights; f != NULL; f = f->next)
        if (f->phase == MLC_FLIGHT_WAITING && f->store_again_ms <= mono)
            mlc_flight_store(f);
    mlc_deliverer_work(d);
}

/* ---- picking ---- */

typedef struct due_read {
    mlc_begin_batch *batch;
    size_t room;
    bool no_memory;
} due_read;

static bool take_due(const mlc_entry *entry, void *arg)
{
    due_read *const read = arg;
    mlc_begin_batch *const batch = read->batch;
    mlc_flight *const flight = mlc_flight_new(batch->d, entry);
    if (flight == NULL) {
        read->no_memory = true;
        return false;
    }
    batch->flights[batch->count++] = flight;
    return batch->count < read->room;
}

static mlc_code read_due(mlc_txn *txn, void *arg, mlc_error *err)
{
    due_read *const read = arg;
    mlc_deliverer *const d = read->batch->d;
    return mlc_outbox_due(txn, d->opt.stream, read->batch->now_ms, read->room, take_due, read,
                          &d->next_due_ms, err);
}

static void batch_free(mlc_begin_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        mlc_flight_free(batch->flights[i]);
    free(batch);
}

static void begin_later(mlc_deliverer *d, const mlc_error *err)
{
    int64_t delay = BEGIN_AGAIN_MS;
    for (unsigned i = 0; i < d->begin_tries && delay < BEGIN_AGAIN_MAX_MS; i++)
        delay *= 2;
    d->begin_tries++;
    d->begin_at_ms = mlc_mono_ms() + sooner_of(delay, BEGIN_AGAIN_MAX_MS);
    if (err != NULL)
        mlc_log_warn(d->opt.log, "deliver", "nothing can be begun, will be tried again",
                     MLC_S("stream", d->stream_name), MLC_S("error", err->message));
}

/* ---- the durable begin ---- */

static mlc_code begin_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_begin_batch *const batch = arg;
    for (size_t i = 0; i < batch->count; i++) {
        mlc_flight *const f = batch->flights[i];
        const mlc_code code = mlc_outbox_begin(txn, batch->d->opt.stream, f->item.seq, batch->now_ms, err);
        f->begun = code == MLC_OK;
        /* Superseded or pruned since it was read: not to be sent. */
        if (code != MLC_OK && code != MLC_E_CONFLICT && code != MLC_E_NOTFOUND)
            return code;
    }
    return MLC_OK;
}

/* Keep the flights that were begun; returns false when there is none. */
static bool keep_begun(mlc_begin_batch *batch)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        mlc_flight *const f = batch->flights[i];
        if (!f->begun) {
            mlc_flight_free(f);
            continue;
        }
        f->phase = MLC_FLIGHT_SENT;
        f->began_ms = batch->now_ms;
        mlc_flight_link(f);
        batch->flights[kept++] = f;
    }
    batch->count = kept;
    return kept > 0;
}

/* Flights may be finished, and new ones must not be begun, while the transport is called. */
static void hand_over(mlc_deliverer *d, mlc_begin_batch *batch)
{
    size_t at = 0;
    while (at < batch->count && !d->stopped) {
        size_t count = 0;
        while (count < d->opt.max_group && at < batch->count)
            d->group[count++] = &batch->flights[at++]->item;
        d->opt.deliver(d->opt.user, d->group, count);
    }
    for (; at < batch->count; at++)
        mlc_flight_put_back(batch->flights[at]);
}

static void on_begun(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_begin_batch *const batch = arg;
    mlc_deliverer *const d = batch->d;
    if (code != MLC_OK) {
        begin_later(d, err);
    } else if (!keep_begun(batch)) {
        begin_later(d, NULL);
    } else {
        d->begin_tries = 0;
        hand_over(d, batch);
        batch->count = 0;
    }
    batch_free(batch);
    d->begin = NULL;
    mlc_deliverer_work(d);
}

static void pick(mlc_deliverer *d)
{
    mlc_error err;
    const int64_t mono = mlc_mono_ms();
    d->next_due_ms = INT64_MAX;
    if (!has_room(d) || gate_of(d, mono) > mono)
        return;
    /* Half-open: one is the trial for all. */
    const size_t room = d->breaker.open ? 1 : d->opt.max_parallel - d->flight_count;
    mlc_begin_batch *const batch = calloc(1, sizeof *batch + room * sizeof(mlc_flight *));
    if (batch == NULL) {
        (void)mlc_fail(&err, MLC_E_NOMEM, "no memory for %zu entries", room);
        begin_later(d, &err);
        return;
    }
    batch->d = d;
    batch->now_ms = mlc_wall_ms();
    due_read read = {.batch = batch, .room = room};
    mlc_code code = mlc_store_read(d->opt.store, read_due, &read, &err);
    if (code == MLC_OK && batch->count == 0 && read.no_memory)
        code = mlc_fail(&err, MLC_E_NOMEM, "no memory for an entry");
    if (code == MLC_OK && batch->count > 0)
        code = mlc_store_submit(d->opt.store, begin_job, on_begun, batch, &err);
    if (code == MLC_OK && batch->count > 0) {
        (void)mlc_breaker_allow(&d->breaker, mono);
        d->begin = batch;
        return;
    }
    if (code != MLC_OK)
        begin_later(d, &err);
    batch_free(batch);
}

void mlc_deliverer_work(mlc_deliverer *d)
{
    /* A begin under way ends with a call of this. */
    if (!d->stopped && d->begin == NULL)
        pick(d);
    mlc_deliverer_arm(d);
}

/* ---- life ---- */

static void fill_defaults(mlc_deliverer_options *opt)
{
    if (opt->max_parallel == 0)
        opt->max_parallel = PARALLEL_DEFAULT;
    if (opt->max_parallel > PARALLEL_MAX)
        opt->max_parallel = PARALLEL_MAX;
    if (opt->max_group == 0)
        opt->max_group = 1;
    if (opt->max_group > opt->max_parallel)
        opt->max_group = opt->max_parallel;
    if (opt->max_attempts == 0)
        opt->max_attempts = ATTEMPTS_DEFAULT;
    if (opt->backoff.base_ms <= 0)
        opt->backoff.base_ms = BACKOFF_BASE_MS;
    if (opt->backoff.cap_ms <= 0)
        opt->backoff.cap_ms = BACKOFF_CAP_MS;
    if (opt->backoff.cap_ms < opt->backoff.base_ms)
        opt->backoff.cap_ms = opt->backoff.base_ms;
    if (opt->settle_ms <= 0)
        opt->settle_ms = SETTLE_MS;
    if (opt->breaker_failures == 0)
        opt->breaker_failures = BREAKER_FAILURES;
    if (opt->breaker_open_ms <= 0)
        opt->breaker_open_ms = BREAKER_OPEN_MS;
    if (opt->breaker_open_max_ms <= 0)
        opt->breaker_open_max_ms = BREAKER_OPEN_MAX_MS;
}

typedef struct recover_arg {
    const mlc_deliverer_options *opt;
    uint64_t recovered;
} recover_arg;

static mlc_code recover_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    recover_arg *const r = arg;
    return mlc_outbox_recover(txn, r->opt->stream, r->opt->settle_ms, &r->recovered, err);
}

mlc_code mlc_deliverer_open(mlc_deliverer **out, const mlc_deliverer_options *options, mlc_error *err)
{
    *out = NULL;
    mlc_deliverer *const d = calloc(1, sizeof *d);
    if (d == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a deliverer");
    d->opt = *options;
    fill_defaults(&d->opt);
    mlc_strlcpy(d->stream_name, mlc_outbox_name(d->opt.stream), sizeof d->stream_name);
    recover_arg recover = {.opt = &d->opt};
    mlc_breaker_init(&d->breaker, d->opt.breaker_failures, d->opt.breaker_open_ms,
                     d->opt.breaker_open_max_ms);
    d->next_due_ms = INT64_MAX;
    d->group = calloc(d->opt.max_group, sizeof(mlc_delivery *));
    mlc_code code = d->group != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for a deliverer");
    if (code == MLC_OK)
        code = mlc_store_run(d->opt.store, recover_job, &recover, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&d->timer, d->opt.loop, on_timer, d, err);
    if (code != MLC_OK) {
        free((void *)d->group);
        free(d);
        return code;
    }
    if (recover.recovered > 0)
        mlc_log_warn(d->opt.log, "deliver", "entries were under way when the last process ended",
                     MLC_S("stream", d->stream_name), MLC_I("entries", recover.recovered));
    mlc_timer_start(d->timer, 0, 0);
    *out = d;
    return MLC_OK;
}

void mlc_deliverer_stop(mlc_deliverer *d)
{
    d->stopped = true;
    mlc_deliverer_arm(d);
}

void mlc_deliverer_close(mlc_deliverer *d)
{
    if (d == NULL)
        return;
    mlc_timer_close(d->timer);
    while (d->flights != NULL) {
        mlc_flight *const flight = d->flights;
        mlc_flight_unlink(flight);
        mlc_flight_free(flight);
    }
    free((void *)d->group);
    free(d);
}

void mlc_deliverer_poke(mlc_deliverer *d)
{
    mlc_deliverer_work(d);
}

void mlc_deliverer_status_get(const mlc_deliverer *d, mlc_deliverer_status *out)
{
    const int64_t mono = mlc_mono_ms();
    const int64_t gate = later_of(d->hold_until_ms, mlc_breaker_when(&d->breaker, mono));
    *out = d->status;
    out->under_way = d->flight_count;
    out->breaker_open = d->breaker.open;
    out->next_try_ms = gate > mono ? mlc_wall_ms() + (gate - mono) : 0;
}
