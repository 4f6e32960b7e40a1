/* audit_check.h - proves a run of audit entries, wherever they come from: a store, or an exported file. Pure. */
#ifndef MLC_STORE_AUDIT_CHECK_H
#define MLC_STORE_AUDIT_CHECK_H

#include "store/audit.h"

/* A record whose texts are gone, until an event "redacted" of its key comes. */
typedef struct mlc_audit_bare {
    uint64_t index; /* of the first such entry */
    char *key;
} mlc_audit_bare;

typedef struct mlc_audit_check {
    uint64_t first, last; /* indexes seen; 0: none yet */
    uint8_t hash[MLC_AUDIT_HASH_LEN];
    uint8_t before[MLC_AUDIT_HASH_LEN]; /* hash of the entry before the first */
    bool whole;                         /* the beginning is entry 1, or its absence is explained */
    uint64_t count;
    mlc_audit_bare *bare;
    size_t bare_count, bare_cap;
} mlc_audit_check;

/* SHA-256(previous || event). */
mlc_code mlc_audit_chain(const uint8_t previous[MLC_AUDIT_HASH_LEN], const char *event,
                         uint8_t out[MLC_AUDIT_HASH_LEN], mlc_error *err);
/* SHA-256(salt || name || NUL || text). */
mlc_code mlc_audit_commitment(const uint8_t salt[16], const char *name, const char *text,
                              uint8_t out[MLC_AUDIT_HASH_LEN], mlc_error *err);

/* The next entry. It must follow the one before, unless `gaps` is allowed (a filtered export): then it must come later,
 * and only its own hash is proven. MLC_E_CORRUPT names the index. Zero-initialise the check; free it in any case. */
mlc_code mlc_audit_check_next(mlc_audit_check *check, const mlc_audit_item *item, bool gaps, mlc_error *err);
/* All were seen: are redactions explained? (With gaps the explanation may have been filtered out.) */
mlc_code mlc_audit_check_end(const mlc_audit_check *check, mlc_error *err);
void mlc_audit_check_free(mlc_audit_check *check);

#endif
