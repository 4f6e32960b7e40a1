/* outbox_index.c - the rows that hang on an entry, kept true whenever its state changes (outbox_private.h). */
#include "store/outbox_private.h"

#include <stdio.h>
#include <string.h>

typedef struct meta_key {
    char text[STREAM_NAME_MAX + 16];
} meta_key;

static meta_key key_of_meta(const char *name)
{
    meta_key key;
    (void)snprintf(key.text, sizeof key.text, "stream/%s", name);
    return key;
}

enum { META_LEN = 2 + 1 + 8 * 7 };

mlc_code meta_load(mlc_txn *txn, const char *name, stream_meta *out, mlc_error *err)
{
    const meta_key key = key_of_meta(name);
    MDB_val value;
    const mlc_code code = store_get(txn, DB_META, key.text, strlen(key.text), &value, err);
    if (code != MLC_OK)
        return code;
    const uint8_t *const b = value.mv_data;
    if (value.mv_size != META_LEN)
        return mlc_fail(err, MLC_E_CORRUPT, "stream %s: its record has %zu bytes", name, value.mv_size);
    out->id = (uint16_t)(b[0] << 8 | b[1]);
    out->mode = b[2];
    out->next_seq = store_get_be64(b + 3);
    out->acked_seq = store_get_be64(b + 11);
    for (size_t i = 0; i <= MLC_ENTRY_DONE; i++)
        out->count[i] = store_get_be64(b + 19 + 8 * i);
    out->live_bytes = store_get_be64(b + 51);
    return MLC_OK;
}

mlc_code meta_save(mlc_txn *txn, const char *name, const stream_meta *meta, mlc_error *err)
{
    const meta_key key = key_of_meta(name);
    uint8_t b[META_LEN];
    store_be16(b, meta->id);
    b[2] = meta->mode;
    store_be64(b + 3, meta->next_seq);
    store_be64(b + 11, meta->acked_seq);
    for (size_t i = 0; i <= MLC_ENTRY_DONE; i++)
        store_be64(b + 19 + 8 * i, meta->count[i]);
    store_be64(b + 51, meta->live_bytes);
    return store_put(txn, DB_META, key.text, strlen(key.text), b, sizeof b, err);
}

size_t key_seq(const mlc_outbox *ob, uint64_t seq, uint8_t out[OUTBOX_KEY_MAX])
{
    store_be16(out, ob->id);
    store_be64(out + 2, seq);
    return 10;
}

size_t key_time(const mlc_outbox *ob, int64_t time_ms, uint64_t seq, uint8_t out[OUTBOX_KEY_MAX])
{
    store_be16(out, ob->id);
    store_be64(out + 2, time_ms > 0 ? (uint64_t)time_ms : 0);
    store_be64(out + 10, seq);
    return 18;
}

mlc_code key_hash(const mlc_outbox *ob, const char *text, uint8_t out[OUTBOX_KEY_MAX], size_t *len,
                  mlc_error *err)
{
    store_be16(out, ob->id);
    *len = 2 + STORE_HASH_LEN;
    return store_hash(text, NULL, out + 2, STORE_HASH_LEN, err);
}

/* ---- the entry itself ---- */

mlc_code edit_load(mlc_txn *txn, const mlc_outbox *ob, uint64_t seq, entry_edit *out, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    MDB_val value;
    memset(out, 0, sizeof *out);
    mlc_code code = store_get(txn, DB_ENTRY, key, key_seq(ob, seq, key), &value, err);
    if (code == MLC_E_NOTFOUND)
        return mlc_fail(err, MLC_E_NOTFOUND, "stream %s has no entry %llu", ob->name,
                        (unsigned long long)seq);
    if (code == MLC_OK)
        code = mlc_buf_append(&out->keep, value.mv_data, value.mv_size, err);
    if (code == MLC_OK)
        code = entry_read(out->keep.data, out->keep.len, seq, &out->e, err);
    if (code != MLC_OK)
        mlc_buf_free(&out->keep);
    return code;
}

void edit_free(entry_edit *edit)
{
    mlc_buf_free(&edit->keep);
}

mlc_code entry_save(mlc_txn *txn, const mlc_outbox *ob, const mlc_entry *e, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    mlc_buf bytes = {0};
    mlc_code code = entry_write(e, &bytes, err);
    if (code == MLC_OK)
        code = store_put(txn, DB_ENTRY, key, key_seq(ob, e->seq, key), bytes.data, bytes.len, err);
    mlc_buf_free(&bytes);
    return code;
}

/* ---- lists of live entries ---- */

static mlc_code list_key(const mlc_outbox *ob, const char *text, uint64_t seq, uint8_t out[OUTBOX_KEY_MAX],
                         size_t *len, mlc_error *err)
{
    const mlc_code code = key_hash(ob, text, out, len, err);
    store_be64(out + *len, seq);
    *len += 8;
    return code;
}

mlc_code key_next(mlc_txn *txn, const mlc_outbox *ob, const char *text, uint64_t from, uint64_t *seq,
                  mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    size_t len = 0;
    store_walk walk;
    *seq = 0;
    mlc_code code = list_key(ob, text, from, key, &len, err);
    if (code != MLC_OK)
        return code;
    code = store_walk_open(&walk, txn, DB_KEY, key, len, len - 8, err);
    if (code == MLC_OK)
        *seq = store_get_be64((const uint8_t *)walk.key.mv_data + len - 8);
    store_walk_close(&walk);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code key_head(mlc_txn *txn, const mlc_outbox *ob, const char *key, uint64_t *seq, mlc_error *err)
{
    return key_next(txn, ob, key, 0, seq, err);
}

mlc_code key_has_newer(mlc_txn *txn, const mlc_outbox *ob, const char *key, uint64_t seq, bool *newer,
                       mlc_error *err)
{
    uint64_t found = 0;
    const mlc_code code = key_next(txn, ob, key, seq + 1, &found, err);
    *newer = found != 0;
    return code;
}

mlc_code live_add(mlc_txn *txn, const mlc_outbox *ob, const mlc_entry *e, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    uint8_t created[8];
    size_t len = 0;
    mlc_code code = list_key(ob, e->key, e->seq, key, &len, err);
    if (code == MLC_OK)
        code = store_put(txn, DB_KEY, key, len, "", 0, err);
    store_be64(created, (uint64_t)e->created_ms);
    return code == MLC_OK
               ? store_put(txn, DB_LIVE, key, key_seq(ob, e->seq, key), created, sizeof created, err)
               : code;
}

static mlc_code live_drop(mlc_txn *txn, const mlc_outbox *ob, const mlc_entry *e, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    size_t len = 0;
    mlc_code code = list_key(ob, e->key, e->seq, key, &len, err);
    if (code == MLC_OK)
        code = store_del(txn, DB_KEY, key, len, err);
    return code == MLC_OK ? store_del(txn, DB_LIVE, key, key_seq(ob, e->seq, key), err) : code;
}

mlc_code due_refresh(mlc_txn *txn, mlc_outbox *ob, const char *key, mlc_error *err)
{
    uint64_t head = 0;
    entry_edit edit;
    uint8_t row[OUTBOX_KEY_MAX];
    if (ob->spec.mode != MLC_STREAM_KEYED)
        return MLC_OK;
    mlc_code code = key_head(txn, ob, key, &head, err);
    if (code != MLC_OK || head == 0)
        return code;
    code = edit_load(txn, ob, head, &edit, err);
    if (code != MLC_OK)
        return code;
    if (edit.e.state == MLC_ENTRY_READY)
        code = store_put(txn, DB_DUE, row, key_time(ob, edit.e.next_attempt_ms, head, row), "", 0, err);
    edit_free(&edit);
    return code;
}

/* ---- states ---- */

static store_db state_index(mlc_entry_state state)
{
    return state == MLC_ENTRY_INFLIGHT ? DB_FLIGHT : DB_PARKED;
}

static mlc_code leave_state(mlc_txn *txn, mlc_outbox *ob, const mlc_entry *e, mlc_entry_state from,
                            int64_t old_next_ms, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    if (from == MLC_ENTRY_READY)
        return ob->spec.mode == MLC_STREAM_KEYED
                   ? store_del(txn, DB_DUE, key, key_time(ob, old_next_ms, e->seq, key), err)
                   : MLC_OK;
    return store_del(txn, state_index(from), key, key_seq(ob, e->seq, key), err);
}

static mlc_code enter_state(mlc_txn *txn, mlc_outbox *ob, stream_meta *meta, const mlc_entry *e,
                            mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    if (e->state == MLC_ENTRY_READY)
        return due_refresh(txn, ob, e->key, err);
    if (e->state != MLC_ENTRY_DONE)
        return store_put(txn, state_index(e->state), key, key_seq(ob, e->seq, key), "", 0, err);
    meta->live_bytes -= entry_size(e) < meta->live_bytes ? entry_size(e) : meta->live_bytes;
    mlc_code code = live_drop(txn, ob, e, err);
    if (code == MLC_OK)
        code = store_put(txn, DB_DONE, key, key_time(ob, e->ended_ms, e->seq, key), "", 0, err);
    return code == MLC_OK ? due_refresh(txn, ob, e->key, err) : code;
}

mlc_code entry_move(mlc_txn *txn, mlc_outbox *ob, stream_meta *meta, mlc_entry *e, mlc_entry_state from,
                    int64_t old_next_ms, mlc_error *err)
{
    mlc_code code = leave_state(txn, ob, e, from, old_next_ms, err);
    if (code == MLC_OK)
        code = entry_save(txn, ob, e, err);
    meta->count[from]--;
    meta->count[e->state]++;
    if (code == MLC_OK)
        code = enter_state(txn, ob, meta, e, err);
    return code;
}
