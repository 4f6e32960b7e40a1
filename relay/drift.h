/* drift.h - the full comparison of JDE, of what was written, and of Dynamics, for one tenant (record/compare.h, sent.h).
 *
 * A run goes through the kinds: the agent is asked for sums of ranges, and for the records of those that differ. Then it goes
 * through the rows in Dynamics that carry our source id, page by page. It finds records that are
 *   missing   in JDE, but not delivered or not (any more) in Dynamics
 *   stale     delivered in another state than JDE's, or of another version in Dynamics
 *   extra     in Dynamics or delivered, but gone from JDE
 *   changed   by hand in Dynamics, in columns that the mapping writes
 * and has the agent send them once more, as they are now: also as gone, whereupon the mapping's inactive columns are written.
 * What is under way or parked is left alone. When more than max_gone records of a kind are gone from JDE at once, they are told but
 * nothing is deactivated: more likely it is JDE that is not whole. A dry run only tells. The report is kept in the store.
 * Memory is that of a page and of one answer. Thread rule: loop's thread only, but for mlc_drift_check (any).
 */
#ifndef MLC_RELAY_DRIFT_H
#define MLC_RELAY_DRIFT_H

#include "base/config.h"
#include "deliver/deliverer.h"
#include "relay/mappings.h"
#include "relay/odata.h"
#include "relay/schema.h"
#include "schedule/cron.h"

typedef struct mlc_drift mlc_drift;

typedef struct mlc_drift_options {
    uv_loop_t *loop;
    mlc_store *store;
    mlc_outbox *down, *dynamics;
    mlc_odata *odata;
    mlc_schema *schema;
    const mlc_mappings *mappings;
    mlc_log *log;
    const char *tenant, *prefix;
    mlc_cron schedule;   /* in UTC */
    bool scheduled;      /* else only by hand */
    bool heal;           /* of scheduled runs */
    int64_t patience_ms; /* how long an answer of the agent may take */
    uint64_t max_gone;
    void (*on_down)(void *user);  /* entries of "down" were committed */
    void (*on_begin)(void *user); /* a run begins: orders may be gone through as well; NULL allowed */
    void *user;
} mlc_drift_options;

/* Schedule, healing, patience and max_gone as tenants[index].compare has them. MLC_E_INVALID names the setting. */
mlc_code mlc_drift_configure(const mlc_cfg *cfg, size_t index, mlc_drift_options *out, mlc_error *err);
mlc_code mlc_drift_open(mlc_drift **out, const mlc_drift_options *options, mlc_error *err);
/* Begin a run. `kind` NULL: all. MLC_E_CONFLICT: one is under way; MLC_E_NOTFOUND: no such kind. */
mlc_code mlc_drift_start(mlc_drift *drift, const char *kind, bool dry, mlc_error *err);
/* An answer of the agent came; it is finished at `deliverer`. */
void mlc_drift_take(mlc_drift *drift, mlc_deliverer *deliverer, mlc_delivery *item);
/* The last report, and how a run under way stands, into an object. */
void mlc_drift_describe(const mlc_drift *drift, cJSON *out);
/* Before the OData client is closed; after it, and after the store's jobs were finished, close. NULL is allowed. */
void mlc_drift_stop(mlc_drift *drift);
void mlc_drift_close(mlc_drift *drift);

/* Is a message of the agent a well-formed answer? */
mlc_code mlc_drift_check(const void *payload, size_t len, mlc_error *err);

#endif
