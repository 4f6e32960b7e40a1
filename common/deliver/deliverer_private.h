/* deliverer_private.h - what the deliverer's files share: its state, and one entry's way through it.
 *
 *   picked (copy made) -> begin job -> active: given to the transport -> result -> finish job -> freed
 *                                                                           |
 *                                        store said "not now" (full): waits, and the job runs again
 *
 * The flight of an entry belongs to the loop's thread, but for the members marked "job", which belong to the
 * store's thread between the submission of a job and its completion.
 */
#ifndef MLC_DELIVER_DELIVERER_PRIVATE_H
#define MLC_DELIVER_DELIVERER_PRIVATE_H

#include "crypto/crypto.h"
#include "deliver/decide.h"
#include "deliver/deliverer.h"
#include "net/timer.h"

typedef enum mlc_flight_phase {
    MLC_FLIGHT_PICKED,
    MLC_FLIGHT_SENT,     /* the transport has it */
    MLC_FLIGHT_STORING,  /* its finishing job runs */
    MLC_FLIGHT_WAITING,  /* its finishing job is to be run again at store_again_ms */
    MLC_FLIGHT_ABANDONED /* stays in flight in the store until the next start */
} mlc_flight_phase;

/* The result, copied. */
typedef struct mlc_flight_result {
    mlc_code code;
    mlc_verdict verdict;
    char detail[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX]; /* error or outcome in words */
    char *outcome, *source_id, *target_id;
    bool link;
    char payload_hash[2 * MLC_SHA256_LEN + 1];
    mlc_effect_fn effect; /* of what the verdict came to */
    void *effect_arg;
    void (*effect_free)(void *arg);
    bool silent; /* no audit event: nothing was sent */
} mlc_flight_result;

typedef struct mlc_flight {
    mlc_delivery item;
    mlc_deliverer *d;
    struct mlc_flight *prev, *next; /* in d->flights */
    mlc_flight_phase phase;
    int64_t began_ms; /* wall */
    bool begun;       /* job: the store marked it in flight */
    mlc_flight_result result;
    int64_t now_ms;         /* wall time of the finishing job's submission */
    bool superseded;        /* job: a newer entry of the key ended this one */
    bool effect_failed;     /* job: it was the effect that failed */
    unsigned store_tries;   /* finishing jobs that failed */
    int64_t store_again_ms; /* WAITING: monotonic */
    char *texts;            /* the memory of item's strings */
} mlc_flight;

typedef struct mlc_begin_batch {
    mlc_deliverer *d;
    int64_t now_ms;
    size_t count;
    mlc_flight *flights[]; /* max_parallel */
} mlc_begin_batch;

struct mlc_deliverer {
    mlc_deliverer_options opt;
    char stream_name[40]; /* a copy: completions come after the stream was closed, too */
    mlc_timer *timer;
    mlc_breaker breaker;
    mlc_flight *flights; /* all that are begun */
    size_t flight_count;
    mlc_begin_batch *begin; /* under way, or NULL */
    mlc_delivery **group;   /* max_group: what `deliver` is given */
    bool stopped;
    unsigned begin_tries;  /* begins that failed in a row */
    int64_t begin_at_ms;   /* monotonic; not before */
    int64_t hold_until_ms; /* monotonic; a throttling peer */
    int64_t next_due_ms;   /* wall; of the first entry that is not due yet, INT64_MAX: none */
    int64_t last_taken_ms; /* wall; when the peer last took a record */
    mlc_deliverer_status status;
};

/* deliverer.c */
/* Pick what is due, if there is room and the peer may be asked; then set the timer. */
void mlc_deliverer_work(mlc_deliverer *d);
/* Set the timer to the next thing that must happen by itself. */
void mlc_deliverer_arm(mlc_deliverer *d);

/* flight.c */
/* A copy of an entry, as it will be once begun. NULL when out of memory. */
mlc_flight *mlc_flight_new(mlc_deliverer *d, const mlc_entry *entry);
/* Frees it, with its result. It must not be in d->flights. NULL is allowed. */
void mlc_flight_free(mlc_flight *flight);
void mlc_flight_link(mlc_flight *flight);
void mlc_flight_unlink(mlc_flight *flight);
/* Effect's argument is done with: call effect_free once. */
void mlc_flight_release_effect(mlc_flight *flight);

/* finish.c */
/* Submit the finishing job of a flight whose result is set. */
void mlc_flight_store(mlc_flight *flight);
/* Put an entry back that was begun but never sent: not uncertain. */
void mlc_flight_put_back(mlc_flight *flight);

#endif
