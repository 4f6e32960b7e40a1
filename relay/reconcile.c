/* reconcile.c - see reconcile.h. A run: page of changes -> ask about what it does not tell -> store -> next page. */
#include "relay/reconcile_private.h"

#include "base/clock.h"
#include "relay/webhook_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORTION = 25 /* ids in one address */, FULL_WAIT_MS = 1000 };

static void clear_page(mlc_reconcile *r)
{
    cJSON_Delete(r->rows);
    cJSON_Delete(r->wanted);
    cJSON_Delete(r->gone);
    free(r->next);
    free(r->new_link);
    r->rows = r->wanted = r->gone = NULL;
    r->next = r->new_link = NULL;
    r->wanted_at = 0;
}

static void run_end(mlc_reconcile *r, const mlc_error *err)
{
    r->running = false;
    clear_page(r);
    r->status.runs += err == NULL;
    r->status.resyncs += err == NULL && r->whole;
    r->status.last_error[0] = '\0';
    if (err != NULL) {
        mlc_strlcpy(r->status.last_error, err->message, sizeof r->status.last_error);
        if (err->code != MLC_E_CLOSED)
            mlc_log_warn(r->opt.log, "reconcile", "run failed, will be repeated",
                         MLC_S("tenant", r->opt.tenant), MLC_S("table", r->opt.table->set),
                         MLC_S("error", err->message));
    }
    if (!r->stopping)
        mlc_timer_start(r->timer, r->resync_wanted && err == NULL ? 0 : r->opt.interval_ms, 0);
}

static void ask(mlc_reconcile *r, const char *path, const char *more, mlc_odata_fn fn)
{
    mlc_error err;
    char prefer[96];
    (void)snprintf(prefer, sizeof prefer, "%sodata.maxpagesize=%d", more, r->opt.table->page_size);
    const mlc_odata_request request = {.method = "GET", .path = path, .prefer = prefer};
    if (mlc_odata_send(r->opt.odata, &request, fn, r, &err) != MLC_OK)
        run_end(r, &err);
}

static void on_changes(void *user, const mlc_odata_answer *answer);
static void on_rows(void *user, const mlc_odata_answer *answer);
static void begin(mlc_reconcile *r);

#define TRACKED "odata.track-changes,"

/* ---- storing a page ---- */

static void on_stored(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_reconcile *const r = arg;
    if (code == MLC_E_FULL && !r->stopping) {
        mlc_timer_start(r->full_timer, FULL_WAIT_MS, 0);
        return;
    }
    if (code != MLC_OK) {
        run_end(r, err);
        return;
    }
    r->status.found += r->found;
    r->status.again += r->again;
    r->status.deleted += r->deleted;
    if (r->found + r->again + r->deleted > 0)
        mlc_log_info(r->opt.log, "reconcile", "found what no webhook told of", MLC_S("tenant", r->opt.tenant),
                     MLC_S("what", r->opt.table->words), MLC_I("found", r->found), MLC_I("again", r->again),
                     MLC_I("deleted", r->deleted));
    if (r->found > 0 && r->opt.on_found != NULL)
        r->opt.on_found(r->opt.user);
    if (r->again > 0 && r->opt.on_down != NULL)
        r->opt.on_down(r->opt.user);
    if (r->next == NULL) {
        if (r->seen_ms > r->watermark_ms)
            r->watermark_ms = r->seen_ms;
        if (r->new_link != NULL) {
            free(r->link);
            r->link = r->new_link;
            r->new_link = NULL;
        }
        run_end(r, NULL);
        return;
    }
    char *const next = r->next;
    r->next = NULL;
    clear_page(r);
    if (r->stopping)
        run_end(r, NULL);
    else
        ask(r, next, r->untracked ? "" : TRACKED, r->untracked ? on_rows : on_changes);
    free(next);
}

static void submit_page(mlc_reconcile *r)
{
    mlc_error err;
    if (mlc_store_submit(r->opt.store, reconcile_store_page, on_stored, r, &err) != MLC_OK)
        run_end(r, &err);
}

static void on_full_timer(void *arg)
{
    mlc_reconcile *const r = arg;
    if (!r->stopping)
        submit_page(r);
}

/* ---- asking about rows ---- */

/* "salesorders?..." of those changed since then. */
static mlc_code rows_path(const mlc_reconcile *r, int64_t since_ms, mlc_buf *out, mlc_error *err)
{
    char since[MLC_ISO_TEXT_MAX];
    mlc_code code = mlc_buf_printf(out, err, "%s?$select=", r->opt.table->set);
    if (code == MLC_OK)
        code = r->opt.table->columns(r, out, err);
    if (code == MLC_OK)
        code = mlc_buf_puts(out, "&$orderby=modifiedon&$filter=", err);
    if (code == MLC_OK)
        code = r->opt.table->condition(r, out, err);
    return code == MLC_OK
               ? mlc_buf_printf(out, err, "%%20and%%20modifiedon%%20ge%%20%s", mlc_iso_text(since_ms, since))
               : code;
}

/* The next portion of wanted ids, or on to the store. */
static void ask_wanted(mlc_reconcile *r)
{
    mlc_error err;
    mlc_buf path = {0};
    const cJSON *id = cJSON_GetArrayItem(r->wanted, (int)r->wanted_at);
    if (id == NULL) {
        submit_page(r);
        return;
    }
    mlc_code code = rows_path(r, r->from_ms, &path, &err);
    for (size_t i = 0; code == MLC_OK && i < PORTION && id != NULL; i++, id = id->next) {
        code = mlc_buf_printf(&path, &err, "%s%s%%20eq%%20%s", i == 0 ? "%20and%20(" : "%20or%20",
                              r->opt.table->id, id->valuestring);
        r->wanted_at++;
    }
    if (code == MLC_OK)
        code = mlc_buf_puts(&path, ")", &err);
    if (code == MLC_OK)
        ask(r, mlc_buf_text(&path), "", on_rows);
    else
        run_end(r, &err);
    mlc_buf_free(&path);
}

static mlc_code read_modified(const mlc_reconcile *r, const cJSON *row, int64_t *out, mlc_error *err)
{
    const char *const text = mlc_json_str(row, "modifiedon");
    if (text == NULL || mlc_iso_parse(text, out, err) != MLC_OK)
        return mlc_fail(err, MLC_E_PROTOCOL, "Dynamics answered a row of %s without a usable modifiedon",
                        r->opt.table->set);
    return MLC_OK;
}

static mlc_code add_row(mlc_reconcile *r, const cJSON *row, mlc_error *err)
{
    cJSON *const copy = cJSON_Duplicate(row, true);
    if (r->rows == NULL)
        r->rows = cJSON_CreateArray();
    r->status.seen++;
    if (copy != NULL && r->rows != NULL && cJSON_AddItemToArray(r->rows, copy))
        return MLC_OK;
    cJSON_Delete(copy);
    return mlc_fail(err, MLC_E_NOMEM, "no memory for a page of %s", r->opt.table->set);
}

/* A page of rows that were asked for: of a portion, or of all when changes are not tracked. */
static mlc_code take_rows(mlc_reconcile *r, const cJSON *list, mlc_error *err)
{
    const cJSON *row = NULL;
    mlc_code code = MLC_OK;
    if (!cJSON_IsArray(list))
        return mlc_fail(err, MLC_E_PROTOCOL, "Dynamics answered a list of %s without \"value\"",
                        r->opt.table->set);
    cJSON_ArrayForEach(row, list)
    {
        int64_t modified = 0;
        code = read_modified(r, row, &modified, err);
        if (code == MLC_OK && r->untracked && modified > r->seen_ms)
            r->seen_ms = modified;
        if (code == MLC_OK)
            code = add_row(r, row, err);
        if (code != MLC_OK)
            return code;
    }
    return MLC_OK;
}

static void on_rows(void *user, const mlc_odata_answer *answer)
{
    mlc_reconcile *const r = user;
    mlc_error err = answer->err;
    if (answer->code != MLC_OK || take_rows(r, mlc_json_get(answer->body, "value"), &err) != MLC_OK) {
        run_end(r, &err);
        return;
    }
    if (!r->untracked) {
        ask_wanted(r);
        return;
    }
    r->next = mlc_strdup(mlc_json_str(answer->body, "@odata.nextLink"));
    submit_page(r);
}

/* ---- changes ---- */

static mlc_code add_id(cJSON *list, const char *id, mlc_error *err)
{
    cJSON *const text = cJSON_CreateString(id);
    if (list != NULL && text != NULL && cJSON_AddItemToArray(list, text))
        return MLC_OK;
    cJSON_Delete(text);
    return mlc_fail(err, MLC_E_NOMEM, "no memory for a page of changes");
}

static mlc_code take_change(mlc_reconcile *r, const cJSON *row, mlc_error *err)
{
    char id[MLC_UUID_TEXT_MAX];
    int64_t modified = 0;
    const mlc_reconcile_table *const table = r->opt.table;
    if (mlc_delta_deleted(row, id))
        return table->deleted != NULL ? add_id(r->gone, id, err) : MLC_OK;
    if (!mlc_uuid_copy(mlc_json_str(row, table->id), id))
        return mlc_fail(err, MLC_E_PROTOCOL, "Dynamics answered a changed row of %s without %s", table->set,
                        table->id);
    const mlc_code code = read_modified(r, row, &modified, err);
    if (code != MLC_OK)
        return code;
    if (modified > r->seen_ms)
        r->seen_ms = modified;
    /* modifiedon is told in whole seconds. */
    if (modified + 1000 <= r->from_ms || !table->wanted(r, row))
        return MLC_OK;
    return table->asks ? add_id(r->wanted, id, err) : add_row(r, row, err);
}

static mlc_code take_changes(mlc_reconcile *r, const mlc_delta_page *page, mlc_error *err)
{
    const cJSON *row = NULL;
    r->wanted = cJSON_CreateArray();
    r->gone = cJSON_CreateArray();
    r->next = mlc_strdup(page->next);
    r->new_link = mlc_strdup(page->link);
    if (r->next == NULL && r->new_link == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a page of changes");
    cJSON_ArrayForEach(row, page->rows)
    {
        const mlc_code code = take_change(r, row, err);
        if (code != MLC_OK)
            return code;
    }
    return MLC_OK;
}

static void on_changes(void *user, const mlc_odata_answer *answer)
{
    mlc_reconcile *const r = user;
    mlc_error err;
    mlc_delta_page page;
    switch (mlc_delta_judge(!r->whole, answer->code, answer->status, answer->body, &page, &err)) {
    case MLC_DELTA_PAGE:
    case MLC_DELTA_LAST:
        if (take_changes(r, &page, &err) == MLC_OK)
            ask_wanted(r);
        else
            run_end(r, &err);
        return;
    case MLC_DELTA_EXPIRED:
        mlc_log_warn(r->opt.log, "reconcile", "the whole table is gone through again",
                     MLC_S("tenant", r->opt.tenant), MLC_S("table", r->opt.table->set),
                     MLC_S("reason", err.message));
        free(r->link);
        r->link = NULL;
        begin(r);
        return;
    case MLC_DELTA_UNTRACKED:
        mlc_log_warn(r->opt.log, "reconcile",
                     "rows are found by their time of change; switch on change tracking of the table",
                     MLC_S("tenant", r->opt.tenant), MLC_S("table", r->opt.table->set),
                     MLC_S("reason", err.message));
        r->untracked = true;
        begin(r);
        return;
    case MLC_DELTA_FAILED:
        run_end(r, answer->code != MLC_OK ? &answer->err : &err);
        return;
    }
}

/* ---- a run ---- */

static void begin(mlc_reconcile *r)
{
    mlc_error err;
    mlc_buf path = {0};
    mlc_code code = MLC_OK;
    r->seen_ms = 0;
    r->whole = r->link == NULL && !r->untracked;
    r->status.tracked = !r->untracked;
    if (r->untracked)
        code = rows_path(r, r->watermark_ms - r->opt.overlap_ms, &path, &err);
    else if (r->link != NULL)
        code = mlc_buf_puts(&path, r->link, &err);
    else {
        code = mlc_buf_printf(&path, &err, "%s?$select=", r->opt.table->set);
        if (code == MLC_OK)
            code = r->opt.table->changes(r, &path, &err);
    }
    if (code == MLC_OK)
        ask(r, mlc_buf_text(&path), r->untracked ? "" : TRACKED, r->untracked ? on_rows : on_changes);
    else
        run_end(r, &err);
    mlc_buf_free(&path);
}

static void on_timer(void *arg)
{
    mlc_reconcile *const r = arg;
    if (r->stopping || r->running)
        return;
    if (r->resync_wanted) {
        free(r->link);
        r->link = NULL;
        r->resync_wanted = false;
    }
    r->running = true;
    r->run_ms = mlc_wall_ms();
    begin(r);
}

void mlc_reconcile_resync(mlc_reconcile *reconcile)
{
    if (reconcile == NULL)
        return;
    reconcile->resync_wanted = true;
    if (!reconcile->running && !reconcile->stopping)
        mlc_timer_start(reconcile->timer, 0, 0);
}

/* ---- life ---- */

/* Durable at once: rows changed from now on are ours, those of the time before are not. */
static mlc_code set_from(mlc_reconcile *r, mlc_error *err)
{
    if (r->from_ms != 0)
        return MLC_OK;
    if (r->watermark_ms == 0)
        r->watermark_ms = r->opt.from_ms > 0 ? r->opt.from_ms : mlc_wall_ms();
    /* A store of an older version has only the watermark. */
    r->from_ms = r->watermark_ms - r->opt.overlap_ms;
    return mlc_store_run(r->opt.store, reconcile_keep_times, r, err);
}

mlc_code mlc_reconcile_open(mlc_reconcile **out, const mlc_reconcile_options *options, mlc_error *err)
{
    mlc_reconcile *const r = calloc(1, sizeof *r);
    if (r == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for reconciliation");
    r->opt = *options;
    mlc_code code = mlc_store_read(r->opt.store, reconcile_load_positions, r, err);
    if (code == MLC_OK)
        code = set_from(r, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&r->timer, r->opt.loop, on_timer, r, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&r->full_timer, r->opt.loop, on_full_timer, r, err);
    if (code != MLC_OK) {
        mlc_reconcile_close(r);
        return code;
    }
    mlc_timer_start(r->timer, 0, 0);
    *out = r;
    return MLC_OK;
}

void mlc_reconcile_stop(mlc_reconcile *reconcile)
{
    if (reconcile == NULL)
        return;
    reconcile->stopping = true;
    mlc_timer_stop(reconcile->timer);
    mlc_timer_stop(reconcile->full_timer);
}

void mlc_reconcile_close(mlc_reconcile *reconcile)
{
    if (reconcile == NULL)
        return;
    clear_page(reconcile);
    free(reconcile->link);
    mlc_timer_close(reconcile->timer);
    mlc_timer_close(reconcile->full_timer);
    free(reconcile);
}

void mlc_reconcile_status_get(const mlc_reconcile *reconcile, mlc_reconcile_status *out)
{
    *out = reconcile->status;
    out->set = reconcile->opt.table->set;
}
