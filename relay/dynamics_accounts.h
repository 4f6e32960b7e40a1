/* dynamics_accounts.h - delivers customers of the "dynamics" stream to Dynamics as accounts.
 *
 * Each is an upsert by account number, one PATCH, or a $batch when several are due at once. An upsert may be made
 * twice without harm, but not late: a write whose outcome is unknown must not put an older version over a newer
 * one. So an `uncertain` item is looked up first: our version there, done; a newer one, done as
 * "superseded at target"; else it is written. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_DYNAMICS_ACCOUNTS_H
#define MLC_RELAY_DYNAMICS_ACCOUNTS_H

#include "deliver/deliverer.h"
#include "relay/account_map.h"
#include "relay/odata.h"

typedef struct mlc_accounts mlc_accounts;

typedef struct mlc_accounts_options {
    mlc_odata *odata;
    mlc_log *log;
    const char *prefix;             /* of the connector's own columns; NULL: "ml_" */
    const mlc_account_terms *terms; /* copied; none: payment terms are not written */
    size_t terms_count;
    const mlc_account_currency *currencies; /* copied; none: the currency is not written */
    size_t currency_count;
} mlc_accounts_options;

mlc_code mlc_accounts_open(mlc_accounts **out, const mlc_accounts_options *options, mlc_error *err);
/* After the mlc_odata was closed, which ends what is under way. NULL is allowed. */
void mlc_accounts_close(mlc_accounts *accounts);

/* Send these; each is finished at `deliverer` exactly once, now or later. */
void mlc_accounts_deliver(mlc_accounts *accounts, mlc_deliverer *deliverer, mlc_delivery *const *items,
                          size_t count);

#endif
