/* outbox_private.h - a stream's record and the indexes of its entries; shared by outbox*.c. */
#ifndef MLC_STORE_OUTBOX_PRIVATE_H
#define MLC_STORE_OUTBOX_PRIVATE_H

#include "store/entry.h"
#include "store/outbox.h"
#include "store/store_private.h"

enum { STREAM_NAME_MAX = 32, OUTBOX_KEY_MAX = 64 };

struct mlc_outbox {
    mlc_store *store;
    mlc_stream_spec spec;
    char name[STREAM_NAME_MAX + 1];
    uint16_t id;
};

/* The durable record of a stream. */
typedef struct stream_meta {
    uint16_t id;
    uint8_t mode;
    uint64_t next_seq, acked_seq;
    uint64_t count[MLC_ENTRY_DONE + 1];
    uint64_t live_bytes;
} stream_meta;

mlc_code meta_load(mlc_txn *txn, const char *name, stream_meta *out, mlc_error *err);
mlc_code meta_save(mlc_txn *txn, const char *name, const stream_meta *meta, mlc_error *err);

/* Key of an index row; returns its length. */
size_t key_seq(const mlc_outbox *ob, uint64_t seq, uint8_t out[OUTBOX_KEY_MAX]);
size_t key_time(const mlc_outbox *ob, int64_t time_ms, uint64_t seq, uint8_t out[OUTBOX_KEY_MAX]);
mlc_code key_hash(const mlc_outbox *ob, const char *text, uint8_t out[OUTBOX_KEY_MAX], size_t *len,
                  mlc_error *err);

/* An entry being changed: its strings live in `keep`, so they survive writes to the store. */
typedef struct entry_edit {
    mlc_entry e;
    mlc_buf keep; /* the stored bytes */
} entry_edit;
mlc_code edit_load(mlc_txn *txn, const mlc_outbox *ob, uint64_t seq, entry_edit *out, mlc_error *err);
void edit_free(entry_edit *edit);
mlc_code entry_save(mlc_txn *txn, const mlc_outbox *ob, const mlc_entry *e, mlc_error *err);

/* Make an existing entry take a new state, with all that hangs on it: counts, bytes, indexes. `e` holds the new
 * values but the old state is `from`. */
mlc_code entry_move(mlc_txn *txn, mlc_outbox *ob, stream_meta *meta, mlc_entry *e, mlc_entry_state from,
                    int64_t old_next_ms, mlc_error *err);
/* First live sequence of a key at or after `from`, 0 when none. */
mlc_code key_next(mlc_txn *txn, const mlc_outbox *ob, const char *text, uint64_t from, uint64_t *seq,
                  mlc_error *err);
/* The same from the beginning. */
mlc_code key_head(mlc_txn *txn, const mlc_outbox *ob, const char *key, uint64_t *seq, mlc_error *err);
/* Is there a live entry of the key after seq? */
mlc_code key_has_newer(mlc_txn *txn, const mlc_outbox *ob, const char *key, uint64_t seq, bool *newer,
                       mlc_error *err);
/* Add to / take from the live lists. */
mlc_code live_add(mlc_txn *txn, const mlc_outbox *ob, const mlc_entry *e, mlc_error *err);
/* KEYED: the head of a key, when ready, is due. */
mlc_code due_refresh(mlc_txn *txn, mlc_outbox *ob, const char *key, mlc_error *err);

/* Put an ended entry's message once more, under a new sequence (release on a SEQUENCE stream). */
mlc_code outbox_requeue(mlc_txn *txn, mlc_outbox *ob, stream_meta *meta, const mlc_entry *old, int64_t now_ms,
                        uint64_t *seq, mlc_error *err);

#endif
