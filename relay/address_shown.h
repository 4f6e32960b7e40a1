/* address_shown.h - what the relay knows of the address that a record of Dynamics shows: the address columns it wrote there
 * last, and the address it read there last and sent to JDE.
 *
 * By the first a snapshot of JDE whose address did not change leaves the address columns alone (records_address.c), so that
 * an edit nobody has read yet stays. By both an address shows whether it is news (address_judge.h). What is known must be
 * true: before a write that changes the address it becomes WRITING, and KNOWN when that very write was confirmed; whoever
 * else writes an address makes it UNKNOWN before. Kept by source record ("JDE/F0101/6001"). Works inside jobs and readers of
 * the tenant's store.
 */
#ifndef MLC_RELAY_ADDRESS_SHOWN_H
#define MLC_RELAY_ADDRESS_SHOWN_H

#include "record/address.h"
#include "store/store.h"

enum { MLC_SHOWN_VERSION_MAX = 64 };

typedef enum mlc_shown_state {
    MLC_SHOWN_NEVER,   /* this store knows of no write */
    MLC_SHOWN_KNOWN,   /* was written, and confirmed */
    MLC_SHOWN_WRITING, /* a write of it was begun: it may be there, or what was there before */
    MLC_SHOWN_UNKNOWN
} mlc_shown_state;

typedef struct mlc_address_shown {
    mlc_shown_state state;
    uint8_t mask; /* bit i: field i was among what was written */
    uint8_t hash[MLC_ADDRESS_HASH_LEN];
    char version[MLC_SHOWN_VERSION_MAX]; /* source version that it was written with */
    bool told;                           /* an edit was read since, and is on its way to JDE, or was */
    uint8_t told_hash[MLC_ADDRESS_HASH_LEN];
} mlc_address_shown;

/* Pure: of these fields, those present. */
mlc_code mlc_address_shown_fill(mlc_address_shown *out, mlc_shown_state state,
                                const mlc_address_fields *written, const char *version, mlc_error *err);
/* Does a row show what was written? Of KNOWN and WRITING only. Pure. */
bool mlc_address_shown_same(const mlc_address_shown *shown, const mlc_address_fields *row);

/* NEVER when nothing is kept. MLC_E_CORRUPT. */
mlc_code mlc_address_shown_get(mlc_txn *txn, const char *source, mlc_address_shown *out, mlc_error *err);
/* `shown` takes the place of all that was known. */
mlc_code mlc_address_shown_put(mlc_txn *txn, const char *source, const mlc_address_shown *shown,
                               mlc_error *err);
/* The write that `written` describes was confirmed. It counts only when nothing else was begun since it was. */
mlc_code mlc_address_shown_confirm(mlc_txn *txn, const char *source, const mlc_address_shown *written,
                                   mlc_error *err);
/* The row's address of this hash is on its way to JDE. */
mlc_code mlc_address_shown_tell(mlc_txn *txn, const char *source, const uint8_t hash[MLC_ADDRESS_HASH_LEN],
                                mlc_error *err);
/* What was written may not be what is there: the next write reads first. What JDE was told of stays. */
mlc_code mlc_address_shown_forget(mlc_txn *txn, const char *source, mlc_error *err);

#endif
