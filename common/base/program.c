/* program.c - see program.h. */
#include "base/program.h"

#include "base/os.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

typedef struct arguments {
    const char *config, *token_file, *relay;
    char *token; /* a copy: argv is seen by others */
    bool enroll, check, help_config, version, help;
} arguments;

static int usage(const mlc_program *program, FILE *out, int status)
{
    const char *const name = program->name;
    (void)fprintf(out, "usage: %s [run] --config FILE      work until told to stop (SIGTERM)\n", name);
    if (program->enroll != NULL)
        (void)fprintf(
            out,
            "       %s enroll [--config FILE]   exchange an enrolment token for a certificate of its own;\n"
            "           [--relay URL]           where the relay is, when the configuration does not say it\n"
            "           [--token-file FILE]     the token is read from FILE, or from standard input\n"
            "           [--token TOKEN]         others can see it in the list of processes: better not\n",
            name);
    if (program->seal != NULL)
        (void)fprintf(
            out,
            "       %s seal --config FILE --setting NAME\n"
            "                                   seal a secret (standard input) for this setting;\n"
            "           [--key-file FILE]       the root key, in place of --config\n"
            "       %s seal --rotate --config FILE\n"
            "                                   another root key: everything is sealed anew with it;\n"
            "           [--to-file]             no token wraps it, though one is set\n",
            name, name);
    if (program->doctor != NULL)
        (void)fprintf(
            out,
            "       %s doctor --config FILE [--json] [--timeout SECONDS]%s\n"
            "                                   check each hop; say what is wrong and how it is right\n",
            name, program->doctor_word != NULL ? program->doctor_word : "");
    (void)fprintf(out,
                  "       %s --check-config FILE      check a configuration file, report every fault\n"
                  "       %s --help-config            list all settings\n"
                  "       %s --version | --help\n"
                  "exit status: 0 well, 1 failed, 2 wrong usage\n",
                  name, name, name);
    return status;
}

/* Out of the list of processes, from which it could be read before. */
static bool take_token(char *value, arguments *out)
{
    free(out->token);
    out->token = mlc_strdup(value);
    memset(value, 'x', strlen(value));
    (void)fprintf(stderr, "warning: a token among the arguments can be read by other users of this machine; "
                          "better use --token-file or standard input\n");
    return out->token != NULL;
}

/* One argument; *at moves over its value. */
static bool take_argument(const mlc_program *program, int argc, char **argv, int *at, arguments *out)
{
    const char *const arg = argv[*at];
    const bool has_value = *at + 1 < argc;
    if (*at == 1 && strcmp(arg, "run") == 0)
        return true;
    if (*at == 1 && program->enroll != NULL && strcmp(arg, "enroll") == 0)
        return out->enroll = true;
    if (strcmp(arg, "--help-config") == 0)
        return out->help_config = true;
    if (strcmp(arg, "--version") == 0)
        return out->version = true;
    if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
        return out->help = true;
    if (!has_value)
        return false;
    const char *const value = argv[++*at];
    if (strcmp(arg, "--token-file") == 0 && out->enroll) {
        out->token_file = value;
        return true;
    }
    if (strcmp(arg, "--relay") == 0 && out->enroll) {
        out->relay = value;
        return true;
    }
    if (strcmp(arg, "--token") == 0 && out->enroll)
        return take_token(argv[*at], out);
    out->check = out->check || strcmp(arg, "--check-config") == 0;
    out->config = value;
    return strcmp(arg, "--config") == 0 || strcmp(arg, "--check-config") == 0;
}

static bool take_arguments(const mlc_program *program, int argc, char **argv, arguments *out)
{
    memset(out, 0, sizeof *out);
    for (int i = 1; i < argc; i++) {
        const int at = i;
        if (!take_argument(program, argc, argv, &i, out)) {
            (void)fprintf(stderr, "%s: \"%s\" is not understood here\n", program->name, argv[at]);
            return false;
        }
    }
    if (out->enroll && out->config == NULL)
        out->config = program->default_config;
    return out->config != NULL || out->help_config || out->version || out->help;
}

static int complain(const mlc_program *program, const mlc_error *err)
{
    char text[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX + 8];
    (void)fprintf(stderr, "%s: %s\n", program->name, mlc_error_text(err, text, sizeof text));
    return EXIT_FAILURE;
}

static int help_config(const mlc_program *program)
{
    mlc_buf text = {0};
    mlc_error err;
    const mlc_code code = program->describe_config(&text, &err);
    if (code == MLC_OK)
        (void)fputs(mlc_buf_text(&text), stdout);
    mlc_buf_free(&text);
    return code == MLC_OK ? EXIT_SUCCESS : complain(program, &err);
}

static int run(const mlc_program *program, const arguments *args, mlc_cfg *cfg)
{
    mlc_error err;
    mlc_program_context context = {.cfg = cfg,
                                   .software = program->software,
                                   .token_file = args->token_file,
                                   .token = args->token,
                                   .relay = args->relay};
    mlc_log_level level = MLC_LOG_INFO;
    mlc_code code = mlc_log_level_parse(mlc_cfg_str(cfg, "log.level"), &level, &err);
    if (code == MLC_OK)
        code = mlc_log_open(&context.log, mlc_cfg_str(cfg, "log.file"), level, &err);
    if (code == MLC_OK)
        code = args->enroll ? program->enroll(&context, &err) : program->run(&context, &err);
    if (code != MLC_OK)
        mlc_log_error(context.log, program->name, "cannot go on", MLC_S("code", mlc_code_name(code)),
                      MLC_S("error", err.message), MLC_S("cause", err.cause));
    mlc_log_close(context.log);
    return code == MLC_OK ? EXIT_SUCCESS : complain(program, &err);
}

static int with_config(const mlc_program *program, const arguments *args)
{
    mlc_cfg *cfg = NULL;
    mlc_buf report = {0};
    mlc_error err;
    int status = EXIT_SUCCESS;
    const bool strict = args->check || program->load_config_to_run == NULL;
    const mlc_code code = strict ? program->load_config(&cfg, args->config, &report, &err)
                                 : program->load_config_to_run(&cfg, args->config, &report, &err);
    if (code != MLC_OK) {
        if (report.len > 0)
            (void)fprintf(stderr, "%s\n", mlc_buf_text(&report));
        status = report.len > 0 ? EXIT_FAILURE : complain(program, &err);
    } else if (args->check) {
        (void)printf("%s: no faults\n", args->config);
    } else {
        status = run(program, args, cfg);
    }
    mlc_buf_free(&report);
    mlc_cfg_free(cfg);
    return status;
}

int mlc_program_main(const mlc_program *program, int argc, char **argv)
{
    arguments args;
    mlc_os_begin();
    if (program->seal != NULL && argc > 1 && strcmp(argv[1], "seal") == 0)
        return program->seal(program->name, argc, argv);
    if (program->doctor != NULL && argc > 1 && strcmp(argv[1], "doctor") == 0)
        return program->doctor(argc, argv);
    if (program->service != NULL && argc > 1 && strcmp(argv[1], "service") == 0)
        return program->service(program, argc, argv);
    int status = EXIT_USAGE;
    if (!take_arguments(program, argc, argv, &args))
        status = usage(program, stderr, EXIT_USAGE);
    else if (args.help)
        status = usage(program, stdout, EXIT_SUCCESS);
    else if (args.version)
        status = puts(program->software) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    else if (args.help_config)
        status = help_config(program);
    else
        status = with_config(program, &args);
    if (args.token != NULL)
        mlc_wipe(args.token, strlen(args.token));
    free(args.token);
    return status;
}
