/* row_fetch.h - read the rows of a table for a list of keys, in portions, following pages to the end.
 * Thread rule: loop's thread only. */
#ifndef MLC_AGENT_ROW_FETCH_H
#define MLC_AGENT_ROW_FETCH_H

#include "agent/ais.h"

enum { MLC_ROW_FETCH_TERMS_MAX = 4, MLC_ROW_FETCH_PORTION = 100 };

typedef struct mlc_row_fetch {
    const char *table;          /* borrowed until done, like all pointers here */
    const char *const *columns; /* NULL-terminated, with key_column among them */
    const char *key_column;
    const char *const *keys; /* distinct */
    size_t key_count;
    const char *const *order;                    /* NULL-terminated, begins with key_column */
    mlc_ais_term terms[MLC_ROW_FETCH_TERMS_MAX]; /* further conditions */
    size_t term_count;
    bool (*keep)(void *user, const cJSON *row); /* NULL: all. A row that is not kept takes no memory */
} mlc_row_fetch;

/* `rows` is an array the receiver owns (cJSON_Delete), NULL unless MLC_OK. */
typedef void (*mlc_row_fetch_fn)(void *user, mlc_code code, const mlc_error *err, cJSON *rows);

/* The callback comes from the loop, never inside this call, and exactly once unless this call fails. */
mlc_code mlc_row_fetch_start(mlc_ais *ais, const mlc_row_fetch *fetch, mlc_row_fetch_fn fn, void *user,
                             mlc_error *err);
/* Append the keys from `at` on, one portion at most, joined by '|': the value of an MLC_AIS_IN term. */
mlc_code mlc_row_fetch_list(const char *const *keys, size_t count, size_t at, mlc_buf *out, mlc_error *err);

#endif
