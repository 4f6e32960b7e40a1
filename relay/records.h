/* records.h - delivers master records of the "dynamics" stream to Dynamics: customers and suppliers as accounts, contacts,
 * items as products, prices as items of price lists; what goes where is the mapping's to say (map/map.h).
 *
 * Each record: mapped, with the rows it points to looked up (lookups.h); checked against the live metadata (schema.h);
 * written by one upsert, or a $batch when several are ready at once. A faulty record is MLC_E_INVALID with all its faults
 * and is parked.
 *
 * Where to: by the mapping's alternate key. A value that cannot stand in an address (row_id.h), or a key that is not Active:
 * by the id of the row that has the value, or by an id that follows from it, so that no outcome makes two rows.
 *
 * An upsert may be made twice without harm, but not late: a write whose outcome is unknown must not put an older version
 * over a newer one. So an `uncertain` item is looked up first by {prefix}sourceversion: our version there, done; a newer
 * one, done as "superseded at target"; else it is written.
 *
 * An address that somebody edited in Dynamics and nobody read yet is not written over: a snapshot whose address is the one
 * written last leaves it out, any other reads the row first, saves an edit it finds, and writes only what is still as read
 * (records_address.c). Neither costs a request for a record that is new or whose address did not change.
 *
 * A record that points to another master record which is not there yet waits for it: retried with backoff, woken when that
 * record was delivered, parked after max_attempts and still woken then (records_wait.h).
 *
 * `gone`: the mapping's inactive columns are written to the row with our {prefix}sourcerecordid, if there is one.
 * Products that were made as drafts are activated, so that quotes may use them. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_RECORDS_H
#define MLC_RELAY_RECORDS_H

#include "deliver/deliverer.h"
#include "relay/lookups.h"
#include "relay/mappings.h"
#include "relay/schema.h"

typedef struct mlc_records mlc_records;

typedef struct mlc_records_options {
    mlc_odata *odata;
    mlc_store *store;
    mlc_outbox *stream; /* where the records come from */
    mlc_log *log;
    mlc_schema *schema;           /* has the targets of all mappings */
    mlc_lookups *lookups;         /* both outlive this */
    const mlc_mappings *mappings; /* outlive this */
    const char *prefix;           /* of the connector's own columns; NULL: "ml_" */
    uint32_t max_attempts;        /* for a record that waits for another; as of the deliverer */
    mlc_backoff backoff;          /* likewise */
    /* Where edits of addresses go that are found before they are written over; NULL: addresses are written as they come. */
    mlc_outbox *down;
    const char *tenant;
    void (*on_down)(void *user); /* an edit was put there; NULL allowed */
    void *user;
} mlc_records_options;

mlc_code mlc_records_open(mlc_records **out, const mlc_records_options *options, mlc_error *err);
/* No further request. Before the OData client is closed; then the store's jobs must be finished before close. */
void mlc_records_stop(mlc_records *records);
/* After the mlc_odata was closed and lookups and schema were stopped, which ends what is under way. NULL is allowed. */
void mlc_records_close(mlc_records *records);

/* Send these; each is finished at `deliverer` exactly once, now or later. */
void mlc_records_deliver(mlc_records *records, mlc_deliverer *deliverer, mlc_delivery *const *items,
                         size_t count);

#endif
