/* checkup.h - a sequence of checks, one line for each: what the command "doctor" of a program runs.
 *
 * Checks run in the order in which they were added. One that needs an earlier check is skipped when that one failed or was
 * itself skipped, and says which failure is the root. Each has a deadline, and so has the whole: what is not reached in time
 * is skipped, and the checkup has failed. A check ends once; what comes after its deadline is dropped, so a check's state must
 * live until mlc_checkup_close.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_ADMIN_CHECKUP_H
#define MLC_ADMIN_CHECKUP_H

#include "base/error.h"
#include "base/json.h"

#include <stdio.h>
#include <uv.h>

enum { MLC_CHECK_ID_MAX = 128, MLC_CHECKS_MAX = 4096 };

typedef struct mlc_checkup mlc_checkup;

typedef enum mlc_check_state {
    MLC_CHECK_OK,
    MLC_CHECK_WARN, /* works, and wants attention */
    MLC_CHECK_FAIL,
    MLC_CHECK_SKIPPED
} mlc_check_state;
/* "ok", "warn", "FAIL", "skipped". */
const char *mlc_check_state_name(mlc_check_state state);

/* Ends a check by mlc_checkup_*, now or later, from the loop. `token` names this check to them. */
typedef void (*mlc_check_fn)(mlc_checkup *checkup, unsigned token, void *user);

typedef struct mlc_check {
    const char *id;    /* unique, "ais.login"; copied, as are title and needs */
    const char *title; /* for a person: "log-in to AIS" */
    const char
        *needs; /* id of an earlier check, NULL: none; one that was never added bars as a failed one does */
    mlc_check_fn start;
    void *user;
    const char *also; /* a second one that it needs, NULL: none; copied */
} mlc_check;

typedef struct mlc_checkup_options {
    uv_loop_t *loop;
    const char *program;      /* "ml-agent/0.1.0"; borrowed */
    int64_t timeout_ms;       /* of all together; 0: 60 s */
    int64_t step_ms;          /* of one; 0: 20 s */
    FILE *out;                /* each line at once; NULL: none are printed */
    void (*done)(void *user); /* all have ended; from the loop, once */
    void *user;
} mlc_checkup_options;

mlc_code mlc_checkup_open(mlc_checkup **out, const mlc_checkup_options *options, mlc_error *err);
/* NULL is allowed. The loop must run once more. */
void mlc_checkup_close(mlc_checkup *checkup);

/* Append a check, before the run or from within a check that has not ended. A second one with the same id is left out. */
mlc_code mlc_checkup_add(mlc_checkup *checkup, const mlc_check *check, mlc_error *err);
/* Begin; `done` follows. */
void mlc_checkup_run(mlc_checkup *checkup);
/* Milliseconds that the running check may still take, at least 1: for deadlines of requests. */
int64_t mlc_checkup_left(const mlc_checkup *checkup);

/* ---- ends of a check; `remedy` NULL: none is needed. One whose time has passed is ignored. ---- */

void mlc_checkup_ok(mlc_checkup *checkup, unsigned token, const char *fmt, ...) MLC_PRINTF(3, 4);
void mlc_checkup_warn(mlc_checkup *checkup, unsigned token, const char *remedy, const char *fmt, ...)
    MLC_PRINTF(4, 5);
void mlc_checkup_fail(mlc_checkup *checkup, unsigned token, const char *remedy, const char *fmt, ...)
    MLC_PRINTF(4, 5);
/* Not a failure: it does not apply, or cannot be told from here. */
void mlc_checkup_skip(mlc_checkup *checkup, unsigned token, const char *fmt, ...) MLC_PRINTF(3, 4);

/* ---- results ---- */

/* State of a check that has ended; SKIPPED for one that is not known or has not ended. */
mlc_check_state mlc_checkup_state(const mlc_checkup *checkup, const char *id);
/* Some check failed, or the time was over before all had run. */
bool mlc_checkup_failed(const mlc_checkup *checkup);
/* {"program","ok","checks":[{"id","title","state","detail","remedy"}]}; *out: cJSON_Delete. */
mlc_code mlc_checkup_json(const mlc_checkup *checkup, cJSON **out, mlc_error *err);
/* The last line for a person: "12 ok, 1 warn, 1 FAIL, 3 skipped". */
void mlc_checkup_print_end(const mlc_checkup *checkup, FILE *out);

#endif
