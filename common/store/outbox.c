/* outbox.c - streams and putting entries into them (outbox.h). Changes of state: outbox_state.c; reading: outbox_scan.c. */
#include "store/audit.h"
#include "store/outbox_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t MAX_BYTES_DEFAULT = (uint64_t)1 << 30;
static const int64_t KEEP_DONE_MS = (int64_t)7 * 24 * 3600 * 1000;
enum { KEEP_DONE_COUNT = 100000 };

const char *mlc_entry_state_name(mlc_entry_state state)
{
    static const char *const names[] = {"ready", "in flight", "parked", "done"};
    return (unsigned)state <= MLC_ENTRY_DONE ? names[state] : "unknown";
}

/* ---- opening ---- */

static mlc_code next_stream_id(mlc_txn *txn, uint16_t *id, mlc_error *err)
{
    static const char prefix[] = "stream/";
    store_walk walk;
    mlc_code code = store_walk_open(&walk, txn, DB_META, prefix, sizeof prefix - 1, sizeof prefix - 1, err);
    for (*id = 1; code == MLC_OK; (*id)++)
        code = store_walk_next(&walk, txn, err);
    store_walk_close(&walk);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

static mlc_code open_stream(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_outbox *const ob = arg;
    stream_meta meta = {.mode = (uint8_t)ob->spec.mode, .next_seq = 1};
    mlc_code code = meta_load(txn, ob->name, &meta, err);
    if (code == MLC_E_NOTFOUND) {
        code = next_stream_id(txn, &meta.id, err);
        if (code == MLC_OK)
            code = meta_save(txn, ob->name, &meta, err);
    } else if (code == MLC_OK && meta.mode != (uint8_t)ob->spec.mode) {
        code = mlc_fail(err, MLC_E_CONFLICT, "stream %s exists with another order of delivery", ob->name);
    }
    ob->id = meta.id;
    return code;
}

mlc_code mlc_outbox_open(mlc_outbox **out, mlc_store *store, const mlc_stream_spec *spec, mlc_error *err)
{
    if (spec->name == NULL || spec->name[0] == '\0' || strlen(spec->name) > STREAM_NAME_MAX)
        return mlc_fail(err, MLC_E_INVALID, "a stream's name has 1 to %d characters", STREAM_NAME_MAX);
    mlc_outbox *const ob = calloc(1, sizeof *ob);
    if (ob == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for stream %s", spec->name);
    ob->store = store;
    ob->spec = *spec;
    (void)snprintf(ob->name, sizeof ob->name, "%s", spec->name);
    ob->spec.name = ob->name;
    if (ob->spec.max_bytes == 0)
        ob->spec.max_bytes = MAX_BYTES_DEFAULT;
    if (ob->spec.keep_done_ms == 0)
        ob->spec.keep_done_ms = KEEP_DONE_MS;
    if (ob->spec.keep_done_count == 0)
        ob->spec.keep_done_count = KEEP_DONE_COUNT;
    const mlc_code code = mlc_store_run(store, open_stream, ob, err);
    if (code != MLC_OK) {
        free(ob);
        return code;
    }
    *out = ob;
    return MLC_OK;
}

void mlc_outbox_close(mlc_outbox *ob)
{
    free(ob);
}

const char *mlc_outbox_name(const mlc_outbox *ob)
{
    return ob->name;
}

/* ---- putting ---- */

static mlc_code audit_superseded(mlc_txn *txn, const mlc_outbox *ob, const mlc_entry *e, mlc_error *err)
{
    const mlc_audit_event event = {.at_ms = e->ended_ms,
                                   .action = "superseded",
                                   .tenant = e->tenant,
                                   .stream = ob->name,
                                   .kind = e->kind,
                                   .key = e->key,
                                   .idem = e->idem,
                                   .correlation = e->correlation,
                                   .outcome = "ok",
                                   .detail = e->outcome,
                                   .seq = e->seq};
    return mlc_audit_append(txn, &event, NULL, err);
}

static mlc_code end_superseded(mlc_txn *txn, mlc_outbox *ob, stream_meta *meta, uint64_t seq, uint64_t by,
                               int64_t now_ms, mlc_error *err)
{
    entry_edit edit;
    char outcome[48];
    mlc_code code = edit_load(txn, ob, seq, &edit, err);
    if (code != MLC_OK)
        return code;
    const mlc_entry_state from = edit.e.state;
    if (from == MLC_ENTRY_READY || from == MLC_ENTRY_PARKED) {
        (void)snprintf(outcome, sizeof outcome, "superseded by %llu", (unsigned long long)by);
        edit.e.state = MLC_ENTRY_DONE;
        edit.e.ended_ms = now_ms;
        edit.e.outcome = outcome;
        code = entry_move(txn, ob, meta, &edit.e, from, edit.e.next_attempt_ms, err);
        if (code == MLC_OK)
            code = audit_superseded(txn, ob, &edit.e, err);
    }
    edit_free(&edit);
    return code;
}

/* End the older entries of the new one's key that were not begun. */
static mlc_code supersede(mlc_txn *txn, mlc_outbox *ob, stream_meta *meta, const mlc_entry *newest,
                          mlc_error *err)
{
    uint64_t older = 0;
    mlc_code code = key_next(txn, ob, newest->key, 0, &older, err);
    while (code == MLC_OK && older != 0 && older < newest->seq) {
        code = end_superseded(txn, ob, meta, older, newest->seq, newest->created_ms, err);
        if (code == MLC_OK)
            code = key_next(txn, ob, newest->key, older + 1, &older, err);
    }
    return code;
}

static mlc_code check_new(const mlc_entry_new *entry, mlc_error *err)
{
    const char *const texts[] = {entry->tenant, entry->key, entry->idem, entry->kind, entry->correlation};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i] == NULL || strlen(texts[i]) > ENTRY_TEXT_MAX)
            return mlc_fail(err, MLC_E_INVALID,
                            "entry: tenant, key, idempotency key, kind and correlation are texts of at "
                            "most %d bytes",
                            ENTRY_TEXT_MAX);
    }
    return entry->idem[0] != '\0' ? MLC_OK
                                  : mlc_fail(err, MLC_E_INVALID, "entry: the idempotency key is empty");
}

static mlc_code check_room(const mlc_outbox *ob, const stream_meta *meta, const mlc_entry *e, mlc_error *err)
{
    const uint64_t live =
        meta->count[MLC_ENTRY_READY] + meta->count[MLC_ENTRY_INFLIGHT] + meta->count[MLC_ENTRY_PARKED];
    if (meta->live_bytes + entry_size(e) > ob->spec.max_bytes)
        return mlc_fail(err, MLC_E_FULL, "stream %s is full: %llu of %llu bytes wait", ob->name,
                        (unsigned long long)meta->live_bytes, (unsigned long long)ob->spec.max_bytes);
    if (ob->spec.max_entries > 0 && live >= ob->spec.max_entries)
        return mlc_fail(err, MLC_E_FULL, "stream %s is full: %llu entries wait", ob->name,
                        (unsigned long long)live);
    return MLC_OK;
}

/* Write a new ready entry with its indexes. */
static mlc_code add_entry(mlc_txn *txn, mlc_outbox *ob, stream_meta *meta, const mlc_entry *e, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    uint8_t seq[8];
    size_t len = 0;
    mlc_code code = entry_save(txn, ob, e, err);
    if (code == MLC_OK)
        code = live_add(txn, ob, e, err);
    if (code == MLC_OK)
        code = key_hash(ob, e->idem, key, &len, err);
    store_be64(seq, e->seq);
    if (code == MLC_OK)
        code = store_put(txn, DB_IDEM, key, len, seq, sizeof seq, err);
    meta->count[MLC_ENTRY_READY]++;
    meta->live_bytes += entry_size(e);
    if (code == MLC_OK && ob->spec.supersede)
        code = supersede(txn, ob, meta, e, err);
    return code == MLC_OK ? due_refresh(txn, ob, e->key, err) : code;
}

mlc_code mlc_outbox_put(mlc_txn *txn, mlc_outbox *ob, const mlc_entry_new *entry, uint64_t *seq,
                        bool *duplicate, mlc_error *err)
{
    stream_meta meta;
    uint64_t known = 0;
    mlc_code code = check_new(entry, err);
    if (code != MLC_OK)
        return code;
    code = mlc_outbox_find(txn, ob, entry->idem, &known, err);
    if (duplicate != NULL)
        *duplicate = code == MLC_OK;
    if (code == MLC_OK && seq != NULL)
        *seq = known;
    if (code != MLC_E_NOTFOUND)
        return code;
    code = meta_load(txn, ob->name, &meta, err);
    if (code != MLC_OK)
        return code;
    const mlc_entry e = {.seq = meta.next_seq,
                         .state = MLC_ENTRY_READY,
                         .created_ms = entry->now_ms,
                         .next_attempt_ms = entry->not_before_ms > 0 ? entry->not_before_ms : entry->now_ms,
                         .tenant = entry->tenant,
                         .key = entry->key,
                         .idem = entry->idem,
                         .kind = entry->kind,
                         .correlation = entry->correlation,
                         .last_error = "",
                         .outcome = "",
                         .payload = entry->payload,
                         .payload_len = entry->payload_len};
    code = check_room(ob, &meta, &e, err);
    meta.next_seq++;
    if (code == MLC_OK)
        code = add_entry(txn, ob, &meta, &e, err);
    if (code == MLC_OK)
        code = meta_save(txn, ob->name, &meta, err);
    if (code == MLC_OK && seq != NULL)
        *seq = e.seq;
    return code;
}

mlc_code outbox_requeue(mlc_txn *txn, mlc_outbox *ob, stream_meta *meta, const mlc_entry *old, int64_t now_ms,
                        uint64_t *seq, mlc_error *err)
{
    mlc_entry e = *old;
    e.seq = meta->next_seq++;
    e.state = MLC_ENTRY_READY;
    e.attempts = 0;
    e.created_ms = now_ms;
    e.next_attempt_ms = now_ms;
    e.began_ms = 0;
    e.ended_ms = 0;
    e.outcome = "";
    *seq = e.seq;
    return add_entry(txn, ob, meta, &e, err);
}
