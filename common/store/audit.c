/* audit.c - see audit.h: appending and reading. */
#include "store/audit_private.h"

#include <stdlib.h>
#include <string.h>

enum { MARK_LEN = 8 + MLC_AUDIT_HASH_LEN };

mlc_code audit_mark_get(mlc_txn *txn, const char *name, audit_mark *out, mlc_error *err)
{
    MDB_val value;
    *out = (audit_mark){0};
    const mlc_code code = store_get(txn, DB_META, name, strlen(name) + 1, &value, err);
    if (code == MLC_E_NOTFOUND)
        return MLC_OK;
    if (code != MLC_OK)
        return code;
    if (value.mv_size != MARK_LEN)
        return mlc_fail(err, MLC_E_CORRUPT, "audit: the mark %s cannot be read", name);
    out->index = store_get_be64(value.mv_data);
    memcpy(out->hash, (const uint8_t *)value.mv_data + 8, sizeof out->hash);
    return MLC_OK;
}

mlc_code audit_mark_put(mlc_txn *txn, const char *name, const audit_mark *mark, mlc_error *err)
{
    uint8_t bytes[MARK_LEN];
    store_be64(bytes, mark->index);
    memcpy(bytes + 8, mark->hash, sizeof mark->hash);
    return store_put(txn, DB_META, name, strlen(name) + 1, bytes, sizeof bytes, err);
}

mlc_code audit_row_read(const MDB_val *key, const MDB_val *value, mlc_audit_item *out, mlc_error *err)
{
    const uint8_t *const bytes = value->mv_data;
    if (key->mv_size != 8 || value->mv_size <= MLC_AUDIT_HASH_LEN || bytes[value->mv_size - 1] != 0)
        return mlc_fail(err, MLC_E_CORRUPT, "audit: an entry cannot be read");
    out->index = store_get_be64(key->mv_data);
    out->hash = bytes;
    out->event = (const char *)bytes + MLC_AUDIT_HASH_LEN;
    out->personal = NULL;
    const size_t left = value->mv_size - MLC_AUDIT_HASH_LEN;
    const size_t event = strlen(out->event) + 1;
    if (event == left)
        return MLC_OK;
    out->personal = out->event + event;
    if (event + strlen(out->personal) + 1 != left)
        return mlc_fail(err, MLC_E_CORRUPT, "audit: entry %llu cannot be read",
                        (unsigned long long)out->index);
    return MLC_OK;
}

mlc_code audit_get(mlc_txn *txn, uint64_t index, mlc_audit_item *out, mlc_error *err)
{
    uint8_t bytes[8];
    MDB_val key = {sizeof bytes, bytes};
    MDB_val value;
    store_be64(bytes, index);
    const mlc_code code = store_get(txn, DB_AUDIT, bytes, sizeof bytes, &value, err);
    return code == MLC_OK ? audit_row_read(&key, &value, out, err) : code;
}

/* Stores of the first format have no head on record: it is their last row. */
mlc_code store_audit_migrate(mlc_txn *txn, mlc_error *err)
{
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    mlc_audit_item item;
    audit_mark head = {0};
    mlc_code code =
        store_check(txn, mdb_cursor_open(txn->mdb, store_dbi(txn->store, DB_AUDIT), &cursor), "audit", err);
    if (code != MLC_OK)
        return code;
    const int rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (rc == 0)
        code = audit_row_read(&key, &value, &item, err);
    if (rc == 0 && code == MLC_OK) {
        head.index = item.index;
        memcpy(head.hash, item.hash, sizeof head.hash);
        code = audit_mark_put(txn, AUDIT_HEAD, &head, err);
    } else if (rc != 0 && rc != MDB_NOTFOUND) {
        code = store_check(txn, rc, "audit", err);
    }
    mdb_cursor_close(cursor);
    return code;
}

/* ---- appending ---- */

static mlc_code put_row(mlc_txn *txn, const audit_mark *mark, const char *text, const char *personal,
                        mlc_error *err)
{
    uint8_t key[8];
    mlc_buf row = {0};
    store_be64(key, mark->index);
    mlc_code code = mlc_buf_append(&row, mark->hash, sizeof mark->hash, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&row, text, strlen(text) + 1, err);
    if (code == MLC_OK && personal != NULL)
        code = mlc_buf_append(&row, personal, strlen(personal) + 1, err);
    if (code == MLC_OK)
        code = store_put(txn, DB_AUDIT, key, sizeof key, row.data, row.len, err);
    mlc_buf_free(&row);
    return code;
}

mlc_code mlc_audit_append(mlc_txn *txn, const mlc_audit_event *event, uint64_t *index, mlc_error *err)
{
    audit_mark head;
    char *text = NULL;
    char *personal = NULL;
    mlc_code code = audit_mark_get(txn, AUDIT_HEAD, &head, err);
    if (code == MLC_OK)
        code = audit_print(event, ++head.index, &text, &personal, err);
    if (code == MLC_OK)
        code = mlc_audit_chain(head.hash, text, head.hash, err);
    if (code == MLC_OK)
        code = put_row(txn, &head, text, personal, err);
    if (code == MLC_OK)
        code = audit_mark_put(txn, AUDIT_HEAD, &head, err);
    if (code == MLC_OK && index != NULL)
        *index = head.index;
    free(text);
    free(personal);
    return code;
}

/* ---- reading ---- */

/* Hash of the entry before `from`; zeros when it is beyond the end. */
static mlc_code hash_before(mlc_txn *txn, const audit_mark *base, uint64_t from, uint8_t *hash,
                            mlc_error *err)
{
    mlc_audit_item item;
    memcpy(hash, base->hash, MLC_AUDIT_HASH_LEN);
    if (from == base->index + 1)
        return MLC_OK;
    const mlc_code code = audit_get(txn, from - 1, &item, err);
    if (code == MLC_OK)
        memcpy(hash, item.hash, MLC_AUDIT_HASH_LEN);
    else
        memset(hash, 0, MLC_AUDIT_HASH_LEN);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code mlc_audit_scan(mlc_txn *txn, uint64_t from, size_t max, mlc_audit_visit_fn visit, void *arg,
                        mlc_error *err)
{
    uint8_t key[8];
    uint8_t previous[MLC_AUDIT_HASH_LEN];
    audit_mark base;
    store_walk walk = {0};
    mlc_code code = audit_mark_get(txn, AUDIT_BASE, &base, err);
    if (code == MLC_OK && from <= base.index)
        from = base.index + 1;
    if (code == MLC_OK)
        code = hash_before(txn, &base, from, previous, err);
    if (code != MLC_OK)
        return code;
    store_be64(key, from);
    code = store_walk_open(&walk, txn, DB_AUDIT, key, sizeof key, 0, err);
    for (size_t count = 0; code == MLC_OK && count < max; count++) {
        mlc_audit_item item = {.previous = previous};
        code = audit_row_read(&walk.key, &walk.value, &item, err);
        if (code != MLC_OK || !visit(&item, arg))
            break;
        memcpy(previous, item.hash, sizeof previous);
        code = store_walk_next(&walk, txn, err);
    }
    store_walk_close(&walk);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code mlc_audit_head_get(mlc_txn *txn, mlc_audit_head *out, mlc_error *err)
{
    audit_mark head;
    audit_mark base = {0};
    mlc_code code = audit_mark_get(txn, AUDIT_HEAD, &head, err);
    if (code == MLC_OK)
        code = audit_mark_get(txn, AUDIT_BASE, &base, err);
    *out = (mlc_audit_head){.index = head.index, .first = base.index + 1};
    memcpy(out->hash, head.hash, sizeof out->hash);
    return code;
}
