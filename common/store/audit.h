/* audit.h - append-only, hash-chained record of every operation.
 *
 * An entry is one JSON object; its hash is SHA-256(previous hash || text). It is written in the same
 * job as the change of state that it tells of, so the two cannot disagree. Verify walks the chain.
 */
#ifndef MLC_STORE_AUDIT_H
#define MLC_STORE_AUDIT_H

#include "base/buf.h"
#include "store/store.h"

/* NULL strings are left out. Never put secrets or whole payloads here. */
typedef struct mlc_audit_event {
    int64_t at_ms;
    const char *actor; /* "agent", "relay", "operator:jane" */
    const char
        *action; /* "polled", "received", "sent", "delivered", "retried", "parked", "superseded", ... */
    const char *tenant;
    const char *stream;
    const char *kind;
    const char *key; /* stream key of the record */
    const char *idem;
    const char *correlation;
    const char *source_id;    /* "JDE/F0101/6001" */
    const char *target_id;    /* "accounts(1a2b...)", "JDE/F4201/1234 SO 00001" */
    const char *payload_hash; /* hex SHA-256 of the payload */
    const char *outcome;      /* "ok" or the error's code name */
    const char *detail;       /* words for a person */
    uint64_t seq;             /* of the entry, 0: left out */
    uint32_t attempt;         /* 0: left out */
} mlc_audit_event;

/* Append; *index (may be NULL) receives the entry's number, from 1. */
mlc_code mlc_audit_append(mlc_txn *txn, const mlc_audit_event *event, uint64_t *index, mlc_error *err);
/* Visit from index `from` on. `json` is NUL-terminated and valid during the call. Return false to stop. */
typedef bool (*mlc_audit_visit_fn)(uint64_t index, const char *json, size_t len, const uint8_t hash[32],
                                   void *arg);
mlc_code mlc_audit_scan(mlc_txn *txn, uint64_t from, size_t max, mlc_audit_visit_fn visit, void *arg,
                        mlc_error *err);
/* Recompute the chain. MLC_E_CORRUPT names the first index that does not fit. *count: entries checked. */
mlc_code mlc_audit_verify(mlc_txn *txn, uint64_t *count, mlc_error *err);

#endif
