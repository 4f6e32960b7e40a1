/* reconcile_orders.c - see reconcile.h: sales orders that are to be made in JDE, and those that were deleted. */
#include "relay/intake.h"
#include "relay/intake_put.h"
#include "relay/reconcile_private.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked for ---- */

static mlc_code changes(const mlc_reconcile *r, mlc_buf *out, mlc_error *err)
{
    return mlc_buf_printf(out, err, "salesorderid,modifiedon,%sjdeordernumber", r->opt.prefix);
}

static mlc_code columns(const mlc_reconcile *r, mlc_buf *out, mlc_error *err)
{
    return mlc_buf_printf(out, err, "salesorderid,modifiedon,%sjdeorderstatus", r->opt.prefix);
}

/* Those that are to be made. */
static mlc_code condition(const mlc_reconcile *r, mlc_buf *out, mlc_error *err)
{
    mlc_code code = mlc_buf_printf(out, err, "%sjdeordernumber%%20eq%%20null", r->opt.prefix);
    if (code == MLC_OK && r->opt.filter != NULL && r->opt.filter[0] != '\0') {
        code = mlc_buf_puts(out, "%20and%20(", err);
        if (code == MLC_OK)
            code = mlc_odata_escape(out, r->opt.filter, err);
        if (code == MLC_OK)
            code = mlc_buf_puts(out, ")", err);
    }
    return code;
}

static bool wanted(const mlc_reconcile *r, const cJSON *row)
{
    char number[64];
    (void)snprintf(number, sizeof number, "%.40sjdeordernumber", r->opt.prefix);
    return mlc_json_str(row, number) == NULL;
}

/* ---- what was found ---- */

/* How long an order that went down may be without a number before that is strange: some runs, a minute at most. */
static int64_t answer_ms(const mlc_reconcile *r)
{
    enum { RUNS = 10, MOST_MS = 60000 };
    return r->opt.interval_ms < MOST_MS / RUNS ? r->opt.interval_ms * RUNS : MOST_MS;
}

/* The same order once more, under another idempotency key: the agent looks into JDE before it creates anything. */
static mlc_code put_again(mlc_txn *txn, mlc_reconcile *r, const char *order_id, uint64_t seq, int64_t now_ms,
                          mlc_error *err)
{
    mlc_entry known;
    char idem[160];
    char key[80];
    mlc_code code = mlc_outbox_get(txn, r->opt.down, seq, &known, err);
    if (code != MLC_OK)
        return code == MLC_E_NOTFOUND ? MLC_OK : code;
    if (known.state != MLC_ENTRY_DONE || known.ended_ms + answer_ms(r) > r->run_ms)
        return MLC_OK;
    mlc_order_idem(order_id, idem, sizeof idem);
    const size_t used = strlen(idem);
    (void)snprintf(idem + used, sizeof idem - used, "/again/%lld", (long long)r->run_ms);
    (void)snprintf(key, sizeof key, "order/%s", order_id);
    /* The store's own bytes must not be read while it is written to. */
    void *const payload = malloc(known.payload_len + 1);
    if (payload == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an order");
    memcpy(payload, known.payload, known.payload_len);
    const mlc_entry_new entry = {.tenant = r->opt.tenant,
                                 .key = key,
                                 .idem = idem,
                                 .kind = "order",
                                 .correlation = order_id,
                                 .payload = payload,
                                 .payload_len = known.payload_len,
                                 .now_ms = now_ms};
    code = mlc_outbox_put(txn, r->opt.down, &entry, &seq, NULL, err);
    free(payload);
    r->again += code == MLC_OK;
    return code;
}

static mlc_code put_row(mlc_txn *txn, mlc_reconcile *r, const cJSON *row, int64_t now_ms, mlc_error *err)
{
    mlc_webhook_event event = {.message = "Reconcile", .entity = "salesorder"};
    char idem[160];
    char status[64];
    uint64_t seq = 0;
    if (!mlc_uuid_copy(mlc_json_str(row, "salesorderid"), event.order_id))
        return mlc_fail(err, MLC_E_PROTOCOL, "Dynamics answered a sales order without salesorderid");
    mlc_order_idem(event.order_id, idem, sizeof idem);
    const mlc_code known = mlc_outbox_find(txn, r->opt.down, idem, &seq, NULL);
    /* JDE refused it, and somebody may have mended it since: worth another look. */
    const bool refused = mlc_order_jde_refused(row, r->opt.prefix);
    (void)snprintf(status, sizeof status, "%sjdeorderstatus", r->opt.prefix);
    /* On its way: nothing to find. Gone down, and nothing is known of it: it lost its answer. */
    if (known == MLC_OK && !refused)
        return r->whole && mlc_json_str(row, status) == NULL
                   ? put_again(txn, r, event.order_id, seq, now_ms, err)
                   : MLC_OK;
    if (known != MLC_OK && known != MLC_E_NOTFOUND)
        return known;
    memcpy(event.correlation_id, event.order_id, sizeof event.correlation_id);
    /* modifiedon counts seconds: a refused order may be mended in the second in which its refusal was written. */
    const char *const etag = refused ? mlc_json_str(row, "@odata.etag") : NULL;
    (void)snprintf(idem, sizeof idem, "reconcile/%s/%.40s%s%.40s", event.order_id,
                   mlc_json_str(row, "modifiedon"), etag != NULL ? "/" : "", etag != NULL ? etag : "");
    if (mlc_outbox_find(txn, r->opt.intake, idem, &seq, NULL) == MLC_OK)
        return MLC_OK;
    r->found++;
    return mlc_intake_put(txn, r->opt.intake, r->opt.tenant, &event, "reconcile", idem, now_ms, err);
}

static mlc_code note_deleted(mlc_txn *txn, mlc_reconcile *r, const char *order_id, int64_t now_ms,
                             mlc_error *err)
{
    char idem[160];
    char key[80];
    char source[96];
    uint64_t seq = 0;
    mlc_order_idem(order_id, idem, sizeof idem);
    if (mlc_outbox_find(txn, r->opt.down, idem, &seq, NULL) != MLC_OK)
        return MLC_OK; /* it never was ours */
    (void)snprintf(key, sizeof key, "order/%s", order_id);
    (void)snprintf(source, sizeof source, "Dynamics/%s", key);
    r->deleted++;
    const mlc_audit_event event = {.at_ms = now_ms,
                                   .actor = "relay",
                                   .action = "deleted",
                                   .tenant = r->opt.tenant,
                                   .kind = "order",
                                   .key = key,
                                   .idem = idem,
                                   .correlation = order_id,
                                   .source_id = source,
                                   .outcome = "ok",
                                   .detail = "the order was deleted in Dynamics; what JDE has of it stays"};
    return mlc_audit_append(txn, &event, NULL, err);
}

const mlc_reconcile_table mlc_reconcile_orders = {.set = "salesorders",
                                                  .id = "salesorderid",
                                                  .words = "orders",
                                                  .page_size = 500,
                                                  .asks = true,
                                                  .changes = changes,
                                                  .columns = columns,
                                                  .condition = condition,
                                                  .wanted = wanted,
                                                  .put = put_row,
                                                  .deleted = note_deleted};
