/* records_address.c - no snapshot of JDE writes over an edit of an address that nobody has read.
 *
 * A snapshot whose address is the one that was written last leaves the address columns out, and holds only for a row that is
 * there (If-Match: *). One that brings another address reads the row first; an edit found there is put into "down" with the
 * address it was made on, so that JDE's side decides by the conflict rule, in the job that notes the write to come
 * (address_shown.h); then it writes under the condition that the row is still as read. The first version of a record that
 * this store ever heard of is written as it is: nobody can have edited what was not there. A record that is sent again
 * although nothing changed is meant to heal the row: it is read, too.
 */
#include "relay/records_private.h"

#include "base/clock.h"
#include "relay/address_judge.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READS_MAX = 5, HTTP_NOT_FOUND = 404, HTTP_PRECONDITION = 412 };

/* ---- the columns of a body ---- */

/* "account" or "contact"; NULL: of another table. */
static const char *table_of(const mlc_record_task *task)
{
    static const char *const tables[] = {"account", "contact"};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (strcmp(task->flow->set, mlc_address_set_of(tables[i])) == 0)
            return tables[i];
    return NULL;
}

bool mlc_record_has_address(const mlc_record_task *task)
{
    const char *const table = table_of(task);
    return task->records->opt.down != NULL && table != NULL &&
           mlc_address_is_source(table, task->master.source);
}

/* Those that the body writes, "" for null. False: none. */
static bool address_of(const cJSON *body, const char *table, mlc_address_fields *out)
{
    bool any = false;
    *out = (mlc_address_fields){{NULL}};
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++) {
        const cJSON *const column = mlc_address_applies(table, i)
                                        ? mlc_json_get(body, mlc_address_column((mlc_address_field)i))
                                        : NULL;
        if (column == NULL)
            continue;
        out->text[i] = cJSON_IsString(column) ? column->valuestring : "";
        any = true;
    }
    return any;
}

/* Into the other object, where they are the last. */
static void move_columns(cJSON *from, cJSON *to)
{
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++) {
        const char *const name = mlc_address_column((mlc_address_field)i);
        cJSON *const column = cJSON_DetachItemFromObjectCaseSensitive(from, name);
        if (column != NULL)
            (void)cJSON_AddItemToObject(to, name, column);
    }
}

void mlc_record_whole(mlc_record_task *task)
{
    if (task->left_out == NULL)
        return;
    move_columns(task->left_out, task->body);
    cJSON_Delete(task->left_out);
    task->left_out = NULL;
}

/* ---- which way ---- */

typedef struct plan_job {
    const mlc_record_task *task;
    mlc_address_shown shown;
    bool first, again;
} plan_job;

static mlc_code plan(mlc_txn *txn, void *arg, mlc_error *err)
{
    plan_job *const job = arg;
    const mlc_master *const master = &job->task->master;
    uint8_t fingerprint[MLC_MASTER_FINGERPRINT_LEN];
    mlc_sent sent;
    mlc_code code = mlc_address_shown_get(txn, master->source, &job->shown, err);
    if (code == MLC_OK && job->shown.state == MLC_SHOWN_NEVER)
        code = mlc_address_memory_first(txn, master->source, master->version, &job->first, err);
    if (code != MLC_OK)
        return code;
    const mlc_code known = mlc_sent_get(txn, master->kind, master->id, &sent, NULL);
    job->first = job->first && known == MLC_E_NOTFOUND;
    job->again = known == MLC_OK && mlc_master_fingerprint(master, fingerprint, NULL) == MLC_OK &&
                 memcmp(fingerprint, sent.fingerprint, sizeof fingerprint) == 0;
    return MLC_OK;
}

static void leave_out(mlc_record_task *task)
{
    task->left_out = cJSON_CreateObject();
    if (task->left_out != NULL)
        move_columns(task->body, task->left_out);
}

static void read_row(mlc_record_task *task);

mlc_record_way mlc_record_guard(mlc_record_task *task)
{
    mlc_error err;
    mlc_address_fields fields;
    plan_job job = {.task = task};
    const mlc_records *const r = task->records;
    const char *const table = table_of(task);
    if (!mlc_record_has_address(task) || !address_of(task->body, table, &fields))
        return MLC_RECORD_AS_IT_IS;
    mlc_code code =
        mlc_address_shown_fill(&task->written, MLC_SHOWN_WRITING, &fields, task->master.version, &err);
    if (code == MLC_OK)
        code = mlc_store_read(r->opt.store, plan, &job, &err);
    if (code != MLC_OK) {
        mlc_record_fail(task, &err);
        return MLC_RECORD_TAKEN;
    }
    task->guarded = true;
    if (job.shown.state == MLC_SHOWN_KNOWN && !job.again && job.shown.mask == task->written.mask &&
        memcmp(job.shown.hash, task->written.hash, sizeof job.shown.hash) == 0) {
        leave_out(task);
        return MLC_RECORD_AS_IT_IS;
    }
    if (job.first && !task->item->uncertain && task->item->attempt <= 1)
        return MLC_RECORD_AS_IT_IS;
    mlc_record_leave_group(task);
    read_row(task);
    return MLC_RECORD_TAKEN;
}

/* ---- reading, and noting ---- */

/* An edit that is about to be written over: it goes to JDE, which has its address of that time and ours. */
static mlc_code save_edit(mlc_txn *txn, mlc_record_task *task, const mlc_address_row *row,
                          const mlc_address_view *view, mlc_error *err)
{
    const mlc_records *const r = task->records;
    char key[64];
    mlc_address_sending sending;
    mlc_code code = mlc_address_sending_make(&sending, table_of(task), task->row_id, row, view, err);
    if (code != MLC_OK)
        return code;
    code = mlc_address_sending_put(txn, r->opt.down, r->opt.tenant, task->row_id, &sending, &task->edit_saved,
                                   err);
    (void)snprintf(key, sizeof key, "address/%s", task->row_id);
    const mlc_audit_event event = {.at_ms = mlc_wall_ms(),
                                   .actor = "relay",
                                   .action = "received",
                                   .tenant = r->opt.tenant,
                                   .stream = mlc_outbox_name(r->opt.down),
                                   .kind = "address",
                                   .key = key,
                                   .idem = sending.idem,
                                   .correlation = task->row_id,
                                   .source_id = key,
                                   .outcome = "ok",
                                   .detail = "found before JDE's address was written over it"};
    if (code == MLC_OK && task->edit_saved)
        code = mlc_audit_append(txn, &event, NULL, err);
    mlc_address_sending_free(&sending);
    return code;
}

/* Job: what the row shows is known or saved, and a write of another address begins. */
static mlc_code note_write(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_record_task *const task = arg;
    mlc_address_row row;
    mlc_address_view view;
    mlc_code code = MLC_OK;
    task->edit_saved = false;
    if (task->row != NULL) {
        code = mlc_address_row_read(table_of(task), task->row, task->records->prefix, &row, err);
        if (code == MLC_OK)
            code = mlc_address_judge(txn, table_of(task), &row, &view, err);
        if (code != MLC_OK)
            return code;
        if (view.news == MLC_ADDRESS_EDITED && !mlc_address_shown_same(&task->written, &row.fields))
            code = save_edit(txn, task, &row, &view, err);
        mlc_address_view_free(&view);
    }
    return code == MLC_OK ? mlc_address_shown_put(txn, task->master.source, &task->written, err) : code;
}

static void on_noted(void *arg, mlc_code code, const mlc_error *why)
{
    mlc_record_task *const task = arg;
    const mlc_records *const r = task->records;
    mlc_error err = *why;
    if (code == MLC_OK && task->edit_saved) {
        mlc_log_info(r->opt.log, "records", "an edited address was found before JDE's was written over it",
                     MLC_S("target", task->target), MLC_S("source", task->master.source));
        if (r->opt.on_down != NULL)
            r->opt.on_down(r->opt.user);
    }
    if (code == MLC_OK && r->stopping)
        (void)mlc_fail(&err, MLC_E_CLOSED, "shutting down");
    else if (code == MLC_E_FULL) /* nothing was written, and the record is not to blame */
        (void)mlc_wrap(&err, MLC_E_UNAVAILABLE, "an edited address could not be kept");
    else if (code == MLC_OK) {
        mlc_record_write_one(task);
        return;
    }
    mlc_record_fail(task, &err);
}

static void note(mlc_record_task *task)
{
    mlc_error err;
    if (mlc_store_submit(task->records->opt.store, note_write, on_noted, task, &err) != MLC_OK)
        mlc_record_fail(task, &err);
}

/* The row as it was read. Of another source it has no edit of JDE's address: it becomes ours by this write. */
static mlc_code keep_row(mlc_record_task *task, const cJSON *body, mlc_error *err)
{
    char column[MLC_RECORD_NAME_MAX];
    mlc_address_row row;
    mlc_code code = mlc_address_row_read(table_of(task), body, task->records->prefix, &row, err);
    const bool ours = code == MLC_OK && row.source != NULL && strcmp(row.source, task->master.source) == 0;
    if (code != MLC_OK && code != MLC_E_UNSUPPORTED)
        return code;
    task->etag = mlc_strdup(row.etag);
    (void)snprintf(column, sizeof column, "%sid", table_of(task));
    if (task->etag == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a record");
    if (!mlc_uuid_copy(mlc_json_str(body, column), task->row_id))
        return mlc_fail(err, MLC_E_PROTOCOL, "Dynamics answered a row without %s", column);
    if (!ours)
        return MLC_OK;
    task->row = cJSON_Duplicate(body, true);
    return task->row != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for a record");
}

static void on_row(void *user, const mlc_odata_answer *answer)
{
    mlc_record_task *const task = user;
    mlc_error err = answer->err;
    mlc_code code = answer->code;
    if (code == MLC_E_NOTFOUND) {
        note(task);
        return;
    }
    if (code == MLC_OK)
        code = keep_row(task, answer->body, &err);
    if (code != MLC_OK) {
        const mlc_delivery_result result = {.code = code,
                                            .err = &err,
                                            .uncertain = task->item->uncertain,
                                            .retry_after_ms = answer->retry_after_ms};
        mlc_record_finish(task, &result);
        return;
    }
    if (task->item->uncertain &&
        mlc_record_settled(task, answer->status, mlc_json_str(answer->body, task->records->version_column),
                           task->row_id, true))
        return;
    note(task);
}

static void read_row(mlc_record_task *task)
{
    mlc_error err;
    mlc_buf path = {0};
    mlc_record_whole(task);
    cJSON_Delete(task->row);
    free(task->etag);
    task->row = NULL;
    task->etag = NULL;
    task->reads++;
    mlc_code code = mlc_buf_printf(&path, &err, "%s?$select=", task->path);
    if (code == MLC_OK)
        code = mlc_address_row_columns(table_of(task), task->records->prefix, &path, &err);
    const mlc_odata_request request = {.method = "GET", .path = mlc_buf_text(&path)};
    if (code == MLC_OK)
        code = mlc_odata_send(task->records->opt.odata, &request, on_row, task, &err);
    mlc_buf_free(&path);
    if (code != MLC_OK)
        mlc_record_fail(task, &err);
}

/* ---- after a write ---- */

const char *mlc_record_condition(const mlc_record_task *task)
{
    if (task->etag != NULL)
        return task->etag;
    return task->left_out != NULL ? "*" : NULL;
}

bool mlc_record_read_again(mlc_record_task *task, const mlc_odata_answer *answer)
{
    const bool broken = answer->status == HTTP_PRECONDITION && (task->etag != NULL || task->left_out != NULL);
    const bool absent = answer->status == HTTP_NOT_FOUND && task->left_out != NULL;
    if (!task->guarded || answer->whole_batch || !(broken || absent) || task->reads >= READS_MAX)
        return false;
    read_row(task);
    return true;
}

void mlc_record_write_elsewhere(mlc_record_task *task)
{
    if (task->guarded)
        read_row(task);
    else
        mlc_record_write_one(task);
}
