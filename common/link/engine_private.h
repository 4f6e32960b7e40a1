/* engine_private.h - the state of an engine, shared by engine.c (life, time, actions), engine_rx.c (receiving)
 * and engine_tx.c (sending). Private to common/link. */
#ifndef MLC_LINK_ENGINE_PRIVATE_H
#define MLC_LINK_ENGINE_PRIVATE_H

#include "link/durable.h"
#include "link/engine.h"
#include "net/timer.h"

enum {
    LINK_PAGE = 256,          /* entries read from the outbox in one transaction */
    LINK_PAGES_PER_TURN = 64, /* before the loop may do something else */
    LINK_BUNCH = 2048,        /* messages stored in one job */
    LINK_BUNCH_BYTES = 4 * 1024 * 1024,
    LINK_RETRY_BASE_MS = 250, /* after a store that could not take something */
    LINK_RETRY_CAP_MS = 15000
};

struct mlc_link {
    mlc_link_binding binding;
    char *in_name;
    char actor[16];
    mlc_log *log;
    mlc_link_status status;
    bool ever_up, told_down;
    size_t jobs; /* submitted, not yet dispatched */
    bool closed; /* lives on only for its jobs */
};

/* A received message that waits for its commit, in one piece of memory. */
typedef struct link_item {
    struct link_item *next;
    uint64_t seq;
    int64_t created_ms;
    const char *idem, *key, *kind, *correlation;
    const void *payload;
    size_t payload_len;
    unsigned refusal; /* mlc_refusal_code, 0: to be accepted */
    char *refusal_text;
    char bytes[];
} link_item;

typedef struct link_items {
    link_item *first, **end;
    size_t count;
} link_items;

typedef struct link_rx_job link_rx_job;
typedef struct link_tx_job link_tx_job;

/* An entry of ours that ends in review. */
typedef struct link_park {
    struct link_park *next;
    uint64_t seq;
    unsigned code;
    char text[];
} link_park;

struct mlc_engine {
    mlc_link *link; /* NULL at the relay until the peer is known */
    mlc_session *session;
    mlc_session_role role;
    mlc_log *log;
    mlc_timer *timer;
    uv_loop_t *loop;
    const mlc_engine_callbacks *cb;
    void *user;
    bool pumping, pump_again, dead, closed, told_closed;
    bool reading_paused;
    mlc_notice notice;
    bool by_peer;
    /* receiving */
    mlc_position stream; /* the peer's stream: epoch, generation, last message stored */
    link_items waiting;
    link_rx_job *rx_job;
    int64_t ready_at; /* when we ask the peer to go on, 0: not waiting */
    uint32_t rx_failures;
    uint64_t refused_max; /* refusals up to here may still be stored, 0: none */
    /* sending */
    bool tail; /* nothing is left to read from tail_seq on, as far as we know */
    uint64_t tail_seq;
    bool turn_over; /* there is more to read, in the next turn of the loop */
    uint64_t acked; /* by the peer */
    uint64_t stored_acked;
    size_t acked_count;
    link_park *parks, **parks_end;
    link_tx_job *tx_job;
    int64_t tx_retry_at;
    uint32_t tx_failures;
};

/* engine.c */
void engine_pump(mlc_engine *e);
void engine_fail(mlc_engine *e, const mlc_error *err);
/* A job of this link begins or ends; link_job_end may free the link and tells whether it is still open. */
void link_job_begin(mlc_link *link);
bool link_job_end(mlc_link *link);

/* engine_rx.c */
void engine_on_started(mlc_engine *e, const mlc_action *action);
void engine_on_message(mlc_engine *e, const mlc_message *message);
void engine_on_confirmed(mlc_engine *e, uint64_t seq);
void engine_rx_submit(mlc_engine *e);
void engine_rx_tick(mlc_engine *e, int64_t now);
void engine_rx_free(mlc_engine *e);

/* engine_tx.c */
void engine_on_resume(mlc_engine *e, const mlc_position *claim);
void engine_on_refused(mlc_engine *e, uint64_t seq, unsigned code, const char *text);
void engine_on_acked(mlc_engine *e, uint64_t seq, size_t count);
void engine_tx_fill(mlc_engine *e);
void engine_tx_submit(mlc_engine *e);
void engine_tx_free(mlc_engine *e);

#endif
