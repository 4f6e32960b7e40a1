/* drift_rows.c - see drift_private.h: the rows in Dynamics that carry our source id, against what was written.
 *
 * For each set: pages of rows, each judged and its records marked as seen -> records that were written and not seen. */
#include "relay/drift_private.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_SIZE = 500, NOTES_AT_ONCE = 2000, STATE_INACTIVE = 1 };

void drift_rows_clear(mlc_drift *drift)
{
    cJSON_Delete(drift->rows);
    free(drift->next);
    drift->rows = NULL;
    drift->next = NULL;
    if (drift->marking)
        return;
    free(drift->seen);
    drift->seen = NULL;
    drift->seen_count = 0;
}

static void next_set(mlc_drift *drift);
static void ask_first(mlc_drift *drift);

static const char *set_of(const mlc_drift *drift)
{
    return drift->kinds[drift->set_at].set;
}

static bool in_set(const mlc_drift *drift, size_t kind)
{
    return strcmp(drift->kinds[kind].set, set_of(drift)) == 0;
}

/* ---- judging a page ---- */

typedef struct row_owner {
    size_t kind;
    bool found;
    mlc_sent sent;
} row_owner;

/* "JDE/F0101/6001" -> "6001", when it is of this kind's table. */
static const char *id_of(const drift_kind *kind, const char *source)
{
    char prefix[32];
    const size_t len = (size_t)snprintf(prefix, sizeof prefix, "JDE/%s/", kind->table);
    return strncmp(source, prefix, len) == 0 && source[len] != '\0' &&
                   strlen(source + len) <= MLC_COMPARE_ID_MAX
               ? source + len
               : NULL;
}

/* Each kind has a table of its own in the source ids (record/master.h). */
static mlc_code find_owner(mlc_txn *txn, const mlc_drift *drift, const char *source, row_owner *out,
                           mlc_error *err)
{
    out->found = false;
    for (size_t i = 0; i < drift->kind_count; i++) {
        const char *const id = in_set(drift, i) ? id_of(&drift->kinds[i], source) : NULL;
        if (id == NULL)
            continue;
        out->kind = i;
        const mlc_code code = mlc_sent_get(txn, drift->kinds[i].kind, id, &out->sent, err);
        out->found = code == MLC_OK;
        return code == MLC_E_NOTFOUND ? MLC_OK : code;
    }
    return MLC_OK;
}

static mlc_code note(mlc_txn *txn, mlc_drift *drift, size_t at, const char *id, drift_what what, bool known,
                     mlc_error *err)
{
    drift_kind *const kind = &drift->kinds[at];
    drift_find find = {.what = what, .known = known};
    char key[MLC_COMPARE_ID_MAX + 40];
    bool live = false;
    mlc_strlcpy(find.id, id, sizeof find.id);
    (void)snprintf(key, sizeof key, "%.30s/%s", kind->kind, id);
    const mlc_code code = mlc_outbox_has_live(txn, drift->opt.dynamics, key, &live, err);
    if (code != MLC_OK)
        return code;
    if (live)
        kind->under_way++;
    else
        drift_note(drift, kind, &find);
    return MLC_OK;
}

/* A row with our source id of which nothing is known. Each kind that may have written it is asked. */
static mlc_code judge_unknown(mlc_txn *txn, mlc_drift *drift, const cJSON *row, const char *source,
                              mlc_error *err)
{
    int64_t state = 0;
    mlc_code code = MLC_OK;
    if (mlc_json_int64(row, "statecode", &state, NULL) == MLC_OK && state == STATE_INACTIVE)
        return MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < drift->kind_count; i++) {
        const char *const id = in_set(drift, i) ? id_of(&drift->kinds[i], source) : NULL;
        if (id == NULL)
            continue;
        if (drift->missing_in_jde_pass > 0) /* most likely it is one of those, and on its way */
            drift->kinds[i].under_way++;
        else
            code = note(txn, drift, i, id, DRIFT_EXTRA, false, err);
    }
    return code;
}

static mlc_code judge_known(mlc_txn *txn, mlc_drift *drift, const cJSON *row, const row_owner *owner,
                            const char *id, const char *version, mlc_error *err)
{
    const drift_kind *const kind = &drift->kinds[owner->kind];
    const mlc_schema_table *const table = mlc_schema_table_of(drift->opt.schema, set_of(drift));
    const bool same_version = version != NULL && strcmp(version, owner->sent.version) == 0;
    /* What was gone and never written to as such is let be. */
    if (!kind->wanted || (owner->sent.gone && owner->sent.columns.mask == 0))
        return MLC_OK;
    if (!same_version)
        return note(txn, drift, owner->kind, id, DRIFT_STALE, true, err);
    if (table != NULL &&
        !mlc_sent_columns_same(kind->map, drift->opt.prefix, table, row, &owner->sent.columns))
        return note(txn, drift, owner->kind, id, DRIFT_CHANGED, true, err);
    return MLC_OK;
}

static mlc_code judge_row(mlc_txn *txn, mlc_drift *drift, const cJSON *row, mlc_error *err)
{
    char column[DRIFT_NAME];
    row_owner owner = {0};
    (void)snprintf(column, sizeof column, "%ssourceversion", drift->opt.prefix);
    const char *const version = mlc_json_str(row, column);
    (void)snprintf(column, sizeof column, "%ssourcerecordid", drift->opt.prefix);
    const char *const source = mlc_json_str(row, column);
    if (source == NULL)
        return MLC_OK;
    const mlc_code code = find_owner(txn, drift, source, &owner, err);
    if (code != MLC_OK)
        return code;
    if (!owner.found)
        return judge_unknown(txn, drift, row, source, err);
    const char *const id = id_of(&drift->kinds[owner.kind], source);
    drift_seen *const seen = &drift->seen[drift->seen_count++];
    seen->kind = owner.kind;
    mlc_strlcpy(seen->id, id, sizeof seen->id);
    return judge_known(txn, drift, row, &owner, id, version, err);
}

/* Reader, on the loop's thread: the metadata are used. */
static mlc_code judge_page(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_drift *const drift = arg;
    const cJSON *row = NULL;
    cJSON_ArrayForEach(row, drift->rows)
    {
        const mlc_code code = judge_row(txn, drift, row, err);
        if (code != MLC_OK)
            return code;
    }
    return MLC_OK;
}

/* ---- marking, and the next page ---- */

/* Store's thread. */
static mlc_code mark_page(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_drift *const drift = arg;
    for (size_t i = 0; i < drift->seen_count; i++) {
        const drift_seen *const seen = &drift->seen[i];
        const mlc_code code = mlc_sent_mark(txn, drift->kinds[seen->kind].kind, seen->id, drift->number, err);
        if (code != MLC_OK && code != MLC_E_NOTFOUND)
            return code;
    }
    return MLC_OK;
}

static void ask_page(mlc_drift *drift, const char *path);
static void find_missing(mlc_drift *drift);

static bool heal_set(mlc_drift *drift)
{
    for (size_t i = 0; i < drift->kind_count; i++)
        if (in_set(drift, i) && !drift_heal(drift, &drift->kinds[i], false))
            return false;
    return true;
}

static void on_marked(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_drift *const drift = arg;
    drift->marking = false;
    if (!drift->running || drift->stopping) {
        drift_rows_clear(drift);
        return;
    }
    if (code != MLC_OK) {
        drift_end(drift, err);
        return;
    }
    char *const next = drift->next;
    drift->next = NULL;
    drift_rows_clear(drift);
    if (heal_set(drift)) {
        if (next != NULL) {
            ask_page(drift, next);
        } else {
            drift->missing_kind = 0;
            drift->missing_lead = 0;
            drift_later(drift, find_missing);
        }
    }
    free(next);
}

static void on_page(void *user, const mlc_odata_answer *answer)
{
    mlc_drift *const drift = user;
    mlc_error err = answer->err;
    const cJSON *const rows = mlc_json_get(answer->body, "value");
    mlc_code code = answer->code;
    if (!drift->running || drift->stopping)
        return;
    if (code == MLC_OK && !cJSON_IsArray(rows))
        code =
            mlc_fail(&err, MLC_E_PROTOCOL, "Dynamics answered a list of %s without \"value\"", set_of(drift));
    if (code == MLC_OK) {
        drift->rows = cJSON_Duplicate(rows, true);
        drift->next = mlc_strdup(mlc_json_str(answer->body, "@odata.nextLink"));
        drift->seen = calloc((size_t)cJSON_GetArraySize(rows) + 1, sizeof *drift->seen);
        if (drift->rows == NULL || drift->seen == NULL)
            code = mlc_fail(&err, MLC_E_NOMEM, "no memory for a page of %s", set_of(drift));
    }
    if (code == MLC_OK)
        code = mlc_store_read(drift->opt.store, judge_page, drift, &err);
    if (code == MLC_OK) {
        code = mlc_store_submit(drift->opt.store, mark_page, on_marked, drift, &err);
        drift->marking = code == MLC_OK;
    }
    if (code != MLC_OK)
        drift_end(drift, &err);
}

static void ask_page(mlc_drift *drift, const char *path)
{
    mlc_error err;
    char prefer[48];
    (void)snprintf(prefer, sizeof prefer, "odata.maxpagesize=%d", PAGE_SIZE);
    const mlc_odata_request request = {.method = "GET", .path = path, .prefer = prefer};
    if (mlc_odata_send(drift->opt.odata, &request, on_page, drift, &err) != MLC_OK)
        drift_end(drift, &err);
}

/* ---- written and not seen ---- */

typedef struct missing_scan {
    mlc_drift *drift;
    mlc_txn *txn;
    size_t count;
    int64_t last_lead;
    bool more;
    mlc_code code;
    mlc_error *err;
} missing_scan;

static bool look_at_note(const char *id, const mlc_sent *sent, void *arg)
{
    missing_scan *const scan = arg;
    mlc_drift *const drift = scan->drift;
    const int64_t lead = mlc_compare_lead(id);
    if (scan->count >= NOTES_AT_ONCE && lead > scan->last_lead) {
        scan->more = true;
        scan->last_lead = lead;
        return false;
    }
    scan->count++;
    scan->last_lead = lead;
    /* The version begins with the time it was made at; what was delivered meanwhile was not there to be seen. */
    if (sent->gone || sent->seen == drift->number || mlc_compare_lead(sent->version) >= drift->rows_began_ms)
        return true;
    scan->code = note(scan->txn, drift, drift->missing_kind, id, DRIFT_MISSING, true, scan->err);
    return scan->code == MLC_OK;
}

static mlc_code look_at_notes(mlc_txn *txn, void *arg, mlc_error *err)
{
    missing_scan *const scan = arg;
    const mlc_drift *const drift = scan->drift;
    scan->txn = txn;
    scan->err = err;
    const mlc_code code = mlc_sent_scan(txn, drift->kinds[drift->missing_kind].kind, drift->missing_lead,
                                        INT64_MAX, look_at_note, scan, err);
    return code == MLC_OK ? scan->code : code;
}

static void find_missing(mlc_drift *drift)
{
    mlc_error err;
    missing_scan scan = {.drift = drift};
    while (drift->missing_kind < drift->kind_count &&
           !(in_set(drift, drift->missing_kind) && drift->kinds[drift->missing_kind].wanted))
        drift->missing_kind++;
    if (drift->missing_kind >= drift->kind_count) {
        drift->set_at++;
        next_set(drift);
        return;
    }
    if (mlc_store_read(drift->opt.store, look_at_notes, &scan, &err) != MLC_OK) {
        drift_end(drift, &err);
        return;
    }
    if (!drift_heal(drift, &drift->kinds[drift->missing_kind], false))
        return;
    drift->missing_kind += scan.more ? 0 : 1;
    drift->missing_lead = scan.more ? scan.last_lead : 0;
    drift_later(drift, find_missing);
}

/* ---- sets ---- */

static bool is_named(const mlc_buf *path, const char *name)
{
    char text[DRIFT_NAME + 2];
    (void)snprintf(text, sizeof text, ",%s,", name);
    return strstr(mlc_buf_text(path), text) != NULL;
}

/* ",a,b,": each column once. */
static mlc_code add_columns(const mlc_drift *drift, const drift_kind *kind, const mlc_schema_table *table,
                            mlc_buf *list, mlc_error *err)
{
    char name[DRIFT_NAME];
    mlc_code code = MLC_OK;
    for (size_t i = 0; code == MLC_OK && i < mlc_map_column_count(kind->map); i++) {
        if (mlc_sent_comparable(kind->map, i, drift->opt.prefix, table, name, sizeof name) &&
            !is_named(list, name))
            code = mlc_buf_printf(list, err, "%s,", name);
    }
    return code;
}

static mlc_code make_path(const mlc_drift *drift, const mlc_schema_table *table, mlc_buf *path,
                          mlc_error *err)
{
    const char *const p = drift->opt.prefix;
    mlc_buf list = {0};
    mlc_code code = mlc_buf_printf(&list, err, ",%ssourcerecordid,%ssourceversion,", p, p);
    if (code == MLC_OK && mlc_schema_column_find(table, "statecode") != NULL)
        code = mlc_buf_puts(&list, "statecode,", err);
    for (size_t i = 0; code == MLC_OK && i < drift->kind_count; i++)
        if (in_set(drift, i))
            code = add_columns(drift, &drift->kinds[i], table, &list, err);
    if (code == MLC_OK)
        code = mlc_buf_printf(path, err, "%s?$select=%.*s&$filter=%ssourcerecordid%%20ne%%20null",
                              set_of(drift), (int)list.len - 2, mlc_buf_text(&list) + 1, p);
    mlc_buf_free(&list);
    return code;
}

static void on_schema(void *user, mlc_code code, const mlc_error *err)
{
    mlc_drift *const drift = user;
    if (!drift->running || drift->stopping)
        return;
    if (code == MLC_OK)
        ask_first(drift);
    else
        drift_end(drift, err);
}

static void ask_first(mlc_drift *drift)
{
    mlc_error err;
    mlc_buf path = {0};
    const mlc_schema_table *const table = mlc_schema_table_of(drift->opt.schema, set_of(drift));
    mlc_code code = MLC_OK;
    if (table == NULL)
        code = mlc_schema_wait(drift->opt.schema, set_of(drift), on_schema, drift, &err);
    else if ((code = make_path(drift, table, &path, &err)) == MLC_OK)
        ask_page(drift, mlc_buf_text(&path));
    if (code != MLC_OK)
        drift_end(drift, &err);
    mlc_buf_free(&path);
}

/* Is it a set of this run that was not gone through yet? */
static bool is_next(const mlc_drift *drift)
{
    bool wanted = false;
    for (size_t i = 0; i < drift->kind_count; i++) {
        if (!in_set(drift, i))
            continue;
        if (i < drift->set_at)
            return false;
        wanted = wanted || (drift->kinds[i].wanted && !drift->kinds[i].disabled);
    }
    return wanted;
}

static void next_set(mlc_drift *drift)
{
    while (drift->set_at < drift->kind_count && !is_next(drift))
        drift->set_at++;
    if (drift->set_at < drift->kind_count) {
        drift->phase = set_of(drift);
        ask_first(drift);
        return;
    }
    for (size_t i = 0; i < drift->kind_count; i++)
        if (!drift_heal(drift, &drift->kinds[i], true))
            return;
    drift_end(drift, NULL);
}

void drift_rows_begin(mlc_drift *drift)
{
    drift->rows_began_ms = mlc_wall_ms();
    drift->set_at = 0;
    drift->missing_in_jde_pass = 0;
    for (size_t i = 0; i < drift->kind_count; i++)
        drift->missing_in_jde_pass += drift->kinds[i].found[DRIFT_MISSING];
    next_set(drift);
}
