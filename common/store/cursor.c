/* cursor.c - see cursor.h. */
#include "store/cursor.h"

#include "store/store_private.h"

#include <string.h>

enum { NAME_MAX_LEN = 200, VALUE_MAX = 64 * 1024 };

mlc_code mlc_cursor_get(mlc_txn *txn, const char *name, const void **value, size_t *len, mlc_error *err)
{
    MDB_val found;
    const mlc_code code = store_get(txn, DB_CURSOR, name, strlen(name), &found, err);
    if (code != MLC_OK)
        return code;
    *value = found.mv_data;
    *len = found.mv_size;
    return MLC_OK;
}

mlc_code mlc_cursor_put(mlc_txn *txn, const char *name, const void *value, size_t len, mlc_error *err)
{
    const size_t name_len = strlen(name);
    if (name_len == 0 || name_len > NAME_MAX_LEN || len > VALUE_MAX)
        return mlc_fail(err, MLC_E_INVALID, "cursor \"%.60s\": name up to %d, value up to %d bytes", name,
                        NAME_MAX_LEN, VALUE_MAX);
    return store_put(txn, DB_CURSOR, name, name_len, value, len, err);
}

mlc_code mlc_cursor_delete(mlc_txn *txn, const char *name, mlc_error *err)
{
    MDB_val found;
    const mlc_code code = store_get(txn, DB_CURSOR, name, strlen(name), &found, err);
    return code == MLC_OK ? store_del(txn, DB_CURSOR, name, strlen(name), err) : code;
}

mlc_code mlc_cursor_scan(mlc_txn *txn, const char *prefix, mlc_cursor_visit_fn visit, void *arg,
                         mlc_error *err)
{
    return mlc_cursor_scan_from(txn, prefix, prefix, visit, arg, err);
}

mlc_code mlc_cursor_scan_from(mlc_txn *txn, const char *prefix, const char *from, mlc_cursor_visit_fn visit,
                              void *arg, mlc_error *err)
{
    char name[NAME_MAX_LEN + 1];
    store_walk walk;
    size_t len = strlen(prefix);
    if (len > sizeof walk.prefix)
        return mlc_fail(err, MLC_E_INVALID, "cursor prefix \"%.60s\" is too long", prefix);
    mlc_code code = store_walk_open(&walk, txn, DB_CURSOR, from, strlen(from), len, err);
    while (code == MLC_OK) {
        len = walk.key.mv_size < sizeof name ? walk.key.mv_size : sizeof name - 1;
        memcpy(name, walk.key.mv_data, len);
        name[len] = '\0';
        if (!visit(name, walk.value.mv_data, walk.value.mv_size, arg))
            break;
        code = store_walk_next(&walk, txn, err);
    }
    store_walk_close(&walk);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

/* ---- fingerprints ---- */

mlc_code mlc_fingerprint_check(mlc_txn *txn, const char *space, const char *key,
                               const uint8_t hash[MLC_FINGERPRINT_LEN], bool *known, bool *same,
                               mlc_error *err)
{
    uint8_t row[STORE_HASH_LEN];
    MDB_val value;
    *known = *same = false;
    mlc_code code = store_hash(space, key, row, sizeof row, err);
    if (code == MLC_OK)
        code = store_get(txn, DB_FINGERPRINT, row, sizeof row, &value, err);
    if (code != MLC_OK)
        return code == MLC_E_NOTFOUND ? MLC_OK : code;
    *known = true;
    *same = value.mv_size == MLC_FINGERPRINT_LEN && memcmp(value.mv_data, hash, MLC_FINGERPRINT_LEN) == 0;
    return MLC_OK;
}

mlc_code mlc_fingerprint_swap(mlc_txn *txn, const char *space, const char *key,
                              const uint8_t hash[MLC_FINGERPRINT_LEN], bool *changed, mlc_error *err)
{
    uint8_t row[STORE_HASH_LEN];
    bool known = false;
    bool same = false;
    mlc_code code = mlc_fingerprint_check(txn, space, key, hash, &known, &same, err);
    *changed = !same;
    if (code != MLC_OK || same)
        return code;
    code = store_hash(space, key, row, sizeof row, err);
    return code == MLC_OK ? store_put(txn, DB_FINGERPRINT, row, sizeof row, hash, MLC_FINGERPRINT_LEN, err)
                          : code;
}

mlc_code mlc_fingerprint_delete(mlc_txn *txn, const char *space, const char *key, mlc_error *err)
{
    uint8_t row[STORE_HASH_LEN];
    const mlc_code code = store_hash(space, key, row, sizeof row, err);
    return code == MLC_OK ? store_del(txn, DB_FINGERPRINT, row, sizeof row, err) : code;
}
