/* trail.c - reads that walk the audit trail: one entry with its history, export, verification.
 *
 * They can take seconds, so they run on the loop's thread pool (task.c), each in a read transaction of its own.
 */
#include "admin/admin_private.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "store/audit_file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY_MAX = 100, AUDIT_MAX_DEFAULT = 1000, AUDIT_MAX = 10000, PAGE_BYTES_MAX = 8 * 1024 * 1024 };

typedef struct trail_read {
    mlc_admin_task task; /* first */
    const mlc_admin_room *room;
    mlc_outbox *stream; /* entry */
    mlc_job_fn fn;
    uint64_t seq, from, to;
    int64_t from_ms, to_ms; /* audit */
    size_t max;
    char *key;            /* audit: only with this value of `member`; entry: its idempotency key */
    const char *member;   /* "key" or "correlation" */
    bool plain;           /* the key stands in JSON as it is */
    mlc_audit_head known; /* verify; index 0: none */
    /* results */
    mlc_code code;
    mlc_error err;
    const char *type;
    mlc_buf out;
    cJSON *tree, *events;
    size_t count;
} trail_read;

/* ---- looking for a key among many events ---- */

static bool is_plain(const char *text)
{
    return text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:/ ")] == '\0';
}

/* The event as a tree when its member `name` is the key; NULL when not. */
static cJSON *event_of(const trail_read *read, const mlc_audit_item *item, const char *name)
{
    cJSON *tree = NULL;
    /* Most events are of other records: to parse them all would take ten times as long. */
    if (read->plain && strstr(item->event, read->key) == NULL)
        return NULL;
    if (mlc_audit_tree(item, &tree, NULL) != MLC_OK)
        return NULL;
    const char *const found = mlc_json_str(tree, name);
    if (found != NULL && strcmp(found, read->key) == 0)
        return tree;
    cJSON_Delete(tree);
    return NULL;
}

/* ---- GET /v1/entry ---- */

static bool visit_history(const mlc_audit_item *item, void *arg)
{
    trail_read *const read = arg;
    cJSON *const event = event_of(read, item, "idem");
    if (event != NULL && !cJSON_AddItemToArray(read->events, event))
        cJSON_Delete(event);
    else if (event != NULL && cJSON_GetArraySize(read->events) > HISTORY_MAX)
        cJSON_DeleteItemFromArray(read->events, 0);
    return !atomic_load(&read->task.stop);
}

static mlc_code read_entry(mlc_txn *txn, void *arg, mlc_error *err)
{
    trail_read *const read = arg;
    mlc_entry entry;
    mlc_code code = mlc_outbox_get(txn, read->stream, read->seq, &entry, err);
    if (code == MLC_E_NOTFOUND)
        return mlc_fail(err, code, "stream %s has no entry %" PRIu64 "; it was pruned or never was",
                        mlc_outbox_name(read->stream), read->seq);
    if (code != MLC_OK)
        return code;
    read->tree = mlc_admin_entry_json(read->room, read->stream, &entry, true);
    read->events = cJSON_CreateArray();
    read->key = mlc_strdup(entry.idem);
    if (read->tree == NULL || read->events == NULL || read->key == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    read->plain = is_plain(read->key);
    code = mlc_audit_scan(txn, 1, SIZE_MAX, visit_history, read, err);
    if (code != MLC_OK)
        return code;
    cJSON *const events = read->events;
    read->events = NULL;
    return mlc_json_add(read->tree, "history", events, err);
}

/* ---- GET /v1/audit ---- */

static bool is_wanted(const trail_read *read, const mlc_audit_item *item)
{
    int64_t at = 0;
    if (read->key == NULL && read->from_ms == INT64_MIN && read->to_ms == INT64_MAX)
        return true;
    if (read->key != NULL) {
        cJSON *const event = event_of(read, item, read->member);
        cJSON_Delete(event);
        if (event == NULL)
            return false;
    }
    return mlc_audit_time(item, &at, NULL) == MLC_OK && at >= read->from_ms && at <= read->to_ms;
}

static bool visit_audit(const mlc_audit_item *item, void *arg)
{
    trail_read *const read = arg;
    if (item->index > read->to || atomic_load(&read->task.stop))
        return false;
    if (!is_wanted(read, item))
        return true;
    /* The event's text stays as it was hashed: who keeps an export can verify it. */
    read->code = mlc_audit_line_json(item, &read->out, NULL);
    read->count++;
    return read->code == MLC_OK && read->count < read->max && read->out.len < PAGE_BYTES_MAX;
}

static mlc_code read_audit(mlc_txn *txn, void *arg, mlc_error *err)
{
    trail_read *const read = arg;
    read->type = "application/x-ndjson";
    const mlc_code code = mlc_audit_scan(txn, read->from, SIZE_MAX, visit_audit, read, err);
    if (code == MLC_OK && read->code != MLC_OK)
        return mlc_fail(err, read->code, "the page does not fit into memory");
    return code != MLC_OK ? code : read->code;
}

/* ---- GET /v1/audit/head, and in /v1/status ---- */

cJSON *mlc_admin_head_json(const mlc_audit_head *head)
{
    char hex[2 * MLC_AUDIT_HASH_LEN + 1];
    cJSON *const obj = cJSON_CreateObject();
    mlc_hex(head->hash, MLC_AUDIT_HASH_LEN, hex);
    if (obj != NULL && mlc_json_add_int(obj, "index", (int64_t)head->index, NULL) == MLC_OK &&
        mlc_json_add_str(obj, "hash", hex, NULL) == MLC_OK &&
        mlc_json_add_int(obj, "first", (int64_t)head->first, NULL) == MLC_OK)
        return obj;
    cJSON_Delete(obj);
    return NULL;
}

static mlc_code read_head(mlc_txn *txn, void *arg, mlc_error *err)
{
    trail_read *const read = arg;
    mlc_audit_head head;
    const mlc_code code = mlc_audit_head_get(txn, &head, err);
    if (code == MLC_OK)
        read->tree = mlc_admin_head_json(&head);
    return code != MLC_OK || read->tree != NULL ? code : mlc_fail(err, MLC_E_NOMEM, "out of memory");
}

/* ---- GET /v1/audit/verify ---- */

static mlc_code verdict_json(trail_read *read, mlc_code code, uint64_t count, const mlc_error *broken,
                             mlc_error *err)
{
    read->tree = cJSON_CreateObject();
    if (read->tree == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    mlc_code added = mlc_json_add_str(read->tree, "store", read->room->name, err);
    if (added == MLC_OK)
        added = mlc_json_add_bool(read->tree, "ok", code == MLC_OK, err);
    if (added == MLC_OK)
        added = mlc_json_add_int(read->tree, "entries", (int64_t)count, err);
    if (added == MLC_OK && code != MLC_OK)
        added = mlc_json_add_str(read->tree, "error", broken->message, err);
    return added;
}

static mlc_code read_verify(mlc_txn *txn, void *arg, mlc_error *err)
{
    trail_read *const read = arg;
    mlc_error broken;
    mlc_audit_head head;
    uint64_t count = 0;
    mlc_code code = mlc_audit_verify(txn, read->known.index > 0 ? &read->known : NULL, &count, &broken);
    if (code != MLC_OK && code != MLC_E_CORRUPT) {
        if (err != NULL)
            *err = broken;
        return code;
    }
    const mlc_code told = verdict_json(read, code, count, &broken, err);
    if (told != MLC_OK)
        return told;
    code = mlc_audit_head_get(txn, &head, err);
    return code == MLC_OK ? mlc_json_add(read->tree, "head", mlc_admin_head_json(&head), err) : code;
}

/* ---- running ---- */

static void trail_free(trail_read *read)
{
    mlc_admin_task_destroy(&read->task);
    cJSON_Delete(read->tree);
    cJSON_Delete(read->events);
    mlc_buf_free(&read->out);
    free(read->key);
    free(read);
}

static void run(mlc_admin_task *task)
{
    trail_read *const read = (trail_read *)(void *)task; /* its first member */
    read->code = mlc_store_read(read->room->row.store, read->fn, read, &read->err);
}

static void reply_and_free(mlc_admin_task *task, mlc_http_req *req)
{
    trail_read *const read = (trail_read *)(void *)task;
    if (req == NULL) {
        trail_free(read);
        return;
    }
    if (read->code != MLC_OK) {
        mlc_admin_reply_failure(req, read->code, &read->err);
    } else if (read->tree != NULL) {
        mlc_http_reply_json(req, 200, read->tree);
        read->tree = NULL;
    } else {
        mlc_http_reply(req, 200, read->type, mlc_buf_text(&read->out), read->out.len);
    }
    trail_free(read);
}

static trail_read *trail_new(const mlc_admin_room *room, mlc_job_fn fn, const char *key)
{
    trail_read *const read = calloc(1, sizeof *read);
    if (read == NULL)
        return NULL;
    read->room = room;
    read->fn = fn;
    read->key = mlc_strdup(key);
    if (key != NULL && read->key == NULL) {
        free(read);
        return NULL;
    }
    read->plain = key != NULL && is_plain(key);
    read->task.run = run;
    read->task.done = reply_and_free;
    if (mlc_admin_task_init(&read->task))
        return read;
    free(read->key);
    free(read);
    return NULL;
}

static void start(mlc_admin *admin, mlc_http_req *req, trail_read *read)
{
    if (read == NULL) {
        mlc_http_reply_json(req, 200, NULL);
        return;
    }
    mlc_admin_task_start(admin, read->room->row.store, req, &read->task);
}

/* ---- requests ---- */

void mlc_admin_get_entry(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    uint64_t seq = 0;
    if (!mlc_admin_exact(req, "/v1/entry"))
        return;
    const mlc_admin_room *const room = mlc_admin_room_of(admin, req, mlc_http_req_query(req, "store"));
    if (room == NULL)
        return;
    mlc_outbox *const stream = mlc_admin_stream_of(room, req, mlc_http_req_query(req, "stream"));
    if (stream == NULL || !mlc_admin_query_number(req, "seq", 0, &seq))
        return;
    if (seq == 0) {
        mlc_http_reply_error(req, 400, 0, "invalid", "seq: missing; give the number of an entry, from 1");
        return;
    }
    trail_read *const read = trail_new(room, read_entry, NULL);
    if (read != NULL) {
        read->stream = stream;
        read->seq = seq;
    }
    start(admin, req, read);
}

/* A time of the query; `fallback` when absent. False: 400 was answered. */
static bool query_time(mlc_http_req *req, const char *name, int64_t fallback, int64_t *out)
{
    mlc_error err;
    const char *const text = mlc_http_req_query(req, name);
    *out = fallback;
    if (text == NULL || mlc_iso_parse(text, out, &err) == MLC_OK)
        return true;
    (void)mlc_wrap(&err, MLC_E_INVALID, "%.20s: no time like 2026-11-23 or 2026-11-23T21:00:00Z", name);
    mlc_admin_reply_failure(req, MLC_E_INVALID, &err);
    return false;
}

void mlc_admin_get_audit(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    const char *const key = mlc_http_req_query(req, "key");
    const char *const correlation = mlc_http_req_query(req, "correlation");
    uint64_t from = 0;
    uint64_t to = 0;
    uint64_t max = 0;
    int64_t from_ms = 0;
    int64_t to_ms = 0;
    if (!mlc_admin_exact(req, "/v1/audit") || !mlc_admin_query_number(req, "from", 1, &from) ||
        !mlc_admin_query_number(req, "to", UINT64_MAX, &to) ||
        !query_time(req, "fromTime", INT64_MIN, &from_ms) || !query_time(req, "toTime", INT64_MAX, &to_ms) ||
        !mlc_admin_query_number(req, "max", AUDIT_MAX_DEFAULT, &max))
        return;
    if (key != NULL && correlation != NULL) {
        mlc_http_reply_error(req, 400, 0, "invalid", "give either key or correlation");
        return;
    }
    const mlc_admin_room *const room = mlc_admin_room_of(admin, req, mlc_http_req_query(req, "store"));
    if (room == NULL)
        return;
    trail_read *const read = trail_new(room, read_audit, key != NULL ? key : correlation);
    if (read != NULL) {
        read->member = key != NULL ? "key" : "correlation";
        read->from = from < 1 ? 1 : from;
        read->to = to;
        read->from_ms = from_ms;
        read->to_ms = to_ms;
        read->max = max < 1 ? 1 : max > AUDIT_MAX ? AUDIT_MAX : (size_t)max;
    }
    start(admin, req, read);
}

void mlc_admin_get_head(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    if (!mlc_admin_exact(req, "/v1/audit/head"))
        return;
    const mlc_admin_room *const room = mlc_admin_room_of(admin, req, mlc_http_req_query(req, "store"));
    if (room != NULL)
        start(admin, req, trail_new(room, read_head, NULL));
}

/* "head=INDEX:HASH". False: 400 was answered. */
static bool query_head(mlc_http_req *req, mlc_audit_head *out)
{
    const char *const text = mlc_http_req_query(req, "head");
    *out = (mlc_audit_head){0};
    if (text == NULL || mlc_audit_head_parse(text, out, NULL) == MLC_OK)
        return true;
    mlc_http_reply_error(req, 400, 0, "invalid",
                         "head: must be INDEX:HASH, as the status or the log told it once");
    return false;
}

void mlc_admin_get_verify(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    mlc_audit_head known;
    if (!mlc_admin_exact(req, "/v1/audit/verify") || !query_head(req, &known))
        return;
    const mlc_admin_room *const room = mlc_admin_room_of(admin, req, mlc_http_req_query(req, "store"));
    if (room == NULL)
        return;
    trail_read *const read = trail_new(room, read_verify, NULL);
    if (read != NULL)
        read->known = known;
    start(admin, req, read);
}
