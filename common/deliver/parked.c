/* parked.c - see parked.h. */
#include "deliver/parked.h"

#include "store/audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LIST_MAX = 64 };

typedef struct parked_list {
    const mlc_entry_new *entry;
    uint64_t seq[LIST_MAX];
    size_t count;
} parked_list;

static bool visit(const mlc_entry *parked, void *arg)
{
    parked_list *const list = arg;
    if (strcmp(parked->key, list->entry->key) == 0 && strcmp(parked->kind, list->entry->kind) == 0)
        list->seq[list->count++] = parked->seq;
    return list->count < LIST_MAX;
}

mlc_code mlc_parked_supersede(mlc_txn *txn, mlc_outbox *stream, const mlc_entry_new *entry, uint64_t seq,
                              const char *actor, mlc_error *err)
{
    parked_list list = {.entry = entry};
    char outcome[48];
    mlc_code code = mlc_outbox_parked(txn, stream, 1, SIZE_MAX, visit, &list, err);
    (void)snprintf(outcome, sizeof outcome, "superseded by %" PRIu64, seq);
    for (size_t i = 0; code == MLC_OK && i < list.count; i++) {
        const mlc_audit_event event = {.at_ms = entry->now_ms,
                                       .actor = actor,
                                       .action = "superseded",
                                       .tenant = entry->tenant,
                                       .stream = mlc_outbox_name(stream),
                                       .kind = entry->kind,
                                       .key = entry->key,
                                       .outcome = "ok",
                                       .detail = outcome,
                                       .seq = list.seq[i]};
        code = mlc_outbox_done(txn, stream, list.seq[i], entry->now_ms, outcome, err);
        if (code == MLC_OK)
            code = mlc_audit_append(txn, &event, NULL, err);
    }
    return code;
}
