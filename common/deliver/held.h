/* held.h - messages of dry runs, kept until they are sent for good.
 *
 * A dry run writes nothing at the peer, so its message is still owed. It waits in a stream of its own ("held", KEYED, nobody
 * delivers from it) which keeps it whatever the retention of done entries is. When the dry run of its kind is over, it goes
 * back into the stream it came from under a new idempotency key ("OLD/held/SEQ"); of snapshots, unless a newer one of its key
 * waits there or was delivered.
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

/* Give back what is no more to be held. For start-up, before anything is delivered from `to` or put into it; blocks for a commit
 * for each 500 messages. MLC_E_FULL when `to` is: the rest stays for the next start. *released may be NULL. */
mlc_code mlc_held_release(const mlc_held_release_options *options, size_t *released, mlc_error *err);

#endif
