/* txn.c - gets, puts and walks inside a transaction (store_private.h). */
#include "store/store_private.h"

#include <errno.h>
#include <string.h>

mlc_code store_check(mlc_txn *txn, int rc, const char *what, mlc_error *err)
{
    switch (rc) {
    case 0:
        return MLC_OK;
    case MDB_NOTFOUND:
        return mlc_fail(err, MLC_E_NOTFOUND, "%s: not in the store", what);
    case MDB_MAP_FULL:
        txn->map_full = true;
        return mlc_fail(err, MLC_E_FULL, "%s: the store has reached its greatest size", what);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return mlc_fail(err, MLC_E_FULL, "%s: the disk is full", what);
    case EACCES:
        return mlc_fail(err, MLC_E_INTERNAL, "%s: writing in a reading transaction", what);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
        return mlc_fail(err, MLC_E_CORRUPT, "%s: %s", what, mdb_strerror(rc));
    case ENOMEM:
        return mlc_fail(err, MLC_E_NOMEM, "%s: no memory", what);
    default:
        return mlc_fail(err, MLC_E_IO, "%s: %s", what, mdb_strerror(rc));
    }
}

mlc_code store_get(mlc_txn *txn, store_db db, const void *key, size_t key_len, MDB_val *value, mlc_error *err)
{
    MDB_val k = {key_len, (void *)key};
    if (store_lacks(txn->store, db))
        return store_check(txn, MDB_NOTFOUND, "read", err);
    return store_check(txn, mdb_get(txn->mdb, store_dbi(txn->store, db), &k, value), "read", err);
}

mlc_code store_put(mlc_txn *txn, store_db db, const void *key, size_t key_len, const void *value, size_t len,
                   mlc_error *err)
{
    MDB_val k = {key_len, (void *)key};
    MDB_val v = {len, (void *)value};
    return store_check(txn, mdb_put(txn->mdb, store_dbi(txn->store, db), &k, &v, 0), "write", err);
}

mlc_code store_del(mlc_txn *txn, store_db db, const void *key, size_t key_len, mlc_error *err)
{
    MDB_val k = {key_len, (void *)key};
    const int rc = mdb_del(txn->mdb, store_dbi(txn->store, db), &k, NULL);
    return rc == MDB_NOTFOUND ? MLC_OK : store_check(txn, rc, "delete", err);
}

static mlc_code walk_result(store_walk *walk, mlc_txn *txn, int rc, mlc_error *err)
{
    if (rc == 0 && (walk->key.mv_size < walk->prefix_len ||
                    memcmp(walk->key.mv_data, walk->prefix, walk->prefix_len) != 0))
        rc = MDB_NOTFOUND;
    return store_check(txn, rc, "walk", err);
}

mlc_code store_walk_open(store_walk *walk, mlc_txn *txn, store_db db, const void *from, size_t from_len,
                         size_t prefix_len, mlc_error *err)
{
    memset(walk, 0, sizeof *walk);
    walk->prefix_len = prefix_len;
    memcpy(walk->prefix, from, prefix_len);
    if (store_lacks(txn->store, db))
        return store_check(txn, MDB_NOTFOUND, "walk", err);
    const mlc_code code =
        store_check(txn, mdb_cursor_open(txn->mdb, store_dbi(txn->store, db), &walk->cursor), "walk", err);
    if (code != MLC_OK)
        return code;
    walk->key = (MDB_val){from_len, (void *)from};
    const MDB_cursor_op op = from_len > 0 ? MDB_SET_RANGE : MDB_FIRST;
    return walk_result(walk, txn, mdb_cursor_get(walk->cursor, &walk->key, &walk->value, op), err);
}

mlc_code store_walk_next(store_walk *walk, mlc_txn *txn, mlc_error *err)
{
    return walk_result(walk, txn, mdb_cursor_get(walk->cursor, &walk->key, &walk->value, MDB_NEXT), err);
}

void store_walk_close(store_walk *walk)
{
    if (walk->cursor != NULL)
        mdb_cursor_close(walk->cursor);
    walk->cursor = NULL;
}

void store_be16(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

void store_be64(uint8_t *out, uint64_t value)
{
    for (int i = 7; i >= 0; i--) {
        out[i] = (uint8_t)value;
        value >>= 8;
    }
}

uint64_t store_get_be64(const uint8_t *in)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return value;
}

mlc_code store_hash(const char *a, const char *b, uint8_t *out, size_t len, mlc_error *err)
{
    uint8_t text[2304];
    uint8_t hash[MLC_SHA256_LEN];
    const size_t a_len = strlen(a);
    const size_t b_len = b != NULL ? strlen(b) : 0;
    if (a_len + b_len + 2 > sizeof text)
        return mlc_fail(err, MLC_E_LIMIT, "a key of %zu characters is longer than a store takes",
                        a_len + b_len);
    memcpy(text, a, a_len + 1);
    if (b != NULL)
        memcpy(text + a_len + 1, b, b_len + 1);
    const mlc_code code = mlc_sha256(text, a_len + (b != NULL ? b_len + 1 : 0), hash, err);
    if (code == MLC_OK)
        memcpy(out, hash, len);
    return code;
}
