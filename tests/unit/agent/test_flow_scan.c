/* test_flow_scan.c - all records of a flow in order of their keys, for the comparison (flow_scan.h): page by page, within its
 * bounds, also when a page ends in the middle of a first key; nothing is stored; and each way it can end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/flow_test.h"

#include "agent/flow/flow_scan.h"

#include <curl/curl.h>

enum { IDS_MAX = 32 };

typedef struct scanned {
    char ids[IDS_MAX][MLC_POLL_KEY_MAX];
    bool gone[IDS_MAX], invalid[IDS_MAX];
    size_t count, pages;
    int refuse_at; /* page that on_items refuses; 0: none */
    int ends;
    mlc_code code;
    char error[256];
} scanned;

static mlc_code on_items(void *user, const mlc_flow_item *items, size_t count, mlc_error *err)
{
    scanned *const s = user;
    if (count > 0 && ++s->pages == (size_t)s->refuse_at)
        return mlc_fail(err, MLC_E_LIMIT, "enough");
    for (size_t i = 0; i < count; i++) {
        assert_true(s->count < IDS_MAX);
        mlc_strlcpy(s->ids[s->count], items[i].id, sizeof s->ids[0]);
        s->gone[s->count] = items[i].gone;
        s->invalid[s->count++] = items[i].invalid;
    }
    return MLC_OK;
}

static void on_scan_end(void *user, mlc_code code, const mlc_error *err)
{
    scanned *const s = user;
    s->ends++;
    s->code = code;
    mlc_strlcpy(s->error, err->message, sizeof s->error);
}

static bool scan_has_ended(void *arg)
{
    return ((scanned *)arg)->ends > 0;
}

static void begin(flow_fix *f, const char *flow, unsigned page_size, int64_t from, int64_t to, scanned *s)
{
    mlc_error err;
    const mlc_flow_scan_options options = {.ais = f->ais.ais,
                                           .spec = spec_of(flow),
                                           .settings = &f->settings,
                                           .page_size = page_size,
                                           .from = from,
                                           .to = to,
                                           .on_items = on_items,
                                           .on_end = on_scan_end,
                                           .user = s};
    lst_check(mlc_flow_scan_start(&options, &err), &err);
}

static mlc_code scan(flow_fix *f, const char *flow, unsigned page_size, int64_t from, int64_t to, scanned *s)
{
    begin(f, flow, page_size, from, to, s);
    assert_true(lst_run(&f->s, scan_has_ended, s, LST_PATIENCE_MS));
    assert_int_equal(s->ends, 1);
    return s->code;
}

static void expect_ids(const scanned *s, const char *const *ids, size_t count)
{
    for (size_t i = 0; i < count && i < s->count; i++)
        assert_string_equal(s->ids[i], ids[i]);
    assert_int_equal(s->count, count);
}

/* A flow of its own is needed to end the fixture. */
static void nothing_was_stored(flow_fix *f)
{
    assert_int_equal(lst_stats_of(&f->s, f->up).next_seq, 1);
    open_run(f, "customers");
}

/* ---- tests ---- */

static void all_pages_come_in_order_of_their_keys(void **state)
{
    static const char *const ids[] = {"6001", "6002", "6003", "6004", "6005"};
    flow_fix *const f = *state;
    scanned s = {0};
    for (int an8 = 6005; an8 > 6000; an8--)
        put_address(f, an8, "C", "Acme", "2026-01-05");
    assert_int_equal(scan(f, "customers", 2, 0, INT64_MAX, &s), MLC_OK);
    expect_ids(&s, ids, 5);
    assert_int_equal(s.pages, 3);
    /* Each page is asked for by the key behind the last one, in a set of rows of its own. */
    assert_int_equal(ais_seen(&f->ais, "GREATER\"", "\"6002\""), 1);
    assert_int_equal(ais_seen(&f->ais, "GREATER\"", "\"6004\""), 1);
    nothing_was_stored(f);
}

static void bounds_are_kept_from_inclusive_to_exclusive(void **state)
{
    static const char *const ids[] = {"6002", "6003", "6004"};
    flow_fix *const f = *state;
    scanned s = {0};
    for (int an8 = 6001; an8 <= 6006; an8++)
        put_address(f, an8, "C", "Acme", "2026-01-05");
    assert_int_equal(scan(f, "customers", 2, 6002, 6005, &s), MLC_OK);
    expect_ids(&s, ids, 3);
    nothing_was_stored(f);
}

/* Of one item there are more prices than a page has rows. */
static void a_page_may_end_within_a_first_key(void **state)
{
    flow_fix *const f = *state;
    scanned s = {0};
    char group[16];
    ais_put(&f->ais, "F4101", 1,
            "{\"ITM\":60001,\"LITM\":\"X\",\"STKT\":\"S\",\"UPMJ\":\"2026-01-01\",\"TDAY\":1}");
    for (int i = 0; i < 7; i++) {
        (void)snprintf(group, sizeof group, "G%d", i);
        put_price(f, group, "2020-01-01", "2090-01-01", "1", "2026-01-01");
    }
    assert_int_equal(scan(f, "prices", 3, 0, INT64_MAX, &s), MLC_OK);
    assert_int_equal(s.count, 7);
    for (size_t i = 0; i < s.count; i++) {
        char id[64];
        (void)snprintf(id, sizeof id, "60001/30/0/G%zu/USD/EA", i);
        assert_string_equal(s.ids[i], id);
        assert_false(s.gone[i]);
    }
    assert_int_equal(s.pages, 3);
    nothing_was_stored(f);
}

static void what_is_not_selected_or_faulty_is_told_as_such(void **state)
{
    flow_fix *const f = *state;
    scanned s = {0};
    put_address(f, 6001, "X", "Not a customer", "2026-01-05");
    put_address(f, 6002, "C", "Acme", "2026-01-05");
    put_address(f, 6003, "C", "Acme", "2026-01-05");
    ais_put(&f->ais, "F03012", 2, "{\"AN8\":6003,\"CO\":\"00000\",\"UPMJ\":\"2026-99-99\",\"UPMT\":1}");
    assert_int_equal(scan(f, "customers", 0, 0, INT64_MAX, &s), MLC_OK);
    assert_int_equal(s.count, 3);
    assert_true(s.gone[0] && !s.gone[1] && !s.gone[2]);
    assert_true(!s.invalid[0] && !s.invalid[1] && s.invalid[2]);
    nothing_was_stored(f);
}

static void an_empty_table_ends_at_once(void **state)
{
    flow_fix *const f = *state;
    scanned s = {0};
    assert_int_equal(scan(f, "customers", 2, 0, INT64_MAX, &s), MLC_OK);
    assert_int_equal(s.count, 0);
    nothing_was_stored(f);
}

static void the_receiver_can_end_it(void **state)
{
    flow_fix *const f = *state;
    scanned s = {.refuse_at = 2};
    for (int an8 = 6001; an8 <= 6006; an8++)
        put_address(f, an8, "C", "Acme", "2026-01-05");
    assert_int_equal(scan(f, "customers", 2, 0, INT64_MAX, &s), MLC_E_LIMIT);
    assert_string_equal(s.error, "enough");
    assert_int_equal(s.count, 2);
    nothing_was_stored(f);
}

static void a_failing_server_and_a_stop_end_it(void **state)
{
    flow_fix *const f = *state;
    scanned s = {0};
    put_address(f, 6001, "C", "Acme", "2026-01-05");
    f->ais.fail_reads = 1;
    assert_int_equal(scan(f, "customers", 2, 0, INT64_MAX, &s), MLC_E_UNAVAILABLE);
    s = (scanned){0};
    begin(f, "customers", 2, 0, INT64_MAX, &s);
    ais_fix_close_client(&f->ais);
    assert_int_equal(s.ends, 1);
    assert_int_equal(s.code, MLC_E_CLOSED);
    assert_int_equal(s.count, 0);
    ais_fix_client(&f->ais);
    nothing_was_stored(f);
}

#define FLOW_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FLOW_TEST(all_pages_come_in_order_of_their_keys),
        FLOW_TEST(bounds_are_kept_from_inclusive_to_exclusive),
        FLOW_TEST(a_page_may_end_within_a_first_key),
        FLOW_TEST(what_is_not_selected_or_faulty_is_told_as_such),
        FLOW_TEST(an_empty_table_ends_at_once),
        FLOW_TEST(the_receiver_can_end_it),
        FLOW_TEST(a_failing_server_and_a_stop_end_it),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
