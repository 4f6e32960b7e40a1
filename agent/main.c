/* main.c - ml-agent: the command line of the agent. */
#include "agent/app.h"
#include "agent/config.h"
#include "agent/enroll.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef MLC_VERSION
#define MLC_VERSION "0"
#endif

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, TOKEN_MAX = 512 };

static const char software[] = "ml-agent/" MLC_VERSION;
static const char usage[] =
    "usage: ml-agent [run] --config FILE         keep JDE and the relay in step until told to stop\n"
    "       ml-agent enroll --config FILE        exchange an enrolment token for this agent's key;\n"
    "                [--token-file FILE]         the token is read from FILE, or from standard input\n"
    "       ml-agent --check-config FILE         check a configuration file, report every fault\n"
    "       ml-agent --help-config               list all settings\n"
    "       ml-agent --version\n"
    "exit: 0 well, 1 failed, 2 wrong usage\n";

typedef struct arguments {
    const char *config, *token_file;
    bool enroll, check, help_config, version, help;
} arguments;

static bool parse_arguments(int argc, char **argv, arguments *out)
{
    memset(out, 0, sizeof *out);
    for (int i = 1; i < argc; i++) {
        const char *const arg = argv[i];
        const bool has_value = i + 1 < argc;
        if (strcmp(arg, "run") == 0 && i == 1)
            continue;
        if (strcmp(arg, "enroll") == 0 && i == 1)
            out->enroll = true;
        else if (strcmp(arg, "--config") == 0 && has_value)
            out->config = argv[++i];
        else if (strcmp(arg, "--check-config") == 0 && has_value) {
            out->check = true;
            out->config = argv[++i];
        } else if (strcmp(arg, "--token-file") == 0 && has_value)
            out->token_file = argv[++i];
        else if (strcmp(arg, "--help-config") == 0)
            out->help_config = true;
        else if (strcmp(arg, "--version") == 0)
            out->version = true;
        else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0)
            out->help = true;
        else {
            (void)fprintf(stderr, "ml-agent: \"%s\" is not understood here\n", arg);
            return false;
        }
    }
    return out->config != NULL || out->help_config || out->version || out->help;
}

static int complain(const mlc_error *err)
{
    char text[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX + 8];
    (void)fprintf(stderr, "ml-agent: %s\n", mlc_error_text(err, text, sizeof text));
    return EXIT_FAILED;
}

static int help_config(void)
{
    mlc_buf text = {0};
    mlc_error err;
    const mlc_code code = mlc_agent_config_describe(&text, &err);
    if (code == MLC_OK)
        (void)fputs(mlc_buf_text(&text), stdout);
    mlc_buf_free(&text);
    return code == MLC_OK ? EXIT_SUCCESS : complain(&err);
}

static int enroll(const mlc_cfg *cfg, mlc_log *log, const char *token_file)
{
    char token[TOKEN_MAX];
    mlc_error err;
    FILE *const in = token_file != NULL ? fopen(token_file, "re") : stdin;
    if (in == NULL) {
        (void)fprintf(stderr, "ml-agent: cannot read %s: %s\n", token_file, strerror(errno));
        return EXIT_FAILED;
    }
    const bool got = fgets(token, sizeof token, in) != NULL;
    if (token_file != NULL)
        (void)fclose(in);
    if (!got) {
        (void)fputs("ml-agent: no enrolment token given; ask the relay's operator for one (mlctl enroll-token)\n", stderr);
        return EXIT_FAILED;
    }
    token[strcspn(token, "\r\n")] = '\0';
    const mlc_code code = mlc_enroll(cfg, log, token, software, &err);
    explicit_bzero(token, sizeof token);
    if (code != MLC_OK)
        return complain(&err);
    (void)printf("agent %s is enrolled\n", mlc_cfg_str(cfg, "agent.id"));
    return EXIT_SUCCESS;
}

static int run(const arguments *args, const mlc_cfg *cfg)
{
    mlc_error err;
    mlc_log *log = NULL;
    mlc_log_level level = MLC_LOG_INFO;
    (void)mlc_log_level_parse(mlc_cfg_str(cfg, "log.level"), &level, NULL);
    if (mlc_log_open(&log, mlc_cfg_str(cfg, "log.file"), level, &err) != MLC_OK)
        return complain(&err);
    int status = EXIT_SUCCESS;
    if (mlc_log_add_secret(log, mlc_cfg_secret(cfg, "ais.password"), &err) != MLC_OK)
        status = complain(&err);
    else if (args->enroll)
        status = enroll(cfg, log, args->token_file);
    else if (mlc_agent_run(cfg, log, software, &err) != MLC_OK) {
        mlc_log_error(log, "agent", "cannot run", MLC_S("error", err.message), MLC_S("cause", err.cause));
        status = complain(&err);
    }
    mlc_log_close(log);
    return status;
}

int main(int argc, char **argv)
{
    arguments args;
    mlc_cfg *cfg = NULL;
    mlc_buf report = {0};
    const struct rlimit no_core = {0, 0};
    if (!parse_arguments(argc, argv, &args)) {
        (void)fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (args.help)
        return fputs(usage, stdout) < 0 ? EXIT_FAILED : EXIT_SUCCESS;
    if (args.version)
        return puts(software) < 0 ? EXIT_FAILED : EXIT_SUCCESS;
    if (args.help_config)
        return help_config();
    /* Secrets live in memory: no core dump, no reading of it by other processes of the user. */
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)prctl(PR_SET_DUMPABLE, 0);
    mlc_error err;
    int status = EXIT_SUCCESS;
    if (mlc_agent_config_load(&cfg, args.config, &report, &err) != MLC_OK) {
        (void)fputs(report.len > 0 ? mlc_buf_text(&report) : "", stderr);
        status = complain(&err);
    } else if (args.check) {
        (void)printf("%s: no faults\n", args.config);
    } else {
        status = run(&args, cfg);
    }
    mlc_buf_free(&report);
    mlc_cfg_free(cfg);
    return status;
}
