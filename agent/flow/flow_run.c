/* flow_run.c - see flow_run.h: begin and end of runs, one driver after another. A page: flow_turn.c. */
#include "agent/flow/flow_run_private.h"

#include "agent/ais_totals.h"
#include "agent/flow/flow_scan.h"
#include "base/clock.h"
#include "store/cursor.h"

#include <stdlib.h>
#include <string.h>

const mlc_flow_driver *flow_driver(const mlc_flow_run *run)
{
    return &run->opt.spec->drivers[run->driver];
}

void flow_end(mlc_flow_run *run, mlc_flow_end end, const mlc_error *err)
{
    if (run->cursor != NULL)
        mlc_ais_stop(run->cursor);
    run->cursor = NULL;
    flow_page_clear(run);
    run->running = false;
    run->status.stream_full = false;
    run->status.run_ms = mlc_mono_ms() - run->began_mono;
    if (run->stopping)
        return;
    run->opt.on_end(run->opt.user, end, err);
    flow_resend_begin(run);
}

void flow_failed(mlc_flow_run *run, const mlc_error *err)
{
    flow_end(run, MLC_FLOW_FAILED, err);
}

/* ---- drivers ---- */

static int32_t day_before(int32_t julian)
{
    enum { DAY_S = 86400 };
    return mlc_jde_stamp_minus((mlc_jde_stamp){julian, 0}, DAY_S).julian;
}

/* False: this driver has nothing to do. */
static bool begin_driver(mlc_flow_run *run)
{
    const mlc_flow_driver *const driver = flow_driver(run);
    mlc_watermark *const mark = &run->marks[run->driver];
    if (driver->ledger && !run->opt.settings.ledger.enabled)
        return false;
    if (driver->why == MLC_FLOW_CHANGED) {
        mlc_watermark_begin(mark, run->opt.zone != NULL ? run->opt.zone : run->told_zone, run->opt.overlap_ms,
                            mlc_wall_ms(), run->skew_ms);
        return true;
    }
    const int32_t through = driver->why == MLC_FLOW_BEGUN ? run->today : day_before(run->today);
    return mlc_watermark_begin_days(mark, through, mlc_wall_ms());
}

void flow_next_driver(mlc_flow_run *run)
{
    mlc_error none;
    while (run->driver < run->driver_count && !begin_driver(run))
        run->driver++;
    if (run->driver < run->driver_count) {
        flow_browse(run);
        return;
    }
    mlc_error_clear(&none);
    flow_end(run, MLC_FLOW_DONE, &none);
}

static void on_count(void *user, mlc_code code, const mlc_error *err, int64_t count)
{
    mlc_flow_run *const run = user;
    if (code == MLC_OK)
        run->status.load_total = count;
    else /* only the progress is not known then */
        mlc_log_warn(run->opt.log, "flow", "the rows of the first load cannot be counted",
                     MLC_S("flow", run->opt.spec->name), MLC_S("error", err->message));
    if (run->stopping)
        return;
    if (code == MLC_E_CLOSED)
        flow_failed(run, err);
    else
        flow_next_driver(run);
}

/* What the server tells of its clock: date and zone of the run. */
static void take_clock(mlc_flow_run *run)
{
    mlc_ais_session_info info = {0};
    mlc_ais_info(run->opt.ais, &info);
    run->skew_ms = info.server_clock_skew_ms;
    mlc_zone_close(run->told_zone);
    run->told_zone = NULL;
    if (run->opt.zone == NULL && info.zone_offset[0] != '\0' &&
        mlc_zone_open(&run->told_zone, info.zone_offset, NULL) != MLC_OK)
        run->told_zone = NULL;
}

static void on_ready(void *user, mlc_code code, const mlc_error *why)
{
    mlc_flow_run *const run = user;
    mlc_error err;
    if (run->stopping)
        return;
    if (code != MLC_OK) {
        flow_failed(run, why);
        return;
    }
    take_clock(run);
    run->today = mlc_flow_today(run->opt.ais, run->opt.zone);
    if (run->opt.id_count > 0) {
        flow_read_ids(run);
        return;
    }
    if (run->marks[0].known) {
        flow_next_driver(run);
        return;
    }
    const mlc_ais_query all = {.table = run->opt.spec->drivers[0].table};
    if (mlc_ais_count(run->opt.ais, &all, on_count, run, &err) != MLC_OK)
        flow_failed(run, &err);
}

void mlc_flow_run_start(mlc_flow_run *run)
{
    mlc_error err;
    if (run->resend.active)
        run->start_after = true;
    if (run->stopping || run->running || run->resend.active)
        return;
    run->running = true;
    run->driver = 0;
    run->began_mono = mlc_mono_ms();
    run->status.run_rows = 0;
    if (mlc_ais_clock(run->opt.ais, on_ready, run, &err) != MLC_OK)
        flow_failed(run, &err);
}

/* ---- life ---- */

static mlc_code load_marks(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_flow_run *const run = arg;
    const mlc_flow_spec *const spec = run->opt.spec;
    const void *value = NULL;
    size_t len = 0;
    char name[MLC_FLOW_CURSOR_MAX];
    for (size_t i = 0; i < run->driver_count; i++) {
        mlc_code code =
            mlc_cursor_get(txn, mlc_flow_cursor(spec, spec->drivers[i].name, name), &value, &len, err);
        if (code == MLC_OK)
            code = mlc_watermark_parse(value, len, &run->marks[i], err);
        if (code != MLC_OK && code != MLC_E_NOTFOUND)
            return code;
    }
    const mlc_code code =
        mlc_cursor_get(txn, mlc_flow_cursor(spec, MLC_FLOW_EMISSION, name), &value, &len, err);
    if (code == MLC_OK && len == sizeof run->emission)
        memcpy(&run->emission, value, len);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code mlc_flow_run_open(mlc_flow_run **out, const mlc_flow_run_options *options, mlc_error *err)
{
    mlc_flow_run *const run = calloc(1, sizeof *run);
    if (run == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for flow %s", options->spec->name);
    run->opt = *options;
    run->driver_count = mlc_flow_driver_count(options->spec);
    mlc_code code = mlc_store_read(run->opt.store, load_marks, run, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&run->full_timer, run->opt.loop, flow_on_full_timer, run, err);
    if (code != MLC_OK) {
        mlc_flow_run_close(run);
        return code;
    }
    *out = run;
    return MLC_OK;
}

void mlc_flow_run_stop(mlc_flow_run *run)
{
    run->stopping = true;
    mlc_timer_stop(run->full_timer);
    if (run->cursor != NULL)
        mlc_ais_stop(run->cursor);
    run->cursor = NULL;
    flow_resend_stop(run);
}

void mlc_flow_run_close(mlc_flow_run *run)
{
    if (run == NULL)
        return;
    flow_page_clear(run);
    flow_resend_clear(run);
    mlc_timer_close(run->full_timer);
    mlc_zone_close(run->told_zone);
    free(run);
}

void mlc_flow_run_status(const mlc_flow_run *run, mlc_flow_status *out)
{
    *out = run->status;
    out->running = run->running;
    out->first_load = !run->marks[0].known;
    out->load_done = run->marks[0].rows;
    out->table = run->running && run->driver < run->driver_count ? flow_driver(run)->name : NULL;
    if (run->running)
        out->run_ms = mlc_mono_ms() - run->began_mono;
}
