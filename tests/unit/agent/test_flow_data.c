/* test_flow_data.c - keys and indexed rows of a page, and that the specifications are sound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/flow/flow_data.h"
#include "record/master.h"

#include <stdio.h>
#include <string.h>

static void ids_are_readable(void **state)
{
    char id[MLC_POLL_KEY_MAX];
    (void)state;
    mlc_flow_id("6001", id);
    assert_string_equal(id, "6001");
    mlc_flow_id("60001\x1f          30\x1f"
                "0\x1f\x1fUSD\x1f"
                "EA ",
                id);
    assert_string_equal(id, "60001/30/0//USD/EA");
    mlc_flow_id("", id);
    assert_string_equal(id, "");
}

static void keys_are_the_values_of_their_columns(void **state)
{
    static const char *const columns[] = {"ITM", "MCU", "AN8"};
    char key[MLC_POLL_KEY_MAX];
    char text[300];
    mlc_error err;
    cJSON *row = NULL;
    (void)state;
    const char json[] = "{\"AN8\":0,\"ITM\":60001,\"MCU\":\"  30\"}";
    assert_int_equal(mlc_json_parse(json, strlen(json), 0, 0, &row, NULL), MLC_OK);
    assert_int_equal(mlc_flow_key(row, columns, 3, key, &err), MLC_OK);
    assert_string_equal(key, "60001\x1f  30\x1f"
                             "0");
    assert_int_equal(mlc_flow_key(row, columns, 1, key, &err), MLC_OK);
    assert_string_equal(key, "60001");
    cJSON_Delete(row);
    (void)snprintf(text, sizeof text, "{\"ITM\":\"%0150d\"}", 7);
    assert_int_equal(mlc_json_parse(text, strlen(text), 0, 0, &row, NULL), MLC_OK);
    assert_int_equal(mlc_flow_key(row, columns, 1, key, &err), MLC_E_LIMIT);
    cJSON_Delete(row);
}

static void pages_hold_each_key_once(void **state)
{
    static const char *const added[] = {"7\x1f"
                                        "2",
                                        "10\x1f"
                                        "1",
                                        "7\x1f"
                                        "1",
                                        "7\x1f"
                                        "2",
                                        "71\x1f"
                                        "1"};
    mlc_flow_keys keys = {0};
    (void)state;
    assert_int_equal(mlc_flow_keys_reserve(&keys, 5, NULL), MLC_OK);
    for (size_t i = 0; i < 5; i++)
        mlc_flow_keys_add(&keys, added[i]);
    mlc_flow_keys_close(&keys);
    assert_int_equal(keys.wanted_count, 4);
    assert_int_equal(keys.lead_count, 3);
    assert_string_equal(keys.leads[0], "10");
    assert_string_equal(keys.leads[1], "7");
    assert_string_equal(keys.leads[2], "71");
    assert_true(mlc_flow_keys_want(&keys, added[0], 2));
    assert_false(mlc_flow_keys_want(&keys,
                                    "7\x1f"
                                    "3",
                                    2));
    assert_true(mlc_flow_keys_want(&keys, "7", 1));
    assert_false(mlc_flow_keys_want(&keys, "8", 1));
    keys.expand = true;
    assert_true(mlc_flow_keys_want(&keys,
                                   "7\x1f"
                                   "3",
                                   2));
    mlc_flow_keys_clear(&keys);
    assert_true(mlc_flow_lead_cmp("7\x1f"
                                  "1",
                                  "7") == 0);
    assert_true(mlc_flow_lead_cmp("7", "71") < 0);
    assert_true(mlc_flow_lead_cmp("71\x1f"
                                  "1",
                                  "7") > 0);
}

static void rows_are_found_in_the_order_read(void **state)
{
    static const char *const columns[] = {"AN8"};
    static const char json[] =
        "[{\"AN8\":7,\"N\":1},{\"AN8\":10,\"N\":2},{\"AN8\":7,\"N\":3},{\"AN8\":71,\"N\":4}]";
    mlc_flow_rows rows = {0};
    cJSON *tree = NULL;
    size_t count = 0;
    (void)state;
    assert_int_equal(mlc_json_parse(json, strlen(json), 0, 0, &tree, NULL), MLC_OK);
    assert_int_equal(mlc_flow_rows_open(&rows, tree, columns, 1, NULL), MLC_OK);
    const mlc_flow_row *const found = mlc_flow_rows_find(&rows, "7", &count);
    assert_int_equal(count, 2);
    assert_string_equal(mlc_json_member_text(found[0].row, "N"), "1");
    assert_string_equal(mlc_json_member_text(found[1].row, "N"), "3");
    (void)mlc_flow_rows_find(&rows, "8", &count);
    assert_int_equal(count, 0);
    mlc_flow_rows_clear(&rows);
    (void)mlc_flow_rows_find(&rows, "7", &count);
    assert_int_equal(count, 0);
}

static bool has_column(const mlc_flow_part *part, const char *column)
{
    for (size_t i = 0; part->columns[i] != NULL; i++)
        if (strcmp(part->columns[i], column) == 0)
            return true;
    return false;
}

static void check_part(const mlc_flow_spec *spec, const mlc_flow_part *part)
{
    for (size_t i = 0; i < part->key_count; i++)
        assert_true(has_column(part, spec->keys[i]));
    assert_true(has_column(part, part->date_column) && has_column(part, part->time_column));
    assert_true(part->from == NULL || has_column(part, part->from));
    assert_true(part->to == NULL || has_column(part, part->to));
    assert_true(part->order == NULL || has_column(part, part->order));
    assert_true(part->key_count == 1 || part->key_count == mlc_flow_key_count(spec));
}

static void specifications_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < mlc_flow_spec_count(); i++) {
        const mlc_flow_spec *const spec = &mlc_flow_specs[i];
        const size_t keys = mlc_flow_key_count(spec);
        /* What is no master record gives itself a shape. */
        assert_true(mlc_master_is_kind(spec->kind) != (spec->shape != NULL));
        /* The flows of orders follow the lines, whose changes tell of the header's order. */
        if (spec->shape == NULL)
            assert_string_equal(spec->drivers[0].table, spec->parts[0].table);
        assert_int_equal(spec->drivers[0].key_count, keys);
        assert_int_equal(spec->parts[0].key_count, keys);
        for (size_t d = 0; d < mlc_flow_driver_count(spec); d++) {
            const mlc_flow_driver *const driver = &spec->drivers[d];
            assert_true(driver->key_count == keys || driver->page_max > 0);
            assert_true((driver->why == MLC_FLOW_CHANGED) == (driver->time_column != NULL));
            assert_true(mlc_flow_is_date(driver->date_column));
            for (size_t other = 0; other < d; other++)
                assert_string_not_equal(spec->drivers[other].name, driver->name);
        }
        for (size_t p = 0; p < mlc_flow_part_count(spec); p++)
            check_part(spec, &spec->parts[p]);
        for (size_t r = 0; r < MLC_FLOW_RULES_MAX && spec->rules[r].column != NULL; r++)
            assert_true(has_column(&spec->parts[spec->rules[r].part], spec->rules[r].column));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_readable),         cmocka_unit_test(keys_are_the_values_of_their_columns),
        cmocka_unit_test(pages_hold_each_key_once), cmocka_unit_test(rows_are_found_in_the_order_read),
        cmocka_unit_test(specifications_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
