/* engine_tx.c - sending: where to resume, reading the outbox, acknowledgements and refusals into the store. */
#include "link/engine_private.h"

#include "base/clock.h"
#include "crypto/crypto.h"
#include "net/backoff.h"
#include "store/audit.h"

#include <stdlib.h>
#include <string.h>

/* ---- resume ---- */

typedef struct facts_read {
    const mlc_engine *e;
    const mlc_position *claim;
    mlc_stream_facts facts;
} facts_read;

static mlc_code compare_mark(mlc_txn *txn, facts_read *job, mlc_error *err)
{
    mlc_entry entry;
    uint8_t mark[MLC_MARK_LEN];
    if (job->claim->epoch != job->facts.epoch || job->claim->seq == 0)
        return MLC_OK;
    mlc_code code = mlc_outbox_get(txn, job->e->link->binding.out, job->claim->seq, &entry, err);
    if (code == MLC_E_NOTFOUND) /* pruned, or never there */
        return MLC_OK;
    /* A requeued entry gave its idempotency key to its successor. */
    if (code != MLC_OK || strncmp(entry.outcome, "requeued", 8) == 0)
        return code;
    code = mlc_message_mark(entry.seq, entry.created_ms, entry.idem, strlen(entry.idem), mark, err);
    job->facts.mark = memcmp(mark, job->claim->mark, MLC_MARK_LEN) == 0 ? MLC_MARK_SAME : MLC_MARK_OTHER;
    return code;
}

static mlc_code read_facts(mlc_txn *txn, void *arg, mlc_error *err)
{
    facts_read *job = arg;
    mlc_outbox *out = job->e->link->binding.out;
    mlc_outbox_stats stats;
    mlc_code code = mlc_outbox_stats_get(txn, out, &stats, err);
    if (code != MLC_OK)
        return code;
    job->facts = (mlc_stream_facts){.epoch = mlc_store_epoch(job->e->link->binding.store),
                                    .acked = stats.acked_seq,
                                    .last = stats.next_seq - 1};
    code = link_generation_get(txn, mlc_outbox_name(out), &job->facts.generation, err);
    return code == MLC_OK ? compare_mark(txn, job, err) : code;
}

static void begin_stream(mlc_engine *e, uint64_t first, const mlc_start *start)
{
    e->acked = e->stored_acked = start->acked;
    mlc_session_start(e->session, first, start);
}

struct link_tx_job {
    mlc_link *link;
    mlc_engine *engine; /* NULL when the connection is gone */
    /* a new generation, when `first` is not 0 */
    uint64_t first;
    mlc_start start;
    /* or what the peer has said */
    uint64_t acked;
    size_t count;
    link_park *parks;
};

static mlc_code store_generation(mlc_txn *txn, void *arg, mlc_error *err)
{
    const link_tx_job *job = arg;
    return link_generation_put(txn, mlc_outbox_name(job->link->binding.out), job->start.generation, err);
}

static link_tx_job *new_job(mlc_engine *e)
{
    link_tx_job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        engine_fail(e, &(mlc_error){.code = MLC_E_NOMEM, .message = "no memory for a store job"});
        return NULL;
    }
    job->link = e->link;
    job->engine = e;
    return job;
}

static void free_parks(link_park *park)
{
    while (park != NULL) {
        link_park *next = park->next;
        free(park);
        park = next;
    }
}

static void free_job(link_tx_job *job)
{
    free_parks(job->parks);
    free(job);
}

static void submit(mlc_engine *e, link_tx_job *job, mlc_job_fn fn, mlc_job_done_fn done)
{
    mlc_error err = {0};
    link_job_begin(e->link);
    if (mlc_store_submit(e->link->binding.store, fn, done, job, &err) == MLC_OK) {
        e->tx_job = job;
        return;
    }
    (void)link_job_end(e->link);
    free_job(job);
    engine_fail(e, &err);
}

static void generation_done(void *arg, mlc_code code, const mlc_error *err)
{
    link_tx_job *job = arg;
    mlc_engine *e = job->engine;
    if (e != NULL) {
        e->tx_job = NULL;
        if (code == MLC_OK)
            begin_stream(e, job->first, &job->start);
        else
            engine_fail(e, err);
    }
    (void)link_job_end(job->link);
    free_job(job);
    if (e != NULL)
        engine_pump(e);
}

static void log_resume(const mlc_engine *e, const mlc_resume *resume, const mlc_stream_facts *facts)
{
    static const char *const words[] = {
        [MLC_RESUME_NORMAL] = "the stream goes on",
        [MLC_RESUME_UNKNOWN] =
            "the peer knows nothing of this store or generation: all that is still kept is sent",
        [MLC_RESUME_BEHIND] =
            "the peer is behind its acknowledgements (void or restored): it is sent what follows",
        [MLC_RESUME_REWRITTEN] = "this store is older than what the peer received: a new generation begins"};
    const mlc_log_level level = resume->kind == MLC_RESUME_REWRITTEN ? MLC_LOG_WARN : MLC_LOG_INFO;
    mlc_log_at(e->log, level, "link", words[resume->kind], MLC_S("peer", e->link->status.peer),
               MLC_S("stream", mlc_outbox_name(e->link->binding.out)), MLC_I("from", resume->first),
               MLC_I("acknowledged", facts->acked), MLC_I("last", facts->last),
               MLC_I("generation", resume->generation));
}

void engine_on_resume(mlc_engine *e, const mlc_position *claim)
{
    mlc_error err = {0};
    facts_read job = {.e = e, .claim = claim};
    const mlc_code code = mlc_store_read(e->link->binding.store, read_facts, &job, &err);
    if (code != MLC_OK) {
        engine_fail(e, &err);
        return;
    }
    const mlc_resume resume = mlc_resume_decide(claim, &job.facts);
    const mlc_start start = {
        .epoch = job.facts.epoch, .generation = resume.generation, .acked = job.facts.acked};
    log_resume(e, &resume, &job.facts);
    if (resume.kind != MLC_RESUME_REWRITTEN) {
        begin_stream(e, resume.first, &start);
        return;
    }
    link_tx_job *write = new_job(e);
    if (write == NULL)
        return;
    write->first = resume.first;
    write->start = start;
    submit(e, write, store_generation, generation_done);
}

/* ---- reading the outbox ---- */

typedef struct page_read {
    mlc_engine *e;
    size_t seen;
    bool full;        /* the session takes no more for now */
    uint64_t skip_to; /* void entries not yet told of end here, 0: none */
} page_read;

/* Voids are skipped; what was acknowledged is met only when the peer lost it, and is sent again. */
static bool is_sent(const mlc_entry *entry)
{
    if (entry->state == MLC_ENTRY_DONE)
        return strcmp(entry->outcome, "acknowledged") == 0;
    return entry->state == MLC_ENTRY_READY || entry->state == MLC_ENTRY_INFLIGHT;
}

static void flush_skip(page_read *page)
{
    if (page->skip_to != 0)
        mlc_session_skip(page->e->session, page->skip_to);
    page->skip_to = 0;
}

static mlc_text text_of(const char *text)
{
    return (mlc_text){.at = text, .len = strlen(text)};
}

static bool visit_entry(const mlc_entry *entry, void *arg)
{
    page_read *page = arg;
    mlc_engine *e = page->e;
    page->seen++;
    if (!is_sent(entry)) {
        page->skip_to = entry->seq;
        return true;
    }
    if (entry->seq > 1 && entry->seq - 1 >= mlc_session_next_seq(e->session))
        page->skip_to = entry->seq - 1; /* pruned or void ones come before */
    flush_skip(page);
    const mlc_message message = {.created_ms = entry->created_ms,
                                 .idem = text_of(entry->idem),
                                 .key = text_of(entry->key),
                                 .kind = text_of(entry->kind),
                                 .correlation = text_of(entry->correlation),
                                 .payload = entry->payload,
                                 .payload_len = entry->payload_len};
    switch (mlc_session_offer(e->session, &message)) {
    case MLC_OFFER_TAKEN:
        e->link->status.sent++;
        return true;
    case MLC_OFFER_TOO_LARGE:
        engine_on_refused(e, entry->seq, MLC_REFUSAL_REJECTED,
                          "the message is larger than the other side of the tunnel takes");
        page->skip_to = entry->seq;
        return true;
    case MLC_OFFER_LATER:
        break;
    }
    page->full = true;
    return false;
}

static mlc_code read_page(mlc_txn *txn, void *arg, mlc_error *err)
{
    page_read *page = arg;
    mlc_engine *e = page->e;
    mlc_outbox *out = e->link->binding.out;
    mlc_code code =
        mlc_outbox_scan(txn, out, mlc_session_next_seq(e->session), LINK_PAGE, visit_entry, page, err);
    if (code != MLC_OK)
        return code;
    flush_skip(page);
    if (page->full || page->seen == LINK_PAGE)
        return MLC_OK;
    mlc_outbox_stats stats;
    code = mlc_outbox_stats_get(txn, out, &stats, err);
    if (code != MLC_OK)
        return code;
    if (stats.next_seq > mlc_session_next_seq(e->session)) /* the newest were pruned */
        mlc_session_skip(e->session, stats.next_seq - 1);
    e->tail = true;
    e->tail_seq = mlc_session_next_seq(e->session);
    return MLC_OK;
}

void engine_tx_fill(mlc_engine *e)
{
    /* A peer that was busy had the session go back. */
    if (e->tail && mlc_session_next_seq(e->session) != e->tail_seq)
        e->tail = false;
    for (size_t pages = 0; !e->tail && !e->turn_over && mlc_session_room(e->session) > 0; pages++) {
        if (pages == LINK_PAGES_PER_TURN) {
            e->turn_over = true;
            return;
        }
        mlc_error err = {0};
        page_read page = {.e = e};
        const mlc_code code = mlc_store_read(e->link->binding.store, read_page, &page, &err);
        if (code != MLC_OK) {
            engine_fail(e, &err);
            return;
        }
        if (page.full)
            return;
    }
}

/* ---- what the peer has said ---- */

void engine_on_acked(mlc_engine *e, uint64_t seq, size_t count)
{
    e->acked = seq;
    e->acked_count += count;
}

void engine_on_refused(mlc_engine *e, uint64_t seq, unsigned code, const char *text)
{
    const size_t size = strlen(text) + 1;
    link_park *park = malloc(sizeof(*park) + size);
    if (park == NULL) {
        engine_fail(e, &(mlc_error){.code = MLC_E_NOMEM, .message = "no memory for a refusal"});
        return;
    }
    *park = (link_park){.seq = seq, .code = code};
    memcpy(park->text, text, size);
    *e->parks_end = park;
    e->parks_end = &park->next;
}

/* Parked already (a refusal that was repeated), released or dismissed since: nothing to do. */
static mlc_code park_entry(mlc_txn *txn, const mlc_link *link, const link_park *park, int64_t now,
                           mlc_error *err)
{
    mlc_entry entry;
    mlc_code code = mlc_outbox_get(txn, link->binding.out, park->seq, &entry, err);
    if (code == MLC_E_NOTFOUND)
        return MLC_OK;
    if (code != MLC_OK || entry.state == MLC_ENTRY_PARKED || entry.state == MLC_ENTRY_DONE)
        return code;
    const mlc_audit_event event = {.at_ms = now,
                                   .actor = link->actor,
                                   .action = "parked",
                                   .tenant = entry.tenant,
                                   .stream = mlc_outbox_name(link->binding.out),
                                   .kind = entry.kind,
                                   .key = entry.key,
                                   .idem = entry.idem,
                                   .correlation = entry.correlation,
                                   .outcome = park->code == MLC_REFUSAL_INVALID
                                                  ? mlc_code_name(MLC_E_INVALID)
                                                  : mlc_code_name(MLC_E_REJECTED),
                                   .detail = park->text,
                                   .seq = park->seq};
    /* The event first: it borrows from the entry, which a write may move. */
    code = mlc_audit_append(txn, &event, NULL, err);
    const mlc_code why = park->code == MLC_REFUSAL_INVALID ? MLC_E_INVALID : MLC_E_REJECTED;
    return code == MLC_OK ? mlc_outbox_park_as(txn, link->binding.out, park->seq, now, why, park->text, err)
                          : code;
}

static mlc_code store_answers(mlc_txn *txn, void *arg, mlc_error *err)
{
    const link_tx_job *job = arg;
    const int64_t now = mlc_wall_ms();
    for (const link_park *park = job->parks; park != NULL; park = park->next) {
        const mlc_code code = park_entry(txn, job->link, park, now, err);
        if (code != MLC_OK)
            return code;
    }
    return job->acked > 0 ? mlc_outbox_ack(txn, job->link->binding.out, job->acked, now, err) : MLC_OK;
}

/* Keep what a failed job had and try again later. */
static void retry_answers(mlc_engine *e, link_tx_job *job, const mlc_error *err)
{
    const mlc_backoff policy = {.base_ms = LINK_RETRY_BASE_MS, .cap_ms = LINK_RETRY_CAP_MS};
    const int64_t delay = LINK_RETRY_BASE_MS / 2 +
                          mlc_backoff_delay(&policy, ++e->tx_failures, 0, mlc_random_below(UINT64_MAX));
    mlc_log_warn(e->log, "link", "acknowledgements cannot be stored now", MLC_S("error", err->message),
                 MLC_I("retryMs", delay));
    e->tx_retry_at = mlc_mono_ms() + delay;
    e->acked_count += job->count;
    if (job->parks == NULL)
        return;
    link_park *last = job->parks;
    while (last->next != NULL)
        last = last->next;
    last->next = e->parks;
    if (e->parks == NULL)
        e->parks_end = &last->next;
    e->parks = job->parks;
    job->parks = NULL;
}

static void answers_done(void *arg, mlc_code code, const mlc_error *err)
{
    link_tx_job *job = arg;
    mlc_engine *e = job->engine;
    if (code == MLC_OK)
        job->link->status.acked += job->count;
    if (e != NULL) {
        e->tx_job = NULL;
        if (code == MLC_OK) {
            e->tx_failures = 0;
            e->stored_acked = job->acked;
            mlc_session_confirm(e->session, job->acked);
        } else {
            retry_answers(e, job, err);
        }
    }
    (void)link_job_end(job->link);
    free_job(job);
    if (e != NULL)
        engine_pump(e);
}

void engine_tx_submit(mlc_engine *e)
{
    if (e->tx_job != NULL || e->tx_retry_at != 0 || (e->parks == NULL && e->acked <= e->stored_acked))
        return;
    link_tx_job *job = new_job(e);
    if (job == NULL)
        return;
    job->acked = e->acked;
    job->count = e->acked_count;
    job->parks = e->parks;
    e->acked_count = 0;
    e->parks = NULL;
    e->parks_end = &e->parks;
    submit(e, job, store_answers, answers_done);
}

void engine_tx_free(mlc_engine *e)
{
    if (e->tx_job != NULL)
        e->tx_job->engine = NULL;
    free_parks(e->parks);
}
