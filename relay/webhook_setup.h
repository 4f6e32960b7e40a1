/* webhook_setup.h - keeps the relay's webhook steps in Dynamics as they must be (webhook_steps.h).
 *
 * A run asks Dynamics what is there, compares, and with `repair` changes what differs, one thing after the other, then
 * asks again, so that its result tells what is, not what was tried. It looks before it makes anything, and one run goes at
 * a time: nothing is made twice. Each change stands in the audit trail (action "webhook.repaired").
 * With interval_ms > 0 it runs with repair at the start and then every interval; after a failure, after retry_ms.
 *
 * That the secret of the endpoint is the present one cannot be read: its fingerprint is kept in the store when it was
 * written. A repair asked for by an operator always writes it. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_WEBHOOK_SETUP_H
#define MLC_RELAY_WEBHOOK_SETUP_H

#include "base/log.h"
#include "relay/odata.h"
#include "relay/webhook_steps.h"
#include "store/store.h"

typedef struct mlc_hook_setup mlc_hook_setup;

typedef struct mlc_hook_setup_options {
    uv_loop_t *loop;
    mlc_store *store;
    mlc_odata *odata;
    mlc_log *log;
    const char *tenant;
    const char *name, *public_url, *secret; /* public_url NULL: nothing can be asked or done */
    bool addresses;
    int64_t interval_ms; /* 0: only when asked */
    int64_t retry_ms;
} mlc_hook_setup_options;

mlc_code mlc_hook_setup_open(mlc_hook_setup **out, const mlc_hook_setup_options *options, mlc_error *err);
/* Begin nothing new; those who wait are answered MLC_E_CLOSED. Before the OData client is closed. */
void mlc_hook_setup_stop(mlc_hook_setup *setup);
/* After the OData client was closed and the store's jobs were finished. NULL is allowed. */
void mlc_hook_setup_close(mlc_hook_setup *setup);

/* `check` and `repaired` (which items were changed) are valid during the call; check is NULL unless MLC_OK. */
typedef void (*mlc_hook_done_fn)(void *user, mlc_code code, const mlc_error *err, const mlc_hook_check *check,
                                 const bool *repaired);
/* Run now, or after the run under way. MLC_E_CONFLICT without a public_url; MLC_E_FULL when too many wait. */
mlc_code mlc_hook_setup_run(mlc_hook_setup *setup, bool repair, mlc_hook_done_fn fn, void *user,
                            mlc_error *err);

typedef struct mlc_hook_setup_status {
    uint64_t runs, repaired;
    bool well; /* the last run found or made everything as it must be */
    char last_error[256];
} mlc_hook_setup_status;
void mlc_hook_setup_status_get(const mlc_hook_setup *setup, mlc_hook_setup_status *out);

#endif
