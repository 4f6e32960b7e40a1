/* records_wait.c - a record waits for another one: durable notes "wait/HASH/SEQ" under a hash of set, column
 * and value, each an entry of the stream that
 * is to be woken when the row with that key is delivered. The job that ends the delivery of the row wakes them. A note that
 * is lost costs time only: the entry is retried by its backoff. */
#include "relay/records_private.h"

#include "base/clock.h"
#include "relay/row_id.h"
#include "store/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOTE_MAX = 80, WAKE_PART = 64, TIDY_MAX = 100000 };

static const char notes[] = "wait/";

/* Values may be longer than the name of a cursor. */
static mlc_code note_start(const char *set, const char *key, const char *value, char out[NOTE_MAX],
                           mlc_error *err)
{
    char id[MLC_UUID_TEXT_MAX];
    const mlc_code code = mlc_row_id(set, key, value, id, err);
    if (code == MLC_OK)
        (void)snprintf(out, NOTE_MAX, "%s%s/", notes, id);
    return code;
}

/* ---- noting ---- */

typedef struct note {
    char name[NOTE_MAX];
    uint64_t seq;
} note;

static mlc_code put_note(mlc_txn *txn, void *arg, mlc_error *err)
{
    const note *const n = arg;
    return mlc_cursor_put(txn, n->name, &n->seq, sizeof n->seq, err);
}

static void on_noted(void *arg, mlc_code code, const mlc_error *err)
{
    (void)code;
    (void)err;
    free(arg);
}

static void keep_note(const mlc_record_task *task, const mlc_record_lookup *missing)
{
    note *const n = calloc(1, sizeof *n);
    if (n == NULL)
        return;
    n->seq = task->item->seq;
    if (note_start(missing->set, missing->key, missing->value, n->name, NULL) == MLC_OK) {
        const size_t len = strlen(n->name);
        (void)snprintf(n->name + len, sizeof n->name - len, "%" PRIu64, n->seq);
        if (mlc_store_submit(task->records->opt.store, put_note, on_noted, n, NULL) == MLC_OK)
            return;
    }
    free(n);
}

/* Half of the ceiling: the jitter of the backoff may not bring the attempts together and park the record early. */
static int64_t least_delay(const mlc_backoff *backoff, uint32_t attempt)
{
    int64_t delay = backoff->base_ms;
    for (uint32_t i = 1; i < attempt && delay < backoff->cap_ms; i++)
        delay *= 2;
    return (delay < backoff->cap_ms ? delay : backoff->cap_ms) / 2;
}

void mlc_record_wait(mlc_record_task *task, const mlc_record_lookup *missing)
{
    const mlc_records_options *const o = &task->records->opt;
    const bool last = o->max_attempts > 0 && task->item->attempt >= o->max_attempts;
    mlc_error err;
    if (task->item->seq > 0) /* else it is no entry that could be woken */
        keep_note(task, missing);
    (void)mlc_fail(
        &err, last ? MLC_E_NOTFOUND : MLC_E_CONFLICT,
        "%s %s points to %s with %s \"%.100s\", which is not in Dynamics yet; %s", task->master.kind,
        task->master.id, missing->set, missing->key, missing->value,
        last ? "it continues by itself when that record arrives; see whether that one is parked or left out "
               "of the transfer"
             : "it waits for that record");
    const mlc_delivery_result result = {.code = err.code,
                                        .err = &err,
                                        .uncertain = task->item->uncertain,
                                        .retry_after_ms = least_delay(&o->backoff, task->item->attempt)};
    mlc_record_finish(task, &result);
}

/* ---- waking ---- */

typedef struct found_notes {
    size_t count, max;
    note *list;
} found_notes;

static bool take_note(const char *name, const void *value, size_t len, void *arg)
{
    found_notes *const found = arg;
    note *const n = &found->list[found->count];
    if (len != sizeof n->seq || strlen(name) >= sizeof n->name)
        return true;
    mlc_strlcpy(n->name, name, sizeof n->name);
    memcpy(&n->seq, value, len);
    return ++found->count < found->max;
}

mlc_code mlc_record_wake(mlc_txn *txn, mlc_outbox *stream, const char *set, const char *key,
                         const char *value, int64_t now_ms, mlc_error *err)
{
    char start[NOTE_MAX];
    note list[WAKE_PART];
    found_notes found = {.max = WAKE_PART, .list = list};
    mlc_code code = note_start(set, key, value, start, err);
    if (code != MLC_OK)
        return code;
    do {
        found.count = 0;
        code = mlc_cursor_scan(txn, start, take_note, &found, err);
        for (size_t i = 0; code == MLC_OK && i < found.count; i++) {
            code = mlc_outbox_wake(txn, stream, list[i].seq, now_ms, err);
            if (code == MLC_OK)
                code = mlc_cursor_delete(txn, list[i].name, err);
        }
    } while (code == MLC_OK && found.count == found.max);
    return code;
}

/* ---- tidying ---- */

static mlc_code tidy_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_records *const r = arg;
    found_notes found = {.max = TIDY_MAX};
    found.list = calloc(found.max, sizeof *found.list);
    if (found.list == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for those who wait");
    mlc_code code = mlc_cursor_scan(txn, notes, take_note, &found, err);
    for (size_t i = 0; code == MLC_OK && i < found.count; i++) {
        mlc_entry entry;
        code = mlc_outbox_get(txn, r->opt.stream, found.list[i].seq, &entry, err);
        const bool over = code == MLC_E_NOTFOUND || (code == MLC_OK && entry.state == MLC_ENTRY_DONE);
        if (code == MLC_E_NOTFOUND)
            code = MLC_OK;
        if (code == MLC_OK && over)
            code = mlc_cursor_delete(txn, found.list[i].name, err);
    }
    free(found.list);
    return code;
}

mlc_code mlc_record_tidy_waits(mlc_records *records, mlc_error *err)
{
    return mlc_store_run(records->opt.store, tidy_job, records, err);
}
