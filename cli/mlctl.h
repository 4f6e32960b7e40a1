/* mlctl.h - carries out one command of mlctl: asks the program, prints for a person or as JSON. */
#ifndef MLC_CLI_MLCTL_H
#define MLC_CLI_MLCTL_H

#include "cli/args.h"
#include "store/audit.h"

#include <stdio.h>

typedef struct mlctl {
    const mlctl_args *args;
    FILE *out;
} mlctl;

/* Lines of GET /v1/audit, page by page. Return an error to stop. */
typedef mlc_code (*mlctl_audit_line_fn)(void *arg, const char *line, size_t len, mlc_error *err);

/* Parse, carry out, print errors to `err_out`. The exit code. */
mlctl_exit mlctl_main(int argc, char *const *argv, const mlctl_env *env, const char *version, FILE *out,
                      FILE *err_out);

/* Each command; failures are told by the caller. */
mlc_code mlctl_status(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_parked(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_show(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_retry(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_dismiss(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_audit(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_audit_verify(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_audit_export(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_audit_redact(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_xref(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_xref_rebuild(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_enroll_token(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_revoke(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_agents(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_webhooks(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_flows(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_dry_run(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_replay(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_poll(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_compare(const mlctl *ctl, mlc_error *err);
mlc_code mlctl_backup_run(const mlctl *ctl, mlc_error *err);

/* trail_cmd.c: the entries that the arguments ask for, from index `from` to `to`. */
mlc_code mlctl_audit_lines(const mlctl *ctl, uint64_t from, uint64_t to, mlctl_audit_line_fn fn, void *arg,
                           mlc_error *err);
/* verify_cmd.c: is the audit trail of the store in this folder whole, and is `known` (NULL: none) in it? Its head and number of
 * entries. MLC_E_LOCKED: its program runs. */
mlc_code mlctl_verify_trail(const char *dir, const mlc_audit_head *known, mlc_audit_head *head,
                            uint64_t *count, mlc_error *err);

#endif
