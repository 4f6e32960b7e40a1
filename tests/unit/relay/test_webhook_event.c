/* test_webhook_event.c - what a webhook is about, in each form in which Dynamics may say it. */
#include "relay/webhook_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OP    "\"OperationId\":\"11111111-2222-3333-4444-555555555555\""
#define ORDER "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define QUOTE "99999999-bbbb-cccc-dddd-eeeeeeeeeeee"

static mlc_code parse(const char *text, mlc_webhook_event *event, mlc_error *err)
{
    return mlc_webhook_parse(text, strlen(text), event, err);
}

static void order_id_in_output_entity(void **state)
{
    mlc_webhook_event event;
    mlc_error err;
    (void)state;
    assert_int_equal(parse("{\"MessageName\":\"ConvertQuoteToSalesOrder\",\"PrimaryEntityName\":\"quote\","
                           "\"PrimaryEntityId\":\"" QUOTE "\"," OP
                           ",\"CorrelationId\":\"77777777-2222-3333-4444-555555555555\",\"OutputParameters\":"
                           "[{\"key\":\"Entity\","
                           "\"value\":{\"__type\":\"Entity\",\"Attributes\":[],\"Id\":\"AAAAAAAA-BBBB-CCCC-"
                           "DDDD-EEEEEEEEEEEE\","
                           "\"LogicalName\":\"salesorder\"}}]}",
                           &event, &err),
                     MLC_OK);
    assert_string_equal(event.order_id, ORDER);
    assert_string_equal(event.quote_id, QUOTE);
    assert_string_equal(event.correlation_id, "77777777-2222-3333-4444-555555555555");
    assert_true(mlc_webhook_concerns_order(&event));
}

static void order_id_in_primary_entity(void **state)
{
    mlc_webhook_event event;
    mlc_error err;
    (void)state;
    assert_int_equal(
        parse("{\"MessageName\":\"GenerateInvoiceFromSalesOrder\",\"PrimaryEntityName\":\"salesorder\","
              "\"PrimaryEntityId\":\"{" ORDER "}\"," OP "}",
              &event, &err),
        MLC_OK);
    assert_string_equal(event.order_id, ORDER);
    assert_true(mlc_webhook_concerns_order(&event));
}

#define UPDATE(ENTITY, MORE)                                                                                 \
    "{\"MessageName\":\"Update\",\"PrimaryEntityName\":\"" ENTITY "\",\"PrimaryEntityId\":\"" QUOTE          \
    "\"," OP MORE "}"
#define TARGET(COLUMN)                                                                                       \
    ",\"InputParameters\":[{\"key\":\"Target\",\"value\":{\"LogicalName\":\"account\",\"Id\":\"" QUOTE       \
    "\",\"Attributes\":[{\"key\":\"name\",\"value\":\"x\"},{\"key\":\"" COLUMN "\",\"value\":\"1\"}]}}]"

static void changed_accounts_and_contacts(void **state)
{
    mlc_webhook_event event;
    mlc_webhook_event again;
    mlc_buf text = {0};
    mlc_error err;
    (void)state;
    assert_int_equal(parse(UPDATE("account", TARGET("address1_city")), &event, &err), MLC_OK);
    assert_true(mlc_webhook_concerns_address(&event));
    assert_false(mlc_webhook_concerns_order(&event));
    assert_false(mlc_webhook_is_own(&event, "ml_"));
    assert_int_equal(mlc_webhook_event_print(&event, &text, &err), MLC_OK);
    assert_int_equal(mlc_webhook_event_read(mlc_buf_text(&text), text.len, &again, &err), MLC_OK);
    assert_true(mlc_webhook_concerns_address(&again));
    assert_string_equal(again.entity, "account");
    assert_string_equal(again.entity_id, QUOTE);
    mlc_buf_free(&text);
    assert_int_equal(parse(UPDATE("contact", ""), &event, &err), MLC_OK);
    assert_true(mlc_webhook_concerns_address(&event));
    assert_int_equal(parse(UPDATE("lead", ""), &event, &err), MLC_OK);
    assert_false(mlc_webhook_concerns_address(&event));
}

static void our_own_change_shows_by_its_version(void **state)
{
    mlc_webhook_event event;
    mlc_error err;
    (void)state;
    assert_int_equal(parse(UPDATE("account", TARGET("ml_sourceversion")), &event, &err), MLC_OK);
    assert_true(mlc_webhook_is_own(&event, "ml_"));
    assert_false(mlc_webhook_is_own(&event, "new_"));
    assert_int_equal(parse(UPDATE("account", TARGET("other_sourceversion")), &event, &err), MLC_OK);
    assert_false(mlc_webhook_is_own(&event, "ml_"));
}

static void oversized_event_still_names_the_quote(void **state)
{
    mlc_webhook_event event;
    mlc_error err;
    (void)state;
    assert_int_equal(parse("{\"MessageName\":\"ConvertQuoteToSalesOrder\",\"PrimaryEntityName\":\"quote\","
                           "\"PrimaryEntityId\":\"" QUOTE "\"," OP "}",
                           &event, &err),
                     MLC_OK);
    assert_string_equal(event.order_id, "");
    assert_string_equal(event.quote_id, QUOTE);
    assert_true(mlc_webhook_concerns_order(&event));
}

static void plain_ids_in_input_parameters(void **state)
{
    mlc_webhook_event event;
    mlc_error err;
    (void)state;
    assert_int_equal(parse("{\"MessageName\":\"GenerateInvoiceFromOrder\"," OP
                           ",\"InputParameters\":[{\"key\":\"SalesOrderId\","
                           "\"value\":\"" ORDER "\"}]}",
                           &event, &err),
                     MLC_OK);
    assert_string_equal(event.order_id, ORDER);
}

static void other_messages_do_not_concern_us(void **state)
{
    mlc_webhook_event event;
    mlc_error err;
    (void)state;
    assert_int_equal(
        parse("{\"MessageName\":\"Update\",\"PrimaryEntityName\":\"salesorder\",\"PrimaryEntityId\":\"" ORDER
              "\"," OP "}",
              &event, &err),
        MLC_OK);
    assert_false(mlc_webhook_concerns_order(&event));
}

static void missing_members_are_named(void **state)
{
    mlc_webhook_event event;
    mlc_error err;
    (void)state;
    assert_int_equal(parse("{}", &event, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "MessageName"));
    assert_int_equal(parse("{\"MessageName\":\"Create\",\"OperationId\":\"no\"}", &event, &err),
                     MLC_E_INVALID);
    assert_non_null(strstr(err.message, "OperationId"));
    assert_int_equal(parse("{\"MessageName\":", &event, &err), MLC_E_INVALID);
}

static void what_intake_reads_is_what_was_printed(void **state)
{
    mlc_webhook_event event;
    mlc_webhook_event again;
    mlc_buf text = {0};
    mlc_error err;
    (void)state;
    assert_int_equal(parse("{\"MessageName\":\"ConvertQuoteToSalesOrder\",\"PrimaryEntityName\":\"quote\","
                           "\"PrimaryEntityId\":\"" QUOTE "\"," OP "}",
                           &event, &err),
                     MLC_OK);
    assert_int_equal(mlc_webhook_event_print(&event, &text, &err), MLC_OK);
    assert_int_equal(mlc_webhook_event_read(mlc_buf_text(&text), text.len, &again, &err), MLC_OK);
    assert_string_equal(again.quote_id, event.quote_id);
    assert_string_equal(again.operation_id, event.operation_id);
    assert_string_equal(again.message, event.message);
    mlc_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_id_in_output_entity),
        cmocka_unit_test(order_id_in_primary_entity),
        cmocka_unit_test(oversized_event_still_names_the_quote),
        cmocka_unit_test(changed_accounts_and_contacts),
        cmocka_unit_test(our_own_change_shows_by_its_version),
        cmocka_unit_test(plain_ids_in_input_parameters),
        cmocka_unit_test(other_messages_do_not_concern_us),
        cmocka_unit_test(missing_members_are_named),
        cmocka_unit_test(what_intake_reads_is_what_was_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
