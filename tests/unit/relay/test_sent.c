/* test_sent.c - what the relay notes of what it wrote: ranges and sums of it, and columns against what Dynamics shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/sent.h"
#include "support/store_test.h"

static mlc_sent sent_of(uint8_t content, const char *version)
{
    mlc_sent sent = {.columns = {.mask = 5}};
    memset(sent.fingerprint, content, sizeof sent.fingerprint);
    (void)snprintf(sent.version, sizeof sent.version, "%s", version);
    return sent;
}

static mlc_code put_some(mlc_txn *txn, void *arg, mlc_error *err)
{
    static const char *const ids[] = {"9", "10", "11/2", "11/1", "100", "60001/30/0//USD/EA"};
    mlc_code code = MLC_OK;
    (void)arg;
    for (size_t i = 0; code == MLC_OK && i < sizeof ids / sizeof ids[0]; i++) {
        const mlc_sent sent = sent_of((uint8_t)i, "1764.126327.1");
        code = mlc_sent_put(txn, "customer", ids[i], &sent, err);
    }
    mlc_sent gone = sent_of(7, "1.1.1");
    gone.gone = true;
    if (code == MLC_OK)
        code = mlc_sent_put(txn, "customer", "50", &gone, err);
    const mlc_sent other = sent_of(8, "1.1.1");
    return code == MLC_OK ? mlc_sent_put(txn, "supplier", "10", &other, err) : code;
}

typedef struct seen {
    int64_t from, to;
    char ids[200];
    mlc_range_sum sum;
} seen;

static bool collect(const char *id, const mlc_sent *sent, void *arg)
{
    seen *const s = arg;
    const size_t used = strlen(s->ids);
    (void)snprintf(s->ids + used, sizeof s->ids - used, "%s%s ", id, sent->gone ? "(gone)" : "");
    return true;
}

static mlc_code scan(mlc_txn *txn, void *arg, mlc_error *err)
{
    seen *const s = arg;
    s->ids[0] = '\0';
    const mlc_code code = mlc_sent_scan(txn, "customer", s->from, s->to, collect, s, err);
    return code == MLC_OK ? mlc_sent_sum(txn, "customer", s->from, s->to, &s->sum, err) : code;
}

static void expect(st_fix *f, int64_t from, int64_t to, const char *ids, uint64_t count)
{
    seen s = {.from = from, .to = to};
    mlc_error err;
    st_check(mlc_store_read(f->store, scan, &s, &err), &err);
    assert_string_equal(s.ids, ids);
    assert_int_equal(s.sum.count, count);
}

static void ranges_follow_the_numbers(void **state)
{
    st_fix f;
    mlc_error err;
    (void)state;
    st_init(&f);
    expect(&f, 0, INT64_MAX, "", 0);
    st_check(mlc_store_run(f.store, put_some, NULL, &err), &err);
    expect(&f, 0, INT64_MAX, "9 10 11/1 11/2 50(gone) 100 60001/30/0//USD/EA ", 6);
    expect(&f, 10, 12, "10 11/1 11/2 ", 3);
    expect(&f, 12, 100, "50(gone) ", 0);
    expect(&f, 100, 101, "100 ", 1);
    st_end(&f);
}

static mlc_code mark_and_put(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_sent *const out = arg;
    const mlc_sent newer = sent_of(9, "2.2.2");
    mlc_code code = mlc_sent_mark(txn, "customer", "10", 77, err);
    if (code == MLC_OK)
        code = mlc_sent_put(txn, "customer", "10", &newer, err);
    if (code == MLC_OK && mlc_sent_mark(txn, "customer", "404", 77, err) != MLC_E_NOTFOUND)
        code = MLC_E_INTERNAL;
    return code == MLC_OK ? mlc_sent_get(txn, "customer", "10", out, err) : code;
}

static void a_newer_note_keeps_that_the_row_was_seen(void **state)
{
    st_fix f;
    mlc_error err;
    mlc_sent sent;
    (void)state;
    st_init(&f);
    st_check(mlc_store_run(f.store, put_some, NULL, &err), &err);
    st_check(mlc_store_run(f.store, mark_and_put, &sent, &err), &err);
    assert_int_equal(sent.seen, 77);
    assert_string_equal(sent.version, "2.2.2");
    assert_int_equal(sent.fingerprint[0], 9);
    assert_int_equal(sent.columns.mask, 5);
    st_end(&f);
}

/* ---- columns ---- */

static const char map_text[] =
    "flow=\"customer\"; target=\"accounts\"; key=\"accountnumber\"; version=1;"
    "fields=({to=\"accountnumber\"; from=\"id\";},{to=\"name\"; from=\"F0101.ALPH\";},"
    "{to=\"creditlimit\"; from=\"F03012.ACL\"; type=\"decimal\";},{to=\"hold\"; from=\"F03012.HOLD\"; "
    "type=\"bool\";},"
    "{to=\"since\"; from=\"F0101.UPMJ\";});";
static const char table_text[] = "{\"table\":\"account\",\"set\":\"accounts\",\"label\":\"Account\",\"id\":"
                                 "\"accountid\",\"name\":\"name\",\"columns\":["
                                 "{\"n\":\"name\",\"l\":\"Name\",\"t\":\"String\",\"w\":3},{\"n\":"
                                 "\"accountnumber\",\"l\":\"N\",\"t\":\"String\",\"w\":3},"
                                 "{\"n\":\"creditlimit\",\"l\":\"C\",\"t\":\"Money\",\"w\":3,\"p\":2},{\"n\":"
                                 "\"hold\",\"l\":\"H\",\"t\":\"Boolean\",\"w\":3},"
                                 "{\"n\":\"since\",\"l\":\"S\",\"t\":\"DateTime\",\"w\":3}],\"keys\":[]}";

typedef struct columns_fix {
    mlc_map *map;
    mlc_schema_table *table;
    mlc_sent_columns written;
} columns_fix;

static cJSON *tree_of(const char *text)
{
    cJSON *tree = NULL;
    mlc_error err;
    st_check(mlc_json_parse(text, strlen(text), 0, 0, &tree, &err), &err);
    return tree;
}

static void columns_open(columns_fix *f, const char *body)
{
    mlc_error err;
    cJSON *const tree = tree_of(body);
    st_check(mlc_map_load_text("test", map_text, sizeof map_text - 1, &f->map, NULL, &err), &err);
    st_check(mlc_schema_table_new(tree_of(table_text), &f->table, &err), &err);
    st_check(mlc_sent_columns_written(f->map, "ml_", f->table, tree, &f->written, &err), &err);
    cJSON_Delete(tree);
}

static void columns_close(columns_fix *f)
{
    mlc_map_free(f->map);
    mlc_schema_table_free(f->table);
}

static bool same(const columns_fix *f, const char *row)
{
    cJSON *const tree = tree_of(row);
    const bool result = mlc_sent_columns_same(f->map, "ml_", f->table, tree, &f->written);
    cJSON_Delete(tree);
    return result;
}

static void values_are_compared_as_the_columns_hold_them(void **state)
{
    columns_fix f;
    (void)state;
    columns_open(&f, "{\"name\":\"Acme\",\"creditlimit\":12.345,\"hold\":true,\"since\":\"2026-01-01\"}");
    assert_true(same(&f, "{\"name\":\"Acme\",\"creditlimit\":12.3500,\"hold\":true,\"since\":null}"));
    assert_false(same(&f, "{\"name\":\"Acme Inc\",\"creditlimit\":12.35,\"hold\":true}"));
    assert_false(same(&f, "{\"name\":\"Acme\",\"creditlimit\":12.34,\"hold\":true}"));
    assert_false(same(&f, "{\"name\":\"Acme\",\"creditlimit\":12.35,\"hold\":false}"));
    assert_false(same(&f, "{\"name\":null,\"creditlimit\":12.35,\"hold\":true}"));
    columns_close(&f);
}

static void only_what_was_written_is_compared(void **state)
{
    columns_fix f;
    (void)state;
    columns_open(&f, "{\"name\":\"\",\"creditlimit\":null}");
    assert_true(same(&f, "{\"name\":null,\"creditlimit\":null,\"hold\":true,\"accountnumber\":\"1\"}"));
    assert_false(same(&f, "{\"name\":\"x\",\"creditlimit\":null}"));
    f.written.mapping[0] ^= 1; /* another mapping wrote it: nothing can be told */
    assert_true(same(&f, "{\"name\":\"x\",\"creditlimit\":null}"));
    columns_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_follow_the_numbers),
        cmocka_unit_test(a_newer_note_keeps_that_the_row_was_seen),
        cmocka_unit_test(values_are_compared_as_the_columns_hold_them),
        cmocka_unit_test(only_what_was_written_is_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
