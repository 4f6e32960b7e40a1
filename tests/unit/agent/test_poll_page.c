/* A page of changed customers on its way into the store: snapshots that did not change are silent, rows that cannot be mapped are
 * parked, and the watermark moves in the same job (poll_page.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/poll_page.h"
#include "store/cursor.h"
#include "support/ais_test.h"
#include "support/loop_store_test.h"

typedef struct page_fix {
    ais_fix *a;
    lst_fix s;
    mlc_outbox *up;
    mlc_poll_page page;
} page_fix;

static const char *const wanted[] = {"C", NULL};

static void fix_open(page_fix *f)
{
    const mlc_stream_spec up = {.name = "up", .mode = MLC_STREAM_SEQUENCE, .supersede = true};
    memset(f, 0, sizeof *f);
    f->a = ais_fix_new();
    f->a->options.date_format = "dd/MM/yyyy";
    ais_fix_open(f->a);
    lst_init(&f->s);
    f->up = lst_stream(&f->s, &up);
    f->page = (mlc_poll_page){.tenant = "acme", .table = "F0101", .up = f->up, .now_ms = 1000};
}

static void fix_close(page_fix *f)
{
    mlc_outbox_close(f->up);
    lst_close_store(&f->s);
    lst_end(&f->s);
    ais_fix_free(f->a);
}

/* Fill one item of the page from the text of an F0101 row. */
static void add_row(page_fix *f, const char *key, const char *text)
{
    cJSON *row = NULL;
    mlc_error err;
    mlc_poll_item *const item = &f->page.items[f->page.count++];
    (void)snprintf(item->key, sizeof item->key, "%s", key);
    lst_check(mlc_json_parse(text, strlen(text), 0, 0, &row, &err), &err);
    lst_check(mlc_poll_item_fill(&f->page, item, f->a->ais, row, NULL, wanted, &err), &err);
    cJSON_Delete(row);
}

static mlc_code store_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    return mlc_poll_page_store(txn, arg, err);
}

static void store(page_fix *f)
{
    mlc_error err;
    lst_check(mlc_store_run(f->s.store, store_job, &f->page, &err), &err);
    mlc_poll_page_clear(&f->page);
}

static void one_row(page_fix *f, const char *key, const char *text)
{
    assert_int_equal(mlc_poll_page_reserve(&f->page, 1, NULL), MLC_OK);
    add_row(f, key, text);
    store(f);
}

#define ROW(an8, name, type)                                                                                 \
    "{\"AN8\":" an8 ",\"ALPH\":\"" name "\",\"AT1\":\"" type "\",\"UPMJ\":\"24/11/2026\",\"UPMT\":93000}"

static void test_changed_rows_go_out_once(void **state)
{
    page_fix f;
    (void)state;
    fix_open(&f);
    one_row(&f, "6001", ROW("6001", "Acme", "C"));
    assert_int_equal(f.page.enqueued, 1);
    one_row(&f, "6001", ROW("6001", "Acme", "C"));
    assert_int_equal(f.page.enqueued, 0);
    one_row(&f, "6001", ROW("6001", "Acme Ltd", "C"));
    assert_int_equal(f.page.enqueued, 1);
    assert_int_equal(lst_stats_of(&f.s, f.up).next_seq, 3);
    assert_int_equal(lst_audit_count(&f.s, "customer/6001", "\"polled\""), 2);
    fix_close(&f);
}

static void test_other_search_types_are_left_out(void **state)
{
    page_fix f;
    (void)state;
    fix_open(&f);
    one_row(&f, "4000000", ROW("4000000", "Supplier", "V"));
    assert_int_equal(f.page.enqueued, 0);
    assert_int_equal(f.page.invalid, 0);
    assert_int_equal(lst_stats_of(&f.s, f.up).next_seq, 1);
    fix_close(&f);
}

static void test_row_that_cannot_be_mapped_is_parked_once(void **state)
{
    static const char bad[] = "{\"AN8\":7,\"ALPH\":\"x\",\"AT1\":\"C\",\"UPMJ\":\"99/99/2026\"}";
    page_fix f;
    (void)state;
    fix_open(&f);
    one_row(&f, "7", bad);
    assert_int_equal(f.page.invalid, 1);
    const lst_entry entry = lst_get(&f.s, f.up, 1);
    assert_int_equal(entry.state, MLC_ENTRY_PARKED);
    assert_non_null(strstr(entry.last_error, "UPMJ"));
    one_row(&f, "7", bad);
    assert_int_equal(f.page.invalid, 0);
    fix_close(&f);
}

/* Also when the clock stands still or was set back. */
static void test_emission_only_grows(void **state)
{
    page_fix f;
    (void)state;
    fix_open(&f);
    assert_int_equal(mlc_poll_page_reserve(&f.page, 3, NULL), MLC_OK);
    add_row(&f, "1", ROW("1", "a", "C"));
    add_row(&f, "2", ROW("2", "b", "C"));
    f.page.now_ms = 10;
    add_row(&f, "3", ROW("3", "c", "C"));
    assert_string_equal(f.page.items[0].version, "1000.126328.93000");
    assert_string_equal(f.page.items[1].version, "1001.126328.93000");
    assert_string_equal(f.page.items[2].version, "1002.126328.93000");
    store(&f);
    assert_int_equal(f.page.enqueued, 3);
    fix_close(&f);
}

static mlc_code check_cursors(mlc_txn *txn, void *arg, mlc_error *err)
{
    const void *value = NULL;
    size_t len = 0;
    int64_t emission = 0;
    mlc_watermark *const w = arg;
    mlc_code code = mlc_cursor_get(txn, MLC_POLL_EMISSION_CURSOR, &value, &len, err);
    if (code != MLC_OK)
        return code;
    assert_int_equal(len, sizeof emission);
    memcpy(&emission, value, sizeof emission);
    assert_int_equal(emission, 1000);
    code = mlc_cursor_get(txn, MLC_POLL_CURSOR_PREFIX "F0101", &value, &len, err);
    return code == MLC_OK ? mlc_watermark_parse(value, len, w, err) : code;
}

static void test_watermark_moves_with_the_page(void **state)
{
    page_fix f;
    mlc_watermark w;
    mlc_error err;
    (void)state;
    fix_open(&f);
    mlc_watermark_begin(&f.page.watermark, NULL, 0, 1000);
    mlc_watermark_advance(&f.page.watermark, (mlc_jde_stamp){126328, 93000}, "6001");
    one_row(&f, "6001", ROW("6001", "Acme", "C"));
    lst_check(mlc_store_read(f.s.store, check_cursors, &w, &err), &err);
    assert_true(w.active && w.positioned);
    assert_int_equal(w.at.julian, 126328);
    assert_string_equal(w.key, "6001");
    fix_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changed_rows_go_out_once),
        cmocka_unit_test(test_other_search_types_are_left_out),
        cmocka_unit_test(test_row_that_cannot_be_mapped_is_parked_once),
        cmocka_unit_test(test_emission_only_grows),
        cmocka_unit_test(test_watermark_moves_with_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
