/* view.c - the state of streams and entries as JSON, as an operator reads it. */
#include "admin/admin_private.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PARKED_MAX_DEFAULT = 100, PARKED_MAX = 1000 };

/* ---- building JSON where only memory can fail: one flag for a whole object ---- */

static void add_str(cJSON *obj, const char *name, const char *text, bool *ok)
{
    *ok = *ok && mlc_json_add_str(obj, name, text, NULL) == MLC_OK;
}

static void add_num(cJSON *obj, const char *name, uint64_t value, bool *ok)
{
    *ok = *ok && mlc_json_add_int(obj, name, value > INT64_MAX ? INT64_MAX : (int64_t)value, NULL) == MLC_OK;
}

/* ISO text, null for 0. */
static void add_time(cJSON *obj, const char *name, int64_t wall_ms, bool *ok)
{
    char text[MLC_ISO_TEXT_MAX];
    add_str(obj, name, wall_ms != 0 ? mlc_iso_text(wall_ms, text) : NULL, ok);
}

static void add_node(cJSON *obj, const char *name, cJSON *child, bool *ok)
{
    if (!*ok || child == NULL) {
        cJSON_Delete(child);
        *ok = false;
        return;
    }
    *ok = mlc_json_add(obj, name, child, NULL) == MLC_OK;
}

static void append(cJSON *array, cJSON *child, bool *ok)
{
    if (*ok && child != NULL && cJSON_AddItemToArray(array, child))
        return;
    cJSON_Delete(child);
    *ok = false;
}

static cJSON *finished(cJSON *tree, bool ok)
{
    if (ok)
        return tree;
    cJSON_Delete(tree);
    return NULL;
}

/* ---- one entry ---- */

/* JSON as JSON, other text as text, anything else by its length. */
static void add_payload(cJSON *obj, const mlc_entry *entry, bool *ok)
{
    cJSON *tree = NULL;
    const char *const bytes = entry->payload != NULL ? entry->payload : "";
    if (mlc_json_parse(bytes, entry->payload_len, 0, 0, &tree, NULL) == MLC_OK) {
        add_node(obj, "payload", tree, ok);
    } else if (mlc_utf8_valid(bytes, entry->payload_len)) {
        char *const text = mlc_strndup(bytes, entry->payload_len);
        *ok = *ok && text != NULL;
        add_str(obj, "payload", text, ok);
        free(text);
    } else {
        add_str(obj, "payload", NULL, ok);
    }
    add_num(obj, "payloadBytes", entry->payload_len, ok);
}

cJSON *mlc_admin_entry_json(const mlc_admin_room *room, mlc_outbox *stream, const mlc_entry *entry,
                            bool with_payload)
{
    cJSON *const obj = cJSON_CreateObject();
    bool ok = obj != NULL;
    add_str(obj, "store", room->name, &ok);
    add_str(obj, "stream", mlc_outbox_name(stream), &ok);
    add_num(obj, "seq", entry->seq, &ok);
    add_str(obj, "state", mlc_entry_state_name(entry->state), &ok);
    ok = ok && mlc_json_add_bool(obj, "uncertain", entry->uncertain, NULL) == MLC_OK;
    add_num(obj, "attempts", entry->attempts, &ok);
    add_str(obj, "tenant", entry->tenant, &ok);
    add_str(obj, "kind", entry->kind, &ok);
    add_str(obj, "key", entry->key, &ok);
    add_str(obj, "idem", entry->idem, &ok);
    add_str(obj, "correlation", entry->correlation, &ok);
    add_time(obj, "created", entry->created_ms, &ok);
    add_time(obj, "nextAttempt", entry->state == MLC_ENTRY_READY ? entry->next_attempt_ms : 0, &ok);
    add_time(obj, "began", entry->began_ms, &ok);
    add_time(obj, "ended", entry->ended_ms, &ok);
    add_str(obj, "errorCode", entry->error_code != MLC_OK ? mlc_code_name(entry->error_code) : NULL, &ok);
    add_str(obj, "lastError", entry->last_error, &ok);
    add_str(obj, "outcome", entry->outcome, &ok);
    if (with_payload)
        add_payload(obj, entry, &ok);
    return finished(obj, ok);
}

/* ---- GET /v1/status ---- */

static cJSON *stream_json(mlc_outbox *stream, const mlc_outbox_stats *s)
{
    cJSON *const obj = cJSON_CreateObject();
    bool ok = obj != NULL;
    add_str(obj, "name", mlc_outbox_name(stream), &ok);
    add_num(obj, "ready", s->ready, &ok);
    add_num(obj, "inflight", s->inflight, &ok);
    add_num(obj, "parked", s->parked, &ok);
    add_num(obj, "done", s->done, &ok);
    add_num(obj, "nextSeq", s->next_seq, &ok);
    add_num(obj, "ackedSeq", s->acked_seq, &ok);
    add_num(obj, "liveBytes", s->live_bytes, &ok);
    add_num(obj, "maxBytes", s->max_bytes, &ok);
    add_time(obj, "oldestLive", s->oldest_live_ms, &ok);
    return finished(obj, ok);
}

typedef struct streams_read {
    const mlc_admin_room *room;
    cJSON *streams;
    mlc_audit_head head;
} streams_read;

static mlc_code read_streams(mlc_txn *txn, void *arg, mlc_error *err)
{
    streams_read *const read = arg;
    bool ok = true;
    for (size_t i = 0; i < read->room->row.stream_count; i++) {
        mlc_outbox_stats stats;
        mlc_outbox *const stream = read->room->row.streams[i];
        const mlc_code code = mlc_outbox_stats_get(txn, stream, &stats, err);
        if (code != MLC_OK)
            return code;
        append(read->streams, stream_json(stream, &stats), &ok);
    }
    return ok ? mlc_audit_head_get(txn, &read->head, err) : mlc_fail(err, MLC_E_NOMEM, "out of memory");
}

/* A store that cannot be read is told with its error: the others still show. */
static cJSON *room_json(const mlc_admin_room *room)
{
    cJSON *const obj = cJSON_CreateObject();
    cJSON *const streams = cJSON_CreateArray();
    mlc_store_info info;
    mlc_error err;
    char epoch[24];
    bool ok = obj != NULL && streams != NULL;
    streams_read read = {.room = room, .streams = streams};
    add_str(obj, "name", room->name, &ok);
    (void)snprintf(epoch, sizeof epoch, "%016" PRIx64, mlc_store_epoch(room->row.store));
    add_str(obj, "epoch", epoch, &ok);
    mlc_code code = mlc_store_info_get(room->row.store, &info, &err);
    if (code == MLC_OK) {
        add_num(obj, "mapBytes", info.map_bytes, &ok);
        add_num(obj, "mapMax", info.map_max, &ok);
        add_num(obj, "usedBytes", info.used_bytes, &ok);
        add_num(obj, "commits", info.commits, &ok);
        add_num(obj, "jobs", info.jobs, &ok);
        code = ok ? mlc_store_read(room->row.store, read_streams, &read, &err) : MLC_OK;
    }
    if (code != MLC_OK)
        add_str(obj, "error", err.message, &ok);
    else
        add_node(obj, "audit", mlc_admin_head_json(&read.head), &ok);
    add_node(obj, "streams", streams, &ok);
    return finished(obj, ok);
}

void mlc_admin_get_status(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    if (!mlc_admin_exact(req, "/v1/status"))
        return;
    cJSON *const obj = cJSON_CreateObject();
    cJSON *const stores = cJSON_CreateArray();
    cJSON *const aside = cJSON_CreateArray();
    bool ok = obj != NULL && stores != NULL && aside != NULL;
    add_str(obj, "program", admin->opt.program, &ok);
    add_time(obj, "time", mlc_wall_ms(), &ok);
    if (ok && admin->opt.status != NULL)
        admin->opt.status(admin->opt.user, obj);
    for (size_t i = 0; ok && i < admin->room_count; i++)
        append(admin->rooms[i]->row.aside ? aside : stores, room_json(admin->rooms[i]), &ok);
    add_node(obj, "stores", stores, &ok);
    if (cJSON_GetArraySize(aside) > 0)
        add_node(obj, "aside", aside, &ok);
    else
        cJSON_Delete(aside);
    mlc_http_reply_json(req, 200, finished(obj, ok));
}

/* ---- GET /v1/parked ---- */

typedef struct parked_read {
    const mlc_admin_room *room;
    mlc_outbox *stream;
    cJSON *entries;
    uint64_t from, last_seq;
    size_t max, count;
    bool more, ok;
} parked_read;

static bool visit_parked(const mlc_entry *entry, void *arg)
{
    parked_read *const read = arg;
    /* One more than asked for is read, to know whether there is more. */
    if (read->count >= read->max) {
        read->more = true;
        return false;
    }
    append(read->entries, mlc_admin_entry_json(read->room, read->stream, entry, false), &read->ok);
    read->last_seq = entry->seq;
    read->count++;
    return read->ok;
}

static mlc_code read_parked(mlc_txn *txn, void *arg, mlc_error *err)
{
    parked_read *const read = arg;
    const mlc_code code = mlc_outbox_parked(txn, read->stream, read->from, read->max - read->count + 1,
                                            visit_parked, read, err);
    if (code == MLC_OK && !read->ok)
        return mlc_fail(err, MLC_E_NOMEM, "out of memory");
    return code;
}

/* The streams asked for, of one room. */
static mlc_code parked_of_room(const mlc_admin_room *room, const char *stream, parked_read *read,
                               mlc_error *err)
{
    read->room = room;
    for (size_t i = 0; i < room->row.stream_count && !read->more; i++) {
        read->stream = room->row.streams[i];
        if (stream != NULL && strcmp(stream, mlc_outbox_name(read->stream)) != 0)
            continue;
        const mlc_code code = mlc_store_read(room->row.store, read_parked, read, err);
        if (code != MLC_OK)
            return code;
    }
    return MLC_OK;
}

static void reply_parked(mlc_http_req *req, const parked_read *read, bool one_stream)
{
    cJSON *const obj = cJSON_CreateObject();
    bool ok = obj != NULL;
    add_node(obj, "entries", read->entries, &ok);
    ok = ok && mlc_json_add_bool(obj, "more", read->more, NULL) == MLC_OK;
    if (read->more && one_stream)
        add_num(obj, "next", read->last_seq + 1, &ok);
    mlc_http_reply_json(req, 200, finished(obj, ok));
}

void mlc_admin_get_parked(mlc_http_req *req, void *user)
{
    mlc_admin *const admin = user;
    const char *const store = mlc_http_req_query(req, "store");
    const char *const stream = mlc_http_req_query(req, "stream");
    const mlc_admin_room *room = NULL;
    mlc_error err;
    uint64_t max = 0;
    parked_read read = {.ok = true};
    if (!mlc_admin_exact(req, "/v1/parked") || !mlc_admin_query_number(req, "from", 1, &read.from) ||
        !mlc_admin_query_number(req, "max", PARKED_MAX_DEFAULT, &max))
        return;
    if (store != NULL || stream != NULL) {
        room = mlc_admin_room_of(admin, req, store);
        if (room == NULL || (stream != NULL && mlc_admin_stream_of(room, req, stream) == NULL))
            return;
    }
    read.max = max < 1 ? 1 : max > PARKED_MAX ? PARKED_MAX : (size_t)max;
    read.entries = cJSON_CreateArray();
    mlc_code code = read.entries != NULL ? MLC_OK : mlc_fail(&err, MLC_E_NOMEM, "out of memory");
    for (size_t i = 0; code == MLC_OK && i < admin->room_count && !read.more; i++)
        if (room == NULL || room == admin->rooms[i])
            code = parked_of_room(admin->rooms[i], stream, &read, &err);
    if (code == MLC_OK) {
        reply_parked(req, &read, stream != NULL);
        return;
    }
    cJSON_Delete(read.entries);
    mlc_admin_reply_failure(req, code, &err);
}
