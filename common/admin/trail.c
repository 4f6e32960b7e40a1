/* trail.c - reads that walk the audit trail: one entry with its history, export, verification.
 *
 * They can take seconds, so they run on the loop's thread pool, each in a read transaction of its own. Closing the
 * admin object or removing the store stops them and waits for them.
 */
#include "admin/admin_private.h"

#include "crypto/crypto.h"
#include "store/audit.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY_MAX = 100, AUDIT_MAX_DEFAULT = 1000, AUDIT_MAX = 10000, PAGE_BYTES_MAX = 8 * 1024 * 1024 };

typedef struct trail_read {
    mlc_admin_call call; /* first: the list's element */
    const mlc_admin_room *room;
    mlc_outbox *stream; /* entry */
    mlc_job_fn fn;
    uint64_t seq, from;
    size_t max;
    char *key;  /* audit: only this key; entry: its idempotency key */
    bool plain; /* the key stands in JSON as it is */
    uv_work_t work;
    atomic_bool stop;
    uv_mutex_t mutex;
    uv_cond_t over_cond;
    bool over;
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
static cJSON *event_of(const trail_read *read, const char *json, size_t len, const char *name)
{
    cJSON *tree = NULL;
    /* Most events are of other records: to parse them all would take ten times as long. */
    if (read->plain && strstr(json, read->key) == NULL)
        return NULL;
    if (mlc_json_parse(json, len, 0, 0, &tree, NULL) != MLC_OK)
        return NULL;
    const char *const found = mlc_json_str(tree, name);
    if (found != NULL && strcmp(found, read->key) == 0)
        return tree;
    cJSON_Delete(tree);
    return NULL;
}

/* ---- GET /v1/entry ---- */

static bool visit_history(uint64_t index, const char *json, size_t len, const uint8_t hash[32], void *arg)
{
    trail_read *const read = arg;
    (void)index;
    (void)hash;
    cJSON *const event = event_of(read, json, len, "idem");
    if (event != NULL && !cJSON_AddItemToArray(read->events, event))
        cJSON_Delete(event);
    else if (event != NULL && cJSON_GetArraySize(read->events) > HISTORY_MAX)
        cJSON_DeleteItemFromArray(read->events, 0);
    return !atomic_load(&read->stop);
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

static bool visit_audit(uint64_t index, const char *json, size_t len, const uint8_t hash[32], void *arg)
{
    trail_read *const read = arg;
    char hex[2 * MLC_SHA256_LEN + 1];
    if (read->key != NULL) {
        cJSON *const event = event_of(read, json, len, "key");
        cJSON_Delete(event);
        if (event == NULL)
            return !atomic_load(&read->stop);
    }
    mlc_hex(hash, MLC_SHA256_LEN, hex);
    /* The event's text stays as it was hashed: who keeps an export can verify it. */
    read->code = mlc_buf_printf(&read->out, NULL, "{\"index\":%" PRIu64 ",\"hash\":\"%s\",\"event\":%s}\n",
                                index, hex, json);
    read->count++;
    return read->code == MLC_OK && read->count < read->max && read->out.len < PAGE_BYTES_MAX &&
           !atomic_load(&read->stop);
}

static mlc_code read_audit(mlc_txn *txn, void *arg, mlc_error *err)
{
    trail_read *const read = arg;
    read->type = "application/x-ndjson";
    const mlc_code code =
        mlc_audit_scan(txn, read->from, read->key != NULL ? SIZE_MAX : read->max, visit_audit, read, err);
    if (code == MLC_OK && read->code != MLC_OK)
        return mlc_fail(err, read->code, "the page does not fit into memory");
    return code != MLC_OK ? code : read->code;
}

/* ---- GET /v1/audit/verify ---- */

static mlc_code read_verify(mlc_txn *txn, void *arg, mlc_error *err)
{
    trail_read *const read = arg;
    mlc_error broken;
    uint64_t count = 0;
    const mlc_code code = mlc_audit_verify(txn, &count, &broken);
    if (code != MLC_OK && code != MLC_E_CORRUPT) {
        if (err != NULL)
            *err = broken;
        return code;
    }
    read->tree = cJSON_CreateObject();
    if (read->tree == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    mlc_code added = mlc_json_add_str(read->tree, "store", read->room->name, err);
    if (added == MLC_OK)
        added = mlc_json_add_bool(read->tree, "ok", code == MLC_OK, err);
    if (added == MLC_OK)
        added = mlc_json_add_int(read->tree, "entries", (int64_t)count, err);
    if (added == MLC_OK && code != MLC_OK)
        added = mlc_json_add_str(read->tree, "error", broken.message, err);
    return added;
}

/* ---- running ---- */

static void trail_free(trail_read *read)
{
    uv_mutex_destroy(&read->mutex);
    uv_cond_destroy(&read->over_cond);
    cJSON_Delete(read->tree);
    cJSON_Delete(read->events);
    mlc_buf_free(&read->out);
    free(read->key);
    free(read);
}

static void run(trail_read *read)
{
    read->code = mlc_store_read(read->room->row.store, read->fn, read, &read->err);
}

static void reply_and_free(trail_read *read)
{
    mlc_http_req *const req = mlc_admin_call_end(&read->call);
    if (req == NULL) {
        trail_free(read);
        return;
    }
    if (read->code != MLC_OK) {
        mlc_admin_reply_failure(req, read->code, &read->err);
    } else if (read->tree != NULL) {
        mlc_admin_reply_json(req, 200, read->tree);
        read->tree = NULL;
    } else {
        mlc_http_reply(req, 200, read->type, mlc_buf_text(&read->out), read->out.len);
    }
    trail_free(read);
}

static void on_work(uv_work_t *work)
{
    trail_read *const read = work->data;
    run(read);
    uv_mutex_lock(&read->mutex);
    read->over = true;
    uv_cond_signal(&read->over_cond);
    uv_mutex_unlock(&read->mutex);
}

static void on_work_over(uv_work_t *work, int status)
{
    (void)status;
    reply_and_free(work->data);
}

static void abandon(mlc_admin_call *call)
{
    trail_read *const read = (trail_read *)(void *)call; /* call is its first member */
    atomic_store(&read->stop, true);
    if (uv_cancel((uv_req_t *)&read->work) == 0)
        return;
    uv_mutex_lock(&read->mutex);
    while (!read->over)
        uv_cond_wait(&read->over_cond, &read->mutex);
    uv_mutex_unlock(&read->mutex);
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
    atomic_init(&read->stop, false);
    if (uv_mutex_init(&read->mutex) != 0) {
        free(read->key);
        free(read);
        return NULL;
    }
    if (uv_cond_init(&read->over_cond) != 0) {
        uv_mutex_destroy(&read->mutex);
        free(read->key);
        free(read);
        return NULL;
    }
    return read;
}

static void start(mlc_admin *admin, mlc_http_req *req, trail_read *read)
{
    if (read == NULL) {
        mlc_admin_reply_json(req, 200, NULL);
        return;
    }
    mlc_admin_call_begin(admin, read->room->row.store, req, &read->call);
    read->work.data = read;
    read->call.abandon = abandon;
    if (admin->opt.loop != NULL && uv_queue_work(admin->opt.loop, &read->work, on_work, on_work_over) == 0)
        return;
    run(read);
    reply_and_free(read);
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

void mlc_admin_get_audit(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    uint64_t from = 0;
    uint64_t max = 0;
    if (!mlc_admin_exact(req, "/v1/audit") || !mlc_admin_query_number(req, "from", 1, &from) ||
        !mlc_admin_query_number(req, "max", AUDIT_MAX_DEFAULT, &max))
        return;
    const mlc_admin_room *const room = mlc_admin_room_of(admin, req, mlc_http_req_query(req, "store"));
    if (room == NULL)
        return;
    trail_read *const read = trail_new(room, read_audit, mlc_http_req_query(req, "key"));
    if (read != NULL) {
        read->from = from < 1 ? 1 : from;
        read->max = max < 1 ? 1 : max > AUDIT_MAX ? AUDIT_MAX : (size_t)max;
    }
    start(admin, req, read);
}

void mlc_admin_get_verify(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    if (!mlc_admin_exact(req, "/v1/audit/verify"))
        return;
    const mlc_admin_room *const room = mlc_admin_room_of(admin, req, mlc_http_req_query(req, "store"));
    if (room != NULL)
        start(admin, req, trail_new(room, read_verify, NULL));
}
