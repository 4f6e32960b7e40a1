/* order_progress.c - see order_progress.h. Order -> lines -> lines that differ -> order. */
#include "relay/order_progress.h"

#include "record/order_status.h"
#include "relay/source_version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Columns of a stock Dynamics 365 Sales (contracts/dataverse.md, section Tables). */
enum { STATE_ACTIVE = 0, STATE_SUBMITTED = 1, STATE_FULFILLED = 3, STATUS_COMPLETE = 100001 };
enum { COLUMN_MAX = 96, PATH_MAX_LEN = 96, ETAG_MAX = 64, MESSAGE_MAX = 600, LINE_TEXT_MAX = 160 };

/* A line to be written. */
typedef struct line_write {
    char path[PATH_MAX_LEN];
    cJSON *body;
} line_write;

typedef struct progress_task {
    mlc_order_progress_options opt;
    mlc_delivery *item;
    mlc_order_status status;
    char path[PATH_MAX_LEN];
    char etag[ETAG_MAX];
    bool open; /* the order is not fulfilled, invoiced or cancelled */
    line_write *writes;
    size_t write_count;
} progress_task;

/* ---- the end ---- */

static void finish(progress_task *task, const mlc_delivery_result *result)
{
    mlc_deliverer_finish(task->opt.deliverer, task->item, result);
    for (size_t i = 0; i < task->write_count; i++)
        cJSON_Delete(task->writes[i].body);
    free(task->writes);
    mlc_order_status_free(&task->status);
    free(task);
}

static void finish_failed(progress_task *task, mlc_code code, const mlc_error *err, int64_t retry_after_ms)
{
    /* Writing a status twice is harmless: an unclear outcome is as good as none. */
    const mlc_delivery_result result = {.code = code == MLC_E_UNCERTAIN ? MLC_E_UNAVAILABLE : code,
                                        .err = err,
                                        .retry_after_ms = retry_after_ms};
    finish(task, &result);
}

static void finish_answer(progress_task *task, const mlc_odata_answer *answer)
{
    finish_failed(task, answer->code, &answer->err, answer->retry_after_ms);
}

static void finish_done(progress_task *task, const char *outcome)
{
    const mlc_delivery_result result = {.code = MLC_OK, .outcome = outcome, .target_id = task->path};
    finish(task, &result);
}

/* ---- own columns ---- */

static const char *column(const progress_task *task, const char *name, char out[COLUMN_MAX])
{
    (void)snprintf(out, COLUMN_MAX, "%.60s%s", task->opt.prefix, name);
    return out;
}

static mlc_code add_text(const progress_task *task, cJSON *body, const char *name, const char *text,
                         mlc_error *err)
{
    char own[COLUMN_MAX];
    return mlc_json_add_str(body, column(task, name, own), text, err);
}

static mlc_code add_quantity(const progress_task *task, cJSON *body, const char *name, const char *text,
                             mlc_error *err)
{
    char own[COLUMN_MAX];
    mlc_decimal value;
    const mlc_code code = mlc_decimal_parse(text != NULL && *text != '\0' ? text : "0", &value, err);
    return code == MLC_OK ? mlc_json_add_decimal(body, column(task, name, own), value, err) : code;
}

static bool same_quantity(const progress_task *task, const cJSON *row, const char *name, const char *text)
{
    char own[COLUMN_MAX];
    mlc_decimal there;
    mlc_decimal value;
    return mlc_json_decimal(row, column(task, name, own), &there, NULL) == MLC_OK &&
           mlc_decimal_parse(text != NULL && *text != '\0' ? text : "0", &value, NULL) == MLC_OK &&
           mlc_decimal_cmp(there, value) == 0;
}

/* ---- the order ---- */

static const char *or_none(const char *text)
{
    return text != NULL ? text : "";
}

static bool is_some(const char *text)
{
    mlc_decimal value;
    return text != NULL && mlc_decimal_parse(text, &value, NULL) == MLC_OK && value.unscaled != 0;
}

/* "line 1 (ITEM-00001): 3 of 5 shipped on 2026-11-28, 2 back-ordered"; "" when there is nothing to tell. */
static void line_text(const mlc_order_status *status, const mlc_order_status_line *line,
                      char out[LINE_TEXT_MAX])
{
    size_t used = 0;
    out[0] = '\0';
    if (!is_some(line->shipped) && !is_some(line->backordered) && !is_some(line->cancelled))
        return;
    used = (size_t)snprintf(out, LINE_TEXT_MAX, "line %lld (%.25s): %.20s of %.20s %s", (long long)line->line,
                            or_none(line->item), is_some(line->shipped) ? line->shipped : "0",
                            or_none(line->ordered), status->purchase ? "received" : "shipped");
    if (is_some(line->shipped) && or_none(line->ship_date)[0] != '\0')
        used += (size_t)snprintf(out + used, LINE_TEXT_MAX - used, " on %.10s", line->ship_date);
    if (is_some(line->backordered))
        used += (size_t)snprintf(out + used, LINE_TEXT_MAX - used, ", %.20s back-ordered", line->backordered);
    if (is_some(line->cancelled))
        (void)snprintf(out + used, LINE_TEXT_MAX - used, ", %.20s cancelled", line->cancelled);
}

static void message_of(const mlc_order_status *status, char out[MESSAGE_MAX])
{
    char line[LINE_TEXT_MAX];
    size_t used = (size_t)snprintf(out, MESSAGE_MAX, "JDE order %.32s %.16s %.16s: %s", status->doco,
                                   or_none(status->dcto), or_none(status->kcoo), status->status);
    if (or_none(status->hold)[0] != '\0')
        used += (size_t)snprintf(out + used, MESSAGE_MAX - used, " (hold code %.10s)", status->hold);
    for (size_t i = 0; i < status->line_count; i++) {
        line_text(status, &status->lines[i], line);
        if (line[0] == '\0')
            continue;
        if (used + strlen(line) + 8 > MESSAGE_MAX) {
            (void)snprintf(out + used, MESSAGE_MAX - used, "; ..");
            return;
        }
        used += (size_t)snprintf(out + used, MESSAGE_MAX - used, "; %s", line);
    }
}

static mlc_code order_body(const progress_task *task, cJSON **out, mlc_error *err)
{
    const mlc_order_status *const s = &task->status;
    char message[MESSAGE_MAX];
    message_of(s, message);
    (void)mlc_utf8_mend(message);
    const struct {
        const char *name, *text;
    } fields[] = {{"jdeordernumber", s->doco},  {"jdeordertype", s->dcto},
                  {"jdeordercompany", s->kcoo}, {"jdeorderstatus", s->status},
                  {"jdeordermessage", message}, {"jdestatusversion", s->version}};
    *out = cJSON_CreateObject();
    mlc_code code = *out != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for an order's status");
    for (size_t i = 0; code == MLC_OK && i < sizeof fields / sizeof fields[0]; i++)
        if (fields[i].text != NULL)
            code = add_text(task, *out, fields[i].name, fields[i].text, err);
    if (code != MLC_OK || !task->opt.fulfill || !task->open || strcmp(s->status, MLC_ORDER_SHIPPED) != 0)
        return code;
    code = mlc_json_add_int(*out, "statecode", STATE_FULFILLED, err);
    return code == MLC_OK ? mlc_json_add_int(*out, "statuscode", STATUS_COMPLETE, err) : code;
}

static void on_order_written(void *user, const mlc_odata_answer *answer)
{
    progress_task *const task = user;
    if (answer->code != MLC_OK)
        finish_answer(task, answer);
    else
        finish_done(task, task->status.status);
}

static void write_order(progress_task *task)
{
    mlc_error err;
    cJSON *body = NULL;
    mlc_code code = order_body(task, &body, &err);
    if (code == MLC_OK) {
        const mlc_odata_request request = {.method = "PATCH",
                                           .path = task->path,
                                           .body = body,
                                           .if_match = task->etag[0] != '\0' ? task->etag : "*"};
        code = mlc_odata_send(task->opt.odata, &request, on_order_written, task, &err);
    }
    cJSON_Delete(body);
    if (code != MLC_OK)
        finish_failed(task, code, &err, 0);
}

/* ---- its lines ---- */

static void on_lines_written(void *user, const mlc_odata_answer *answers, size_t count)
{
    progress_task *const task = user;
    for (size_t i = 0; i < count; i++) {
        if (answers[i].code != MLC_OK && answers[i].code != MLC_E_NOTFOUND) {
            finish_answer(task, &answers[i]);
            return;
        }
    }
    write_order(task);
}

static void write_lines(progress_task *task)
{
    mlc_error err;
    if (task->write_count == 0) {
        write_order(task);
        return;
    }
    mlc_odata_request *const requests = calloc(task->write_count, sizeof *requests);
    mlc_code code =
        requests != NULL ? MLC_OK : mlc_fail(&err, MLC_E_NOMEM, "no memory for lines of an order");
    for (size_t i = 0; code == MLC_OK && i < task->write_count; i++)
        requests[i] = (mlc_odata_request){
            .method = "PATCH", .path = task->writes[i].path, .body = task->writes[i].body, .if_match = "*"};
    if (code == MLC_OK)
        code = mlc_odata_batch(task->opt.odata, requests, task->write_count, on_lines_written, task, &err);
    free(requests);
    if (code != MLC_OK)
        finish_failed(task, code, &err, 0);
}

static const mlc_order_status_line *line_of(const mlc_order_status *status, int64_t number)
{
    for (size_t i = 0; i < status->line_count; i++)
        if (status->lines[i].line == number)
            return &status->lines[i];
    return NULL;
}

static mlc_code take_line(progress_task *task, const cJSON *row, int64_t position, mlc_error *err)
{
    char own[COLUMN_MAX];
    char state[32];
    int64_t number = 0;
    const char *const id = mlc_json_str(row, "salesorderdetailid");
    if (mlc_json_int64(row, "lineitemnumber", &number, NULL) != MLC_OK || number <= 0)
        number = position;
    const mlc_order_status_line *const line = line_of(&task->status, number);
    if (line == NULL || id == NULL)
        return MLC_OK;
    (void)snprintf(state, sizeof state, "%.10s/%.10s", or_none(line->last), or_none(line->next));
    const char *const there = mlc_json_str(row, column(task, "jdelinestatus", own));
    if (there != NULL && strcmp(there, state) == 0 &&
        same_quantity(task, row, "jdequantityshipped", line->shipped) &&
        same_quantity(task, row, "jdequantitybackordered", line->backordered))
        return MLC_OK;
    line_write *const write = &task->writes[task->write_count];
    (void)snprintf(write->path, sizeof write->path, "salesorderdetails(%.40s)", id);
    write->body = cJSON_CreateObject();
    if (write->body == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for lines of an order");
    task->write_count++;
    mlc_code code = add_text(task, write->body, "jdelinestatus", state, err);
    if (code == MLC_OK)
        code = add_quantity(task, write->body, "jdequantityshipped", line->shipped, err);
    return code == MLC_OK ? add_quantity(task, write->body, "jdequantitybackordered", line->backordered, err)
                          : code;
}

static void on_lines(void *user, const mlc_odata_answer *answer)
{
    progress_task *const task = user;
    const cJSON *row = NULL;
    mlc_error err;
    mlc_code code = MLC_OK;
    int64_t position = 0;
    if (answer->code != MLC_OK) {
        finish_answer(task, answer);
        return;
    }
    const cJSON *const rows = mlc_json_get(answer->body, "value");
    task->writes = calloc((size_t)cJSON_GetArraySize(rows) + 1, sizeof *task->writes);
    if (task->writes == NULL)
        code = mlc_fail(&err, MLC_E_NOMEM, "no memory for lines of an order");
    for (row = code == MLC_OK && rows != NULL ? rows->child : NULL; code == MLC_OK && row != NULL;
         row = row->next)
        code = take_line(task, row, ++position, &err);
    if (code != MLC_OK)
        finish_failed(task, code, &err, 0);
    else
        write_lines(task);
}

static void get(progress_task *task, mlc_code made, mlc_buf *path, mlc_odata_fn fn, const mlc_error *why)
{
    mlc_error err = *why;
    mlc_code code = made;
    if (code == MLC_OK) {
        const mlc_odata_request request = {.method = "GET", .path = mlc_buf_text(path)};
        code = mlc_odata_send(task->opt.odata, &request, fn, task, &err);
    }
    mlc_buf_free(path);
    if (code != MLC_OK)
        finish_failed(task, code, &err, 0);
}

static void on_order(void *user, const mlc_odata_answer *answer)
{
    progress_task *const task = user;
    const char *const p = task->opt.prefix;
    char own[COLUMN_MAX];
    int64_t state = STATE_ACTIVE;
    mlc_buf path = {0};
    mlc_error err;
    mlc_error_clear(&err);
    if (answer->code == MLC_E_NOTFOUND) {
        finish_done(task, "the order is not in Dynamics");
        return;
    }
    if (answer->code != MLC_OK) {
        finish_answer(task, answer);
        return;
    }
    const char *const there = mlc_json_str(answer->body, column(task, "jdestatusversion", own));
    if (mlc_source_version_valid(there) && mlc_source_version_cmp(there, task->status.version) >= 0) {
        finish_done(task, "superseded at target");
        return;
    }
    (void)mlc_json_int64(answer->body, "statecode", &state, NULL);
    task->open = state == STATE_ACTIVE || state == STATE_SUBMITTED;
    (void)snprintf(task->etag, sizeof task->etag, "%.60s",
                   or_none(mlc_json_str(answer->body, "@odata.etag")));
    const mlc_code code = mlc_buf_printf(
        &path, &err,
        "salesorderdetails?$filter=_salesorderid_value%%20eq%%20%s&$select=salesorderdetailid,lineitemnumber,"
        "%sjdelinestatus,%sjdequantityshipped,%sjdequantitybackordered&$orderby=lineitemnumber",
        task->status.id, p, p, p);
    get(task, code, &path, on_lines, &err);
}

void mlc_order_progress_deliver(const mlc_order_progress_options *options, mlc_delivery *item)
{
    mlc_error err;
    mlc_buf path = {0};
    mlc_error_clear(&err);
    progress_task *const task = calloc(1, sizeof *task);
    if (task == NULL) {
        const mlc_delivery_result result = {.code = mlc_fail(&err, MLC_E_NOMEM, "no memory for a status"),
                                            .err = &err};
        mlc_deliverer_finish(options->deliverer, item, &result);
        return;
    }
    task->opt = *options;
    task->item = item;
    mlc_code code = mlc_order_status_parse(item->payload, item->payload_len, &task->status, &err);
    if (code == MLC_OK) {
        (void)snprintf(task->path, sizeof task->path, "salesorders(%.40s)", task->status.id);
        code = mlc_buf_printf(&path, &err, "%s?$select=statecode,%sjdestatusversion", task->path,
                              options->prefix);
    }
    get(task, code, &path, on_order, &err);
}
