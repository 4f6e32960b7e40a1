/* schema_copy.c - see schema_copy.h. */
#include "relay/schema_copy.h"

#include "relay/schema_table.h"
#include "store/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 60000, PIECES_MAX = MLC_SCHEMA_TEXT_MAX / PIECE + 1, NAME_SIZE = 200, DEPTH = 16 };

typedef struct copy {
    mlc_log *log;
    char table[130];
    int64_t read_ms;
    char *text;
    mlc_buf loaded;
} copy;

/* What stands in "schema/TABLE". */
typedef struct copy_head {
    int64_t read_ms;
    uint64_t pieces;
} copy_head;

static const char *piece_name(const copy *c, uint64_t piece, char out[NAME_SIZE])
{
    (void)snprintf(out, NAME_SIZE, "schema/%s/%" PRIu64, c->table, piece);
    return out;
}

static mlc_code read_head(mlc_txn *txn, const copy *c, copy_head *head, mlc_error *err)
{
    char name[NAME_SIZE];
    const void *value = NULL;
    size_t len = 0;
    (void)snprintf(name, sizeof name, "schema/%s", c->table);
    *head = (copy_head){0};
    const mlc_code code = mlc_cursor_get(txn, name, &value, &len, err);
    if (code == MLC_OK && len == sizeof *head)
        memcpy(head, value, len);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

/* ---- loading ---- */

static mlc_code load_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    copy *const c = arg;
    copy_head head;
    char name[NAME_SIZE];
    mlc_code code = read_head(txn, c, &head, err);
    mlc_buf_clear(&c->loaded);
    c->read_ms = head.read_ms;
    for (uint64_t i = 0; code == MLC_OK && i < head.pieces && i < PIECES_MAX; i++) {
        const void *value = NULL;
        size_t len = 0;
        code = mlc_cursor_get(txn, piece_name(c, i, name), &value, &len, err);
        if (code == MLC_OK)
            code = mlc_buf_append(&c->loaded, value, len, err);
    }
    return code;
}

mlc_code mlc_schema_copy_load(mlc_store *store, const char *table, int64_t *read_ms, cJSON **compact,
                              mlc_error *err)
{
    copy c = {.loaded = {.max = MLC_SCHEMA_TEXT_MAX}};
    *compact = NULL;
    *read_ms = 0;
    if (store == NULL)
        return MLC_OK;
    mlc_strlcpy(c.table, table, sizeof c.table);
    const mlc_code code = mlc_store_read(store, load_job, &c, err);
    if (code == MLC_OK && c.loaded.len > 0 &&
        mlc_json_parse(mlc_buf_text(&c.loaded), c.loaded.len, MLC_SCHEMA_TEXT_MAX, DEPTH, compact, NULL) ==
            MLC_OK)
        *read_ms = c.read_ms;
    mlc_buf_free(&c.loaded);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

/* ---- keeping ---- */

static mlc_code keep_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const copy *const c = arg;
    char name[NAME_SIZE];
    copy_head old;
    const size_t len = strlen(c->text);
    const copy_head head = {c->read_ms, (len + PIECE - 1) / PIECE};
    mlc_code code = read_head(txn, c, &old, err);
    for (uint64_t i = 0; code == MLC_OK && i < head.pieces; i++) {
        const size_t at = (size_t)i * PIECE;
        const size_t size = len - at < PIECE ? len - at : PIECE;
        code = mlc_cursor_put(txn, piece_name(c, i, name), c->text + at, size, err);
    }
    for (uint64_t i = head.pieces; code == MLC_OK && i < old.pieces && i < PIECES_MAX; i++) {
        code = mlc_cursor_delete(txn, piece_name(c, i, name), err);
        code = code == MLC_E_NOTFOUND ? MLC_OK : code;
    }
    (void)snprintf(name, sizeof name, "schema/%s", c->table);
    return code == MLC_OK ? mlc_cursor_put(txn, name, &head, sizeof head, err) : code;
}

static void on_kept(void *arg, mlc_code code, const mlc_error *err)
{
    copy *const c = arg;
    if (code != MLC_OK && code != MLC_E_CLOSED)
        mlc_log_warn(c->log, "schema", "metadata could not be stored", MLC_S("table", c->table),
                     MLC_S("error", err->message));
    free(c->text);
    free(c);
}

void mlc_schema_copy_keep(mlc_store *store, mlc_log *log, const char *table, int64_t read_ms, char *text)
{
    copy *const c =
        store != NULL && text != NULL && strlen(text) <= MLC_SCHEMA_TEXT_MAX ? calloc(1, sizeof *c) : NULL;
    if (c == NULL) {
        free(text);
        return;
    }
    c->log = log;
    c->read_ms = read_ms;
    c->text = text;
    mlc_strlcpy(c->table, table, sizeof c->table);
    if (mlc_store_submit(store, keep_job, on_kept, c, NULL) != MLC_OK) {
        free(c->text);
        free(c);
    }
}
