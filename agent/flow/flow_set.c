/* flow_set.c - see flow_set.h. */
#include "agent/flow/flow_set_private.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "net/backoff.h"
#include "store/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_AGAIN_MS = 60000 }; /* the wall clock may be set: no longer wait than this without a look at it */

/* ---- when ---- */

static uint64_t seed_of(const flow_entry *flow)
{
    uint8_t hash[MLC_SHA256_LEN];
    char text[160];
    const int n = snprintf(text, sizeof text, "%.100s/%s", flow->set->opt.site, flow->plan.spec->name);
    return mlc_sha256(text, (size_t)n, hash, NULL) == MLC_OK ? mlc_get_u64(hash) : 0;
}

/* Fixed once, not by every look at the clock: else a due time that has come could be taken for one that was missed. */
static void plan_next(flow_entry *flow)
{
    const mlc_flow_plan *const plan = &flow->plan;
    const mlc_zone *const zone = flow->set->opt.zone;
    const int64_t now = mlc_wall_ms();
    /* A run that has begun and was not done goes on first. */
    const bool unfinished = flow->times.begin_ms > 0 && flow->times.end_ms < flow->times.begin_ms;
    int64_t due = flow->retry_ms > now ? flow->retry_ms : now;
    if (!unfinished) {
        const int64_t last = plan->cron.every_ms > 0 ? flow->times.end_ms : flow->times.begin_ms;
        due = mlc_cron_plan(&plan->cron, zone, last, now, plan->jitter_ms, seed_of(flow), plan->catch_up);
    }
    flow->due_ms = due == INT64_MAX ? due : mlc_window_next(&plan->window, zone, due);
}

/* ---- what is kept ---- */

typedef struct times_job {
    const mlc_flow_spec *spec;
    flow_times times;
} times_job;

/* Store's thread. */
static mlc_code store_times(mlc_txn *txn, void *arg, mlc_error *err)
{
    char name[MLC_FLOW_CURSOR_MAX];
    const times_job *const job = arg;
    return mlc_cursor_put(txn, mlc_flow_cursor(job->spec, MLC_FLOW_TIMES, name), &job->times,
                          sizeof job->times, err);
}

static void times_stored(void *arg, mlc_code code, const mlc_error *err)
{
    /* A full store: the run is told as unfinished after a restart, which does no harm. */
    (void)code;
    (void)err;
    free(arg);
}

static void keep_times(const flow_entry *flow)
{
    times_job *const job = calloc(1, sizeof *job);
    if (job == NULL)
        return;
    *job = (times_job){flow->plan.spec, flow->times};
    if (mlc_store_submit(flow->set->opt.store, store_times, times_stored, job, NULL) != MLC_OK)
        free(job);
}

static mlc_code load_times(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_flow_set *const set = arg;
    char name[MLC_FLOW_CURSOR_MAX];
    for (size_t i = 0; i < set->count; i++) {
        const void *value = NULL;
        size_t len = 0;
        flow_entry *const flow = &set->flows[i];
        const mlc_code code =
            mlc_cursor_get(txn, mlc_flow_cursor(flow->plan.spec, MLC_FLOW_TIMES, name), &value, &len, err);
        if (code == MLC_OK && len == sizeof flow->times)
            memcpy(&flow->times, value, len);
        if (code != MLC_OK && code != MLC_E_NOTFOUND)
            return code;
    }
    return MLC_OK;
}

/* ---- running ---- */

static bool may_go_on(void *user)
{
    const flow_entry *const flow = user;
    const int64_t now = mlc_wall_ms();
    return flow->forced || mlc_window_next(&flow->plan.window, flow->set->opt.zone, now) <= now;
}

static void note_failure(flow_entry *flow, const mlc_error *err)
{
    mlc_flow_set *const set = flow->set;
    char text[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX];
    const mlc_backoff policy = {set->opt.retry_base_ms, set->opt.retry_cap_ms};
    const int64_t delay = mlc_backoff_delay(&policy, ++flow->failures, 0, mlc_random_below(UINT64_MAX));
    flow->retry_ms = mlc_wall_ms() + delay;
    mlc_strlcpy(flow->last_error, mlc_error_text(err, text, sizeof text), sizeof flow->last_error);
    mlc_log_warn(set->opt.log, "flow", "run failed, will go on where it stopped",
                 MLC_S("flow", flow->plan.spec->name), MLC_S("error", text), MLC_I("retry_ms", delay));
}

static void on_end(void *user, mlc_flow_end end, const mlc_error *err)
{
    flow_entry *const flow = user;
    mlc_flow_set *const set = flow->set;
    flow->running = flow->forced = false;
    set->running--;
    flow->retry_ms = 0;
    if (end == MLC_FLOW_FAILED) {
        note_failure(flow, err);
    } else if (end == MLC_FLOW_PAUSED) {
        mlc_log_info(set->opt.log, "flow", "the window is over, goes on in the next",
                     MLC_S("flow", flow->plan.spec->name));
    } else {
        flow->failures = 0;
        flow->runs++;
        flow->last_error[0] = '\0';
        flow->times.end_ms = mlc_wall_ms();
        if (flow->times.end_ms < flow->times.begin_ms) /* the clock was set back meanwhile */
            flow->times.end_ms = flow->times.begin_ms;
        keep_times(flow);
    }
    plan_next(flow);
    if (!set->stopping)
        mlc_timer_start(set->timer, 0, 0);
}

static void begin_flow(flow_entry *flow)
{
    flow->running = true;
    flow->forced = flow->wanted;
    flow->wanted = false;
    flow->set->running++;
    flow->times.begin_ms = mlc_wall_ms();
    if (flow->times.end_ms >= flow->times.begin_ms) /* so that it counts as unfinished */
        flow->times.begin_ms = flow->times.end_ms + 1;
    keep_times(flow);
    mlc_flow_run_start(flow->run);
}

static bool is_due(flow_entry *flow, int64_t now_ms)
{
    if (flow->running || flow->wanted)
        return flow->wanted && !flow->running;
    /* It may have waited for its turn until its window was shut. */
    if (flow->due_ms <= now_ms)
        flow->due_ms = mlc_window_next(&flow->plan.window, flow->set->opt.zone, now_ms);
    return flow->due_ms <= now_ms;
}

/* Begin what is due, then sleep until something will be. */
static void look(mlc_flow_set *set)
{
    const int64_t now = mlc_wall_ms();
    int64_t wait = LOOK_AGAIN_MS;
    for (size_t i = 0; i < set->count && set->running < set->opt.parallel; i++)
        if (is_due(&set->flows[i], now))
            begin_flow(&set->flows[i]);
    for (size_t i = 0; i < set->count; i++) {
        const flow_entry *const flow = &set->flows[i];
        if (!flow->running && flow->due_ms > now && flow->due_ms - now < wait)
            wait = flow->due_ms - now;
    }
    mlc_timer_start(set->timer, wait, 0);
}

static void on_timer(void *arg)
{
    mlc_flow_set *const set = arg;
    if (!set->stopping)
        look(set);
}

mlc_code flow_find(const mlc_flow_set *set, const char *name, flow_entry **out, mlc_error *err)
{
    char known[200] = "";
    for (size_t i = 0; i < set->count; i++) {
        const char *const own = set->flows[i].plan.spec->name;
        const size_t used = strlen(known);
        (void)snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "", own);
        if (strcmp(name, own) != 0)
            continue;
        *out = &set->flows[i];
        return MLC_OK;
    }
    return mlc_fail(err, MLC_E_NOTFOUND, "flow \"%.40s\" is not known or not enabled here; enabled are: %s",
                    name, known);
}

mlc_code mlc_flow_set_run_now(mlc_flow_set *set, const char *name, mlc_error *err)
{
    flow_entry *one = NULL;
    const mlc_code code = name != NULL ? flow_find(set, name, &one, err) : MLC_OK;
    if (code != MLC_OK)
        return code;
    for (size_t i = 0; i < set->count; i++)
        if ((one == NULL || one == &set->flows[i]) && !set->flows[i].running)
            set->flows[i].wanted = true;
    if (!set->stopping)
        mlc_timer_start(set->timer, 0, 0);
    return MLC_OK;
}

mlc_code mlc_flow_set_resend(mlc_flow_set *set, const char *kind, const mlc_resend_id *ids, size_t count,
                             void (*done)(void *user, mlc_code code, const mlc_error *err), void *user,
                             mlc_error *err)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->flows[i].plan.spec->kind, kind) == 0)
            return mlc_flow_run_resend(set->flows[i].run, ids, count, done, user, err);
    return mlc_fail(err, MLC_E_NOTFOUND, "no flow of kind \"%.40s\" is enabled here", kind);
}

/* ---- life ---- */

static mlc_code open_flow(mlc_flow_set *set, flow_entry *flow, const mlc_flow_plan *plan, mlc_error *err)
{
    flow->set = set;
    flow->plan = *plan;
    const mlc_flow_run_options options = {.loop = set->opt.loop,
                                          .store = set->opt.store,
                                          .up = set->opt.up,
                                          .ais = set->opt.ais,
                                          .log = set->opt.log,
                                          .zone = set->opt.jde_zone,
                                          .tenant = set->opt.tenant,
                                          .spec = plan->spec,
                                          .settings = plan->settings,
                                          .overlap_ms = plan->overlap_ms,
                                          .page_size = plan->page_size,
                                          .on_enqueued = set->opt.on_enqueued,
                                          .enqueued_user = set->opt.user,
                                          .may_go_on = may_go_on,
                                          .on_end = on_end,
                                          .user = flow};
    return mlc_flow_run_open(&flow->run, &options, err);
}

mlc_code mlc_flow_set_open(mlc_flow_set **out, const mlc_flow_set_options *options, mlc_error *err)
{
    mlc_flow_set *const set = calloc(1, sizeof *set);
    if (set == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the flows");
    set->opt = *options;
    set->opt.parallel = options->parallel > 0 ? options->parallel : 1;
    set->opt.retry_base_ms = options->retry_base_ms > 0 ? options->retry_base_ms : 1000;
    set->opt.retry_cap_ms = options->retry_cap_ms > 0 ? options->retry_cap_ms : 300000;
    set->flows = calloc(options->plan_count + 1, sizeof *set->flows);
    if (set->flows == NULL) {
        free(set);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the flows");
    }
    mlc_code code = mlc_timer_open(&set->timer, options->loop, on_timer, set, err);
    for (size_t i = 0; code == MLC_OK && i < options->plan_count; i++) {
        code = open_flow(set, &set->flows[i], &options->plans[i], err);
        set->count += code == MLC_OK ? 1 : 0;
    }
    if (code == MLC_OK)
        code = mlc_store_read(set->opt.store, load_times, set, err);
    if (code != MLC_OK) {
        mlc_flow_set_close(set);
        return code;
    }
    set->opt.plans = NULL;
    for (size_t i = 0; i < set->count; i++)
        plan_next(&set->flows[i]);
    mlc_timer_start(set->timer, 0, 0);
    *out = set;
    return MLC_OK;
}

void mlc_flow_set_stop(mlc_flow_set *set)
{
    if (set == NULL)
        return;
    set->stopping = true;
    mlc_timer_stop(set->timer);
    flow_preview_stop(set);
    for (size_t i = 0; i < set->count; i++)
        mlc_flow_run_stop(set->flows[i].run);
}

void mlc_flow_set_close(mlc_flow_set *set)
{
    if (set == NULL)
        return;
    flow_preview_close(set);
    for (size_t i = 0; i < set->count; i++)
        mlc_flow_run_close(set->flows[i].run);
    mlc_timer_close(set->timer);
    free(set->flows);
    free(set);
}
