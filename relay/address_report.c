/* address_report.c - see address_report.h. */
#include "relay/address_report.h"

#include "relay/address_memory.h"
#include "relay/address_row.h"
#include "relay/address_shown.h"
#include "relay/webhook_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HTTP_PRECONDITION = 412 };

/* One report under way; after the finish it is the effect's argument. */
typedef struct report_task {
    mlc_odata *odata;
    const char *prefix;
    mlc_deliverer *deliverer;
    mlc_delivery *item;
    mlc_address_result report;
    char target[80];
    char version[72]; /* that the record shows */
} report_task;

static void task_free(void *arg)
{
    report_task *const task = arg;
    mlc_address_result_free(&task->report);
    free(task);
}

static void finish(report_task *task, mlc_delivery_result *result)
{
    result->effect_arg = task;
    result->effect_free = task_free;
    mlc_deliverer_finish(task->deliverer, task->item, result);
}

static void finish_failed(report_task *task, const mlc_error *err, int64_t retry_after_ms, bool written)
{
    mlc_delivery_result result = {.code = err->code,
                                  .err = err,
                                  .uncertain = written && err->code == MLC_E_PROTOCOL,
                                  .retry_after_ms = retry_after_ms};
    finish(task, &result);
}

static void finish_done(report_task *task, const char *words)
{
    char outcome[200];
    (void)snprintf(outcome, sizeof outcome, "%.20s in JDE%s%.120s", task->report.outcome,
                   words[0] != '\0' ? "; " : "", words);
    (void)mlc_utf8_mend(outcome);
    mlc_delivery_result result = {.code = MLC_OK, .outcome = outcome, .target_id = task->target};
    finish(task, &result);
}

/* ---- setting Dynamics to JDE's address ---- */

static mlc_code remember(mlc_txn *txn, const mlc_delivery *item, void *arg, mlc_error *err)
{
    const report_task *const task = arg;
    /* Others may have noted a write of theirs meanwhile, which this one undid. */
    const mlc_address_shown unknown = {.state = MLC_SHOWN_UNKNOWN};
    (void)item;
    const mlc_code code = mlc_address_shown_put(txn, task->report.source, &unknown, err);
    return code == MLC_OK && task->version[0] != '\0'
               ? mlc_address_memory_put(txn, task->report.source, task->version, &task->report.jde, err)
               : code;
}

static void on_written(void *user, const mlc_odata_answer *answer)
{
    report_task *const task = user;
    mlc_error err;
    char outcome[64];
    if (answer->code == MLC_E_CONFLICT || answer->status == HTTP_PRECONDITION) {
        (void)mlc_fail(&err, MLC_E_CONFLICT,
                       "%s was changed while it was set to JDE's address; it is read again", task->target);
        finish_failed(task, &err, 0, true);
        return;
    }
    if (answer->code != MLC_OK) {
        finish_failed(task, &answer->err, answer->retry_after_ms, true);
        return;
    }
    (void)snprintf(outcome, sizeof outcome, "%d set to JDE's address", answer->status);
    mlc_delivery_result result = {
        .code = MLC_OK, .outcome = outcome, .target_id = task->target, .effect = remember};
    finish(task, &result);
}

static void restore(report_task *task, const mlc_address_row *row)
{
    mlc_error err;
    cJSON *body = NULL;
    (void)snprintf(task->version, sizeof task->version, "%.70s", row->version != NULL ? row->version : "");
    mlc_code code =
        mlc_address_row_body(task->report.table, &task->report.jde, task->prefix, row->version, &body, &err);
    if (code == MLC_OK) {
        const mlc_odata_request request = {
            .method = "PATCH", .path = task->target, .body = body, .if_match = row->etag};
        code = mlc_odata_send(task->odata, &request, on_written, task, &err);
    }
    cJSON_Delete(body);
    if (code != MLC_OK)
        finish_failed(task, &err, 0, false);
}

static void on_row(void *user, const mlc_odata_answer *answer)
{
    report_task *const task = user;
    mlc_error err;
    mlc_address_row row;
    if (answer->code == MLC_E_NOTFOUND) {
        finish_done(task, "the record was deleted in Dynamics");
        return;
    }
    if (answer->code != MLC_OK) {
        finish_failed(task, &answer->err, answer->retry_after_ms, false);
        return;
    }
    const mlc_code code = mlc_address_row_read(task->report.table, answer->body, task->prefix, &row, &err);
    if (code != MLC_OK && code != MLC_E_UNSUPPORTED)
        finish_failed(task, &err, 0, false);
    else if (code != MLC_OK || row.source == NULL || strcmp(row.source, task->report.source) != 0)
        finish_done(task, "the record in Dynamics is of another source now");
    else if (!mlc_address_same(&task->report.sent, &row.fields, &task->report.sent))
        finish_done(task, "the record was changed again in Dynamics");
    else
        restore(task, &row);
}

static mlc_code ask(report_task *task, mlc_error *err)
{
    mlc_buf path = {0};
    char id[MLC_UUID_TEXT_MAX];
    if (!mlc_uuid_copy(task->report.id, id))
        return mlc_fail(err, MLC_E_INVALID, "report of an address: id is no UUID");
    (void)snprintf(task->target, sizeof task->target, "%s(%s)", mlc_address_set_of(task->report.table), id);
    mlc_code code = mlc_address_row_path(task->report.table, id, task->prefix, &path, err);
    if (code == MLC_OK) {
        const mlc_odata_request request = {.method = "GET", .path = mlc_buf_text(&path)};
        code = mlc_odata_send(task->odata, &request, on_row, task, err);
    }
    mlc_buf_free(&path);
    return code;
}

mlc_code mlc_address_report_accept(mlc_txn *txn, const char *payload, size_t len, mlc_error *err)
{
    mlc_address_result report;
    if (mlc_address_result_parse(payload, len, &report, NULL) != MLC_OK)
        return MLC_OK; /* the delivery says what is wrong with it */
    const mlc_code code = report.restore ? mlc_address_shown_forget(txn, report.source, err) : MLC_OK;
    mlc_address_result_free(&report);
    return code;
}

void mlc_address_report_deliver(mlc_odata *odata, const char *prefix, mlc_deliverer *deliverer,
                                mlc_delivery *item)
{
    mlc_error err;
    report_task *const task = calloc(1, sizeof *task);
    if (task == NULL) {
        (void)mlc_fail(&err, MLC_E_NOMEM, "no memory for a report");
        const mlc_delivery_result result = {.code = err.code, .err = &err};
        mlc_deliverer_finish(deliverer, item, &result);
        return;
    }
    *task = (report_task){.odata = odata, .prefix = prefix, .deliverer = deliverer, .item = item};
    mlc_code code = mlc_address_result_parse(item->payload, item->payload_len, &task->report, &err);
    if (code == MLC_OK && !task->report.restore) {
        (void)snprintf(task->target, sizeof task->target, "%s(%.40s)", mlc_address_set_of(task->report.table),
                       task->report.id);
        finish_done(task, task->report.detail != NULL ? task->report.detail : "");
        return;
    }
    if (code == MLC_OK)
        code = ask(task, &err);
    if (code != MLC_OK)
        finish_failed(task, &err, 0, false);
}
