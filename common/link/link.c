/* link.c - a link's status and the life of what its jobs need. */
#include "link/engine_private.h"

#include "base/clock.h"

#include <stdlib.h>

mlc_code mlc_link_open(mlc_link **out, const mlc_link_binding *binding, const char *actor, const char *peer,
                       mlc_log *log, mlc_error *err)
{
    *out = NULL;
    mlc_link *link = calloc(1, sizeof(*link));
    char *in_name = mlc_strdup(binding->in_name);
    if (link == NULL || in_name == NULL) {
        free(link);
        free(in_name);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a link");
    }
    link->binding = *binding;
    link->in_name = in_name;
    link->log = log;
    link->status.since_ms = mlc_wall_ms();
    mlc_strlcpy(link->actor, actor, sizeof(link->actor));
    mlc_strlcpy(link->status.peer, peer, sizeof(link->status.peer));
    *out = link;
    return MLC_OK;
}

static void release(mlc_link *link)
{
    free(link->in_name);
    free(link);
}

static mlc_code do_nothing(mlc_txn *txn, void *arg, mlc_error *err)
{
    (void)txn;
    (void)arg;
    (void)err;
    return MLC_OK;
}

void mlc_link_close(mlc_link *link)
{
    if (link == NULL)
        return;
    link->closed = true;
    if (link->jobs == 0) {
        release(link);
        return;
    }
    /* Jobs run in order: when this one is done, none of ours will touch the binding any more. The last
     * completion frees the link. */
    mlc_error err = {0};
    const mlc_code code = mlc_store_run(link->binding.store, do_nothing, NULL, &err);
    if (code != MLC_OK)
        mlc_log_warn(link->log, "link", "waiting for the store failed", MLC_S("error", err.message));
}

void link_job_begin(mlc_link *link)
{
    link->jobs++;
}

bool link_job_end(mlc_link *link)
{
    link->jobs--;
    if (!link->closed)
        return true;
    if (link->jobs == 0)
        release(link);
    return false;
}

void mlc_link_status_get(const mlc_link *link, mlc_link_status *out)
{
    *out = link->status;
}

void mlc_link_up(mlc_link *link, const char *why)
{
    if (link->status.up)
        return;
    if (link->ever_up)
        link->status.reconnects++;
    link->ever_up = true;
    link->told_down = false;
    link->status.up = true;
    link->status.since_ms = mlc_wall_ms();
    if (link->binding.on_state != NULL)
        link->binding.on_state(link->binding.user, true, why);
}

void mlc_link_down(mlc_link *link, const char *why)
{
    if (link->status.up)
        link->status.since_ms = mlc_wall_ms();
    mlc_strlcpy(link->status.last_error, why, sizeof(link->status.last_error));
    link->status.up = false;
    /* One word about it is enough until it is up again: attempts go on for hours. */
    if (link->told_down)
        return;
    link->told_down = true;
    if (link->binding.on_state != NULL)
        link->binding.on_state(link->binding.user, false, why);
}
