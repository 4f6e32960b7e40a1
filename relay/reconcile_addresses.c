/* reconcile_addresses.c - see reconcile.h: accounts and contacts of JDE whose address somebody edited. */
#include "relay/address_judge.h"
#include "relay/intake_put.h"
#include "relay/reconcile_private.h"

#include <stdio.h>
#include <string.h>

static mlc_code columns(const mlc_reconcile *r, mlc_buf *out, mlc_error *err)
{
    return mlc_address_row_columns(strcmp(r->opt.table->set, "accounts") == 0 ? "account" : "contact",
                                   r->opt.prefix, out, err);
}

static mlc_code condition(const mlc_reconcile *r, mlc_buf *out, mlc_error *err)
{
    return mlc_buf_printf(out, err, "%ssourcerecordid%%20ne%%20null", r->opt.prefix);
}

static bool wanted(const mlc_reconcile *r, const cJSON *row)
{
    char name[96];
    (void)snprintf(name, sizeof name, "%.60ssourcerecordid", r->opt.prefix);
    return mlc_json_str(row, name) != NULL;
}

static mlc_code put_event(mlc_txn *txn, mlc_reconcile *r, const char *table, const char *id,
                          const mlc_address_row *row, int64_t now_ms, mlc_error *err)
{
    mlc_webhook_event event = {.message = "Update"};
    char idem[MLC_ADDRESS_IDEM_MAX];
    uint64_t seq = 0;
    /* This version of the row was read already, and is on its way. */
    mlc_address_idem(id, row, idem);
    if (mlc_outbox_find(txn, r->opt.down, idem, &seq, NULL) == MLC_OK)
        return MLC_OK;
    (void)snprintf(idem, sizeof idem, "reconcile/address/%.40s/%s", id, row->change);
    if (mlc_outbox_find(txn, r->opt.intake, idem, &seq, NULL) == MLC_OK)
        return MLC_OK;
    mlc_strlcpy(event.entity, table, sizeof event.entity);
    mlc_strlcpy(event.entity_id, id, sizeof event.entity_id);
    mlc_strlcpy(event.correlation_id, id, sizeof event.correlation_id);
    r->found++;
    return mlc_intake_put(txn, r->opt.intake, r->opt.tenant, &event, "reconcile", idem, now_ms, err);
}

static mlc_code put_row(mlc_txn *txn, mlc_reconcile *r, const cJSON *json, int64_t now_ms, mlc_error *err)
{
    const char *const table = strcmp(r->opt.table->set, "accounts") == 0 ? "account" : "contact";
    char id[MLC_UUID_TEXT_MAX];
    mlc_address_row row;
    mlc_address_view view;
    mlc_code code = mlc_address_row_read(table, json, r->opt.prefix, &row, err);
    if (code == MLC_E_UNSUPPORTED || (code == MLC_OK && row.source == NULL))
        return MLC_OK; /* not of JDE's address book */
    if (code == MLC_OK && !mlc_uuid_copy(mlc_json_str(json, r->opt.table->id), id))
        code = mlc_fail(err, MLC_E_PROTOCOL, "Dynamics answered a changed row without %s", r->opt.table->id);
    if (code == MLC_OK)
        code = mlc_address_judge(txn, table, &row, &view, err);
    if (code != MLC_OK)
        return code;
    if (view.news == MLC_ADDRESS_EDITED)
        code = put_event(txn, r, table, id, &row, now_ms, err);
    if (code == MLC_OK && mlc_address_view_doubtful(&view, &row))
        code = mlc_address_shown_forget(txn, row.source, err);
    mlc_address_view_free(&view);
    return code;
}

const mlc_reconcile_table mlc_reconcile_accounts = {.set = "accounts",
                                                    .id = "accountid",
                                                    .words = "addresses of accounts",
                                                    .page_size = 1000,
                                                    .changes = columns,
                                                    .columns = columns,
                                                    .condition = condition,
                                                    .wanted = wanted,
                                                    .put = put_row};
const mlc_reconcile_table mlc_reconcile_contacts = {.set = "contacts",
                                                    .id = "contactid",
                                                    .words = "addresses of contacts",
                                                    .page_size = 1000,
                                                    .changes = columns,
                                                    .columns = columns,
                                                    .condition = condition,
                                                    .wanted = wanted,
                                                    .put = put_row};
