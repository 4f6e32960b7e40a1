/* store_private.h - what the files of this folder share: the databases of the environment and a transaction.
 *
 * Every table is one LMDB database; all numbers in keys are big-endian, so that LMDB's order is theirs.
 *   META         name                      format, epoch, the record of each stream
 *   ENTRY        stream, seq               an entry (entry.h)
 *   LIVE         stream, seq               created; entries that are not done
 *   FLIGHT       stream, seq               entries in flight
 *   PARKED       stream, seq               entries parked
 *   DUE          stream, next, seq         KEYED: ready heads
 *   KEY          stream, hash(key), seq    live entries of a key, oldest first
 *   IDEM         stream, hash(idem)        seq
 *   DONE         stream, ended, seq        done entries, for pruning
 *   INBOX        hash(source, idem)        received, answer
 *   INBOX_AGE    received, hash            for pruning
 *   CURSOR       name                      value
 *   FINGERPRINT  hash(space, key)          16 bytes
 *   AUDIT        index                     hash of the chain, event, personal part (audit_private.h)
 *   AUDIT_SEG    first index               anchor of a closed segment
 *   CROSSREF     hash(side), hash(other)   a link between records of two systems (crossref.c)
 * Long strings are hashed since LMDB's keys end at 511 bytes.
 */
#ifndef MLC_STORE_STORE_PRIVATE_H
#define MLC_STORE_STORE_PRIVATE_H

#include "crypto/crypto.h"
#include "store/store.h"

#include <lmdb.h>

typedef enum store_db {
    DB_META,
    DB_ENTRY,
    DB_LIVE,
    DB_FLIGHT,
    DB_PARKED,
    DB_DUE,
    DB_KEY,
    DB_IDEM,
    DB_DONE,
    DB_INBOX,
    DB_INBOX_AGE,
    DB_CURSOR,
    DB_FINGERPRINT,
    DB_AUDIT,
    DB_AUDIT_SEGMENT,
    DB_CROSSREF,
    DB_COUNT
} store_db;

enum { STORE_HASH_LEN = 16 };

struct mlc_txn {
    mlc_store *store;
    MDB_txn *mdb;
    bool writing;
    bool map_full; /* a put found the map full: grow it and run the group again */
};

/* MLC_OK for 0; MLC_E_NOTFOUND for MDB_NOTFOUND; otherwise fills err. Remembers MDB_MAP_FULL. */
mlc_code store_check(mlc_txn *txn, int rc, const char *what, mlc_error *err);
MDB_dbi store_dbi(const mlc_store *store, store_db db);
/* A store that is open for reading only may be older than the table. */
bool store_lacks(const mlc_store *store, store_db db);

mlc_code store_get(mlc_txn *txn, store_db db, const void *key, size_t key_len, MDB_val *value,
                   mlc_error *err);
mlc_code store_put(mlc_txn *txn, store_db db, const void *key, size_t key_len, const void *value, size_t len,
                   mlc_error *err);
/* Absent is fine. */
mlc_code store_del(mlc_txn *txn, store_db db, const void *key, size_t key_len, mlc_error *err);

/* Visit keys from `from` on while they begin with its first prefix_len bytes. */
typedef struct store_walk {
    MDB_cursor *cursor;
    uint8_t prefix[64];
    size_t prefix_len;
    MDB_val key, value;
} store_walk;
/* MLC_OK at the first entry, MLC_E_NOTFOUND when there is none. Close after either. */
mlc_code store_walk_open(store_walk *walk, mlc_txn *txn, store_db db, const void *from, size_t from_len,
                         size_t prefix_len, mlc_error *err);
mlc_code store_walk_next(store_walk *walk, mlc_txn *txn, mlc_error *err);
void store_walk_close(store_walk *walk);

void store_be16(uint8_t *out, uint16_t value);
void store_be64(uint8_t *out, uint64_t value);
uint64_t store_get_be64(const uint8_t *in);
/* audit.c: what a store of the first format lacks. */
mlc_code store_audit_migrate(mlc_txn *txn, mlc_error *err);
/* First bytes of SHA-256(a, NUL, b); b may be NULL. */
mlc_code store_hash(const char *a, const char *b, uint8_t *out, size_t len, mlc_error *err);

#endif
