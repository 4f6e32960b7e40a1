/* test_outbox_model.c - random operations on an outbox and on a simple model of it in memory; both must give the same
 * answers and be in the same state after each job. The seeds are fixed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_test.h"

enum { OPS_IN_JOB = 8, JOBS = 60, MODEL_MAX = OPS_IN_JOB * JOBS + 1, KEYS = 4, ENTRIES_LIMIT = 12 };

typedef struct model_entry {
    mlc_entry_state state;
    bool uncertain, forgotten; /* forgotten: pruned */
    unsigned key, idem;
    uint32_t attempts;
    int64_t created_ms, next_ms, began_ms, ended_ms;
    char outcome[64];
} model_entry;

typedef struct model {
    bool keyed, supersede;
    int64_t keep_ms;
    uint64_t next, acked;
    model_entry at[MODEL_MAX + 1]; /* by sequence */
    uint64_t idem[MODEL_MAX + 1];  /* sequence by key, 0: unknown */
    unsigned idem_count;
} model;

/* ---- the model ---- */

static bool lives(const model_entry *e)
{
    return !e->forgotten && e->state != MLC_ENTRY_DONE;
}

static uint64_t head_of(const model *m, unsigned key)
{
    for (uint64_t seq = 1; seq < m->next; seq++)
        if (lives(&m->at[seq]) && m->at[seq].key == key)
            return seq;
    return 0;
}

static bool newer_lives(const model *m, uint64_t than)
{
    for (uint64_t seq = than + 1; seq < m->next; seq++)
        if (lives(&m->at[seq]) && m->at[seq].key == m->at[than].key)
            return true;
    return false;
}

static void end(model_entry *e, int64_t at_ms, const char *outcome)
{
    e->state = MLC_ENTRY_DONE;
    e->ended_ms = at_ms;
    (void)snprintf(e->outcome, sizeof e->outcome, "%s", outcome);
}

static uint64_t add(model *m, unsigned key, unsigned idem, int64_t at_ms, int64_t next_ms)
{
    const uint64_t seq = m->next++;
    char outcome[48];
    (void)snprintf(outcome, sizeof outcome, "superseded by %u", (unsigned)seq);
    m->at[seq] = (model_entry){.key = key, .idem = idem, .created_ms = at_ms, .next_ms = next_ms};
    m->idem[idem] = seq;
    for (uint64_t old = 1; m->supersede && old < seq; old++)
        if (lives(&m->at[old]) && m->at[old].key == key && m->at[old].state != MLC_ENTRY_INFLIGHT)
            end(&m->at[old], at_ms, outcome);
    return seq;
}

static mlc_code model_put(model *m, const st_op *op, unsigned key, unsigned idem, uint64_t *seq)
{
    unsigned live = 0;
    *seq = m->idem[idem];
    if (*seq != 0)
        return MLC_OK;
    for (uint64_t at = 1; at < m->next; at++)
        live += lives(&m->at[at]);
    if (live >= ENTRIES_LIMIT)
        return MLC_E_FULL;
    *seq = add(m, key, idem, op->at_ms, op->not_before_ms > 0 ? op->not_before_ms : op->at_ms);
    return MLC_OK;
}

/* A failed attempt: `state` and the rest as given, unless a newer snapshot waits. */
static mlc_code model_fail(model *m, uint64_t seq, mlc_entry_state state, int64_t at_ms, bool uncertain)
{
    model_entry *const e = &m->at[seq];
    e->uncertain = e->uncertain || uncertain;
    if (m->supersede && !e->uncertain && newer_lives(m, seq)) {
        end(e, at_ms, "superseded after a failed attempt");
        return MLC_OK;
    }
    e->state = state;
    if (state == MLC_ENTRY_READY)
        e->next_ms = at_ms;
    else
        e->ended_ms = at_ms;
    return MLC_OK;
}

static mlc_code model_release(model *m, const st_op *op, uint64_t *new_seq)
{
    model_entry *const e = &m->at[op->seq];
    char outcome[48];
    *new_seq = op->seq;
    if (e->state != MLC_ENTRY_PARKED)
        return MLC_E_CONFLICT;
    if (!m->keyed) {
        (void)snprintf(outcome, sizeof outcome, "requeued as %u", (unsigned)m->next);
        end(e, op->at_ms, outcome);
        *new_seq = add(m, e->key, e->idem, op->at_ms, op->at_ms);
        return MLC_OK;
    }
    e->state = MLC_ENTRY_READY;
    e->attempts = 0;
    e->next_ms = op->at_ms;
    e->ended_ms = 0;
    return MLC_OK;
}

static uint64_t model_recover(model *m, int64_t settle_ms)
{
    uint64_t count = 0;
    for (uint64_t seq = 1; seq < m->next; seq++) {
        model_entry *const e = &m->at[seq];
        if (!lives(e) || e->state != MLC_ENTRY_INFLIGHT)
            continue;
        e->state = MLC_ENTRY_READY;
        e->uncertain = true;
        e->next_ms = e->began_ms + settle_ms;
        count++;
    }
    return count;
}

static mlc_code model_ack(model *m, const st_op *op)
{
    if (op->seq > m->acked && op->seq >= m->next)
        return MLC_E_PROTOCOL;
    for (uint64_t seq = m->acked + 1; seq <= op->seq; seq++)
        if (lives(&m->at[seq]) && m->at[seq].state == MLC_ENTRY_READY)
            end(&m->at[seq], op->at_ms, "acknowledged");
    if (op->seq > m->acked)
        m->acked = op->seq;
    return MLC_OK;
}

static uint64_t model_prune(model *m, int64_t now_ms)
{
    uint64_t count = 0;
    for (uint64_t seq = 1; seq < m->next; seq++) {
        model_entry *const e = &m->at[seq];
        if (e->forgotten || e->state != MLC_ENTRY_DONE || e->ended_ms > now_ms - m->keep_ms ||
            (!m->keyed && seq > m->acked))
            continue;
        e->forgotten = true;
        if (m->idem[e->idem] == seq)
            m->idem[e->idem] = 0;
        count++;
    }
    return count;
}

static mlc_code model_change(model *m, const st_op *op)
{
    model_entry *const e = &m->at[op->seq];
    if (op->seq == 0 || op->seq >= m->next || e->forgotten)
        return MLC_E_NOTFOUND;
    switch (op->kind) {
    case ST_BEGIN:
        if (e->state != MLC_ENTRY_READY || head_of(m, e->key) != op->seq)
            return MLC_E_CONFLICT;
        e->state = MLC_ENTRY_INFLIGHT;
        e->attempts++;
        e->began_ms = op->at_ms;
        return MLC_OK;
    case ST_DONE:
        if (e->state != MLC_ENTRY_DONE)
            end(e, op->at_ms, op->text);
        return MLC_OK;
    case ST_RETRY:
        return e->state == MLC_ENTRY_INFLIGHT
                   ? model_fail(m, op->seq, MLC_ENTRY_READY, op->at_ms, op->uncertain)
                   : MLC_E_CONFLICT;
    case ST_PARK:
        return e->state == MLC_ENTRY_INFLIGHT || e->state == MLC_ENTRY_READY
                   ? model_fail(m, op->seq, MLC_ENTRY_PARKED, op->at_ms, false)
                   : MLC_E_CONFLICT;
    default:
        if (e->state != MLC_ENTRY_PARKED)
            return MLC_E_CONFLICT;
        end(e, op->at_ms, "dismissed: x");
        return MLC_OK;
    }
}

/* ---- the same operation on both ---- */

typedef struct step {
    st_op op;
    unsigned key, idem;
    char key_text[16], idem_text[16];
} step;

typedef struct run {
    st_fix s;
    mlc_outbox *ob;
    mlc_stream_spec spec;
    model *m;
    uint64_t random;
    int64_t now_ms;
    step steps[OPS_IN_JOB];
} run;

static st_kind pick_kind(run *r)
{
    static const st_kind keyed[] = {ST_PUT,   ST_PUT,  ST_PUT,     ST_BEGIN,   ST_BEGIN, ST_BEGIN,  ST_DONE,
                                    ST_RETRY, ST_PARK, ST_RELEASE, ST_DISMISS, ST_PRUNE, ST_RECOVER};
    static const st_kind sequence[] = {ST_PUT,     ST_PUT,     ST_PUT, ST_PARK,
                                       ST_RELEASE, ST_DISMISS, ST_ACK, ST_PRUNE};
    return r->m->keyed ? keyed[st_below(&r->random, sizeof keyed / sizeof keyed[0])]
                       : sequence[st_below(&r->random, sizeof sequence / sizeof sequence[0])];
}

/* Mostly one that lives, since changes of the others are all refused. */
static uint64_t pick_seq(run *r)
{
    uint64_t seq = 1 + st_below(&r->random, (unsigned)r->m->next + 1);
    for (int i = 0; i < 6 && (seq >= r->m->next || !lives(&r->m->at[seq])); i++)
        seq = 1 + st_below(&r->random, (unsigned)r->m->next + 1);
    return seq;
}

static void plan(run *r, step *s)
{
    r->now_ms += st_below(&r->random, 20);
    *s = (step){
        .op = {.kind = pick_kind(r), .ob = r->ob, .seq = pick_seq(r), .text = "x", .at_ms = r->now_ms}};
    if (s->op.kind == ST_PUT) {
        const bool again = r->m->idem_count > 0 && st_below(&r->random, 5) == 0;
        s->idem = again ? st_below(&r->random, r->m->idem_count) : r->m->idem_count++;
        s->key = st_below(&r->random, KEYS);
        s->op.not_before_ms = st_below(&r->random, 3) == 0 ? r->now_ms + st_below(&r->random, 100) : 0;
    } else if (s->op.kind == ST_RETRY) {
        s->op.at_ms += st_below(&r->random, 100);
        s->op.uncertain = st_below(&r->random, 3) == 0;
    } else if (s->op.kind == ST_RECOVER) {
        s->op.at_ms = 50;
    } else if (s->op.kind == ST_ACK) {
        s->op.seq = r->m->acked + st_below(&r->random, 6);
    }
    (void)snprintf(s->key_text, sizeof s->key_text, "k-%u", s->key);
    (void)snprintf(s->idem_text, sizeof s->idem_text, "i-%u", s->idem);
    s->op.key = s->key_text;
    s->op.idem = s->idem_text;
}

/* Do it to the model, and compare with what the store said. */
static void compare_step(run *r, const step *s, uint64_t given_seq)
{
    model *const m = r->m;
    st_op op = s->op;
    uint64_t expected = 0;
    mlc_code code = MLC_OK;
    op.seq = given_seq;
    switch (op.kind) {
    case ST_PUT:
        assert_int_equal(s->op.duplicate, m->idem[s->idem] != 0);
        code = model_put(m, &op, s->key, s->idem, &expected);
        if (code == MLC_OK)
            assert_int_equal(s->op.seq, expected);
        break;
    case ST_RELEASE:
        code = given_seq >= m->next || m->at[given_seq].forgotten ? MLC_E_NOTFOUND
                                                                  : model_release(m, &op, &expected);
        if (code == MLC_OK)
            assert_int_equal(s->op.new_seq, expected);
        break;
    case ST_RECOVER:
        assert_int_equal(s->op.count, model_recover(m, op.at_ms));
        break;
    case ST_ACK:
        code = model_ack(m, &op);
        break;
    case ST_PRUNE:
        assert_int_equal(s->op.count, model_prune(m, op.at_ms));
        break;
    default:
        code = model_change(m, &op);
        break;
    }
    assert_string_equal(mlc_code_name(s->op.code), mlc_code_name(code));
}

/* An operation that is refused changes nothing, so the job goes on with the next. */
static mlc_code do_steps(mlc_txn *txn, void *arg, mlc_error *err)
{
    run *const r = arg;
    for (size_t i = 0; i < OPS_IN_JOB; i++)
        r->steps[i].op.code = st_apply(txn, &r->steps[i].op, err);
    return MLC_OK;
}

/* ---- comparing states ---- */

typedef struct sums {
    uint64_t by_state[MLC_ENTRY_DONE + 1];
    int64_t oldest_ms;
} sums;

static sums compare_entries(run *r)
{
    const model *const m = r->m;
    sums sum = {.oldest_ms = 0};
    st_entry got;
    for (uint64_t seq = 1; seq < m->next; seq++) {
        const model_entry *const e = &m->at[seq];
        if (e->forgotten) {
            assert_int_equal(st_get(&r->s, r->ob, seq, &got), MLC_E_NOTFOUND);
            continue;
        }
        assert_int_equal(st_get(&r->s, r->ob, seq, &got), MLC_OK);
        assert_string_equal(mlc_entry_state_name(got.e.state), mlc_entry_state_name(e->state));
        assert_string_equal(got.e.outcome, e->outcome);
        assert_int_equal(got.e.uncertain, e->uncertain);
        assert_int_equal(got.e.attempts, e->attempts);
        assert_int_equal(got.e.next_attempt_ms, e->next_ms);
        assert_int_equal(got.e.created_ms, e->created_ms);
        sum.by_state[e->state]++;
        if (sum.oldest_ms == 0 && e->state != MLC_ENTRY_DONE)
            sum.oldest_ms = e->created_ms;
    }
    return sum;
}

/* Due heads by (next attempt, sequence). */
static void compare_due(run *r)
{
    const model *const m = r->m;
    mlc_error err;
    st_seqs due = {.ob = r->ob, .now_ms = r->now_ms};
    size_t expected = 0;
    int64_t next_ms = INT64_MAX;
    int64_t last_ms = 0;
    st_check(mlc_store_read(r->s.store, st_due_job, &due, &err), &err);
    for (unsigned key = 0; m->keyed && key < KEYS; key++) {
        const uint64_t head = head_of(m, key);
        if (head == 0 || m->at[head].state != MLC_ENTRY_READY)
            continue;
        if (m->at[head].next_ms <= r->now_ms)
            expected++;
        else if (m->at[head].next_ms < next_ms)
            next_ms = m->at[head].next_ms;
    }
    assert_int_equal(due.count, expected);
    assert_true(due.next_ms == next_ms);
    for (size_t i = 0; i < due.count; i++) {
        const model_entry *const e = &m->at[due.seq[i]];
        assert_int_equal(head_of(m, e->key), due.seq[i]);
        assert_int_equal(e->state, MLC_ENTRY_READY);
        assert_in_range(e->next_ms, last_ms, r->now_ms);
        last_ms = e->next_ms;
    }
}

static void compare(run *r)
{
    char idem[16];
    mlc_error err;
    st_seqs parked = {.ob = r->ob};
    const sums sum = compare_entries(r);
    const mlc_outbox_stats stats = st_stats(&r->s, r->ob);
    assert_int_equal(stats.next_seq, r->m->next);
    assert_int_equal(stats.acked_seq, r->m->acked);
    assert_int_equal(stats.ready, sum.by_state[MLC_ENTRY_READY]);
    assert_int_equal(stats.inflight, sum.by_state[MLC_ENTRY_INFLIGHT]);
    assert_int_equal(stats.parked, sum.by_state[MLC_ENTRY_PARKED]);
    assert_int_equal(stats.done, sum.by_state[MLC_ENTRY_DONE]);
    assert_int_equal(stats.oldest_live_ms, sum.oldest_ms);
    assert_int_equal(stats.live_bytes == 0, stats.ready + stats.inflight + stats.parked == 0);
    st_check(mlc_store_read(r->s.store, st_parked_job, &parked, &err), &err);
    assert_int_equal(parked.count, stats.parked);
    for (unsigned i = 0; i < r->m->idem_count; i++) {
        (void)snprintf(idem, sizeof idem, "i-%u", i);
        assert_int_equal(st_find(&r->s, r->ob, idem), r->m->idem[i]);
    }
    compare_due(r);
}

/* ---- runs ---- */

static void one_job(run *r)
{
    mlc_error err;
    uint64_t given[OPS_IN_JOB];
    for (size_t i = 0; i < OPS_IN_JOB; i++) {
        plan(r, &r->steps[i]);
        given[i] = r->steps[i].op.seq;
    }
    st_check(mlc_store_run(r->s.store, do_steps, r, &err), &err);
    for (size_t i = 0; i < OPS_IN_JOB; i++)
        compare_step(r, &r->steps[i], given[i]);
    compare(r);
}

static void random_run(mlc_stream_mode mode, bool supersede, uint64_t seed)
{
    run *const r = calloc(1, sizeof *r);
    r->m = calloc(1, sizeof *r->m);
    *r->m = (model){.keyed = mode == MLC_STREAM_KEYED, .supersede = supersede, .keep_ms = 300, .next = 1};
    r->spec = (mlc_stream_spec){.name = "s",
                                .mode = mode,
                                .supersede = supersede,
                                .keep_done_ms = r->m->keep_ms,
                                .max_entries = ENTRIES_LIMIT};
    r->random = seed;
    r->now_ms = 1000;
    print_message("order %d, superseding %d, seed %llu\n", (int)mode, supersede, (unsigned long long)seed);
    st_init(&r->s);
    r->ob = st_stream(&r->s, &r->spec);
    for (int job = 0; job < JOBS; job++) {
        one_job(r);
        if (job % 20 == 19) {
            mlc_outbox_close(r->ob);
            st_close(&r->s);
            st_open(&r->s);
            r->ob = st_stream(&r->s, &r->spec);
        }
    }
    mlc_outbox_close(r->ob);
    st_end(&r->s);
    free(r->m);
    free(r);
}

static const uint64_t seeds[] = {1, 42, 20240229, 0x5eed5eed5eedU};

static void run_seeds(mlc_stream_mode mode, bool supersede)
{
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++)
        random_run(mode, supersede, seeds[i]);
}

static void test_keyed(void **state)
{
    (void)state;
    run_seeds(MLC_STREAM_KEYED, false);
}

static void test_keyed_superseding(void **state)
{
    (void)state;
    run_seeds(MLC_STREAM_KEYED, true);
}

static void test_sequence(void **state)
{
    (void)state;
    run_seeds(MLC_STREAM_SEQUENCE, false);
}

static void test_sequence_superseding(void **state)
{
    (void)state;
    run_seeds(MLC_STREAM_SEQUENCE, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keyed),
        cmocka_unit_test(test_keyed_superseding),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_sequence_superseding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
