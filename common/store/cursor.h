/* cursor.h - named durable positions (watermarks, received sequences, delta links) and fingerprints.
 *
 * A cursor is moved in the same job as the entries it covers (outbox.h, point 2).
 * A fingerprint is the hash of the last version of a record that was put into an outbox, so that a row
 * that is read again without a change is silent (overlap of polls, mass touches, own echoes).
 */
#ifndef MLC_STORE_CURSOR_H
#define MLC_STORE_CURSOR_H

#include "store/store.h"

enum { MLC_FINGERPRINT_LEN = 16 };

/* *value borrows from the transaction. MLC_E_NOTFOUND. Names up to 200 characters, values up to 64 KiB. */
mlc_code mlc_cursor_get(mlc_txn *txn, const char *name, const void **value, size_t *len, mlc_error *err);
mlc_code mlc_cursor_put(mlc_txn *txn, const char *name, const void *value, size_t len, mlc_error *err);
mlc_code mlc_cursor_delete(mlc_txn *txn, const char *name, mlc_error *err);
/* Visit all cursors whose name starts with prefix. Return false to stop. */
typedef bool (*mlc_cursor_visit_fn)(const char *name, const void *value, size_t len, void *arg);
mlc_code mlc_cursor_scan(mlc_txn *txn, const char *prefix, mlc_cursor_visit_fn visit, void *arg,
                         mlc_error *err);
/* The same from the name `from` on, which begins with prefix. */
mlc_code mlc_cursor_scan_from(mlc_txn *txn, const char *prefix, const char *from, mlc_cursor_visit_fn visit,
                              void *arg, mlc_error *err);

/* Store the fingerprint of record (space, key) and tell whether it differs from the stored one
 * (a new record differs). */
mlc_code mlc_fingerprint_swap(mlc_txn *txn, const char *space, const char *key,
                              const uint8_t hash[MLC_FINGERPRINT_LEN], bool *changed, mlc_error *err);
/* Read without changing: *known false when there is none; *same tells equality. */
mlc_code mlc_fingerprint_check(mlc_txn *txn, const char *space, const char *key,
                               const uint8_t hash[MLC_FINGERPRINT_LEN], bool *known, bool *same,
                               mlc_error *err);
mlc_code mlc_fingerprint_delete(mlc_txn *txn, const char *space, const char *key, mlc_error *err);

#endif
