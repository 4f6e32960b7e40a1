/* crossref.c - see crossref.h. A link is two rows, one for each side: the key is hash(id), hash(other); the value is
 * written, seen, 1 and the hash or 0 and zeros, id with a NUL, other with a NUL. */
#include "store/crossref.h"

#include "base/buf.h"
#include "store/store_private.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_LEN = 2 * STORE_HASH_LEN, FIXED_LEN = 8 + 8 + 1 + MLC_CROSSREF_HASH_LEN };

mlc_code mlc_crossref_check(const char *id, mlc_error *err)
{
    const char *const table = strchr(id, '/');
    const char *const rest = table != NULL ? strchr(table + 1, '/') : NULL;
    if (table != NULL && table > id && rest != NULL && rest > table + 1 && rest[1] != '\0' &&
        strlen(id) <= MLC_CROSSREF_ID_MAX)
        return MLC_OK;
    return mlc_fail(err, MLC_E_INVALID,
                    "\"%.80s\" names no record; write SYSTEM/TABLE/ID, such as JDE/F0101/6001 or "
                    "Dynamics/accounts/GUID",
                    id);
}

/* ---- rows ---- */

static mlc_code row_key(const char *id, const char *other, uint8_t key[KEY_LEN], mlc_error *err)
{
    const mlc_code code = store_hash(id, NULL, key, STORE_HASH_LEN, err);
    return code == MLC_OK ? store_hash(other, NULL, key + STORE_HASH_LEN, STORE_HASH_LEN, err) : code;
}

static mlc_code row_read(const MDB_val *value, mlc_crossref *out, mlc_error *err)
{
    const uint8_t *const bytes = value->mv_data;
    if (value->mv_size <= FIXED_LEN + 2 || bytes[value->mv_size - 1] != 0)
        return mlc_fail(err, MLC_E_CORRUPT, "cross-reference: a link cannot be read");
    out->written_ms = (int64_t)store_get_be64(bytes);
    out->seen_ms = (int64_t)store_get_be64(bytes + 8);
    out->hash = bytes[16] == 1 ? bytes + 17 : NULL;
    out->id = (const char *)bytes + FIXED_LEN;
    out->other = out->id + strlen(out->id) + 1;
    if (out->other >= (const char *)bytes + value->mv_size ||
        out->other + strlen(out->other) + 1 != (const char *)bytes + value->mv_size)
        return mlc_fail(err, MLC_E_CORRUPT, "cross-reference: a link cannot be read");
    return MLC_OK;
}

mlc_code mlc_crossref_get(mlc_txn *txn, const char *source, const char *target, mlc_crossref *out,
                          mlc_error *err)
{
    uint8_t key[KEY_LEN];
    MDB_val value;
    mlc_code code = row_key(source, target, key, err);
    if (code == MLC_OK)
        code = store_get(txn, DB_CROSSREF, key, sizeof key, &value, err);
    return code == MLC_OK ? row_read(&value, out, err) : code;
}

/* One side; without a hash what is known stays. */
static mlc_code row_put(mlc_txn *txn, const char *id, const char *other, const uint8_t *hash, int64_t now_ms,
                        mlc_error *err)
{
    uint8_t key[KEY_LEN];
    uint8_t fixed[FIXED_LEN] = {0};
    mlc_crossref old = {0};
    mlc_buf row = {0};
    mlc_code code = mlc_crossref_get(txn, id, other, &old, err);
    if (code != MLC_OK && code != MLC_E_NOTFOUND)
        return code;
    const uint8_t *const known = hash != NULL ? hash : old.hash;
    store_be64(fixed, (uint64_t)(hash != NULL ? now_ms : old.written_ms));
    store_be64(fixed + 8, (uint64_t)now_ms);
    fixed[16] = known != NULL ? 1 : 0;
    if (known != NULL)
        memcpy(fixed + 17, known, MLC_CROSSREF_HASH_LEN);
    code = row_key(id, other, key, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&row, fixed, sizeof fixed, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&row, id, strlen(id) + 1, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&row, other, strlen(other) + 1, err);
    if (code == MLC_OK)
        code = store_put(txn, DB_CROSSREF, key, sizeof key, row.data, row.len, err);
    mlc_buf_free(&row);
    return code;
}

mlc_code mlc_crossref_forget(mlc_txn *txn, const char *a, const char *b, mlc_error *err)
{
    uint8_t key[KEY_LEN];
    mlc_code code = row_key(a, b, key, err);
    if (code == MLC_OK)
        code = store_del(txn, DB_CROSSREF, key, sizeof key, err);
    if (code == MLC_OK)
        code = row_key(b, a, key, err);
    return code == MLC_OK ? store_del(txn, DB_CROSSREF, key, sizeof key, err) : code;
}

mlc_code mlc_crossref_find(mlc_txn *txn, const char *id, mlc_crossref_visit_fn visit, void *arg,
                           mlc_error *err)
{
    uint8_t key[STORE_HASH_LEN];
    store_walk walk = {0};
    mlc_code code = store_hash(id, NULL, key, sizeof key, err);
    if (code == MLC_OK)
        code = store_walk_open(&walk, txn, DB_CROSSREF, key, sizeof key, sizeof key, err);
    while (code == MLC_OK) {
        mlc_crossref link = {0};
        code = row_read(&walk.value, &link, err);
        if (code != MLC_OK || (strcmp(link.id, id) == 0 && !visit(&link, arg)))
            break;
        code = store_walk_next(&walk, txn, err);
    }
    store_walk_close(&walk);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

/* ---- one counterpart in a table ---- */

typedef struct rival_look {
    const char *wanted;
    size_t table_len; /* of its "SYSTEM/TABLE/" */
    char *rival;
    bool no_memory;
} rival_look;

static bool look_rival(const mlc_crossref *link, void *arg)
{
    rival_look *const look = arg;
    if (strncmp(link->other, look->wanted, look->table_len) != 0 || strcmp(link->other, look->wanted) == 0)
        return true;
    look->rival = mlc_strdup(link->other);
    look->no_memory = look->rival == NULL;
    return false;
}

/* Forget what `id` was linked with in the table of `wanted`. */
static mlc_code drop_rivals(mlc_txn *txn, const char *id, const char *wanted, mlc_error *err)
{
    rival_look look = {.wanted = wanted};
    const char *const id_part = strchr(strchr(wanted, '/') + 1, '/') + 1;
    look.table_len = (size_t)(id_part - wanted);
    mlc_code code = MLC_OK;
    do {
        look.rival = NULL;
        code = mlc_crossref_find(txn, id, look_rival, &look, err);
        if (code == MLC_OK && look.no_memory)
            code = mlc_fail(err, MLC_E_NOMEM, "no memory for a cross-reference");
        if (code == MLC_OK && look.rival != NULL)
            code = mlc_crossref_forget(txn, id, look.rival, err);
        free(look.rival);
    } while (code == MLC_OK && look.rival != NULL);
    return code;
}

mlc_code mlc_crossref_put(mlc_txn *txn, const char *source, const char *target, const uint8_t *hash,
                          int64_t now_ms, mlc_error *err)
{
    mlc_code code = mlc_crossref_check(source, err);
    if (code == MLC_OK)
        code = mlc_crossref_check(target, err);
    if (code == MLC_OK)
        code = drop_rivals(txn, source, target, err);
    if (code == MLC_OK)
        code = drop_rivals(txn, target, source, err);
    if (code == MLC_OK)
        code = row_put(txn, source, target, hash, now_ms, err);
    return code == MLC_OK ? row_put(txn, target, source, NULL, now_ms, err) : code;
}

/* ---- sweeping ---- */

/* The next link to be forgotten; *other is the caller's. Moves sweep->at. */
static mlc_code next_stale(mlc_txn *txn, mlc_crossref_sweep *sweep, size_t *looked, char **id, char **other,
                           mlc_error *err)
{
    store_walk walk = {0};
    mlc_code code = store_walk_open(&walk, txn, DB_CROSSREF, sweep->at, sizeof sweep->at, 0, err);
    *id = NULL;
    *other = NULL;
    while (code == MLC_OK && *looked < sweep->max && *id == NULL) {
        mlc_crossref link = {0};
        memcpy(sweep->at, walk.key.mv_data, sizeof sweep->at);
        code = row_read(&walk.value, &link, err);
        if (code == MLC_OK && link.seen_ms < sweep->before_ms &&
            strncmp(link.id, sweep->prefix, strlen(sweep->prefix)) == 0) {
            *id = mlc_strdup(link.id);
            *other = mlc_strdup(link.other);
            if (*id == NULL || *other == NULL)
                code = mlc_fail(err, MLC_E_NOMEM, "no memory for a cross-reference");
        }
        ++*looked;
        if (code == MLC_OK && *id == NULL)
            code = store_walk_next(&walk, txn, err);
    }
    store_walk_close(&walk);
    sweep->over = code == MLC_E_NOTFOUND;
    return sweep->over ? MLC_OK : code;
}

mlc_code mlc_crossref_sweep_run(mlc_txn *txn, mlc_crossref_sweep *sweep, mlc_error *err)
{
    size_t looked = 0;
    mlc_code code = MLC_OK;
    while (code == MLC_OK && !sweep->over && looked < sweep->max) {
        char *id = NULL;
        char *other = NULL;
        code = next_stale(txn, sweep, &looked, &id, &other, err);
        if (code == MLC_OK && id != NULL) {
            code = mlc_crossref_forget(txn, id, other, err);
            sweep->forgotten++;
        }
        free(id);
        free(other);
    }
    return code;
}
