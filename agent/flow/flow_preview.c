/* flow_preview.c - a preview of a flow: a run that tells its records instead of storing them (flow_set.h, flow_run.h). */
#include "agent/flow/flow_run_private.h"
#include "agent/flow/flow_set_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- a page ---- */

static mlc_code preview_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_flow_run *const run = arg;
    return mlc_flow_page_preview(txn, &run->page, err);
}

void flow_preview_page(mlc_flow_run *run)
{
    mlc_error err;
    if (mlc_store_read(run->opt.store, preview_job, run, &err) != MLC_OK) {
        flow_failed(run, &err);
        return;
    }
    for (size_t i = 0; i < run->page.count; i++) {
        if (run->opt.on_item(run->opt.user, &run->page.items[i]))
            continue;
        mlc_error_clear(&err);
        flow_end(run, MLC_FLOW_PAUSED, &err);
        return;
    }
    flow_page_over(run);
}

/* ---- the preview under way ---- */

struct flow_preview {
    mlc_flow_set *set;
    mlc_flow_preview want;
    mlc_flow_run *run;
    mlc_timer *timer; /* the run is closed from it, not from its own callback */
    char **ids;
    mlc_error end; /* code MLC_OK: ended well */
};

static void free_preview(struct flow_preview *p)
{
    mlc_flow_run_close(p->run);
    mlc_timer_close(p->timer);
    for (size_t i = 0; p->ids != NULL && i < p->want.id_count; i++)
        free(p->ids[i]);
    free((void *)p->ids);
    free(p);
}

static void on_over(void *arg)
{
    struct flow_preview *const p = arg;
    const mlc_flow_preview want = p->want;
    const mlc_error end = p->end;
    p->set->preview = NULL;
    free_preview(p);
    want.on_end(want.user, end.code, &end);
}

static void on_run_end(void *user, mlc_flow_end end, const mlc_error *err)
{
    struct flow_preview *const p = user;
    mlc_error_clear(&p->end);
    if (end == MLC_FLOW_FAILED)
        p->end = *err;
    mlc_timer_start(p->timer, 0, 0);
}

static bool on_run_item(void *user, const mlc_flow_item *item)
{
    const struct flow_preview *const p = user;
    return p->want.on_item(p->want.user, item);
}

static mlc_code copy_ids(struct flow_preview *p, mlc_error *err)
{
    p->ids = calloc(p->want.id_count + 1, sizeof(char *));
    if (p->ids == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a preview");
    for (size_t i = 0; i < p->want.id_count; i++) {
        p->ids[i] = mlc_strdup(p->want.ids[i]);
        if (p->ids[i] == NULL)
            return mlc_fail(err, MLC_E_NOMEM, "no memory for a preview");
    }
    p->want.ids = NULL; /* the caller's */
    return MLC_OK;
}

static mlc_code open_run(struct flow_preview *p, const mlc_flow_plan *plan, mlc_error *err)
{
    const mlc_flow_set_options *const o = &p->set->opt;
    const mlc_flow_run_options options = {.loop = o->loop,
                                          .store = o->store,
                                          .up = o->up,
                                          .ais = o->ais,
                                          .log = o->log,
                                          .zone = o->jde_zone,
                                          .tenant = o->tenant,
                                          .spec = plan->spec,
                                          .settings = plan->settings,
                                          .overlap_ms = plan->overlap_ms,
                                          .page_size = plan->page_size,
                                          .on_end = on_run_end,
                                          .on_item = on_run_item,
                                          .ids = (const char *const *)p->ids,
                                          .id_count = p->want.id_count,
                                          .user = p};
    return mlc_flow_run_open(&p->run, &options, err);
}

mlc_code mlc_flow_set_preview(mlc_flow_set *set, const mlc_flow_preview *preview, mlc_error *err)
{
    flow_entry *flow = NULL;
    mlc_code code = flow_find(set, preview->name, &flow, err);
    if (code != MLC_OK)
        return code;
    if (set->preview != NULL || set->stopping)
        return mlc_fail(err, MLC_E_CONFLICT, "another dry run is under way; try again when it is over");
    struct flow_preview *const p = calloc(1, sizeof *p);
    if (p == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a preview");
    p->set = set;
    p->want = *preview;
    code = copy_ids(p, err);
    if (code == MLC_OK)
        code = mlc_timer_open(&p->timer, set->opt.loop, on_over, p, err);
    if (code == MLC_OK)
        code = open_run(p, &flow->plan, err);
    if (code != MLC_OK) {
        free_preview(p);
        return code;
    }
    set->preview = p;
    mlc_flow_run_start(p->run);
    return MLC_OK;
}

void flow_preview_stop(mlc_flow_set *set)
{
    if (set->preview == NULL)
        return;
    mlc_timer_stop(set->preview->timer);
    mlc_flow_run_stop(set->preview->run);
}

void flow_preview_close(mlc_flow_set *set)
{
    if (set->preview != NULL)
        free_preview(set->preview);
    set->preview = NULL;
}
