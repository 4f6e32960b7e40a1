/* flow_turn.c - see flow_run.h: one page of a run after another, until the driver is read to its end. */
#include "agent/flow/flow_run_private.h"

#include "base/clock.h"

#include <string.h>

enum {
    FULL_WAIT_MS = 1000, /* how long a full stream is left alone before the page is offered again */
    FIRST_LOAD_MARGIN_MS = 2 * 24 * 3600 * 1000 /* no zone and no sane clock differs by more */
};

void flow_page_clear(mlc_flow_run *run)
{
    mlc_flow_data_clear(&run->data);
    mlc_flow_page_clear(&run->page);
    run->in_page = false;
}

/* ---- storing a page ---- */

static void take_results(mlc_flow_run *run)
{
    const mlc_flow_page *const page = &run->page;
    for (size_t i = 0; i < page->mark_count; i++) {
        for (size_t d = 0; d < run->driver_count; d++)
            if (strcmp(run->opt.spec->drivers[d].name, page->marks[i].driver) == 0)
                run->marks[d] = page->marks[i].watermark;
    }
    run->emission = page->emission;
    run->status.stream_full = false;
    run->status.rows += run->row_count;
    run->status.run_rows += run->row_count;
    run->status.enqueued += page->enqueued;
    run->status.gone += page->gone;
    run->status.invalid += page->invalid;
    if (run->opt.on_item != NULL)
        return;
    if (page->enqueued + page->invalid == 0)
        return;
    mlc_log_info(run->opt.log, "flow", "changes stored", MLC_S("flow", run->opt.spec->name),
                 MLC_S("table", flow_driver(run)->name), MLC_I("rows", run->row_count),
                 MLC_I("changed", page->enqueued), MLC_I("gone", page->gone),
                 MLC_I("invalid", page->invalid));
    if (page->enqueued > 0 && run->opt.on_enqueued != NULL)
        run->opt.on_enqueued(run->opt.enqueued_user);
}

void flow_page_over(mlc_flow_run *run)
{
    mlc_error none;
    take_results(run);
    const bool more = run->more;
    flow_page_clear(run);
    if (run->stopping)
        return;
    if (!more) {
        run->driver++;
        flow_next_driver(run);
        return;
    }
    if (run->opt.may_go_on != NULL && !run->opt.may_go_on(run->opt.user)) {
        mlc_error_clear(&none);
        flow_end(run, MLC_FLOW_PAUSED, &none);
        return;
    }
    if (run->cursor != NULL)
        mlc_ais_next(run->cursor);
    else /* the set was lost meanwhile: ask anew, behind the last row stored */
        flow_browse(run);
}

static void on_page_job(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_flow_run *const run = arg;
    run->storing = false;
    if (code == MLC_OK) {
        flow_page_over(run);
        return;
    }
    if (code != MLC_E_FULL || run->stopping) {
        flow_failed(run, err);
        return;
    }
    if (!run->status.stream_full)
        mlc_log_warn(run->opt.log, "flow", "the outgoing stream is full, reading pauses",
                     MLC_S("flow", run->opt.spec->name), MLC_S("error", err->message));
    run->status.stream_full = true;
    mlc_timer_start(run->full_timer, FULL_WAIT_MS, 0);
}

/* Store's thread. */
static mlc_code store_page(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_flow_run *const run = arg;
    return mlc_flow_page_store(txn, &run->page, err);
}

static void submit_page(mlc_flow_run *run)
{
    mlc_error err;
    if (run->opt.on_item != NULL) {
        flow_preview_page(run);
        return;
    }
    run->storing = true;
    if (mlc_store_submit(run->opt.store, store_page, on_page_job, run, &err) != MLC_OK) {
        run->storing = false;
        flow_failed(run, &err);
    }
}

void flow_on_full_timer(void *arg)
{
    mlc_flow_run *const run = arg;
    if (!run->stopping && !run->storing)
        submit_page(run);
}

/* ---- making a page ---- */

/* What the first load has read of one driver it has read of all: the others begin shortly before it began. */
static void mark_others(mlc_flow_run *run, int64_t began_ms)
{
    mlc_zone *utc = NULL;
    if (mlc_zone_open(&utc, "UTC", NULL) != MLC_OK)
        return; /* then they read everything: slower, not wrong */
    const mlc_jde_stamp stamp = mlc_zone_stamp(utc, began_ms - FIRST_LOAD_MARGIN_MS);
    mlc_zone_close(utc);
    for (size_t i = 1; i < run->driver_count; i++) {
        if (run->marks[i].known || run->marks[i].active)
            continue;
        const bool days = run->opt.spec->drivers[i].why != MLC_FLOW_CHANGED;
        mlc_flow_mark *const mark = &run->page.marks[run->page.mark_count++];
        mark->driver = run->opt.spec->drivers[i].name;
        mark->watermark = (mlc_watermark){
            .known = true, .stamp = {stamp.julian, days ? 0 : stamp.hms}, .started_ms = began_ms};
    }
}

static mlc_code make_page(mlc_flow_run *run, mlc_error *err)
{
    mlc_flow_page *const page = &run->page;
    const bool first_load = run->driver == 0 && !run->marks[0].known;
    page->tenant = run->opt.tenant;
    page->spec = run->opt.spec;
    page->table = flow_driver(run)->name;
    page->up = run->opt.up;
    page->now_ms = mlc_wall_ms();
    page->emission = run->emission;
    page->mark_count = 1;
    page->marks[0].driver = flow_driver(run)->name;
    mlc_watermark *const mark = &page->marks[0].watermark;
    *mark = run->marks[run->driver];
    if (run->has_last)
        mlc_watermark_advance(mark, run->last_stamp, run->last_key);
    mark->rows += (int64_t)run->row_count;
    if (!run->more) {
        mlc_watermark_complete(mark);
        if (first_load)
            mark_others(run, mark->started_ms);
    }
    if (run->data.keys.wanted_count == 0)
        return MLC_OK;
    const mlc_flow_record_maker maker = {.ais = run->opt.ais,
                                         .spec = run->opt.spec,
                                         .settings = &run->opt.settings,
                                         .data = &run->data,
                                         .today = run->today};
    return mlc_flow_page_fill(page, &maker, err);
}

static void on_parts(void *user, mlc_code code, const mlc_error *why)
{
    mlc_flow_run *const run = user;
    mlc_error err;
    if (code != MLC_OK)
        flow_failed(run, why);
    else if (make_page(run, &err) != MLC_OK)
        flow_failed(run, &err);
    else
        submit_page(run);
}

/* ---- reading keys ---- */

/* The ledger has lines that belong to no address. */
static bool is_of_no_record(const mlc_flow_driver *driver, const char *key)
{
    return driver->ledger && (key[0] == '\0' || strcmp(key, "0") == 0);
}

/* A stamp that cannot be read does not hold up the flow: the row's record is looked at (and parked if need be), only the
 * position stays at the row before. */
static void take_stamp(mlc_flow_run *run, const cJSON *row, const char *key)
{
    const mlc_flow_driver *const driver = flow_driver(run);
    mlc_jde_stamp stamp;
    if (mlc_flow_row_stamp(run->opt.ais, row, driver->date_column, driver->time_column, &stamp, NULL) !=
        MLC_OK)
        return;
    run->has_last = true;
    run->last_stamp = stamp;
    mlc_strlcpy(run->last_key, key, sizeof run->last_key);
}

static mlc_code take_keys(mlc_flow_run *run, const mlc_ais_page *page, mlc_error *err)
{
    const mlc_flow_driver *const driver = flow_driver(run);
    const char *const *const columns = run->opt.spec->keys;
    char key[MLC_POLL_KEY_MAX];
    const cJSON *row = NULL;
    mlc_code code = mlc_flow_keys_reserve(&run->data.keys, page->count, err);
    run->data.keys.expand = driver->key_count < mlc_flow_key_count(run->opt.spec);
    run->row_count = page->count;
    run->has_last = false;
    for (row = page->rows->child; code == MLC_OK && row != NULL; row = row->next) {
        code = mlc_flow_key(row, columns, driver->key_count, key, err);
        if (code != MLC_OK)
            return mlc_wrap(err, MLC_E_PROTOCOL, "%s: a row cannot be read", driver->table);
        take_stamp(run, row, key);
        if (is_of_no_record(driver, key))
            continue;
        if (key[0] == '\0' || key[0] == MLC_POLL_KEY_SEPARATOR)
            return mlc_fail(err, MLC_E_PROTOCOL, "%s: a row without %s", driver->table, columns[0]);
        mlc_flow_keys_add(&run->data.keys, key);
    }
    mlc_flow_keys_close(&run->data.keys);
    return code;
}

/* The rows of the keys that were taken. */
static void read_parts(mlc_flow_run *run)
{
    mlc_error err;
    if (run->data.keys.wanted_count == 0) { /* nothing (more) to read: the watermark still moves */
        on_parts(run, MLC_OK, NULL);
        return;
    }
    const mlc_flow_read read = {.ais = run->opt.ais,
                                .spec = run->opt.spec,
                                .settings = &run->opt.settings,
                                .data = &run->data,
                                .done = on_parts,
                                .user = run};
    if (mlc_flow_read_start(&read, &err) != MLC_OK)
        flow_failed(run, &err);
}

static void read_page(mlc_flow_run *run, const mlc_ais_page *page)
{
    mlc_error err;
    run->more = page->more;
    run->in_page = true;
    if (take_keys(run, page, &err) == MLC_OK)
        read_parts(run);
    else
        flow_failed(run, &err);
}

void flow_read_ids(mlc_flow_run *run)
{
    mlc_error err;
    run->driver = run->driver_count - 1; /* there is but this page */
    run->more = false;
    run->in_page = true;
    run->has_last = false;
    run->row_count = run->opt.id_count;
    if (mlc_flow_keys_reserve(&run->data.keys, run->opt.id_count, &err) != MLC_OK) {
        flow_failed(run, &err);
        return;
    }
    run->data.keys.expand = mlc_flow_key_count(run->opt.spec) > 1;
    for (size_t i = 0; i < run->opt.id_count; i++)
        mlc_flow_keys_add(&run->data.keys, run->opt.ids[i]);
    mlc_flow_keys_close(&run->data.keys);
    read_parts(run);
}

static void on_keys(void *user, mlc_ais_cursor *cursor, const mlc_ais_page *page, mlc_code code,
                    const mlc_error *why)
{
    mlc_flow_run *const run = user;
    if (page != NULL) {
        run->cursor = cursor;
        read_page(run, page);
        return;
    }
    run->cursor = NULL;
    /* The end after the last page needs no act: that page completes the driver when it is stored. And a page that
     * is under way is finished first; then flow_page_over sees that the set is gone and asks anew. */
    if (code == MLC_OK || run->in_page)
        return;
    if (code == MLC_E_CONFLICT && !run->stopping) /* the set timed out: a new one from the last row stored */
        flow_browse(run);
    else
        flow_failed(run, why);
}

/* ---- asking ---- */

static mlc_code date_text(const mlc_flow_run *run, int32_t julian, char out[32], mlc_error *err)
{
    out[0] = '\0';
    return julian > 0 ? mlc_ais_date(run->opt.ais, julian, out, 32, err) : MLC_OK;
}

/* Rows of the driver behind its position, in order of stamp and key. */
static mlc_code make_query(mlc_flow_run *run, mlc_ais_query *out, mlc_error *err)
{
    const mlc_flow_driver *const driver = flow_driver(run);
    const char *const *const keys = run->opt.spec->keys;
    const mlc_watermark *const mark = &run->marks[run->driver];
    const mlc_watermark_columns columns = {driver->date_column, driver->time_column, keys, driver->key_count};
    char date[32];
    char upper[32];
    size_t n = 0;
    mlc_code code = date_text(run, mlc_watermark_from(mark).julian, date, err);
    if (code == MLC_OK)
        code = date_text(run, mark->upper, upper, err);
    if (code != MLC_OK)
        return code;
    mlc_watermark_groups(mark, date, upper, &columns, &run->query);
    run->order[n++] = driver->date_column;
    if (driver->time_column != NULL)
        run->order[n++] = driver->time_column;
    for (size_t i = 0; i < driver->key_count; i++)
        run->order[n++] = keys[i];
    run->order[n] = NULL;
    *out = (mlc_ais_query){.table = driver->table,
                           .columns = run->order,
                           .groups = run->query.groups,
                           .group_count = run->query.group_count,
                           .order_by = run->order,
                           .page_size = run->opt.page_size};
    if (driver->page_max > 0 && driver->page_max < out->page_size)
        out->page_size = driver->page_max;
    return MLC_OK;
}

void flow_browse(mlc_flow_run *run)
{
    mlc_error err;
    mlc_ais_query query;
    mlc_code code = make_query(run, &query, &err);
    if (code == MLC_OK)
        code = mlc_ais_browse(run->opt.ais, &query, on_keys, run, &run->cursor, &err);
    if (code != MLC_OK) {
        run->cursor = NULL;
        flow_failed(run, &err);
    }
}
