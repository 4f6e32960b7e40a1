/* map_cmd.c - see map_cmd.h. */
#include "cli/map_cmd.h"

#include "cli/table.h"
#include "map/map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { RECORD_MAX_BYTES = 4 << 20, RECORD_DEPTH = 32 };

static const char usage[] =
    "usage: mlctl map check FILE...\n"
    "       mlctl map test --map FILE | --kind KIND [--record FILE] [--trace] [--gone]\n"
    "                      [--prefix ml_] [--set NAME=VALUE]...\n"
    "       mlctl map show KIND\n"
    "\n"
    "  check  say all that is wrong with mapping files\n"
    "  test   map the JSON record of a file (else of standard input), and print what would be\n"
    "         written; --trace: each step; --gone: as if the record were deleted;\n"
    "         --set: a value of settings.NAME. Lookups are shown by key: nothing is asked\n"
    "  show   print the built-in mapping of a kind, to begin with\n"
    "exit codes: 0 good, 1 the mapping or the record has faults, 2 wrong usage\n";

typedef struct map_test {
    const char *file, *kind, *record, *prefix;
    bool trace, gone;
    cJSON *settings;
} map_test;

static mlctl_exit wrong_usage(FILE *err_out, const char *what, const char *word)
{
    (void)fprintf(err_out, "mlctl: %s%s%s\n", what, word != NULL ? " " : "", word != NULL ? word : "");
    (void)fputs(usage, err_out);
    (void)fputs("built-in kinds:", err_out);
    for (size_t i = 0; mlc_map_default_kind(i) != NULL; i++)
        (void)fprintf(err_out, " %s", mlc_map_default_kind(i));
    (void)fputc('\n', err_out);
    return MLCTL_USAGE;
}

static void tell(FILE *err_out, const mlc_error *err)
{
    (void)fputs("mlctl: ", err_out);
    mlctl_print_safe(err_out, err->message, false);
    (void)fputc('\n', err_out);
}

/* ---- check and show ---- */

static mlctl_exit check(int argc, char *const *argv, FILE *out, FILE *err_out)
{
    mlctl_exit result = MLCTL_OK;
    if (argc == 0)
        return wrong_usage(err_out, "the file is missing", NULL);
    for (int i = 0; i < argc; i++) {
        mlc_map *map = NULL;
        mlc_buf report = {0};
        mlc_error err;
        mlc_error_clear(&err);
        if (mlc_map_load_file(argv[i], &map, &report, &err) == MLC_OK) {
            (void)fprintf(out, "%s: good: %s -> %s, version %" PRId64 ", %zu columns\n", argv[i],
                          mlc_map_flow(map), mlc_map_target(map), mlc_map_version(map),
                          mlc_map_column_count(map));
        } else {
            mlctl_print_safe(err_out, report.len > 0 ? mlc_buf_text(&report) : err.message, true);
            result = MLCTL_FAILED;
        }
        mlc_map_free(map);
        mlc_buf_free(&report);
    }
    return result;
}

static mlctl_exit show(int argc, char *const *argv, FILE *out, FILE *err_out)
{
    size_t len = 0;
    const char *const text = argc == 1 ? mlc_map_default_text(argv[0], &len) : NULL;
    if (text == NULL)
        return wrong_usage(err_out, "give one of the built-in kinds", NULL);
    return fwrite(text, 1, len, out) == len ? MLCTL_OK : MLCTL_FAILED;
}

/* ---- test ---- */

static bool add_setting(map_test *test, const char *pair)
{
    const char *const equals = strchr(pair, '=');
    char *const name = equals != NULL ? mlc_strndup(pair, (size_t)(equals - pair)) : NULL;
    if (test->settings == NULL)
        test->settings = cJSON_CreateObject();
    const bool good = name != NULL && test->settings != NULL &&
                      mlc_json_add_str(test->settings, name, equals + 1, NULL) == MLC_OK;
    free(name);
    return good;
}

/* Takes one option and, when it has one, its value. False: wrong. */
static bool take_option(map_test *test, int argc, char *const *argv, int *at)
{
    const struct {
        const char *name;
        const char **value;
    } options[] = {{"--map", &test->file},
                   {"--kind", &test->kind},
                   {"--record", &test->record},
                   {"--prefix", &test->prefix}};
    const char *const word = argv[(*at)++];
    if (strcmp(word, "--trace") == 0)
        return test->trace = true;
    if (strcmp(word, "--gone") == 0)
        return test->gone = true;
    if (*at >= argc)
        return false;
    const char *const value = argv[*at];
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (strcmp(word, options[i].name) != 0)
            continue;
        *options[i].value = value;
        (*at)++;
        return true;
    }
    (*at)++;
    return strcmp(word, "--set") == 0 && add_setting(test, value);
}

static mlc_code read_record(const char *file, cJSON **out, mlc_error *err)
{
    mlc_buf text = {.max = RECORD_MAX_BYTES};
    FILE *const in = file == NULL || strcmp(file, "-") == 0 ? stdin : fopen(file, "rbe");
    char block[8192];
    size_t n = 0;
    mlc_code code = MLC_OK;
    if (in == NULL)
        return mlc_fail(err, MLC_E_IO, "%s: %s", file, strerror(errno));
    while (code == MLC_OK && (n = fread(block, 1, sizeof block, in)) > 0)
        code = mlc_buf_append(&text, block, n, err);
    if (code == MLC_OK && ferror(in) != 0)
        code = mlc_fail(err, MLC_E_IO, "the record cannot be read");
    if (in != stdin)
        (void)fclose(in);
    if (code == MLC_OK)
        code = mlc_json_parse(mlc_buf_text(&text), text.len, RECORD_MAX_BYTES, RECORD_DEPTH, out, err);
    if (code == MLC_OK && !cJSON_IsObject(*out)) {
        cJSON_Delete(*out);
        *out = NULL;
        code = mlc_fail(err, MLC_E_INVALID, "the record is no JSON object { ... }");
    }
    mlc_buf_free(&text);
    return code;
}

static mlc_code print_output(const cJSON *output, FILE *out, mlc_error *err)
{
    char *const text = cJSON_Print(output);
    if (text == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory to print the output");
    mlctl_print_safe(out, text, true);
    (void)fputc('\n', out);
    cJSON_free(text);
    return MLC_OK;
}

static mlc_code run_record(const map_test *test, mlc_map *map, const cJSON *record, FILE *out, mlc_error *err)
{
    const mlc_map_env env = {.prefix = test->prefix, .settings = test->settings};
    mlc_map_result result = {0};
    mlc_buf steps = {0};
    mlc_map_trace *const trace = test->trace ? mlc_map_trace_new() : NULL;
    mlc_code code =
        test->trace && trace == NULL ? mlc_fail(err, MLC_E_NOMEM, "no memory for the trace") : MLC_OK;
    if (code == MLC_OK)
        code = mlc_map_run(map, record, test->gone, mlc_map_flow(map), &env, trace, &result, err);
    if (trace != NULL && mlc_map_trace_print(trace, &steps, NULL) == MLC_OK && steps.len > 0) {
        mlctl_print_safe(out, mlc_buf_text(&steps), true);
        (void)fputc('\n', out);
    }
    if (code == MLC_OK)
        code = print_output(result.output, out, err);
    mlc_buf_free(&steps);
    mlc_map_trace_free(trace);
    mlc_map_result_free(&result);
    return code;
}

static mlctl_exit test_mapping(const map_test *test, FILE *out, FILE *err_out)
{
    mlc_map *map = NULL;
    cJSON *record = NULL;
    mlc_buf report = {0};
    mlc_error err;
    mlc_error_clear(&err);
    mlc_code code = test->file != NULL ? mlc_map_load_file(test->file, &map, &report, &err)
                                       : mlc_map_load_default(test->kind, &map, &err);
    if (code != MLC_OK && report.len > 0) {
        mlctl_print_safe(err_out, mlc_buf_text(&report), true);
    } else {
        if (code == MLC_OK)
            code = read_record(test->record, &record, &err);
        if (code == MLC_OK)
            code = run_record(test, map, record, out, &err);
        if (code != MLC_OK)
            tell(err_out, &err);
    }
    cJSON_Delete(record);
    mlc_map_free(map);
    mlc_buf_free(&report);
    return code == MLC_OK && fflush(out) == 0 ? MLCTL_OK : MLCTL_FAILED;
}

static mlctl_exit test(int argc, char *const *argv, FILE *out, FILE *err_out)
{
    map_test asked = {0};
    mlctl_exit result = MLCTL_OK;
    for (int at = 0; at < argc && result == MLCTL_OK;) {
        const char *const word = argv[at];
        if (!take_option(&asked, argc, argv, &at))
            result = wrong_usage(err_out, "not known or without its value:", word);
    }
    if (result == MLCTL_OK && (asked.file == NULL) == (asked.kind == NULL))
        result = wrong_usage(err_out, "give either --map FILE or --kind KIND", NULL);
    if (result == MLCTL_OK)
        result = test_mapping(&asked, out, err_out);
    cJSON_Delete(asked.settings);
    return result;
}

mlctl_exit mlctl_map_main(int argc, char *const *argv, FILE *out, FILE *err_out)
{
    const char *const word = argc > 0 ? argv[0] : "";
    if (strcmp(word, "check") == 0)
        return check(argc - 1, argv + 1, out, err_out);
    if (strcmp(word, "test") == 0)
        return test(argc - 1, argv + 1, out, err_out);
    if (strcmp(word, "show") == 0)
        return show(argc - 1, argv + 1, out, err_out);
    if (strcmp(word, "--help") != 0)
        return wrong_usage(err_out, "what is to be done? map check, map test or map show", NULL);
    (void)fputs(usage, out);
    return MLCTL_OK;
}
