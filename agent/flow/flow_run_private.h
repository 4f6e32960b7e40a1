/* flow_run_private.h - a flow's run, shared by its files: runs and drivers (flow_run.c), pages (flow_turn.c),
 * records that are sent once more (flow_resend.c).
 *
 * ready? -> (count) -> browse keys -> (page: read parts -> make -> store) ... -> next driver -> end. */
#ifndef MLC_AGENT_FLOW_RUN_PRIVATE_H
#define MLC_AGENT_FLOW_RUN_PRIVATE_H

#include "agent/flow/flow_run.h"
#include "net/timer.h"

enum { FLOW_ORDER_MAX = MLC_FLOW_KEYS_MAX + 3 };

/* Records to be sent once more. */
typedef struct flow_resend {
    const mlc_resend_id *ids; /* NULL: none wanted */
    size_t count, at, portion;
    bool active; /* being read or stored */
    mlc_flow_data data;
    mlc_flow_page page;
    void (*done)(void *user, mlc_code code, const mlc_error *err);
    void *user;
} flow_resend;

struct mlc_flow_run {
    mlc_flow_run_options opt;
    mlc_timer *full_timer; /* next try of a page that did not fit */
    mlc_watermark marks[MLC_FLOW_DRIVERS_MAX];
    size_t driver_count, driver;
    int64_t emission;
    int32_t today;
    int64_t skew_ms;     /* the JDE server's clock minus ours, as this run began */
    mlc_zone *told_zone; /* of AIS, when none is configured; NULL: it told none */
    bool running, stopping, storing;
    int64_t began_mono;
    /* the set under way */
    mlc_ais_cursor *cursor;
    mlc_watermark_query query;
    const char *order[FLOW_ORDER_MAX]; /* also the columns that are asked for */
    /* the page under way */
    bool in_page, more;
    size_t row_count;
    bool has_last; /* a row of the page had a stamp: the last such one */
    mlc_jde_stamp last_stamp;
    char last_key[MLC_POLL_KEY_MAX];
    mlc_flow_data data;
    mlc_flow_page page;
    mlc_flow_status status;
    flow_resend resend;
    bool start_after; /* a run was to start while records were sent once more */
};

/* flow_run.c */
const mlc_flow_driver *flow_driver(const mlc_flow_run *run);
void flow_end(mlc_flow_run *run, mlc_flow_end end, const mlc_error *err);
void flow_failed(mlc_flow_run *run, const mlc_error *err);
/* Begin with run->driver, or the next one that has something to do; after the last the run is done. */
void flow_next_driver(mlc_flow_run *run);

/* flow_resend.c: begin what is wanted, when nothing is under way. */
void flow_resend_begin(mlc_flow_run *run);
void flow_resend_stop(mlc_flow_run *run);
void flow_resend_clear(mlc_flow_run *run);

/* flow_turn.c */
void flow_page_clear(mlc_flow_run *run);
/* Ask for the rows of the driver behind its position. */
void flow_browse(mlc_flow_run *run);
void flow_on_full_timer(void *arg);
/* Preview of the records of opt.ids. */
void flow_read_ids(mlc_flow_run *run);
/* The page is done with: the next one, or the next driver. */
void flow_page_over(mlc_flow_run *run);

/* flow_preview.c */
/* Tell the page instead of storing it. */
void flow_preview_page(mlc_flow_run *run);

#endif
