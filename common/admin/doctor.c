/* doctor.c - see doctor.h. */
#include "admin/doctor.h"

#include "base/buf.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, SECONDS_MAX = 3600, CLOSING_MS = 5000 };

typedef struct arguments {
    const char *config, *word;
    bool json;
    int64_t timeout_ms;
} arguments;

typedef struct doctor {
    const mlc_doctor_options *opt;
    uv_loop_t loop;
    uv_timer_t late;
    mlc_checkup *checkup;
    const mlc_cfg *cfg;
    const char *file;
    mlc_buf *faults; /* of the configuration */
    mlc_error config_err;
    mlc_code config_code;
    bool over;
} doctor;

/* ---- the command line ---- */

static bool take_seconds(const char *text, int64_t *ms)
{
    char *end = NULL;
    const long seconds = strtol(text, &end, 10);
    *ms = (int64_t)seconds * 1000;
    return end != text && *end == '\0' && seconds > 0 && seconds <= SECONDS_MAX;
}

/* One argument; *at moves over its value. */
static bool take_argument(const mlc_doctor_options *options, int argc, char **argv, int *at, arguments *out)
{
    const char *const arg = argv[*at];
    if (strcmp(arg, "--json") == 0)
        return out->json = true;
    if (arg[0] != '-' && options->word != NULL && out->word == NULL) {
        out->word = arg;
        return true;
    }
    if (*at + 1 >= argc)
        return false;
    const char *const value = argv[++*at];
    if (strcmp(arg, "--timeout") == 0)
        return take_seconds(value, &out->timeout_ms);
    out->config = value;
    return strcmp(arg, "--config") == 0;
}

static bool take_arguments(const mlc_doctor_options *options, int argc, char **argv, arguments *out)
{
    *out = (arguments){0};
    for (int i = 2; i < argc; i++)
        if (!take_argument(options, argc, argv, &i, out))
            return false;
    return out->config != NULL;
}

static int usage(const mlc_doctor_options *options)
{
    (void)fprintf(
        stderr,
        "usage: %s doctor --config FILE [--json] [--timeout SECONDS]%s%s%s\n"
        "Checks each hop and says what is wrong and how it is right. SECONDS: 1 to %d, for all together; "
        "default 60.\n"
        "exit status: 0 nothing failed, 1 something did, 2 wrong usage\n",
        options->program, options->word != NULL ? " [" : "", options->word != NULL ? options->word : "",
        options->word != NULL ? "]" : "", SECONDS_MAX);
    return EXIT_USAGE;
}

/* ---- the first check ---- */

/* On one line. */
static void join_lines(char *text)
{
    const size_t len = strlen(text);
    if (len > 0 && text[len - 1] == '\n')
        text[len - 1] = '\0';
    for (char *p = strchr(text, '\n'); p != NULL; p = strchr(p, '\n'))
        *p = ';';
}

static void start_config(mlc_checkup *checkup, unsigned token, void *user)
{
    const doctor *const d = user;
    if (d->config_code == MLC_OK) {
        mlc_checkup_ok(checkup, token, "%s has no faults", d->file);
        return;
    }
    char *const text = mlc_strdup(d->faults->len > 0 ? mlc_buf_text(d->faults) : d->config_err.message);
    if (text != NULL)
        join_lines(text);
    mlc_checkup_fail(checkup, token, "correct the file; --help-config lists all settings", "%s",
                     text != NULL ? text : "it cannot be read");
    free(text);
}

static void start_nothing(mlc_checkup *checkup, unsigned token, void *user)
{
    (void)user;
    mlc_checkup_skip(checkup, token, "nothing to check");
}

static mlc_code add_first(doctor *d, mlc_error *err)
{
    const mlc_check config = {.id = "config", .title = "configuration", .start = start_config, .user = d};
    const mlc_check rest = {
        .id = "rest", .title = "all other checks", .needs = "config", .start = start_nothing, .user = d};
    const mlc_code code = mlc_checkup_add(d->checkup, &config, err);
    return code == MLC_OK && d->config_code != MLC_OK ? mlc_checkup_add(d->checkup, &rest, err) : code;
}

/* ---- running ---- */

static void on_done(void *user)
{
    doctor *const d = user;
    d->over = true;
    uv_stop(&d->loop);
}

static void on_late(uv_timer_t *timer)
{
    uv_stop(timer->loop);
    timer->data = NULL;
}

/* Until nothing is open, but not for ever. */
static void run_out(doctor *d)
{
    (void)uv_timer_init(&d->loop, &d->late);
    d->late.data = d;
    (void)uv_timer_start(&d->late, on_late, CLOSING_MS, 0);
    uv_unref((uv_handle_t *)&d->late);
    (void)uv_run(&d->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&d->late, NULL);
    (void)uv_run(&d->loop, UV_RUN_NOWAIT);
    (void)uv_loop_close(&d->loop);
}

static void print_json(const mlc_checkup *checkup)
{
    cJSON *tree = NULL;
    char *text = NULL;
    if (mlc_checkup_json(checkup, &tree, NULL) == MLC_OK)
        text = mlc_json_print(tree);
    (void)puts(text != NULL ? text : "{\"ok\":false}");
    free(text);
    cJSON_Delete(tree);
}

static mlc_code examine(doctor *d, const arguments *args, mlc_error *err)
{
    void *patient = NULL;
    const mlc_checkup_options options = {.loop = &d->loop,
                                         .program = d->opt->software,
                                         .timeout_ms = args->timeout_ms,
                                         .out = args->json ? NULL : stdout,
                                         .done = on_done,
                                         .user = d};
    if (uv_loop_init(&d->loop) != 0)
        return mlc_fail(err, MLC_E_IO, "cannot make an event loop");
    mlc_code code = mlc_checkup_open(&d->checkup, &options, err);
    if (code == MLC_OK)
        code = add_first(d, err);
    if (code == MLC_OK && d->config_code == MLC_OK)
        code = d->opt->open(&patient, &d->loop, d->cfg, d->checkup, d->opt->software, args->word, err);
    if (code == MLC_OK) {
        mlc_checkup_run(d->checkup);
        while (!d->over)
            (void)uv_run(&d->loop, UV_RUN_DEFAULT);
    }
    if (patient != NULL)
        d->opt->close(patient);
    if (code == MLC_OK && args->json)
        print_json(d->checkup);
    else if (code == MLC_OK)
        mlc_checkup_print_end(d->checkup, stdout);
    if (code == MLC_OK && mlc_checkup_failed(d->checkup))
        code = mlc_fail(err, MLC_E_REJECTED, "something failed");
    mlc_checkup_close(d->checkup);
    run_out(d);
    if (patient != NULL)
        d->opt->free(patient);
    return code;
}

int mlc_doctor_main(const mlc_doctor_options *options, int argc, char **argv)
{
    arguments args;
    mlc_cfg *cfg = NULL;
    mlc_buf faults = {0};
    mlc_error err;
    if (!take_arguments(options, argc, argv, &args))
        return usage(options);
    doctor d = {.opt = options, .file = args.config, .faults = &faults};
    d.config_code = options->load_config(&cfg, args.config, &faults, &d.config_err);
    d.cfg = cfg;
    const mlc_code code = examine(&d, &args, &err);
    if (code != MLC_OK && code != MLC_E_REJECTED)
        (void)fprintf(stderr, "%s: %s\n", options->program, err.message);
    mlc_buf_free(&faults);
    mlc_cfg_free(cfg);
    return code == MLC_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
