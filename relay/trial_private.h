/* trial_private.h - what the files of trials share.
 *
 * trial.c        life, dry kinds, the report
 * trial_side.c   a Dynamics that messages are tried at
 */
#ifndef MLC_RELAY_TRIAL_PRIVATE_H
#define MLC_RELAY_TRIAL_PRIVATE_H

#include "deliver/held.h"
#include "relay/trial.h"

#include <stdio.h>

/* A Dynamics: what is not owned is that of the real deliveries. */
typedef struct mlc_side {
    mlc_http_client *own_http;
    mlc_entra *own_entra;
    mlc_schema *own_schema;
    mlc_odata *odata;
    mlc_lookups *lookups;
    mlc_records *records;
} mlc_side;

struct mlc_trial {
    mlc_trial_options opt;
    bool all_dry;
    mlc_side dry, replay; /* replay.odata NULL: not configured */
    const char *replay_url;
    mlc_rerun_desk desk;
    mlc_held_keeper *keeper;
    char report_file[1024];
    FILE *report;
    int64_t report_size, report_max;
    bool report_failed; /* said once */
};

/* A setting of this tenant. */
const char *mlc_trial_setting(const mlc_trial *t, const char *name);

/* trial_side.c */
mlc_code mlc_side_open_dry(mlc_side *side, const mlc_trial *t, mlc_error *err);
/* MLC_OK with side->odata NULL when no test target is configured. */
mlc_code mlc_side_open_replay(mlc_side *side, const mlc_trial *t, mlc_error *err);
void mlc_side_stop(mlc_side *side);
void mlc_side_close(mlc_side *side);
/* The real deliveries' parts, with those of this side. */
mlc_inbound mlc_side_inbound(const mlc_side *side, const mlc_trial *t);

#endif
