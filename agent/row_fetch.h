/* row_fetch.h - read the rows of a table for a list of keys, in portions, following pages to the end.
 * Thread rule: loop's thread only. */
#ifndef MLC_AGENT_ROW_FETCH_H
#define MLC_AGENT_ROW_FETCH_H

#include "agent/ais.h"

typedef struct mlc_row_fetch {
    const char *table;          /* borrowed until done, like all of these */
    const char *const *columns; /* NULL-terminated, with key_column among them */
    const char *key_column;
    const char *const *keys;
    size_t key_count;
    const mlc_ais_term *extra; /* one more condition (copied, its strings are borrowed), NULL: none */
} mlc_row_fetch;

/* `rows` is an array the receiver owns (cJSON_Delete), NULL unless MLC_OK. */
typedef void (*mlc_row_fetch_fn)(void *user, mlc_code code, const mlc_error *err, cJSON *rows);

mlc_code mlc_row_fetch_start(mlc_ais *ais, const mlc_row_fetch *fetch, mlc_row_fetch_fn fn, void *user,
                             mlc_error *err);
/* The row whose key column is `key`, or NULL. */
const cJSON *mlc_row_find(const cJSON *rows, const char *key_column, const char *key);

#endif
