/* drift.c - see drift.h and drift_private.h. */
#include "relay/drift_private.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "store/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_AGAIN_MS = 60000, RANGES_AT_ONCE = 32 /* between two turns of the loop */ };

static const struct {
    const char *kind, *table;
} tables[] = {{"customer", "F0101"},
              {"supplier", "F0401"},
              {"contact", "F0111"},
              {"item", "F4101"},
              {"price", "F4106"}};

/* ---- when ---- */

static void plan_next(mlc_drift *drift)
{
    const int64_t now = mlc_wall_ms();
    drift->due_ms = drift->opt.scheduled
                        ? mlc_cron_plan(&drift->opt.schedule, NULL, drift->last_begin_ms, now, 0, 0, true)
                        : INT64_MAX;
}

static void on_schedule(void *arg)
{
    mlc_drift *const drift = arg;
    const int64_t now = mlc_wall_ms();
    int64_t wait = LOOK_AGAIN_MS;
    if (drift->stopping)
        return;
    if (!drift->running && drift->due_ms <= now)
        (void)mlc_drift_start(drift, NULL, !drift->opt.heal, NULL);
    if (!drift->running && drift->due_ms - now < wait)
        wait = drift->due_ms - now > 0 ? drift->due_ms - now : 1;
    mlc_timer_start(drift->schedule_timer, wait, 0);
}

/* ---- the end ---- */

static void on_report_stored(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_drift *const drift = arg;
    drift->storing = false;
    if (code != MLC_OK && !drift->stopping)
        mlc_log_warn(drift->opt.log, "compare", "the report cannot be kept",
                     MLC_S("tenant", drift->opt.tenant), MLC_S("error", err->message));
}

static void clear_run(mlc_drift *drift)
{
    free(drift->spans);
    drift->spans = NULL;
    drift->span_count = drift->span_room = 0;
    mlc_compare_answer_free(&drift->answer);
    drift_rows_clear(drift);
    for (size_t i = 0; i < drift->kind_count; i++) {
        drift_finds_clear(&drift->kinds[i].heal);
        drift_finds_clear(&drift->kinds[i].gone);
    }
    drift->asking = false;
}

void drift_end(mlc_drift *drift, const mlc_error *err)
{
    uint64_t all = 0;
    uint64_t again = 0;
    if (!drift->running)
        return;
    drift->running = false;
    mlc_timer_stop(drift->patience_timer);
    mlc_timer_stop(drift->step_timer);
    clear_run(drift);
    for (size_t i = 0; i < drift->kind_count; i++) {
        for (size_t k = 0; k < DRIFT_WHATS; k++)
            all += drift->kinds[i].found[k];
        again += drift->kinds[i].sent_again;
    }
    if (drift->stopping)
        return;
    char *const report = drift_report_print(drift, err);
    if (report != NULL) {
        free(drift->report);
        drift->report = report;
        drift->storing =
            mlc_store_submit(drift->opt.store, drift_report_store, on_report_stored, drift, NULL) == MLC_OK;
    }
    if (err != NULL)
        mlc_log_warn(drift->opt.log, "compare", "the comparison was not finished",
                     MLC_S("tenant", drift->opt.tenant), MLC_S("error", err->message));
    else
        mlc_log_info(drift->opt.log, "compare", "both sides were compared",
                     MLC_S("tenant", drift->opt.tenant), MLC_I("differences", all), MLC_I("sentAgain", again),
                     MLC_B("dry", drift->dry));
    plan_next(drift);
    mlc_timer_start(drift->schedule_timer, 1, 0);
}

void drift_later(mlc_drift *drift, void (*step)(mlc_drift *drift))
{
    drift->step = step;
    mlc_timer_start(drift->step_timer, 0, 0);
}

static void on_step(void *arg)
{
    mlc_drift *const drift = arg;
    if (drift->running && !drift->stopping)
        drift->step(drift);
}

/* ---- questions ---- */

static void ask_next(mlc_drift *drift);

static void next_kind(mlc_drift *drift)
{
    while (drift->kind < drift->kind_count && !drift->kinds[drift->kind].wanted)
        drift->kind++;
    if (drift->kind >= drift->kind_count) {
        drift_rows_begin(drift);
        return;
    }
    drift->phase = drift->kinds[drift->kind].kind;
    drift->span_count = 1;
    drift->spans[0] = (drift_span){0, INT64_MAX};
    ask_next(drift);
}

static mlc_code ask_span(mlc_drift *drift, drift_span span, mlc_error *err)
{
    mlc_buf payload = {0};
    char key[128];
    mlc_compare_request *const asked = &drift->asked;
    *asked = (mlc_compare_request){.from = span.from, .to = span.to};
    mlc_strlcpy(asked->run, drift->run, sizeof asked->run);
    mlc_strlcpy(asked->of, drift->kinds[drift->kind].kind, sizeof asked->of);
    (void)snprintf(key, sizeof key, "compare/%s/%s/%" PRId64 "-%" PRId64, drift->run, asked->of, span.from,
                   span.to);
    mlc_code code = mlc_compare_request_print(asked, &payload, err);
    if (code == MLC_OK)
        code = drift_send(drift, "compare.request", key, &payload, err);
    mlc_buf_free(&payload);
    return code;
}

static void ask_next(mlc_drift *drift)
{
    mlc_error err;
    if (drift->span_count == 0) {
        drift->kind++;
        next_kind(drift);
        return;
    }
    drift->asking = true;
    mlc_timer_start(drift->patience_timer, drift->opt.patience_ms, 0);
    if (ask_span(drift, drift->spans[--drift->span_count], &err) != MLC_OK)
        drift_end(drift, &err);
}

static void on_patience(void *arg)
{
    mlc_drift *const drift = arg;
    mlc_error err;
    (void)mlc_fail(&err, MLC_E_TIMEOUT, "the agent did not answer for %" PRId64 " s; is it connected?",
                   drift->opt.patience_ms / 1000);
    drift_end(drift, &err);
}

/* ---- answers ---- */

static mlc_code push_span(mlc_drift *drift, int64_t from, int64_t to)
{
    if (drift->span_count == drift->span_room) {
        const size_t room = drift->span_room * 2;
        drift_span *const more = realloc(drift->spans, room * sizeof *more);
        if (more == NULL)
            return MLC_E_NOMEM;
        drift->spans = more;
        drift->span_room = room;
    }
    drift->spans[drift->span_count++] = (drift_span){from, to};
    return MLC_OK;
}

/* Reader: some of the ranges against what was written. */
static mlc_code compare_ranges(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_drift *const drift = arg;
    const mlc_compare_answer *const answer = &drift->answer;
    for (size_t i = 0; i < RANGES_AT_ONCE && drift->range_at < answer->range_count; i++, drift->range_at++) {
        const mlc_range *const range = &answer->ranges[drift->range_at];
        mlc_range_sum own;
        const mlc_code code = mlc_sent_sum(txn, answer->asked.of, range->from, range->to, &own, err);
        if (code != MLC_OK)
            return code;
        if (!mlc_range_same(&own, &range->sum) && push_span(drift, range->from, range->to) != MLC_OK)
            return mlc_fail(err, MLC_E_NOMEM, "no memory for a comparison");
    }
    return MLC_OK;
}

static void step_ranges(mlc_drift *drift)
{
    mlc_error err;
    if (mlc_store_read(drift->opt.store, compare_ranges, drift, &err) != MLC_OK)
        drift_end(drift, &err);
    else if (drift->range_at < drift->answer.range_count)
        drift_later(drift, step_ranges);
    else
        ask_next(drift);
}

typedef struct find_job {
    mlc_drift *drift;
    drift_finds finds;
    bool *live; /* of each find: under way or parked */
} find_job;

static mlc_code find_differences(mlc_txn *txn, void *arg, mlc_error *err)
{
    find_job *const job = arg;
    mlc_drift *const drift = job->drift;
    mlc_code code = drift_find_ids(txn, drift, &drift->answer, &job->finds, err);
    job->live = calloc(job->finds.count + 1, sizeof *job->live);
    if (code == MLC_OK && job->live == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a comparison");
    for (size_t i = 0; code == MLC_OK && i < job->finds.count; i++) {
        char key[MLC_COMPARE_ID_MAX + 40];
        (void)snprintf(key, sizeof key, "%.30s/%s", drift->answer.asked.of, job->finds.at[i].id);
        code = mlc_outbox_has_live(txn, drift->opt.dynamics, key, &job->live[i], err);
    }
    return code;
}

static void step_ids(mlc_drift *drift)
{
    mlc_error err;
    find_job job = {.drift = drift};
    drift_kind *const kind = &drift->kinds[drift->kind];
    for (size_t i = 0; i < drift->answer.id_count; i++)
        kind->unsent += drift->answer.ids[i].unsent;
    const mlc_code code = mlc_store_read(drift->opt.store, find_differences, &job, &err);
    for (size_t i = 0; code == MLC_OK && i < job.finds.count; i++) {
        if (job.live[i])
            kind->under_way++;
        else
            drift_note(drift, kind, &job.finds.at[i]);
    }
    drift_finds_clear(&job.finds);
    free(job.live);
    if (code != MLC_OK)
        drift_end(drift, &err);
    else if (drift_heal(drift, kind, false))
        ask_next(drift);
}

static bool is_awaited(const mlc_drift *drift, const mlc_compare_request *asked)
{
    return drift->running && drift->asking && strcmp(asked->run, drift->run) == 0 &&
           strcmp(asked->of, drift->asked.of) == 0 && asked->from == drift->asked.from &&
           asked->to == drift->asked.to;
}

void mlc_drift_take(mlc_drift *drift, mlc_deliverer *deliverer, mlc_delivery *item)
{
    mlc_error err;
    mlc_compare_answer answer;
    const mlc_code code = mlc_compare_answer_parse(item->payload, item->payload_len, &answer, &err);
    const bool awaited = code == MLC_OK && is_awaited(drift, &answer.asked);
    const mlc_delivery_result result = {.code = code,
                                        .err = code == MLC_OK ? NULL : &err,
                                        .outcome = awaited ? "compared" : "nobody waits for it"};
    mlc_deliverer_finish(deliverer, item, &result);
    if (!awaited) {
        mlc_compare_answer_free(&answer);
        return;
    }
    drift_kind *const kind = &drift->kinds[drift->kind];
    drift->asking = false;
    mlc_timer_stop(drift->patience_timer);
    mlc_compare_answer_free(&drift->answer);
    drift->answer = answer;
    drift->range_at = 0;
    kind->disabled = !answer.enabled;
    if (answer.asked.from == 0 && answer.asked.to == INT64_MAX) {
        kind->records = answer.by_ids ? answer.id_count : 0;
        for (size_t i = 0; !answer.by_ids && i < answer.range_count; i++)
            kind->records += answer.ranges[i].sum.count;
    }
    if (kind->disabled)
        drift_later(drift, ask_next);
    else
        drift_later(drift, answer.by_ids ? step_ids : step_ranges);
}

mlc_code mlc_drift_check(const void *payload, size_t len, mlc_error *err)
{
    mlc_compare_answer answer;
    const mlc_code code = mlc_compare_answer_parse(payload, len, &answer, err);
    mlc_compare_answer_free(&answer);
    return code;
}

/* ---- a run ---- */

static mlc_code keep_begin(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_drift *const drift = arg;
    return mlc_cursor_put(txn, DRIFT_STATE, &drift->last_begin_ms, sizeof drift->last_begin_ms, err);
}

static mlc_code choose_kinds(mlc_drift *drift, const char *kind, mlc_error *err)
{
    bool found = kind == NULL;
    for (size_t i = 0; i < drift->kind_count; i++)
        found = found || strcmp(drift->kinds[i].kind, kind) == 0;
    if (!found)
        return mlc_fail(err, MLC_E_NOTFOUND,
                        "no kind \"%.40s\"; there are customer, supplier, contact, item, price", kind);
    for (size_t i = 0; i < drift->kind_count; i++) {
        drift_kind *const k = &drift->kinds[i];
        drift_kind fresh = {.kind = k->kind, .table = k->table, .map = k->map};
        memcpy(fresh.set, k->set, sizeof fresh.set);
        fresh.wanted = kind == NULL || strcmp(k->kind, kind) == 0;
        *k = fresh;
    }
    return MLC_OK;
}

mlc_code mlc_drift_start(mlc_drift *drift, const char *kind, bool dry, mlc_error *err)
{
    enum { SPANS = 64 };
    if (drift->running || drift->storing || drift->marking)
        return mlc_fail(err, MLC_E_CONFLICT, "a comparison is under way; see mlctl compare --report");
    mlc_code code = choose_kinds(drift, kind, err);
    if (code != MLC_OK)
        return code;
    drift->spans = calloc(SPANS, sizeof *drift->spans);
    if (drift->spans == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a comparison");
    drift->span_room = SPANS;
    code = mlc_random_id(drift->run, err);
    if (code != MLC_OK)
        return code;
    drift->running = true;
    drift->dry = dry;
    drift->began_ms = drift->last_begin_ms = mlc_wall_ms();
    drift->number = (uint32_t)drift->began_ms;
    drift->messages = 0;
    drift->kind = 0;
    drift->phase = "";
    (void)mlc_store_submit(drift->opt.store, keep_begin, NULL, drift, NULL);
    if (drift->opt.on_begin != NULL)
        drift->opt.on_begin(drift->opt.user);
    drift_later(drift, next_kind);
    return MLC_OK;
}

/* ---- life ---- */

static void add_kind(mlc_drift *drift, mlc_map *map)
{
    drift_kind *const kind = &drift->kinds[drift->kind_count++];
    kind->kind = mlc_map_flow(map);
    kind->map = map;
    (void)mlc_map_expand(kind->set, sizeof kind->set, mlc_map_target(map), drift->opt.prefix);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (strcmp(tables[i].kind, kind->kind) == 0)
            kind->table = tables[i].table;
}

mlc_code mlc_drift_open(mlc_drift **out, const mlc_drift_options *options, mlc_error *err)
{
    mlc_drift *const drift = calloc(1, sizeof *drift);
    if (drift == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the comparison");
    drift->opt = *options;
    for (size_t i = 0; i < options->mappings->count; i++)
        if (options->mappings->maps[i] != NULL)
            add_kind(drift, options->mappings->maps[i]);
    mlc_code code = mlc_store_read(options->store, drift_report_load, drift, err);
    if (code == MLC_OK &&
        drift->last_begin_ms == 0) { /* the first is due by the schedule, not at the first start */
        drift->last_begin_ms = mlc_wall_ms();
        code = mlc_store_run(options->store, keep_begin, drift, err);
    }
    if (code == MLC_OK)
        code = mlc_timer_open(&drift->schedule_timer, options->loop, on_schedule, drift, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&drift->patience_timer, options->loop, on_patience, drift, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&drift->step_timer, options->loop, on_step, drift, err);
    if (code != MLC_OK) {
        mlc_drift_close(drift);
        return code;
    }
    plan_next(drift);
    mlc_timer_start(drift->schedule_timer, 1, 0);
    *out = drift;
    return MLC_OK;
}

void mlc_drift_stop(mlc_drift *drift)
{
    if (drift == NULL)
        return;
    drift->stopping = true;
    mlc_timer_stop(drift->schedule_timer);
    mlc_timer_stop(drift->patience_timer);
    mlc_timer_stop(drift->step_timer);
}

void mlc_drift_close(mlc_drift *drift)
{
    if (drift == NULL)
        return;
    drift->marking = false;
    clear_run(drift);
    mlc_timer_close(drift->schedule_timer);
    mlc_timer_close(drift->patience_timer);
    mlc_timer_close(drift->step_timer);
    free(drift->report);
    free(drift);
}
