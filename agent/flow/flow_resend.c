/* flow_resend.c - see flow_run.h: records that are sent once more, a portion at a time: keys -> rows -> records -> store. */
#include "agent/flow/flow_run_private.h"

#include "agent/flow/flow_scan.h"
#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

enum { PORTION = 200, PORTION_OF_MANY = 20 /* leads that stand for many records each */ };

void flow_resend_clear(mlc_flow_run *run)
{
    mlc_flow_data_clear(&run->resend.data);
    mlc_flow_page_clear(&run->resend.page);
}

static void end(mlc_flow_run *run, mlc_code code, const mlc_error *err)
{
    flow_resend *const resend = &run->resend;
    mlc_error closed;
    flow_resend_clear(run);
    resend->active = false;
    resend->ids = NULL;
    if (run->stopping) {
        code = mlc_fail(&closed, MLC_E_CLOSED, "the agent is stopping");
        err = &closed;
    }
    resend->done(resend->user, code, err);
    if (run->start_after && !run->stopping) {
        run->start_after = false;
        mlc_flow_run_start(run);
    }
}

static void next_portion(mlc_flow_run *run);

/* ---- storing ---- */

static mlc_code store_page(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_flow_run *const run = arg;
    return mlc_flow_page_store(txn, &run->resend.page, err);
}

static void on_stored(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_flow_run *const run = arg;
    flow_resend *const resend = &run->resend;
    if (code != MLC_OK) {
        end(run, code, err);
        return;
    }
    run->emission = resend->page.emission;
    run->status.enqueued += resend->page.enqueued;
    run->status.gone += resend->page.gone;
    mlc_log_info(run->opt.log, "flow", "records sent once more", MLC_S("flow", run->opt.spec->name),
                 MLC_I("records", resend->page.enqueued), MLC_I("gone", resend->page.gone));
    if (resend->page.enqueued > 0 && run->opt.on_enqueued != NULL)
        run->opt.on_enqueued(run->opt.enqueued_user);
    flow_resend_clear(run);
    resend->at += resend->portion;
    next_portion(run);
}

/* ---- making ---- */

/* The key of an id, as the rows have it: ids have no blanks around their values. False: there is no such row. */
static bool find_key(const flow_resend *resend, const char *id, char key[MLC_POLL_KEY_MAX])
{
    char text[MLC_POLL_KEY_MAX];
    const mlc_flow_rows *const lead = &resend->data.parts[0];
    for (size_t i = 0; i < lead->count; i++) {
        mlc_flow_id(lead->at[i].key, text);
        if (strcmp(text, id) != 0)
            continue;
        mlc_strlcpy(key, lead->at[i].key, MLC_POLL_KEY_MAX);
        return true;
    }
    mlc_strlcpy(key, id, MLC_POLL_KEY_MAX);
    for (char *p = key; *p != '\0'; p++)
        if (*p == '/')
            *p = MLC_POLL_KEY_SEPARATOR;
    return false;
}

static size_t portion_of(const flow_resend *resend)
{
    const size_t left = resend->count - resend->at;
    return left < resend->portion ? left : resend->portion;
}

static mlc_code make_page(mlc_flow_run *run, mlc_error *err)
{
    flow_resend *const resend = &run->resend;
    mlc_flow_page *const page = &resend->page;
    const size_t count = portion_of(resend);
    const mlc_flow_record_maker maker = {.ais = run->opt.ais,
                                         .spec = run->opt.spec,
                                         .settings = &run->opt.settings,
                                         .data = &resend->data,
                                         .today = run->today};
    mlc_code code = MLC_OK;
    *page = (mlc_flow_page){.tenant = run->opt.tenant,
                            .spec = run->opt.spec,
                            .table = "compare",
                            .up = run->opt.up,
                            .now_ms = mlc_wall_ms(),
                            .emission = run->emission};
    page->items = calloc(count + 1, sizeof *page->items);
    if (page->items == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a page of %zu records", count);
    for (size_t i = 0; code == MLC_OK && i < count; i++) {
        char key[MLC_POLL_KEY_MAX];
        const mlc_resend_id *const id = &resend->ids[resend->at + i];
        const bool there = find_key(resend, id->id, key);
        mlc_flow_item *const item = &page->items[i];
        code = mlc_flow_page_add(page, &maker, key, err);
        item->anyway = true;
        item->wanted = id->known || !there;
    }
    return code;
}

static void on_parts(void *user, mlc_code code, const mlc_error *why)
{
    mlc_flow_run *const run = user;
    mlc_error err;
    if (code != MLC_OK)
        err = *why;
    else if ((code = make_page(run, &err)) == MLC_OK)
        code = mlc_store_submit(run->opt.store, store_page, on_stored, run, &err);
    if (code != MLC_OK)
        end(run, code, &err);
}

/* ---- reading ---- */

static mlc_code take_keys(flow_resend *resend, size_t key_count, mlc_error *err)
{
    mlc_flow_keys *const keys = &resend->data.keys;
    const size_t count = portion_of(resend);
    const mlc_code code = mlc_flow_keys_reserve(keys, count, err);
    if (code != MLC_OK)
        return code;
    keys->expand = key_count > 1;
    for (size_t i = 0; i < count; i++) {
        char key[MLC_POLL_KEY_MAX];
        mlc_strlcpy(key, resend->ids[resend->at + i].id, sizeof key);
        if (keys->expand)
            key[strcspn(key, "/")] = '\0';
        mlc_flow_keys_add(keys, key);
    }
    mlc_flow_keys_close(keys);
    return MLC_OK;
}

static void next_portion(mlc_flow_run *run)
{
    flow_resend *const resend = &run->resend;
    mlc_error err;
    mlc_error_clear(&err);
    if (run->stopping || resend->at >= resend->count) {
        end(run, MLC_OK, &err);
        return;
    }
    const mlc_flow_read read = {.ais = run->opt.ais,
                                .spec = run->opt.spec,
                                .settings = &run->opt.settings,
                                .data = &resend->data,
                                .done = on_parts,
                                .user = run};
    mlc_code code = take_keys(resend, mlc_flow_key_count(run->opt.spec), &err);
    if (code == MLC_OK)
        code = mlc_flow_read_start(&read, &err);
    if (code != MLC_OK)
        end(run, code, &err);
}

static void on_ready(void *user, mlc_code code, const mlc_error *err)
{
    mlc_flow_run *const run = user;
    if (code != MLC_OK) {
        end(run, code, err);
        return;
    }
    run->today = mlc_flow_today(run->opt.ais, run->opt.zone);
    next_portion(run);
}

void flow_resend_stop(mlc_flow_run *run)
{
    mlc_error none;
    mlc_error_clear(&none);
    /* One that is active ends by itself when AIS is closed and the store has done its jobs. */
    if (run->resend.ids != NULL && !run->resend.active)
        end(run, MLC_OK, &none);
}

void flow_resend_begin(mlc_flow_run *run)
{
    flow_resend *const resend = &run->resend;
    mlc_error err;
    if (resend->ids == NULL || resend->active || run->running || run->stopping)
        return;
    resend->active = true;
    const mlc_code code = mlc_ais_clock(run->opt.ais, on_ready, run, &err);
    if (code != MLC_OK)
        end(run, code, &err);
}

mlc_code mlc_flow_run_resend(mlc_flow_run *run, const mlc_resend_id *ids, size_t count,
                             void (*done)(void *user, mlc_code code, const mlc_error *err), void *user,
                             mlc_error *err)
{
    flow_resend *const resend = &run->resend;
    if (resend->ids != NULL)
        return mlc_fail(err, MLC_E_CONFLICT, "flow %s is sending other records once more",
                        run->opt.spec->name);
    *resend = (flow_resend){.ids = ids,
                            .count = count,
                            .portion = mlc_flow_key_count(run->opt.spec) > 1 ? PORTION_OF_MANY : PORTION,
                            .done = done,
                            .user = user};
    flow_resend_begin(run);
    return MLC_OK;
}
