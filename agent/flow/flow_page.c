/* flow_page.c - see flow_page.h. */
#include "agent/flow/flow_page.h"

#include "crypto/crypto.h"
#include "store/audit.h"
#include "store/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *mlc_flow_cursor(const mlc_flow_spec *spec, const char *what, char out[MLC_FLOW_CURSOR_MAX])
{
    (void)snprintf(out, MLC_FLOW_CURSOR_MAX, "flow/%s/%s", spec->name, what);
    return out;
}

void mlc_flow_page_clear(mlc_flow_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        mlc_buf_free(&page->items[i].payload);
    free(page->items);
    page->items = NULL;
    page->count = 0;
}

/* ---- filling ---- */

/* The rows as far as they were read, for whoever looks at the parked entry. The same trouble with the same content is told
 * once, so the fingerprint is of both. */
static mlc_code fill_invalid(mlc_flow_item *item, const mlc_master *master, mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    mlc_buf both = {0};
    char *const text = mlc_json_print(master->rows);
    item->invalid = true;
    item->gone = false;
    if (text == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a row");
    mlc_code code = mlc_buf_puts(&item->payload, text, err);
    if (code == MLC_OK)
        code = mlc_master_fingerprint(master, item->fingerprint, err);
    if (code == MLC_OK)
        code = mlc_buf_append(&both, item->fingerprint, sizeof item->fingerprint, err);
    if (code == MLC_OK)
        code = mlc_buf_printf(&both, err, "%s%s", item->why.message, item->why.cause);
    if (code == MLC_OK)
        code = mlc_sha256(both.data, both.len, hash, err);
    if (code == MLC_OK)
        memcpy(item->fingerprint, hash, sizeof item->fingerprint);
    mlc_buf_free(&both);
    cJSON_free(text);
    return code;
}

static mlc_code fill_item(mlc_flow_page *page, mlc_flow_item *item, const mlc_flow_record_maker *maker,
                          const char *key, mlc_error *err)
{
    mlc_flow_record record;
    page->emission = page->now_ms > page->emission ? page->now_ms : page->emission + 1;
    mlc_code code = mlc_flow_record_make(maker, key, &record, &item->why);
    (void)snprintf(item->id, sizeof item->id, "%s", record.id);
    (void)snprintf(item->source, sizeof item->source, "%s", record.source);
    (void)snprintf(item->version, sizeof item->version, "%" PRId64 ".%" PRId32 ".%" PRId32, page->emission,
                   record.stamp.julian, record.stamp.hms);
    item->gone = record.gone;
    const mlc_master master = {.kind = maker->spec->kind,
                               .id = item->id,
                               .source = item->source,
                               .version = item->version,
                               .gone = record.gone,
                               .rows = record.rows};
    if (code == MLC_E_INVALID && record.gone) /* a row that is not wanted may be as faulty as it likes */
        code = MLC_OK;
    if (code == MLC_OK && maker->spec->shape != NULL)
        code = maker->spec->shape(item->id, record.rows, record.gone, item->version, &item->payload,
                                  &item->silent, &item->why);
    else if (code == MLC_OK)
        code = mlc_master_print(&master, &item->payload, &item->why);
    if (code == MLC_OK)
        code = mlc_master_fingerprint(&master, item->fingerprint, err);
    else if (code == MLC_E_INVALID)
        code = fill_invalid(item, &master, err);
    else
        *err = item->why;
    mlc_flow_record_clear(&record);
    return code;
}

mlc_code mlc_flow_page_add(mlc_flow_page *page, const mlc_flow_record_maker *maker, const char *key,
                           mlc_error *err)
{
    return fill_item(page, &page->items[page->count++], maker, key, err);
}

mlc_code mlc_flow_page_fill(mlc_flow_page *page, const mlc_flow_record_maker *maker, mlc_error *err)
{
    const mlc_flow_keys *const keys = &maker->data->keys;
    const mlc_flow_rows *const lead = &maker->data->parts[0];
    const size_t most = keys->expand ? lead->count : keys->wanted_count;
    mlc_code code = MLC_OK;
    page->items = calloc(most + 1, sizeof *page->items);
    page->count = 0;
    if (page->items == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a page of %zu records", most);
    for (size_t i = 0; code == MLC_OK && i < most; i++) {
        if (keys->expand && i > 0 && strcmp(lead->at[i - 1].key, lead->at[i].key) == 0)
            continue;
        const char *const key = keys->expand ? lead->at[i].key : keys->wanted[i];
        code = fill_item(page, &page->items[page->count++], maker, key, err);
    }
    return code;
}

/* ---- storing ---- */

static mlc_code audit_item(mlc_txn *txn, const mlc_flow_page *page, const mlc_flow_item *item,
                           const mlc_entry_new *entry, uint64_t seq, mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    char hex[2 * MLC_SHA256_LEN + 1];
    const mlc_code code = mlc_sha256(entry->payload, entry->payload_len, hash, err);
    if (code != MLC_OK)
        return code;
    mlc_hex(hash, sizeof hash, hex);
    const mlc_audit_event event = {.at_ms = page->now_ms,
                                   .actor = "agent",
                                   .action = item->invalid ? "parked" : "polled",
                                   .tenant = page->tenant,
                                   .stream = mlc_outbox_name(page->up),
                                   .kind = entry->kind,
                                   .key = entry->key,
                                   .idem = entry->idem,
                                   .correlation = entry->correlation,
                                   .source_id = item->source,
                                   .payload_hash = hex,
                                   .outcome = item->invalid ? "invalid"
                                              : item->gone  ? "gone"
                                                            : "ok",
                                   .detail = item->invalid ? item->why.message : page->table,
                                   .seq = seq};
    return mlc_audit_append(txn, &event, NULL, err);
}

static const char *fault_space(const mlc_flow_spec *spec, char *out, size_t size)
{
    (void)snprintf(out, size, "%s.invalid", spec->kind);
    return out;
}

/* Is there anything to tell? The fingerprint is the new one then. */
static mlc_code is_news(mlc_txn *txn, const mlc_flow_item *item, const char *space, bool *news,
                        mlc_error *err)
{
    bool same = false;
    *news = false;
    if (item->gone) {
        const mlc_code code =
            mlc_fingerprint_check(txn, space, item->id, item->fingerprint, news, &same, err);
        if (code != MLC_OK || (!*news && !item->wanted))
            return code;
    }
    const mlc_code code = mlc_fingerprint_swap(txn, space, item->id, item->fingerprint, news, err);
    *news = *news || (item->anyway && !item->invalid);
    return code;
}

static mlc_code put_item(mlc_txn *txn, mlc_flow_page *page, const mlc_flow_item *item, const char *kind,
                         mlc_error *err)
{
    uint64_t seq = 0;
    char key[MLC_POLL_KEY_MAX + 32];
    char idem[MLC_POLL_KEY_MAX + MLC_FLOW_VERSION_MAX + 32];
    (void)snprintf(key, sizeof key, "%s/%s", page->spec->kind, item->id);
    (void)snprintf(idem, sizeof idem, "jde/%s/%s/%s", page->spec->kind, item->id, item->version);
    const mlc_entry_new entry = {.tenant = page->tenant,
                                 .key = key,
                                 .idem = idem,
                                 .kind = kind,
                                 .correlation = idem,
                                 .payload = item->payload.data,
                                 .payload_len = item->payload.len,
                                 .now_ms = page->now_ms};
    mlc_code code = mlc_outbox_put(txn, page->up, &entry, &seq, NULL, err);
    if (code == MLC_OK && item->invalid)
        code = mlc_outbox_park_as(txn, page->up, seq, page->now_ms, item->why.code, item->why.message, err);
    if (code == MLC_OK)
        code = audit_item(txn, page, item, &entry, seq, err);
    return code;
}

/* A record that was faulty and is well again is told also when it is as it was sent before: it takes the place of the one that is
 * parked, and the same fault is told anew should it come back. */
static mlc_code end_fault(mlc_txn *txn, const mlc_flow_page *page, const mlc_flow_item *item, bool *news,
                          mlc_error *err)
{
    char space[48];
    bool faulty = false;
    bool same = false;
    (void)fault_space(page->spec, space, sizeof space);
    const mlc_code code = mlc_fingerprint_check(txn, space, item->id, item->fingerprint, &faulty, &same, err);
    if (code != MLC_OK || !faulty)
        return code;
    *news = *news || !item->gone;
    return mlc_fingerprint_delete(txn, space, item->id, err);
}

static mlc_code store_item(mlc_txn *txn, mlc_flow_page *page, const mlc_flow_item *item, mlc_error *err)
{
    bool news = false;
    char kind[48];
    (void)snprintf(kind, sizeof kind, "%s%s", page->spec->kind, item->invalid ? ".invalid" : "");
    if (item->silent)
        return MLC_OK;
    mlc_code code = is_news(txn, item, kind, &news, err);
    if (code == MLC_OK && !item->invalid)
        code = end_fault(txn, page, item, &news, err);
    if (code != MLC_OK || !news)
        return code;
    code = put_item(txn, page, item, kind, err);
    if (code != MLC_OK)
        return code;
    if (item->invalid)
        page->invalid++;
    else
        page->enqueued++;
    if (item->gone && !item->invalid)
        page->gone++;
    return MLC_OK;
}

static mlc_code store_mark(mlc_txn *txn, const mlc_flow_page *page, const mlc_flow_mark *mark, mlc_error *err)
{
    char name[MLC_FLOW_CURSOR_MAX];
    mlc_buf text = {0};
    mlc_code code = mlc_watermark_print(&mark->watermark, &text, err);
    if (code == MLC_OK)
        code = mlc_cursor_put(txn, mlc_flow_cursor(page->spec, mark->driver, name), text.data, text.len, err);
    mlc_buf_free(&text);
    return code;
}

mlc_code mlc_flow_page_store(mlc_txn *txn, mlc_flow_page *page, mlc_error *err)
{
    char name[MLC_FLOW_CURSOR_MAX];
    mlc_code code = MLC_OK;
    page->enqueued = page->gone = page->invalid = 0;
    for (size_t i = 0; code == MLC_OK && i < page->count; i++)
        code = store_item(txn, page, &page->items[i], err);
    for (size_t i = 0; code == MLC_OK && i < page->mark_count; i++)
        code = store_mark(txn, page, &page->marks[i], err);
    if (code == MLC_OK)
        code = mlc_cursor_put(txn, mlc_flow_cursor(page->spec, MLC_FLOW_EMISSION, name), &page->emission,
                              sizeof page->emission, err);
    return code;
}

/* ---- previewing ---- */

static mlc_code preview_item(mlc_txn *txn, const mlc_flow_page *page, mlc_flow_item *item, mlc_error *err)
{
    bool known = false;
    bool same = false;
    bool faulty = false;
    bool same_fault = false;
    char kind[48];
    mlc_code code = mlc_fingerprint_check(txn, fault_space(page->spec, kind, sizeof kind), item->id,
                                          item->fingerprint, &faulty, &same_fault, err);
    if (code == MLC_OK && !item->invalid)
        code = mlc_fingerprint_check(txn, page->spec->kind, item->id, item->fingerprint, &known, &same, err);
    if (item->invalid ? faulty && same_fault : known && same && (!faulty || item->gone))
        item->news = MLC_NEWS_NONE;
    else if (item->invalid)
        item->news = MLC_NEWS_FAULTY;
    else if (item->gone)
        item->news = known ? MLC_NEWS_GONE : MLC_NEWS_NONE;
    else
        item->news = known ? MLC_NEWS_CHANGED : MLC_NEWS_NEW;
    return code;
}

mlc_code mlc_flow_page_preview(mlc_txn *txn, mlc_flow_page *page, mlc_error *err)
{
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < page->count; i++)
        code = preview_item(txn, page, &page->items[i], err);
    return code;
}
