/* outbox_state.c - the changes of state of an entry (outbox.h). Each loads the entry, changes it, moves it. */
#include "store/outbox_private.h"

#include <stdio.h>
#include <string.h>

/* An entry and its stream's record, loaded to be changed. */
typedef struct change {
    stream_meta meta;
    entry_edit edit;
    mlc_entry_state from;
    int64_t old_next_ms;
} change;

static mlc_code change_open(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, change *c, mlc_error *err)
{
    memset(c, 0, sizeof *c);
    mlc_code code = meta_load(txn, ob->name, &c->meta, err);
    if (code == MLC_OK)
        code = edit_load(txn, ob, seq, &c->edit, err);
    c->from = c->edit.e.state;
    c->old_next_ms = c->edit.e.next_attempt_ms;
    return code;
}

/* Move the entry to the state it has now, save, release. */
static mlc_code change_apply(mlc_txn *txn, mlc_outbox *ob, change *c, mlc_error *err)
{
    mlc_code code = entry_move(txn, ob, &c->meta, &c->edit.e, c->from, c->old_next_ms, err);
    if (code == MLC_OK)
        code = meta_save(txn, ob->name, &c->meta, err);
    edit_free(&c->edit);
    return code;
}

static mlc_code refuse(const mlc_outbox *ob, change *c, const char *wanted, mlc_error *err)
{
    const mlc_code code =
        mlc_fail(err, MLC_E_CONFLICT, "entry %llu of stream %s is %s, not %s",
                 (unsigned long long)c->edit.e.seq, ob->name, mlc_entry_state_name(c->from), wanted);
    edit_free(&c->edit);
    return code;
}

mlc_code mlc_outbox_begin(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, mlc_error *err)
{
    change c;
    uint64_t head = 0;
    mlc_code code = change_open(txn, ob, seq, &c, err);
    if (code != MLC_OK)
        return code;
    if (c.from != MLC_ENTRY_READY)
        return refuse(ob, &c, "ready", err);
    code = key_head(txn, ob, c.edit.e.key, &head, err);
    if (code == MLC_OK && head != seq)
        return refuse(ob, &c, "the oldest of its key", err);
    if (code != MLC_OK) {
        edit_free(&c.edit);
        return code;
    }
    c.edit.e.state = MLC_ENTRY_INFLIGHT;
    c.edit.e.attempts++;
    c.edit.e.began_ms = now_ms;
    return change_apply(txn, ob, &c, err);
}

static mlc_code end_entry(mlc_txn *txn, mlc_outbox *ob, change *c, int64_t now_ms, const char *outcome,
                          mlc_error *err)
{
    c->edit.e.state = MLC_ENTRY_DONE;
    c->edit.e.ended_ms = now_ms;
    c->edit.e.outcome = outcome != NULL ? outcome : "";
    return change_apply(txn, ob, c, err);
}

mlc_code mlc_outbox_done(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, const char *outcome,
                         mlc_error *err)
{
    change c;
    const mlc_code code = change_open(txn, ob, seq, &c, err);
    if (code != MLC_OK)
        return code;
    if (c.from == MLC_ENTRY_DONE) {
        edit_free(&c.edit);
        return MLC_OK;
    }
    return end_entry(txn, ob, &c, now_ms, outcome, err);
}

/* A snapshot that failed is pointless when a newer one waits, unless it may have had its effect. */
static mlc_code superseded_meanwhile(mlc_txn *txn, const mlc_outbox *ob, const change *c, bool *yes,
                                     mlc_error *err)
{
    *yes = false;
    if (!ob->spec.supersede || c->edit.e.uncertain)
        return MLC_OK;
    return key_has_newer(txn, ob, c->edit.e.key, c->edit.e.seq, yes, err);
}

mlc_code mlc_outbox_retry(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t next_ms, bool uncertain,
                          const char *error, mlc_error *err)
{
    change c;
    bool newer = false;
    mlc_code code = change_open(txn, ob, seq, &c, err);
    if (code != MLC_OK)
        return code;
    if (c.from != MLC_ENTRY_INFLIGHT)
        return refuse(ob, &c, "in flight", err);
    c.edit.e.uncertain = c.edit.e.uncertain || uncertain;
    c.edit.e.last_error = error != NULL ? error : "";
    code = superseded_meanwhile(txn, ob, &c, &newer, err);
    if (code != MLC_OK) {
        edit_free(&c.edit);
        return code;
    }
    if (newer)
        return end_entry(txn, ob, &c, next_ms, "superseded after a failed attempt", err);
    c.edit.e.state = MLC_ENTRY_READY;
    c.edit.e.next_attempt_ms = next_ms;
    return change_apply(txn, ob, &c, err);
}

mlc_code mlc_outbox_park(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, const char *error,
                         mlc_error *err)
{
    return mlc_outbox_park_as(txn, ob, seq, now_ms, MLC_OK, error, err);
}

mlc_code mlc_outbox_park_as(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, mlc_code why,
                            const char *error, mlc_error *err)
{
    change c;
    bool newer = false;
    mlc_code code = change_open(txn, ob, seq, &c, err);
    if (code != MLC_OK)
        return code;
    if (c.from != MLC_ENTRY_READY && c.from != MLC_ENTRY_INFLIGHT)
        return refuse(ob, &c, "ready or in flight", err);
    c.edit.e.last_error = error != NULL ? error : "";
    code = superseded_meanwhile(txn, ob, &c, &newer, err);
    if (code != MLC_OK) {
        edit_free(&c.edit);
        return code;
    }
    if (newer)
        return end_entry(txn, ob, &c, now_ms, "superseded after a failed attempt", err);
    c.edit.e.state = MLC_ENTRY_PARKED;
    c.edit.e.error_code = why;
    c.edit.e.ended_ms = now_ms;
    return change_apply(txn, ob, &c, err);
}

/* On a SEQUENCE stream the reader is past it: end it, and put its message once more. */
static mlc_code requeue(mlc_txn *txn, mlc_outbox *ob, change *c, int64_t now_ms, uint64_t *new_seq,
                        mlc_error *err)
{
    char outcome[48];
    mlc_entry again = c->edit.e;
    (void)snprintf(outcome, sizeof outcome, "requeued as %llu", (unsigned long long)c->meta.next_seq);
    c->edit.e.state = MLC_ENTRY_DONE;
    c->edit.e.ended_ms = now_ms;
    c->edit.e.outcome = outcome;
    mlc_code code = entry_move(txn, ob, &c->meta, &c->edit.e, c->from, c->old_next_ms, err);
    if (code == MLC_OK)
        code = outbox_requeue(txn, ob, &c->meta, &again, now_ms, new_seq, err);
    if (code == MLC_OK)
        code = meta_save(txn, ob->name, &c->meta, err);
    edit_free(&c->edit);
    return code;
}

mlc_code mlc_outbox_release(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, uint64_t *new_seq,
                            mlc_error *err)
{
    change c;
    uint64_t ready = seq;
    mlc_code code = change_open(txn, ob, seq, &c, err);
    if (code != MLC_OK)
        return code;
    if (c.from != MLC_ENTRY_PARKED)
        return refuse(ob, &c, "parked", err);
    if (ob->spec.mode == MLC_STREAM_SEQUENCE) {
        code = requeue(txn, ob, &c, now_ms, &ready, err);
    } else {
        c.edit.e.state = MLC_ENTRY_READY;
        c.edit.e.attempts = 0;
        c.edit.e.next_attempt_ms = now_ms;
        c.edit.e.ended_ms = 0;
        code = change_apply(txn, ob, &c, err);
    }
    if (new_seq != NULL)
        *new_seq = ready;
    return code;
}

mlc_code mlc_outbox_dismiss(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, const char *reason,
                            mlc_error *err)
{
    change c;
    char outcome[ENTRY_TEXT_MAX + 1];
    const mlc_code code = change_open(txn, ob, seq, &c, err);
    if (code != MLC_OK)
        return code;
    if (c.from != MLC_ENTRY_PARKED)
        return refuse(ob, &c, "parked", err);
    (void)snprintf(outcome, sizeof outcome, "dismissed: %s", reason != NULL ? reason : "no reason given");
    return end_entry(txn, ob, &c, now_ms, outcome, err);
}

static mlc_code recover_one(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t settle_ms, mlc_error *err)
{
    change c;
    const mlc_code code = change_open(txn, ob, seq, &c, err);
    if (code != MLC_OK)
        return code;
    c.edit.e.state = MLC_ENTRY_READY;
    c.edit.e.uncertain = true;
    c.edit.e.next_attempt_ms = c.edit.e.began_ms + settle_ms;
    c.edit.e.last_error = "the process ended during the attempt";
    return change_apply(txn, ob, &c, err);
}

mlc_code mlc_outbox_recover(mlc_txn *txn, mlc_outbox *ob, int64_t settle_ms, uint64_t *recovered,
                            mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    uint64_t count = 0;
    mlc_code code = MLC_OK;
    (void)key_seq(ob, 0, key);
    /* Each recovery takes its row away, so the first one is always the next. */
    while (code == MLC_OK) {
        store_walk walk;
        uint64_t seq = 0;
        code = store_walk_open(&walk, txn, DB_FLIGHT, key, 2, 2, err);
        if (code == MLC_OK)
            seq = store_get_be64((const uint8_t *)walk.key.mv_data + 2);
        store_walk_close(&walk);
        if (code == MLC_OK)
            code = recover_one(txn, ob, seq, settle_ms, err);
        count += code == MLC_OK;
    }
    if (recovered != NULL)
        *recovered = count;
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

static mlc_code ack_one(mlc_txn *txn, mlc_outbox *ob, stream_meta *meta, uint64_t seq, int64_t now_ms,
                        mlc_error *err)
{
    entry_edit edit;
    mlc_code code = edit_load(txn, ob, seq, &edit, err);
    if (code == MLC_E_NOTFOUND)
        return MLC_OK;
    if (code != MLC_OK)
        return code;
    if (edit.e.state == MLC_ENTRY_READY) {
        edit.e.state = MLC_ENTRY_DONE;
        edit.e.ended_ms = now_ms;
        edit.e.outcome = "acknowledged";
        code = entry_move(txn, ob, meta, &edit.e, MLC_ENTRY_READY, edit.e.next_attempt_ms, err);
    }
    edit_free(&edit);
    return code;
}

mlc_code mlc_outbox_ack(mlc_txn *txn, mlc_outbox *ob, uint64_t seq, int64_t now_ms, mlc_error *err)
{
    stream_meta meta;
    mlc_code code = meta_load(txn, ob->name, &meta, err);
    if (code != MLC_OK || seq <= meta.acked_seq)
        return code;
    if (seq >= meta.next_seq)
        return mlc_fail(err, MLC_E_PROTOCOL, "stream %s: %llu is acknowledged, the last entry is %llu",
                        ob->name, (unsigned long long)seq, (unsigned long long)(meta.next_seq - 1));
    for (uint64_t at = meta.acked_seq + 1; code == MLC_OK && at <= seq; at++)
        code = ack_one(txn, ob, &meta, at, now_ms, err);
    meta.acked_seq = seq;
    return code == MLC_OK ? meta_save(txn, ob->name, &meta, err) : code;
}

/* ---- pruning ---- */

static mlc_code forget_one(mlc_txn *txn, mlc_outbox *ob, stream_meta *meta, int64_t ended_ms, uint64_t seq,
                           mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    entry_edit edit;
    uint64_t known = 0;
    mlc_code code = edit_load(txn, ob, seq, &edit, err);
    if (code == MLC_OK)
        code = mlc_outbox_find(txn, ob, edit.e.idem, &known, err);
    if (code == MLC_OK && known == seq) {
        size_t len = 0;
        code = key_hash(ob, edit.e.idem, key, &len, err);
        if (code == MLC_OK)
            code = store_del(txn, DB_IDEM, key, len, err);
    }
    edit_free(&edit);
    if (code == MLC_E_NOTFOUND)
        code = MLC_OK;
    if (code == MLC_OK)
        code = store_del(txn, DB_ENTRY, key, key_seq(ob, seq, key), err);
    if (code == MLC_OK)
        code = store_del(txn, DB_DONE, key, key_time(ob, ended_ms, seq, key), err);
    meta->count[MLC_ENTRY_DONE]--;
    return code;
}

/* The oldest done entry that may go; MLC_E_NOTFOUND when none. */
static mlc_code oldest_done(mlc_txn *txn, const mlc_outbox *ob, const stream_meta *meta, int64_t *ended_ms,
                            uint64_t *seq, mlc_error *err)
{
    uint8_t key[OUTBOX_KEY_MAX];
    store_walk walk;
    (void)key_seq(ob, 0, key);
    mlc_code code = store_walk_open(&walk, txn, DB_DONE, key, 2, 2, err);
    while (code == MLC_OK) {
        *ended_ms = (int64_t)store_get_be64((const uint8_t *)walk.key.mv_data + 2);
        *seq = store_get_be64((const uint8_t *)walk.key.mv_data + 10);
        /* A reader of a SEQUENCE stream must still see that it is void. */
        if (ob->spec.mode == MLC_STREAM_KEYED || *seq <= meta->acked_seq)
            break;
        code = store_walk_next(&walk, txn, err);
    }
    store_walk_close(&walk);
    return code;
}

mlc_code mlc_outbox_prune(mlc_txn *txn, mlc_outbox *ob, int64_t now_ms, size_t max_work, size_t *pruned,
                          mlc_error *err)
{
    stream_meta meta;
    size_t count = 0;
    mlc_code code = meta_load(txn, ob->name, &meta, err);
    while (code == MLC_OK && count < max_work) {
        int64_t ended_ms = 0;
        uint64_t seq = 0;
        code = oldest_done(txn, ob, &meta, &ended_ms, &seq, err);
        if (code != MLC_OK)
            break;
        if (meta.count[MLC_ENTRY_DONE] <= ob->spec.keep_done_count &&
            ended_ms > now_ms - ob->spec.keep_done_ms)
            break;
        code = forget_one(txn, ob, &meta, ended_ms, seq, err);
        count++;
    }
    if (pruned != NULL)
        *pruned = count;
    if (code == MLC_E_NOTFOUND)
        code = MLC_OK;
    return code == MLC_OK && count > 0 ? meta_save(txn, ob->name, &meta, err) : code;
}
