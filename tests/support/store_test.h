/* store_test.h - a store in a temporary folder, one operation of an outbox as a job, and copies of what a reader sees.
 * Include after cmocka.h. Fork only while no store is open: a store has a thread. */
#ifndef MLC_TESTS_STORE_TEST_H
#define MLC_TESTS_STORE_TEST_H

#include "base/clock.h"
#include "store/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ST_SEQS_MAX = 256, ST_TEXT_MAX = 128 };

typedef struct st_fix {
    char root[128];
    char dir[160]; /* of the store */
    mlc_store_options options;
    mlc_store *store;
} st_fix;

static inline void st_check(mlc_code code, const mlc_error *err)
{
    if (code != MLC_OK)
        fail_msg("%s: %s (%s)", mlc_code_name(code), err->message, err->cause);
}

static inline mlc_code st_try_open(st_fix *f, mlc_error *err)
{
    f->options.dir = f->dir;
    return mlc_store_open(&f->store, &f->options, err);
}

static inline void st_open(st_fix *f)
{
    mlc_error err;
    st_check(st_try_open(f, &err), &err);
}

static inline void st_close(st_fix *f)
{
    mlc_store_close(f->store);
    f->store = NULL;
}

/* A folder; the store is not opened yet. */
static inline void st_place(st_fix *f)
{
    const char *const base = getenv("TMPDIR");
    memset(f, 0, sizeof *f);
    (void)snprintf(f->root, sizeof f->root, "%s/mlc-st-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(f->root));
    (void)snprintf(f->dir, sizeof f->dir, "%s/store", f->root);
}

static inline void st_init(st_fix *f)
{
    st_place(f);
    st_open(f);
}

static inline void st_end(st_fix *f)
{
    char command[200];
    st_close(f);
    (void)snprintf(command, sizeof command, "rm -rf %s", f->root);
    assert_int_equal(system(command), 0);
}

/* Of a test with an open store of its own: *state is its st_fix. */
static inline int st_setup(void **state)
{
    st_fix *const f = calloc(1, sizeof *f);
    *state = f;
    st_init(f);
    return 0;
}

static inline int st_teardown(void **state)
{
    st_end(*state);
    free(*state);
    return 0;
}

static inline mlc_outbox *st_stream(st_fix *f, const mlc_stream_spec *spec)
{
    mlc_outbox *out = NULL;
    mlc_error err;
    st_check(mlc_outbox_open(&out, f->store, spec, &err), &err);
    return out;
}

/* ---- one operation ---- */

typedef enum st_kind {
    ST_PUT,
    ST_BEGIN,
    ST_DONE,
    ST_RETRY,
    ST_PARK,
    ST_RELEASE,
    ST_DISMISS,
    ST_RECOVER,
    ST_ACK,
    ST_PRUNE
} st_kind;

typedef struct st_op {
    st_kind kind;
    mlc_outbox *ob;
    uint64_t seq;    /* given; of a put: received */
    const char *key; /* put */
    const char *idem;
    const char *text; /* payload, outcome, error or reason */
    size_t len;       /* put: of the payload; 0: that of text */
    int64_t at_ms;    /* now; of a retry: next attempt; of a recovery: settle time */
    int64_t not_before_ms;
    bool uncertain;
    /* results */
    mlc_code code;
    bool duplicate;
    uint64_t new_seq; /* release */
    uint64_t count;   /* recover, prune */
} st_op;

static inline mlc_code st_put(mlc_txn *txn, st_op *op, mlc_error *err)
{
    const char *const text = op->text != NULL ? op->text : "{}";
    const mlc_entry_new entry = {.tenant = "acme",
                                 .key = op->key,
                                 .idem = op->idem,
                                 .kind = "customer",
                                 .correlation = "c-1",
                                 .payload = text,
                                 .payload_len = op->len > 0 ? op->len : strlen(text),
                                 .now_ms = op->at_ms,
                                 .not_before_ms = op->not_before_ms};
    return mlc_outbox_put(txn, op->ob, &entry, &op->seq, &op->duplicate, err);
}

static inline mlc_code st_apply(mlc_txn *txn, st_op *op, mlc_error *err)
{
    size_t pruned = 0;
    mlc_code code = MLC_OK;
    switch (op->kind) {
    case ST_PUT:
        return st_put(txn, op, err);
    case ST_BEGIN:
        return mlc_outbox_begin(txn, op->ob, op->seq, op->at_ms, err);
    case ST_DONE:
        return mlc_outbox_done(txn, op->ob, op->seq, op->at_ms, op->text, err);
    case ST_RETRY:
        return mlc_outbox_retry(txn, op->ob, op->seq, op->at_ms, op->uncertain, op->text, err);
    case ST_PARK:
        return mlc_outbox_park(txn, op->ob, op->seq, op->at_ms, op->text, err);
    case ST_RELEASE:
        return mlc_outbox_release(txn, op->ob, op->seq, op->at_ms, &op->new_seq, err);
    case ST_DISMISS:
        return mlc_outbox_dismiss(txn, op->ob, op->seq, op->at_ms, op->text, err);
    case ST_RECOVER:
        return mlc_outbox_recover(txn, op->ob, op->at_ms, &op->count, err);
    case ST_ACK:
        return mlc_outbox_ack(txn, op->ob, op->seq, op->at_ms, err);
    default:
        code = mlc_outbox_prune(txn, op->ob, op->at_ms, 1000, &pruned, err);
        op->count = pruned;
        return code;
    }
}

static inline mlc_code st_op_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    return st_apply(txn, arg, err);
}

static inline mlc_code st_run(st_fix *f, st_op *op)
{
    mlc_error err;
    op->code = mlc_store_run(f->store, st_op_job, op, &err);
    return op->code;
}

/* Run, expecting success; returns the sequence. The parts of an st_op after ob are the arguments. */
#define ST_OK(f, what, stream, ...) st_ok((f), &(st_op){.kind = (what), .ob = (stream), __VA_ARGS__})
#define ST_CODE(f, what, stream, ...)                                                                        \
    ((int)st_run((f), &(st_op){.kind = (what), .ob = (stream), __VA_ARGS__}))

static inline uint64_t st_ok(st_fix *f, st_op *op)
{
    mlc_error err;
    st_check(mlc_store_run(f->store, st_op_job, op, &err), &err);
    return op->kind == ST_RELEASE ? op->new_seq : op->seq;
}

/* ---- what a reader sees ---- */

typedef struct st_entry {
    mlc_entry e; /* its pointers lead to the texts below */
    char tenant[ST_TEXT_MAX], key[ST_TEXT_MAX], idem[ST_TEXT_MAX], last_error[ST_TEXT_MAX];
    char outcome[ST_TEXT_MAX], payload[ST_TEXT_MAX];
} st_entry;

typedef struct st_seqs {
    mlc_outbox *ob;
    uint64_t from;
    int64_t now_ms, next_ms;
    size_t max, count;
    uint64_t seq[ST_SEQS_MAX];
    mlc_entry_state state[ST_SEQS_MAX];
} st_seqs;

typedef struct st_look {
    mlc_outbox *ob;
    uint64_t seq;
    st_entry *out;
    mlc_outbox_stats *stats;
    const char *idem;
} st_look;

static inline void st_copy(char out[ST_TEXT_MAX], const char **text)
{
    (void)snprintf(out, ST_TEXT_MAX, "%s", *text);
    *text = out;
}

static inline mlc_code st_look_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    st_look *const look = arg;
    st_entry *const out = look->out;
    if (look->idem != NULL)
        return mlc_outbox_find(txn, look->ob, look->idem, &look->seq, err);
    if (look->stats != NULL)
        return mlc_outbox_stats_get(txn, look->ob, look->stats, err);
    const mlc_code code = mlc_outbox_get(txn, look->ob, look->seq, &out->e, err);
    if (code != MLC_OK)
        return code;
    st_copy(out->tenant, &out->e.tenant);
    st_copy(out->key, &out->e.key);
    st_copy(out->idem, &out->e.idem);
    st_copy(out->last_error, &out->e.last_error);
    st_copy(out->outcome, &out->e.outcome);
    (void)snprintf(out->payload, sizeof out->payload, "%.*s",
                   (int)(out->e.payload_len < ST_TEXT_MAX ? out->e.payload_len : ST_TEXT_MAX - 1),
                   (const char *)out->e.payload);
    out->e.payload = out->payload;
    return MLC_OK;
}

static inline mlc_code st_get(st_fix *f, mlc_outbox *ob, uint64_t seq, st_entry *out)
{
    mlc_error err;
    st_look look = {.ob = ob, .seq = seq, .out = out};
    return mlc_store_read(f->store, st_look_job, &look, &err);
}

static inline mlc_outbox_stats st_stats(st_fix *f, mlc_outbox *ob)
{
    mlc_error err;
    mlc_outbox_stats stats = {0};
    st_look look = {.ob = ob, .stats = &stats};
    st_check(mlc_store_read(f->store, st_look_job, &look, &err), &err);
    return stats;
}

/* Sequence by idempotency key; 0 when unknown. */
static inline uint64_t st_find(st_fix *f, mlc_outbox *ob, const char *idem)
{
    mlc_error err;
    st_look look = {.ob = ob, .idem = idem};
    const mlc_code code = mlc_store_read(f->store, st_look_job, &look, &err);
    assert_true(code == MLC_OK || code == MLC_E_NOTFOUND);
    return code == MLC_OK ? look.seq : 0;
}

static inline void st_state_is(st_fix *f, mlc_outbox *ob, uint64_t seq, mlc_entry_state state,
                               const char *outcome)
{
    st_entry entry;
    assert_int_equal(st_get(f, ob, seq, &entry), MLC_OK);
    assert_string_equal(mlc_entry_state_name(entry.e.state), mlc_entry_state_name(state));
    assert_string_equal(entry.e.outcome, outcome);
}

static inline bool st_collect(const mlc_entry *entry, void *arg)
{
    st_seqs *const seqs = arg;
    assert_true(seqs->count < ST_SEQS_MAX);
    seqs->state[seqs->count] = entry->state;
    seqs->seq[seqs->count++] = entry->seq;
    return true;
}

static inline mlc_code st_due_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    st_seqs *const s = arg;
    s->count = 0;
    return mlc_outbox_due(txn, s->ob, s->now_ms, s->max > 0 ? s->max : ST_SEQS_MAX, st_collect, s,
                          &s->next_ms, err);
}

static inline mlc_code st_scan_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    st_seqs *const s = arg;
    s->count = 0;
    return mlc_outbox_scan(txn, s->ob, s->from, s->max > 0 ? s->max : ST_SEQS_MAX, st_collect, s, err);
}

static inline mlc_code st_parked_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    st_seqs *const s = arg;
    s->count = 0;
    return mlc_outbox_parked(txn, s->ob, s->from, s->max > 0 ? s->max : ST_SEQS_MAX, st_collect, s, err);
}

/* The sequences that `job` visits are these; 0 ends the list. */
static inline void st_seqs_are(st_fix *f, mlc_job_fn job, st_seqs *seqs, const uint64_t *wanted)
{
    mlc_error err;
    size_t count = 0;
    st_check(mlc_store_read(f->store, job, seqs, &err), &err);
    for (; wanted[count] != 0; count++) {
        assert_true(count < seqs->count);
        assert_int_equal(seqs->seq[count], wanted[count]);
    }
    assert_int_equal(seqs->count, count);
}

#define ST_LIST(...) ((const uint64_t[]){__VA_ARGS__ 0})
#define ST_DUE_ARE(f, stream, now, ...)                                                                      \
    st_seqs_are((f), st_due_job, &(st_seqs){.ob = (stream), .now_ms = (now)}, ST_LIST(__VA_ARGS__))

/* ---- random numbers that are the same on each run (xorshift64) ---- */

static inline uint64_t st_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static inline unsigned st_below(uint64_t *state, unsigned limit)
{
    return (unsigned)(st_random(state) % limit);
}

/* ---- another process ---- */

/* Wait for its end; returns its exit status, or 1000 + the signal that ended it. */
static inline int st_join(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

#endif
