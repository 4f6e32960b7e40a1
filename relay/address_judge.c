/* address_judge.c - see address_judge.h. */
#include "relay/address_judge.h"

#include "base/clock.h"
#include "relay/source_version.h"

#include <stdio.h>
#include <string.h>

static mlc_code read_memory(mlc_txn *txn, const char *table, const mlc_address_row *row,
                            mlc_address_view *out, mlc_error *err)
{
    char account[64];
    (void)snprintf(account, sizeof account, "JDE/F0101/%s", row->an8);
    mlc_code code = mlc_address_shown_get(txn, row->source, &out->shown, err);
    if (code == MLC_OK)
        code = mlc_address_memory_get(txn, row->source, row->version, &out->known, err);
    if (code == MLC_OK)
        code = mlc_address_memory_get(txn, account, NULL, &out->latest, err);
    /* The name of the address number is not the contact's. */
    if (strcmp(table, "contact") == 0)
        out->latest.fields.text[MLC_ADDRESS_NAME] = NULL;
    return code;
}

static mlc_address_news judge(const mlc_address_view *view, const mlc_address_fields *row)
{
    uint8_t hash[MLC_ADDRESS_HASH_LEN];
    if (view->shown.told && mlc_address_hash(row, hash, NULL) == MLC_OK) {
        if (memcmp(hash, view->shown.told_hash, sizeof hash) == 0)
            return MLC_ADDRESS_TOLD;
        /* JDE was told of another: going back to the one before is an edit too. */
        return MLC_ADDRESS_EDITED;
    }
    if (mlc_address_shown_same(&view->shown, row))
        return MLC_ADDRESS_OURS;
    if (view->known.found)
        return mlc_address_same(&view->known.fields, row, row) ? MLC_ADDRESS_OURS : MLC_ADDRESS_EDITED;
    if (mlc_address_empty(row))
        return MLC_ADDRESS_NONE;
    return view->latest.found && mlc_address_same(&view->latest.fields, row, row) ? MLC_ADDRESS_OURS
                                                                                  : MLC_ADDRESS_EDITED;
}

mlc_code mlc_address_judge(mlc_txn *txn, const char *table, const mlc_address_row *row, mlc_address_view *out,
                           mlc_error *err)
{
    *out = (mlc_address_view){.news = MLC_ADDRESS_NONE};
    const mlc_code code = read_memory(txn, table, row, out, err);
    if (code != MLC_OK) {
        mlc_address_view_free(out);
        return code;
    }
    out->news = judge(out, &row->fields);
    return MLC_OK;
}

void mlc_address_view_free(mlc_address_view *view)
{
    cJSON_Delete(view->known.tree);
    cJSON_Delete(view->latest.tree);
    *view = (mlc_address_view){.news = MLC_ADDRESS_NONE};
}

bool mlc_address_view_doubtful(const mlc_address_view *view, const mlc_address_row *row)
{
    if (view->shown.state != MLC_SHOWN_KNOWN || !mlc_source_version_valid(row->version))
        return false;
    const int order = mlc_source_version_cmp(row->version, view->shown.version);
    /* A newer version need not have written the address; but this store must have heard of it. */
    return order < 0 || (order > 0 && view->latest.found && !view->known.found);
}

/* ---- the change ---- */

void mlc_address_idem(const char *id, const mlc_address_row *row, char out[MLC_ADDRESS_IDEM_MAX])
{
    (void)snprintf(out, MLC_ADDRESS_IDEM_MAX, "dyn/address/%.40s/%s", id, row->change);
}

static void leave_out_empty(mlc_address_fields *fields)
{
    for (size_t i = 0; i < MLC_ADDRESS_FIELDS; i++)
        if (fields->text[i] != NULL && fields->text[i][0] == '\0')
            fields->text[i] = NULL;
}

mlc_code mlc_address_sending_make(mlc_address_sending *out, const char *table, const char *id,
                                  const mlc_address_row *row, const mlc_address_view *view, mlc_error *err)
{
    const bool contact = row->line[0] != '\0';
    mlc_address change = {.table = table,
                          .id = id,
                          .source = row->source,
                          .an8 = row->an8,
                          .line = contact ? row->line : NULL,
                          .version = row->version,
                          .modified = row->modified,
                          .change = row->change,
                          .now = row->fields,
                          .has_base = view->known.found || (contact && view->latest.found),
                          .base = view->known.found ? view->known.fields : view->latest.fields};
    if (!view->known.found)
        leave_out_empty(&change.now);
    *out = (mlc_address_sending){.payload = {0}};
    mlc_strlcpy(out->id, id, sizeof out->id);
    mlc_strlcpy(out->source, row->source, sizeof out->source);
    mlc_address_idem(id, row, out->idem);
    mlc_error_clear(&out->fault);
    (void)mlc_address_check(&change, &out->fault);
    mlc_code code = mlc_address_hash(&row->fields, out->hash, err);
    if (code == MLC_OK)
        code = mlc_address_print(&change, &out->payload, err);
    if (code != MLC_OK)
        mlc_address_sending_free(out);
    return code;
}

void mlc_address_sending_free(mlc_address_sending *sending)
{
    mlc_buf_free(&sending->payload);
}

mlc_code mlc_address_sending_put(mlc_txn *txn, mlc_outbox *down, const char *tenant, const char *correlation,
                                 const mlc_address_sending *sending, bool *fresh, mlc_error *err)
{
    char key[64];
    bool known = false;
    (void)snprintf(key, sizeof key, "address/%s", sending->id);
    const mlc_entry_new entry = {.tenant = tenant,
                                 .key = key,
                                 .idem = sending->idem,
                                 .kind = "address",
                                 .correlation = correlation,
                                 .payload = sending->payload.data,
                                 .payload_len = sending->payload.len,
                                 .now_ms = mlc_wall_ms()};
    mlc_code code = mlc_outbox_put(txn, down, &entry, NULL, &known, err);
    if (code == MLC_OK)
        code = mlc_address_shown_tell(txn, sending->source, sending->hash, err);
    if (fresh != NULL)
        *fresh = !known;
    return code;
}
