/* flow_data.h - what was read for a page of a flow: the keys of its records, and the present rows of each part, indexed.
 *
 * A key is the values of the flow's key columns joined by MLC_POLL_KEY_SEPARATOR; its lead is the first of them. A page
 * whose driver has fewer key columns holds beginnings of keys ("expand"): then the records are those of the leading rows
 * that were found. Every search is binary, so that a page costs n log n. Pure; any thread, one at a time.
 */
#ifndef MLC_AGENT_FLOW_DATA_H
#define MLC_AGENT_FLOW_DATA_H

#include "agent/flow/flow_spec.h"
#include "agent/watermark.h"

/* The values of a row's columns, joined. MLC_E_LIMIT when they are too long. */
mlc_code mlc_flow_key(const cJSON *row, const char *const *columns, size_t count, char out[MLC_POLL_KEY_MAX],
                      mlc_error *err);
/* "60001/30/0//USD/EA": the values without blanks around them, joined by '/'. */
void mlc_flow_id(const char *key, char out[MLC_POLL_KEY_MAX]);

/* ---- keys ---- */

typedef struct mlc_flow_keys {
    char (*texts)[MLC_POLL_KEY_MAX];
    size_t count;        /* as added */
    const char **wanted; /* distinct, in order */
    size_t wanted_count;
    const char **leads; /* distinct first values, in order */
    size_t lead_count;
    char (*lead_texts)[MLC_POLL_KEY_MAX];
    bool expand;
} mlc_flow_keys;

/* Room for `count` keys. Free with mlc_flow_keys_clear in any case. */
mlc_code mlc_flow_keys_reserve(mlc_flow_keys *keys, size_t count, mlc_error *err);
void mlc_flow_keys_add(mlc_flow_keys *keys, const char *key);
/* After the last one was added: sorts. */
void mlc_flow_keys_close(mlc_flow_keys *keys);
void mlc_flow_keys_clear(mlc_flow_keys *keys);
/* Is a row of this key, made of `key_count` values, of use for the page? */
bool mlc_flow_keys_want(const mlc_flow_keys *keys, const char *key, size_t key_count);

/* ---- rows ---- */

typedef struct mlc_flow_row {
    char key[MLC_POLL_KEY_MAX];
    const cJSON *row;
    size_t order; /* as read */
} mlc_flow_row;

typedef struct mlc_flow_rows {
    cJSON *tree; /* owner */
    mlc_flow_row *at;
    size_t count;
} mlc_flow_rows;

/* Takes `tree` (an array, NULL: none) also on failure, and indexes it by the columns. */
mlc_code mlc_flow_rows_open(mlc_flow_rows *rows, cJSON *tree, const char *const *columns, size_t count,
                            mlc_error *err);
void mlc_flow_rows_clear(mlc_flow_rows *rows);
/* The rows of a key, in the order read; *count may be 0. */
const mlc_flow_row *mlc_flow_rows_find(const mlc_flow_rows *rows, const char *key, size_t *count);

/* ---- both ---- */

typedef struct mlc_flow_data {
    mlc_flow_keys keys;
    mlc_flow_rows parts[MLC_FLOW_PARTS_MAX];
    mlc_flow_rows ledger; /* rows {"key","sum"}, by "key" */
    bool with_ledger;
} mlc_flow_data;

void mlc_flow_data_clear(mlc_flow_data *data);

#endif
