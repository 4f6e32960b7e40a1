/* executor_gate.c - what the relay may ask for (executor.h): the allow-list, and the entry of a message into the stream "jde". */
#include "agent/executor.h"

#include "base/clock.h"
#include "store/audit.h"

#include <stdio.h>
#include <string.h>

/* A mended order takes the place of those of its key that are parked: they hold their key back otherwise. */
typedef struct parked_search {
    const char *key;
    uint64_t seq; /* 0: none */
} parked_search;

static bool visit_parked(const mlc_entry *entry, void *arg)
{
    parked_search *const search = arg;
    if (strcmp(entry->key, search->key) != 0)
        return true;
    search->seq = entry->seq;
    return false;
}

static mlc_code end_one(mlc_txn *txn, const mlc_executor_gate *gate, const mlc_entry_new *by, uint64_t seq,
                        mlc_error *err)
{
    static const char why[] = "the order was mended in Dynamics";
    const mlc_audit_event event = {.at_ms = by->now_ms,
                                   .actor = "agent",
                                   .action = "superseded",
                                   .tenant = gate->tenant,
                                   .stream = mlc_outbox_name(gate->jde),
                                   .kind = by->kind,
                                   .key = by->key,
                                   .idem = by->idem,
                                   .correlation = by->correlation,
                                   .outcome = "ok",
                                   .detail = why,
                                   .seq = seq};
    const mlc_code code = mlc_outbox_done(txn, gate->jde, seq, by->now_ms, why, err);
    return code == MLC_OK ? mlc_audit_append(txn, &event, NULL, err) : code;
}

static mlc_code end_parked(mlc_txn *txn, const mlc_executor_gate *gate, const mlc_entry_new *by,
                           mlc_error *err)
{
    for (;;) {
        parked_search search = {.key = by->key};
        mlc_code code = mlc_outbox_parked(txn, gate->jde, 1, SIZE_MAX, visit_parked, &search, err);
        if (code == MLC_OK && search.seq != 0)
            code = end_one(txn, gate, by, search.seq, err);
        if (code != MLC_OK || search.seq == 0)
            return code;
    }
}

mlc_code mlc_executor_accept(mlc_txn *txn, const mlc_entry_new *message, void *user, mlc_error *err)
{
    const mlc_executor_gate *const gate = user;
    mlc_order order;
    char key[80];
    char source[96];
    uint64_t seq = 0;
    if (strcmp(message->kind, "address") == 0 && gate->addresses)
        return mlc_address_accept(txn, message, gate->jde, gate->tenant, err);
    if (strcmp(message->kind, "order") != 0)
        return mlc_fail(err, MLC_E_REJECTED, "this agent does not carry out \"%.40s\"; it takes: order%s",
                        message->kind, gate->addresses ? ", address" : "");
    mlc_code code = mlc_order_parse(message->payload, message->payload_len, &order, err);
    if (code != MLC_OK)
        return code == MLC_E_NOMEM ? code : MLC_E_REJECTED;
    (void)snprintf(key, sizeof key, "order/%.64s", order.id);
    (void)snprintf(source, sizeof source, "%.90s", order.source != NULL ? order.source : order.id);
    mlc_order_free(&order);
    mlc_entry_new entry = *message;
    entry.tenant = gate->tenant;
    entry.key = key;
    entry.now_ms = mlc_wall_ms();
    entry.not_before_ms = 0;
    /* Only an order that comes again has more than this in its key (relay/intake.h). */
    if (strstr(entry.idem, "/create/") != NULL &&
        mlc_outbox_find(txn, gate->jde, entry.idem, &seq, NULL) == MLC_E_NOTFOUND)
        code = end_parked(txn, gate, &entry, err);
    if (code == MLC_OK)
        code = mlc_outbox_put(txn, gate->jde, &entry, &seq, NULL, err);
    if (code != MLC_OK)
        return code;
    const mlc_audit_event event = {.at_ms = entry.now_ms,
                                   .actor = "agent",
                                   .action = "received",
                                   .tenant = gate->tenant,
                                   .stream = mlc_outbox_name(gate->jde),
                                   .kind = entry.kind,
                                   .key = key,
                                   .idem = entry.idem,
                                   .correlation = entry.correlation,
                                   .source_id = source,
                                   .outcome = "ok",
                                   .seq = seq};
    return mlc_audit_append(txn, &event, NULL, err);
}
