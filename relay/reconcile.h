/* reconcile.h - finds the orders whose webhooks were lost.
 *
 * Every interval it asks Dynamics for sales orders that carry no JDE order number and were changed since the watermark less an
 * overlap, and puts an event for each into "intake" in the job that moves the watermark. An order that is known already is
 * silent there by its idempotency keys. The watermark is Dynamics's own clock (modifiedon), never ours.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_RECONCILE_H
#define MLC_RELAY_RECONCILE_H

#include "relay/odata.h"
#include "store/outbox.h"

typedef struct mlc_reconcile mlc_reconcile;

typedef struct mlc_reconcile_options {
    uv_loop_t *loop;
    mlc_store *store;
    mlc_outbox *intake, *down;
    mlc_odata *odata;
    mlc_log *log;
    const char *tenant, *prefix;
    const char *filter; /* further OData condition; NULL: none */
    int64_t interval_ms, overlap_ms;
    int64_t from_ms;              /* the very first run looks at orders changed since then; 0: since now */
    void (*on_found)(void *user); /* events were committed */
    void *user;
} mlc_reconcile_options;

/* The first run begins at once. May block for one commit. */
mlc_code mlc_reconcile_open(mlc_reconcile **out, const mlc_reconcile_options *options, mlc_error *err);
/* No further run. Before the OData client is closed. */
void mlc_reconcile_stop(mlc_reconcile *reconcile);
/* After the store's jobs were finished. NULL is allowed. */
void mlc_reconcile_close(mlc_reconcile *reconcile);

typedef struct mlc_reconcile_status {
    uint64_t runs, seen, found;
    char last_error[256];
} mlc_reconcile_status;
void mlc_reconcile_status_get(const mlc_reconcile *reconcile, mlc_reconcile_status *out);

#endif
