/* doctor.h - the command "doctor" of a program: its command line, its loop, its output.
 *
 *   NAME doctor --config FILE [--json] [--timeout SECONDS] [WORD]
 * Exit status: 0 nothing failed, 1 something did, 2 wrong usage. Thread rule: the main thread.
 */
#ifndef MLC_ADMIN_DOCTOR_H
#define MLC_ADMIN_DOCTOR_H

#include "admin/checkup.h"
#include "base/config.h"

typedef struct mlc_doctor_options {
    const char *program, *software; /* "ml-agent", "ml-agent/0.1.0" */
    const char *word;               /* what the further argument is, "TENANT"; NULL: there is none */
    mlc_code (*load_config)(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err);
    /* Add the checks, each needing "config". What is made here lives in *patient, which `close` frees. */
    mlc_code (*open)(void **patient, uv_loop_t *loop, const mlc_cfg *cfg, mlc_checkup *checkup,
                     const char *software, const char *word, mlc_error *err);
    /* Ends what is open (sessions first); the loop runs on until it is empty, then `free`. */
    void (*close)(void *patient);
    void (*free)(void *patient);
} mlc_doctor_options;

/* Returns the exit status. Secrets are neither printed nor logged. */
int mlc_doctor_main(const mlc_doctor_options *options, int argc, char **argv);

#endif
