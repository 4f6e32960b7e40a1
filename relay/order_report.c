/* order_report.c - see order_report.h. */
#include "relay/order_report.h"

#include "record/order.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct report_task {
    mlc_deliverer *deliverer;
    mlc_delivery *item;
    char source[96], target[96];
    bool created;
} report_task;

static void finish(report_task *task, const mlc_delivery_result *result)
{
    mlc_deliverer_finish(task->deliverer, task->item, result);
    free(task);
}

static void on_patched(void *user, const mlc_odata_answer *answer)
{
    report_task *const task = user;
    char outcome[32];
    (void)snprintf(outcome, sizeof outcome, "%d", answer->status);
    const mlc_delivery_result result = {.code = answer->code,
                                        .err = &answer->err,
                                        .retry_after_ms = answer->retry_after_ms,
                                        .outcome = outcome,
                                        .differences = answer->differences,
                                        .source_id = task->created ? task->source : NULL,
                                        .target_id = task->target,
                                        .link = task->created};
    finish(task, &result);
}

static void finish_failed(mlc_deliverer *deliverer, mlc_delivery *item, const mlc_error *err)
{
    const mlc_delivery_result result = {.code = err->code, .err = err};
    mlc_deliverer_finish(deliverer, item, &result);
}

static mlc_code add_column(cJSON *body, const char *prefix, const char *column, const char *value,
                           mlc_error *err)
{
    char name[96];
    (void)snprintf(name, sizeof name, "%.60s%s", prefix, column);
    return mlc_json_add_str(body, name, value, err);
}

static mlc_code make_body(const mlc_order_result *report, const char *prefix, cJSON **out, mlc_error *err)
{
    char message[600];
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for a report");
    if (code == MLC_OK)
        code = add_column(body, prefix, "jdeorderstatus", report->created ? "Created" : "Failed", err);
    if (code == MLC_OK && report->created) {
        code = add_column(body, prefix, "jdeordernumber", report->doco, err);
        if (code == MLC_OK)
            code = add_column(body, prefix, "jdeordertype", report->dcto, err);
        if (code == MLC_OK)
            code = add_column(body, prefix, "jdeordercompany", report->kcoo, err);
        if (code == MLC_OK)
            code = add_column(body, prefix, "jdeordermessage", NULL, err);
    } else if (code == MLC_OK) {
        (void)snprintf(message, sizeof message, "%s: %s", report->code != NULL ? report->code : "failed",
                       report->error != NULL ? report->error : "no reason given");
        code = add_column(body, prefix, "jdeordermessage", message, err);
    }
    if (code != MLC_OK) {
        cJSON_Delete(body);
        return code;
    }
    *out = body;
    return MLC_OK;
}

void mlc_order_report_deliver(mlc_odata *odata, const char *prefix, mlc_deliverer *deliverer,
                              mlc_delivery *item)
{
    mlc_error err;
    char path[80];
    mlc_order_result report = {0};
    cJSON *body = NULL;
    report_task *const task = calloc(1, sizeof *task);
    if (task == NULL) {
        (void)mlc_fail(&err, MLC_E_NOMEM, "no memory for a report");
        finish_failed(deliverer, item, &err);
        return;
    }
    mlc_code code = mlc_order_result_parse(item->payload, item->payload_len, &report, &err);
    if (code == MLC_OK)
        code = make_body(&report, prefix, &body, &err);
    if (code == MLC_OK) {
        (void)snprintf(path, sizeof path, "salesorders(%.40s)", report.id);
        (void)snprintf(task->target, sizeof task->target, "Dynamics/salesorders/%.40s", report.id);
        task->created = report.created;
        if (report.created)
            (void)snprintf(task->source, sizeof task->source, "JDE/F4201/%.30s %.14s %.14s", report.doco,
                           report.dcto != NULL ? report.dcto : "", report.kcoo != NULL ? report.kcoo : "");
        task->deliverer = deliverer;
        task->item = item;
        const mlc_odata_request request = {.method = "PATCH", .path = path, .body = body, .if_match = "*"};
        code = mlc_odata_send(odata, &request, on_patched, task, &err);
    }
    cJSON_Delete(body);
    mlc_order_result_free(&report);
    if (code != MLC_OK) {
        finish_failed(deliverer, item, &err);
        free(task);
    }
}
