/* sent.h - what the relay knows it last wrote to Dynamics: for each master record the fingerprint of the snapshot that was
 * delivered, its version, and a hash of the columns that can be compared with what Dynamics shows. Kept in the tenant's store in
 * order of kind and lead (record/compare.h), written in the job that ends the delivery.
 */
#ifndef MLC_RELAY_SENT_H
#define MLC_RELAY_SENT_H

#include "map/map.h"
#include "record/compare.h"
#include "relay/schema_table.h"
#include "store/store.h"

enum { MLC_SENT_VERSION_MAX = 64, MLC_SENT_HASH_LEN = 8 };

/* Of the columns of a mapping that were written; bit i stands for its column i. */
typedef struct mlc_sent_columns {
    uint64_t mask; /* 0: nothing to compare */
    uint8_t mapping
        [MLC_SENT_HASH_LEN]; /* beginning of the mapping's digest: bits of another mapping say nothing */
    uint8_t hash[MLC_SENT_HASH_LEN];
} mlc_sent_columns;

typedef struct mlc_sent {
    bool gone;     /* written as gone */
    uint32_t seen; /* number of the comparison that saw its row in Dynamics last */
    uint8_t fingerprint[MLC_MASTER_FINGERPRINT_LEN];
    mlc_sent_columns columns;
    char version[MLC_SENT_VERSION_MAX];
} mlc_sent;

/* MLC_E_NOTFOUND; MLC_E_CORRUPT. */
mlc_code mlc_sent_get(mlc_txn *txn, const char *kind, const char *id, mlc_sent *out, mlc_error *err);
/* Keeps `seen` of the entry that is there. */
mlc_code mlc_sent_put(mlc_txn *txn, const char *kind, const char *id, const mlc_sent *sent, mlc_error *err);
/* Was its row seen? */
mlc_code mlc_sent_mark(mlc_txn *txn, const char *kind, const char *id, uint32_t seen, mlc_error *err);

/* Those of a kind with from <= lead < to, in order. Return false to stop. */
typedef bool (*mlc_sent_visit_fn)(const char *id, const mlc_sent *sent, void *arg);
mlc_code mlc_sent_scan(mlc_txn *txn, const char *kind, int64_t from, int64_t to, mlc_sent_visit_fn visit,
                       void *arg, mlc_error *err);
/* Sum of those in the range that are not gone. */
mlc_code mlc_sent_sum(mlc_txn *txn, const char *kind, int64_t from, int64_t to, mlc_range_sum *out,
                      mlc_error *err);

/* ---- columns; pure ---- */

/* Can this column of the mapping be compared with what Dynamics shows? Its name goes to `name`. */
bool mlc_sent_comparable(const mlc_map *map, size_t index, const char *prefix, const mlc_schema_table *table,
                         char *name, size_t size);
/* Of a body that is written: mask and hash of what is in it. */
mlc_code mlc_sent_columns_written(const mlc_map *map, const char *prefix, const mlc_schema_table *table,
                                  const cJSON *body, mlc_sent_columns *out, mlc_error *err);
/* Does a row that Dynamics shows still have these values? True as well when that cannot be told. */
bool mlc_sent_columns_same(const mlc_map *map, const char *prefix, const mlc_schema_table *table,
                           const cJSON *row, const mlc_sent_columns *written);

#endif
