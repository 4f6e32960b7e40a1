/* reconcile.h - finds what no webhook told of: orders, and edited addresses of accounts and contacts. One for each table.
 *
 * Every interval it asks Dynamics what changed in the table, by a delta link (delta.h) that is kept in the job which stores what
 * was found. Does Dynamics refuse the link, the whole table is gone through again, so that no change is left out.
 *  - Orders (reconcile_orders.c): a changed order without a JDE order number that meets the filter and is not known yet becomes an
 *    event in "intake"; one that was deleted is noted in the audit trail. A run through the whole table also finds orders that a
 *    restored backup of Dynamics has without their number: those are sent down once more, and the agent finds them in JDE and
 *    reports the number.
 *  - Addresses (reconcile_addresses.c): the page itself carries the columns. Only a row whose address is news for JDE
 *    (address_judge.h) becomes an event in "intake", so that a run through the whole table reads no row alone and sends nothing
 *    that JDE has.
 *
 * Where the table's changes are not tracked, rows that were changed since a watermark, less an overlap, are asked for. The
 * watermark is Dynamics's own clock (modifiedon), never ours. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_RECONCILE_H
#define MLC_RELAY_RECONCILE_H

#include "relay/odata.h"
#include "store/outbox.h"

typedef struct mlc_reconcile mlc_reconcile;

/* What is watched. */
typedef struct mlc_reconcile_table mlc_reconcile_table;
extern const mlc_reconcile_table mlc_reconcile_orders, mlc_reconcile_accounts, mlc_reconcile_contacts;

typedef struct mlc_reconcile_options {
    uv_loop_t *loop;
    mlc_store *store;
    mlc_outbox *intake, *down;
    mlc_odata *odata;
    mlc_log *log;
    const mlc_reconcile_table *table;
    const char *tenant, *prefix;
    const char *filter; /* of orders, a further OData condition; NULL: none */
    int64_t interval_ms, overlap_ms;
    int64_t from_ms;              /* only rows changed since then are ours; 0: since the first start */
    void (*on_found)(void *user); /* events were committed */
    void (*on_down)(void *user);  /* entries of "down" were committed; NULL allowed */
    void *user;
} mlc_reconcile_options;

/* The first run begins at once. May block for one commit. */
mlc_code mlc_reconcile_open(mlc_reconcile **out, const mlc_reconcile_options *options, mlc_error *err);
/* Forget the link: the next run, at once, goes through the whole table. NULL is allowed. */
void mlc_reconcile_resync(mlc_reconcile *reconcile);
/* No further run. Before the OData client is closed. NULL is allowed. */
void mlc_reconcile_stop(mlc_reconcile *reconcile);
/* After the store's jobs were finished. NULL is allowed. */
void mlc_reconcile_close(mlc_reconcile *reconcile);

typedef struct mlc_reconcile_status {
    const char *set;        /* "salesorders" */
    uint64_t runs, resyncs; /* resyncs: runs through the whole table */
    uint64_t seen, found, again, deleted;
    bool tracked;
    char last_error[256];
} mlc_reconcile_status;
void mlc_reconcile_status_get(const mlc_reconcile *reconcile, mlc_reconcile_status *out);

#endif
