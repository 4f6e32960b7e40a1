/* mlctl.c - see mlctl.h: from the command line to the exit code. */
#include "cli/mlctl.h"

#include "cli/map_cmd.h"
#include "cli/table.h"

#include <string.h>

static mlc_code carry_out(const mlctl *ctl, mlc_error *err)
{
    switch (ctl->args->command) {
    case MLCTL_STATUS:
        return mlctl_status(ctl, err);
    case MLCTL_PARKED:
        return mlctl_parked(ctl, err);
    case MLCTL_SHOW:
        return mlctl_show(ctl, err);
    case MLCTL_RETRY:
        return mlctl_retry(ctl, err);
    case MLCTL_DISMISS:
        return mlctl_dismiss(ctl, err);
    case MLCTL_AUDIT:
        return mlctl_audit(ctl, err);
    case MLCTL_AUDIT_VERIFY:
        return mlctl_audit_verify(ctl, err);
    case MLCTL_AUDIT_EXPORT:
        return mlctl_audit_export(ctl, err);
    case MLCTL_AUDIT_REDACT:
        return mlctl_audit_redact(ctl, err);
    case MLCTL_XREF:
        return mlctl_xref(ctl, err);
    case MLCTL_XREF_REBUILD:
        return mlctl_xref_rebuild(ctl, err);
    case MLCTL_DRY_RUN:
        return mlctl_dry_run(ctl, err);
    case MLCTL_REPLAY:
        return mlctl_replay(ctl, err);
    case MLCTL_ENROLL_TOKEN:
        return mlctl_enroll_token(ctl, err);
    case MLCTL_REVOKE:
        return mlctl_revoke(ctl, err);
    case MLCTL_AGENTS:
        return mlctl_agents(ctl, err);
    case MLCTL_WEBHOOKS:
        return mlctl_webhooks(ctl, err);
    case MLCTL_FLOWS:
        return mlctl_flows(ctl, err);
    case MLCTL_POLL:
        return mlctl_poll(ctl, err);
    case MLCTL_COMPARE:
        return mlctl_compare(ctl, err);
    case MLCTL_BACKUP:
        return mlctl_backup_run(ctl, err);
    default:
        return mlc_fail(err, MLC_E_INTERNAL, "a command without a function");
    }
}

static void tell(FILE *err_out, const mlc_error *err)
{
    char text[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX + 8];
    (void)fputs("mlctl: ", err_out);
    mlctl_print_safe(err_out, mlc_error_text(err, text, sizeof text), false);
    (void)fputc('\n', err_out);
}

mlctl_exit mlctl_main(int argc, char *const *argv, const mlctl_env *env, const char *version, FILE *out,
                      FILE *err_out)
{
    mlctl_args args;
    mlc_error err;
    if (argc > 1 &&
        strcmp(argv[1], "map") == 0) /* needs no program, and so none of the options that name one */
        return mlctl_map_main(argc - 2, argv + 2, out, err_out);
    if (mlctl_args_parse(argc, argv, env, &args, &err) != MLC_OK) {
        tell(err_out, &err);
        return MLCTL_USAGE;
    }
    if (args.command == MLCTL_HELP || args.command == MLCTL_VERSION) {
        (void)fprintf(out, "%s%s", args.command == MLCTL_HELP ? mlctl_help() : version,
                      args.command == MLCTL_HELP ? "" : "\n");
        return MLCTL_OK;
    }
    const mlctl ctl = {.args = &args, .out = out};
    const mlc_code code = carry_out(&ctl, &err);
    if (code == MLC_OK && fflush(out) == 0)
        return MLCTL_OK;
    if (code == MLC_OK)
        (void)mlc_fail(&err, MLC_E_IO, "the output cannot be written");
    tell(err_out, &err);
    return code == MLC_E_UNREACHABLE ? MLCTL_UNREACHABLE : MLCTL_FAILED;
}
