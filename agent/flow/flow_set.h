/* flow_set.h - the flows of an agent and when they run.
 *
 * A flow is due by its cron schedule (schedule/cron.h), in the hours of its window. A run that was missed while the agent
 * was down is made up for when the flow says so; one that failed is tried again after a growing delay; one that was cut off
 * (a kill, the end of the window) goes on as soon as it may. Of the flows that are due, so many as `parallel` allows run at
 * once, in the order of the specifications. When a flow began and ended last is kept in the store.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_AGENT_FLOW_SET_H
#define MLC_AGENT_FLOW_SET_H

#include "agent/flow/flow_run.h"
#include "schedule/cron.h"
#include "schedule/window.h"

typedef struct mlc_flow_set mlc_flow_set;

/* One flow of the configuration. */
typedef struct mlc_flow_plan {
    const mlc_flow_spec *spec;
    mlc_flow_settings settings;
    mlc_cron cron;
    mlc_window window;
    int64_t jitter_ms, overlap_ms;
    bool catch_up;
    unsigned page_size;
} mlc_flow_plan;

typedef struct mlc_flow_set_options {
    uv_loop_t *loop;
    mlc_store *store;
    mlc_outbox *up;
    mlc_ais *ais;
    mlc_log *log;
    const mlc_zone *jde_zone; /* of the JDE server; NULL: unknown */
    const mlc_zone *zone;     /* of schedules and windows; NULL: UTC */
    const char *tenant;
    const char *site;           /* seed of the jitter: the agent's id */
    const mlc_flow_plan *plans; /* copied */
    size_t plan_count;
    unsigned parallel;                   /* flows that read at once; 0: 1 */
    int64_t retry_base_ms, retry_cap_ms; /* after a failed run; 0: 1 s, 5 min */
    void (*on_enqueued)(void *user);     /* entries were committed */
    void *user;
} mlc_flow_set_options;

mlc_code mlc_flow_set_open(mlc_flow_set **out, const mlc_flow_set_options *options, mlc_error *err);
/* Run a flow now (NULL: all), whatever its schedule and window say, as soon as there is room. MLC_E_NOTFOUND names those that
 * are known. */
mlc_code mlc_flow_set_run_now(mlc_flow_set *set, const char *name, mlc_error *err);
/* A preview of a flow (flow_run.h): `on_item` for each record, then `on_end` once, unless the set is stopped first. One at a
 * time: MLC_E_CONFLICT while another is under way. `ids`: first values of the keys of the records wanted, copied. */
typedef struct mlc_flow_preview {
    const char *name;
    const char *const *ids;
    size_t id_count; /* 0: what a run would send now */
    bool (*on_item)(void *user, const mlc_flow_item *item);
    void (*on_end)(void *user, mlc_code code, const mlc_error *err);
    void *user;
} mlc_flow_preview;
mlc_code mlc_flow_set_preview(mlc_flow_set *set, const mlc_flow_preview *preview, mlc_error *err);
/* Send these records of the kind as they are now (flow_run.h). MLC_E_NOTFOUND: no such flow is enabled. */
mlc_code mlc_flow_set_resend(mlc_flow_set *set, const char *kind, const mlc_resend_id *ids, size_t count,
                             void (*done)(void *user, mlc_code code, const mlc_error *err), void *user,
                             mlc_error *err);
/* Append an object for each flow to an array: name, state, nextRun, lastStart, lastEnd, runs, rows, rate, firstLoad ... */
mlc_code mlc_flow_set_describe(const mlc_flow_set *set, cJSON *list, mlc_error *err);
/* Nothing new is begun. Then close the AIS client and finish the store's jobs, then close. NULL is allowed for both. */
void mlc_flow_set_stop(mlc_flow_set *set);
void mlc_flow_set_close(mlc_flow_set *set);

#endif
