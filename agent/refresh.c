/* refresh.c - see refresh.h. */
#include "agent/refresh.h"

#include "admin/resend.h"
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

static bool is_enabled(const mlc_agent_refresh_options *options, const char *kind)
{
    for (size_t i = 0; i < options->plan_count; i++)
        if (strcmp(options->plans[i].spec->kind, kind) == 0)
            return true;
    return false;
}

mlc_code mlc_agent_refresh(mlc_txn *txn, const mlc_agent_refresh_options *options, const mlc_entry *entry,
                           bool *stays, mlc_error *err)
{
    static const char prefix[] = "order/";
    char id[72];
    char key[96];
    char idem[160];
    char correlation[160];
    char kind[MLC_RESEND_KIND_MAX];
    *stays = mlc_resend_kind(entry, kind);
    if (*stays && is_enabled(options, kind))
        return mlc_resend_ask(txn, options->ask, options->tenant, entry, err);
    if (*stays)
        return mlc_fail(err, MLC_E_UNSUPPORTED,
                        "entry %" PRIu64
                        ": no flow of kind %s is enabled; switch it on in flows, then try again",
                        entry->seq, kind);
    if (strcmp(entry->kind, "order") != 0 || strncmp(entry->key, prefix, strlen(prefix)) != 0)
        return mlc_fail(err, MLC_E_UNSUPPORTED,
                        "entry %" PRIu64 " (%.40s) is no record that could be read again: retry it as it is",
                        entry->seq, entry->kind);
    /* The entry borrows from the transaction, which a put changes. */
    mlc_strlcpy(id, entry->key + strlen(prefix), sizeof id);
    mlc_strlcpy(correlation, entry->correlation, sizeof correlation);
    (void)snprintf(key, sizeof key, "refresh/order/%s", id);
    (void)snprintf(idem, sizeof idem, "refresh/order/%s/%" PRIu64 "/%" PRId64, id, entry->seq, mlc_wall_ms());
    char *const text = payload_of(id, err);
    if (text == NULL)
        return MLC_E_NOMEM;
    const mlc_entry_new message = {.tenant = options->tenant,
                                   .key = key,
                                   .idem = idem,
                                   .kind = "order.refresh",
                                   .correlation = correlation,
                                   .payload = text,
                                   .payload_len = strlen(text),
                                   .now_ms = mlc_wall_ms()};
    const mlc_code code = mlc_outbox_put(txn, options->up, &message, NULL, NULL, err);
    free(text);
    return code;
}
