/* trial.h - trying deliveries of a tenant without harm: dry runs, and replays against a test organisation.
 *
 * Both go through the very code of the real deliveries (inbound.h), only with another client of Dynamics under it.
 *  - Dry client (odata_dry.h): reads rows, writes nothing. Used for the kinds that the configuration runs dry, whose entries end
 *    done with the differences in outcome, audit trail and report, and are held until the dry run is over (deliver/held.h); and
 *    for a single record on request, which touches no stream.
 *  - Replay client: the test organisation of `replay.*`, with metadata and lookups of its own. A replay takes the message of an
 *    audited operation, as long as its entry is kept, and leaves an audit event "replayed".
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_TRIAL_H
#define MLC_RELAY_TRIAL_H

#include "admin/rerun.h"
#include "base/config.h"
#include "relay/inbound.h"

typedef struct mlc_trial mlc_trial;

typedef struct mlc_trial_options {
    uv_loop_t *loop;
    mlc_log *log;
    const mlc_cfg *cfg;
    size_t index; /* of "tenants" */
    const char *tenant, *software;
    mlc_store *store;
    mlc_outbox *stream, *held;
    mlc_http_client *http; /* of the real deliveries, as the next four; they outlive this */
    mlc_entra *entra;
    mlc_schema *schema;
    const mlc_mappings *mappings;
    const mlc_inbound *live;         /* filled before the first delivery */
    mlc_records_options records;     /* odata, schema and lookups are set here */
    void (*on_released)(void *user); /* `stream` has work; called before open returns, too */
    void *user;
} mlc_trial_options;

/* Also gives back what is no more to be held: before the deliverer of `stream` is opened. Blocks for that. What
 * finds no room goes when there is some. */
mlc_code mlc_trial_open(mlc_trial **out, const mlc_trial_options *options, mlc_error *err);
/* Requests end. Before the http client is closed. NULL is allowed. */
void mlc_trial_stop(mlc_trial *trial);
/* After the store was drained. NULL is allowed. */
void mlc_trial_close(mlc_trial *trial);

/* An mlc_deliverer_options.deliver: what is to run dry goes there, the rest is delivered. `user`: the mlc_trial. */
void mlc_trial_deliver(void *user, mlc_delivery *const *items, size_t count);

/* Single messages on request (admin/rerun.h). */
const mlc_rerun_desk *mlc_trial_desk_of(const mlc_trial *trial);

#endif
