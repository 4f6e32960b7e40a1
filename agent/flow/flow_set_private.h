/* flow_set_private.h - the set's state, shared by flow_set.c (when they run) and flow_view.c (what is told of them). */
#ifndef MLC_AGENT_FLOW_SET_PRIVATE_H
#define MLC_AGENT_FLOW_SET_PRIVATE_H

#include "agent/flow/flow_set.h"
#include "net/timer.h"

enum { FLOW_ERROR_MAX = 256 };

/* Kept in the store. */
typedef struct flow_times {
    int64_t begin_ms, end_ms; /* of the last run, and of the last one that was done; 0: never */
} flow_times;

typedef struct flow_entry {
    mlc_flow_set *set;
    mlc_flow_plan plan;
    mlc_flow_run *run;
    flow_times times;
    bool running, forced; /* forced: by the operator, not bound to the window */
    bool wanted;          /* forced and not yet begun */
    int64_t due_ms;       /* when it is to run next; INT64_MAX: never */
    int64_t retry_ms;     /* after a failure, wall time; 0: none */
    uint32_t failures;    /* in a row */
    uint64_t runs;        /* done since open */
    char last_error[FLOW_ERROR_MAX];
} flow_entry;

struct mlc_flow_set {
    mlc_flow_set_options opt;
    mlc_timer *timer;
    flow_entry *flows;
    size_t count;
    size_t running;
    bool stopping;
    struct flow_preview *preview; /* under way; NULL: none */
};

/* flow_set.c: MLC_E_NOTFOUND names those that are known. */
mlc_code flow_find(const mlc_flow_set *set, const char *name, flow_entry **out, mlc_error *err);
/* flow_preview.c */
void flow_preview_stop(mlc_flow_set *set);
void flow_preview_close(mlc_flow_set *set);

#endif
