/* inbound.c - see inbound.h. */
#include "relay/inbound.h"

#include "base/clock.h"
#include "relay/address_memory.h"
#include "relay/address_report.h"
#include "relay/order_progress.h"
#include "relay/order_report.h"
#include "relay/refresh.h"
#include "store/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*deliver_fn)(const mlc_inbound *t, mlc_delivery *const *items, size_t count);

static void deliver_masters(const mlc_inbound *t, mlc_delivery *const *items, size_t count)
{
    mlc_records_deliver(t->records, t->deliverer, items, count);
}

static void deliver_results(const mlc_inbound *t, mlc_delivery *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mlc_order_report_deliver(t->odata, t->prefix, t->deliverer, items[i]);
}

static void deliver_addresses(const mlc_inbound *t, mlc_delivery *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mlc_address_report_deliver(t->odata, t->prefix, t->deliverer, items[i]);
}

static void deliver_statuses(const mlc_inbound *t, mlc_delivery *const *items, size_t count)
{
    const mlc_order_progress_options options = {
        .odata = t->odata, .deliverer = t->deliverer, .prefix = t->prefix, .fulfill = t->fulfill};
    for (size_t i = 0; i < count; i++)
        mlc_order_progress_deliver(&options, items[i]);
}

static void deliver_compared(const mlc_inbound *t, mlc_delivery *const *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        mlc_drift_take(t->drift, t->deliverer, items[i]);
}

/* It was stored by another version of the program. */
static void deliver_unknown(const mlc_inbound *t, mlc_delivery *const *items, size_t count)
{
    mlc_error err;
    for (size_t i = 0; i < count; i++) {
        (void)mlc_fail(&err, MLC_E_UNSUPPORTED,
                       "this version of the relay knows no records of kind \"%.40s\"", items[i]->kind);
        const mlc_delivery_result result = {.code = err.code, .err = &err};
        mlc_deliverer_finish(t->deliverer, items[i], &result);
    }
}

/* What an agent may send, and who delivers it. A kind that is not here is refused. */
static const struct inbound {
    const char *kind;
    deliver_fn deliver;
} inbound[] = {{"customer", deliver_masters},       {"supplier", deliver_masters},
               {"contact", deliver_masters},        {"item", deliver_masters},
               {"price", deliver_masters},          {"order.result", deliver_results},
               {"order.status", deliver_statuses},  {"address.result", deliver_addresses},
               {"compare.answer", deliver_compared}};
enum { INBOUND = sizeof inbound / sizeof inbound[0] };

static deliver_fn deliver_of(const char *kind)
{
    for (size_t i = 0; i < INBOUND; i++)
        if (strcmp(inbound[i].kind, kind) == 0)
            return inbound[i].deliver;
    return NULL;
}

bool mlc_inbound_writes(const char *kind)
{
    const deliver_fn way = deliver_of(kind);
    return way != NULL && way != deliver_compared;
}

static mlc_code refuse_kind(const char *kind, mlc_error *err)
{
    char taken[256] = "";
    for (size_t i = 0; i < INBOUND; i++) {
        const size_t used = strlen(taken);
        (void)snprintf(taken + used, sizeof taken - used, "%s%s", i > 0 ? ", " : "", inbound[i].kind);
    }
    return mlc_fail(err, MLC_E_REJECTED,
                    "this relay does not take \"%.40s\"; it takes: %s, " MLC_ORDER_REFRESH, kind, taken);
}

mlc_code mlc_inbound_accept(mlc_txn *txn, const mlc_entry_new *message, const mlc_inbound *t, mlc_error *err)
{
    uint64_t seq = 0;
    if (strcmp(message->kind, MLC_ORDER_REFRESH) == 0)
        return mlc_relay_refresh_accept(txn, t->intake, t->tenant, message, err);
    if (deliver_of(message->kind) == NULL)
        return refuse_kind(message->kind, err);
    if (strcmp(message->kind, "compare.answer") == 0 &&
        mlc_drift_check(message->payload, message->payload_len, err) != MLC_OK)
        return err->code == MLC_E_NOMEM ? MLC_E_NOMEM : MLC_E_REJECTED;
    mlc_entry_new entry = *message;
    entry.tenant = t->tenant;
    entry.now_ms = mlc_wall_ms();
    entry.not_before_ms = 0;
    mlc_code code = mlc_outbox_put(txn, t->dynamics, &entry, &seq, NULL, err);
    if (code == MLC_OK)
        code = mlc_address_memory_learn(txn, entry.payload, entry.payload_len, err);
    if (code == MLC_OK && strcmp(entry.kind, "address.result") == 0)
        code = mlc_address_report_accept(txn, entry.payload, entry.payload_len, err);
    if (code != MLC_OK)
        return code;
    const mlc_audit_event event = {.at_ms = entry.now_ms,
                                   .actor = "relay",
                                   .action = "received",
                                   .tenant = t->tenant,
                                   .stream = mlc_outbox_name(t->dynamics),
                                   .kind = entry.kind,
                                   .key = entry.key,
                                   .idem = entry.idem,
                                   .correlation = entry.correlation,
                                   .outcome = "ok",
                                   .seq = seq};
    return mlc_audit_append(txn, &event, NULL, err);
}

void mlc_inbound_deliver(void *user, mlc_delivery *const *items, size_t count)
{
    const mlc_inbound *const t = user;
    mlc_delivery **const part = calloc(count, sizeof(mlc_delivery *));
    bool *const given = calloc(count, sizeof *given);
    for (size_t i = 0; i < count; i++) {
        const deliver_fn known = deliver_of(items[i]->kind);
        const deliver_fn way = known != NULL ? known : deliver_unknown;
        size_t part_count = 0;
        if (part == NULL || given == NULL) {
            way(t, &items[i], 1);
            continue;
        }
        for (size_t k = i; k < count; k++) {
            if (given[k] || deliver_of(items[k]->kind) != known)
                continue;
            given[k] = true;
            part[part_count++] = items[k];
        }
        if (part_count > 0)
            way(t, part, part_count);
    }
    free((void *)part);
    free(given);
}
