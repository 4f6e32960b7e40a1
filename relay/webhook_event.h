/* webhook_event.h - what a Dynamics webhook says (contracts/dataverse.md, section Webhooks).
 *
 * Reads the RemoteExecutionContext far enough to know which order, account or contact it is about; the record itself is
 * always read from Dynamics, since webhooks are unordered, may be repeated and may have lost their large properties.
 * Pure; any thread.
 */
#ifndef MLC_RELAY_WEBHOOK_EVENT_H
#define MLC_RELAY_WEBHOOK_EVENT_H

#include "base/buf.h"
#include "base/json.h"
#include "crypto/crypto.h"

enum { MLC_WEBHOOK_BODY_MAX = 320 * 1024, MLC_WEBHOOK_DEPTH = 48, MLC_WEBHOOK_NAME_MAX = 64 };

/* Ids are lower-case UUID texts, "" when absent. */
typedef struct mlc_webhook_event {
    char message[MLC_WEBHOOK_NAME_MAX]; /* "ConvertQuoteToSalesOrder" */
    char entity[MLC_WEBHOOK_NAME_MAX];  /* PrimaryEntityName */
    char entity_id[MLC_UUID_TEXT_MAX];
    char order_id[MLC_UUID_TEXT_MAX]; /* from the output entity, the primary entity or the input parameters */
    char quote_id[MLC_UUID_TEXT_MAX];
    char invoice_id[MLC_UUID_TEXT_MAX];
    char operation_id[MLC_UUID_TEXT_MAX];
    char correlation_id[MLC_UUID_TEXT_MAX];
    /* A changed column whose name ends with "sourceversion": with our prefix, the change was our own. Not stored. */
    char version_column[MLC_WEBHOOK_NAME_MAX];
} mlc_webhook_event;

/* MLC_E_INVALID names the member that is missing or malformed; MLC_E_LIMIT. */
mlc_code mlc_webhook_parse(const char *body, size_t len, mlc_webhook_event *out, mlc_error *err);
/* Is it about an order that may have to be made in JDE? */
bool mlc_webhook_concerns_order(const mlc_webhook_event *event);
/* Is it about a changed account or contact, whose address may have to be changed in JDE? Also of an event that was stored. */
bool mlc_webhook_concerns_address(const mlc_webhook_event *event);
/* Was the change made by the connector itself? `prefix`: of its columns. False also when the event lost its parameters. */
bool mlc_webhook_is_own(const mlc_webhook_event *event, const char *prefix);

/* What intake works on: {"message","orderId","quoteId","invoiceId","operationId","correlationId"}, of a changed
 * account or contact also "table" and "recordId"; and back. */
mlc_code mlc_webhook_event_print(const mlc_webhook_event *event, mlc_buf *out, mlc_error *err);
mlc_code mlc_webhook_event_read(const char *text, size_t len, mlc_webhook_event *out, mlc_error *err);

/* Copy a UUID in any form of writing (case, braces) as lower-case text; false when it is none. */
bool mlc_uuid_copy(const char *text, char out[MLC_UUID_TEXT_MAX]);

#endif
