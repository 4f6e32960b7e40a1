/* audit_private.h - what the files of the audit trail share.
 *
 * A row: hash of the chain, event with a NUL, then the personal part with a NUL when there is one.
 * META "audit-head": index, hash of the last entry. META "audit-base": index, hash of the last one removed by retention.
 * META "audit-open": index of the first entry that is in no closed segment. SEGMENT: from -> to, last_ms, two hashes.
 */
#ifndef MLC_STORE_AUDIT_PRIVATE_H
#define MLC_STORE_AUDIT_PRIVATE_H

#include "store/audit.h"
#include "store/audit_check.h"
#include "store/store_private.h"

typedef struct audit_mark {
    uint64_t index;
    uint8_t hash[MLC_AUDIT_HASH_LEN];
} audit_mark;

#define AUDIT_HEAD "audit-head"
#define AUDIT_BASE "audit-base"
#define AUDIT_OPEN "audit-open"

/* Index 0 and zeros when there is none. */
mlc_code audit_mark_get(mlc_txn *txn, const char *name, audit_mark *out, mlc_error *err);
mlc_code audit_mark_put(mlc_txn *txn, const char *name, const audit_mark *mark, mlc_error *err);

/* A row's parts; `previous` is left alone. */
mlc_code audit_row_read(const MDB_val *key, const MDB_val *value, mlc_audit_item *out, mlc_error *err);
/* One entry, borrowed. MLC_E_NOTFOUND. */
mlc_code audit_get(mlc_txn *txn, uint64_t index, mlc_audit_item *out, mlc_error *err);

/* audit_text.c: both texts are the caller's (free); *personal is NULL when there is nothing personal. */
mlc_code audit_print(const mlc_audit_event *event, uint64_t index, char **text, char **personal,
                     mlc_error *err);

#endif
