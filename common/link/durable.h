/* durable.h - what a link remembers in the store: how far it received, what it refused, its generation.
 *
 * All are cursors named "tunnel/<stream>/...", numbers big-endian. Private to common/link.
 */
#ifndef MLC_LINK_DURABLE_H
#define MLC_LINK_DURABLE_H

#include "store/store.h"
#include "tunnel/hello.h"

/* Receiving side. Zeros when nothing was ever received. */
mlc_code link_position_get(mlc_txn *txn, const char *in_name, mlc_position *out, mlc_error *err);
mlc_code link_position_put(mlc_txn *txn, const char *in_name, const mlc_position *position, mlc_error *err);

/* Refusals the sender may not yet know of for good, in sequence. */
mlc_code link_refusal_put(mlc_txn *txn, const char *in_name, const mlc_position *stream, uint64_t seq,
                          unsigned code, const char *text, mlc_error *err);
typedef void (*link_refusal_fn)(void *arg, uint64_t seq, unsigned code, const char *text);
/* Visit refusals of the stream's epoch and generation after `after`. *others (not NULL) receives whether
 * there are any others, which can be dropped. */
mlc_code link_refusals_scan(mlc_txn *txn, const char *in_name, const mlc_position *stream, uint64_t after,
                            link_refusal_fn visit, void *arg, bool *others, mlc_error *err);
/* Forget those up to `upto`, and all of other epochs and generations. */
mlc_code link_refusals_drop(mlc_txn *txn, const char *in_name, const mlc_position *stream, uint64_t upto,
                            mlc_error *err);

/* Sending side: generation of the stream, from 1. */
mlc_code link_generation_get(mlc_txn *txn, const char *out_name, uint64_t *generation, mlc_error *err);
mlc_code link_generation_put(mlc_txn *txn, const char *out_name, uint64_t generation, mlc_error *err);

#endif
