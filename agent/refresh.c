/* refresh.c - see refresh.h. */
#include "agent/refresh.h"

#include "base/clock.h"
#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *payload_of(const char *id, mlc_error *err)
{
    cJSON *const body = cJSON_CreateObject();
    char *text = NULL;
    if (body != NULL && mlc_json_add_str(body, "id", id, NULL) == MLC_OK)
        text = mlc_json_print(body);
    cJSON_Delete(body);
    if (text == NULL)
        (void)mlc_fail(err, MLC_E_NOMEM, "no memory for a message");
    return text;
}

mlc_code mlc_agent_refresh(mlc_txn *txn, mlc_outbox *up, const char *tenant, const mlc_entry *entry,
                           mlc_error *err)
{
    static const char prefix[] = "order/";
    char id[72];
    char key[96];
    char idem[160];
    char correlation[160];
    if (strcmp(entry->kind, "order") != 0 || strncmp(entry->key, prefix, strlen(prefix)) != 0)
        return mlc_fail(err, MLC_E_UNSUPPORTED,
                        "entry %" PRIu64
                        " is a record of JDE (%.40s): correct it there, and its new version takes the "
                        "place of this one by itself",
                        entry->seq, entry->key);
    /* The entry borrows from the transaction, which a put changes. */
    mlc_strlcpy(id, entry->key + strlen(prefix), sizeof id);
    mlc_strlcpy(correlation, entry->correlation, sizeof correlation);
    (void)snprintf(key, sizeof key, "refresh/order/%s", id);
    (void)snprintf(idem, sizeof idem, "refresh/order/%s/%" PRIu64 "/%" PRId64, id, entry->seq, mlc_wall_ms());
    char *const text = payload_of(id, err);
    if (text == NULL)
        return MLC_E_NOMEM;
    const mlc_entry_new message = {.tenant = tenant,
                                   .key = key,
                                   .idem = idem,
                                   .kind = "order.refresh",
                                   .correlation = correlation,
                                   .payload = text,
                                   .payload_len = strlen(text),
                                   .now_ms = mlc_wall_ms()};
    const mlc_code code = mlc_outbox_put(txn, up, &message, NULL, NULL, err);
    free(text);
    return code;
}
