/* held.h - messages of dry runs, kept until they are sent for good.
 *
 * A dry run writes nothing at the peer, so its message is still owed. It waits in a stream of its own ("held", KEYED, nobody
 * delivers from it) which keeps it whatever the retention of done entries is. When the dry run of its kind is over, it goes
 * back into the stream it came from under a new idempotency key ("OLD/held/SEQ"); of snapshots, unless a newer one of its key
 * waits there or was delivered. What finds no room in that stream goes when there is some.
 */
#ifndef MLC_DELIVER_HELD_H
#define MLC_DELIVER_HELD_H

#include "deliver/deliverer.h"

#define MLC_HELD_STREAM "held"

/* Job: keep the message of this item. `held` NULL is MLC_E_INTERNAL. */
mlc_code mlc_held_keep(mlc_txn *txn, mlc_outbox *held, const mlc_delivery *item, int64_t now_ms,
                       mlc_error *err);

typedef struct mlc_held_release_options {
    mlc_store *store;
    mlc_outbox *held, *to;
    bool snapshots; /* `to` supersedes: an older message may not follow a newer one of its key */
    mlc_log *log;
    /* Is this kind to be held further? NULL: none is. */
    bool (*is_dry)(void *user, const char *kind);
    /* In a job: was something newer of the record delivered? A message may stay held while later ones are sent, when `to` was
     * full. NULL: that is not asked. */
    mlc_code (*is_old)(mlc_txn *txn, const mlc_entry *entry, bool *old, void *user, mlc_error *err);
    void *user;
} mlc_held_release_options;

/* Give back what is no more to be held, in its order; blocks for a commit for each 500 messages. MLC_E_FULL when `to` is: the rest
 * stays held. *released may be NULL. */
mlc_code mlc_held_release(const mlc_held_release_options *options, size_t *released, mlc_error *err);

/* Gives back as soon as it can. Thread rule: loop's thread only. */
typedef struct mlc_held_keeper mlc_held_keeper;

typedef struct mlc_held_keeper_options {
    mlc_held_release_options release;
    uv_loop_t *loop;
    int64_t retry_ms;                /* between two tries while `to` is full; 0: 5 s */
    void (*on_released)(void *user); /* `to` has work; also called before open returns. May be NULL */
    void *user;
} mlc_held_keeper_options;

/* Gives back what is no more to be held: before anything is delivered from `to` or put into it. What finds no room is tried again
 * until it does. */
mlc_code mlc_held_keeper_open(mlc_held_keeper **out, const mlc_held_keeper_options *options, mlc_error *err);
/* A dry run may be over. */
mlc_code mlc_held_keeper_again(mlc_held_keeper *keeper, mlc_error *err);
/* Before the store is closed. NULL is allowed. */
void mlc_held_keeper_close(mlc_held_keeper *keeper);

#endif
