/* poll_page.c - see poll_page.h. */
#include "agent/poll_page.h"

#include "store/audit.h"
#include "store/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mlc_code mlc_poll_page_reserve(mlc_poll_page *page, size_t count, mlc_error *err)
{
    page->items = calloc(count > 0 ? count : 1, sizeof *page->items);
    page->count = 0;
    return page->items != NULL ? MLC_OK
                               : mlc_fail(err, MLC_E_NOMEM, "no memory for a page of %zu rows", count);
}

void mlc_poll_page_clear(mlc_poll_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        mlc_buf_free(&page->items[i].payload);
    free(page->items);
    page->items = NULL;
    page->count = 0;
}

static bool is_wanted(const char *search_type, const char *const *wanted)
{
    for (; *wanted != NULL; wanted++) {
        if (strcmp(search_type, *wanted) == 0)
            return true;
    }
    return false;
}

static mlc_code fill_invalid(mlc_poll_item *item, const cJSON *address, mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    char *const text = mlc_json_print(address);
    item->invalid = true;
    if (text == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a row");
    mlc_code code = mlc_buf_puts(&item->payload, text, err);
    if (code == MLC_OK)
        code = mlc_sha256(text, strlen(text), hash, err);
    if (code == MLC_OK)
        memcpy(item->fingerprint, hash, sizeof item->fingerprint);
    cJSON_free(text);
    return code;
}

mlc_code mlc_poll_item_fill(mlc_poll_page *page, mlc_poll_item *item, const mlc_ais *ais,
                            const cJSON *address, const cJSON *terms, const char *const *wanted,
                            mlc_error *err)
{
    mlc_mapped_customer mapped;
    page->emission = page->now_ms > page->emission ? page->now_ms : page->emission + 1;
    mlc_code code = mlc_customer_map(ais, address, terms, &mapped, &item->why);
    if (code == MLC_OK && !is_wanted(mapped.customer.search_type, wanted))
        return MLC_OK;
    (void)snprintf(item->version, sizeof item->version, "%" PRId64 ".%" PRId32 ".%" PRId32, page->emission,
                   mapped.stamp.julian, mapped.stamp.hms);
    if (code != MLC_OK)
        return fill_invalid(item, address, err);
    mapped.customer.version = item->version;
    code = mlc_customer_fingerprint(&mapped.customer, item->fingerprint, err);
    if (code == MLC_OK)
        code = mlc_customer_print(&mapped.customer, &item->payload, err);
    return code;
}

static mlc_code audit_item(mlc_txn *txn, const mlc_poll_page *page, const mlc_poll_item *item,
                           const mlc_entry_new *entry, uint64_t seq, mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    char hex[2 * MLC_SHA256_LEN + 1];
    char source[64];
    const mlc_code code = mlc_sha256(entry->payload, entry->payload_len, hash, err);
    if (code != MLC_OK)
        return code;
    mlc_hex(hash, sizeof hash, hex);
    (void)snprintf(source, sizeof source, "JDE/F0101/%s", item->key);
    const mlc_audit_event event = {.at_ms = page->now_ms,
                                   .actor = "agent",
                                   .action = item->invalid ? "parked" : "polled",
                                   .tenant = page->tenant,
                                   .stream = mlc_outbox_name(page->up),
                                   .kind = entry->kind,
                                   .key = entry->key,
                                   .idem = entry->idem,
                                   .correlation = entry->correlation,
                                   .source_id = source,
                                   .payload_hash = hex,
                                   .outcome = item->invalid ? "invalid" : "ok",
                                   .detail = item->invalid ? item->why.message : page->table,
                                   .seq = seq};
    return mlc_audit_append(txn, &event, NULL, err);
}

static mlc_code store_item(mlc_txn *txn, mlc_poll_page *page, const mlc_poll_item *item, mlc_error *err)
{
    bool changed = false;
    uint64_t seq = 0;
    char key[MLC_POLL_KEY_MAX + 16];
    char idem[MLC_POLL_KEY_MAX + MLC_POLL_VERSION_MAX + 16];
    mlc_code code = mlc_fingerprint_swap(txn, item->invalid ? "customer.invalid" : "customer", item->key,
                                         item->fingerprint, &changed, err);
    if (code != MLC_OK || !changed)
        return code;
    (void)snprintf(key, sizeof key, "customer/%s", item->key);
    (void)snprintf(idem, sizeof idem, "jde/customer/%s/%s", item->key, item->version);
    const mlc_entry_new entry = {.tenant = page->tenant,
                                 .key = key,
                                 .idem = idem,
                                 .kind = item->invalid ? "customer.invalid" : "customer",
                                 .correlation = idem,
                                 .payload = item->payload.data,
                                 .payload_len = item->payload.len,
                                 .now_ms = page->now_ms};
    code = mlc_outbox_put(txn, page->up, &entry, &seq, NULL, err);
    if (code == MLC_OK && item->invalid)
        code = mlc_outbox_park_as(txn, page->up, seq, page->now_ms, item->why.code, item->why.message, err);
    if (code == MLC_OK)
        code = audit_item(txn, page, item, &entry, seq, err);
    if (code == MLC_OK) {
        page->enqueued += item->invalid ? 0U : 1U;
        page->invalid += item->invalid ? 1U : 0U;
    }
    return code;
}

mlc_code mlc_poll_page_store(mlc_txn *txn, mlc_poll_page *page, mlc_error *err)
{
    mlc_code code = MLC_OK;
    char name[64];
    mlc_buf text = {0};
    page->enqueued = 0;
    page->invalid = 0;
    for (size_t i = 0; code == MLC_OK && i < page->count; i++) {
        if (page->items[i].payload.len > 0)
            code = store_item(txn, page, &page->items[i], err);
    }
    if (code == MLC_OK)
        code = mlc_cursor_put(txn, MLC_POLL_EMISSION_CURSOR, &page->emission, sizeof page->emission, err);
    if (code == MLC_OK)
        code = mlc_watermark_print(&page->watermark, &text, err);
    if (code == MLC_OK) {
        (void)snprintf(name, sizeof name, MLC_POLL_CURSOR_PREFIX "%s", page->table);
        code = mlc_cursor_put(txn, name, text.data, text.len, err);
    }
    mlc_buf_free(&text);
    return code;
}
