/* test_watermark.c - the position of a poller: page borders, equal stamps, overlap, midnight, daylight saving, restarts.
 *
 * A small model of a JDE table is polled through the same groups of terms that go to AIS. */
#include "agent/watermark.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS_MAX = 64 };

typedef struct model_row {
    mlc_jde_stamp stamp;
    int key;
    int seen;
} model_row;

typedef struct model {
    model_row rows[ROWS_MAX];
    size_t count;
} model;

/* Dates go through the query as plain Julian numbers here. */
static bool term_fits(const mlc_ais_term *term, const model_row *row)
{
    const long value = strtol(term->value, NULL, 10);
    long mine = row->key;
    if (strcmp(term->column, "UPMJ") == 0)
        mine = row->stamp.julian;
    else if (strcmp(term->column, "UPMT") == 0)
        mine = row->stamp.hms;
    switch (term->op) {
    case MLC_AIS_EQ:
        return mine == value;
    case MLC_AIS_GT:
        return mine > value;
    case MLC_AIS_GE:
        return mine >= value;
    case MLC_AIS_LE:
        return mine <= value;
    default:
        fail_msg("operator not expected");
        return false;
    }
}

static bool row_fits(const mlc_watermark_query *query, const model_row *row)
{
    for (size_t g = 0; g < query->group_count; g++) {
        bool all = true;
        for (size_t t = 0; t < query->groups[g].count; t++)
            all = all && term_fits(&query->groups[g].terms[t], row);
        if (all)
            return true;
    }
    return query->group_count == 0;
}

static int compare_rows(const void *a, const void *b)
{
    const model_row *const *x = a;
    const model_row *const *y = b;
    const int by_stamp = mlc_jde_stamp_cmp((*x)->stamp, (*y)->stamp);
    return by_stamp != 0 ? by_stamp : (*x)->key - (*y)->key;
}

/* Read one page of at most `size` rows; true when more are left. */
static bool read_page(model *m, mlc_watermark *w, size_t size)
{
    static const char *const keys[] = {"AN8"};
    static const mlc_watermark_columns stamps = {"UPMJ", "UPMT", keys, 1};
    static const mlc_watermark_columns days = {"UPMJ", NULL, keys, 1};
    char date[16];
    char upper[16];
    mlc_watermark_query query = {0};
    model_row *hits[ROWS_MAX] = {NULL};
    size_t count = 0;
    char key[MLC_POLL_KEY_MAX];
    (void)snprintf(date, sizeof date, "%" PRId32, mlc_watermark_from(w).julian);
    (void)snprintf(upper, sizeof upper, "%" PRId32, w->upper);
    mlc_watermark_groups(w, date, upper, w->upper > 0 ? &days : &stamps, &query);
    for (size_t i = 0; i < m->count; i++) {
        if (row_fits(&query, &m->rows[i]))
            hits[count++] = &m->rows[i];
    }
    qsort(hits, count, sizeof(model_row *), compare_rows);
    const size_t taken = count < size ? count : size;
    for (size_t i = 0; i < taken; i++)
        hits[i]->seen++;
    if (taken > 0) {
        (void)snprintf(key, sizeof key, "%d", hits[taken - 1]->key);
        mlc_watermark_advance(w, hits[taken - 1]->stamp, key);
    }
    return count > taken;
}

static void poll_skewed(model *m, mlc_watermark *w, const mlc_zone *zone, int64_t overlap_ms, int64_t now_ms,
                        int64_t skew_ms, size_t page)
{
    mlc_watermark_begin(w, zone, overlap_ms, now_ms, skew_ms);
    while (read_page(m, w, page)) {
    }
    mlc_watermark_complete(w);
}

static void poll_all(model *m, mlc_watermark *w, const mlc_zone *zone, int64_t overlap_ms, int64_t now_ms,
                     size_t page)
{
    poll_skewed(m, w, zone, overlap_ms, now_ms, 0, page);
}

static void add_row(model *m, int32_t julian, int32_t hms, int key)
{
    m->rows[m->count++] = (model_row){.stamp = {julian, hms}, .key = key};
}

static void forget(model *m)
{
    for (size_t i = 0; i < m->count; i++)
        m->rows[i].seen = 0;
}

static void first_load_reads_every_row_once(void **state)
{
    (void)state;
    model m = {0};
    mlc_watermark w = {0};
    for (int i = 0; i < 40; i++)
        add_row(&m, 126001 + i % 3, 100000 + i % 2, 6001 + i);
    poll_all(&m, &w, NULL, 300000, 0, 7);
    for (size_t i = 0; i < m.count; i++)
        assert_int_equal(m.rows[i].seen, 1);
    assert_int_equal(w.stamp.julian, 126003);
}

static void page_border_inside_one_stamp_loses_nothing(void **state)
{
    (void)state;
    model m = {0};
    mlc_watermark w = {0};
    for (int i = 0; i < 30; i++)
        add_row(&m, 126001, 120000, 6001 + i);
    poll_all(&m, &w, NULL, 0, 0, 4);
    for (size_t i = 0; i < m.count; i++)
        assert_int_equal(m.rows[i].seen, 1);
}

static void restart_goes_on_behind_the_last_stored_row(void **state)
{
    (void)state;
    model m = {0};
    mlc_watermark w = {0};
    mlc_buf text = {0};
    mlc_error err;
    for (int i = 0; i < 20; i++)
        add_row(&m, 126001, 120000, 6001 + i);
    mlc_watermark_begin(&w, NULL, 300000, 0, 0);
    assert_true(read_page(&m, &w, 7));
    assert_int_equal(mlc_watermark_print(&w, &text, &err), MLC_OK);
    mlc_watermark after_kill;
    assert_int_equal(mlc_watermark_parse(mlc_buf_text(&text), text.len, &after_kill, &err), MLC_OK);
    poll_all(&m, &after_kill, NULL, 300000, 0, 7);
    for (size_t i = 0; i < m.count; i++)
        assert_int_equal(m.rows[i].seen, 1);
    mlc_buf_free(&text);
}

static void overlap_catches_rows_that_show_up_late(void **state)
{
    (void)state;
    model m = {0};
    mlc_watermark w = {0};
    add_row(&m, 126001, 120000, 6001);
    poll_all(&m, &w, NULL, 300000, 0, 10);
    add_row(&m, 126001, 115600, 6002); /* stamped 4 minutes before what was seen already */
    forget(&m);
    poll_all(&m, &w, NULL, 300000, 0, 10);
    assert_int_equal(m.rows[1].seen, 1);
}

static void overlap_goes_across_midnight_and_new_year(void **state)
{
    (void)state;
    model m = {0};
    mlc_watermark w = {0};
    add_row(&m, 126001, 100, 6001); /* 00:01:00 on the first of January */
    poll_all(&m, &w, NULL, 300000, 0, 10);
    add_row(&m, 125365, 235800, 6002); /* two minutes to midnight, the year before */
    forget(&m);
    poll_all(&m, &w, NULL, 300000, 0, 10);
    assert_int_equal(m.rows[1].seen, 1);
}

static void hour_that_occurs_twice_is_read_again(void **state)
{
    (void)state;
    mlc_zone *zone = NULL;
    mlc_error err;
    model m = {0};
    mlc_watermark w = {0};
    /* In Denver the clock goes from 01:59:59 back to 01:00:00 on 2026-11-01 at 08:00 UTC. */
    const int64_t change_ms = INT64_C(1793520000000);
    assert_int_equal(mlc_zone_open(&zone, "America/Denver", &err), MLC_OK);
    add_row(&m, 126305, 15900, 6001); /* 01:59:00, the first time */
    poll_all(&m, &w, zone, 300000, change_ms - 30000, 10);
    add_row(&m, 126305, 10100, 6002); /* 01:01:00, the second time */
    forget(&m);
    poll_all(&m, &w, zone, 300000, change_ms + 120000, 10);
    assert_int_equal(m.rows[1].seen, 1);
    mlc_zone_close(zone);
}

/* A row stamped by a server whose clock differs from ours by skew_ms, written at now_ms of ours. */
static void add_row_at(model *m, const mlc_zone *zone, int64_t now_ms, int64_t skew_ms, int key)
{
    const mlc_jde_stamp stamp = mlc_zone_stamp(zone, now_ms + skew_ms);
    add_row(m, stamp.julian, stamp.hms, key);
}

static void a_clock_that_jumps_loses_nothing(void **state)
{
    (void)state;
    static const int64_t MINUTE = 60000;
#define HOURS(n) (INT64_C(3600000) * (n))
    /* Ahead, right, back, right: each time rows are written before and after the next cycle. */
    static const int64_t skews[] = {0, HOURS(2), 0, HOURS(-2), 0, HOURS(-48), 0, HOURS(300), HOURS(299), 0};
    mlc_zone *zone = NULL;
    mlc_error err;
    model m = {0};
    mlc_watermark w = {0};
    int64_t now = INT64_C(1795000000000);
    int key = 6001;
    assert_int_equal(mlc_zone_open(&zone, "America/Denver", &err), MLC_OK);
    for (size_t i = 0; i < sizeof skews / sizeof skews[0]; i++) {
        add_row_at(&m, zone, now += MINUTE, skews[i], key++);
        poll_skewed(&m, &w, zone, 30000, now += MINUTE, skews[i], 3);
        assert_int_equal(m.rows[m.count - 1].seen, 1);
        /* Written after that cycle began, by the clock that is left then. */
        add_row_at(&m, zone, now += MINUTE, skews[i], key++);
    }
    poll_skewed(&m, &w, zone, 30000, now + MINUTE, 0, 3);
    for (size_t i = 0; i < m.count; i++)
        assert_true(m.rows[i].seen > 0);
    mlc_zone_close(zone);
}

static void a_quiet_clock_reads_nothing_again(void **state)
{
    (void)state;
    mlc_zone *zone = NULL;
    mlc_error err;
    model m = {0};
    mlc_watermark w = {0};
    const int64_t now = INT64_C(1795000000000);
    assert_int_equal(mlc_zone_open(&zone, "America/Denver", &err), MLC_OK);
    for (int i = 0; i < 5; i++)
        add_row_at(&m, zone, now, -7200000, 6001 + i);
    poll_skewed(&m, &w, zone, 1000, now + 60000, -7200000, 10);
    add_row_at(&m, zone, now + 90000, -7200000, 6010);
    poll_skewed(&m, &w, zone, 1000, now + 120000, -7200000, 10);
    forget(&m);
    poll_skewed(&m, &w, zone, 1000, now + 180000, -7200000, 10);
    for (size_t i = 0; i + 1 < m.count; i++)
        assert_int_equal(m.rows[i].seen, 0);
    mlc_zone_close(zone);
}

static void the_skew_is_kept_and_may_be_absent(void **state)
{
    (void)state;
    mlc_watermark w = {0};
    mlc_watermark again;
    mlc_buf text = {0};
    mlc_error err;
    mlc_watermark_begin(&w, NULL, 0, 1000, -7200000);
    assert_int_equal(mlc_watermark_print(&w, &text, &err), MLC_OK);
    assert_int_equal(mlc_watermark_parse(mlc_buf_text(&text), text.len, &again, &err), MLC_OK);
    assert_int_equal(again.skew_ms, -7200000);
    static const char older[] = "{\"known\":true,\"stamp\":\"126001.5\",\"started\":1,\"active\":false,"
                                "\"cycle\":1,\"bounded\":false,\"lower\":\"0.0\",\"positioned\":false,"
                                "\"at\":\"0.0\",\"key\":\"\",\"upper\":0,\"rows\":0}";
    assert_int_equal(mlc_watermark_parse(older, sizeof older - 1, &again, &err), MLC_OK);
    assert_int_equal(again.skew_ms, 0);
    mlc_buf_free(&text);
}

static void a_row_changed_during_paging_is_read_by_the_next_cycle(void **state)
{
    (void)state;
    model m = {0};
    mlc_watermark w = {0};
    for (int i = 0; i < 10; i++)
        add_row(&m, 126001, 120000 + i, 6001 + i);
    mlc_watermark_begin(&w, NULL, 0, 0, 0);
    assert_true(read_page(&m, &w, 5));
    m.rows[2].stamp.hms = 120030; /* seen already, moves behind the end */
    m.rows[7].stamp.hms = 120031; /* not seen yet, moves too */
    while (read_page(&m, &w, 5)) {
    }
    mlc_watermark_complete(&w);
    poll_all(&m, &w, NULL, 0, 0, 5);
    assert_true(m.rows[2].seen >= 2);
    assert_true(m.rows[7].seen >= 1);
}

static void a_cycle_without_rows_keeps_the_watermark(void **state)
{
    (void)state;
    model m = {0};
    mlc_watermark w = {0};
    add_row(&m, 126001, 120000, 6001);
    poll_all(&m, &w, NULL, 0, 5, 10);
    m.count = 0;
    poll_all(&m, &w, NULL, 0, 7, 10);
    assert_int_equal(w.stamp.hms, 120000);
    assert_int_equal(w.started_ms, 7);
}

static void expect_group(const mlc_watermark_query *q, size_t at, const char *words)
{
    static const char *const ops[] = {"=", ">", ">=", "<", "<=", "in"};
    char text[200] = "";
    for (size_t i = 0; i < q->groups[at].count; i++) {
        const mlc_ais_term *const term = &q->groups[at].terms[i];
        const size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "%s%s%s%s", i > 0 ? " " : "", term->column,
                       ops[term->op], term->value);
    }
    assert_string_equal(text, words);
}

static void keys_of_many_columns_go_on_behind_the_last_one(void **state)
{
    static const char *const keys[] = {"ITM", "MCU", "CRCD"};
    static const mlc_watermark_columns columns = {"UPMJ", "TDAY", keys, 3};
    mlc_watermark_query q;
    mlc_watermark w = {0};
    (void)state;
    mlc_watermark_begin(&w, NULL, 0, 0, 0);
    mlc_watermark_groups(&w, "", "", &columns, &q);
    assert_int_equal(q.group_count, 0); /* all rows */
    mlc_watermark_advance(&w, (mlc_jde_stamp){126001, 905}, "60001\x1f          30\x1f");
    mlc_watermark_groups(&w, "D", "", &columns, &q);
    assert_int_equal(q.group_count, 5);
    expect_group(&q, 0, "UPMJ>D");
    expect_group(&q, 1, "UPMJ=D TDAY>905");
    expect_group(&q, 2, "UPMJ=D TDAY=905 ITM>60001");
    expect_group(&q, 3, "UPMJ=D TDAY=905 ITM=60001 MCU>          30");
    expect_group(&q, 4, "UPMJ=D TDAY=905 ITM=60001 MCU=          30 CRCD>");
}

static void days_are_gone_through_once(void **state)
{
    (void)state;
    model m = {0};
    mlc_watermark w = {.known = true, .stamp = {126010, 0}};
    for (int i = 0; i < 12; i++) {
        add_row(&m, 126008 + i, 0, 6001 + i); /* a row on each of 126008..126019 */
        add_row(&m, 126008 + i, 0, 7001 + i);
    }
    assert_false(mlc_watermark_begin_days(&w, 126010, 0));
    assert_true(mlc_watermark_begin_days(&w, 126014, 1));
    while (read_page(&m, &w, 3)) {
    }
    mlc_watermark_complete(&w);
    for (size_t i = 0; i < m.count; i++)
        assert_int_equal(m.rows[i].seen, m.rows[i].stamp.julian > 126010 && m.rows[i].stamp.julian <= 126014);
    assert_int_equal(w.stamp.julian, 126014);
    assert_false(mlc_watermark_begin_days(&w, 126014, 2));
    /* Over the end of a year; an interrupted cycle keeps its own last day. */
    w.stamp.julian = 126365;
    assert_true(mlc_watermark_begin_days(&w, 127002, 3));
    assert_int_equal(w.lower.julian, 127001);
    assert_true(mlc_watermark_begin_days(&w, 127005, 4));
    assert_int_equal(w.upper, 127002);
}

static void damaged_text_is_refused(void **state)
{
    static const char *const bad[] = {
        "",         "{}",
        "[]",       "{\"stamp\":\"x\"}",
        "nonsense", "{\"known\":true,\"stamp\":\"1.2\",\"lower\":\"1.2\",\"at\":\"1\"}"};
    mlc_watermark w;
    mlc_error err;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(mlc_watermark_parse(bad[i], strlen(bad[i]), &w, &err), MLC_E_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_load_reads_every_row_once),
        cmocka_unit_test(page_border_inside_one_stamp_loses_nothing),
        cmocka_unit_test(restart_goes_on_behind_the_last_stored_row),
        cmocka_unit_test(overlap_catches_rows_that_show_up_late),
        cmocka_unit_test(overlap_goes_across_midnight_and_new_year),
        cmocka_unit_test(hour_that_occurs_twice_is_read_again),
        cmocka_unit_test(a_clock_that_jumps_loses_nothing),
        cmocka_unit_test(a_quiet_clock_reads_nothing_again),
        cmocka_unit_test(the_skew_is_kept_and_may_be_absent),
        cmocka_unit_test(a_row_changed_during_paging_is_read_by_the_next_cycle),
        cmocka_unit_test(a_cycle_without_rows_keeps_the_watermark),
        cmocka_unit_test(keys_of_many_columns_go_on_behind_the_last_one),
        cmocka_unit_test(days_are_gone_through_once),
        cmocka_unit_test(damaged_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
