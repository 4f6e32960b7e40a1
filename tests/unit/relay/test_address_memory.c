/* test_address_memory.c - which address of JDE belongs to which source version; and rows of Dynamics as addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/address_memory.h"
#include "relay/address_row.h"
#include "support/store_test.h"

#define SOURCE "JDE/F0101/6001"

typedef struct step {
    const char *version, *street; /* put; or get, when `street` is NULL */
    const char *master;           /* learn */
    bool found;
    char got[64];
} step;

static mlc_code put_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const step *const s = arg;
    const mlc_address_fields fields = {{"Acme", s->street}};
    return s->master != NULL ? mlc_address_memory_learn(txn, s->master, strlen(s->master), err)
                             : mlc_address_memory_put(txn, SOURCE, s->version, &fields, err);
}

static mlc_code get_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    step *const s = arg;
    mlc_address_known known;
    const mlc_code code = mlc_address_memory_get(txn, SOURCE, s->version, &known, err);
    s->found = code == MLC_OK && known.found;
    if (s->found)
        (void)snprintf(s->got, sizeof s->got, "%s", known.fields.text[MLC_ADDRESS_LINE1]);
    cJSON_Delete(known.tree);
    return code;
}

static void put(st_fix *f, const char *version, const char *street)
{
    mlc_error err;
    step s = {.version = version, .street = street};
    st_check(mlc_store_run(f->store, put_job, &s, &err), &err);
}

static void learn(st_fix *f, const char *master)
{
    mlc_error err;
    step s = {.master = master};
    st_check(mlc_store_run(f->store, put_job, &s, &err), &err);
}

/* NULL: not known. */
static void shows(st_fix *f, const char *version, const char *street)
{
    mlc_error err;
    step s = {.version = version};
    st_check(mlc_store_read(f->store, get_job, &s, &err), &err);
    assert_int_equal(s.found, street != NULL);
    if (street != NULL)
        assert_string_equal(s.got, street);
}

static void versions_of_one_address_are_a_span(void **state)
{
    st_fix *const f = *state;
    shows(f, "100.1.1", NULL);
    put(f, "100.1.1", "A");
    put(f, "105.1.1", "A");
    put(f, "110.1.1", "B");
    shows(f, "100.1.1", "A");
    shows(f, "103.1.1", "A");
    shows(f, "105.1.1", "A");
    shows(f, "110.1.1", "B");
    shows(f, "99.1.1", NULL);
    shows(f, "111.1.1", NULL);
    shows(f, NULL, "B");
}

static void a_late_older_version_changes_nothing(void **state)
{
    st_fix *const f = *state;
    put(f, "110.1.1", "B");
    put(f, "100.1.1", "A");
    shows(f, "110.1.1", "B");
    shows(f, "100.1.1", NULL);
}

static void only_the_last_spans_are_kept(void **state)
{
    st_fix *const f = *state;
    char version[16];
    char street[16];
    for (int i = 1; i <= 9; i++) {
        (void)snprintf(version, sizeof version, "%d.1.1", 100 + i);
        (void)snprintf(street, sizeof street, "S%d", i);
        put(f, version, street);
    }
    shows(f, "109.1.1", "S9");
    shows(f, "106.1.1", "S6");
    shows(f, "105.1.1", NULL);
}

static void a_version_may_be_set_to_another_address(void **state)
{
    st_fix *const f = *state;
    put(f, "100.1.1", "A");
    put(f, "105.1.1", "A");
    put(f, "105.1.1", "J");
    shows(f, "105.1.1", "J");
    shows(f, "104.1.1", "A");
    put(f, "105.1.1", "K");
    shows(f, "105.1.1", "K");
}

static void master_records_teach_their_address(void **state)
{
    st_fix *const f = *state;
    learn(
        f,
        "{\"kind\":\"customer\",\"id\":\"6001\",\"source\":\"" SOURCE
        "\",\"version\":\"100.1.1\",\"gone\":false,\"rows\":{\"F0101\":{\"AN8\":\"6001\",\"ALPH\":\"Acme\"},"
        "\"F0116\":{\"ADD1\":\"Main\"}}}");
    shows(f, "100.1.1", "Main");
    learn(f, "{\"kind\":\"customer\",\"id\":\"6001\",\"source\":\"" SOURCE
             "\",\"version\":\"101.1.1\",\"gone\":true,\"rows\":{\"F0101\":{\"AN8\":\"6001\",\"ALPH\":"
             "\"Acme\"}}}");
    shows(f, "101.1.1", NULL);
    learn(f, "{\"kind\":\"order.result\"}");
    learn(f, "no JSON");
    shows(f, "100.1.1", "Main");
}

static void rows_of_dynamics(void **state)
{
    (void)state;
    mlc_error err;
    mlc_address_row out;
    cJSON *row = cJSON_Parse("{\"@odata.etag\":\"W/\\\"4711\\\"\",\"modifiedon\":\"2026-11-23T10:00:00Z\","
                             "\"ml_sourcerecordid\":\"" SOURCE
                             "\",\"name\":\"Acme\",\"address1_line1\":\"Main\",\"address1_city\":null}");
    assert_int_equal(mlc_address_row_read("account", row, "ml_", &out, &err), MLC_OK);
    assert_string_equal(out.an8, "6001");
    assert_string_equal(out.line, "");
    assert_string_equal(out.change, "4711");
    assert_string_equal(out.fields.text[MLC_ADDRESS_CITY], "");
    assert_int_equal(mlc_address_row_read("contact", row, "ml_", &out, &err), MLC_E_UNSUPPORTED);
    cJSON_ReplaceItemInObject(row, "ml_sourcerecordid", cJSON_CreateString("JDE/F0111/6001/2"));
    assert_int_equal(mlc_address_row_read("contact", row, "ml_", &out, &err), MLC_OK);
    assert_string_equal(out.an8, "6001");
    assert_string_equal(out.line, "2");
    assert_null(out.fields.text[MLC_ADDRESS_NAME]);
    assert_int_equal(mlc_address_row_read("account", row, "ml_", &out, &err), MLC_E_UNSUPPORTED);
    cJSON_ReplaceItemInObject(row, "ml_sourcerecordid", cJSON_CreateString("JDE/F0101/123456789"));
    assert_int_equal(mlc_address_row_read("account", row, "ml_", &out, &err), MLC_E_UNSUPPORTED);
    cJSON_DeleteItemFromObject(row, "@odata.etag");
    assert_int_equal(mlc_address_row_read("account", row, "ml_", &out, &err), MLC_E_PROTOCOL);
    cJSON_Delete(row);
}

static void jdes_address_as_columns(void **state)
{
    (void)state;
    mlc_error err;
    cJSON *body = NULL;
    const mlc_address_fields fields = {{"Acme", "Main", "", "", "Denver", "CO", "80202", "US"}};
    assert_int_equal(mlc_address_row_body("account", &fields, "ml_", "100.1.1", &body, &err), MLC_OK);
    assert_string_equal(mlc_json_str(body, "name"), "Acme");
    assert_string_equal(mlc_json_str(body, "address1_line1"), "Main");
    assert_true(cJSON_IsNull(mlc_json_get(body, "address1_line2")));
    assert_string_equal(mlc_json_str(body, "ml_sourceversion"), "100.1.1");
    cJSON_Delete(body);
    assert_int_equal(mlc_address_row_body("contact", &fields, "ml_", NULL, &body, &err), MLC_OK);
    assert_null(mlc_json_get(body, "name"));
    cJSON_Delete(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(versions_of_one_address_are_a_span, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(a_late_older_version_changes_nothing, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(only_the_last_spans_are_kept, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(a_version_may_be_set_to_another_address, st_setup, st_teardown),
        cmocka_unit_test_setup_teardown(master_records_teach_their_address, st_setup, st_teardown),
        cmocka_unit_test(rows_of_dynamics),
        cmocka_unit_test(jdes_address_as_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
