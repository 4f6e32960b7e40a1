/* drift_private.h - the comparison's state, shared by its files.
 *
 * drift.c         runs, schedule, questions to the agent and their answers
 * drift_send.c    messages to the agent, healing
 * drift_find.c    an answer against what was written: pure but for the store
 * drift_rows.c    the rows in Dynamics
 * drift_report.c  what was found
 */
#ifndef MLC_RELAY_DRIFT_PRIVATE_H
#define MLC_RELAY_DRIFT_PRIVATE_H

#include "net/timer.h"
#include "record/compare.h"
#include "relay/drift.h"
#include "relay/sent.h"

enum { DRIFT_SAMPLES = 20, DRIFT_NAME = 128, DRIFT_REPORT_MAX = 60000 };

#define DRIFT_REPORT "compare/report"
#define DRIFT_STATE  "compare/state"

typedef enum drift_what { DRIFT_MISSING, DRIFT_STALE, DRIFT_EXTRA, DRIFT_CHANGED, DRIFT_WHATS } drift_what;
extern const char *const drift_words[DRIFT_WHATS];

/* A record that differs. */
typedef struct drift_find {
    char id[MLC_COMPARE_ID_MAX + 1];
    drift_what what;
    bool known; /* was delivered as this kind */
} drift_find;

typedef struct drift_finds {
    drift_find *at;
    size_t count, room;
    mlc_code code; /* MLC_E_NOMEM: some are lacking */
} drift_finds;

typedef struct drift_kind {
    const char *kind;
    const char *table; /* of its source ids */
    mlc_map *map;
    char set[DRIFT_NAME];
    bool wanted;   /* in this run */
    bool disabled; /* the agent does not have it */
    uint64_t found[DRIFT_WHATS], records, unsent, sent_again, held, under_way;
    drift_find samples[DRIFT_SAMPLES];
    size_t sample_count;
    drift_finds heal; /* not yet asked for */
    drift_finds gone; /* likewise; only when they are not too many */
    uint64_t gone_count;
} drift_kind;

/* A record whose row was seen in Dynamics. */
typedef struct drift_seen {
    size_t kind;
    char id[MLC_COMPARE_ID_MAX + 1];
} drift_seen;

typedef struct drift_span {
    int64_t from, to;
} drift_span;

struct mlc_drift {
    mlc_drift_options opt;
    mlc_timer *schedule_timer, *patience_timer, *step_timer;
    void (*step)(mlc_drift *drift); /* what the step timer goes on with */
    bool stopping, running, dry;
    bool storing; /* the report of the last run */
    bool marking; /* the store's thread reads `seen` */
    int64_t last_begin_ms, due_ms;
    uint32_t number; /* of the run */
    char run[MLC_COMPARE_RUN_MAX + 1];
    int64_t began_ms;
    uint64_t messages; /* resend requests of this run */
    drift_kind kinds[MLC_MAPPINGS_MAX];
    size_t kind_count, kind;
    /* questions to the agent */
    drift_span *spans;
    size_t span_count, span_room;
    bool asking;
    mlc_compare_request asked;
    mlc_compare_answer answer;
    size_t range_at;
    /* rows in Dynamics */
    size_t set_at; /* kind whose set is gone through */
    cJSON *rows;
    char *next;
    int64_t rows_began_ms;
    uint64_t missing_in_jde_pass; /* of all kinds */
    drift_seen *seen;             /* of the page */
    size_t seen_count;
    size_t missing_kind; /* kind that is looked through for records without a row */
    int64_t missing_lead;
    /* report of the last run, JSON; NULL: none */
    char *report;
    const char *phase;
};

/* ---- drift.c ---- */
void drift_end(mlc_drift *drift, const mlc_error *err);
/* Go on from the loop. */
void drift_later(mlc_drift *drift, void (*step)(mlc_drift *drift));

/* ---- drift_send.c ---- */
/* Put a message to the agent into "down"; takes the payload's bytes over. */
mlc_code drift_send(mlc_drift *drift, const char *kind, const char *key, mlc_buf *payload, mlc_error *err);
/* Count it, and note it for healing. */
void drift_note(mlc_drift *drift, drift_kind *kind, const drift_find *find);
/* Ask the agent for what is noted. False: the run was ended. */
bool drift_heal(mlc_drift *drift, drift_kind *kind, bool last);

/* ---- drift_find.c ---- */
void drift_finds_add(drift_finds *finds, const char *id, drift_what what, bool known);
void drift_finds_clear(drift_finds *finds);
/* Differences of an answer by ids. */
mlc_code drift_find_ids(mlc_txn *txn, mlc_drift *drift, const mlc_compare_answer *answer, drift_finds *out,
                        mlc_error *err);

/* ---- drift_rows.c ---- */
/* All kinds were compared with JDE: now Dynamics. */
void drift_rows_begin(mlc_drift *drift);
void drift_rows_clear(mlc_drift *drift);

/* ---- drift_report.c ---- */
char *drift_report_print(const mlc_drift *drift, const mlc_error *err);
mlc_code drift_report_store(mlc_txn *txn, void *arg, mlc_error *err); /* arg: mlc_drift */
mlc_code drift_report_load(mlc_txn *txn, void *arg, mlc_error *err);

#endif
