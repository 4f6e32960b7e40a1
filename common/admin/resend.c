/* resend.c - see resend.h. */
#include "admin/resend.h"

#include "base/clock.h"
#include "record/compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool mlc_resend_kind(const mlc_entry *entry, char out[MLC_RESEND_KIND_MAX])
{
    const size_t len = strcspn(entry->kind, ".");
    const char *const rest = entry->kind + len;
    (void)snprintf(out, MLC_RESEND_KIND_MAX, "%.*s", (int)(len < MLC_RESEND_KIND_MAX ? len : 0), entry->kind);
    return (*rest == '\0' || strcmp(rest, ".invalid") == 0) && mlc_master_is_kind(out) &&
           strncmp(entry->key, out, len) == 0 && entry->key[len] == '/';
}

mlc_code mlc_resend_ask(mlc_txn *txn, mlc_outbox *to, const char *tenant, const mlc_entry *entry,
                        mlc_error *err)
{
    mlc_resend_id id = {.known = true}; /* gone meanwhile is an answer, too */
    mlc_resend_request request = {.run = "refresh", .ids = &id, .id_count = 1};
    char key[MLC_COMPARE_ID_MAX + 64];
    char idem[MLC_COMPARE_ID_MAX + 128];
    mlc_buf payload = {0};
    if (!mlc_resend_kind(entry, request.of))
        return mlc_fail(err, MLC_E_UNSUPPORTED, "entry %" PRIu64 " (%.40s) is no record of JDE", entry->seq,
                        entry->kind);
    const char *const text = entry->key + strlen(request.of) + 1;
    if (strlen(text) > MLC_COMPARE_ID_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "entry %" PRIu64 ": the id of its record is too long", entry->seq);
    mlc_strlcpy(id.id, text, sizeof id.id);
    (void)snprintf(key, sizeof key, "refresh/%s/%s", request.of, id.id);
    (void)snprintf(idem, sizeof idem, "%s/%" PRIu64 "/%" PRId64, key, entry->seq, mlc_wall_ms());
    mlc_code code = mlc_resend_print(&request, &payload, err);
    if (code == MLC_OK) {
        const mlc_entry_new message = {.tenant = tenant,
                                       .key = key,
                                       .idem = idem,
                                       .kind = MLC_RESEND_KIND,
                                       .correlation = idem,
                                       .payload = payload.data,
                                       .payload_len = payload.len,
                                       .now_ms = mlc_wall_ms()};
        code = mlc_outbox_put(txn, to, &message, NULL, NULL, err);
    }
    mlc_buf_free(&payload);
    return code;
}
