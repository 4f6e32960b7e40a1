/* xref_rebuild.c - see xref_rebuild.h. Table: ask -> (page: job) -> ... -> sweep jobs -> next table; at the end an audit event. */
#include "relay/xref_rebuild.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/crossref.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_SIZE = 500, SWEEP_AT_ONCE = 2000, ACTOR_MAX = 96 };

static const struct table_row {
    const char *set, *id;
    bool is_order;
} tables[] = {{"accounts", "accountid", false},
              {"contacts", "contactid", false},
              {"products", "productid", false},
              {"productpricelevels", "productpricelevelid", false},
              {"salesorders", "salesorderid", true}};
enum { TABLES = sizeof tables / sizeof tables[0] };

struct mlc_xref_rebuild {
    mlc_xref_rebuild_options opt;
    bool running, stopping;
    char actor[ACTOR_MAX];
    size_t table;
    int64_t began_ms;
    uint64_t rows, links, forgotten;
    char last_error[256];
    /* the page under way */
    cJSON *page;
    char *next;
    /* job */
    uint64_t linked;
    mlc_crossref_sweep sweep, swept;
    char prefix[64]; /* of the table's ids */
};

static void run_end(mlc_xref_rebuild *r, const mlc_error *err)
{
    r->running = false;
    cJSON_Delete(r->page);
    free(r->next);
    r->page = NULL;
    r->next = NULL;
    r->last_error[0] = '\0';
    if (err != NULL) {
        mlc_strlcpy(r->last_error, err->message, sizeof r->last_error);
        mlc_log_warn(r->opt.log, "xref", "the rebuild of the cross-reference ended early",
                     MLC_S("tenant", r->opt.tenant),
                     MLC_S("table", tables[r->table < TABLES ? r->table : 0].set),
                     MLC_S("error", err->message));
        return;
    }
    mlc_log_info(r->opt.log, "xref", "cross-reference rebuilt", MLC_S("tenant", r->opt.tenant),
                 MLC_I("rows", r->rows), MLC_I("links", r->links), MLC_I("forgotten", r->forgotten));
}

/* ---- what a row says ---- */

/* "JDE/..", or "" when the row came from nowhere that we know. */
static void source_of(const mlc_xref_rebuild *r, const cJSON *row, char out[MLC_CROSSREF_ID_MAX + 1])
{
    char name[96];
    const char *values[3];
    static const char *const columns[] = {"jdeordernumber", "jdeordertype", "jdeordercompany"};
    out[0] = '\0';
    if (!tables[r->table].is_order) {
        (void)snprintf(name, sizeof name, "%.60ssourcerecordid", r->opt.prefix);
        const char *const source = mlc_json_str(row, name);
        if (source != NULL)
            (void)snprintf(out, MLC_CROSSREF_ID_MAX + 1, "%s", source);
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(name, sizeof name, "%.60s%s", r->opt.prefix, columns[i]);
        values[i] = mlc_json_str(row, name);
    }
    if (values[0] != NULL)
        (void)snprintf(out, MLC_CROSSREF_ID_MAX + 1, "JDE/F4201/%.30s %.14s %.14s", values[0],
                       values[1] != NULL ? values[1] : "", values[2] != NULL ? values[2] : "");
}

static mlc_code store_page(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_xref_rebuild *const r = arg;
    char source[MLC_CROSSREF_ID_MAX + 1];
    char target[128];
    const cJSON *row = NULL;
    const int64_t now = mlc_wall_ms();
    mlc_code code = MLC_OK;
    r->linked = 0;
    cJSON_ArrayForEach(row, r->page)
    {
        const char *const id = mlc_json_str(row, tables[r->table].id);
        source_of(r, row, source);
        (void)snprintf(target, sizeof target, "%s%.50s", r->prefix, id != NULL ? id : "");
        /* Ids that people or other programs wrote are none of ours. */
        if (mlc_crossref_check(source, NULL) != MLC_OK || mlc_crossref_check(target, NULL) != MLC_OK)
            continue;
        code = mlc_crossref_put(txn, source, target, NULL, now, err);
        if (code != MLC_OK)
            return code;
        r->linked++;
    }
    return MLC_OK;
}

/* ---- the steps ---- */

static void begin_table(mlc_xref_rebuild *r);
static void submit(mlc_xref_rebuild *r, mlc_job_fn fn, mlc_job_done_fn done);
static void ask(mlc_xref_rebuild *r, const char *path);

static bool goes_on(mlc_xref_rebuild *r, mlc_code code, const mlc_error *err)
{
    mlc_error closing;
    if (code == MLC_OK && !r->stopping)
        return true;
    (void)mlc_fail(&closing, MLC_E_CLOSED, "the program was stopped; begin it again");
    run_end(r, code != MLC_OK ? err : &closing);
    return false;
}

static mlc_code tell(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_xref_rebuild *const r = arg;
    char detail[160];
    (void)snprintf(detail, sizeof detail, "%" PRIu64 " rows read, %" PRIu64 " links, %" PRIu64 " forgotten",
                   r->rows, r->links, r->forgotten);
    const mlc_audit_event event = {.at_ms = mlc_wall_ms(),
                                   .actor = r->actor,
                                   .action = "cross-reference rebuilt",
                                   .tenant = r->opt.tenant,
                                   .outcome = "ok",
                                   .detail = detail};
    return mlc_audit_append(txn, &event, NULL, err);
}

static void on_told(void *arg, mlc_code code, const mlc_error *err)
{
    run_end(arg, code == MLC_OK ? NULL : err);
}

static mlc_code sweep(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_xref_rebuild *const r = arg;
    r->swept = r->sweep;
    return mlc_crossref_sweep_run(txn, &r->swept, err);
}

static void on_swept(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_xref_rebuild *const r = arg;
    if (!goes_on(r, code, err))
        return;
    r->sweep = r->swept;
    if (!r->sweep.over) {
        submit(r, sweep, on_swept);
        return;
    }
    r->forgotten += r->sweep.forgotten;
    r->table++;
    begin_table(r);
}

static void on_stored(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_xref_rebuild *const r = arg;
    if (!goes_on(r, code, err))
        return;
    r->links += r->linked;
    r->rows += (uint64_t)cJSON_GetArraySize(r->page);
    cJSON_Delete(r->page);
    r->page = NULL;
    char *const next = r->next;
    r->next = NULL;
    if (next != NULL) {
        ask(r, next);
        free(next);
        return;
    }
    r->sweep = (mlc_crossref_sweep){.prefix = r->prefix, .before_ms = r->began_ms, .max = SWEEP_AT_ONCE};
    submit(r, sweep, on_swept);
}

static void submit(mlc_xref_rebuild *r, mlc_job_fn fn, mlc_job_done_fn done)
{
    mlc_error err;
    if (mlc_store_submit(r->opt.store, fn, done, r, &err) != MLC_OK)
        run_end(r, &err);
}

static void on_page(void *user, const mlc_odata_answer *answer)
{
    mlc_xref_rebuild *const r = user;
    mlc_error err;
    if (!goes_on(r, answer->code, &answer->err))
        return;
    r->page = cJSON_Duplicate(mlc_json_get(answer->body, "value"), true);
    r->next = mlc_strdup(mlc_json_str(answer->body, "@odata.nextLink"));
    if (r->page == NULL || !cJSON_IsArray(r->page)) {
        (void)mlc_fail(&err, MLC_E_PROTOCOL, "Dynamics answered a list of %s without \"value\"",
                       tables[r->table].set);
        run_end(r, &err);
        return;
    }
    submit(r, store_page, on_stored);
}

static void ask(mlc_xref_rebuild *r, const char *path)
{
    mlc_error err;
    char prefer[64];
    (void)snprintf(prefer, sizeof prefer, "odata.maxpagesize=%u",
                   r->opt.page_size > 0 ? r->opt.page_size : PAGE_SIZE);
    const mlc_odata_request request = {.method = "GET", .path = path, .prefer = prefer};
    if (mlc_odata_send(r->opt.odata, &request, on_page, r, &err) != MLC_OK)
        run_end(r, &err);
}

static void begin_table(mlc_xref_rebuild *r)
{
    char path[512];
    const char *const p = r->opt.prefix;
    if (r->table == TABLES) {
        submit(r, tell, on_told);
        return;
    }
    const struct table_row *const t = &tables[r->table];
    (void)snprintf(r->prefix, sizeof r->prefix, "Dynamics/%s/", t->set);
    if (t->is_order)
        (void)snprintf(path, sizeof path,
                       "%s?$select=%s,%.60sjdeordernumber,%.60sjdeordertype,%.60sjdeordercompany"
                       "&$filter=%.60sjdeordernumber%%20ne%%20null",
                       t->set, t->id, p, p, p, p);
    else
        (void)snprintf(path, sizeof path,
                       "%s?$select=%s,%.60ssourcerecordid&$filter=%.60ssourcerecordid%%20ne%%20null", t->set,
                       t->id, p, p);
    ask(r, path);
}

/* ---- life ---- */

mlc_code mlc_xref_rebuild_open(mlc_xref_rebuild **out, const mlc_xref_rebuild_options *options,
                               mlc_error *err)
{
    mlc_xref_rebuild *const r = calloc(1, sizeof *r);
    if (r == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the cross-reference");
    r->opt = *options;
    *out = r;
    return MLC_OK;
}

mlc_code mlc_xref_rebuild_start(mlc_xref_rebuild *rebuild, const char *actor, mlc_error *err)
{
    if (rebuild->stopping)
        return mlc_fail(err, MLC_E_CLOSED, "the program is shutting down");
    if (rebuild->running)
        return mlc_fail(err, MLC_E_CONFLICT, "the cross-reference is being rebuilt already");
    rebuild->running = true;
    rebuild->table = 0;
    rebuild->began_ms = mlc_wall_ms();
    rebuild->rows = 0;
    rebuild->links = 0;
    rebuild->forgotten = 0;
    rebuild->last_error[0] = '\0';
    mlc_strlcpy(rebuild->actor, actor, sizeof rebuild->actor);
    begin_table(rebuild);
    return MLC_OK;
}

void mlc_xref_rebuild_stop(mlc_xref_rebuild *rebuild)
{
    rebuild->stopping = true;
}

void mlc_xref_rebuild_close(mlc_xref_rebuild *rebuild)
{
    if (rebuild == NULL)
        return;
    cJSON_Delete(rebuild->page);
    free(rebuild->next);
    free(rebuild);
}

void mlc_xref_rebuild_status(const mlc_xref_rebuild *rebuild, cJSON *out)
{
    const size_t table = rebuild->table < TABLES ? rebuild->table : TABLES - 1;
    (void)mlc_json_add_bool(out, "running", rebuild->running, NULL);
    (void)mlc_json_add_str(out, "table", rebuild->running ? tables[table].set : NULL, NULL);
    (void)mlc_json_add_int(out, "rows", (int64_t)rebuild->rows, NULL);
    (void)mlc_json_add_int(out, "links", (int64_t)rebuild->links, NULL);
    (void)mlc_json_add_int(out, "forgotten", (int64_t)rebuild->forgotten, NULL);
    (void)mlc_json_add_str(out, "lastError", rebuild->last_error, NULL);
}
