/* inbox.h - what was received already: idempotency key -> stored answer.
 *
 * A receiver, in ONE job: looks the key up; when known, gives the stored answer again; when new, stores
 * the effect (for example an outbox entry) and the key with its answer. Only after the commit it
 * acknowledges. Keys of any length up to 1 KiB; `source` separates senders ("up", "webhook").
 */
#ifndef MLC_STORE_INBOX_H
#define MLC_STORE_INBOX_H

#include "store/store.h"

/* answer and len borrow from the transaction. MLC_E_NOTFOUND when the key is new. */
mlc_code mlc_inbox_get(mlc_txn *txn, const char *source, const char *idem, const void **answer, size_t *len,
                       mlc_error *err);
/* Remember a key with its answer (may be empty). MLC_E_EXISTS when known already. */
mlc_code mlc_inbox_put(mlc_txn *txn, const char *source, const char *idem, const void *answer, size_t len,
                       int64_t now_ms, mlc_error *err);
/* Forget keys older than before_ms, at most max_work. *pruned may be NULL. */
mlc_code mlc_inbox_prune(mlc_txn *txn, int64_t before_ms, size_t max_work, size_t *pruned, mlc_error *err);

#endif
