/* upkeep.c - see upkeep.h. */
#include "deliver/upkeep.h"

#include "base/clock.h"
#include "net/timer.h"
#include "store/inbox.h"

#include <stdlib.h>

enum { WORK_MAX = 500, SOON_MS = 50, INTERVAL_MS = 60000 };

struct mlc_upkeep {
    mlc_upkeep_options opt;
    mlc_timer *timer;
    bool busy;
    size_t pruned; /* by the last job */
    int64_t now_ms;
};

static mlc_code prune(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_upkeep *const u = arg;
    size_t count = 0;
    mlc_code code = MLC_OK;
    u->pruned = 0;
    for (size_t i = 0; code == MLC_OK && i < u->opt.stream_count; i++) {
        code = mlc_outbox_prune(txn, u->opt.streams[i], u->now_ms, WORK_MAX, &count, err);
        u->pruned += count;
    }
    if (code == MLC_OK) {
        code = mlc_inbox_prune(txn, u->now_ms - u->opt.keep_inbox_ms, WORK_MAX, &count, err);
        u->pruned += count;
    }
    return code;
}

static void on_pruned(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_upkeep *const u = arg;
    u->busy = false;
    if (code != MLC_OK)
        mlc_log_warn(u->opt.log, "upkeep", "pruning failed, will be tried again",
                     MLC_S("error", err->message));
    mlc_timer_start(u->timer, code == MLC_OK && u->pruned >= WORK_MAX ? SOON_MS : u->opt.interval_ms, 0);
}

static void on_timer(void *arg)
{
    mlc_upkeep *const u = arg;
    mlc_error err;
    if (u->busy)
        return;
    u->now_ms = mlc_wall_ms();
    u->busy = mlc_store_submit(u->opt.store, prune, on_pruned, u, &err) == MLC_OK;
}

mlc_code mlc_upkeep_open(mlc_upkeep **out, const mlc_upkeep_options *options, mlc_error *err)
{
    mlc_upkeep *const u = calloc(1, sizeof *u);
    if (u == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for upkeep");
    u->opt = *options;
    if (u->opt.interval_ms <= 0)
        u->opt.interval_ms = INTERVAL_MS;
    if (u->opt.keep_inbox_ms <= 0)
        u->opt.keep_inbox_ms = (int64_t)30 * 24 * 3600 * 1000;
    const mlc_code code = mlc_timer_open(&u->timer, u->opt.loop, on_timer, u, err);
    if (code != MLC_OK) {
        free(u);
        return code;
    }
    mlc_timer_start(u->timer, u->opt.interval_ms, 0);
    *out = u;
    return MLC_OK;
}

void mlc_upkeep_close(mlc_upkeep *upkeep)
{
    if (upkeep == NULL)
        return;
    mlc_timer_close(upkeep->timer);
    free(upkeep);
}
