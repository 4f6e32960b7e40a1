/* reconcile.c - see reconcile.h. */
#include "relay/reconcile.h"

#include "base/clock.h"
#include "net/timer.h"
#include "relay/intake.h"
#include "relay/intake_put.h"
#include "store/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECONCILE_CURSOR "reconcile/salesorders"
enum { PAGE_SIZE = 500, FULL_WAIT_MS = 1000 };

struct mlc_reconcile {
    mlc_reconcile_options opt;
    mlc_timer *timer, *full_timer;
    bool stopping, running;
    int64_t watermark_ms; /* greatest modifiedon of completed runs; 0: none */
    int64_t seen_ms;      /* greatest modifiedon of this run */
    /* the page under way */
    cJSON *rows;
    char *next;
    size_t found; /* by the job */
    mlc_reconcile_status status;
};

static void run_end(mlc_reconcile *r, const mlc_error *err)
{
    r->running = false;
    cJSON_Delete(r->rows);
    free(r->next);
    r->rows = NULL;
    r->next = NULL;
    r->status.runs += err == NULL;
    r->status.last_error[0] = '\0';
    if (err != NULL) {
        (void)snprintf(r->status.last_error, sizeof r->status.last_error, "%.255s", err->message);
        if (err->code != MLC_E_CLOSED)
            mlc_log_warn(r->opt.log, "reconcile", "run failed, will be repeated",
                         MLC_S("tenant", r->opt.tenant), MLC_S("error", err->message));
    }
    if (!r->stopping)
        mlc_timer_start(r->timer, r->opt.interval_ms, 0);
}

/* ---- storing a page ---- */

/* JDE refused it, and somebody may have mended it since: worth another look. */
static bool is_refused(const mlc_reconcile *r, const cJSON *row)
{
    return mlc_order_jde_refused(row, r->opt.prefix);
}

static mlc_code put_row(mlc_txn *txn, mlc_reconcile *r, const cJSON *row, int64_t now_ms, mlc_error *err)
{
    mlc_webhook_event event = {.message = "Reconcile", .entity = "salesorder"};
    char idem[160];
    uint64_t seq = 0;
    if (!mlc_uuid_copy(mlc_json_str(row, "salesorderid"), event.order_id))
        return mlc_fail(err, MLC_E_PROTOCOL, "Dynamics answered a sales order without salesorderid");
    /* Already on its way: nothing to find. */
    mlc_order_idem(event.order_id, idem, sizeof idem);
    const mlc_code known = mlc_outbox_find(txn, r->opt.down, idem, &seq, NULL);
    if (known != MLC_E_NOTFOUND && (known != MLC_OK || !is_refused(r, row)))
        return known;
    memcpy(event.correlation_id, event.order_id, sizeof event.correlation_id);
    /* modifiedon counts seconds: a refused order may be mended in the second in which its refusal was written. */
    const char *const etag = is_refused(r, row) ? mlc_json_str(row, "@odata.etag") : NULL;
    (void)snprintf(idem, sizeof idem, "reconcile/%s/%.40s%s%.40s", event.order_id,
                   mlc_json_str(row, "modifiedon"), etag != NULL ? "/" : "", etag != NULL ? etag : "");
    if (mlc_outbox_find(txn, r->opt.intake, idem, &seq, NULL) == MLC_OK)
        return MLC_OK;
    r->found++;
    return mlc_intake_put(txn, r->opt.intake, r->opt.tenant, &event, "reconcile", idem, now_ms, err);
}

static mlc_code store_page(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_reconcile *const r = arg;
    const int64_t now_ms = mlc_wall_ms();
    const cJSON *row = NULL;
    mlc_code code = MLC_OK;
    r->found = 0;
    cJSON_ArrayForEach(row, r->rows)
    {
        code = put_row(txn, r, row, now_ms, err);
        if (code != MLC_OK)
            return code;
    }
    if (r->next != NULL || r->seen_ms <= r->watermark_ms)
        return MLC_OK;
    return mlc_cursor_put(txn, RECONCILE_CURSOR, &r->seen_ms, sizeof r->seen_ms, err);
}

static void ask(mlc_reconcile *r, const char *path);
static void submit_page(mlc_reconcile *r);

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
    if (r->found > 0) {
        mlc_log_info(r->opt.log, "reconcile", "orders found that no webhook told of",
                     MLC_S("tenant", r->opt.tenant), MLC_I("orders", r->found));
        if (r->opt.on_found != NULL)
            r->opt.on_found(r->opt.user);
    }
    cJSON_Delete(r->rows);
    r->rows = NULL;
    if (r->next == NULL || r->stopping) {
        if (r->next == NULL && r->seen_ms > r->watermark_ms)
            r->watermark_ms = r->seen_ms;
        run_end(r, NULL);
        return;
    }
    char *const next = r->next;
    r->next = NULL;
    ask(r, next);
    free(next);
}

static void submit_page(mlc_reconcile *r)
{
    mlc_error err;
    if (mlc_store_submit(r->opt.store, store_page, on_stored, r, &err) != MLC_OK)
        run_end(r, &err);
}

static void on_full_timer(void *arg)
{
    mlc_reconcile *const r = arg;
    if (!r->stopping)
        submit_page(r);
}

/* ---- reading a page ---- */

static void on_page(void *user, const mlc_odata_answer *answer)
{
    mlc_reconcile *const r = user;
    mlc_error err;
    const cJSON *row = NULL;
    if (answer->code != MLC_OK) {
        run_end(r, &answer->err);
        return;
    }
    r->rows = cJSON_Duplicate(mlc_json_get(answer->body, "value"), true);
    r->next = mlc_strdup(mlc_json_str(answer->body, "@odata.nextLink"));
    if (r->rows == NULL) {
        (void)mlc_fail(&err, MLC_E_PROTOCOL, "Dynamics answered a list of sales orders without \"value\"");
        run_end(r, &err);
        return;
    }
    cJSON_ArrayForEach(row, r->rows)
    {
        int64_t modified = 0;
        const char *const text = mlc_json_str(row, "modifiedon");
        if (text == NULL || mlc_iso_parse(text, &modified, &err) != MLC_OK) {
            (void)mlc_fail(&err, MLC_E_PROTOCOL,
                           "Dynamics answered a sales order without a usable modifiedon");
            run_end(r, &err);
            return;
        }
        if (modified > r->seen_ms)
            r->seen_ms = modified;
        r->status.seen++;
    }
    submit_page(r);
}

static void ask(mlc_reconcile *r, const char *path)
{
    mlc_error err;
    char prefer[64];
    (void)snprintf(prefer, sizeof prefer, "odata.maxpagesize=%d", PAGE_SIZE);
    const mlc_odata_request request = {.method = "GET", .path = path, .prefer = prefer};
    if (mlc_odata_send(r->opt.odata, &request, on_page, r, &err) != MLC_OK)
        run_end(r, &err);
}

static mlc_code first_path(const mlc_reconcile *r, mlc_buf *out, mlc_error *err)
{
    char since[MLC_ISO_TEXT_MAX];
    mlc_code code = mlc_buf_printf(
        out, err, "salesorders?$select=salesorderid,modifiedon,%sjdeorderstatus&$orderby=modifiedon&$filter=",
        r->opt.prefix);
    if (code == MLC_OK)
        code = mlc_buf_printf(out, err, "%sjdeordernumber%%20eq%%20null", r->opt.prefix);
    if (code == MLC_OK)
        code = mlc_buf_printf(out, err, "%%20and%%20modifiedon%%20ge%%20%s",
                              mlc_iso_text(r->watermark_ms - r->opt.overlap_ms, since));
    if (code == MLC_OK && r->opt.filter != NULL && r->opt.filter[0] != '\0') {
        code = mlc_buf_puts(out, "%20and%20(", err);
        if (code == MLC_OK)
            code = mlc_odata_escape(out, r->opt.filter, err);
        if (code == MLC_OK)
            code = mlc_buf_puts(out, ")", err);
    }
    return code;
}

static void on_timer(void *arg)
{
    mlc_reconcile *const r = arg;
    mlc_error err;
    mlc_buf path = {0};
    if (r->stopping || r->running)
        return;
    r->running = true;
    r->seen_ms = 0;
    if (first_path(r, &path, &err) == MLC_OK)
        ask(r, mlc_buf_text(&path));
    else
        run_end(r, &err);
    mlc_buf_free(&path);
}

/* ---- life ---- */

static mlc_code load_watermark(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_reconcile *const r = arg;
    const void *value = NULL;
    size_t len = 0;
    const mlc_code code = mlc_cursor_get(txn, RECONCILE_CURSOR, &value, &len, err);
    if (code == MLC_OK && len == sizeof r->watermark_ms)
        memcpy(&r->watermark_ms, value, len);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

static mlc_code keep_watermark(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_reconcile *const r = arg;
    return mlc_cursor_put(txn, RECONCILE_CURSOR, &r->watermark_ms, sizeof r->watermark_ms, err);
}

mlc_code mlc_reconcile_open(mlc_reconcile **out, const mlc_reconcile_options *options, mlc_error *err)
{
    mlc_reconcile *const r = calloc(1, sizeof *r);
    if (r == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for reconciliation");
    r->opt = *options;
    mlc_code code = mlc_store_read(r->opt.store, load_watermark, r, err);
    if (code == MLC_OK && r->watermark_ms == 0) {
        /* Durable at once: orders made from now on are ours, those of the time before are not. */
        r->watermark_ms = r->opt.from_ms > 0 ? r->opt.from_ms : mlc_wall_ms();
        code = mlc_store_run(r->opt.store, keep_watermark, r, err);
    }
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
    reconcile->stopping = true;
    mlc_timer_stop(reconcile->timer);
    mlc_timer_stop(reconcile->full_timer);
}

void mlc_reconcile_close(mlc_reconcile *reconcile)
{
    if (reconcile == NULL)
        return;
    cJSON_Delete(reconcile->rows);
    free(reconcile->next);
    mlc_timer_close(reconcile->timer);
    mlc_timer_close(reconcile->full_timer);
    free(reconcile);
}

void mlc_reconcile_status_get(const mlc_reconcile *reconcile, mlc_reconcile_status *out)
{
    *out = reconcile->status;
}
