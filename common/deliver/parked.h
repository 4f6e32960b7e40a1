/* parked.h - a newer entry stands for the parked ones of its key, in a KEYED stream that does not supersede by itself.
 *
 * For entries that are settled by looking at the present state of their record: there a parked one has nothing to tell that the
 * newer does not, and would only hold it back (outbox.h, point 4).
 */
#ifndef MLC_DELIVER_PARKED_H
#define MLC_DELIVER_PARKED_H

#include "store/outbox.h"

/* In the job that put `entry` as `seq`: parked entries of the same key and kind end as done, "superseded by SEQ", each with an
 * audit event of `actor`. */
mlc_code mlc_parked_supersede(mlc_txn *txn, mlc_outbox *stream, const mlc_entry_new *entry, uint64_t seq,
                              const char *actor, mlc_error *err);

#endif
