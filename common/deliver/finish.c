/* finish.c - how a delivery ended: the verdict, and the one job that writes everything down.
 *
 * The delivery happened whatever the store says now: a finishing job that fails is run again, the entry stays
 * in flight meanwhile, and nothing is sent twice for it.
 */
#include "deliver/deliverer_private.h"

#include "base/clock.h"
#include "deliver/held.h"
#include "store/audit.h"
#include "store/crossref.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORE_AGAIN_MS = 200, STORE_AGAIN_MAX_MS = 15 * 1000 };

static const char *stream_of(const mlc_flight *f)
{
    return f->d->stream_name;
}

/* ---- the finishing job (store's thread) ---- */

/* It is done, but nothing was written at the peer. */
static bool is_dry(const mlc_flight *f)
{
    return f->item.dry && f->result.verdict.action == MLC_VERDICT_DONE;
}

static mlc_code write_state(mlc_txn *txn, const mlc_flight *f, mlc_error *err)
{
    const mlc_flight_result *const r = &f->result;
    mlc_outbox *const stream = f->d->opt.stream;
    const uint64_t seq = f->item.seq;
    if (r->verdict.action == MLC_VERDICT_DONE)
        return mlc_outbox_done(txn, stream, seq, f->now_ms, r->outcome != NULL ? r->outcome : "delivered",
                               err);
    if (r->verdict.action == MLC_VERDICT_RETRY)
        return mlc_outbox_retry(txn, stream, seq, r->verdict.next_ms, r->verdict.uncertain, r->detail, err);
    /* Parking does not carry the flag, but a released entry must still be looked up before it is written. */
    if (r->verdict.uncertain) {
        const mlc_code code = mlc_outbox_retry(txn, stream, seq, f->now_ms, true, r->detail, err);
        if (code != MLC_OK)
            return code;
    }
    return mlc_outbox_park_as(txn, stream, seq, f->now_ms, r->code, r->detail, err);
}

/* On a superseding stream a newer entry of the key ends one that would be retried or parked. */
static mlc_code look_superseded(mlc_txn *txn, mlc_flight *f, mlc_error *err)
{
    mlc_entry entry;
    if (f->result.verdict.action == MLC_VERDICT_DONE)
        return MLC_OK;
    const mlc_code code = mlc_outbox_get(txn, f->d->opt.stream, f->item.seq, &entry, err);
    if (code == MLC_OK)
        f->superseded = entry.state == MLC_ENTRY_DONE;
    return code;
}

/* What was last written to the target, in hex; "" when that is not known. Then the link is as of now. */
static mlc_code write_link(mlc_txn *txn, const mlc_flight *f, char before[2 * MLC_SHA256_LEN + 1],
                           mlc_error *err)
{
    const mlc_flight_result *const r = &f->result;
    uint8_t hash[MLC_SHA256_LEN];
    mlc_crossref old;
    before[0] = '\0';
    if (!r->link || r->verdict.action != MLC_VERDICT_DONE || f->superseded || f->item.dry)
        return MLC_OK;
    mlc_code code = mlc_crossref_get(txn, r->source_id, r->target_id, &old, err);
    if (code == MLC_OK && old.hash != NULL)
        mlc_hex(old.hash, sizeof hash, before);
    if (code != MLC_OK && code != MLC_E_NOTFOUND)
        return code;
    const bool hashed = mlc_hex_parse(r->payload_hash, hash, sizeof hash, NULL) == MLC_OK;
    return mlc_crossref_put(txn, r->source_id, r->target_id, hashed ? hash : NULL, f->now_ms, err);
}

static mlc_code write_audit(mlc_txn *txn, const mlc_flight *f, const char *before, mlc_error *err)
{
    static const char *const actions[] = {
        [MLC_VERDICT_DONE] = "delivered", [MLC_VERDICT_RETRY] = "retried", [MLC_VERDICT_PARK] = "parked"};
    const mlc_flight_result *const r = &f->result;
    const mlc_audit_event event = {.at_ms = f->now_ms,
                                   .actor = f->d->opt.actor,
                                   .action = f->superseded ? "superseded"
                                             : is_dry(f)   ? "dry run"
                                                           : actions[r->verdict.action],
                                   .tenant = f->item.tenant,
                                   .stream = stream_of(f),
                                   .kind = f->item.kind,
                                   .key = f->item.key,
                                   .idem = f->item.idem,
                                   .correlation = f->item.correlation,
                                   .source_id = r->source_id,
                                   .target_id = r->target_id,
                                   .payload_hash = r->payload_hash,
                                   .payload_before = before[0] != '\0' ? before : NULL,
                                   .outcome = r->code == MLC_OK ? "ok" : mlc_code_name(r->code),
                                   .detail = r->detail[0] != '\0' ? r->detail : NULL,
                                   .seq = f->item.seq,
                                   .attempt = f->item.attempt};
    return mlc_audit_append(txn, &event, NULL, err);
}

static mlc_code store_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_flight *const f = arg;
    const mlc_flight_result *const r = &f->result;
    char before[2 * MLC_SHA256_LEN + 1] = "";
    f->superseded = false;
    f->effect_failed = false;
    mlc_code code = write_state(txn, f, err);
    if (code == MLC_OK)
        code = look_superseded(txn, f, err);
    if (code == MLC_OK && r->effect != NULL && !f->superseded) {
        code = r->effect(txn, &f->item, r->effect_arg, err);
        f->effect_failed = code != MLC_OK;
    }
    if (code == MLC_OK && is_dry(f) && !f->superseded)
        code = mlc_held_keep(txn, f->d->opt.held, &f->item, f->now_ms, err);
    if (code == MLC_OK)
        code = write_link(txn, f, before, err);
    if (code == MLC_OK && !r->silent)
        code = write_audit(txn, f, before, err);
    return code;
}

/* ---- after the job ---- */

static void log_end(const mlc_flight *f)
{
    const mlc_flight_result *const r = &f->result;
    mlc_log *const log = f->d->opt.log;
    if (r->verdict.action == MLC_VERDICT_DONE) {
        mlc_log_debug(log, "deliver", "delivered", MLC_S("stream", stream_of(f)), MLC_I("seq", f->item.seq),
                      MLC_S("key", f->item.key), MLC_S("outcome", r->detail));
        return;
    }
    const bool parked = r->verdict.action == MLC_VERDICT_PARK;
    const char *const what = f->superseded ? "failed, but a newer one of its key waits"
                             : parked      ? "parked for review"
                                           : "failed, will be tried again";
    mlc_log_at(log, parked ? MLC_LOG_WARN : MLC_LOG_INFO, "deliver", what, MLC_S("stream", stream_of(f)),
               MLC_I("seq", f->item.seq), MLC_S("key", f->item.key), MLC_I("attempt", f->item.attempt),
               MLC_S("code", mlc_code_name(r->code)), MLC_S("error", r->detail));
}

static void count_end(const mlc_flight *f)
{
    mlc_deliverer_status *const status = &f->d->status;
    if (f->superseded || f->result.silent)
        return;
    if (f->result.verdict.action == MLC_VERDICT_DONE)
        status->delivered++;
    else if (f->result.verdict.action == MLC_VERDICT_RETRY)
        status->retried++;
    else
        status->parked++;
}

static void drop(mlc_flight *f)
{
    mlc_flight_unlink(f);
    mlc_flight_free(f);
}

static void store_again(mlc_flight *f, const mlc_error *err)
{
    int64_t delay = STORE_AGAIN_MS;
    for (unsigned i = 0; i < f->store_tries && delay < STORE_AGAIN_MAX_MS; i++)
        delay *= 2;
    if (f->store_tries == 0)
        mlc_log_warn(f->d->opt.log, "deliver", "a result waits to be stored", MLC_S("stream", stream_of(f)),
                     MLC_I("seq", f->item.seq), MLC_S("error", err->message));
    f->store_tries++;
    f->store_again_ms = mlc_mono_ms() + (delay < STORE_AGAIN_MAX_MS ? delay : STORE_AGAIN_MAX_MS);
    f->phase = MLC_FLIGHT_WAITING;
}

/* Running the same effect again cannot help. */
static bool is_for_good(mlc_code code)
{
    switch (code) {
    case MLC_E_INVALID:
    case MLC_E_LIMIT:
    case MLC_E_NOTFOUND:
    case MLC_E_EXISTS:
    case MLC_E_CONFLICT:
    case MLC_E_DENIED:
    case MLC_E_PROTOCOL:
    case MLC_E_REJECTED:
    case MLC_E_UNSUPPORTED:
        return true;
    default:
        return false;
    }
}

/* What follows from the delivery can never be stored. Neither may the result get lost nor this entry hold a
 * place for ever: a person has to look, and a later attempt must look before it writes. */
static void park_without_effect(mlc_flight *f, const mlc_error *err)
{
    mlc_flight_result *const r = &f->result;
    char before[256];
    char why[384];
    mlc_strlcpy(before,
                r->verdict.action == MLC_VERDICT_DONE && r->detail[0] == '\0' ? "delivered" : r->detail,
                sizeof before);
    mlc_strlcpy(why, err->message, sizeof why);
    (void)snprintf(r->detail, sizeof r->detail, "%s; what follows from it cannot be stored: %s", before, why);
    mlc_log_error(f->d->opt.log, "deliver", "what follows from a delivery cannot be stored",
                  MLC_S("stream", stream_of(f)), MLC_I("seq", f->item.seq), MLC_S("error", err->message));
    if (r->verdict.action == MLC_VERDICT_DONE) {
        r->code = err->code;
        r->verdict.action = MLC_VERDICT_PARK;
        r->verdict.uncertain = true;
    }
    r->effect = NULL;
    mlc_flight_store(f);
}

static void end_stored(mlc_flight *f)
{
    mlc_deliverer *const d = f->d;
    char kind[64]; /* the flight goes first */
    const bool held = is_dry(f) && !f->superseded;
    mlc_strlcpy(kind, f->item.kind, sizeof kind);
    log_end(f);
    count_end(f);
    drop(f);
    if (d->opt.on_committed != NULL && !d->stopped)
        d->opt.on_committed(d->opt.user);
    if (held && d->opt.on_held != NULL && !d->stopped)
        d->opt.on_held(d->opt.user, kind);
}

static void on_stored(void *arg, mlc_code code, const mlc_error *err)
{
    mlc_flight *const f = arg;
    mlc_deliverer *const d = f->d;
    if (code == MLC_OK) {
        end_stored(f);
    } else if (code == MLC_E_CLOSED) {
        f->phase = MLC_FLIGHT_ABANDONED;
    } else if (f->effect_failed && is_for_good(code)) {
        park_without_effect(f, err);
    } else if (!f->effect_failed && (code == MLC_E_CONFLICT || code == MLC_E_NOTFOUND)) {
        /* Somebody else ended the entry: there is nothing left to write to. */
        mlc_log_error(d->opt.log, "deliver", "an entry under way was ended by somebody else",
                      MLC_S("stream", stream_of(f)), MLC_I("seq", f->item.seq), MLC_S("error", err->message));
        drop(f);
    } else {
        store_again(f, err);
    }
    mlc_deliverer_work(d);
}

void mlc_flight_store(mlc_flight *flight)
{
    mlc_error err;
    flight->now_ms = mlc_wall_ms();
    flight->phase = MLC_FLIGHT_STORING;
    const mlc_code code = mlc_store_submit(flight->d->opt.store, store_job, on_stored, flight, &err);
    if (code == MLC_E_CLOSED)
        flight->phase = MLC_FLIGHT_ABANDONED;
    else if (code != MLC_OK)
        store_again(flight, &err);
}

void mlc_flight_put_back(mlc_flight *flight)
{
    mlc_flight_result *const r = &flight->result;
    r->silent = true;
    r->verdict = (mlc_verdict){.action = MLC_VERDICT_RETRY, .next_ms = mlc_wall_ms()};
    (void)snprintf(r->detail, sizeof r->detail, "stopped before it was sent");
    mlc_flight_store(flight);
}

/* ---- the result ---- */

static void tell_breaker(mlc_deliverer *d, const mlc_verdict *verdict)
{
    mlc_breaker *const b = &d->breaker;
    const int64_t mono = mlc_mono_ms();
    const bool was_open = b->open;
    if (verdict->peer == MLC_PEER_ANSWERED) {
        mlc_breaker_success(b);
    } else if (verdict->peer == MLC_PEER_FAILED) {
        mlc_breaker_failure(b, mono);
    } else if (b->trial) {
        /* The trial said nothing about the peer: another may follow at once. */
        b->trial = false;
        b->open_until_ms = mono;
    }
    if (verdict->hold_ms > 0)
        d->hold_until_ms = mono + verdict->hold_ms;
    if (b->open && !was_open)
        mlc_log_warn(d->opt.log, "deliver", "the peer fails again and again, it is left alone for a while",
                     MLC_S("stream", d->stream_name), MLC_I("failures", b->failures),
                     MLC_S("error", d->status.last_error));
    if (!b->open && was_open)
        mlc_log_info(d->opt.log, "deliver", "the peer answers again", MLC_S("stream", d->stream_name));
}

static void hash_payload(mlc_flight *f)
{
    uint8_t hash[MLC_SHA256_LEN];
    if (mlc_sha256(f->item.payload, f->item.payload_len, hash, NULL) == MLC_OK)
        mlc_hex(hash, sizeof hash, f->result.payload_hash);
}

static void copy_result(mlc_flight *f, const mlc_delivery_result *result)
{
    mlc_flight_result *const r = &f->result;
    r->code = result->code;
    r->effect_arg = result->effect_arg;
    r->effect_free = result->effect_free;
    /* Without memory for the words the state is still written. */
    r->outcome = mlc_strdup(result->outcome);
    r->source_id = mlc_strdup(result->source_id);
    r->target_id = mlc_strdup(result->target_id);
    r->link = result->link && r->source_id != NULL && r->target_id != NULL &&
              mlc_crossref_check(r->source_id, NULL) == MLC_OK &&
              mlc_crossref_check(r->target_id, NULL) == MLC_OK;
    if (result->code == MLC_OK)
        mlc_strlcpy(r->detail, result->outcome != NULL ? result->outcome : "", sizeof r->detail);
    else if (result->err != NULL && result->err->message[0] != '\0')
        (void)mlc_error_text(result->err, r->detail, sizeof r->detail);
    else
        mlc_strlcpy(r->detail, mlc_code_name(result->code), sizeof r->detail);
    if (r->verdict.action == MLC_VERDICT_DONE)
        r->effect = result->effect;
    else if (r->verdict.action == MLC_VERDICT_PARK)
        r->effect = result->park_effect;
    hash_payload(f);
}

static mlc_verdict judge(const mlc_flight *f, const mlc_delivery_result *result, int64_t now_ms)
{
    const mlc_deliverer *const d = f->d;
    const mlc_decision in = {.code = result->code,
                             .uncertain = result->uncertain,
                             .retry_after_ms = result->retry_after_ms,
                             .attempt = f->item.attempt,
                             .created_ms = f->item.created_ms,
                             .began_ms = f->began_ms,
                             .now_ms = now_ms,
                             .last_taken_ms = d->last_taken_ms,
                             .random = mlc_random_below(UINT64_MAX),
                             .max_attempts = d->opt.max_attempts,
                             .settle_ms = d->opt.settle_ms,
                             .backoff = d->opt.backoff};
    return mlc_delivery_decide(&in);
}

void mlc_deliverer_finish(mlc_deliverer *d, mlc_delivery *item, const mlc_delivery_result *result)
{
    mlc_flight *const f = (mlc_flight *)(void *)item; /* item is its first member */
    const int64_t now = mlc_wall_ms();
    if (item->sink != NULL) {
        item->sink(item, result);
        return;
    }
    if (f->phase != MLC_FLIGHT_SENT) {
        mlc_log_error(d->opt.log, "deliver", "an entry was finished twice", MLC_S("stream", stream_of(f)),
                      MLC_I("seq", item->seq));
        return;
    }
    f->result.verdict = judge(f, result, now);
    copy_result(f, result);
    if (result->code == MLC_OK)
        d->last_taken_ms = now;
    else
        mlc_strlcpy(d->status.last_error, f->result.detail, sizeof d->status.last_error);
    tell_breaker(d, &f->result.verdict);
    if (f->result.verdict.action == MLC_VERDICT_LEAVE)
        f->phase = MLC_FLIGHT_ABANDONED;
    else
        mlc_flight_store(f);
    mlc_deliverer_arm(d);
}
