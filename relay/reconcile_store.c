/* reconcile_store.c - what a page leads to, in one job, and the positions of a table in the store. */
#include "relay/reconcile_private.h"

#include "base/clock.h"
#include "store/cursor.h"

#include <stdio.h>
#include <string.h>

enum { NAME_LEN = 64 };

/* "reconcile/salesorders" is the watermark. */
static const char *name_of(const mlc_reconcile *r, const char *ending, char out[NAME_LEN])
{
    (void)snprintf(out, NAME_LEN, "reconcile/%s%s", r->opt.table->set, ending);
    return out;
}

static mlc_code keep_positions(mlc_txn *txn, const mlc_reconcile *r, mlc_error *err)
{
    char name[NAME_LEN];
    mlc_code code = MLC_OK;
    if (r->new_link != NULL)
        code = mlc_cursor_put(txn, name_of(r, ".delta", name), r->new_link, strlen(r->new_link), err);
    if (code == MLC_OK && r->seen_ms > r->watermark_ms)
        code = mlc_cursor_put(txn, name_of(r, "", name), &r->seen_ms, sizeof r->seen_ms, err);
    return code;
}

mlc_code reconcile_store_page(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_reconcile *const r = arg;
    const int64_t now_ms = mlc_wall_ms();
    const cJSON *item = NULL;
    mlc_code code = MLC_OK;
    r->found = r->again = r->deleted = 0;
    cJSON_ArrayForEach(item, r->rows)
    {
        code = r->opt.table->put(txn, r, item, now_ms, err);
        if (code != MLC_OK)
            return code;
    }
    cJSON_ArrayForEach(item, r->gone)
    {
        code = r->opt.table->deleted(txn, r, item->valuestring, now_ms, err);
        if (code != MLC_OK)
            return code;
    }
    return r->next == NULL ? keep_positions(txn, r, err) : MLC_OK;
}

static mlc_code load_time(mlc_txn *txn, const char *name, int64_t *out, mlc_error *err)
{
    const void *value = NULL;
    size_t len = 0;
    const mlc_code code = mlc_cursor_get(txn, name, &value, &len, err);
    if (code == MLC_OK && len == sizeof *out)
        memcpy(out, value, len);
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code reconcile_load_positions(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_reconcile *const r = arg;
    char name[NAME_LEN];
    const void *value = NULL;
    size_t len = 0;
    mlc_code code = load_time(txn, name_of(r, "", name), &r->watermark_ms, err);
    if (code == MLC_OK)
        code = load_time(txn, name_of(r, ".from", name), &r->from_ms, err);
    if (code != MLC_OK)
        return code;
    code = mlc_cursor_get(txn, name_of(r, ".delta", name), &value, &len, err);
    if (code == MLC_OK && len > 0 && (r->link = mlc_strndup(value, len)) == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for reconciliation");
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

mlc_code reconcile_keep_times(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_reconcile *const r = arg;
    char name[NAME_LEN];
    const mlc_code code =
        mlc_cursor_put(txn, name_of(r, "", name), &r->watermark_ms, sizeof r->watermark_ms, err);
    return code == MLC_OK
               ? mlc_cursor_put(txn, name_of(r, ".from", name), &r->from_ms, sizeof r->from_ms, err)
               : code;
}
