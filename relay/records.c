/* records.c - see records.h and records_private.h. */
#include "relay/records_private.h"

#include "base/clock.h"
#include "relay/webhook_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_SIZE = 128 };

const char mlc_record_superseded[] = "superseded at target";
const char mlc_record_deactivated[] = "deactivated";

/* Records given together, as long as not all of them are ready. */
struct mlc_record_group {
    mlc_records *records;
    size_t open; /* not ready, and one for the giving itself */
    size_t ready_count;
    mlc_record_task *ready[];
};

/* ---- tasks ---- */

static void free_task(mlc_record_task *task)
{
    for (size_t i = 0; i < task->used_count; i++) {
        free(task->used[i].set);
        free(task->used[i].key);
        free(task->used[i].value);
    }
    mlc_master_free(&task->master);
    cJSON_Delete(task->body);
    cJSON_Delete(task->differences);
    cJSON_Delete(task->left_out);
    cJSON_Delete(task->row);
    free(task->etag);
    free(task->key_value);
    free(task->path);
    free(task);
}

static void end_task(mlc_record_task *task)
{
    if (task->prev != NULL)
        task->prev->next = task->next;
    else
        task->records->tasks = task->next;
    if (task->next != NULL)
        task->next->prev = task->prev;
    free_task(task);
}

/* NULL is allowed. */
static void close_group(mlc_record_group *group)
{
    if (group == NULL || --group->open > 0)
        return;
    if (group->ready_count > 0)
        mlc_record_write_group(group->records, group->ready, group->ready_count);
    free(group);
}

void mlc_record_leave_group(mlc_record_task *task)
{
    mlc_record_group *const group = task->group;
    task->group = NULL;
    close_group(group);
}

void mlc_record_finish(mlc_record_task *task, const mlc_delivery_result *result)
{
    mlc_record_group *const group = task->group;
    mlc_deliverer_finish(task->deliverer, task->item, result);
    end_task(task);
    close_group(group);
}

void mlc_record_fail(mlc_record_task *task, const mlc_error *err)
{
    const mlc_delivery_result result = {.code = err->code, .err = err, .uncertain = task->item->uncertain};
    mlc_record_finish(task, &result);
}

/* What follows in the finishing job: others are woken, and what was written is noted. */
typedef struct done_arg {
    mlc_outbox *stream;
    int64_t now_ms;
    bool wake, note, confirm, forget;
    mlc_address_shown written;
    char source[SOURCE_SIZE];
    char kind[MLC_RECORD_NAME_MAX], id[MLC_COMPARE_ID_MAX + 1];
    mlc_sent sent;
    char set[MLC_RECORD_NAME_MAX], key[MLC_RECORD_NAME_MAX];
    char value[]; /* of the key */
} done_arg;

static mlc_code done_effect(mlc_txn *txn, const mlc_delivery *item, void *arg, mlc_error *err)
{
    const done_arg *const done = arg;
    mlc_code code = MLC_OK;
    (void)item;
    if (done->wake)
        code = mlc_record_wake(txn, done->stream, done->set, done->key, done->value, done->now_ms, err);
    if (code == MLC_OK && done->note)
        code = mlc_sent_put(txn, done->kind, done->id, &done->sent, err);
    if (code == MLC_OK && done->confirm)
        code = mlc_address_shown_confirm(txn, done->source, &done->written, err);
    if (code == MLC_OK && done->forget)
        code = mlc_address_shown_forget(txn, done->source, err);
    return code;
}

/* The columns are compared later only where this very body was written. */
static bool fill_sent(const mlc_record_task *task, const char *words, mlc_sent *out)
{
    const mlc_records *const r = task->records;
    const mlc_schema_table *const table = mlc_schema_table_of(r->opt.schema, task->flow->set);
    *out = (mlc_sent){.gone = task->master.gone};
    mlc_strlcpy(out->version, task->master.version, sizeof out->version);
    if (strcmp(words, mlc_record_superseded) == 0 ||
        mlc_master_fingerprint(&task->master, out->fingerprint, NULL) != MLC_OK)
        return false;
    if (table != NULL && (!task->master.gone || strcmp(words, mlc_record_deactivated) == 0))
        (void)mlc_sent_columns_written(task->flow->map, r->prefix, table, task->body, &out->columns, NULL);
    return true;
}

static done_arg *new_done(const mlc_record_task *task, const char *words)
{
    const mlc_record_flow *const flow = task->flow;
    const char *const value = task->key_value != NULL ? task->key_value : "";
    const size_t size = strlen(value) + 1;
    done_arg *const done = calloc(1, sizeof *done + size * sizeof(char));
    if (done == NULL)
        return NULL;
    done->stream = task->records->opt.stream;
    done->now_ms = mlc_wall_ms();
    done->wake = task->key_value != NULL && !task->master.gone;
    done->note = strlen(task->master.id) <= MLC_COMPARE_ID_MAX && fill_sent(task, words, &done->sent);
    done->confirm = task->guarded && !task->kept_address && strcmp(words, mlc_record_superseded) != 0;
    done->forget = task->master.gone && mlc_record_has_address(task);
    done->written = task->written;
    mlc_strlcpy(done->source, task->master.source, sizeof done->source);
    mlc_strlcpy(done->kind, flow->kind, sizeof done->kind);
    mlc_strlcpy(done->id, task->master.id, sizeof done->id);
    memcpy(done->set, flow->set, sizeof done->set);
    memcpy(done->key, flow->key, sizeof done->key);
    memcpy(done->value, value, size);
    return done;
}

/* "accounts(1a2b..)" as the cross-reference names it, "Dynamics/accounts/1a2b.."; false when the row's id is not known. */
static bool name_counterpart(const mlc_record_task *task, char out[MLC_RECORD_TARGET_MAX])
{
    char text[MLC_UUID_TEXT_MAX];
    char id[MLC_UUID_TEXT_MAX];
    const char *const open = strchr(task->target, '(');
    if (open == NULL || strlen(open) != MLC_UUID_TEXT_MAX + 1)
        return false;
    mlc_strlcpy(text, open + 1, sizeof text);
    if (open[MLC_UUID_TEXT_MAX] != ')' || !mlc_uuid_copy(text, id))
        return false;
    return snprintf(out, MLC_RECORD_TARGET_MAX, "Dynamics/%.*s/%s", (int)(open - task->target), task->target,
                    id) < MLC_RECORD_TARGET_MAX;
}

void mlc_record_done(mlc_record_task *task, int status, const char *words)
{
    char outcome[MLC_RECORD_TARGET_MAX + 64];
    (void)snprintf(outcome, sizeof outcome, "%d %s%s%s", status, task->target, *words != '\0' ? " " : "",
                   words);
    mlc_delivery_result result = {.outcome = outcome,
                                  .source_id = task->master.source,
                                  .target_id = task->target,
                                  .differences = task->differences};
    char counterpart[MLC_RECORD_TARGET_MAX];
    if (task->differences == NULL && name_counterpart(task, counterpart)) {
        result.target_id = counterpart;
        result.link = true;
    }
    task->kept_address = task->left_out != NULL;
    mlc_record_whole(task); /* a comparison looks at all of it */
    /* Without memory for it, those who wait are tried again by their backoff, and the comparison will find the record. */
    done_arg *const done = new_done(task, words);
    if (done != NULL) {
        result.effect = done_effect;
        result.effect_arg = done;
        result.effect_free = free;
    }
    mlc_record_finish(task, &result);
}

/* The first write is the record's own; an activation that follows it changes nothing that a person asked for. */
void mlc_record_differ(mlc_record_task *task, const mlc_odata_answer *answer)
{
    if (answer->differences != NULL && task->differences == NULL)
        task->differences = cJSON_Duplicate(answer->differences, true);
}

void mlc_record_set_target(mlc_record_task *task, const char *id)
{
    (void)snprintf(task->target, sizeof task->target, "%s(%.64s)", task->flow->set, id);
}

void mlc_record_ready(mlc_record_task *task)
{
    if (mlc_record_guard(task) == MLC_RECORD_TAKEN)
        return;
    mlc_record_group *const group = task->group;
    if (task->item->uncertain || group == NULL) {
        mlc_record_leave_group(task);
        if (task->item->uncertain)
            mlc_record_look(task);
        else
            mlc_record_write_one(task);
        return;
    }
    group->ready[group->ready_count++] = task;
    mlc_record_leave_group(task);
}

/* ---- giving ---- */

static const mlc_record_flow *flow_of(const mlc_records *records, const char *kind)
{
    for (size_t i = 0; i < records->flow_count; i++)
        if (strcmp(records->flows[i].kind, kind) == 0)
            return &records->flows[i];
    return NULL;
}

static mlc_code fill_task(mlc_record_task *task, mlc_error *err)
{
    const mlc_code code = mlc_master_parse(task->item->payload, task->item->payload_len, &task->master, err);
    if (code != MLC_OK)
        return code;
    task->flow = flow_of(task->records, task->master.kind);
    return task->flow != NULL ? MLC_OK
                              : mlc_fail(err, MLC_E_INVALID, "there is no mapping for records of kind \"%s\"",
                                         task->master.kind);
}

static void start_task(mlc_records *records, mlc_deliverer *deliverer, mlc_delivery *item,
                       mlc_record_group *group)
{
    mlc_error err;
    mlc_record_task *const task = calloc(1, sizeof *task);
    if (task == NULL) {
        (void)mlc_fail(&err, MLC_E_NOMEM, "no memory for a record");
        const mlc_delivery_result result = {.code = err.code, .err = &err, .uncertain = item->uncertain};
        mlc_deliverer_finish(deliverer, item, &result);
        return;
    }
    *task = (mlc_record_task){
        .records = records, .deliverer = deliverer, .item = item, .group = group, .next = records->tasks};
    if (records->tasks != NULL)
        records->tasks->prev = task;
    records->tasks = task;
    if (group != NULL)
        group->open++;
    if (fill_task(task, &err) == MLC_OK)
        mlc_record_prepare(task);
    else
        mlc_record_fail(task, &err);
}

/* NULL for one that stands alone, and when there is no memory: then each goes on its own. */
static mlc_record_group *new_group(mlc_records *records, size_t size)
{
    mlc_record_group *group = NULL;
    if (size > 1)
        group = calloc(1, sizeof *group + size * sizeof(mlc_record_task *));
    if (group != NULL) {
        group->records = records;
        group->open = 1;
    }
    return group;
}

void mlc_records_deliver(mlc_records *records, mlc_deliverer *deliverer, mlc_delivery *const *items,
                         size_t count)
{
    size_t at = 0;
    while (at < count) {
        const size_t part = count - at < MLC_RECORD_GROUP_MAX ? count - at : MLC_RECORD_GROUP_MAX;
        mlc_record_group *const group = new_group(records, part);
        for (size_t i = 0; i < part; i++)
            start_task(records, deliverer, items[at + i], group);
        close_group(group);
        at += part;
    }
}

/* ---- life ---- */

static void add_flow(mlc_records *r, mlc_map *map)
{
    mlc_record_flow *const flow = &r->flows[r->flow_count++];
    flow->kind = mlc_map_flow(map);
    flow->map = map;
    (void)mlc_map_expand(flow->set, sizeof flow->set, mlc_map_target(map), r->prefix);
    (void)mlc_map_expand(flow->key, sizeof flow->key, mlc_map_key(map), r->prefix);
}

mlc_code mlc_records_open(mlc_records **out, const mlc_records_options *options, mlc_error *err)
{
    *out = NULL;
    mlc_records *const r = calloc(1, sizeof *r);
    if (r == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for records");
    r->opt = *options;
    r->prefix = mlc_strdup(options->prefix != NULL ? options->prefix : "ml_");
    if (r->prefix == NULL) {
        mlc_records_close(r);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for records");
    }
    (void)mlc_map_expand(r->source_column, sizeof r->source_column, "{prefix}sourcerecordid", r->prefix);
    (void)mlc_map_expand(r->version_column, sizeof r->version_column, "{prefix}sourceversion", r->prefix);
    for (size_t i = 0; i < options->mappings->count; i++)
        if (options->mappings->maps[i] != NULL)
            add_flow(r, options->mappings->maps[i]);
    const mlc_code code = mlc_record_tidy_waits(r, err);
    if (code != MLC_OK) {
        mlc_records_close(r);
        return code;
    }
    *out = r;
    return MLC_OK;
}

void mlc_records_stop(mlc_records *records)
{
    records->stopping = true;
}

void mlc_records_close(mlc_records *records)
{
    if (records == NULL)
        return;
    mlc_record_task *next = NULL;
    for (mlc_record_task *task = records->tasks; task != NULL; task = next) {
        next = task->next;
        free_task(task);
    }
    free(records->prefix);
    free(records);
}
