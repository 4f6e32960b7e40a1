/* Time zones: TZif tables, the POSIX rule after them, and the hour that occurs twice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/zone_private.h"

#include <stdlib.h>
#include <string.h>

static int64_t utc_ms(const char *iso)
{
    int64_t ms = 0;
    assert_int_equal(mlc_iso_parse(iso, &ms, NULL), MLC_OK);
    return ms;
}

static void assert_stamp(const mlc_zone *zone, const char *iso, int32_t julian, int32_t hms)
{
    const mlc_jde_stamp stamp = mlc_zone_stamp(zone, utc_ms(iso));
    assert_int_equal(stamp.julian, julian);
    assert_int_equal(stamp.hms, hms);
}

static void test_fixed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int32_t julian, hms;
    } rows[] = {{"UTC", 126001, 33000},    {"Z", 126001, 33000},        {"UTC-05:00", 125365, 223000},
                {"+01:00", 126001, 43000}, {"UTC+5:30", 126001, 90000}, {"-0330", 126001, 0},
                {"GMT+2", 126001, 53000},  {"+14", 126001, 173000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mlc_zone *zone = NULL;
        assert_int_equal(mlc_zone_open(&zone, rows[i].name, NULL), MLC_OK);
        assert_stamp(zone, "2026-01-01T03:30:00.999Z", rows[i].julian, rows[i].hms);
        mlc_zone_close(zone);
    }
}

static void test_unknown_names(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",  "Nowhere/Land", "../../etc/passwd", "/etc/passwd", "America", "UTC+25",        "UTC+1:60",
        "+", "+123",         "zone.tab",         "UTC5",        "+01:000", "America/../UTC"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mlc_zone *zone = NULL;
        mlc_error err;
        if (mlc_zone_open(&zone, bad[i], &err) != MLC_E_NOTFOUND)
            fail_msg("\"%s\": %s", bad[i], mlc_code_name(err.code));
        assert_null(zone);
    }
}

static void test_denver(void **state)
{
    (void)state;
    mlc_zone *zone = NULL;
    assert_int_equal(mlc_zone_open(&zone, "America/Denver", NULL), MLC_OK);
    assert_stamp(zone, "2026-07-01T12:00:00Z", 126182, 60000);
    assert_stamp(zone, "2026-01-01T06:59:59Z", 125365, 235959);
    /* The clock goes forward on 2026-03-08 and back on 2026-11-01, both at 02:00. */
    assert_stamp(zone, "2026-03-08T08:59:59Z", 126067, 15959);
    assert_stamp(zone, "2026-03-08T09:00:00Z", 126067, 30000);
    assert_stamp(zone, "2026-11-01T07:59:59Z", 126305, 15959);
    assert_stamp(zone, "2026-11-01T08:00:00Z", 126305, 10000);
    /* By the rule, far beyond any table, and before the table. */
    assert_stamp(zone, "2150-07-01T12:00:00Z", 250182, 60000);
    assert_stamp(zone, "2150-01-01T12:00:00Z", 250001, 50000);
    assert_stamp(zone, "1974-07-01T12:00:00Z", 74182, 60000);
    assert_in_range(mlc_zone_stamp(zone, INT64_MIN).julian, 1, 3);
    assert_in_range(mlc_zone_stamp(zone, INT64_MAX).julian, 999362, 999365);
    mlc_zone_close(zone);
}

static void test_min_stamp(void **state)
{
    (void)state;
    mlc_zone *zone = NULL;
    assert_int_equal(mlc_zone_open(&zone, "America/Denver", NULL), MLC_OK);
    const struct {
        const char *from, *to;
        int32_t julian, hms;
    } rows[] = {
        {"2026-11-01T07:50:00Z", "2026-11-01T07:55:00Z", 126305, 15000}, /* nothing happens */
        {"2026-11-01T07:50:00Z", "2026-11-01T08:00:00Z", 126305, 10000}, /* set back at the very end */
        {"2026-11-01T07:50:00Z", "2026-11-01T09:00:00Z", 126305, 10000},
        {"2026-11-01T06:30:00Z", "2026-11-01T09:00:00Z", 126305,
         3000}, /* began before the hour that repeats */
        {"2026-11-01T08:00:00Z", "2026-11-01T09:00:00Z", 126305, 10000}, /* began after the change */
        {"2026-11-01T07:50:00Z", "2040-01-01T00:00:00Z", 126305, 10000},
        {"2026-03-08T08:50:00Z", "2026-03-08T09:10:00Z", 126067, 15000}, /* set forward */
        {"2150-11-01T07:50:00Z", "2150-11-02T09:00:00Z", 250305, 10000}, /* by the rule */
        {"2026-11-01T07:50:00Z", "2026-10-01T00:00:00Z", 126305, 15000}, /* an empty range */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const mlc_jde_stamp least = mlc_zone_min_stamp(zone, utc_ms(rows[i].from), utc_ms(rows[i].to));
        assert_int_equal(least.julian, rows[i].julian);
        assert_int_equal(least.hms, rows[i].hms);
    }
    mlc_zone_close(zone);
}

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *utc;
        int32_t offset;
    } rows[] = {{"EET-2EEST,M3.5.0/3,M10.5.0/4", "2026-03-29T00:59:59Z", 7200},
                {"EET-2EEST,M3.5.0/3,M10.5.0/4", "2026-03-29T01:00:00Z", 10800},
                {"EET-2EEST,M3.5.0/3,M10.5.0/4", "2026-10-25T01:00:00Z", 7200},
                {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00Z", 39600}, /* southern summer */
                {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-07-01T00:00:00Z", 36000},
                {"<+0330>-3:30", "2026-07-01T00:00:00Z", 12600},
                {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200},
                {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600},
                {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-12-01T00:00:00Z", 0}, /* negative saving */
                {"XXX3EDT4,0/0,J365/23", "2026-06-01T00:00:00Z", -14400},  /* saving all year */
                {"XXX3EDT4,0/0,J365/23", "2026-01-01T04:00:00Z", -14400},
                {"AAA0BBB,J60,J300", "2024-03-01T02:00:00Z", 3600}, /* J never counts February 29 */
                {"AAA0BBB,J60,J300", "2024-03-01T01:59:59Z", 0},
                {"AAA0BBB,59,300", "2024-02-29T02:00:00Z", 3600}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        mlc_posix_rule rule;
        assert_int_equal(mlc_posix_rule_parse(rows[i].rule, &rule, NULL), MLC_OK);
        assert_int_equal(mlc_posix_offset(&rule, utc_ms(rows[i].utc) / 1000), rows[i].offset);
    }
    static const char *const bad[] = {"",
                                      "A",
                                      "AB5",
                                      "ABC",
                                      "ABC5DEF",
                                      "ABC5DEF,M3.2.0",
                                      "ABC25",
                                      "ABC5DEF,M13.1.0,M1.1.0",
                                      "ABC5DEF,M3.6.0,M1.1.0",
                                      "<ABC5",
                                      "ABC5DEF,J0,J1",
                                      "ABC5DEF,M3.2.0,M11.1.0x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        mlc_posix_rule rule;
        if (mlc_posix_rule_parse(bad[i], &rule, NULL) != MLC_E_INVALID)
            fail_msg("accepted \"%s\"", bad[i]);
    }
}

/* A small file: two changes, 2000-01-01 to +1 h and 2001-01-01 to +2 h, and the rule given. */
static void make_tzif(mlc_buf *out, const char *rule)
{
    uint8_t header[44] = "TZif2";
    uint8_t v1[6] = {0};
    header[39] = 1; /* one type in the body of version 1 */
    assert_int_equal(mlc_buf_append(out, header, sizeof header, NULL), MLC_OK);
    assert_int_equal(mlc_buf_append(out, v1, sizeof v1, NULL), MLC_OK);
    header[35] = 2;
    header[39] = 3;
    assert_int_equal(mlc_buf_append(out, header, sizeof header, NULL), MLC_OK);
    uint8_t body[2 * 8 + 2 + 3 * 6] = {0};
    mlc_put_u64(body, 946684800);
    mlc_put_u64(body + 8, 978307200);
    body[16] = 1;
    body[17] = 2;
    mlc_put_u32(body + 18 + 6, 3600);
    mlc_put_u32(body + 18 + 12, 7200);
    assert_int_equal(mlc_buf_append(out, body, sizeof body, NULL), MLC_OK);
    assert_int_equal(mlc_buf_printf(out, NULL, "\n%s\n", rule), MLC_OK);
}

static void test_table(void **state)
{
    (void)state;
    mlc_buf data = {0};
    mlc_zone *zone = NULL;
    make_tzif(&data, "");
    assert_int_equal(mlc_zone_parse(&zone, "test", data.data, data.len, NULL), MLC_OK);
    assert_stamp(zone, "1999-12-31T23:59:59Z", 99365, 235959);
    assert_stamp(zone, "2000-01-01T00:00:00Z", 100001, 10000);
    assert_stamp(zone, "2000-12-31T12:00:00Z", 100366, 130000);
    assert_stamp(zone, "2030-01-01T00:00:00Z", 130001, 20000);
    mlc_zone_close(zone);
    mlc_buf_free(&data);
}

static void test_damaged(void **state)
{
    (void)state;
    mlc_buf data = {0};
    mlc_zone *zone = NULL;
    make_tzif(&data, "EET-2");
    for (size_t len = 0; len < data.len; len++)
        assert_int_equal(mlc_zone_parse(&zone, "test", data.data, len, NULL), MLC_E_CORRUPT);
    assert_int_equal(mlc_zone_parse(&zone, "test", data.data, data.len, NULL), MLC_OK);
    mlc_zone_close(zone);
    static const size_t spots[] = {0, 4, 50, 50 + 32, 50 + 44 + 16}; /* magic, version, magic, counts, type */
    for (size_t i = 0; i < sizeof spots / sizeof *spots; i++) {
        const uint8_t was = data.data[spots[i]];
        data.data[spots[i]] = i == 1 ? '1' : 0xff;
        assert_int_equal(mlc_zone_parse(&zone, "test", data.data, data.len, NULL), MLC_E_CORRUPT);
        data.data[spots[i]] = was;
    }
    mlc_buf_free(&data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),     cmocka_unit_test(test_unknown_names), cmocka_unit_test(test_denver),
        cmocka_unit_test(test_min_stamp), cmocka_unit_test(test_rules),         cmocka_unit_test(test_table),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
