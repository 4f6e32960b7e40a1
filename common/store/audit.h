/* audit.h - append-only, hash-chained record of every operation.
 *
 * An entry is one JSON object, the event; its hash is SHA-256(hash of the entry before || event). It is written in the
 * same job as the change of state that it tells of, so the two cannot disagree.
 *
 * Personal data. Free texts and hashes of payloads may tell something of a person. The event holds only a commitment to
 * each, SHA-256(salt || name || NUL || text), under "commitments"; text and salt stand beside it, in the entry's personal
 * part, which the chain does not cover. mlc_audit_redact takes that part away, and the chain stays whole. Without the salt
 * (128 random bits of each entry) a text cannot be guessed from its commitment. Entries of stores made before this rule
 * have their texts in the event; they read and verify as before, but cannot be redacted.
 *
 * Segments. mlc_audit_rotate closes the trail in segments, each anchored by an event "segment closed" (first and last
 * index, count, first and last hash), and takes away the oldest ones after the time of retention, each with an event
 * "segment removed". So what is missing at the beginning is proven by an entry that is there.
 *
 * Whoever can write the store's file and recompute all hashes can write another past. Against that only a copy of the
 * head elsewhere helps: programs tell it in their status and log (mlc_audit_head), "mlctl audit verify --head" compares.
 */
#ifndef MLC_STORE_AUDIT_H
#define MLC_STORE_AUDIT_H

#include "base/buf.h"
#include "base/json.h"
#include "store/store.h"

enum { MLC_AUDIT_HASH_LEN = 32 };

/* A segment of the trail. */
typedef struct mlc_audit_segment {
    uint64_t from, to; /* indexes */
    int64_t last_ms;   /* when the last of its entries was written */
    uint8_t first_hash[MLC_AUDIT_HASH_LEN], last_hash[MLC_AUDIT_HASH_LEN];
} mlc_audit_segment;

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
    const char *source_id;            /* "JDE/F0101/6001" */
    const char *target_id;            /* "Dynamics/accounts/1a2b..", "JDE/F4201/1234 SO 00001" */
    const char *payload_hash;         /* hex SHA-256 of the payload; personal */
    const char *payload_before;       /* of what was last written to the target, when known; personal */
    const char *outcome;              /* "ok" or the error's code name */
    const char *detail;               /* words for a person; personal */
    uint64_t seq;                     /* of the entry, 0: left out */
    uint32_t attempt;                 /* 0: left out */
    const mlc_audit_segment *segment; /* "segment closed", "segment removed" */
} mlc_audit_event;

/* Append; *index (may be NULL) receives the entry's number, from 1. */
mlc_code mlc_audit_append(mlc_txn *txn, const mlc_audit_event *event, uint64_t *index, mlc_error *err);

/* ---- reading ---- */

/* An entry as it is stored; the texts are NUL-terminated and valid during the visit. */
typedef struct mlc_audit_item {
    uint64_t index;
    const uint8_t *hash, *previous; /* of this entry and of the one before: MLC_AUDIT_HASH_LEN bytes */
    const char *event;              /* what the chain covers */
    const char *personal;           /* JSON: salt and texts; NULL: none, or redacted */
} mlc_audit_item;

/* Return false to stop. */
typedef bool (*mlc_audit_visit_fn)(const mlc_audit_item *item, void *arg);
/* Visit from index `from` on (or from the first that is kept), at most max entries. */
mlc_code mlc_audit_scan(mlc_txn *txn, uint64_t from, size_t max, mlc_audit_visit_fn visit, void *arg,
                        mlc_error *err);

typedef struct mlc_audit_head {
    uint64_t index; /* of the last entry; 0: there never was one */
    uint8_t hash[MLC_AUDIT_HASH_LEN];
    uint64_t first; /* index of the first entry that is kept */
} mlc_audit_head;
mlc_code mlc_audit_head_get(mlc_txn *txn, mlc_audit_head *out, mlc_error *err);

/* "INDEX:HASH", as an operator notes a head. MLC_E_INVALID. */
mlc_code mlc_audit_head_parse(const char *text, mlc_audit_head *out, mlc_error *err);

/* When it was written. MLC_E_CORRUPT. */
mlc_code mlc_audit_time(const mlc_audit_item *item, int64_t *wall_ms, mlc_error *err);
/* The event with its personal texts among its members, and "redacted":true when they were taken away. *out is the
 * caller's (cJSON_Delete). MLC_E_CORRUPT when it is not readable. */
mlc_code mlc_audit_tree(const mlc_audit_item *item, cJSON **out, mlc_error *err);

/* ---- keeping ---- */

typedef struct mlc_audit_policy {
    uint64_t segment_entries; /* a segment is closed at so many entries; 0: 10 000 */
    int64_t segment_age_ms;   /* or when its first entry is so old; 0: 30 days */
    int64_t keep_ms;          /* a segment is removed when its last entry is so old; 0: two years */
} mlc_audit_policy;

/* Close at most one segment and remove at most one. *more: there is more to be done at once. */
mlc_code mlc_audit_rotate(mlc_txn *txn, const mlc_audit_policy *policy, int64_t now_ms, bool *more,
                          mlc_error *err);

/* Prove the trail: no entry was altered, reordered or cut out, at the beginning, the end, or between; every text fits its
 * commitment; what is missing was removed by retention or redacted, and entries tell so. MLC_E_CORRUPT names the first
 * index that does not fit. With `known` (a head noted elsewhere) that entry must have that hash; MLC_E_NOTFOUND when it
 * was removed by retention since. *count: entries checked. */
mlc_code mlc_audit_verify(mlc_txn *txn, const mlc_audit_head *known, uint64_t *count, mlc_error *err);

typedef struct mlc_audit_redaction {
    const char *key;   /* stream key of the record */
    uint64_t from;     /* in: look from this index on; out: where the next job goes on, 0: all was seen */
    size_t max;        /* entries to look at in this job */
    uint64_t redacted; /* out, added to: entries whose texts were taken away */
    uint64_t bare;     /* out, added to: that had none any more */
    uint64_t fixed;    /* out, added to: whose texts are part of the chain (written by older versions) */
} mlc_audit_redaction;
/* Take the personal part of the key's entries away; events "redacted" themselves keep theirs. The caller appends the
 * event "redacted" with the same key in the last of the jobs: verification asks for it. */
mlc_code mlc_audit_redact(mlc_txn *txn, mlc_audit_redaction *redaction, mlc_error *err);

#endif
