/* audit.c - see audit.h. A row is the chain's hash, then the JSON text with a NUL. */
#include "store/audit.h"

#include "base/clock.h"
#include "base/json.h"
#include "store/store_private.h"

#include <string.h>

static const uint8_t no_hash[MLC_SHA256_LEN];

static mlc_code chain(const uint8_t previous[MLC_SHA256_LEN], const char *text, size_t len,
                      uint8_t out[MLC_SHA256_LEN], mlc_error *err)
{
    mlc_buf bytes = {0};
    mlc_code code = mlc_buf_append(&bytes, previous, MLC_SHA256_LEN, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&bytes, text, len, err);
    if (code == MLC_OK)
        code = mlc_sha256(bytes.data, bytes.len, out, err);
    mlc_buf_free(&bytes);
    return code;
}

static mlc_code print_event(const mlc_audit_event *e, uint64_t index, char **out, mlc_error *err)
{
    char at[MLC_ISO_TEXT_MAX];
    const struct {
        const char *name, *value;
    } texts[] = {{"at", mlc_iso_text(e->at_ms, at)},
                 {"actor", e->actor},
                 {"action", e->action},
                 {"tenant", e->tenant},
                 {"stream", e->stream},
                 {"kind", e->kind},
                 {"key", e->key},
                 {"idem", e->idem},
                 {"correlation", e->correlation},
                 {"sourceId", e->source_id},
                 {"targetId", e->target_id},
                 {"payloadHash", e->payload_hash},
                 {"outcome", e->outcome},
                 {"detail", e->detail}};
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = obj != NULL ? mlc_json_add_int(obj, "index", (int64_t)index, err)
                                : mlc_fail(err, MLC_E_NOMEM, "no memory for an audit entry");
    for (size_t i = 0; code == MLC_OK && i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].value != NULL)
            code = mlc_json_add_str(obj, texts[i].name, texts[i].value, err);
    }
    if (code == MLC_OK && e->seq > 0)
        code = mlc_json_add_int(obj, "seq", (int64_t)e->seq, err);
    if (code == MLC_OK && e->attempt > 0)
        code = mlc_json_add_int(obj, "attempt", e->attempt, err);
    *out = code == MLC_OK ? mlc_json_print(obj) : NULL;
    if (code == MLC_OK && *out == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for an audit entry");
    cJSON_Delete(obj);
    return code;
}

/* Index and hash of the last row; 0 and zeros when there is none. */
static mlc_code last_row(mlc_txn *txn, uint64_t *index, uint8_t hash[MLC_SHA256_LEN], mlc_error *err)
{
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    *index = 0;
    memset(hash, 0, MLC_SHA256_LEN);
    mlc_code code =
        store_check(txn, mdb_cursor_open(txn->mdb, store_dbi(txn->store, DB_AUDIT), &cursor), "audit", err);
    if (code != MLC_OK)
        return code;
    const int rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    if (rc == 0 && key.mv_size == 8 && value.mv_size > MLC_SHA256_LEN) {
        *index = store_get_be64(key.mv_data);
        memcpy(hash, value.mv_data, MLC_SHA256_LEN);
    } else if (rc != MDB_NOTFOUND) {
        code = mlc_fail(err, MLC_E_CORRUPT, "audit: the last entry cannot be read");
    }
    mdb_cursor_close(cursor);
    return code;
}

mlc_code mlc_audit_append(mlc_txn *txn, const mlc_audit_event *event, uint64_t *index, mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    uint8_t key[8];
    uint64_t at = 0;
    char *text = NULL;
    mlc_buf row = {0};
    mlc_code code = last_row(txn, &at, hash, err);
    if (code == MLC_OK)
        code = print_event(event, ++at, &text, err);
    if (code == MLC_OK)
        code = chain(hash, text, strlen(text), hash, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&row, hash, sizeof hash, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&row, text, strlen(text) + 1, err);
    store_be64(key, at);
    if (code == MLC_OK)
        code = store_put(txn, DB_AUDIT, key, sizeof key, row.data, row.len, err);
    if (code == MLC_OK && index != NULL)
        *index = at;
    mlc_buf_free(&row);
    cJSON_free(text);
    return code;
}

static mlc_code read_row(const store_walk *walk, uint64_t *index, const char **json, size_t *len,
                         mlc_error *err)
{
    const uint8_t *const bytes = walk->value.mv_data;
    if (walk->key.mv_size != 8 || walk->value.mv_size <= MLC_SHA256_LEN ||
        bytes[walk->value.mv_size - 1] != 0)
        return mlc_fail(err, MLC_E_CORRUPT, "audit: an entry cannot be read");
    *index = store_get_be64(walk->key.mv_data);
    *json = (const char *)bytes + MLC_SHA256_LEN;
    *len = walk->value.mv_size - MLC_SHA256_LEN - 1;
    return MLC_OK;
}

mlc_code mlc_audit_scan(mlc_txn *txn, uint64_t from, size_t max, mlc_audit_visit_fn visit, void *arg,
                        mlc_error *err)
{
    uint8_t key[8];
    store_walk walk;
    store_be64(key, from);
    mlc_code code = store_walk_open(&walk, txn, DB_AUDIT, key, sizeof key, 0, err);
    for (size_t count = 0; code == MLC_OK && count < max; count++) {
        uint64_t index = 0;
        const char *json = NULL;
        size_t len = 0;
        code = read_row(&walk, &index, &json, &len, err);
        if (code != MLC_OK || !visit(index, json, len, walk.value.mv_data, arg))
            break;
        code = store_walk_next(&walk, txn, err);
    }
    store_walk_close(&walk);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code mlc_audit_verify(mlc_txn *txn, uint64_t *count, mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    store_walk walk;
    uint64_t expected = 1;
    memcpy(hash, no_hash, sizeof hash);
    mlc_code code = store_walk_open(&walk, txn, DB_AUDIT, "", 0, 0, err);
    while (code == MLC_OK) {
        uint64_t index = 0;
        const char *json = NULL;
        size_t len = 0;
        code = read_row(&walk, &index, &json, &len, err);
        if (code == MLC_OK)
            code = chain(hash, json, len, hash, err);
        if (code == MLC_OK && (index != expected || memcmp(hash, walk.value.mv_data, sizeof hash) != 0))
            code = mlc_fail(err, MLC_E_CORRUPT, "audit: entry %llu does not fit the chain",
                            (unsigned long long)expected);
        if (code == MLC_OK)
            code = store_walk_next(&walk, txn, err);
        expected++;
    }
    store_walk_close(&walk);
    if (count != NULL)
        *count = expected - 1;
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}
