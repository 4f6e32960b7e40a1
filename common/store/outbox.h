/* outbox.h - durable queues ("streams") of work for another system. THE OUTBOX CONTRACT:
 *
 *  1. An entry has: sequence (per stream, gapless, from 1), tenant, stream key (order is kept per
 *     key), idempotency key, kind, payload, correlation id, created, attempts, next attempt, last
 *     error, state (ready, in flight, parked, done).
 *  2. An entry exists when the job that put it is reported committed, and not before; jobs share
 *     syncs (store.h). A cursor moved in the same job moves if and only if the entry exists.
 *  3. Putting an idempotency key that the stream still knows stores nothing and gives back the first
 *     entry's sequence.
 *  4. KEYED streams: an entry is due only when it is the oldest live entry of its key. So order per
 *     key is kept, keys are independent, one key never has two entries in flight. An entry that is
 *     parked holds back its key's successors, unless the stream supersedes.
 *     SEQUENCE streams (the tunnel): entries are read in sequence from the last acknowledged one and
 *     acknowledged cumulatively.
 *  5. A stream with `supersede` carries snapshots: putting an entry ends every older entry of the same
 *     key that is ready or parked (not one in flight): state done, outcome "superseded by N". Such an
 *     entry keeps its sequence; a SEQUENCE reader sees it as void. Each entry so ended gets an audit
 *     event "superseded" in the same job.
 *  6. Begin is durable: an entry is marked in flight, with its attempt counted, BEFORE anything is
 *     sent. After a crash recover() makes it ready again, flagged uncertain, not before
 *     began + settle: the deliverer must look before it writes again.
 *  7. Bounded: when the live bytes or entries of a stream pass its limits, put fails with MLC_E_FULL
 *     and stores nothing; the source must slow down. Nothing is ever dropped for lack of room.
 *  8. Done entries are kept for inspection and for de-duplication and are pruned by age and by count.
 *     Parked entries are never pruned.
 *
 * All functions with an mlc_txn run inside a job (writing) or a reader (reading), see store.h.
 * Pointers in an mlc_entry borrow from the transaction: copy what must outlive it.
 */
#ifndef MLC_STORE_OUTBOX_H
#define MLC_STORE_OUTBOX_H

#include "store/store.h"

typedef enum mlc_stream_mode { MLC_STREAM_KEYED, MLC_STREAM_SEQUENCE } mlc_stream_mode;

typedef struct mlc_stream_spec {
    const char *name; /* "up", "down", "jde", "dynamics", "intake"; at most 32 characters */
    mlc_stream_mode mode;
    bool supersede;
    uint64_t max_bytes;       /* live bytes (payload and texts); 0: 1 GiB */
    uint64_t max_entries;     /* live entries; 0: unlimited */
    int64_t keep_done_ms;     /* 0: 7 days */
    uint64_t keep_done_count; /* 0: 100 000 */
} mlc_stream_spec;

/* Handle of one stream of one store. Holds no entry in memory. */
typedef struct mlc_outbox mlc_outbox;

typedef enum mlc_entry_state {
    MLC_ENTRY_READY,
    MLC_ENTRY_INFLIGHT,
    MLC_ENTRY_PARKED,
    MLC_ENTRY_DONE
} mlc_entry_state;
const char *mlc_entry_state_name(mlc_entry_state state);

/* What the source gives. Strings must not be NULL; key and idem may be of any length up to 1 KiB. */
typedef struct mlc_entry_new {
    const char *tenant;
    const char *key;         /* stream key, e.g. "account/6001" */
    const char *idem;        /* idempotency key */
    const char *kind;        /* e.g. "customer", "order" */
    const char *correlation; /* follows the record through all hops; "" allowed */
    const void *payload;
    size_t payload_len;
    int64_t now_ms;        /* becomes created */
    int64_t not_before_ms; /* first attempt not earlier; 0: at once */
} mlc_entry_new;

typedef struct mlc_entry {
    uint64_t seq;
    mlc_entry_state state;
    bool uncertain; /* an earlier attempt may have had its effect */
    uint32_t attempts;
    int64_t created_ms, next_attempt_ms, began_ms, ended_ms;
    const char *tenant, *key, *idem, *kind, *correlation;
    const char *last_error; /* of the last failed attempt, or why parked; "" when none */
    const char *outcome;    /* how it ended, when done; "" otherwise */
    const void *payload;
    size_t payload_len;
} mlc_entry;

typedef struct mlc_outbox_stats {
    uint64_t next_seq, acked_seq;           /* acked_seq: SEQUENCE streams */
    uint64_t ready, inflight, parked, done; /* entries by state */
    uint64_t live_bytes, max_bytes;         /* bytes of entries that are not done */
    int64_t oldest_live_ms;                 /* created of the oldest live entry, 0 when none */
} mlc_outbox_stats;

/* Open (create on first use) a stream; `spec` is copied. The mode of an existing stream cannot change
 * (MLC_E_CONFLICT). Blocks for one commit. Close before the store. */
mlc_code mlc_outbox_open(mlc_outbox **out, mlc_store *store, const mlc_stream_spec *spec, mlc_error *err);
void mlc_outbox_close(mlc_outbox *ob);
const char *mlc_outbox_name(const mlc_outbox *ob);

/* ---- writing jobs ---- */

/* Add an entry. *seq receives its sequence; *duplicate (may be NULL) tells that it was known.
 * MLC_E_FULL by limit 7, MLC_E_INVALID for over-long strings. */
mlc_code mlc_outbox_put(mlc_txn *txn, mlc_outbox *ob, const mlc_entry_new *entry, uint64_t *seq,
                        bool *duplicate, mlc_error *err);

/* KEYED: ready -> in flight, attempts + 1. MLC_E_CONFLICT when it is not the ready head of its key
 * (for example superseded meanwhile): then do not send. */
mlc_code mlc_outbox_begin(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, mlc_error *err);
/* In flight (or ready, or parked) -> done, with a short outcome ("204 account 1a2b.."). Already done: MLC_OK. */
mlc_code mlc_outbox_done(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, const char *outcome,
                         mlc_error *err);
/* In flight -> ready at next_ms. `uncertain` is remembered (or-ed) until done. A superseding stream
 * ends the entry instead when a newer one of its key waits and the attempt was not uncertain. */
mlc_code mlc_outbox_retry(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t next_ms, bool uncertain,
                          const char *error, mlc_error *err);
/* Ready or in flight -> parked for review (same superseding rule as retry). */
mlc_code mlc_outbox_park(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, const char *error,
                         mlc_error *err);
/* Parked -> ready now, attempts restart at 0, history text kept. On a SEQUENCE stream the reader is past
 * it: there it ends with outcome "requeued as N" and a new entry N takes over payload and idempotency
 * key. *new_seq (may be NULL) is the sequence that is ready now. MLC_E_CONFLICT when not parked. */
mlc_code mlc_outbox_release(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, uint64_t *new_seq,
                            mlc_error *err);
/* KEYED: what the entry waited for has come: ready later, or parked -> ready now. One in flight, ended or pruned is left as it
 * is. */
mlc_code mlc_outbox_wake(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, mlc_error *err);
/* Parked -> done with outcome "dismissed: reason". */
mlc_code mlc_outbox_dismiss(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, const char *reason,
                            mlc_error *err);
/* Start-up: every in-flight entry -> ready, uncertain, at began + settle_ms. */
mlc_code mlc_outbox_recover(mlc_txn *txn, mlc_outbox *ob, int64_t settle_ms, uint64_t *recovered,
                            mlc_error *err);
/* SEQUENCE: everything up to seq is done with outcome "acknowledged" (parked ones stay parked). A seq
 * below the present mark is ignored; one beyond the last entry is MLC_E_PROTOCOL. */
mlc_code mlc_outbox_ack(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, mlc_error *err);
/* Prune done entries by age and count, at most max_work of them. *pruned may be NULL. */
mlc_code mlc_outbox_prune(mlc_txn *txn, mlc_outbox *ob, int64_t now_ms, size_t max_work, size_t *pruned,
                          mlc_error *err);

/* ---- reading jobs ---- */

/* Return false to stop. The entry is valid during the call only. */
typedef bool (*mlc_entry_visit_fn)(const mlc_entry *entry, void *arg);

/* KEYED: visit ready heads with next_attempt <= now, oldest next_attempt first, at most `max`.
 * *next_due_ms (may be NULL) receives when the first one not yet due will be, or INT64_MAX. */
mlc_code mlc_outbox_due(mlc_txn *txn, mlc_outbox *ob, int64_t now_ms, size_t max, mlc_entry_visit_fn visit,
                        void *arg, int64_t *next_due_ms, mlc_error *err);
/* Visit entries in sequence from from_seq on, whatever their state (so SEQUENCE readers see void ones). */
mlc_code mlc_outbox_scan(mlc_txn *txn, mlc_outbox *ob, uint64_t from_seq, size_t max,
                         mlc_entry_visit_fn visit, void *arg, mlc_error *err);
/* Visit parked entries in sequence from from_seq on. */
mlc_code mlc_outbox_parked(mlc_txn *txn, mlc_outbox *ob, uint64_t from_seq, size_t max,
                           mlc_entry_visit_fn visit, void *arg, mlc_error *err);
/* One entry, borrowed. MLC_E_NOTFOUND. */
mlc_code mlc_outbox_get(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, mlc_entry *out, mlc_error *err);
/* Sequence by idempotency key. MLC_E_NOTFOUND. */
mlc_code mlc_outbox_find(mlc_txn *txn, mlc_outbox *ob, const char *idem, uint64_t *seq, mlc_error *err);
/* Is an entry of this key ready, in flight or parked? */
mlc_code mlc_outbox_live(mlc_txn *txn, mlc_outbox *ob, const char *key, bool *live, mlc_error *err);
mlc_code mlc_outbox_stats_get(mlc_txn *txn, mlc_outbox *ob, mlc_outbox_stats *out, mlc_error *err);

#endif
