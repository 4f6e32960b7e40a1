/* Each built-in mapping on realistic records: what is in golden/KIND.json comes out, to the letter. */
#include "unit/map/map_test.h"

static char *read_file(const char *kind)
{
    char path[512];
    mlc_buf text = {0};
    char block[4096];
    size_t n = 0;
    (void)snprintf(path, sizeof path, MLC_SOURCE_DIR "/tests/unit/map/golden/%s.json", kind);
    FILE *const in = fopen(path, "rb");
    if (in == NULL)
        fail_msg("%s is missing: each built-in mapping needs its golden records", path);
    while ((n = fread(block, 1, sizeof block, in)) > 0)
        assert_int_equal(mlc_buf_append(&text, block, n, NULL), MLC_OK);
    (void)fclose(in);
    return mlc_buf_take(&text);
}

static void run_case(mlc_map *map, const cJSON *one)
{
    const cJSON *const record = mlc_json_get(one, "record");
    const mlc_map_env env = {.settings = mlc_json_get(one, "settings")};
    mlc_map_result result;
    mlc_error err;
    if (mlc_map_run(map, record, mlc_json_bool(record, "gone", false), mlc_json_str(one, "name"), &env, NULL,
                    &result, &err) != MLC_OK)
        fail_msg("%s", err.message);
    char *const got = mlc_json_print(result.output);
    char *const expected = mlc_json_print(mlc_json_get(one, "output"));
    assert_string_equal(got, expected);
    free(got);
    free(expected);
    mlc_map_result_free(&result);
}

static void golden_records(void **state)
{
    (void)state;
    const char *kind = NULL;
    size_t cases = 0;
    for (size_t i = 0; (kind = mlc_map_default_kind(i)) != NULL; i++) {
        mlc_map *map = NULL;
        mlc_error err;
        if (mlc_map_load_default(kind, &map, &err) != MLC_OK)
            fail_msg("%s", err.message);
        assert_string_equal(mlc_map_flow(map), kind);
        char *const text = read_file(kind);
        cJSON *const all = map_test_json(text);
        const cJSON *one = NULL;
        cJSON_ArrayForEach(one, all)
        {
            run_case(map, one);
            cases++;
        }
        cJSON_Delete(all);
        free(text);
        mlc_map_free(map);
    }
    assert_true(cases >= 22);
}

static void needed_kinds_are_built_in(void **state)
{
    (void)state;
    static const char *const kinds[] = {"customer", "supplier", "contact",        "item",
                                        "price",    "order",    "purchase-order", "address"};
    size_t len = 0;
    mlc_map *map = NULL;
    mlc_error err;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_non_null(mlc_map_default_text(kinds[i], &len));
    assert_int_equal(mlc_map_load_default("invoice", &map, &err), MLC_E_NOTFOUND);
    assert_null(map);
}

/* A bad order names each fault, the line and the column of JDE's input. */
static void faults_of_an_order(void **state)
{
    (void)state;
    mlc_map *map = NULL;
    assert_int_equal(mlc_map_load_default("order", &map, NULL), MLC_OK);
    char *const got = map_test_run(
        map,
        "{\"reference\":\"R\",\"orderDate\":\"2026-02-30\",\"lines\":[{\"line\":1,\"item\":\"A\","
        "\"quantity\":\"5\"},{\"line\":2,\"item\":\"\",\"quantity\":\"five\"}]}",
        NULL);
    static const char *const words[] = {"SoldTo: ", "OrderDate: \"2026-02-30\"",
                                        "Lines[1].ItemNumber: ", "Lines[1].Quantity: \"five\""};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strstr(got, words[i]) == NULL)
            fail_msg("\"%s\" is not in \"%s\"", words[i], got);
    free(got);
    char *const empty = map_test_run(map, "{\"reference\":\"R\",\"customer\":\"6001\",\"lines\":[]}", NULL);
    assert_non_null(strstr(empty, "Lines: needs at least one line"));
    free(empty);
    mlc_map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_records),
        cmocka_unit_test(needed_kinds_are_built_in),
        cmocka_unit_test(faults_of_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
