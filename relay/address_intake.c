/* address_intake.c - see address_intake.h. */
#include "relay/address_intake.h"

#include "relay/address_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One event under way; after the finish it is the effect's argument. */
typedef struct address_task {
    const mlc_address_intake *intake;
    mlc_deliverer *deliverer;
    mlc_delivery *item;
    char table[MLC_WEBHOOK_NAME_MAX], id[MLC_UUID_TEXT_MAX];
    mlc_address_row row; /* points into the answer, during its callback only */
    mlc_address_view view;
    mlc_address_sending sending;
} address_task;

static void task_free(void *arg)
{
    address_task *const task = arg;
    mlc_address_view_free(&task->view);
    mlc_address_sending_free(&task->sending);
    free(task);
}

/* ---- the end ---- */

static mlc_code put_address(mlc_txn *txn, const mlc_delivery *item, void *arg, mlc_error *err)
{
    const address_task *const task = arg;
    return mlc_address_sending_put(txn, task->intake->down, item->tenant, item->correlation, &task->sending,
                                   NULL, err);
}

static void finish(address_task *task, mlc_delivery_result *result)
{
    result->effect_arg = task;
    result->effect_free = task_free;
    mlc_deliverer_finish(task->deliverer, task->item, result);
}

static void finish_done(address_task *task, const char *outcome)
{
    mlc_delivery_result result = {.code = MLC_OK, .outcome = outcome};
    finish(task, &result);
}

static void finish_failed(address_task *task, mlc_code code, const mlc_error *err, int64_t retry_after_ms)
{
    /* Only reading was done: an unclear outcome is as good as none. */
    mlc_delivery_result result = {.code = code == MLC_E_UNCERTAIN ? MLC_E_UNAVAILABLE : code,
                                  .err = err,
                                  .retry_after_ms = retry_after_ms};
    finish(task, &result);
}

/* ---- what the row says ---- */

static mlc_code judge(mlc_txn *txn, void *arg, mlc_error *err)
{
    address_task *const task = arg;
    return mlc_address_judge(txn, task->table, &task->row, &task->view, err);
}

static void take_edit(address_task *task)
{
    mlc_error err;
    char target[64];
    mlc_code code =
        mlc_address_sending_make(&task->sending, task->table, task->id, &task->row, &task->view, &err);
    if (code == MLC_OK && task->sending.fault.code != MLC_OK) {
        err = task->sending.fault;
        code = err.code;
    }
    if (code != MLC_OK) {
        finish_failed(task, code, &err, 0);
        return;
    }
    (void)snprintf(target, sizeof target, "down/address/%s", task->id);
    mlc_delivery_result result = {
        .code = MLC_OK, .outcome = "address read", .target_id = target, .effect = put_address};
    finish(task, &result);
}

static void take_row(address_task *task)
{
    mlc_error err;
    const mlc_code code = mlc_store_read(task->intake->store, judge, task, &err);
    if (code != MLC_OK) {
        finish_failed(task, code, &err, 0);
        return;
    }
    switch (task->view.news) {
    case MLC_ADDRESS_NONE:
        finish_done(task, "has no address");
        return;
    case MLC_ADDRESS_OURS:
        finish_done(task, "shows JDE's address already");
        return;
    case MLC_ADDRESS_TOLD:
        finish_done(task, "was sent to JDE already");
        return;
    case MLC_ADDRESS_EDITED:
        take_edit(task);
        return;
    }
}

static void on_row(void *user, const mlc_odata_answer *answer)
{
    address_task *const task = user;
    mlc_error err;
    if (answer->code == MLC_E_NOTFOUND) {
        finish_done(task, "deleted meanwhile");
        return;
    }
    if (answer->code != MLC_OK) {
        finish_failed(task, answer->code, &answer->err, answer->retry_after_ms);
        return;
    }
    const mlc_code code =
        mlc_address_row_read(task->table, answer->body, task->intake->prefix, &task->row, &err);
    if (code == MLC_E_UNSUPPORTED || (code == MLC_OK && task->row.source == NULL))
        finish_done(task, "not a record of JDE's address book");
    else if (code != MLC_OK)
        finish_failed(task, code, &err, 0);
    else
        take_row(task);
}

void mlc_address_intake_take(const mlc_address_intake *intake, mlc_deliverer *deliverer, mlc_delivery *item,
                             const mlc_webhook_event *event)
{
    mlc_error err;
    mlc_buf path = {0};
    address_task *const task = calloc(1, sizeof *task);
    if (task == NULL) {
        (void)mlc_fail(&err, MLC_E_NOMEM, "no memory for an event");
        const mlc_delivery_result result = {.code = err.code, .err = &err};
        mlc_deliverer_finish(deliverer, item, &result);
        return;
    }
    *task = (address_task){.intake = intake, .deliverer = deliverer, .item = item};
    (void)snprintf(task->table, sizeof task->table, "%s", event->entity);
    (void)snprintf(task->id, sizeof task->id, "%s", event->entity_id);
    mlc_code code = mlc_address_row_path(task->table, task->id, intake->prefix, &path, &err);
    if (code == MLC_OK) {
        const mlc_odata_request request = {.method = "GET", .path = mlc_buf_text(&path)};
        code = mlc_odata_send(intake->odata, &request, on_row, task, &err);
    }
    mlc_buf_free(&path);
    if (code != MLC_OK)
        finish_failed(task, code, &err, 0);
}
