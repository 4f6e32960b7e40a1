/* map_test.h - what the tests of mappings share: load a text, run a record, look at what came out. */
#ifndef MLC_TESTS_UNIT_MAP_MAP_TEST_H
#define MLC_TESTS_UNIT_MAP_MAP_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "map/map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline cJSON *map_test_json(const char *text)
{
    cJSON *tree = NULL;
    mlc_error err;
    if (mlc_json_parse(text, strlen(text), 0, 0, &tree, &err) != MLC_OK)
        fail_msg("%s: %s", text, err.message);
    return tree;
}

/* A mapping with this head-less text, which must be good. */
static inline mlc_map *map_test_load(const char *body)
{
    mlc_map *map = NULL;
    mlc_buf report = {0};
    mlc_error err;
    char *const text = mlc_asprintf("flow = \"t\"; target = \"things\";\n%s", body);
    assert_non_null(text);
    if (mlc_map_load_text("t.map", text, strlen(text), &map, &report, &err) != MLC_OK)
        fail_msg("%s", mlc_buf_text(&report));
    assert_int_equal(report.len, 0);
    mlc_buf_free(&report);
    free(text);
    return map;
}

/* Output of one run as compact JSON, or "code: message". Caller frees. */
static inline char *map_test_run(mlc_map *map, const char *record, const mlc_map_env *env)
{
    mlc_map_result result;
    mlc_error err;
    cJSON *const input = map_test_json(record);
    const mlc_code code = mlc_map_run(map, input, false, "thing 1", env, NULL, &result, &err);
    assert_true((result.output != NULL) == (code == MLC_OK));
    char *const text = code == MLC_OK ? mlc_json_print(result.output)
                                      : mlc_asprintf("%s: %s", mlc_code_name(code), err.message);
    assert_non_null(text);
    mlc_map_result_free(&result);
    cJSON_Delete(input);
    return text;
}

/* One field's settings against one record. */
static inline void map_test_field(const char *settings, const char *record, const char *expected)
{
    char *const body = mlc_asprintf("fields = ( { to = \"x\"; %s } );", settings);
    assert_non_null(body);
    mlc_map *const map = map_test_load(body);
    char *const got = map_test_run(map, record, NULL);
    if (strcmp(got, expected) != 0)
        fail_msg("%s on %s gives %s, not %s", settings, record, got, expected);
    free(got);
    mlc_map_free(map);
    free(body);
}

/* As map_test_field, but a fault with these words. */
static inline void map_test_fault(const char *settings, const char *record, const char *words)
{
    char *const body = mlc_asprintf("fields = ( { to = \"x\"; %s } );", settings);
    assert_non_null(body);
    mlc_map *const map = map_test_load(body);
    char *const got = map_test_run(map, record, NULL);
    if (strstr(got, words) == NULL || strncmp(got, "invalid: thing 1: x: ", 21) != 0)
        fail_msg("%s on %s gives %s, not a fault with \"%s\"", settings, record, got, words);
    free(got);
    mlc_map_free(map);
    free(body);
}

#endif
