/* test_address_decide.c - when an address is a conflict, who wins then, and the inputs of the orchestration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/address_decide.h"
#include "agent/address_inputs.h"

#include <string.h>

static const mlc_address_fields old_one = {{"Acme", "Old St", "", "", "Denver", "CO", "80202", "US"}};
static const mlc_address_fields theirs = {{"Acme", "JDE St", "", "", "Denver", "CO", "80202", "US"}};
static const mlc_address_fields mine = {{"Acme", "Dynamics St", "", "", "Denver", "CO", "80202", "US"}};

static mlc_address edit(bool with_base)
{
    return (mlc_address){.table = "account",
                         .an8 = "6001",
                         .version = "1764.126300.90000",
                         .modified = "2026-11-23T17:00:00Z",
                         .now = mine,
                         .has_base = with_base,
                         .base = old_one};
}

static mlc_address_verdict decide(const mlc_address *change, const mlc_address_fields *present,
                                  mlc_address_rule rule)
{
    const mlc_address_case in = {.change = change,
                                 .present = present,
                                 .book_stamp = {126299, 0},
                                 .address_stamp = {126299, 0},
                                 .rule = rule};
    return mlc_address_decide(&in);
}

static void names_of_the_rules(void **state)
{
    (void)state;
    mlc_address_rule rule = MLC_ADDRESS_JDE_WINS;
    assert_true(mlc_address_rule_of("review", &rule));
    assert_int_equal(rule, MLC_ADDRESS_REVIEW);
    assert_true(mlc_address_rule_of("newest", &rule));
    assert_int_equal(rule, MLC_ADDRESS_NEWEST_WINS);
    assert_false(mlc_address_rule_of("coin", &rule));
}

static void no_conflict_while_jde_is_as_it_was(void **state)
{
    (void)state;
    const mlc_address change = edit(true);
    for (int rule = MLC_ADDRESS_JDE_WINS; rule <= MLC_ADDRESS_REVIEW; rule++) {
        const mlc_address_verdict v = decide(&change, &old_one, (mlc_address_rule)rule);
        assert_int_equal(v.action, MLC_ADDRESS_WRITE);
        assert_false(v.conflict);
        assert_int_equal(decide(&change, &mine, (mlc_address_rule)rule).action, MLC_ADDRESS_NOTHING);
    }
}

static void each_rule_has_its_winner(void **state)
{
    (void)state;
    const mlc_address change = edit(true);
    assert_int_equal(decide(&change, &theirs, MLC_ADDRESS_JDE_WINS).action, MLC_ADDRESS_KEEP);
    assert_int_equal(decide(&change, &theirs, MLC_ADDRESS_DYNAMICS_WINS).action, MLC_ADDRESS_WRITE);
    assert_int_equal(decide(&change, &theirs, MLC_ADDRESS_REVIEW).action, MLC_ADDRESS_PARK);
    assert_true(decide(&change, &theirs, MLC_ADDRESS_DYNAMICS_WINS).conflict);
}

static mlc_address_action newest(mlc_jde_stamp at, const char *zone_name)
{
    mlc_zone *zone = NULL;
    mlc_error err;
    const mlc_address change = edit(true);
    if (zone_name != NULL)
        assert_int_equal(mlc_zone_open(&zone, zone_name, &err), MLC_OK);
    const mlc_address_case in = {.change = &change,
                                 .present = &theirs,
                                 .address_stamp = at,
                                 .rule = MLC_ADDRESS_NEWEST_WINS,
                                 .zone = zone};
    const mlc_address_action action = mlc_address_decide(&in).action;
    mlc_zone_close(zone);
    return action;
}

/* The edit was at 17:00 UTC, 10:00 in Denver, of day 327. */
static void newest_compares_in_the_servers_zone(void **state)
{
    (void)state;
    assert_int_equal(newest((mlc_jde_stamp){126327, 95959}, "America/Denver"), MLC_ADDRESS_WRITE);
    assert_int_equal(newest((mlc_jde_stamp){126327, 100000}, "America/Denver"), MLC_ADDRESS_KEEP);
    assert_int_equal(newest((mlc_jde_stamp){126327, 100001}, "America/Denver"), MLC_ADDRESS_KEEP);
    assert_int_equal(newest((mlc_jde_stamp){126327, 100001}, NULL), MLC_ADDRESS_WRITE);
    assert_int_equal(newest((mlc_jde_stamp){126328, 0}, NULL), MLC_ADDRESS_KEEP);
}

static void our_own_last_write_is_no_change_of_others(void **state)
{
    (void)state;
    const mlc_address change = edit(true);
    const mlc_address_case in = {
        .change = &change, .present = &theirs, .ours = true, .rule = MLC_ADDRESS_REVIEW};
    const mlc_address_verdict v = mlc_address_decide(&in);
    assert_int_equal(v.action, MLC_ADDRESS_WRITE);
    assert_false(v.conflict);
}

static void a_released_conflict_is_written(void **state)
{
    (void)state;
    const mlc_address change = edit(true);
    const mlc_address_case in = {
        .change = &change, .present = &theirs, .reviewed = true, .rule = MLC_ADDRESS_REVIEW};
    assert_int_equal(mlc_address_decide(&in).action, MLC_ADDRESS_WRITE);
}

static void without_a_base_the_stamps_tell(void **state)
{
    (void)state;
    const mlc_address change = edit(false);
    mlc_address_case in = {.change = &change,
                           .present = &theirs,
                           .book_stamp = {126300, 90000},
                           .address_stamp = {126300, 90000},
                           .rule = MLC_ADDRESS_JDE_WINS};
    assert_int_equal(mlc_address_decide(&in).action, MLC_ADDRESS_WRITE);
    in.address_stamp.hms = 90001;
    assert_int_equal(mlc_address_decide(&in).action, MLC_ADDRESS_KEEP);
    in.address_stamp.hms = 90000;
    in.book_stamp.julian = 126301;
    assert_int_equal(mlc_address_decide(&in).action, MLC_ADDRESS_KEEP);
    /* A contact has nothing to do with the name in F0101. */
    mlc_address contact = change;
    contact.now.text[MLC_ADDRESS_NAME] = NULL;
    in.change = &contact;
    assert_int_equal(mlc_address_decide(&in).action, MLC_ADDRESS_WRITE);
    /* What its editor saw is not known: not to be overwritten unasked. */
    contact.version = NULL;
    assert_int_equal(mlc_address_decide(&in).action, MLC_ADDRESS_KEEP);
}

static void absent_fields_stay(void **state)
{
    (void)state;
    mlc_address change = edit(false);
    memset(&change.now, 0, sizeof change.now);
    change.now.text[MLC_ADDRESS_CITY] = "Boulder";
    const mlc_address_fields wanted = mlc_address_wanted(&change, &theirs);
    assert_string_equal(wanted.text[MLC_ADDRESS_LINE1], "JDE St");
    assert_string_equal(wanted.text[MLC_ADDRESS_CITY], "Boulder");
}

static void inputs_are_what_changes(void **state)
{
    (void)state;
    cJSON *inputs = NULL;
    mlc_error err;
    mlc_address_fields wanted = mine;
    wanted.text[MLC_ADDRESS_CITY] = "";
    assert_int_equal(mlc_address_inputs("6001", &wanted, &old_one, &inputs, &err), MLC_OK);
    assert_int_equal(cJSON_GetArraySize(inputs), 3);
    assert_string_equal(mlc_json_str(inputs, "AddressNumber"), "6001");
    assert_string_equal(mlc_json_str(inputs, "AddressLine1"), "Dynamics St");
    assert_string_equal(mlc_json_str(inputs, "City"), "");
    cJSON_Delete(inputs);
}

static void the_third_street_fills_two_lines(void **state)
{
    (void)state;
    cJSON *inputs = NULL;
    mlc_error err;
    mlc_address_fields wanted = old_one;
    wanted.text[MLC_ADDRESS_LINE3] = "Hall, Door 4";
    assert_int_equal(mlc_address_inputs("6001", &wanted, &old_one, &inputs, &err), MLC_OK);
    assert_string_equal(mlc_json_str(inputs, "AddressLine3"), "Hall, Door 4");
    assert_string_equal(mlc_json_str(inputs, "AddressLine4"), "");
    cJSON_Delete(inputs);
    wanted.text[MLC_ADDRESS_LINE3] = "A building with quite a long name, and a door that has one as well";
    assert_int_equal(mlc_address_inputs("6001", &wanted, &old_one, &inputs, &err), MLC_OK);
    assert_string_equal(mlc_json_str(inputs, "AddressLine3"), "A building with quite a long name");
    assert_string_equal(mlc_json_str(inputs, "AddressLine4"), "and a door that has one as well");
    cJSON_Delete(inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_rules),
        cmocka_unit_test(no_conflict_while_jde_is_as_it_was),
        cmocka_unit_test(each_rule_has_its_winner),
        cmocka_unit_test(newest_compares_in_the_servers_zone),
        cmocka_unit_test(our_own_last_write_is_no_change_of_others),
        cmocka_unit_test(a_released_conflict_is_written),
        cmocka_unit_test(without_a_base_the_stamps_tell),
        cmocka_unit_test(absent_fields_stay),
        cmocka_unit_test(inputs_are_what_changes),
        cmocka_unit_test(the_third_street_fills_two_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
