/* engine_rx.c - receiving: messages wait in order and are stored bunch by bunch, one job at a time.
 *
 * The job stops at the first message that is refused or cannot be stored, and changes nothing (accept may
 * have written half of it). A refused message is marked, and what came before goes again together with the
 * mark; before a message that cannot be stored now, the rest is stored, then the peer is asked to wait.
 */
#include "link/engine_private.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "net/backoff.h"
#include "store/inbox.h"

#include <stdlib.h>
#include <string.h>

struct link_rx_job {
    mlc_link *link;
    mlc_engine *engine;  /* NULL when the connection is gone */
    mlc_position stream; /* identity; seq: what must be stored already */
    link_item *items;
    size_t count;
    bool busy_after; /* the item after these could not be stored */
    mlc_error busy;
    /* results of a run */
    size_t bad;   /* index of the item that stopped it */
    size_t fresh; /* messages that were new */
};

/* ---- messages ---- */

static char *put_text(char *at, mlc_text text)
{
    memcpy(at, text.at, text.len);
    at[text.len] = '\0';
    return at + text.len + 1;
}

static link_item *copy_message(const mlc_message *m)
{
    const size_t texts = m->idem.len + m->key.len + m->kind.len + m->correlation.len + 4;
    link_item *item = malloc(sizeof(*item) + texts + m->payload_len + 1);
    if (item == NULL)
        return NULL;
    *item = (link_item){.seq = m->seq, .created_ms = m->created_ms, .payload_len = m->payload_len};
    char *at = item->bytes;
    item->idem = at;
    item->key = at = put_text(at, m->idem);
    item->kind = at = put_text(at, m->key);
    item->correlation = at = put_text(at, m->kind);
    at = put_text(at, m->correlation);
    item->payload = at;
    memcpy(at, m->payload, m->payload_len);
    at[m->payload_len] = '\0'; /* a payload that is text can be read as such */
    return item;
}

static void free_items(link_item *item)
{
    while (item != NULL) {
        link_item *next = item->next;
        free(item->refusal_text);
        free(item);
        item = next;
    }
}

void engine_on_message(mlc_engine *e, const mlc_message *message)
{
    link_item *item = copy_message(message);
    if (item == NULL) {
        engine_fail(e, &(mlc_error){.code = MLC_E_NOMEM, .message = "no memory for a message"});
        return;
    }
    *e->waiting.end = item;
    e->waiting.end = &item->next;
    e->waiting.count++;
}

/* Put a chain back in front of what waits. */
static void put_back(mlc_engine *e, link_item *items, size_t count)
{
    if (items == NULL)
        return;
    link_item *last = items;
    while (last->next != NULL)
        last = last->next;
    last->next = e->waiting.first;
    if (e->waiting.first == NULL)
        e->waiting.end = &last->next;
    e->waiting.first = items;
    e->waiting.count += count;
}

static void drop_waiting(mlc_engine *e)
{
    free_items(e->waiting.first);
    e->waiting = (link_items){.end = &e->waiting.first};
}

/* ---- the job (writer thread) ---- */

static unsigned refusal_of(mlc_code code)
{
    if (code == MLC_E_REJECTED)
        return MLC_REFUSAL_REJECTED;
    return code == MLC_E_INVALID ? MLC_REFUSAL_INVALID : 0;
}

static mlc_code store_item(mlc_txn *txn, link_rx_job *job, const link_item *item, int64_t now, mlc_error *err)
{
    const mlc_link_binding *b = &job->link->binding;
    const char *source = job->link->in_name;
    const void *answer = NULL;
    size_t len = 0;
    if (item->refusal != 0)
        return link_refusal_put(txn, source, &job->stream, item->seq, item->refusal, item->refusal_text, err);
    mlc_code code = mlc_inbox_get(txn, source, item->idem, &answer, &len, err);
    if (code != MLC_E_NOTFOUND)
        return code;
    const mlc_entry_new entry = {.tenant = "",
                                 .key = item->key,
                                 .idem = item->idem,
                                 .kind = item->kind,
                                 .correlation = item->correlation,
                                 .payload = item->payload,
                                 .payload_len = item->payload_len,
                                 .now_ms = item->created_ms};
    mlc_error_clear(err);
    code = b->accept(txn, &entry, b->user, err);
    if (code == MLC_OK)
        code = mlc_inbox_put(txn, source, item->idem, "", 0, now, err);
    if (code == MLC_OK)
        job->fresh++;
    return code;
}

static mlc_code put_position(mlc_txn *txn, const link_rx_job *job, const link_item *last, mlc_error *err)
{
    mlc_position position = job->stream;
    position.seq = last->seq;
    const mlc_code code =
        mlc_message_mark(last->seq, last->created_ms, last->idem, strlen(last->idem), position.mark, err);
    return code == MLC_OK ? link_position_put(txn, job->link->in_name, &position, err) : code;
}

static mlc_code store_bunch(mlc_txn *txn, void *arg, mlc_error *err)
{
    link_rx_job *job = arg;
    const int64_t now = mlc_wall_ms();
    mlc_position stored;
    const link_item *last = NULL;
    job->bad = SIZE_MAX;
    job->fresh = 0;
    mlc_code code = link_position_get(txn, job->link->in_name, &stored, err);
    if (code != MLC_OK)
        return code;
    const bool same = stored.epoch == job->stream.epoch && stored.generation == job->stream.generation;
    if (same && stored.seq < job->stream.seq)
        return mlc_fail(err, MLC_E_INTERNAL, "message %llu would follow %llu",
                        (unsigned long long)job->items->seq, (unsigned long long)stored.seq);
    size_t i = 0;
    for (const link_item *item = job->items; item != NULL; item = item->next, i++) {
        /* A connection that was replaced may have stored it meanwhile. */
        if (same && item->seq <= stored.seq)
            continue;
        job->bad = i;
        code = store_item(txn, job, item, now, err);
        if (code != MLC_OK)
            return code;
        last = item;
    }
    job->bad = SIZE_MAX;
    return last != NULL ? put_position(txn, job, last, err) : MLC_OK;
}

/* ---- after the job (loop) ---- */

static void run_job(mlc_engine *e, link_rx_job *job);

static void free_job(link_rx_job *job)
{
    free_items(job->items);
    free(job);
}

/* Cut the chain after `count` items; the rest goes back to the front of what waits. */
static void cut_job(mlc_engine *e, link_rx_job *job, size_t count)
{
    link_item **at = &job->items;
    for (size_t i = 0; i < count && *at != NULL; i++)
        at = &(*at)->next;
    link_item *rest = *at;
    *at = NULL;
    put_back(e, rest, job->count - count);
    job->count = count;
}

static void ask_to_wait(mlc_engine *e, uint64_t seq, const mlc_error *why)
{
    const mlc_backoff policy = {.base_ms = LINK_RETRY_BASE_MS, .cap_ms = LINK_RETRY_CAP_MS};
    const int64_t now = mlc_mono_ms();
    const int64_t delay = LINK_RETRY_BASE_MS / 2 +
                          mlc_backoff_delay(&policy, ++e->rx_failures, 0, mlc_random_below(UINT64_MAX));
    mlc_log_warn(e->log, "link", "received messages cannot be stored now",
                 MLC_S("peer", e->link->status.peer), MLC_S("error", why->message), MLC_I("retryMs", delay));
    drop_waiting(e);
    e->ready_at = now + delay;
    mlc_session_busy(e->session, seq, delay, why->message);
}

static void report_refusals(mlc_engine *e, const link_rx_job *job)
{
    for (const link_item *item = job->items; item != NULL; item = item->next) {
        if (item->refusal == 0)
            continue;
        mlc_session_refuse(e->session, item->seq, item->refusal, item->refusal_text);
        e->refused_max = item->seq;
    }
}

static void on_stored(mlc_engine *e, link_rx_job *job)
{
    mlc_link *link = e->link;
    uint64_t last = job->stream.seq;
    for (const link_item *item = job->items; item != NULL; item = item->next)
        last = item->seq;
    report_refusals(e, job);
    e->stream.seq = last;
    link->status.received += job->fresh;
    mlc_session_committed(e->session, last);
    if (job->busy_after)
        ask_to_wait(e, e->waiting.first->seq, &job->busy);
    else
        e->rx_failures = 0;
    if (job->fresh > 0 && link->binding.on_received != NULL)
        link->binding.on_received(link->binding.user);
}

/* The job stopped at one message, or the commit failed. */
static void on_not_stored(mlc_engine *e, link_rx_job *job, mlc_code code, const mlc_error *err)
{
    const bool by_item = job->bad < job->count;
    const unsigned refusal = by_item ? refusal_of(code) : 0;
    const size_t keep = by_item ? job->bad + (refusal != 0 ? 1 : 0) : 0;
    cut_job(e, job, keep);
    if (refusal != 0) {
        link_item *item = job->items; /* at least one is kept, and the last is the bad one */
        while (item != NULL && item->next != NULL)
            item = item->next;
        if (item == NULL)
            return;
        item->refusal_text = mlc_strdup(err->message);
        item->refusal = refusal;
        if (item->refusal_text == NULL)
            engine_fail(e, &(mlc_error){.code = MLC_E_NOMEM, .message = "no memory for a refusal"});
        else
            run_job(e, job);
        return;
    }
    if (keep > 0) {
        job->busy_after = true;
        job->busy = *err;
        run_job(e, job);
        return;
    }
    if (code == MLC_E_INTERNAL && !by_item)
        engine_fail(e, err);
    else
        ask_to_wait(e, e->waiting.first->seq, err);
}

static void job_done(void *arg, mlc_code code, const mlc_error *err)
{
    link_rx_job *job = arg;
    mlc_engine *e = job->engine;
    mlc_link *link = job->link;
    if (e == NULL || e->closed) {
        if (e != NULL)
            e->rx_job = NULL;
        const size_t fresh = code == MLC_OK ? job->fresh : 0;
        free_job(job);
        if (!link_job_end(link) || fresh == 0)
            return;
        link->status.received += fresh;
        if (link->binding.on_received != NULL)
            link->binding.on_received(link->binding.user);
        return;
    }
    e->rx_job = NULL;
    e->pumping = true; /* on_received may free the engine */
    if (code == MLC_OK)
        on_stored(e, job);
    else
        on_not_stored(e, job, code, err);
    e->pumping = false;
    if (e->rx_job != job)
        free_job(job);
    (void)link_job_end(link);
    if (e->dead)
        mlc_engine_free(e);
    else
        engine_pump(e);
}

static void run_job(mlc_engine *e, link_rx_job *job)
{
    mlc_error err = {0};
    link_job_begin(e->link);
    const mlc_code code = mlc_store_submit(e->link->binding.store, store_bunch, job_done, job, &err);
    if (code == MLC_OK) {
        e->rx_job = job;
        return;
    }
    (void)link_job_end(e->link);
    engine_fail(e, &err);
}

void engine_rx_submit(mlc_engine *e)
{
    if (e->rx_job != NULL || e->waiting.first == NULL || e->ready_at != 0)
        return;
    link_rx_job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        engine_fail(e, &(mlc_error){.code = MLC_E_NOMEM, .message = "no memory for a store job"});
        return;
    }
    job->link = e->link;
    job->engine = e;
    job->stream = e->stream;
    size_t bytes = 0;
    link_item **at = &e->waiting.first;
    while (*at != NULL && job->count < LINK_BUNCH && bytes < LINK_BUNCH_BYTES) {
        bytes += (*at)->payload_len;
        job->count++;
        at = &(*at)->next;
    }
    job->items = e->waiting.first;
    e->waiting.first = *at;
    *at = NULL;
    e->waiting.count -= job->count;
    if (e->waiting.first == NULL)
        e->waiting.end = &e->waiting.first;
    run_job(e, job);
    if (e->rx_job != job)
        free_job(job);
}

void engine_rx_tick(mlc_engine *e, int64_t now)
{
    if (e->ready_at == 0 || now < e->ready_at)
        return;
    e->ready_at = 0;
    mlc_session_ready(e->session);
}

void engine_rx_free(mlc_engine *e)
{
    if (e->rx_job != NULL)
        e->rx_job->engine = NULL;
    drop_waiting(e);
}

/* ---- refusals of earlier connections ---- */

typedef struct refusal_read {
    mlc_engine *e;
    uint64_t after;
    bool others;
} refusal_read;

static void repeat_refusal(void *arg, uint64_t seq, unsigned code, const char *text)
{
    mlc_engine *e = arg;
    if (seq > e->stream.seq)
        return;
    mlc_session_refuse(e->session, seq, code, text);
    e->refused_max = seq;
}

static mlc_code read_refusals(mlc_txn *txn, void *arg, mlc_error *err)
{
    refusal_read *job = arg;
    return link_refusals_scan(txn, job->e->link->in_name, &job->e->stream, job->after, repeat_refusal, job->e,
                              &job->others, err);
}

typedef struct drop_job {
    mlc_link *link;
    mlc_position stream;
    uint64_t upto;
} drop_job;

static mlc_code drop_refusals(mlc_txn *txn, void *arg, mlc_error *err)
{
    const drop_job *job = arg;
    return link_refusals_drop(txn, job->link->in_name, &job->stream, job->upto, err);
}

/* Without effect when it fails: what stays is found again at the next start. */
static void drop_done(void *arg, mlc_code code, const mlc_error *err)
{
    drop_job *job = arg;
    if (code != MLC_OK)
        mlc_log_warn(job->link->log, "link", "old refusals were not cleared", MLC_S("error", err->message));
    (void)link_job_end(job->link);
    free(job);
}

static void submit_drop(mlc_engine *e, uint64_t upto)
{
    drop_job *job = malloc(sizeof(*job));
    if (job == NULL)
        return;
    *job = (drop_job){.link = e->link, .stream = e->stream, .upto = upto};
    link_job_begin(e->link);
    if (mlc_store_submit(e->link->binding.store, drop_refusals, drop_done, job, NULL) == MLC_OK)
        return;
    (void)link_job_end(e->link);
    free(job);
}

void engine_on_started(mlc_engine *e, const mlc_action *action)
{
    mlc_error err = {0};
    if (action->again)
        return;
    e->stream = (mlc_position){
        .epoch = action->start.epoch, .generation = action->start.generation, .seq = action->position.seq};
    refusal_read job = {.e = e, .after = action->start.acked};
    const mlc_code code = mlc_store_read(e->link->binding.store, read_refusals, &job, &err);
    if (code != MLC_OK) {
        engine_fail(e, &err);
        return;
    }
    mlc_session_committed(e->session, action->position.seq);
    if (job.others)
        submit_drop(e, action->start.acked);
}

void engine_on_confirmed(mlc_engine *e, uint64_t seq)
{
    if (e->refused_max == 0 || seq < e->refused_max)
        return;
    e->refused_max = 0;
    submit_drop(e, seq);
}
