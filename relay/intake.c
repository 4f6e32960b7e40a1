/* intake.c - see intake.h. One event: whose order? -> header -> lines -> map and check -> "down". */
#include "relay/intake.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "relay/refresh.h"
#include "relay/webhook_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mlc_intake {
    mlc_intake_options opt;
    mlc_deliverer *deliverer;
};

/* One event under way; after the finish it is the effect's argument. */
typedef struct intake_task {
    mlc_intake *intake;
    mlc_delivery *item;
    mlc_webhook_event event;
    cJSON *header;
    bool refused;   /* JDE refused the order before */
    mlc_buf order;  /* canonical JSON */
    mlc_buf report; /* order.result of an order that cannot leave */
} intake_task;

static void task_free(void *arg)
{
    intake_task *const task = arg;
    cJSON_Delete(task->header);
    mlc_buf_free(&task->order);
    mlc_buf_free(&task->report);
    free(task);
}

void mlc_order_idem(const char *order_id, char *out, size_t size)
{
    (void)snprintf(out, size, "dyn/salesorder/%.40s/create", order_id);
}

/* ---- the end ---- */

/* Was a refused order mended since? Then `idem` gets the hash of its content: each content goes down once. */
static mlc_code mended_idem(mlc_txn *txn, const intake_task *task, char *idem, size_t size, mlc_error *err)
{
    mlc_outbox *const down = task->intake->opt.down;
    uint8_t hash[MLC_SHA256_LEN];
    char hex[2 * MLC_SHA256_LEN + 1];
    mlc_entry known;
    uint64_t seq = 0;
    mlc_code code = mlc_outbox_find(txn, down, idem, &seq, err);
    if (code == MLC_OK)
        code = mlc_outbox_get(txn, down, seq, &known, err);
    if (code == MLC_E_NOTFOUND)
        return MLC_OK;
    if (code != MLC_OK)
        return code;
    if (known.payload_len == task->order.len &&
        memcmp(known.payload, task->order.data, known.payload_len) == 0)
        return MLC_OK;
    code = mlc_sha256(task->order.data, task->order.len, hash, err);
    if (code != MLC_OK)
        return code;
    mlc_hex(hash, sizeof hash, hex);
    const size_t used = strlen(idem);
    (void)snprintf(idem + used, size - used, "/%.16s", hex);
    return MLC_OK;
}

static mlc_code put_order(mlc_txn *txn, const mlc_delivery *item, void *arg, mlc_error *err)
{
    const intake_task *const task = arg;
    char key[64];
    char idem[160];
    mlc_code code = MLC_OK;
    (void)snprintf(key, sizeof key, "order/%s", task->event.order_id);
    mlc_order_idem(task->event.order_id, idem, sizeof idem);
    if (task->refused)
        code = mended_idem(txn, task, idem, sizeof idem, err);
    if (code != MLC_OK)
        return code;
    if (strcmp(task->event.message, MLC_REFRESH_MESSAGE) == 0) {
        const size_t used = strlen(idem);
        (void)snprintf(idem + used, sizeof idem - used, "/%.36s", task->event.operation_id);
    }
    const mlc_entry_new entry = {.tenant = item->tenant,
                                 .key = key,
                                 .idem = idem,
                                 .kind = "order",
                                 .correlation = item->correlation,
                                 .payload = task->order.data,
                                 .payload_len = task->order.len,
                                 .now_ms = mlc_wall_ms()};
    return mlc_outbox_put(txn, task->intake->opt.down, &entry, NULL, NULL, err);
}

static void finish(intake_task *task, mlc_delivery_result *result)
{
    result->effect_arg = task;
    result->effect_free = task_free;
    mlc_deliverer_finish(task->intake->deliverer, task->item, result);
}

/* What is wrong with the order, for whoever can mend it in Dynamics. */
static mlc_code put_report(mlc_txn *txn, const mlc_delivery *item, void *arg, mlc_error *err)
{
    const intake_task *const task = arg;
    const int64_t now_ms = mlc_wall_ms();
    char key[64];
    char idem[128];
    (void)snprintf(key, sizeof key, "order/%s", task->event.order_id);
    (void)snprintf(idem, sizeof idem, "relay/order/%.40s/failed/%lld", task->event.order_id,
                   (long long)now_ms);
    const mlc_entry_new entry = {.tenant = item->tenant,
                                 .key = key,
                                 .idem = idem,
                                 .kind = "order.result",
                                 .correlation = item->correlation,
                                 .payload = task->report.data,
                                 .payload_len = task->report.len,
                                 .now_ms = now_ms};
    return mlc_outbox_put(txn, task->intake->opt.dynamics, &entry, NULL, NULL, err);
}

/* The order itself is at fault: it is parked here, and Dynamics is told why. */
static void finish_faulty(intake_task *task, mlc_code code, const mlc_error *err)
{
    char reference[MLC_BASE36_128_MAX] = "";
    mlc_delivery_result result = {.code = code, .err = err};
    if (code == MLC_E_INVALID && task->intake->opt.dynamics != NULL &&
        mlc_uuid_to_base36(task->event.order_id, reference, NULL) == MLC_OK) {
        const mlc_order_result report = {.id = task->event.order_id,
                                         .reference = reference,
                                         .code = mlc_code_name(code),
                                         .error = err->message};
        if (mlc_order_result_print(&report, &task->report, NULL) == MLC_OK)
            result.park_effect = put_report;
    }
    finish(task, &result);
}

static void finish_failed(intake_task *task, mlc_code code, const mlc_error *err, int64_t retry_after_ms)
{
    /* Nothing but reading was done: an unclear outcome is as good as none. */
    mlc_delivery_result result = {.code = code == MLC_E_UNCERTAIN ? MLC_E_UNAVAILABLE : code,
                                  .err = err,
                                  .retry_after_ms = retry_after_ms};
    finish(task, &result);
}

static void finish_answer(intake_task *task, const mlc_odata_answer *answer)
{
    finish_failed(task, answer->code, &answer->err, answer->retry_after_ms);
}

/* ---- the steps ---- */

static void send_get(intake_task *task, mlc_buf *path, mlc_odata_fn fn)
{
    mlc_error err;
    const mlc_odata_request request = {.method = "GET", .path = mlc_buf_text(path)};
    const mlc_code code = mlc_odata_send(task->intake->opt.odata, &request, fn, task, &err);
    mlc_buf_free(path);
    if (code != MLC_OK)
        finish_failed(task, code, &err, 0);
}

static void on_lines(void *user, const mlc_odata_answer *answer)
{
    intake_task *const task = user;
    mlc_error err;
    if (answer->code != MLC_OK) {
        finish_answer(task, answer);
        return;
    }
    const cJSON *const lines = mlc_json_get(answer->body, "value");
    mlc_code code = MLC_OK;
    if (mlc_json_get(answer->body, "@odata.nextLink") != NULL)
        code = mlc_fail(&err, MLC_E_LIMIT, "order %s has more than %d lines; split it in Dynamics",
                        task->event.order_id, MLC_ORDER_LINES_MAX);
    else
        code = mlc_order_map(task->header, lines, &task->intake->opt.map, &task->order, &err);
    if (code != MLC_OK) {
        finish_faulty(task, code, &err);
        return;
    }
    char target[64];
    (void)snprintf(target, sizeof target, "down/order/%s", task->event.order_id);
    mlc_delivery_result result = {
        .code = MLC_OK, .outcome = "order read", .target_id = target, .effect = put_order};
    finish(task, &result);
}

static void on_header(void *user, const mlc_odata_answer *answer)
{
    intake_task *const task = user;
    mlc_error err;
    mlc_buf path = {0};
    if (answer->code != MLC_OK) {
        finish_answer(task, answer);
        return;
    }
    const char *const number = mlc_order_jde_number(answer->body, task->intake->opt.map.prefix);
    if (number != NULL) {
        char outcome[96];
        (void)snprintf(outcome, sizeof outcome, "in JDE already as %.60s", number);
        mlc_delivery_result result = {.code = MLC_OK, .outcome = outcome};
        finish(task, &result);
        return;
    }
    task->refused = mlc_order_jde_refused(answer->body, task->intake->opt.map.prefix);
    task->header = cJSON_Duplicate(answer->body, true);
    mlc_code code = task->header != NULL ? mlc_order_lines_path(task->event.order_id, &path, &err)
                                         : mlc_fail(&err, MLC_E_NOMEM, "no memory for an order");
    if (code != MLC_OK) {
        mlc_buf_free(&path);
        finish_failed(task, code, &err, 0);
        return;
    }
    send_get(task, &path, on_lines);
}

static void read_order(intake_task *task)
{
    mlc_error err;
    mlc_buf path = {0};
    const mlc_code code = mlc_order_header_path(task->event.order_id, &task->intake->opt.map, &path, &err);
    if (code != MLC_OK) {
        mlc_buf_free(&path);
        finish_failed(task, code, &err, 0);
        return;
    }
    send_get(task, &path, on_header);
}

static void on_owner(void *user, const mlc_odata_answer *answer)
{
    intake_task *const task = user;
    mlc_error err;
    if (answer->code != MLC_OK) {
        finish_answer(task, answer);
        return;
    }
    const cJSON *const row = cJSON_GetArrayItem(mlc_json_get(answer->body, "value"), 0);
    const char *const id =
        mlc_json_str(row, task->event.invoice_id[0] != '\0' ? "_salesorderid_value" : "salesorderid");
    if (mlc_uuid_copy(id, task->event.order_id)) {
        read_order(task);
        return;
    }
    /* The event may outrun the commit of the order, so this is tried again before it is parked. */
    const mlc_code code =
        mlc_fail(&err, MLC_E_CONFLICT, "Dynamics has no sales order for %s %s (yet)",
                 task->event.invoice_id[0] != '\0' ? "invoice" : "quote",
                 task->event.invoice_id[0] != '\0' ? task->event.invoice_id : task->event.quote_id);
    finish_failed(task, code, &err, 0);
}

static void find_order(intake_task *task)
{
    mlc_error err;
    mlc_buf path = {0};
    const mlc_webhook_event *const e = &task->event;
    mlc_code code = MLC_OK;
    if (e->invoice_id[0] != '\0')
        code = mlc_buf_printf(
            &path, &err, "invoices?$filter=invoiceid%%20eq%%20%s&$select=_salesorderid_value", e->invoice_id);
    else if (e->quote_id[0] != '\0')
        code = mlc_buf_printf(
            &path, &err, "salesorders?$filter=_quoteid_value%%20eq%%20%s&$select=salesorderid", e->quote_id);
    else
        code = mlc_fail(&err, MLC_E_INVALID, "the event names neither order, quote nor invoice");
    if (code != MLC_OK) {
        mlc_buf_free(&path);
        finish_failed(task, code, &err, 0);
        return;
    }
    send_get(task, &path, on_owner);
}

static void deliver(void *user, mlc_delivery *const *items, size_t count)
{
    mlc_intake *const intake = user;
    mlc_error err;
    for (size_t i = 0; i < count; i++) {
        intake_task *const task = calloc(1, sizeof *task);
        if (task == NULL) {
            (void)mlc_fail(&err, MLC_E_NOMEM, "no memory for an event");
            const mlc_delivery_result result = {.code = MLC_E_NOMEM, .err = &err};
            mlc_deliverer_finish(intake->deliverer, items[i], &result);
            continue;
        }
        task->intake = intake;
        task->item = items[i];
        const mlc_code code =
            mlc_webhook_event_read(items[i]->payload, items[i]->payload_len, &task->event, &err);
        if (code != MLC_OK)
            finish_failed(task, code, &err, 0);
        else if (mlc_webhook_concerns_address(&task->event)) {
            mlc_address_intake_take(intake->opt.addresses, intake->deliverer, items[i], &task->event);
            task_free(task);
        } else if (task->event.order_id[0] != '\0')
            read_order(task);
        else
            find_order(task);
    }
}

static void on_committed(void *user)
{
    mlc_intake *const intake = user;
    if (intake->opt.on_ordered != NULL)
        intake->opt.on_ordered(intake->opt.user);
    if (intake->opt.on_reported != NULL)
        intake->opt.on_reported(intake->opt.user);
}

/* ---- life ---- */

mlc_code mlc_intake_open(mlc_intake **out, const mlc_intake_options *options,
                         const mlc_deliverer_options *delivery, mlc_error *err)
{
    mlc_intake *const intake = calloc(1, sizeof *intake);
    if (intake == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the intake");
    intake->opt = *options;
    mlc_deliverer_options d = *delivery;
    d.store = options->store;
    d.stream = options->intake;
    d.log = options->log;
    d.actor = "relay";
    d.deliver = deliver;
    d.on_committed = on_committed;
    d.user = intake;
    const mlc_code code = mlc_deliverer_open(&intake->deliverer, &d, err);
    if (code != MLC_OK) {
        free(intake);
        return code;
    }
    *out = intake;
    return MLC_OK;
}

mlc_deliverer *mlc_intake_deliverer(mlc_intake *intake)
{
    return intake->deliverer;
}

void mlc_intake_close(mlc_intake *intake)
{
    if (intake == NULL)
        return;
    mlc_deliverer_close(intake->deliverer);
    free(intake);
}
