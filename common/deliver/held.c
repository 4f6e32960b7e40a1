/* held.c - see held.h. */
#include "deliver/held.h"

#include "base/clock.h"
#include "net/timer.h"
#include "store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART = 500, SCAN_PART = 5000, IDEM_MAX = 1024, RETRY_MS = 5000 };

mlc_code mlc_held_keep(mlc_txn *txn, mlc_outbox *held, const mlc_delivery *item, int64_t now_ms,
                       mlc_error *err)
{
    if (held == NULL)
        return mlc_fail(err, MLC_E_INTERNAL, "a dry run without a stream that keeps its messages");
    const mlc_entry_new entry = {.tenant = item->tenant,
                                 .key = item->key,
                                 .idem = item->idem,
                                 .kind = item->kind,
                                 .correlation = item->correlation,
                                 .payload = item->payload,
                                 .payload_len = item->payload_len,
                                 .now_ms = now_ms};
    return mlc_outbox_put(txn, held, &entry, NULL, NULL, err);
}

typedef struct release_run {
    const mlc_held_release_options *opt;
    uint64_t next; /* sequence to look at */
    uint64_t found[PART];
    size_t found_count, seen, part; /* part: how many are to be given back in one job */
    size_t before, released;        /* of the parts that are committed; with this one */
} release_run;

/* ---- which ones ---- */

static bool visit(const mlc_entry *entry, void *arg)
{
    release_run *const run = arg;
    const mlc_held_release_options *const o = run->opt;
    run->next = entry->seq + 1;
    run->seen++;
    if (entry->state == MLC_ENTRY_READY && (o->is_dry == NULL || !o->is_dry(o->user, entry->kind)))
        run->found[run->found_count++] = entry->seq;
    return run->found_count < run->part;
}

static mlc_code find(mlc_txn *txn, void *arg, mlc_error *err)
{
    release_run *const run = arg;
    run->found_count = 0;
    run->seen = 0;
    return mlc_outbox_scan(txn, run->opt->held, run->next, SCAN_PART, visit, run, err);
}

/* ---- giving back ---- */

static mlc_code audit_release(mlc_txn *txn, const mlc_held_release_options *o, const mlc_entry_new *entry,
                              uint64_t seq, mlc_error *err)
{
    const mlc_audit_event event = {.at_ms = entry->now_ms,
                                   .actor = "system",
                                   .action = "released",
                                   .tenant = entry->tenant,
                                   .stream = mlc_outbox_name(o->to),
                                   .kind = entry->kind,
                                   .key = entry->key,
                                   .idem = entry->idem,
                                   .correlation = entry->correlation,
                                   .outcome = "ok",
                                   .detail = "the dry run is over",
                                   .seq = seq};
    return mlc_audit_append(txn, &event, NULL, err);
}

/* A copy, as writing moves the store's pages under the borrowed one. */
static mlc_code put_back(mlc_txn *txn, const release_run *run, const mlc_entry *held, int64_t now_ms,
                         mlc_error *err)
{
    const mlc_held_release_options *const o = run->opt;
    char idem[IDEM_MAX];
    uint64_t seq = 0;
    char *const texts[] = {mlc_strdup(held->tenant), mlc_strdup(held->key), mlc_strdup(held->kind),
                           mlc_strdup(held->correlation), malloc(held->payload_len + 1)};
    const size_t text_count = sizeof texts / sizeof texts[0];
    mlc_code code = MLC_OK;
    for (size_t i = 0; i < text_count; i++)
        if (texts[i] == NULL)
            code = mlc_fail(err, MLC_E_NOMEM, "no memory for a held message");
    if (code == MLC_OK) {
        memcpy(texts[4], held->payload, held->payload_len);
        (void)snprintf(idem, sizeof idem, "%.980s/held/%" PRIu64, held->idem, held->seq);
        const mlc_entry_new entry = {.tenant = texts[0],
                                     .key = texts[1],
                                     .idem = idem,
                                     .kind = texts[2],
                                     .correlation = texts[3],
                                     .payload = texts[4],
                                     .payload_len = held->payload_len,
                                     .now_ms = now_ms};
        code = mlc_outbox_put(txn, o->to, &entry, &seq, NULL, err);
        if (code == MLC_OK)
            code = audit_release(txn, o, &entry, seq, err);
    }
    for (size_t i = 0; i < text_count; i++)
        free(texts[i]);
    return code;
}

static mlc_code release_one(mlc_txn *txn, release_run *run, uint64_t seq, int64_t now_ms, mlc_error *err)
{
    const mlc_held_release_options *const o = run->opt;
    mlc_entry held;
    bool newer = false;
    bool old = false;
    mlc_code code = mlc_outbox_get(txn, o->held, seq, &held, err);
    if (code == MLC_OK && o->snapshots)
        code = mlc_outbox_has_live(txn, o->to, held.key, &newer, err);
    if (code == MLC_OK && !newer && o->is_old != NULL)
        code = o->is_old(txn, &held, &old, o->user, err);
    newer = newer || old;
    if (code == MLC_OK && !newer)
        code = put_back(txn, run, &held, now_ms, err);
    if (code != MLC_OK)
        return code;
    run->released += !newer;
    return mlc_outbox_done(txn, o->held, seq, now_ms,
                           old     ? "a newer one was sent meanwhile"
                           : newer ? "a newer one waits already"
                                   : "the dry run is over: to be sent",
                           err);
}

static mlc_code release_part(mlc_txn *txn, void *arg, mlc_error *err)
{
    release_run *const run = arg;
    const int64_t now = mlc_wall_ms();
    mlc_code code = MLC_OK;
    run->released = run->before; /* the job may run more than once */
    for (size_t i = 0; code == MLC_OK && i < run->found_count; i++)
        code = release_one(txn, run, run->found[i], now, err);
    return code;
}

/* A part that finds no room as a whole is tried in smaller ones: nothing of a job is kept when one of it fails. */
static mlc_code release_next(release_run *run, mlc_error *err)
{
    mlc_code code = mlc_store_read(run->opt->store, find, run, err);
    run->before = run->released;
    if (code == MLC_OK && run->found_count > 0)
        code = mlc_store_run(run->opt->store, release_part, run, err);
    if (code != MLC_E_FULL || run->found_count < 2)
        return code;
    run->part = run->found_count / 2;
    run->next = run->found[0];
    run->released = run->before;
    return MLC_OK;
}

mlc_code mlc_held_release(const mlc_held_release_options *options, size_t *released, mlc_error *err)
{
    release_run *const run = calloc(1, sizeof *run);
    if (run == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for held messages");
    run->opt = options;
    run->next = 1;
    run->part = PART;
    mlc_code code = MLC_OK;
    do {
        code = release_next(run, err);
    } while (code == MLC_OK && run->seen > 0);
    if (code != MLC_OK)
        run->released = run->before;
    if (run->released > 0)
        mlc_log_info(options->log, "held", "a dry run is over: what it held is sent",
                     MLC_S("stream", mlc_outbox_name(options->to)), MLC_I("messages", run->released));
    if (released != NULL)
        *released = run->released;
    free(run);
    return code;
}

/* ---- as soon as there is room ---- */

struct mlc_held_keeper {
    mlc_held_keeper_options opt;
    mlc_timer *timer;
    bool told; /* that there is no room */
};

mlc_code mlc_held_keeper_again(mlc_held_keeper *keeper, mlc_error *err)
{
    const mlc_held_keeper_options *const o = &keeper->opt;
    size_t released = 0;
    mlc_error why;
    const mlc_code code = mlc_held_release(&o->release, &released, &why);
    if (released > 0 && o->on_released != NULL)
        o->on_released(o->user);
    if (code == MLC_E_FULL && !keeper->told)
        mlc_log_warn(o->release.log, "held", "the stream is full: the rest is sent when there is room",
                     MLC_S("stream", mlc_outbox_name(o->release.to)), MLC_S("error", why.message));
    if (code == MLC_OK)
        mlc_timer_stop(keeper->timer);
    else /* whatever the fault, they must not wait for somebody to ask again */
        mlc_timer_start(keeper->timer, o->retry_ms > 0 ? o->retry_ms : RETRY_MS, 0);
    keeper->told = code == MLC_E_FULL;
    if (code == MLC_OK || code == MLC_E_FULL)
        return MLC_OK;
    if (err != NULL)
        *err = why;
    return code;
}

static void on_timer(void *arg)
{
    mlc_held_keeper *const keeper = arg;
    mlc_error err;
    if (mlc_held_keeper_again(keeper, &err) == MLC_OK)
        return;
    mlc_log_warn(keeper->opt.release.log, "held", "held messages could not be given back; it is tried again",
                 MLC_S("error", err.message));
}

mlc_code mlc_held_keeper_open(mlc_held_keeper **out, const mlc_held_keeper_options *options, mlc_error *err)
{
    mlc_held_keeper *const keeper = calloc(1, sizeof *keeper);
    *out = NULL;
    if (keeper == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for held messages");
    keeper->opt = *options;
    mlc_code code = mlc_timer_open(&keeper->timer, options->loop, on_timer, keeper, err);
    if (code == MLC_OK) {
        mlc_timer_unref(keeper->timer);
        code = mlc_held_keeper_again(keeper, err);
    }
    if (code != MLC_OK) {
        mlc_held_keeper_close(keeper);
        return code;
    }
    *out = keeper;
    return MLC_OK;
}

void mlc_held_keeper_close(mlc_held_keeper *keeper)
{
    if (keeper == NULL)
        return;
    mlc_timer_close(keeper->timer);
    free(keeper);
}
