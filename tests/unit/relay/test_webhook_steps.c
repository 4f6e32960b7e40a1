/* test_webhook_steps.c - what is asked of Dynamics, how what is there is judged, and what would be changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/webhook_steps.h"

#include <stdlib.h>
#include <string.h>

#define URL      "https://relay.example.com/v1/webhook/acme"
#define ENDPOINT "0a1b2c3d-0000-0000-0000-000000000001"
#define STEP     "0a1b2c3d-0000-0000-0000-00000000000"
#define FILTER   "0a1b2c3d-0000-0000-0000-0000000000f"
#define MESSAGE  "0a1b2c3d-0000-0000-0000-0000000000e"
#define COLUMNS                                                                                              \
    "address1_country, address1_line1,address1_line2,address1_line3,address1_city,"                          \
    "address1_stateorprovince,address1_postalcode"

static const mlc_hook_plan plan = {
    .name = "O'Neil", .url = URL, .secret = "a<b\"&c", .secret_known = true, .addresses = true};

static const char endpoint_rows[] =
    "[{\"serviceendpointid\":\"" ENDPOINT "\",\"url\":\"" URL "\",\"contract\":8,\"authtype\":5}]";
static const char filter_rows[] =
    "[{\"sdkmessagefilterid\":\"" FILTER "1\",\"primaryobjecttypecode\":\"quote\",\"_sdkmessageid_value\":"
    "\"" MESSAGE "1\",\"sdkmessageid\":{\"name\":\"ConvertQuoteToSalesOrder\"}},"
    "{\"sdkmessagefilterid\":\"" FILTER "3\",\"primaryobjecttypecode\":\"account\",\"_sdkmessageid_value\":"
    "\"" MESSAGE "3\",\"sdkmessageid\":{\"name\":\"Update\"}},"
    "{\"sdkmessagefilterid\":\"" FILTER "4\",\"primaryobjecttypecode\":\"contact\",\"_sdkmessageid_value\":"
    "\"" MESSAGE "3\",\"sdkmessageid\":{\"name\":\"Update\"}}]";

static cJSON *parse(const char *text)
{
    cJSON *tree = NULL;
    mlc_error err;
    assert_int_equal(mlc_json_parse(text, strlen(text), 0, 0, &tree, &err), MLC_OK);
    return tree;
}

static void judge(const mlc_hook_plan *p, const char *endpoints, const char *filters, const char *steps,
                  mlc_hook_check *check)
{
    cJSON *const first = parse(endpoints);
    cJSON *const second = parse(filters);
    cJSON *const third = parse(steps);
    mlc_hook_check_begin(p, check);
    mlc_hook_take_endpoints(p, first, check);
    mlc_hook_take_filters(second, check);
    mlc_hook_take_steps(third, check);
    cJSON_Delete(first);
    cJSON_Delete(second);
    cJSON_Delete(third);
}

static char *contact_step(const char *id, const char *state, const char *stage, const char *columns)
{
    char *const text = mlc_asprintf(
        "{\"sdkmessageprocessingstepid\":\"%s\",\"name\":\"O'Neil: Update of contact\",\"statecode\":%s,"
        "\"stage\":%s,\"mode\":1,\"filteringattributes\":\"%s\",\"_eventhandler_value\":\"" ENDPOINT "\","
        "\"_sdkmessageid_value\":\"" MESSAGE "3\",\"_sdkmessagefilterid_value\":\"" FILTER "4\"}",
        id, state, stage, columns);
    assert_non_null(text);
    return text;
}

static void judge_contact(const char *state, const char *stage, const char *columns, mlc_hook_check *check)
{
    char *const row = contact_step(STEP "4", state, stage, columns);
    char *const rows = mlc_asprintf("[%s]", row);
    judge(&plan, endpoint_rows, filter_rows, rows, check);
    free(row);
    free(rows);
}

static void test_questions(void **state)
{
    (void)state;
    mlc_error err;
    mlc_buf path = {0};
    assert_int_equal(mlc_hook_endpoints_path(&plan, &path, &err), MLC_OK);
    assert_non_null(strstr(mlc_buf_text(&path), "name%20eq%20%27O%27%27Neil%27"));
    mlc_buf_clear(&path);
    assert_int_equal(mlc_hook_filters_path(&plan, &path, &err), MLC_OK);
    assert_non_null(strstr(mlc_buf_text(&path), "'Update'%20and%20primaryobjecttypecode%20eq%20'contact'"));
    mlc_buf_clear(&path);
    const mlc_hook_plan orders = {.name = "a", .url = URL, .secret = "s"};
    assert_int_equal(mlc_hook_filters_path(&orders, &path, &err), MLC_OK);
    assert_null(strstr(mlc_buf_text(&path), "contact"));
    mlc_buf_free(&path);
}

static void test_nothing_there(void **state)
{
    (void)state;
    mlc_hook_check check;
    judge(&plan, "[]", filter_rows, "[]", &check);
    assert_int_equal(check.count, 5);
    assert_false(mlc_hook_all_well(&check));
    assert_int_equal(check.items[0].state, MLC_HOOK_MISSING);
    assert_int_equal(check.items[4].state, MLC_HOOK_MISSING);
    /* GenerateInvoiceFromOrder is not among the messages there. */
    assert_int_equal(check.items[2].state, MLC_HOOK_UNKNOWN);
    assert_string_equal(check.items[4].name, "O'Neil: Update of contact");
}

static void test_all_well(void **state)
{
    (void)state;
    mlc_hook_check check;
    judge_contact("0", "40", COLUMNS, &check);
    assert_int_equal(check.items[0].state, MLC_HOOK_OK);
    assert_int_equal(check.items[4].state, MLC_HOOK_OK);
    assert_string_equal(check.items[4].id, STEP "4");
}

static void test_differences(void **state)
{
    (void)state;
    mlc_hook_check check;
    judge_contact("1", "20", "address1_line1", &check);
    assert_int_equal(check.items[4].state, MLC_HOOK_DIFFERS);
    assert_non_null(strstr(check.items[4].detail, "is disabled"));
    assert_non_null(strstr(check.items[4].detail, "asynchronously"));
    assert_non_null(strstr(check.items[4].detail, "filtering attributes"));
    judge_contact("0", "40", COLUMNS ",firstname", &check);
    assert_int_equal(check.items[4].state, MLC_HOOK_DIFFERS);
    judge_contact("0", "40", "", &check);
    assert_int_equal(check.items[4].state, MLC_HOOK_DIFFERS);
}

static void test_endpoint(void **state)
{
    (void)state;
    mlc_hook_check check;
    mlc_hook_plan p = plan;
    judge(&p,
          "[{\"serviceendpointid\":\"" ENDPOINT "\",\"url\":\"https://x\",\"contract\":8,\"authtype\":4}]",
          filter_rows, "[]", &check);
    assert_int_equal(check.items[0].state, MLC_HOOK_DIFFERS);
    assert_non_null(strstr(check.items[0].detail, "https://x"));
    p.secret_known = false;
    judge(&p, endpoint_rows, filter_rows, "[]", &check);
    assert_int_equal(check.items[0].state, MLC_HOOK_DIFFERS);
    assert_null(strstr(check.items[0].detail, p.secret));
}

static void test_doubles(void **state)
{
    (void)state;
    mlc_error err;
    mlc_hook_check check;
    mlc_hook_change change;
    char *const a = contact_step(STEP "9", "0", "40", COLUMNS);
    char *const b = contact_step(STEP "4", "0", "40", COLUMNS);
    char *const rows = mlc_asprintf("[%s,%s]", a, b);
    judge(&plan, endpoint_rows, filter_rows, rows, &check);
    assert_int_equal(check.items[4].state, MLC_HOOK_DOUBLE);
    assert_string_equal(check.items[4].id, STEP "4");
    assert_int_equal(mlc_hook_change_make(&plan, &check, 4, &change, &err), MLC_OK);
    assert_string_equal(change.method, "DELETE");
    assert_string_equal(mlc_buf_text(&change.path), "sdkmessageprocessingsteps(" STEP "9)");
    mlc_buf_free(&change.path);
    free(a);
    free(b);
    free(rows);
}

static void test_changes(void **state)
{
    (void)state;
    mlc_error err;
    mlc_hook_check check;
    mlc_hook_change change;
    judge(&plan, "[]", filter_rows, "[]", &check);
    /* A step has nowhere to lead before its endpoint is made. */
    assert_int_equal(mlc_hook_change_make(&plan, &check, 4, &change, &err), MLC_E_INTERNAL);
    assert_int_equal(mlc_hook_change_make(&plan, &check, 0, &change, &err), MLC_OK);
    assert_string_equal(change.method, "POST");
    assert_string_equal(mlc_buf_text(&change.path), "serviceendpoints");
    assert_string_equal(
        mlc_json_str(change.body, "authvalue"),
        "<settings><setting name=\"x-ml-webhook-secret\" value=\"a&lt;b&quot;&amp;c\" /></settings>");
    mlc_buf_free(&change.path);
    cJSON_Delete(change.body);
    memcpy(check.items[0].id, ENDPOINT, sizeof ENDPOINT);
    assert_int_equal(mlc_hook_change_make(&plan, &check, 4, &change, &err), MLC_OK);
    assert_string_equal(change.method, "POST");
    assert_string_equal(mlc_json_str(change.body, "eventhandler_serviceendpoint@odata.bind"),
                        "/serviceendpoints(" ENDPOINT ")");
    assert_null(mlc_json_get(change.body, "statecode"));
    mlc_buf_free(&change.path);
    cJSON_Delete(change.body);
    assert_int_equal(mlc_hook_change_make(&plan, &check, 2, &change, &err), MLC_E_NOTFOUND);
    judge_contact("1", "40", COLUMNS, &check);
    assert_int_equal(mlc_hook_change_make(&plan, &check, 4, &change, &err), MLC_OK);
    assert_string_equal(change.method, "PATCH");
    assert_non_null(mlc_json_get(change.body, "statecode"));
    mlc_buf_free(&change.path);
    cJSON_Delete(change.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_questions), cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_all_well),  cmocka_unit_test(test_differences),
        cmocka_unit_test(test_endpoint),  cmocka_unit_test(test_doubles),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
