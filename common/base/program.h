/* program.h - what the main of every daemon of the project does: command line, configuration, log, hardening.
 *
 *   NAME [run] --config FILE | NAME COMMAND --config FILE [options] | --check-config FILE | --help-config |
 *   --version | --help | doctor ...
 * Exit status: 0 well, 1 failed, 2 wrong usage. Before secrets are read, core dumps are switched off and the process
 * is made unreadable for other processes of its user. A token in the arguments is taken out of the list of processes.
 */
#ifndef MLC_BASE_PROGRAM_H
#define MLC_BASE_PROGRAM_H

#include "base/config.h"
#include "base/log.h"

typedef struct mlc_program_context {
    mlc_cfg *cfg;
    mlc_log *log;
    const char *software;
    const char *token_file; /* of --token-file, NULL when not given */
    const char *token;      /* of --token, NULL when not given; wiped by the program at its end */
    const char *relay;      /* of --relay, NULL when not given */
} mlc_program_context;

typedef mlc_code (*mlc_program_fn)(const mlc_program_context *context, mlc_error *err);

typedef struct mlc_program mlc_program;
struct mlc_program {
    const char *name;     /* "ml-agent" */
    const char *software; /* "ml-agent/0.1.0" */
    mlc_code (*load_config)(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err);
    /* For running; NULL: load_config, which is stricter when only checking. */
    mlc_code (*load_config_to_run)(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err);
    mlc_code (*describe_config)(mlc_buf *out, mlc_error *err);
    mlc_program_fn run;    /* until told to stop */
    mlc_program_fn enroll; /* command "enroll"; NULL: there is none */
    /* Command "seal" (crypto/sealed.h), which needs no configuration; NULL: there is none. */
    int (*seal)(const char *program, int argc, char **argv);
    /* Command "doctor", which reads its own arguments and configuration; NULL: there is none. */
    int (*doctor)(int argc, char **argv);
    const char *default_config; /* of the command "enroll", when it names none */
    const char *doctor_word;    /* of its further argument, for the usage: " [TENANT]"; NULL: none */
    /* Command "service", which reads its own arguments; NULL: there is none. */
    int (*service)(const mlc_program *program, int argc, char **argv);
};

int mlc_program_main(const mlc_program *program, int argc, char **argv);

#endif
