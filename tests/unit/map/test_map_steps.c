/* Each setting of a field: what it makes of a value, and in which words it refuses one. */
#include "unit/map/map_test.h"

static void paths(void **state)
{
    (void)state;
    static const char list[] =
        "{\"rows\":{\"F0115\":[{\"PHTP\":\"FAX\",\"PH1\":\"1\"},{\"PHTP\":\"  \",\"PH1\":\"2\"}]},"
        "\"id\":\"7\",\"n\":12.50,\"b\":true,\"o\":{\"p\":[{\"q\":\"deep\"}]}}";
    map_test_field("from = \"F0115[PHTP=].PH1\";", list, "{\"x\":\"2\"}");
    map_test_field("from = \"F0115[PHTP=FAX,PH1=1].PH1\";", list, "{\"x\":\"1\"}");
    map_test_field("from = \"F0115[1].PH1\";", list, "{\"x\":\"2\"}");
    map_test_field("from = \"id\";", list, "{\"x\":\"7\"}");
    map_test_field("from = \"n\";", list, "{\"x\":\"12.50\"}");
    map_test_field("from = \"b\";", list, "{\"x\":\"true\"}");
    map_test_field("from = \"/o.p[0].q\";", list, "{\"x\":\"deep\"}");
    map_test_field("from = (\"F9.NO\", \"F0115[PHTP=CAR].PH1\", \"id\");", list, "{\"x\":\"7\"}");
    map_test_fault("from = \"F0115\";", list, "several values");
}

/* The list is there without such a row: known to be empty. The table is not there: nothing is known. */
static void absent_and_empty(void **state)
{
    (void)state;
    static const char list[] = "{\"l\":[],\"e\":\"  \",\"z\":null}";
    map_test_field("from = \"l[A=1].B\";", list, "{\"x\":null}");
    map_test_field("from = \"z\";", list, "{\"x\":null}");
    map_test_field("from = \"e\";", list, "{\"x\":null}");
    map_test_field("from = \"e\"; empty = \"omit\";", list, "{}");
    map_test_field("from = \"e\"; empty = \"blank\";", list, "{\"x\":\"\"}");
    map_test_field("from = \"no\";", list, "{}");
    map_test_field("from = \"no\"; absent = \"null\";", list, "{\"x\":null}");
    map_test_field("from = \"no\"; default = \"d\";", list, "{\"x\":\"d\"}");
    map_test_field("from = \"e\"; default = 5; type = \"int\";", list, "{\"x\":5}");
    map_test_fault("from = \"no\"; required = true;", list, "is needed");
    map_test_fault("from = \"e\"; required = true;", list, "(from e)");
}

static void texts(void **state)
{
    (void)state;
    static const char r[] =
        "{\"t\":\"  Z\xc3\xbcrich  am   See \",\"u\":\"\xc5\x81\xc3\xb3\x64\xc5\xba\",\"s\":\"abc\"}";
    map_test_field("from = \"t\";", r, "{\"x\":\"Z\xc3\xbcrich  am   See\"}");
    map_test_field("from = \"t\"; trim = false;", r, "{\"x\":\"  Z\xc3\xbcrich  am   See \"}");
    map_test_field("from = \"t\"; collapse = true;", r, "{\"x\":\"Z\xc3\xbcrich am See\"}");
    map_test_field("from = \"t\"; upper = true; left = 3;", r, "{\"x\":\"Z\xc3\x9cR\"}");
    map_test_field("from = \"u\"; lower = true;", r, "{\"x\":\"\xc5\x82\xc3\xb3\x64\xc5\xba\"}");
    map_test_field("from = \"u\"; right = 2;", r, "{\"x\":\"d\xc5\xba\"}");
    map_test_field("from = \"u\"; substring = [2, 2];", r, "{\"x\":\"\xc3\xb3\x64\"}");
    map_test_field("from = \"u\"; substring = [9, 2];", r, "{\"x\":null}");
    map_test_field("from = \"u\"; pad = { width = 6; };", r, "{\"x\":\"  \xc5\x81\xc3\xb3\x64\xc5\xba\"}");
    map_test_field("from = \"s\"; pad = { width = 5; with = \"0\"; side = \"right\"; };", r,
                   "{\"x\":\"abc00\"}");
    map_test_field("from = \"s\"; pad = { width = 2; };", r, "{\"x\":\"abc\"}");
    map_test_field("from = \"u\"; max = 2; too_long = \"cut\";", r, "{\"x\":\"\xc5\x81\xc3\xb3\"}");
    map_test_field("from = \"e\"; max = 2; too_long = \"cut\";", "{\"e\":\"a\xf0\x9f\x98\x80\"}",
                   "{\"x\":\"a\"}");
    map_test_fault("from = \"u\"; max = 3;", r, "has 4 characters, and at most 3 fit");
    map_test_field("const = \"fixed\";", r, "{\"x\":\"fixed\"}");
    map_test_field("const = true; type = \"bool\";", r, "{\"x\":true}");
    map_test_field("concat = (\"s\", \"no\", \"u\", { const = \"!\"; });", r,
                   "{\"x\":\"abc \xc5\x81\xc3\xb3\x64\xc5\xba !\"}");
    map_test_field("concat = (\"s\", \"s\"); separator = \"\";", r, "{\"x\":\"abcabc\"}");
}

static void numbers(void **state)
{
    (void)state;
    static const char r[] =
        "{\"a\":\"1234567890123.4500\",\"c\":123456,\"h\":\"2.345\",\"w\":\"5.00\",\"bad\":\"1,5\"}";
    map_test_field("from = \"a\"; type = \"money\";", r, "{\"x\":1234567890123.45}");
    map_test_field("from = \"a\"; type = \"decimal\"; scale = 4;", r, "{\"x\":1234567890123.4500}");
    map_test_field("from = \"c\"; type = \"money\"; implied = 2;", r, "{\"x\":1234.56}");
    map_test_field("from = \"h\"; type = \"decimal\"; scale = 2; round = \"half-up\";", r, "{\"x\":2.35}");
    map_test_field("from = \"h\"; type = \"decimal\"; scale = 2; round = \"half-even\";", r, "{\"x\":2.34}");
    map_test_fault("from = \"h\"; type = \"decimal\"; scale = 2;", r, "more than 2 decimals");
    map_test_fault("from = \"h\"; type = \"money\"; implied = 2;", r, "implied");
    map_test_fault("from = \"bad\"; type = \"money\";", r, "\"1,5\" is no number");
    map_test_field("from = \"w\"; type = \"int\";", r, "{\"x\":5}");
    map_test_fault("from = \"h\"; type = \"int\";", r, "is no whole number");
    map_test_fault("from = \"n\"; type = \"money\";", "{\"n\":\"12345678901234567890\"}", "too many digits");
}

static void booleans_and_dates(void **state)
{
    (void)state;
    static const char r[] =
        "{\"y\":\"Y\",\"n\":\"0\",\"q\":\"maybe\",\"j\":\"126327\",\"i\":\"2026-11-23\","
        "\"t\":\"2026-11-23T14:30:00Z\",\"u\":\"23/11/2026\",\"z\":\"0\",\"f\":\"2026-02-30\"}";
    map_test_field("from = \"y\"; type = \"bool\";", r, "{\"x\":true}");
    map_test_field("from = \"n\"; type = \"bool\";", r, "{\"x\":false}");
    map_test_fault("from = \"q\"; type = \"bool\";", r, "neither yes nor no");
    map_test_field("from = \"j\"; type = \"date\";", r, "{\"x\":\"2026-11-23\"}");
    map_test_field("from = \"i\"; type = \"date\"; date_out = \"julian\";", r, "{\"x\":\"126327\"}");
    map_test_field("from = \"t\"; type = \"date\"; date_out = \"yyyymmdd\";", r, "{\"x\":\"20261123\"}");
    map_test_field("from = \"u\"; type = \"date\"; date_in = \"dd/MM/yyyy\";", r, "{\"x\":\"2026-11-23\"}");
    map_test_field("from = \"i\"; type = \"date\"; date_out = \"MM/dd/yyyy\";", r, "{\"x\":\"11/23/2026\"}");
    map_test_field("from = \"i\"; type = \"datetime\";", r, "{\"x\":\"2026-11-23T00:00:00Z\"}");
    map_test_field("from = \"t\"; type = \"datetime\";", r, "{\"x\":\"2026-11-23T14:30:00Z\"}");
    map_test_field("from = \"z\"; type = \"date\";", r, "{\"x\":null}");
    map_test_fault("from = \"z\"; type = \"date\"; required = true;", r, "is needed");
    map_test_fault("from = \"f\"; type = \"date\";", r, "\"2026-02-30\" is no date that exists");
    map_test_fault("from = \"t\"; type = \"datetime\";", "{\"t\":\"2026-11-23T24:00:00Z\"}", "is no time");
}

static void check_table(const char *settings, const char *record, const char *expected)
{
    char *const body = mlc_asprintf("tables: { t = ( (\"N30\", 1), (\"\", \"none\"), (\"001\", \"4\") ); };\n"
                                    "fields = ( { to = \"x\"; from = \"c\"; table = \"t\"; %s } );",
                                    settings);
    mlc_map *const map = map_test_load(body);
    char *const got = map_test_run(map, record, NULL);
    if (strstr(got, expected) == NULL)
        fail_msg("%s gives %s", settings, got);
    free(got);
    mlc_map_free(map);
    free(body);
}

static void tables(void **state)
{
    (void)state;
    check_table("", "{\"c\":\"001\"}", "{\"x\":\"4\"}");
    check_table("type = \"option\";", "{\"c\":\"N30 \"}", "{\"x\":1}");
    check_table("", "{\"c\":\" \"}", "{\"x\":\"none\"}");
    check_table("", "{}", "{}");
    check_table("", "{\"c\":\"Q\"}", "x: the code \"Q\" is not in the table t");
    check_table("unknown = \"keep\";", "{\"c\":\"Q\"}", "{\"x\":\"Q\"}");
    check_table("unknown = \"omit\";", "{\"c\":\"Q\"}", "{}");
    check_table("unknown = \"default\"; default = \"d\";", "{\"c\":\"Q\"}", "{\"x\":\"d\"}");
}

/* ---- what a run asks ---- */

static mlc_map_found find_row(void *user, const char *set, const char *key, const char *value,
                              char id[MLC_MAP_ID_MAX])
{
    (*(unsigned *)user)++;
    assert_string_equal(set, "accounts");
    assert_string_equal(key, "new_key");
    (void)snprintf(id, MLC_MAP_ID_MAX, "00000000-0000-0000-0000-00000000000%s", value);
    return *value == '7' ? MLC_MAP_NOT_FOUND : *value == '8' ? MLC_MAP_NOT_YET : MLC_MAP_FOUND;
}

static bool find_option(void *user, const char *set, const char *column, const char *label, int64_t *value)
{
    (void)user;
    *value = 42;
    return strcmp(set, "things") == 0 && strcmp(column, "o") == 0 && strcmp(label, "Net 30") == 0;
}

static void expect_run(mlc_map *map, const char *record, const mlc_map_env *env, const char *words)
{
    char *const got = map_test_run(map, record, env);
    if (strstr(got, words) == NULL)
        fail_msg("%s gives %s", record, got);
    free(got);
}

static void lookups_and_options(void **state)
{
    (void)state;
    unsigned asked = 0;
    const mlc_map_env env = {.user = &asked, .prefix = "new_", .lookup = find_row, .option = find_option};
    mlc_map *const map = map_test_load(
        "fields = ( { to = \"a\"; from = \"a\"; lookup = { set = \"accounts\"; key = \"{prefix}key\"; }; },\n"
        "  { to = \"n\"; from = \"n\"; lookup = { set = \"accounts\"; key = \"{prefix}key\"; not_found = "
        "\"null\"; }; },\n"
        "  { to = \"o\"; from = \"o\"; type = \"option\"; by = \"label\"; } );");
    expect_run(map, "{\"a\":\"1\"}", &env,
               "{\"a@odata.bind\":\"/accounts(00000000-0000-0000-0000-000000000001)\"}");
    expect_run(map, "{\"a\":\"\"}", &env, "{\"a@odata.bind\":null}");
    assert_int_equal(asked, 1);
    expect_run(map, "{\"a\":\"7\"}", &env,
               "invalid: thing 1: a: there is no row of accounts with new_key \"7\"");
    expect_run(map, "{\"n\":\"7\"}", &env, "{\"n@odata.bind\":null}");
    expect_run(map, "{\"a\":\"it's\"}", NULL, "{\"a@odata.bind\":\"/accounts(ml_key='it''s')\"}");
    expect_run(map, "{\"o\":\"Net 30\"}", &env, "{\"o\":42}");
    expect_run(map, "{\"o\":\"Net 31\"}", &env, "invalid: thing 1: o: \"Net 31\" is no option");
    expect_run(map, "{\"o\":\"Net 30\"}", NULL, "is no option");
    mlc_map_free(map);
}

/* What is not known yet is told once, and no half output is given. A fault comes before waiting. */
static void waiting(void **state)
{
    (void)state;
    unsigned asked = 0;
    const mlc_map_env env = {.user = &asked, .prefix = "new_", .lookup = find_row};
    mlc_map *const map = map_test_load(
        "fields = ( { to = \"a\"; from = \"a\"; lookup = { set = \"accounts\"; key = \"new_key\"; }; },\n"
        "  { to = \"b\"; from = \"a\"; lookup = { set = \"accounts\"; key = \"new_key\"; }; },\n"
        "  { to = \"c\"; from = \"c\"; type = \"int\"; } );");
    cJSON *const good = map_test_json("{\"a\":\"8\",\"c\":\"1\"}");
    cJSON *const bad = map_test_json("{\"a\":\"8\",\"c\":\"one\"}");
    mlc_map_result result;
    mlc_error err;
    assert_int_equal(mlc_map_run(map, good, false, "thing 1", &env, NULL, &result, &err), MLC_E_UNAVAILABLE);
    assert_null(result.output);
    assert_int_equal(result.waiting_count, 1);
    assert_string_equal(result.waiting[0].set, "accounts");
    assert_string_equal(result.waiting[0].key, "new_key");
    assert_string_equal(result.waiting[0].value, "8");
    mlc_map_result_free(&result);
    assert_int_equal(mlc_map_run(map, bad, false, "thing 1", &env, NULL, &result, &err), MLC_E_INVALID);
    assert_int_equal(result.faults.count, 1);
    mlc_map_result_free(&result);
    cJSON_Delete(good);
    cJSON_Delete(bad);
    mlc_map_free(map);
}

static void lists_gone_and_settings(void **state)
{
    (void)state;
    mlc_map *const map = map_test_load(
        "fields = ( { to = \"{prefix}c\"; from = \"settings.company\"; } );\n"
        "lines = { from = \"l\"; to = \"L\"; fields = ( { to = \"q\"; from = \"q\"; type = \"int\"; },\n"
        "  { to = \"h\"; from = \"head\"; }, { to = \"r\"; from = \"/q\"; } ); };\n"
        "inactive = ( { to = \"state\"; const = 1; type = \"option\"; } );");
    cJSON *const settings = map_test_json("{\"company\":\"00001\"}");
    const mlc_map_env env = {.settings = settings, .prefix = "new_"};
    expect_run(
        map, "{\"l\":[{\"q\":\"1\"},{\"q\":2}],\"head\":\"H\",\"q\":\"9\"}", &env,
        "{\"new_c\":\"00001\",\"L\":[{\"q\":1,\"h\":\"H\",\"r\":\"9\"},{\"q\":2,\"h\":\"H\",\"r\":\"9\"}]}");
    expect_run(map, "{}", NULL, "{\"L\":[]}");
    expect_run(map, "{\"l\":\"no list\"}", NULL, "L: l is no list");
    expect_run(map, "{\"l\":[{\"q\":\"x\"}]}", NULL, "L[0].q: \"x\" is no whole number");
    mlc_map_result result;
    cJSON *const nothing = map_test_json("{}");
    assert_int_equal(mlc_map_run(map, nothing, true, "thing 1", &env, NULL, &result, NULL), MLC_OK);
    char *const text = mlc_json_print(result.output);
    assert_string_equal(text, "{\"state\":1}");
    free(text);
    mlc_map_result_free(&result);
    cJSON_Delete(nothing);
    cJSON_Delete(settings);
    mlc_map_free(map);
}

static void trace_shows_each_step(void **state)
{
    (void)state;
    mlc_map *const map = map_test_load(
        "tables: { t = ( (\"A\", \"1\") ); };\n"
        "fields = ( { to = \"x\"; from = \"c\"; upper = true; table = \"t\"; type = \"int\"; },\n"
        "  { to = \"y\"; from = \"d\"; type = \"int\"; } );");
    mlc_map_trace *const trace = mlc_map_trace_new();
    cJSON *const record = map_test_json("{\"c\":\" a\",\"d\":\"1.0\"}");
    mlc_map_result result;
    mlc_buf text = {0};
    assert_int_equal(mlc_map_run(map, record, false, "thing 1", NULL, trace, &result, NULL), MLC_OK);
    assert_int_equal(mlc_map_trace_print(trace, &text, NULL), MLC_OK);
    assert_string_equal(mlc_buf_text(&text), "x                        from c: (none) -> \" a\"\n"
                                             "x                        text steps: \" a\" -> \"A\"\n"
                                             "x                        table: \"A\" -> \"1\"\n"
                                             "y                        from d: (none) -> \"1.0\"\n"
                                             "y                        int: \"1.0\" -> \"1\"\n");
    mlc_buf_free(&text);
    mlc_map_result_free(&result);
    mlc_map_trace_free(trace);
    cJSON_Delete(record);
    mlc_map_free(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(absent_and_empty),
        cmocka_unit_test(texts),
        cmocka_unit_test(numbers),
        cmocka_unit_test(booleans_and_dates),
        cmocka_unit_test(tables),
        cmocka_unit_test(lookups_and_options),
        cmocka_unit_test(waiting),
        cmocka_unit_test(lists_gone_and_settings),
        cmocka_unit_test(trace_shows_each_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
