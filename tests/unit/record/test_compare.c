/* test_compare.c - ranges and sums of the full comparison, and its messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "record/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static mlc_compare_id record(int64_t lead, int part, uint8_t content)
{
    mlc_compare_id id = {.usable = true};
    (void)snprintf(id.id, sizeof id.id, part > 0 ? "%" PRId64 "/%d" : "%" PRId64, lead, part);
    memset(id.fingerprint, content, sizeof id.fingerprint);
    return id;
}

static void add(mlc_range_sum *sum, const char *id, uint8_t content)
{
    uint8_t fingerprint[MLC_MASTER_FINGERPRINT_LEN];
    memset(fingerprint, content, sizeof fingerprint);
    assert_int_equal(mlc_range_add(sum, id, fingerprint, NULL), MLC_OK);
}

static void sums_do_not_depend_on_the_order(void **state)
{
    mlc_range_sum a = {0};
    mlc_range_sum b = {0};
    mlc_range_sum c = {0};
    (void)state;
    add(&a, "1", 1);
    add(&a, "2", 2);
    add(&b, "2", 2);
    assert_false(mlc_range_same(&a, &b));
    add(&b, "1", 1);
    assert_true(mlc_range_same(&a, &b));
    add(&c, "1", 2);
    add(&c, "2", 1);
    assert_false(mlc_range_same(&a, &c));
}

static void equal_records_do_not_cancel_out(void **state)
{
    mlc_range_sum none = {0};
    mlc_range_sum twice = {0};
    (void)state;
    add(&twice, "1", 1);
    add(&twice, "1", 1);
    twice.count = 0;
    assert_false(mlc_range_same(&none, &twice));
}

static void joined_sums_are_the_sum_of_both(void **state)
{
    mlc_range_sum all = {0};
    mlc_range_sum left = {0};
    mlc_range_sum right = {0};
    char id[16];
    (void)state;
    for (int i = 0; i < 300; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        add(&all, id, (uint8_t)i);
        add(i < 100 ? &left : &right, id, (uint8_t)i);
    }
    mlc_range_join(&left, &right);
    assert_true(mlc_range_same(&all, &left));
}

static void leads_are_read_from_ids(void **state)
{
    (void)state;
    assert_int_equal(mlc_compare_lead("6001"), 6001);
    assert_int_equal(mlc_compare_lead("60001/30/0//USD/EA"), 60001);
    assert_int_equal(mlc_compare_lead("X1"), 0);
    assert_int_equal(mlc_compare_lead(""), 0);
    assert_true(mlc_compare_lead("99999999999999999999999999") < INT64_MAX);
}

static void open_maker(mlc_range_maker *maker, int64_t from, int64_t to)
{
    const mlc_compare_request asked = {.run = "r", .of = "customer", .from = from, .to = to};
    assert_int_equal(mlc_range_maker_open(maker, &asked, NULL), MLC_OK);
}

static void put(mlc_range_maker *maker, int64_t lead, int part)
{
    const mlc_compare_id id = record(lead, part, (uint8_t)lead);
    assert_int_equal(mlc_range_maker_add(maker, &id, NULL), MLC_OK);
}

/* Ranges cover what was asked for, in order, and hold all of it; and the message can be printed and read again. */
static void check_answer(mlc_range_maker *maker, uint64_t total)
{
    mlc_compare_answer *const a = &maker->answer;
    mlc_compare_answer again;
    mlc_buf text = {0};
    mlc_error err;
    uint64_t count = 0;
    assert_int_equal(mlc_range_maker_end(maker, NULL), MLC_OK);
    for (size_t i = 0; !a->by_ids && i < a->range_count; i++)
        count += a->ranges[i].sum.count;
    assert_int_equal(a->by_ids ? a->id_count : count, total);
    assert_int_equal(mlc_compare_answer_print(a, &text, NULL), MLC_OK);
    if (mlc_compare_answer_parse(mlc_buf_text(&text), text.len, &again, &err) != MLC_OK)
        fail_msg("%s", err.message);
    assert_int_equal(again.by_ids, a->by_ids);
    assert_int_equal(again.id_count, a->id_count);
    if (!a->by_ids)
        assert_memory_equal(again.ranges, a->ranges, a->range_count * sizeof *a->ranges);
    mlc_compare_answer_free(&again);
    mlc_buf_free(&text);
}

static void few_records_are_told_by_their_ids(void **state)
{
    mlc_range_maker maker;
    (void)state;
    open_maker(&maker, 0, INT64_MAX);
    check_answer(&maker, 0);
    assert_true(maker.answer.by_ids);
    mlc_range_maker_free(&maker);
    open_maker(&maker, 0, INT64_MAX);
    for (int i = 0; i < MLC_COMPARE_FEW; i++)
        put(&maker, 10 + i, 0);
    check_answer(&maker, MLC_COMPARE_FEW);
    assert_true(maker.answer.by_ids);
    mlc_range_maker_free(&maker);
}

static void many_records_become_ranges_of_bounded_number(void **state)
{
    mlc_range_maker maker;
    const int64_t total = (int64_t)MLC_COMPARE_RANGE_SIZE * MLC_COMPARE_RANGES_MAX * 3 / 2;
    (void)state;
    open_maker(&maker, 5, INT64_MAX);
    for (int64_t i = 0; i < total; i++)
        put(&maker, 5 + i, 0);
    check_answer(&maker, (uint64_t)total);
    assert_false(maker.answer.by_ids);
    assert_in_range(maker.answer.range_count, MLC_COMPARE_RANGES_MAX / 2, MLC_COMPARE_RANGES_MAX);
    mlc_range_maker_free(&maker);
}

static void one_lead_with_very_many_records_gets_a_range_of_its_own(void **state)
{
    mlc_range_maker maker;
    mlc_range_sum alone = {0};
    (void)state;
    open_maker(&maker, 0, INT64_MAX);
    for (int i = 0; i < 100; i++)
        put(&maker, 100 + i, 0);
    for (int i = 1; i <= 3000; i++) {
        const mlc_compare_id id = record(777, i, 9);
        assert_int_equal(mlc_range_maker_add(&maker, &id, NULL), MLC_OK);
        add(&alone, id.id, 9);
    }
    check_answer(&maker, 3100);
    assert_int_equal(maker.answer.range_count, 3);
    assert_int_equal(maker.answer.ranges[1].from, 777);
    assert_true(mlc_range_same(&maker.answer.ranges[1].sum, &alone));
    mlc_range_maker_free(&maker);
    /* Asked for alone, it is told by its ids. */
    open_maker(&maker, 777, 778);
    for (int i = 1; i <= 3000; i++)
        put(&maker, 777, i);
    check_answer(&maker, 3000);
    assert_true(maker.answer.by_ids);
    mlc_range_maker_free(&maker);
}

static void records_that_cannot_be_used_count_for_the_size_only(void **state)
{
    mlc_range_maker maker;
    (void)state;
    open_maker(&maker, 0, INT64_MAX);
    for (int i = 0; i < 1500; i++) {
        mlc_compare_id id = record(1 + i, 0, 1);
        id.usable = i % 2 == 0;
        assert_int_equal(mlc_range_maker_add(&maker, &id, NULL), MLC_OK);
    }
    check_answer(&maker, 750);
    assert_int_equal(maker.answer.range_count, 3);
    mlc_range_maker_free(&maker);
}

static void another_order_and_other_leads_are_refused(void **state)
{
    mlc_range_maker maker;
    mlc_compare_id id = record(10, 0, 1);
    mlc_error err;
    (void)state;
    open_maker(&maker, 5, 20);
    assert_int_equal(mlc_range_maker_add(&maker, &id, &err), MLC_OK);
    id = record(9, 0, 1);
    assert_int_equal(mlc_range_maker_add(&maker, &id, &err), MLC_E_PROTOCOL);
    id = record(20, 0, 1);
    assert_int_equal(mlc_range_maker_add(&maker, &id, &err), MLC_E_PROTOCOL);
    mlc_range_maker_free(&maker);
}

#define ASKED                                                                                                \
    "\"kind\":\"compare.answer\",\"run\":\"r\",\"of\":\"customer\",\"from\":0,\"to\":10,\"enabled\":true"
#define HASH "\"hash\":\"000102030405060708090a0b0c0d0e0f\""

static void malformed_answers_are_refused(void **state)
{
    static const char *const bad[] = {
        "", "{}", "[]", "{" ASKED "}", "{" ASKED ",\"ranges\":[]}", "{" ASKED ",\"ranges\":{}}",
        /* a gap, an overlap, one range as large as the question */
        "{" ASKED ",\"ranges\":[{\"from\":0,\"to\":4,\"count\":1," HASH
        "},{\"from\":5,\"to\":10,\"count\":1," HASH "}]}",
        "{" ASKED ",\"ranges\":[{\"from\":0,\"to\":6,\"count\":1," HASH
        "},{\"from\":5,\"to\":10,\"count\":1," HASH "}]}",
        "{" ASKED ",\"ranges\":[{\"from\":0,\"to\":10,\"count\":1," HASH "}]}",
        "{" ASKED ",\"ranges\":[{\"from\":0,\"to\":4,\"count\":-1," HASH
        "},{\"from\":4,\"to\":10,\"count\":1," HASH "}]}",
        "{" ASKED ",\"ids\":[{\"id\":\"\"}]}", "{" ASKED ",\"ids\":[{\"id\":\"1\",\"hash\":\"12\"}]}",
        "{\"kind\":\"compare.request\",\"run\":\"r\",\"of\":\"customer\",\"from\":0,\"to\":10}"};
    mlc_error err;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mlc_compare_answer answer;
        if (mlc_compare_answer_parse(bad[i], strlen(bad[i]), &answer, &err) != MLC_E_INVALID)
            fail_msg("was taken: %s", bad[i]);
        mlc_compare_answer_free(&answer);
    }
}

static void requests_go_there_and_back(void **state)
{
    const mlc_compare_request request = {.run = "abc", .of = "price", .from = 7, .to = INT64_MAX};
    mlc_resend_id ids[] = {{"6001", true}, {"6002/1", false}};
    const mlc_resend_request resend = {.run = "abc", .of = "contact", .ids = ids, .id_count = 2};
    mlc_compare_request request_again;
    mlc_resend_request resend_again;
    mlc_buf text = {0};
    (void)state;
    assert_int_equal(mlc_compare_request_print(&request, &text, NULL), MLC_OK);
    assert_int_equal(mlc_compare_request_parse(mlc_buf_text(&text), text.len, &request_again, NULL), MLC_OK);
    assert_string_equal(request_again.run, request.run);
    assert_string_equal(request_again.of, request.of);
    assert_int_equal(request_again.from, request.from);
    assert_int_equal(request_again.to, request.to);
    assert_int_equal(mlc_resend_parse(mlc_buf_text(&text), text.len, &resend_again, NULL), MLC_E_INVALID);
    mlc_resend_free(&resend_again);
    mlc_buf_clear(&text);
    assert_int_equal(mlc_resend_print(&resend, &text, NULL), MLC_OK);
    assert_int_equal(mlc_resend_parse(mlc_buf_text(&text), text.len, &resend_again, NULL), MLC_OK);
    assert_int_equal(resend_again.id_count, 2);
    assert_string_equal(resend_again.ids[1].id, "6002/1");
    assert_true(resend_again.ids[0].known && !resend_again.ids[1].known);
    mlc_resend_free(&resend_again);
    mlc_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_do_not_depend_on_the_order),
        cmocka_unit_test(equal_records_do_not_cancel_out),
        cmocka_unit_test(joined_sums_are_the_sum_of_both),
        cmocka_unit_test(leads_are_read_from_ids),
        cmocka_unit_test(few_records_are_told_by_their_ids),
        cmocka_unit_test(many_records_become_ranges_of_bounded_number),
        cmocka_unit_test(one_lead_with_very_many_records_gets_a_range_of_its_own),
        cmocka_unit_test(records_that_cannot_be_used_count_for_the_size_only),
        cmocka_unit_test(another_order_and_other_leads_are_refused),
        cmocka_unit_test(malformed_answers_are_refused),
        cmocka_unit_test(requests_go_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
