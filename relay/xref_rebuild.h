/* xref_rebuild.h - fills the cross-reference of a tenant anew from Dynamics, whose rows name the records they came from.
 *
 * Reads {prefix}sourcerecordid of accounts, contacts, products and productpricelevels, and the JDE order of salesorders, page
 * by page, and stores each page in one job. When a table was read to its end, links of its rows that were not met are
 * forgotten. Deliveries go on meanwhile. A run that a stop or failure ends has added what it saw and forgotten nothing of
 * the table it was at; it is begun again by the operator. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_XREF_REBUILD_H
#define MLC_RELAY_XREF_REBUILD_H

#include "base/json.h"
#include "base/log.h"
#include "relay/odata.h"
#include "store/store.h"

typedef struct mlc_xref_rebuild mlc_xref_rebuild;

typedef struct mlc_xref_rebuild_options {
    mlc_store *store;
    mlc_odata *odata;
    mlc_log *log;
    const char *tenant, *prefix;
    unsigned page_size; /* 0: 500 */
} mlc_xref_rebuild_options;

mlc_code mlc_xref_rebuild_open(mlc_xref_rebuild **out, const mlc_xref_rebuild_options *options,
                               mlc_error *err);
/* `actor`: who wants it, for the audit trail. MLC_E_CONFLICT: it runs already. */
mlc_code mlc_xref_rebuild_start(mlc_xref_rebuild *rebuild, const char *actor, mlc_error *err);
/* Begin nothing new. The OData client must be closed after it, and before close. */
void mlc_xref_rebuild_stop(mlc_xref_rebuild *rebuild);
/* After the store's jobs were finished. NULL is allowed. */
void mlc_xref_rebuild_close(mlc_xref_rebuild *rebuild);
/* Add "running", "table", "rows", "links", "forgotten", "lastError". */
void mlc_xref_rebuild_status(const mlc_xref_rebuild *rebuild, cJSON *out);

#endif
