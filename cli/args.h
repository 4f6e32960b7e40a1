/* args.h - the command line of mlctl: what was asked for, checked.
 *
 * Options may stand anywhere, as "--name value" or "--name=value". Strings are borrowed from argv and environment.
 */
#ifndef MLC_CLI_ARGS_H
#define MLC_CLI_ARGS_H

#include "base/buf.h"
#include "base/error.h"

#include <stdint.h>

/* Exit codes, documented in --help. */
typedef enum mlctl_exit { MLCTL_OK = 0, MLCTL_FAILED = 1, MLCTL_USAGE = 2, MLCTL_UNREACHABLE = 3 } mlctl_exit;

typedef enum mlctl_command {
    MLCTL_HELP,
    MLCTL_VERSION,
    MLCTL_STATUS,
    MLCTL_PARKED,
    MLCTL_SHOW,
    MLCTL_RETRY,
    MLCTL_DISMISS,
    MLCTL_AUDIT,
    MLCTL_AUDIT_VERIFY,
    MLCTL_AUDIT_EXPORT,
    MLCTL_AUDIT_REDACT,
    MLCTL_XREF,
    MLCTL_XREF_REBUILD,
    MLCTL_DRY_RUN,
    MLCTL_REPLAY,
    MLCTL_ENROLL_TOKEN,
    MLCTL_REVOKE,
    MLCTL_AGENTS,
    MLCTL_WEBHOOKS,
    MLCTL_FLOWS,
    MLCTL_POLL,
    MLCTL_COMPARE,
    MLCTL_BACKUP
} mlctl_command;

typedef struct mlctl_env {
    const char *socket;    /* MLC_ADMIN_SOCKET, NULL: not set */
    const char *sudo_user; /* SUDO_USER */
    const char *user;      /* USER */
} mlctl_env;

typedef struct mlctl_args {
    mlctl_command command;
    const char *socket, *url; /* both NULL: the socket that is there (socket.h) */
    bool json;
    const char *store, *stream, *key, *reason; /* NULL: not given */
    const char *tenant, *agent;
    const char *correlation, *head, *dir, *file, *out_file, *ref; /* NULL: not given */
    const char *kind, *code;         /* retry --all: only such entries; compare: only this kind */
    int64_t older_s;                 /* and parked for so long */
    const char *from_time, *to_time; /* audit export: instead of from, to */
    bool csv, refresh;
    const char *ids, *target; /* dry-run: with commas between; replay: address that is meant */
    const char *person;       /* who decides; never NULL */
    uint64_t seq, from, to;
    bool all, repair, dry, report;
    bool force, verify; /* backup: replace an earlier one; look at one */
    const char *flow; /* NULL: all */
    int64_t ttl_s;
} mlctl_args;

/* MLC_E_INVALID says what is wrong and how it is right. */
mlc_code mlctl_args_parse(int argc, char *const *argv, const mlctl_env *env, mlctl_args *out, mlc_error *err);
const char *mlctl_help(void);

#endif
