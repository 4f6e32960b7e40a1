/* test_schema.c - metadata of Dynamics: what is read of the answers, what a check says against it, and when it is read
 * again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/schema.h"
#include "relay/schema_check.h"
#include "relay/schema_copy.h"
#include "support/dataverse_test.h"
#include "support/loop_store_test.h"

#define LABEL(text) "\"DisplayName\":{\"UserLocalizedLabel\":{\"Label\":\"" text "\"}}"
#define COLUMN(name, type, more)                                                                             \
    "{\"LogicalName\":\"" name "\",\"AttributeType\":\"" type                                                \
    "\",\"IsValidForCreate\":true,\"IsValidForUpdate\":true" more "}"
#define REQUIRED ",\"RequiredLevel\":{\"Value\":\"ApplicationRequired\"}"

/* clang-format off */
static const char definition[] =
    "{\"LogicalName\":\"account\",\"EntitySetName\":\"accounts\",\"PrimaryIdAttribute\":\"accountid\","
    "\"PrimaryNameAttribute\":\"name\"," LABEL("Account") ",\"Attributes\":["
    COLUMN("name", "String", ",\"MaxLength\":10," LABEL("Account Name") REQUIRED) ","
    COLUMN("creditlimit", "Money", ",\"Precision\":2,\"MinValue\":0,\"MaxValue\":1E+3," LABEL("Credit Limit")) ","
    COLUMN("exchange", "Money", ",\"Precision\":2,\"PrecisionSource\":2") ","
    COLUMN("employees", "Integer", ",\"MinValue\":0,\"MaxValue\":99") ","
    COLUMN("terms", "Picklist", "," LABEL("Payment Terms")) ","
    COLUMN("hold", "Boolean", "") ","
    COLUMN("since", "DateTime", "") ","
    COLUMN("parentid", "Customer", ",\"Targets\":[\"account\",\"contact\"]," LABEL("Parent") REQUIRED) ","
    "{\"LogicalName\":\"createdon\",\"AttributeType\":\"DateTime\",\"IsValidForCreate\":false,\"IsValidForUpdate\":false}],"
    "\"Keys\":[{\"KeyAttributes\":[\"name\"],\"EntityKeyIndexStatus\":\"Active\"},"
    "{\"KeyAttributes\":[\"terms\"],\"EntityKeyIndexStatus\":\"Failed\"},"
    "{\"KeyAttributes\":[\"name\",\"hold\"],\"EntityKeyIndexStatus\":\"Active\"}]}";
/* clang-format on */

static const char options[] =
    "{\"value\":[{\"LogicalName\":\"terms\",\"OptionSet\":null,\"GlobalOptionSet\":{\"Options\":[{\"Value\":"
    "1,\"Label\":{"
    "\"UserLocalizedLabel\":{\"Label\":\"Net "
    "30\"}}},{\"Value\":100000001,\"Label\":{\"UserLocalizedLabel\":{\"Label\":\"Net "
    "60\"}}}]}}]}";
static const char no_options[] = "{\"value\":[]}";

static cJSON *tree_of(const char *text)
{
    cJSON *tree = NULL;
    mlc_error err;
    lst_check(mlc_json_parse(text, strlen(text), 0, 0, &tree, &err), &err);
    return tree;
}

static cJSON *compact_of_all(void)
{
    cJSON *const whole = tree_of(definition);
    cJSON *const sets = tree_of(options);
    cJSON *compact = NULL;
    mlc_error err;
    lst_check(mlc_schema_compact(whole, &compact, &err), &err);
    lst_check(mlc_schema_add_options(compact, sets, &err), &err);
    cJSON_Delete(whole);
    cJSON_Delete(sets);
    return compact;
}

static mlc_schema_table *table_of(cJSON *compact)
{
    mlc_schema_table *table = NULL;
    mlc_error err;
    lst_check(mlc_schema_table_new(compact, &table, &err), &err);
    return table;
}

/* ---- reading ---- */

static void check_table(const mlc_schema_table *t)
{
    int64_t value = 0;
    const mlc_schema_column *const limit = mlc_schema_column_find(t, "creditlimit");
    const mlc_schema_column *const terms = mlc_schema_column_find(t, "terms");
    assert_int_equal(t->count, 9);
    assert_string_equal(t->set, "accounts");
    assert_string_equal(limit->label, "Credit Limit");
    assert_int_equal(limit->decimals, 2);
    assert_int_equal(mlc_schema_column_find(t, "exchange")->decimals, 4);
    assert_true(limit->has_high && mlc_decimal_cmp(limit->high, (mlc_decimal){.unscaled = 1000}) == 0);
    assert_false(mlc_schema_column_find(t, "createdon")->writable);
    assert_true(mlc_schema_column_find(t, "name")->required);
    assert_null(mlc_schema_column_find(t, "nosuch"));
    assert_true(mlc_schema_option_known(terms, 100000001) && !mlc_schema_option_known(terms, 2));
    assert_true(mlc_schema_option_value(terms, "net 60", &value));
    assert_int_equal(value, 100000001);
    assert_false(mlc_schema_option_value(terms, "Net 90", &value));
    assert_string_equal(mlc_schema_key_status(t, "name"), "Active");
    assert_string_equal(mlc_schema_key_status(t, "terms"), "Failed");
    assert_null(mlc_schema_key_status(t, "hold"));
}

static void answers_and_copy_give_the_same_table(void **state)
{
    (void)state;
    cJSON *const compact = compact_of_all();
    char *const text = mlc_json_print(compact);
    mlc_schema_table *const first = table_of(compact);
    check_table(first);
    mlc_schema_table *const second = table_of(tree_of(text));
    check_table(second);
    free(text);
    mlc_schema_table_free(first);
    mlc_schema_table_free(second);
}

static void answers_that_are_no_metadata_are_refused(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[]",
        "{\"LogicalName\":\"a\",\"EntitySetName\":\"as\",\"PrimaryIdAttribute\":\"aid\"}",
        "{\"LogicalName\":\"a "
        "b\",\"EntitySetName\":\"as\",\"PrimaryIdAttribute\":\"aid\",\"PrimaryNameAttribute\":\"n\"}",
        "{\"LogicalName\":\"a\",\"EntitySetName\":\"as\",\"PrimaryIdAttribute\":\"aid\","
        "\"PrimaryNameAttribute\":\"n\"}",
        "{\"LogicalName\":\"a\",\"EntitySetName\":\"as\",\"PrimaryIdAttribute\":\"aid\","
        "\"PrimaryNameAttribute\":\"n\","
        "\"Attributes\":[{}]}"};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cJSON *const tree = tree_of(bad[i]);
        cJSON *compact = NULL;
        mlc_error err;
        assert_int_equal(mlc_schema_compact(tree, &compact, &err), MLC_E_PROTOCOL);
        assert_null(compact);
        cJSON_Delete(tree);
    }
}

/* ---- checking ---- */

static void each_fault_has_its_words(void **state)
{
    static const struct {
        const char *body;
        const char *fault; /* NULL: none */
    } rows[] = {
        {"{\"name\":\"Acme\",\"creditlimit\":12.50,\"employees\":99,\"terms\":1,\"hold\":true,\"since\":"
         "\"2026-11-23\"}",
         NULL},
        {"{\"name\":\"Acme\",\"creditlimit\":1.500,\"since\":\"2026-11-23T10:00:00Z\",\"terms\":null,\"@x\":"
         "1}",
         NULL},
        {"{\"name\":\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\"}",
         NULL},
        {"{\"name\":\"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80x\"}",
         "has 11 characters, Dynamics takes 10"},
        {"{\"name\":\"A\",\"nosuch\":1}", "nosuch: table \"account\" of Dynamics has no such column"},
        {"{\"name\":\"A\",\"createdon\":\"2026-11-23\"}", "createdon: cannot be written"},
        {"{\"name\":\"\"}", "Account Name (name): is empty, but Dynamics requires it"},
        {"{\"name\":null}", "Account Name (name): is empty"},
        {"{}", "Account Name (name): is missing"},
        {"{\"name\":7}", "must be a text"},
        {"{\"name\":\"A\",\"creditlimit\":\"7\"}", "must be a number"},
        {"{\"name\":\"A\",\"creditlimit\":-0.01}", "-0.01 is below 0"},
        {"{\"name\":\"A\",\"creditlimit\":1000.01}", "1000.01 is above 1000"},
        {"{\"name\":\"A\",\"creditlimit\":0.125}", "0.125 has 3 decimals, Dynamics keeps 2"},
        {"{\"name\":\"A\",\"employees\":1.5}", "must be a whole number"},
        {"{\"name\":\"A\",\"employees\":100}", "100 is above 99"},
        {"{\"name\":\"A\",\"terms\":2}", "Payment Terms (terms): Dynamics has no option 2"},
        {"{\"name\":\"A\",\"terms\":\"Net 30\"}", "must be the number of an option"},
        {"{\"name\":\"A\",\"hold\":\"yes\"}", "must be yes or no"},
        {"{\"name\":\"A\",\"since\":\"23.11.2026\"}", "must be a date like"},
        {"{\"name\":\"A\",\"parentid\":\"x\"}", "is a lookup"},
        {"{\"name\":\"A\",\"parentid_account@odata.bind\":\"/accounts(1)\"}", NULL},
        {"{\"name\":\"A\",\"parentid_account@odata.bind\":\"/contacts(1)\"}",
         "cannot point to a row of \"contacts\""},
        {"{\"name\":\"A\",\"parentid@odata.bind\":\"/products(1)\"}",
         "cannot point to a row of \"products\""},
        {"{\"name\":\"A\",\"parentid_account@odata.bind\":null}",
         "Parent (parentid): is empty, but Dynamics requires"},
        {"{\"name\":\"A\",\"parentid_account@odata.bind\":\"1\"}", "does not name a row"},
        {"{\"name\":\"A\",\"nosuch@odata.bind\":\"/accounts(1)\"}", "has no such lookup"}};
    mlc_schema_table *const table = table_of(compact_of_all());
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mlc_faults faults = {0};
        cJSON *const body = tree_of(rows[i].body);
        mlc_schema_check(table, body, true, mlc_schema_name_of, NULL, &faults);
        if (rows[i].fault == NULL)
            assert_string_equal(faults.text, "");
        else if (faults.count != 1 || strstr(faults.text, rows[i].fault) == NULL)
            fail_msg("%s: %s", rows[i].body, faults.text);
        cJSON_Delete(body);
    }
    mlc_schema_table_free(table);
}

static void part_of_a_row_needs_no_name(void **state)
{
    mlc_schema_table *const table = table_of(compact_of_all());
    mlc_faults faults = {0};
    cJSON *const body = tree_of("{\"hold\":true}");
    (void)state;
    mlc_schema_check(table, body, false, mlc_schema_name_of, NULL, &faults);
    assert_int_equal(faults.count, 0);
    cJSON_Delete(body);
    mlc_schema_table_free(table);
}

/* ---- the live one ---- */

typedef struct fix {
    lst_fix s;
    dv_fix dv;
    mlc_schema *schema;
    size_t told;
    mlc_code code;
} fix;

static mlc_code nothing_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    (void)txn;
    (void)arg;
    (void)err;
    return MLC_OK;
}

static void open_schema(fix *f, int64_t refresh_ms)
{
    static const char *const sets[] = {"accounts", "accounts"};
    mlc_error err;
    const mlc_schema_options o = {.loop = &f->s.loop,
                                  .odata = f->dv.odata,
                                  .store = f->s.store,
                                  .tenant = "acme",
                                  .sets = sets,
                                  .set_count = 2,
                                  .refresh_ms = refresh_ms};
    lst_check(mlc_schema_open(&f->schema, &o, &err), &err);
}

static int set_up(void **state)
{
    fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    lst_init(&f->s);
    dv_open(&f->dv, &f->s.loop, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fix *const f = *state;
    if (f->schema != NULL)
        mlc_schema_stop(f->schema);
    dv_close(&f->dv);
    assert_int_equal(mlc_store_run(f->s.store, nothing_job, NULL, NULL), MLC_OK);
    lst_close_store(&f->s);
    mlc_schema_close(f->schema);
    lst_end(&f->s);
    free(f);
    return 0;
}

static void on_told(void *user, mlc_code code, const mlc_error *err)
{
    fix *const f = user;
    (void)err;
    f->told++;
    f->code = code;
}

static void script_table(fix *f)
{
    dv_next(&f->dv, (dv_reply){.status = 200, .body = definition});
    dv_next(&f->dv, (dv_reply){.status = 200, .body = options});
    dv_next(&f->dv, (dv_reply){.status = 200, .body = no_options});
    dv_next(&f->dv, (dv_reply){.status = 200, .body = no_options});
}

static void table_is_read_once_for_all_who_wait(void **state)
{
    fix *const f = *state;
    mlc_error err;
    script_table(f);
    open_schema(f, 0);
    assert_null(mlc_schema_table_of(f->schema, "accounts"));
    lst_check(mlc_schema_wait(f->schema, "accounts", on_told, f, &err), &err);
    lst_check(mlc_schema_wait(f->schema, "accounts", on_told, f, &err), &err);
    assert_int_equal(mlc_schema_wait(f->schema, "contacts", on_told, f, &err), MLC_E_INVALID);
    assert_true(dv_run_until(&f->dv, &f->told, 2));
    assert_int_equal(f->code, MLC_OK);
    assert_int_equal(f->dv.count, 4);
    check_table(mlc_schema_table_of(f->schema, "accounts"));
    assert_string_equal(
        f->dv.seen[0].path,
        "/api/data/v9.2/EntityDefinitions(LogicalName='account')?$select=LogicalName,EntitySetName,"
        "PrimaryIdAttribute,PrimaryNameAttribute,DisplayName&$expand=Attributes,Keys");
    assert_non_null(
        strstr(f->dv.seen[1].path, "/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?"));
    /* Fresh metadata are not to blame. */
    assert_false(mlc_schema_doubt(f->schema, "accounts"));
}

static void failure_is_told_and_the_next_who_waits_tries_again(void **state)
{
    fix *const f = *state;
    mlc_error err;
    dv_next(&f->dv, (dv_reply){.status = 503});
    script_table(f);
    open_schema(f, 0);
    lst_check(mlc_schema_wait(f->schema, "accounts", on_told, f, &err), &err);
    assert_true(dv_run_until(&f->dv, &f->told, 1));
    assert_int_equal(f->code, MLC_E_UNAVAILABLE);
    lst_check(mlc_schema_wait(f->schema, "accounts", on_told, f, &err), &err);
    assert_true(dv_run_until(&f->dv, &f->told, 2));
    assert_int_equal(f->code, MLC_OK);
}

/* A copy of this age, and what is asked with it. */
static void with_copy(fix *f, int64_t age_ms)
{
    cJSON *const compact = compact_of_all();
    mlc_schema_copy_keep(f->s.store, NULL, "account", mlc_wall_ms() - age_ms, mlc_json_print(compact));
    cJSON_Delete(compact);
    assert_int_equal(mlc_store_run(f->s.store, nothing_job, NULL, NULL), MLC_OK);
}

static void copy_serves_until_new_ones_are_read(void **state)
{
    fix *const f = *state;
    static const int64_t day = INT64_C(24) * 3600 * 1000;
    with_copy(f, 2 * day);
    script_table(f);
    open_schema(f, day);
    check_table(mlc_schema_table_of(f->schema, "accounts"));
    assert_true(dv_run_until(&f->dv, &f->dv.count, 4));
}

static void doubt_reads_old_metadata_again(void **state)
{
    fix *const f = *state;
    mlc_error err;
    with_copy(f, INT64_C(3600) * 1000);
    script_table(f);
    open_schema(f, 0);
    assert_true(mlc_schema_doubt(f->schema, "accounts"));
    lst_check(mlc_schema_wait(f->schema, "accounts", on_told, f, &err), &err);
    assert_true(dv_run_until(&f->dv, &f->told, 1));
    assert_int_equal(f->dv.count, 4);
    assert_false(mlc_schema_doubt(f->schema, "accounts"));
}

static void broken_copy_is_read_anew(void **state)
{
    fix *const f = *state;
    mlc_schema_copy_keep(f->s.store, NULL, "account", mlc_wall_ms(), mlc_strdup("{\"table\":\"account\"}"));
    assert_int_equal(mlc_store_run(f->s.store, nothing_job, NULL, NULL), MLC_OK);
    script_table(f);
    open_schema(f, 0);
    assert_null(mlc_schema_table_of(f->schema, "accounts"));
    assert_true(dv_run_until(&f->dv, &f->dv.count, 4));
}

static void long_copy_is_kept_in_pieces(void **state)
{
    enum { SIZE = 150000 };
    fix *const f = *state;
    int64_t read_ms = 0;
    cJSON *compact = NULL;
    mlc_error err;
    char *const text = malloc(SIZE + 3);
    assert_non_null(text);
    memset(text, 'x', SIZE + 2);
    text[0] = '"';
    text[SIZE + 1] = '"';
    text[SIZE + 2] = '\0';
    mlc_schema_copy_keep(f->s.store, NULL, "account", 5, text);
    assert_int_equal(mlc_store_run(f->s.store, nothing_job, NULL, NULL), MLC_OK);
    lst_check(mlc_schema_copy_load(f->s.store, "account", &read_ms, &compact, &err), &err);
    assert_int_equal(read_ms, 5);
    assert_int_equal(strlen(cJSON_GetStringValue(compact)), SIZE);
    cJSON_Delete(compact);
    /* A shorter one leaves nothing of it. */
    mlc_schema_copy_keep(f->s.store, NULL, "account", 6, mlc_strdup("\"y\""));
    assert_int_equal(mlc_store_run(f->s.store, nothing_job, NULL, NULL), MLC_OK);
    lst_check(mlc_schema_copy_load(f->s.store, "account", &read_ms, &compact, &err), &err);
    assert_string_equal(cJSON_GetStringValue(compact), "y");
    cJSON_Delete(compact);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_and_copy_give_the_same_table),
                                       cmocka_unit_test(answers_that_are_no_metadata_are_refused),
                                       cmocka_unit_test(each_fault_has_its_words),
                                       cmocka_unit_test(part_of_a_row_needs_no_name),
                                       T(table_is_read_once_for_all_who_wait),
                                       T(failure_is_told_and_the_next_who_waits_tries_again),
                                       T(copy_serves_until_new_ones_are_read),
                                       T(doubt_reads_old_metadata_again),
                                       T(broken_copy_is_read_anew),
                                       T(long_copy_is_kept_in_pieces)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
