/* address_intake.c - see address_intake.h. */
#include "relay/address_intake.h"

#include "base/clock.h"
#include "relay/address_memory.h"
#include "relay/address_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One event under way; after the finish it is the effect's argument. */
typedef struct address_task {
    const mlc_address_intake *intake;
    mlc_deliverer *deliverer;
    mlc_delivery *item;
    char table[MLC_WEBHOOK_NAME_MAX], id[MLC_UUID_TEXT_MAX];
    char idem[128];
    mlc_address_row row; /* points into the answer, during its callback only */
    mlc_address_known known, account;
    mlc_buf address; /* canonical JSON */
} address_task;

static void task_free(void *arg)
{
    address_task *const task = arg;
    cJSON_Delete(task->known.tree);
    cJSON_Delete(task->account.tree);
    mlc_buf_free(&task->address);
    free(task);
}

/* ---- the end ---- */

static mlc_code put_address(mlc_txn *txn, const mlc_delivery *item, void *arg, mlc_error *err)
{
    const address_task *const task = arg;
    char key[64];
    (void)snprintf(key, sizeof key, "address/%s", task->id);
    const mlc_entry_new entry = {.tenant = item->tenant,
                                 .key = key,
                                 .idem = task->idem,
                                 .kind = "address",
                                 .correlation = item->correlation,
                                 .payload = task->address.data,
                                 .payload_len = task->address.len,
                                 .now_ms = mlc_wall_ms()};
    return mlc_outbox_put(txn, task->intake->down, &entry, NULL, NULL, err);
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
    /* Only reading was done: an unclear outcome is as good as none, and an answer without end says nothing of the row. */
    const bool again = code == MLC_E_UNCERTAIN || code == MLC_E_LIMIT;
    mlc_delivery_result result = {
        .code = again ? MLC_E_UNAVAILABLE : code, .err = err, .retry_after_ms = retry_after_ms};
    finish(task, &result);
}

/* ---- what the row says ---- */

static mlc_code read_memory(mlc_txn *txn, void *arg, mlc_error *err)
{
    address_task *const task = arg;
    char source[64];
    mlc_code code = mlc_address_memory_get(txn, task->row.source, task->row.version, &task->known, err);
    if (code != MLC_OK || strcmp(task->table, "contact") != 0)
        return code;
    (void)snprintf(source, sizeof source, "JDE/F0101/%s", task->row.an8);
    return mlc_address_memory_get(txn, source, NULL, &task->account, err);
}

static void leave_out_empty(mlc_address_fields *fields)
{
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++)
        if (fields->text[i] != NULL && fields->text[i][0] == '\0')
            fields->text[i] = NULL;
}

static mlc_code print_address(address_task *task, mlc_error *err)
{
    const mlc_address_row *const row = &task->row;
    mlc_address change = {.table = task->table,
                          .id = task->id,
                          .source = row->source,
                          .an8 = row->an8,
                          .line = row->line[0] != '\0' ? row->line : NULL,
                          .version = row->version,
                          .modified = row->modified,
                          .change = row->change,
                          .now = row->fields,
                          .has_base = task->known.found || task->account.found,
                          .base = task->known.found ? task->known.fields : task->account.fields};
    if (!task->known.found)
        leave_out_empty(&change.now);
    const mlc_code code = mlc_address_check(&change, err);
    return code == MLC_OK ? mlc_address_print(&change, &task->address, err) : code;
}

static void take_row(address_task *task)
{
    mlc_error err;
    char target[64];
    mlc_code code = mlc_store_read(task->intake->store, read_memory, task, &err);
    if (code != MLC_OK) {
        finish_failed(task, code, &err, 0);
        return;
    }
    if (task->known.found && mlc_address_same(&task->known.fields, &task->row.fields, &task->row.fields)) {
        finish_done(task, "shows JDE's address already");
        return;
    }
    if (!task->known.found && mlc_address_empty(&task->row.fields)) {
        finish_done(task, "has no address");
        return;
    }
    (void)snprintf(task->idem, sizeof task->idem, "dyn/address/%s/%s", task->id, task->row.change);
    code = print_address(task, &err);
    if (code != MLC_OK) {
        finish_failed(task, code, &err, 0);
        return;
    }
    (void)snprintf(target, sizeof target, "down/address/%s", task->id);
    mlc_delivery_result result = {
        .code = MLC_OK, .outcome = "address read", .target_id = target, .effect = put_address};
    finish(task, &result);
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
