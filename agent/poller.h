/* poller.h - customers from JDE into the outgoing stream.
 *
 * Each cycle reads the changed keys of F0101, then of F03012 (watermark.h). For a page of keys it reads the present
 * rows of both tables, joins them into full snapshots and, in ONE job, puts those that differ from what was sent last
 * into the stream and moves the watermark. When the stream is full the poller waits; it never drops. A row that
 * cannot be made into a customer is put into the stream as parked, for review.
 *
 * A snapshot's version is "EMISSION.UPMJ.UPMT". The emission is a number that only grows (wall milliseconds, or one
 * more than the last): by it a receiver tells the newer of two snapshots even when JDE stamped both in one second.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_AGENT_POLLER_H
#define MLC_AGENT_POLLER_H

#include "agent/ais.h"
#include "store/outbox.h"

typedef struct mlc_poller mlc_poller;

typedef struct mlc_poller_options {
    uv_loop_t *loop;
    mlc_store *store;
    mlc_outbox *up;
    mlc_ais *ais;
    mlc_log *log;
    const mlc_zone *zone; /* of the JDE server; NULL: unknown */
    const char *tenant;
    const char *company;             /* F03012.CO, "00000" */
    const char *const *search_types; /* F0101.AT1 values taken, NULL-terminated */
    int64_t interval_ms;             /* from the end of a cycle to the start of the next */
    int64_t overlap_ms;
    int64_t retry_base_ms, retry_cap_ms; /* after a failed cycle; 0: 1 s, 5 min */
    unsigned page_size;
    void (*on_enqueued)(void *user); /* entries were committed */
    void *user;
} mlc_poller_options;

typedef struct mlc_poller_status {
    bool running;
    uint64_t cycles, rows, enqueued, invalid;
    int64_t last_end_ms; /* wall time when a cycle ended well, 0: never */
    char last_error[256];
} mlc_poller_status;

/* Reads the watermarks and starts the first cycle at once. */
mlc_code mlc_poller_open(mlc_poller **out, const mlc_poller_options *options, mlc_error *err);
/* Start a cycle now unless one is under way. */
void mlc_poller_run_now(mlc_poller *poller);
/* Nothing new is begun. Then close the AIS client and finish the store's jobs, then close. */
void mlc_poller_stop(mlc_poller *poller);
void mlc_poller_close(mlc_poller *poller);
void mlc_poller_status_get(const mlc_poller *poller, mlc_poller_status *out);

#endif
