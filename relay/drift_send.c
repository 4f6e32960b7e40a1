/* drift_send.c - see drift_private.h: messages to the agent, and what is done about a difference. */
#include "relay/drift_private.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages to the agent ---- */

typedef struct message_job {
    mlc_drift *drift;
    mlc_buf payload;
    const char *kind;
    char key[128];
} message_job;

static mlc_code store_message(mlc_txn *txn, void *arg, mlc_error *err)
{
    const message_job *const job = arg;
    const mlc_entry_new entry = {.tenant = job->drift->opt.tenant,
                                 .key = job->key,
                                 .idem = job->key,
                                 .kind = job->kind,
                                 .correlation = job->key,
                                 .payload = job->payload.data,
                                 .payload_len = job->payload.len,
                                 .now_ms = mlc_wall_ms()};
    return mlc_outbox_put(txn, job->drift->opt.down, &entry, NULL, NULL, err);
}

static void on_message_stored(void *arg, mlc_code code, const mlc_error *err)
{
    message_job *const job = arg;
    mlc_drift *const drift = job->drift;
    mlc_buf_free(&job->payload);
    free(job);
    if (drift->stopping)
        return;
    if (code == MLC_OK)
        drift->opt.on_down(drift->opt.user);
    else
        drift_end(drift, err);
}

mlc_code drift_send(mlc_drift *drift, const char *kind, const char *key, mlc_buf *payload, mlc_error *err)
{
    message_job *const job = calloc(1, sizeof *job);
    if (job == NULL) {
        mlc_buf_free(payload);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a comparison");
    }
    job->drift = drift;
    job->kind = kind;
    job->payload = *payload;
    *payload = (mlc_buf){0};
    mlc_strlcpy(job->key, key, sizeof job->key);
    const mlc_code code = mlc_store_submit(drift->opt.store, store_message, on_message_stored, job, err);
    if (code != MLC_OK) {
        mlc_buf_free(&job->payload);
        free(job);
    }
    return code;
}

/* ---- what was found ---- */

void drift_note(mlc_drift *drift, drift_kind *kind, const drift_find *find)
{
    kind->found[find->what]++;
    if (kind->sample_count < DRIFT_SAMPLES)
        kind->samples[kind->sample_count++] = *find;
    if (drift->dry)
        return;
    if (find->what != DRIFT_EXTRA)
        drift_finds_add(&kind->heal, find->id, find->what, find->known);
    else if (++kind->gone_count <= drift->opt.max_gone)
        drift_finds_add(&kind->gone, find->id, find->what, find->known);
}

static mlc_code send_ids(mlc_drift *drift, const drift_kind *kind, const drift_find *finds, size_t count,
                         mlc_error *err)
{
    mlc_resend_request request = {.id_count = count, .ids = calloc(count, sizeof *request.ids)};
    mlc_buf payload = {0};
    char key[128];
    if (request.ids == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a comparison");
    mlc_strlcpy(request.run, drift->run, sizeof request.run);
    mlc_strlcpy(request.of, kind->kind, sizeof request.of);
    for (size_t i = 0; i < count; i++) {
        mlc_strlcpy(request.ids[i].id, finds[i].id, sizeof request.ids[i].id);
        request.ids[i].known = finds[i].known;
    }
    (void)snprintf(key, sizeof key, "resend/%s/%s/%" PRIu64, drift->run, kind->kind, ++drift->messages);
    mlc_code code = mlc_resend_print(&request, &payload, err);
    mlc_resend_free(&request);
    if (code == MLC_OK)
        code = drift_send(drift, MLC_RESEND_KIND, key, &payload, err);
    mlc_buf_free(&payload);
    return code;
}

static mlc_code send_finds(mlc_drift *drift, drift_kind *kind, drift_finds *finds, size_t least,
                           mlc_error *err)
{
    size_t at = 0;
    mlc_code code = MLC_OK;
    while (code == MLC_OK && at < finds->count && finds->count - at >= least) {
        const size_t left = finds->count - at;
        const size_t count = left < MLC_COMPARE_RESEND_MAX ? left : MLC_COMPARE_RESEND_MAX;
        code = send_ids(drift, kind, finds->at + at, count, err);
        at += count;
        kind->sent_again += code == MLC_OK ? count : 0;
    }
    if (at > 0) {
        memmove(finds->at, finds->at + at, (finds->count - at) * sizeof *finds->at);
        finds->count -= at;
    }
    return code;
}

bool drift_heal(mlc_drift *drift, drift_kind *kind, bool last)
{
    mlc_error err;
    mlc_code code = send_finds(drift, kind, &kind->heal, last ? 1 : MLC_COMPARE_RESEND_MAX, &err);
    if (code == MLC_OK && last && kind->gone_count <= drift->opt.max_gone)
        code = send_finds(drift, kind, &kind->gone, 1, &err);
    else if (code == MLC_OK && last && kind->gone.count > 0) {
        mlc_log_warn(
            drift->opt.log, "compare",
            "so many records are gone from JDE at once that none is deactivated; see compare.max_gone",
            MLC_S("tenant", drift->opt.tenant), MLC_S("kind", kind->kind),
            MLC_I("records", kind->gone_count));
        kind->held = kind->gone_count;
    }
    if (code == MLC_OK && kind->heal.code != MLC_OK)
        code = mlc_fail(&err, kind->heal.code, "no memory for a comparison");
    if (code != MLC_OK)
        drift_end(drift, &err);
    return code == MLC_OK;
}
