/* webhook_event.c - see webhook_event.h. */
#include "relay/webhook_event.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool mlc_uuid_copy(const char *text, char out[MLC_UUID_TEXT_MAX])
{
    static const char zero[] = "00000000-0000-0000-0000-000000000000";
    size_t at = 0;
    out[0] = '\0';
    if (text == NULL)
        return false;
    if (*text == '{')
        text++;
    for (; at < MLC_UUID_TEXT_MAX - 1; at++) {
        const char c = text[at];
        const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
        if (dash ? c != '-' : !isxdigit((unsigned char)c)) {
            out[0] = '\0';
            return false;
        }
        out[at] = (char)tolower((unsigned char)c);
    }
    out[at] = '\0';
    if ((text[at] != '\0' && text[at] != '}') || strcmp(out, zero) == 0) {
        out[0] = '\0';
        return false;
    }
    return true;
}

static void copy_name(const char *text, char out[MLC_WEBHOOK_NAME_MAX])
{
    (void)snprintf(out, MLC_WEBHOOK_NAME_MAX, "%.*s", MLC_WEBHOOK_NAME_MAX - 1, text != NULL ? text : "");
}

/* An id beside the name of its table. */
static void take_reference(mlc_webhook_event *event, const char *table, const char *id)
{
    if (table == NULL || id == NULL)
        return;
    if (strcmp(table, "salesorder") == 0 && event->order_id[0] == '\0')
        (void)mlc_uuid_copy(id, event->order_id);
    else if (strcmp(table, "quote") == 0 && event->quote_id[0] == '\0')
        (void)mlc_uuid_copy(id, event->quote_id);
    else if (strcmp(table, "invoice") == 0 && event->invoice_id[0] == '\0')
        (void)mlc_uuid_copy(id, event->invoice_id);
}

static const char *text_member(const cJSON *value, const char *name)
{
    const cJSON *const member = mlc_json_get(value, name);
    if (cJSON_IsString(member))
        return member->valuestring;
    /* Some serialisers wrap an id: {"Id": "..."}. */
    return cJSON_IsObject(member) ? mlc_json_str(member, "Id") : NULL;
}

/* Which columns an update changed: only whether the source version is among them matters. */
static void take_target(mlc_webhook_event *event, const cJSON *value)
{
    static const char ending[] = "sourceversion";
    const cJSON *pair = NULL;
    cJSON_ArrayForEach(pair, mlc_json_get(value, "Attributes"))
    {
        const char *const key = mlc_json_str(pair, "key");
        const size_t len = key != NULL ? strlen(key) : 0;
        if (len >= sizeof ending - 1 && strcmp(key + len - (sizeof ending - 1), ending) == 0)
            copy_name(key, event->version_column);
    }
}

/* One parameter: an entity, a reference to one, or a plain id under a telling name. */
static void take_parameter(mlc_webhook_event *event, const cJSON *pair)
{
    const char *const key = mlc_json_str(pair, "key");
    const cJSON *const value = mlc_json_get(pair, "value");
    if (key == NULL || value == NULL)
        return;
    if (cJSON_IsObject(value)) {
        if (strcmp(key, "Target") == 0)
            take_target(event, value);
        take_reference(event, mlc_json_str(value, "LogicalName"), text_member(value, "Id"));
        return;
    }
    if (!cJSON_IsString(value))
        return;
    if (strcmp(key, "SalesOrderId") == 0)
        take_reference(event, "salesorder", value->valuestring);
    else if (strcmp(key, "QuoteId") == 0)
        take_reference(event, "quote", value->valuestring);
}

static void take_parameters(mlc_webhook_event *event, const cJSON *list)
{
    const cJSON *pair = NULL;
    cJSON_ArrayForEach(pair, list)
    {
        take_parameter(event, pair);
    }
}

mlc_code mlc_webhook_parse(const char *body, size_t len, mlc_webhook_event *out, mlc_error *err)
{
    cJSON *root = NULL;
    memset(out, 0, sizeof *out);
    mlc_code code = mlc_json_parse(body, len, MLC_WEBHOOK_BODY_MAX, MLC_WEBHOOK_DEPTH, &root, err);
    if (code != MLC_OK)
        return code;
    copy_name(mlc_json_str(root, "MessageName"), out->message);
    copy_name(mlc_json_str(root, "PrimaryEntityName"), out->entity);
    (void)mlc_uuid_copy(mlc_json_str(root, "PrimaryEntityId"), out->entity_id);
    (void)mlc_uuid_copy(mlc_json_str(root, "CorrelationId"), out->correlation_id);
    if (out->message[0] == '\0')
        code = mlc_fail(err, MLC_E_INVALID,
                        "webhook: MessageName is missing; is this a RemoteExecutionContext?");
    else if (!mlc_uuid_copy(mlc_json_str(root, "OperationId"), out->operation_id))
        code = mlc_fail(err, MLC_E_INVALID, "webhook: OperationId is missing or not a UUID");
    if (code == MLC_OK) {
        take_parameters(out, mlc_json_get(root, "OutputParameters"));
        take_reference(out, out->entity, out->entity_id);
        take_parameters(out, mlc_json_get(root, "InputParameters"));
    }
    cJSON_Delete(root);
    return code;
}

bool mlc_webhook_concerns_order(const mlc_webhook_event *event)
{
    static const char *const messages[] = {"ConvertQuoteToSalesOrder", "GenerateInvoiceFromOrder",
                                           "GenerateInvoiceFromSalesOrder"};
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        if (strcmp(event->message, messages[i]) == 0)
            return event->order_id[0] != '\0' || event->quote_id[0] != '\0' || event->invoice_id[0] != '\0';
    }
    return strcmp(event->message, "Create") == 0 && strcmp(event->entity, "salesorder") == 0 &&
           event->order_id[0] != '\0';
}

bool mlc_webhook_concerns_address(const mlc_webhook_event *event)
{
    return strcmp(event->message, "Update") == 0 && event->entity_id[0] != '\0' &&
           (strcmp(event->entity, "account") == 0 || strcmp(event->entity, "contact") == 0);
}

bool mlc_webhook_is_own(const mlc_webhook_event *event, const char *prefix)
{
    const size_t len = strlen(prefix);
    return strncmp(event->version_column, prefix, len) == 0 &&
           strcmp(event->version_column + len, "sourceversion") == 0;
}

mlc_code mlc_webhook_event_print(const mlc_webhook_event *event, mlc_buf *out, mlc_error *err)
{
    char *text = NULL;
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = obj != NULL ? mlc_json_add_str(obj, "message", event->message, err)
                                : mlc_fail(err, MLC_E_NOMEM, "no memory for a webhook");
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "orderId", event->order_id, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "quoteId", event->quote_id, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "invoiceId", event->invoice_id, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "operationId", event->operation_id, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "correlationId", event->correlation_id, err);
    if (code == MLC_OK && mlc_webhook_concerns_address(event)) {
        code = mlc_json_add_str(obj, "table", event->entity, err);
        if (code == MLC_OK)
            code = mlc_json_add_str(obj, "recordId", event->entity_id, err);
    }
    if (code == MLC_OK && (text = mlc_json_print(obj)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a webhook");
    if (code == MLC_OK)
        code = mlc_buf_puts(out, text, err);
    cJSON_free(text);
    cJSON_Delete(obj);
    return code;
}

mlc_code mlc_webhook_event_read(const char *text, size_t len, mlc_webhook_event *out, mlc_error *err)
{
    cJSON *obj = NULL;
    memset(out, 0, sizeof *out);
    const mlc_code code = mlc_json_parse(text, len, 8192, 4, &obj, err);
    if (code != MLC_OK)
        return code;
    copy_name(mlc_json_str(obj, "message"), out->message);
    (void)mlc_uuid_copy(mlc_json_str(obj, "orderId"), out->order_id);
    (void)mlc_uuid_copy(mlc_json_str(obj, "quoteId"), out->quote_id);
    (void)mlc_uuid_copy(mlc_json_str(obj, "invoiceId"), out->invoice_id);
    (void)mlc_uuid_copy(mlc_json_str(obj, "operationId"), out->operation_id);
    (void)mlc_uuid_copy(mlc_json_str(obj, "correlationId"), out->correlation_id);
    copy_name(mlc_json_str(obj, "table"), out->entity);
    (void)mlc_uuid_copy(mlc_json_str(obj, "recordId"), out->entity_id);
    cJSON_Delete(obj);
    return MLC_OK;
}
