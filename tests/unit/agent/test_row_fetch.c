/* Rows for a list of keys: portions, pages, a further condition in each portion, and a set that goes away in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/row_fetch.h"
#include "support/ais_test.h"

#define PAGE(rows, more, links)                                                                              \
    "{\"fs_DATABROWSE_F03012\":{\"data\":{\"gridData\":{\"rowset\":[" rows                                   \
    "],\"summary\":{\"moreRecords\":" more "}}},\"errors\":[]},\"links\":[" links "]}"
#define NEXT(rid) "{\"rel\":\"next\",\"href\":\"%U/jderest/v2/dataservice/next?rid=" rid "\"}"
#define ROW(an8)  "{\"F03012_AN8\":" an8 "}"
#define GONE      "{\"sysErrors\":[{\"TITLE\":\"JAS_MSG347: gone\"}]}"

enum { KEYS_MAX = 250 };

typedef struct fetched {
    bool done;
    int calls;
    mlc_code code;
    cJSON *rows;
    char names[KEYS_MAX][24];
    const char *keys[KEYS_MAX];
} fetched;

static const char *const columns[] = {"AN8", "CO", NULL};
static const char *const order[] = {"AN8", NULL};

static void on_rows(void *user, mlc_code code, const mlc_error *err, cJSON *rows)
{
    fetched *const r = user;
    assert_true((code == MLC_OK) == (rows != NULL));
    assert_non_null(err);
    r->done = true;
    r->calls++;
    r->code = code;
    r->rows = rows;
}

/* Start a fetch; the further condition stands on this function's stack, as it may at a caller's. */
static __attribute__((noinline)) void start(ais_fix *f, fetched *r, size_t keys, const char *company)
{
    const mlc_ais_term extra = {"CO", MLC_AIS_EQ, company};
    mlc_error err;
    for (size_t i = 0; i < keys; i++) {
        (void)snprintf(r->names[i], sizeof r->names[i], "%zu", i + 1);
        r->keys[i] = r->names[i];
    }
    const mlc_row_fetch fetch = {.table = "F03012",
                                 .columns = columns,
                                 .key_column = "AN8",
                                 .keys = r->keys,
                                 .key_count = keys,
                                 .order = order,
                                 .terms = {extra},
                                 .term_count = company != NULL ? 1 : 0};
    if (mlc_row_fetch_start(f->ais, &fetch, on_rows, r, &err) != MLC_OK)
        fail_msg("%s", err.message);
}

static void run(ais_fix *f, fetched *r, size_t keys, const char *company)
{
    memset(r, 0, sizeof *r);
    if (f->ais == NULL)
        ais_fix_open(f);
    start(f, r, keys, company);
    assert_true(net_run_until(&f->loop, &r->done));
    net_run_for(&f->loop, 10);
    assert_int_equal(r->calls, 1);
}

/* The conditions of the n-th request: number of keys asked for, and the value compared with CO (NULL: none). */
static size_t asked_keys(const ais_fix *f, size_t n, char company[16])
{
    cJSON *tree = NULL;
    assert_int_equal(mlc_json_parse(f->asked[n].body, strlen(f->asked[n].body), 0, 0, &tree, NULL), MLC_OK);
    const cJSON *const conditions = mlc_json_path(tree, "query.condition");
    const cJSON *const list = cJSON_GetArrayItem(conditions, 0);
    const cJSON *const other = cJSON_GetArrayItem(conditions, 1);
    assert_string_equal(mlc_json_str(list, "operator"), "LIST");
    const size_t count = (size_t)cJSON_GetArraySize(mlc_json_get(list, "value"));
    company[0] = '\0';
    if (other != NULL) {
        assert_string_equal(mlc_json_str(other, "controlId"), "F03012.CO");
        assert_string_equal(mlc_json_str(other, "operator"), "EQUAL");
        const char *const text = mlc_json_str(cJSON_GetArrayItem(mlc_json_get(other, "value"), 0), "content");
        (void)snprintf(company, 16, "%s", text);
    }
    cJSON_Delete(tree);
    return count;
}

static const cJSON *find(const cJSON *rows, const char *an8)
{
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, rows)
    {
        if (strcmp(mlc_json_member_text(row, "AN8"), an8) == 0)
            return row;
    }
    return NULL;
}

static void test_one_portion_of_several_pages(void **state)
{
    ais_fix *const f = ais_fix_new();
    fetched r;
    (void)state;
    ais_script(f, {200, PAGE(ROW("1") "," ROW("2"), "true", NEXT("a")), false},
               {200, PAGE(ROW("3"), "false", ""), false});
    run(f, &r, 3, NULL);
    assert_int_equal(r.code, MLC_OK);
    assert_int_equal(cJSON_GetArraySize(r.rows), 3);
    assert_non_null(find(r.rows, "3"));
    assert_null(find(r.rows, "4"));
    cJSON_Delete(r.rows);
    ais_fix_free(f);
}

/* The caller's condition must hold for every portion, also for those asked after the caller has returned. */
static void test_condition_stands_in_every_portion(void **state)
{
    ais_fix *const f = ais_fix_new();
    fetched r;
    char company[16];
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "false", ""), false});
    run(f, &r, 250, "00001");
    assert_int_equal(r.code, MLC_OK);
    assert_int_equal(f->asked_count, 3);
    assert_int_equal(asked_keys(f, 0, company), 100);
    assert_string_equal(company, "00001");
    assert_int_equal(asked_keys(f, 1, company), 100);
    assert_string_equal(company, "00001");
    assert_int_equal(asked_keys(f, 2, company), 50);
    assert_string_equal(company, "00001");
    assert_non_null(strstr(f->asked[2].body, "\"250\""));
    assert_int_equal(cJSON_GetArraySize(r.rows), 3);
    cJSON_Delete(r.rows);
    ais_fix_free(f);
}

/* The set went away after its first page: the portion is read again, and no row stands there twice. */
static void test_lost_set_is_read_again(void **state)
{
    ais_fix *const f = ais_fix_new();
    fetched r;
    char company[16];
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "false", ""), false},
               {200, PAGE(ROW("101"), "true", NEXT("a")), false}, {500, GONE, false},
               {200, PAGE(ROW("101") "," ROW("102"), "false", ""), false});
    run(f, &r, 102, "00001");
    assert_int_equal(r.code, MLC_OK);
    assert_int_equal(cJSON_GetArraySize(r.rows), 3);
    assert_non_null(find(r.rows, "1"));
    assert_int_equal(asked_keys(f, 3, company), 2);
    assert_string_equal(company, "00001");
    cJSON_Delete(r.rows);
    ais_fix_free(f);
}

static bool keep_even(void *user, const cJSON *row)
{
    assert_non_null(user);
    return (strtol(mlc_json_member_text(row, "AN8"), NULL, 10) & 1) == 0;
}

static void test_only_rows_of_use_are_kept(void **state)
{
    ais_fix *const f = ais_fix_new();
    fetched r = {.keys = {"1", "2"}};
    mlc_error err;
    const mlc_row_fetch fetch = {.table = "F03012",
                                 .columns = columns,
                                 .key_column = "AN8",
                                 .keys = r.keys,
                                 .key_count = 2,
                                 .order = order,
                                 .keep = keep_even};
    (void)state;
    ais_script(f, {200, PAGE(ROW("1") "," ROW("2"), "true", NEXT("a")), false},
               {200, PAGE(ROW("3") "," ROW("4"), "false", ""), false});
    ais_fix_open(f);
    assert_int_equal(mlc_row_fetch_start(f->ais, &fetch, on_rows, &r, &err), MLC_OK);
    assert_true(net_run_until(&f->loop, &r.done));
    assert_int_equal(cJSON_GetArraySize(r.rows), 2);
    assert_non_null(find(r.rows, "2"));
    assert_non_null(find(r.rows, "4"));
    cJSON_Delete(r.rows);
    ais_fix_free(f);
}

/* Each key is a group of its own, with the further condition in each. */
static void test_exact_keys(void **state)
{
    static const char *const exact[] = {"AN8", "CO"};
    ais_fix *const f = ais_fix_new();
    fetched r = {0};
    mlc_error err;
    cJSON *tree = NULL;
    for (size_t i = 0; i < 21; i++) {
        (void)snprintf(r.names[i], sizeof r.names[i], "%zu\x1f%s", i + 1, i == 1 ? "" : "00001");
        r.keys[i] = r.names[i];
    }
    const mlc_row_fetch fetch = {.table = "F03012",
                                 .columns = columns,
                                 .key_column = "AN8",
                                 .keys = r.keys,
                                 .key_count = 21,
                                 .exact_columns = exact,
                                 .exact_count = 2,
                                 .order = order,
                                 .terms = {{"TRAR", MLC_AIS_EQ, "N30"}},
                                 .term_count = 1};
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "false", ""), false});
    ais_fix_open(f);
    assert_int_equal(mlc_row_fetch_start(f->ais, &fetch, on_rows, &r, &err), MLC_OK);
    assert_true(net_run_until(&f->loop, &r.done));
    assert_int_equal(f->asked_count, 2);
    assert_int_equal(mlc_json_parse(f->asked[0].body, strlen(f->asked[0].body), 0, 0, &tree, NULL), MLC_OK);
    const cJSON *const groups = mlc_json_path(tree, "query.complexQuery");
    assert_int_equal(cJSON_GetArraySize(groups), 20);
    const cJSON *const conditions = mlc_json_path(cJSON_GetArrayItem(groups, 1), "query.condition");
    static const char *const want[][2] = {{"F03012.AN8", "2"}, {"F03012.CO", ""}, {"F03012.TRAR", "N30"}};
    for (int i = 0; i < 3; i++) {
        const cJSON *const condition = cJSON_GetArrayItem(conditions, i);
        assert_string_equal(mlc_json_str(condition, "controlId"), want[i][0]);
        assert_string_equal(mlc_json_str(cJSON_GetArrayItem(mlc_json_get(condition, "value"), 0), "content"),
                            want[i][1]);
    }
    assert_non_null(strstr(f->asked[1].body, "\"21\""));
    cJSON_Delete(tree);
    cJSON_Delete(r.rows);
    ais_fix_free(f);
}

static void test_set_that_is_always_lost(void **state)
{
    ais_fix *const f = ais_fix_new();
    fetched r;
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "true", ""), false});
    run(f, &r, 2, NULL);
    assert_int_equal(r.code, MLC_E_UNAVAILABLE);
    assert_int_equal(f->asked_count, 4);
    ais_fix_free(f);
}

static void test_errors_end_it(void **state)
{
    ais_fix *const f = ais_fix_new();
    fetched r;
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "false", ""), false}, {503, "{}", false});
    run(f, &r, 150, NULL);
    assert_int_equal(r.code, MLC_E_UNAVAILABLE);
    ais_fix_free(f);
}

static void test_close_ends_it(void **state)
{
    ais_fix *const f = ais_fix_new();
    fetched r = {0};
    (void)state;
    ais_script(f, {200, PAGE(ROW("1"), "true", NEXT("a")), false}, {0, "", true});
    ais_fix_open(f);
    start(f, &r, 2, "00001");
    assert_true(ais_wait_held(f));
    ais_fix_close(f);
    assert_int_equal(r.calls, 1);
    assert_int_equal(r.code, MLC_E_CLOSED);
    ais_fix_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_portion_of_several_pages),
        cmocka_unit_test(test_condition_stands_in_every_portion),
        cmocka_unit_test(test_lost_set_is_read_again),
        cmocka_unit_test(test_only_rows_of_use_are_kept),
        cmocka_unit_test(test_exact_keys),
        cmocka_unit_test(test_set_that_is_always_lost),
        cmocka_unit_test(test_errors_end_it),
        cmocka_unit_test(test_close_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
