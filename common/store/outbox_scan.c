/* outbox_scan.c - reading a stream (outbox.h). */
#include "store/outbox_private.h"

#include <string.h>

static mlc_code visit_seq(mlc_txn *txn, const mlc_outbox *ob, uint64_t seq, mlc_entry_visit_fn visit,
                          void *arg, bool *go_on, mlc_error *err)
{
    mlc_entry entry;
    const mlc_code code = mlc_outbox_get(txn, (mlc_outbox *)ob, seq, &entry, err);
    if (code == MLC_OK)
        *go_on = visit(&entry, arg);
    return code;
}

mlc_code mlc_outbox_due(mlc_txn *txn, mlc_outbox *ob, int64_t now_ms, size_t max, mlc_entry_visit_fn visit,
                        void *arg, int64_t *next_due_ms, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    store_walk walk;
    bool go_on = true;
    int64_t next = INT64_MAX;
    (void)key_seq(ob, 0, key);
    mlc_code code = store_walk_open(&walk, txn, DB_DUE, key, 2, 2, err);
    for (size_t count = 0; code == MLC_OK; count++) {
        next = (int64_t)store_get_be64((const uint8_t *)walk.key.mv_data + 2);
        if (next > now_ms || count >= max || !go_on)
            break;
        const uint64_t seq = store_get_be64((const uint8_t *)walk.key.mv_data + 10);
        next = INT64_MAX;
        code = visit_seq(txn, ob, seq, visit, arg, &go_on, err);
        if (code == MLC_OK)
            code = store_walk_next(&walk, txn, err);
    }
    store_walk_close(&walk);
    if (next_due_ms != NULL)
        *next_due_ms = code == MLC_OK ? next : INT64_MAX;
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code mlc_outbox_scan(mlc_txn *txn, mlc_outbox *ob, uint64_t from_seq, size_t max,
                         mlc_entry_visit_fn visit, void *arg, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    store_walk walk;
    mlc_entry entry;
    const size_t len = key_seq(ob, from_seq, key);
    mlc_code code = store_walk_open(&walk, txn, DB_ENTRY, key, len, 2, err);
    for (size_t count = 0; code == MLC_OK && count < max; count++) {
        code = entry_read(walk.value.mv_data, walk.value.mv_size,
                          store_get_be64((const uint8_t *)walk.key.mv_data + 2), &entry, err);
        if (code != MLC_OK || !visit(&entry, arg))
            break;
        code = store_walk_next(&walk, txn, err);
    }
    store_walk_close(&walk);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code mlc_outbox_parked(mlc_txn *txn, mlc_outbox *ob, uint64_t from_seq, size_t max,
                           mlc_entry_visit_fn visit, void *arg, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    store_walk walk;
    bool go_on = true;
    const size_t len = key_seq(ob, from_seq, key);
    mlc_code code = store_walk_open(&walk, txn, DB_PARKED, key, len, 2, err);
    for (size_t count = 0; code == MLC_OK && count < max && go_on; count++) {
        code = visit_seq(txn, ob, store_get_be64((const uint8_t *)walk.key.mv_data + 2), visit, arg, &go_on,
                         err);
        if (code == MLC_OK)
            code = store_walk_next(&walk, txn, err);
    }
    store_walk_close(&walk);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code mlc_outbox_get(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, mlc_entry *out, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    MDB_val value;
    const mlc_code code = store_get(txn, DB_ENTRY, key, key_seq(ob, seq, key), &value, err);
    if (code == MLC_E_NOTFOUND)
        return mlc_fail(err, MLC_E_NOTFOUND, "stream %s has no entry %llu", ob->name,
                        (unsigned long long)seq);
    return code == MLC_OK ? entry_read(value.mv_data, value.mv_size, seq, out, err) : code;
}

mlc_code mlc_outbox_find(mlc_txn *txn, mlc_outbox *ob, const char *idem, uint64_t *seq, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    MDB_val value;
    size_t len = 0;
    mlc_code code = key_hash(ob, idem, key, &len, err);
    if (code == MLC_OK)
        code = store_get(txn, DB_IDEM, key, len, &value, err);
    if (code == MLC_OK && value.mv_size != 8)
        code = mlc_fail(err, MLC_E_CORRUPT, "stream %s: an idempotency key leads nowhere", ob->name);
    if (code == MLC_OK)
        *seq = store_get_be64(value.mv_data);
    return code;
}

mlc_code mlc_outbox_stats_get(mlc_txn *txn, mlc_outbox *ob, mlc_outbox_stats *out, mlc_error *err)
{
    stream_meta meta;
    uint8_t key[OUTBOX_KEY_MAX];
    store_walk walk;
    memset(out, 0, sizeof *out);
    mlc_code code = meta_load(txn, ob->name, &meta, err);
    if (code != MLC_OK)
        return code;
    out->next_seq = meta.next_seq;
    out->acked_seq = meta.acked_seq;
    out->ready = meta.count[MLC_ENTRY_READY];
    out->inflight = meta.count[MLC_ENTRY_INFLIGHT];
    out->parked = meta.count[MLC_ENTRY_PARKED];
    out->done = meta.count[MLC_ENTRY_DONE];
    out->live_bytes = meta.live_bytes;
    out->max_bytes = ob->spec.max_bytes;
    (void)key_seq(ob, 0, key);
    code = store_walk_open(&walk, txn, DB_LIVE, key, 2, 2, err);
    if (code == MLC_OK && walk.value.mv_size == 8)
        out->oldest_live_ms = (int64_t)store_get_be64(walk.value.mv_data);
    store_walk_close(&walk);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code mlc_outbox_live(mlc_txn *txn, mlc_outbox *ob, const char *key, bool *live, mlc_error *err)
{
    uint64_t seq = 0;
    const mlc_code code = key_head(txn, ob, key, &seq, err);
    *live = code == MLC_OK && seq > 0;
    return code;
}
