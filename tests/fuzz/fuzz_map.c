/* parts: map */
/* A mapping file and a record in one input, parted by a NUL: the file is refused with a report, or the record is mapped to
 * an output, or refused with faults. Whatever comes out prints as JSON that is read again, and a second run gives the same. */
#include "map/map.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig 1.5 loses its string buffer at some syntax errors. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig.so\n";
}

static void must(bool holds)
{
    if (!holds)
        abort();
}

static mlc_map_found find_row(void *user, const char *set, const char *key, const char *value,
                              char id[MLC_MAP_ID_MAX])
{
    (void)user;
    mlc_strlcpy(id, "00000000-0000-0000-0000-000000000001", MLC_MAP_ID_MAX);
    return (mlc_map_found)((strlen(set) + strlen(key) + strlen(value)) % 3);
}

static char *run_once(mlc_map *map, const cJSON *record, bool gone)
{
    const mlc_map_env env = {.prefix = "p_", .lookup = find_row};
    mlc_map_trace *const trace = mlc_map_trace_new();
    mlc_map_result result;
    mlc_buf steps = {0};
    mlc_error err;
    char *text = NULL;
    mlc_error_clear(&err);
    const mlc_code code = mlc_map_run(map, record, gone, "record", &env, trace, &result, &err);
    must((code == MLC_OK) == (result.output != NULL));
    must(code == MLC_OK || code == MLC_E_INVALID || code == MLC_E_UNAVAILABLE);
    must((code == MLC_E_INVALID) == (result.faults.count > 0));
    must(code != MLC_E_UNAVAILABLE || result.waiting_count > 0);
    must(mlc_utf8_valid(err.message, strlen(err.message)));
    text = code == MLC_OK ? mlc_json_print(result.output) : mlc_strdup(err.message);
    must(text != NULL && mlc_map_trace_print(trace, &steps, NULL) == MLC_OK);
    if (code == MLC_OK) {
        cJSON *again = NULL;
        must(mlc_json_parse(text, strlen(text), 0, 0, &again, NULL) == MLC_OK);
        cJSON_Delete(again);
    }
    mlc_buf_free(&steps);
    mlc_map_trace_free(trace);
    mlc_map_result_free(&result);
    return text;
}

static void run_twice(mlc_map *map, const cJSON *record, bool gone)
{
    char *const one = run_once(map, record, gone);
    char *const two = run_once(map, record, gone);
    must(strcmp(one, two) == 0);
    free(one);
    free(two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *const parting = memchr(data, '\0', size);
    const size_t file_len = parting != NULL ? (size_t)(parting - data) : size;
    mlc_map *map = NULL;
    mlc_buf report = {0};
    cJSON *record = NULL;
    if (mlc_map_load_text("fuzz.map", (const char *)data, file_len, &map, &report, NULL) != MLC_OK) {
        must(report.len > 0 && map == NULL && mlc_utf8_valid(mlc_buf_text(&report), report.len));
        mlc_buf_free(&report);
        return 0;
    }
    for (size_t i = 0; i < mlc_map_column_count(map); i++)
        must(mlc_map_column_at(map, i).name != NULL);
    if (parting != NULL &&
        mlc_json_parse((const char *)parting + 1, size - file_len - 1, 0, 0, &record, NULL) == MLC_OK) {
        run_twice(map, record, false);
        run_twice(map, record, true);
    }
    cJSON_Delete(record);
    mlc_map_free(map);
    return 0;
}
