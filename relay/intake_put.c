/* intake_put.c - see intake_put.h. */
#include "relay/intake_put.h"

#include "deliver/parked.h"
#include "store/audit.h"

#include <stdio.h>

/* What the event is about: orders keep their order, other things wait for their own key. */
static void event_key(const mlc_webhook_event *event, char *out, size_t size)
{
    if (mlc_webhook_concerns_address(event))
        (void)snprintf(out, size, "address/%s", event->entity_id);
    else if (event->order_id[0] != '\0')
        (void)snprintf(out, size, "order/%s", event->order_id);
    else if (event->quote_id[0] != '\0')
        (void)snprintf(out, size, "quote/%s", event->quote_id);
    else
        (void)snprintf(out, size, "invoice/%s", event->invoice_id);
}

mlc_code mlc_intake_put(mlc_txn *txn, mlc_outbox *intake, const char *tenant, const mlc_webhook_event *event,
                        const char *via, const char *idem, int64_t now_ms, mlc_error *err)
{
    const char *const kind = mlc_webhook_concerns_address(event) ? "address.event" : "order.event";
    char key[MLC_UUID_TEXT_MAX + 16];
    char source[MLC_UUID_TEXT_MAX + 32];
    mlc_buf payload = {0};
    uint64_t seq = 0;
    bool known = false;
    event_key(event, key, sizeof key);
    (void)snprintf(source, sizeof source, "Dynamics/%s", key);
    mlc_code code = mlc_webhook_event_print(event, &payload, err);
    if (code == MLC_OK) {
        const mlc_entry_new entry = {.tenant = tenant,
                                     .key = key,
                                     .idem = idem,
                                     .kind = kind,
                                     .correlation = event->correlation_id,
                                     .payload = payload.data,
                                     .payload_len = payload.len,
                                     .now_ms = now_ms};
        code = mlc_outbox_put(txn, intake, &entry, &seq, &known, err);
        /* The record is read anew for each event. */
        if (code == MLC_OK && !known && mlc_webhook_concerns_address(event))
            code = mlc_parked_supersede(txn, intake, &entry, seq, "relay", err);
    }
    if (code == MLC_OK) {
        const mlc_audit_event audit = {.at_ms = now_ms,
                                       .actor = "relay",
                                       .action = "received",
                                       .tenant = tenant,
                                       .stream = mlc_outbox_name(intake),
                                       .kind = kind,
                                       .key = key,
                                       .idem = idem,
                                       .correlation = event->correlation_id,
                                       .source_id = source,
                                       .outcome = known ? "duplicate" : "ok",
                                       .detail = via,
                                       .seq = seq};
        code = mlc_audit_append(txn, &audit, NULL, err);
    }
    mlc_buf_free(&payload);
    return code;
}
