/* upkeep.c - see upkeep.h. */
#include "deliver/upkeep.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "net/timer.h"
#include "store/inbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORK_MAX = 500, SOON_MS = 50, INTERVAL_MS = 60000, HEAD_EVERY_MS = 3600 * 1000 };

struct mlc_upkeep {
    mlc_upkeep_options opt;
    mlc_timer *timer;
    bool busy;
    int64_t now_ms;
    uint64_t told;   /* index of the head that was logged last */
    int64_t told_ms; /* when; 0: never */
    char name[64];
    /* of the last job */
    size_t pruned;
    bool more; /* segments were closed or removed */
    mlc_audit_head head;
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
    if (code == MLC_OK)
        code = mlc_audit_rotate(txn, &u->opt.audit, u->now_ms, &u->more, err);
    return code == MLC_OK ? mlc_audit_head_get(txn, &u->head, err) : code;
}

/* A copy of the head in the log proves later that the trail was not cut or written anew (store/audit.h). */
static void tell_head(mlc_upkeep *u)
{
    char head[24 + 2 * MLC_AUDIT_HASH_LEN];
    char hash[2 * MLC_AUDIT_HASH_LEN + 1];
    const bool due = u->told_ms == 0 || u->more || u->now_ms - u->told_ms >= HEAD_EVERY_MS;
    if (u->head.index == 0 || u->head.index == u->told || !due)
        return;
    mlc_hex(u->head.hash, MLC_AUDIT_HASH_LEN, hash);
    (void)snprintf(head, sizeof head, "%" PRIu64 ":%s", u->head.index, hash);
    mlc_log_info(u->opt.log, "audit", "head of the audit trail", MLC_S("store", u->name),
                 MLC_S("head", head));
    u->told = u->head.index;
    u->told_ms = u->now_ms;
}

static void on_pruned(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_upkeep *const u = arg;
    u->busy = false;
    if (code != MLC_OK)
        mlc_log_warn(u->opt.log, "upkeep", "pruning failed, will be tried again",
                     MLC_S("error", err->message));
    else
        tell_head(u);
    const bool more = code == MLC_OK && (u->pruned >= WORK_MAX || u->more);
    mlc_timer_start(u->timer, more ? SOON_MS : u->opt.interval_ms, 0);
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
    mlc_strlcpy(u->name, options->name != NULL ? options->name : "", sizeof u->name);
    mlc_timer_start(u->timer, SOON_MS, 0);
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
