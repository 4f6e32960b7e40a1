/* crossref.h - which record of one system is which record of the other.
 *
 * A record is named "SYSTEM/TABLE/ID": "JDE/F0101/6001", "Dynamics/accounts/1a2b..", "JDE/F4201/1234 SO 00001". A link joins
 * two; it is found from either side. It is written in the same job as the end of the delivery that made or changed the
 * counterpart, with the hash of the payload that was written and the time. In one table of the other system a record has
 * one counterpart: a new one takes the place of the old.
 *
 * The store can be lost: each system holds the other's id (sourcerecordid columns, VR01), from which it is filled anew.
 */
#ifndef MLC_STORE_CROSSREF_H
#define MLC_STORE_CROSSREF_H

#include "store/store.h"

enum { MLC_CROSSREF_ID_MAX = 400, MLC_CROSSREF_HASH_LEN = 32 };

typedef struct mlc_crossref {
    const char *id, *other; /* borrowed from the transaction */
    const uint8_t *hash;    /* of the payload last written to `other`; NULL: not known */
    int64_t written_ms;     /* when; 0: not known */
    int64_t seen_ms;        /* when the link was last written or read from a system */
} mlc_crossref;

/* "SYSTEM/TABLE/ID", none of them empty? MLC_E_INVALID says what it must be. */
mlc_code mlc_crossref_check(const char *id, mlc_error *err);

/* Link source and target. `hash`: of the payload that was written to target now; NULL: nothing was written, the link was
 * only seen, and what is known of it stays. */
mlc_code mlc_crossref_put(mlc_txn *txn, const char *source, const char *target, const uint8_t *hash,
                          int64_t now_ms, mlc_error *err);
/* The link from source to target. MLC_E_NOTFOUND. */
mlc_code mlc_crossref_get(mlc_txn *txn, const char *source, const char *target, mlc_crossref *out,
                          mlc_error *err);
/* Visit the counterparts of a record. Return false to stop. */
typedef bool (*mlc_crossref_visit_fn)(const mlc_crossref *link, void *arg);
mlc_code mlc_crossref_find(mlc_txn *txn, const char *id, mlc_crossref_visit_fn visit, void *arg,
                           mlc_error *err);
/* Forget a link. Absent is fine. */
mlc_code mlc_crossref_forget(mlc_txn *txn, const char *a, const char *b, mlc_error *err);

/* After a rebuild: forget the links of records whose id begins with `prefix` ("Dynamics/accounts/") that were not seen
 * since before_ms. Looks at `max` links in one job. */
typedef struct mlc_crossref_sweep {
    const char *prefix;
    int64_t before_ms;
    size_t max;
    uint8_t at[32];     /* in: zeros at the start; out: where the next job goes on */
    bool over;          /* out */
    uint64_t forgotten; /* added to */
} mlc_crossref_sweep;
mlc_code mlc_crossref_sweep_run(mlc_txn *txn, mlc_crossref_sweep *sweep, mlc_error *err);

#endif
