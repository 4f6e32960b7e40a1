/* order_report.c - see order_report.h. */
#include "relay/order_report.h"

#include "record/order.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct report_task {
    mlc_odata *odata;
    const char *prefix;
    mlc_deliverer *deliverer;
    mlc_delivery *item;
    mlc_order_result report;
    char path[80];
    char source[96], target[96]; /* for audit and cross-reference */
    char etag[64];               /* of the order as it was read; "": any */
    bool has_status;             /* a status of JDE stands on the order */
} report_task;

static void finish(report_task *task, const mlc_delivery_result *result)
{
    mlc_deliverer_finish(task->deliverer, task->item, result);
    mlc_order_result_free(&task->report);
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
                                        .source_id = task->report.created ? task->source : NULL,
                                        .target_id = task->target,
                                        .link = task->report.created};
    finish(task, &result);
}

static void finish_failed(report_task *task, const mlc_error *err)
{
    const mlc_delivery_result result = {.code = err->code, .err = err};
    finish(task, &result);
}

static mlc_code add_column(cJSON *body, const char *prefix, const char *column, const char *value,
                           mlc_error *err)
{
    char name[96];
    (void)snprintf(name, sizeof name, "%.60s%s", prefix, column);
    return mlc_json_add_str(body, name, value, err);
}

static mlc_code created_body(const report_task *task, cJSON *body, mlc_error *err)
{
    const mlc_order_result *const report = &task->report;
    mlc_code code = add_column(body, task->prefix, "jdeordernumber", report->doco, err);
    if (code == MLC_OK)
        code = add_column(body, task->prefix, "jdeordertype", report->dcto, err);
    if (code == MLC_OK)
        code = add_column(body, task->prefix, "jdeordercompany", report->kcoo, err);
    if (code == MLC_OK && !task->has_status)
        code = add_column(body, task->prefix, "jdeorderstatus", "Created", err);
    if (code == MLC_OK && !task->has_status)
        code = add_column(body, task->prefix, "jdeordermessage", NULL, err);
    return code;
}

static mlc_code failed_body(const report_task *task, cJSON *body, mlc_error *err)
{
    const mlc_order_result *const report = &task->report;
    char message[600];
    (void)snprintf(message, sizeof message, "%s: %s", report->code != NULL ? report->code : "failed",
                   report->error != NULL ? report->error : "no reason given");
    const mlc_code code = add_column(body, task->prefix, "jdeorderstatus", "Failed", err);
    return code == MLC_OK ? add_column(body, task->prefix, "jdeordermessage", message, err) : code;
}

static void patch(report_task *task)
{
    mlc_error err;
    cJSON *const body = cJSON_CreateObject();
    mlc_code code = body != NULL ? MLC_OK : mlc_fail(&err, MLC_E_NOMEM, "no memory for a report");
    if (code == MLC_OK)
        code = task->report.created ? created_body(task, body, &err) : failed_body(task, body, &err);
    if (code == MLC_OK) {
        const mlc_odata_request request = {.method = "PATCH",
                                           .path = task->path,
                                           .body = body,
                                           .if_match = task->etag[0] != '\0' ? task->etag : "*"};
        code = mlc_odata_send(task->odata, &request, on_patched, task, &err);
    }
    cJSON_Delete(body);
    if (code != MLC_OK)
        finish_failed(task, &err);
}

static void on_order(void *user, const mlc_odata_answer *answer)
{
    report_task *const task = user;
    char column[96];
    if (answer->code != MLC_OK) {
        /* Nothing was written yet. */
        const mlc_delivery_result result = {.code = answer->code == MLC_E_UNCERTAIN ? MLC_E_UNAVAILABLE
                                                                                    : answer->code,
                                            .err = &answer->err,
                                            .retry_after_ms = answer->retry_after_ms};
        finish(task, &result);
        return;
    }
    (void)snprintf(column, sizeof column, "%.60sjdestatusversion", task->prefix);
    const char *const version = mlc_json_str(answer->body, column);
    const char *const etag = mlc_json_str(answer->body, "@odata.etag");
    task->has_status = version != NULL && version[0] != '\0';
    (void)snprintf(task->etag, sizeof task->etag, "%.60s", etag != NULL ? etag : "");
    patch(task);
}

static void read_order(report_task *task)
{
    mlc_error err;
    char path[200];
    (void)snprintf(path, sizeof path, "%s?$select=%.60sjdestatusversion", task->path, task->prefix);
    const mlc_odata_request request = {.method = "GET", .path = path};
    if (mlc_odata_send(task->odata, &request, on_order, task, &err) != MLC_OK)
        finish_failed(task, &err);
}

void mlc_order_report_deliver(mlc_odata *odata, const char *prefix, mlc_deliverer *deliverer,
                              mlc_delivery *item)
{
    mlc_error err;
    report_task *const task = calloc(1, sizeof *task);
    if (task == NULL) {
        const mlc_delivery_result result = {.code = mlc_fail(&err, MLC_E_NOMEM, "no memory for a report"),
                                            .err = &err};
        mlc_deliverer_finish(deliverer, item, &result);
        return;
    }
    task->odata = odata;
    task->prefix = prefix;
    task->deliverer = deliverer;
    task->item = item;
    if (mlc_order_result_parse(item->payload, item->payload_len, &task->report, &err) != MLC_OK) {
        finish_failed(task, &err);
        return;
    }
    (void)snprintf(task->path, sizeof task->path, "salesorders(%.40s)", task->report.id);
    (void)snprintf(task->target, sizeof task->target, "Dynamics/salesorders/%.40s", task->report.id);
    if (task->report.created)
        (void)snprintf(task->source, sizeof task->source, "JDE/F4201/%.30s %.14s %.14s", task->report.doco,
                       task->report.dcto != NULL ? task->report.dcto : "",
                       task->report.kcoo != NULL ? task->report.kcoo : "");
    if (task->report.created)
        read_order(task);
    else
        patch(task);
}
