/* refresh.c - see refresh.h. */
#include "relay/refresh.h"

#include "admin/resend.h"
#include "base/clock.h"
#include "relay/intake_put.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static mlc_code new_uuid(char out[MLC_UUID_TEXT_MAX], mlc_error *err)
{
    char id[MLC_ID_TEXT_MAX];
    const mlc_code code = mlc_random_id(id, err);
    if (code == MLC_OK)
        (void)snprintf(out, MLC_UUID_TEXT_MAX, "%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8, id + 12, id + 16,
                       id + 20);
    return code;
}

static mlc_code put_event(mlc_txn *txn, mlc_outbox *intake, const char *tenant, const char *order_id,
                          const char *correlation, mlc_error *err)
{
    mlc_webhook_event event = {.message = MLC_REFRESH_MESSAGE, .entity = "salesorder"};
    char idem[160];
    if (!mlc_uuid_copy(order_id, event.order_id))
        return mlc_fail(err, MLC_E_REJECTED, "id: \"%.40s\" is not the id of a sales order", order_id);
    (void)mlc_uuid_copy(correlation, event.correlation_id);
    const mlc_code code = new_uuid(event.operation_id, err);
    if (code != MLC_OK)
        return code;
    (void)snprintf(idem, sizeof idem, "refresh/%s/%s", event.order_id, event.operation_id);
    return mlc_intake_put(txn, intake, tenant, &event, "refresh", idem, mlc_wall_ms(), err);
}

mlc_code mlc_relay_refresh_accept(mlc_txn *txn, mlc_outbox *intake, const char *tenant,
                                  const mlc_entry_new *message, mlc_error *err)
{
    cJSON *body = NULL;
    mlc_code code = mlc_json_parse(message->payload, message->payload_len, 1024, 2, &body, err);
    if (code != MLC_OK)
        return code == MLC_E_NOMEM ? code : MLC_E_REJECTED;
    const char *const id = mlc_json_str(body, "id");
    code = put_event(txn, intake, tenant, id != NULL ? id : "", message->correlation, err);
    cJSON_Delete(body);
    return code;
}

mlc_code mlc_relay_refresh(mlc_txn *txn, mlc_outbox *intake, mlc_outbox *down, const char *tenant,
                           const mlc_entry *entry, bool *stays, mlc_error *err)
{
    static const char prefix[] = "order/";
    char id[MLC_UUID_TEXT_MAX];
    char correlation[160];
    char kind[MLC_RESEND_KIND_MAX];
    *stays = mlc_resend_kind(entry, kind);
    if (*stays)
        return mlc_resend_ask(txn, down, tenant, entry, err);
    if (strcmp(entry->kind, "order.event") == 0)
        return mlc_fail(err, MLC_E_UNSUPPORTED,
                        "entry %" PRIu64
                        " is an event: retry it, the order is read again from Dynamics anyway",
                        entry->seq);
    if (strcmp(entry->kind, "order") != 0 || strncmp(entry->key, prefix, strlen(prefix)) != 0 ||
        !mlc_uuid_copy(entry->key + strlen(prefix), id))
        return mlc_fail(err, MLC_E_UNSUPPORTED,
                        "entry %" PRIu64 " (%.40s) is no record that could be read again: retry it as it is",
                        entry->seq, entry->kind);
    mlc_strlcpy(correlation, entry->correlation, sizeof correlation);
    return put_event(txn, intake, tenant, id, correlation, err);
}
