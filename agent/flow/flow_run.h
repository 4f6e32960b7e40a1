/* flow_run.h - carries out the runs of one flow: from JDE's tables into the outgoing stream.
 *
 * A run goes through the drivers of the flow, one after another (watermark.h). For a page of keys it reads the present
 * rows of all parts, makes full snapshots of them and, in ONE job, puts those that differ from what was sent last into
 * the stream and moves the watermark. When the stream is full the run waits; it never drops. A record that cannot be
 * made is put into the stream as parked, for review. A record that left JDE or the selection is told as gone, when it was
 * sent before.
 *
 * The first run loads all rows by the first driver. As its snapshots hold the rows of all tables, the other drivers begin
 * FIRST_LOAD_MARGIN_MS before that load began instead of reading everything once more.
 *
 * A snapshot's version is "EMISSION.UPMJ.UPMT". The emission is a number that only grows (wall milliseconds, or one
 * more than the last): by it a receiver tells the newer of two snapshots even when JDE stamped both in one second.
 * A preview (`on_item`) reads as a run does, from the stored positions on or just some records (`ids`), and tells each record
 * and what a run would do with it. It stores nothing, and the stored positions stay where they are.
 * Memory is that of one page. Thread rule: loop's thread only.
 */
#ifndef MLC_AGENT_FLOW_RUN_H
#define MLC_AGENT_FLOW_RUN_H

#include "agent/flow/flow_page.h"
#include "record/compare.h"

#include <uv.h>

typedef struct mlc_flow_run mlc_flow_run;

typedef enum mlc_flow_end {
    MLC_FLOW_DONE,
    MLC_FLOW_PAUSED, /* may_go_on said no; the position is stored */
    MLC_FLOW_FAILED
} mlc_flow_end;

typedef struct mlc_flow_run_options {
    uv_loop_t *loop;
    mlc_store *store;
    mlc_outbox *up;
    mlc_ais *ais;
    mlc_log *log;
    const mlc_zone *zone; /* of the JDE server; NULL: unknown */
    const char *tenant;
    const mlc_flow_spec *spec;
    mlc_flow_settings settings; /* what it points to is kept by the caller */
    int64_t overlap_ms;
    unsigned page_size;
    void (*on_enqueued)(void *user); /* entries were committed; with enqueued_user */
    void *enqueued_user;
    bool (*may_go_on)(void *user); /* asked before each page; NULL: always */
    /* The run is over; from the loop. `err` unless MLC_FLOW_FAILED is empty. */
    void (*on_end)(void *user, mlc_flow_end end, const mlc_error *err);
    void *user;
    /* Preview: called for each record, which is valid during the call. Return false to end the run. NULL: no preview. */
    bool (*on_item)(void *user, const mlc_flow_item *item);
    const char *const *ids; /* preview: first values of the keys of the records wanted; kept by the caller */
    size_t id_count;        /* 0: what changed */
} mlc_flow_run_options;

typedef struct mlc_flow_status {
    bool running, first_load;
    bool stream_full;  /* waits for room */
    const char *table; /* driver under way, NULL: none */
    uint64_t rows;     /* of drivers, since open */
    uint64_t enqueued, gone, invalid;
    uint64_t run_rows;  /* of this run, or the last */
    int64_t run_ms;     /* its duration up to now */
    int64_t load_done;  /* rows of the first load stored, over all runs */
    int64_t load_total; /* rows there are; 0: not known */
} mlc_flow_status;

/* Reads the watermarks. */
mlc_code mlc_flow_run_open(mlc_flow_run **out, const mlc_flow_run_options *options, mlc_error *err);
/* Begin a run; nothing when one is under way. */
void mlc_flow_run_start(mlc_flow_run *run);
/* Send these records as they are now, whatever was sent before; what is gone, when it was sent or is `known`, or has no leading
 * row any more. Between two runs, so that no older snapshot can overtake a newer one. `ids` are kept by the caller until
 * `done`; after a stop it tells MLC_E_CLOSED. MLC_E_CONFLICT: others are under way. */
mlc_code mlc_flow_run_resend(mlc_flow_run *run, const mlc_resend_id *ids, size_t count,
                             void (*done)(void *user, mlc_code code, const mlc_error *err), void *user,
                             mlc_error *err);
/* Nothing new is begun, on_end is not called any more. Then close the AIS client and finish the store's jobs, then close. */
void mlc_flow_run_stop(mlc_flow_run *run);
void mlc_flow_run_close(mlc_flow_run *run);
void mlc_flow_run_status(const mlc_flow_run *run, mlc_flow_status *out);

#endif
