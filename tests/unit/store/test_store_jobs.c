/* test_store_jobs.c - jobs: group commit, a failing job among others, order, completions (store.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/cursor.h"
#include "support/store_test.h"

#include <pthread.h>

enum { MANY = 400 };

typedef struct fix {
    st_fix s;
    mlc_outbox *ob;
} fix;

static int setup(void **state)
{
    fix *const f = calloc(1, sizeof *f);
    *state = f;
    st_init(&f->s);
    f->ob = st_stream(&f->s, &(mlc_stream_spec){.name = "s", .mode = MLC_STREAM_SEQUENCE});
    return 0;
}

static int teardown(void **state)
{
    fix *const f = *state;
    mlc_outbox_close(f->ob);
    st_end(&f->s);
    free(f);
    return 0;
}

/* One job of a poller: an entry, and the cursor that covers it. */
typedef struct page {
    mlc_outbox *ob;
    uint64_t number;
    bool fails; /* after it has written */
    uint64_t seq;
    /* completion */
    unsigned completed;
    mlc_code code;
    bool told_why;
    uint64_t *order; /* counts completions */
    uint64_t place;
} page;

static mlc_code store_page(mlc_txn *txn, void *arg, mlc_error *err)
{
    page *const p = arg;
    char idem[32];
    (void)snprintf(idem, sizeof idem, "page-%llu", (unsigned long long)p->number);
    st_op op = {.kind = ST_PUT, .ob = p->ob, .key = "k", .idem = idem};
    mlc_code code = st_apply(txn, &op, err);
    p->seq = op.seq;
    if (code == MLC_OK)
        code = mlc_cursor_put(txn, "watermark", &p->number, sizeof p->number, err);
    if (code == MLC_OK && p->fails)
        code = mlc_fail(err, MLC_E_REJECTED, "page %llu is bad", (unsigned long long)p->number);
    return code;
}

static void page_done(void *arg, mlc_code code, const mlc_error *err)
{
    page *const p = arg;
    char wanted[32];
    (void)snprintf(wanted, sizeof wanted, "page %llu is bad", (unsigned long long)p->number);
    p->completed++;
    p->code = code;
    p->told_why = err->code == code && strcmp(err->message, wanted) == 0;
    p->place = ++*p->order;
}

static mlc_code read_watermark(mlc_txn *txn, void *arg, mlc_error *err)
{
    const void *value = NULL;
    size_t len = 0;
    const mlc_code code = mlc_cursor_get(txn, "watermark", &value, &len, err);
    if (code == MLC_OK)
        memcpy(arg, value, sizeof(uint64_t));
    return code;
}

static uint64_t watermark(fix *f)
{
    uint64_t value = 0;
    mlc_error err;
    (void)mlc_store_read(f->s.store, read_watermark, &value, &err);
    return value;
}

/* ---- holding the writer, so that jobs gather behind it ---- */

typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    bool reached, open;
} gate;

static mlc_code wait_at_gate(mlc_txn *txn, void *arg, mlc_error *err)
{
    gate *const g = arg;
    (void)txn;
    (void)err;
    (void)pthread_mutex_lock(&g->mutex);
    g->reached = true;
    (void)pthread_cond_broadcast(&g->moved);
    while (!g->open)
        (void)pthread_cond_wait(&g->moved, &g->mutex);
    (void)pthread_mutex_unlock(&g->mutex);
    return MLC_OK;
}

static void gate_close(fix *f, gate *g)
{
    mlc_error err;
    (void)pthread_mutex_init(&g->mutex, NULL);
    (void)pthread_cond_init(&g->moved, NULL);
    g->reached = g->open = false;
    st_check(mlc_store_submit(f->s.store, wait_at_gate, NULL, g, &err), &err);
    (void)pthread_mutex_lock(&g->mutex);
    while (!g->reached)
        (void)pthread_cond_wait(&g->moved, &g->mutex);
    (void)pthread_mutex_unlock(&g->mutex);
}

static void gate_open(gate *g)
{
    (void)pthread_mutex_lock(&g->mutex);
    g->open = true;
    (void)pthread_cond_broadcast(&g->moved);
    (void)pthread_mutex_unlock(&g->mutex);
}

static void gate_free(gate *g)
{
    (void)pthread_mutex_destroy(&g->mutex);
    (void)pthread_cond_destroy(&g->moved);
}

static page *submit_pages(fix *f, size_t count, uint64_t *order, const bool *fails)
{
    mlc_error err;
    page *const pages = calloc(count, sizeof *pages);
    for (size_t i = 0; i < count; i++) {
        pages[i] = (page){.ob = f->ob, .number = i + 1, .order = order, .fails = fails != NULL && fails[i]};
        st_check(mlc_store_submit(f->s.store, store_page, page_done, &pages[i], &err), &err);
    }
    return pages;
}

static void test_many_jobs_share_few_commits(void **state)
{
    fix *const f = *state;
    mlc_error err;
    gate g;
    uint64_t order = 0;
    mlc_store_info before;
    mlc_store_info after;
    st_check(mlc_store_info_get(f->s.store, &before, &err), &err);
    gate_close(f, &g);
    page *const pages = submit_pages(f, MANY, &order, NULL);
    gate_open(&g);
    st_check(mlc_store_drain(f->s.store, &err), &err);
    st_check(mlc_store_info_get(f->s.store, &after, &err), &err);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(pages[i].completed, 1);
        assert_int_equal(pages[i].code, MLC_OK);
        assert_int_equal(pages[i].seq, i + 1); /* applied, and told, in order */
        assert_int_equal(pages[i].place, i + 1);
    }
    assert_true(after.jobs - before.jobs >= MANY);
    /* the gate, the pages, the drain */
    assert_true(after.commits - before.commits <= 4);
    assert_int_equal(watermark(f), MANY);
    gate_free(&g);
    free(pages);
}

static void test_nothing_is_seen_before_it_is_committed(void **state)
{
    fix *const f = *state;
    mlc_error err;
    gate g;
    uint64_t order = 0;
    gate_close(f, &g);
    page *const pages = submit_pages(f, 3, &order, NULL);
    assert_int_equal(mlc_store_dispatch(f->s.store), 0);
    assert_int_equal(st_stats(&f->s, f->ob).next_seq, 1);
    assert_int_equal(watermark(f), 0);
    gate_open(&g);
    st_check(mlc_store_drain(f->s.store, &err), &err);
    assert_int_equal(st_stats(&f->s, f->ob).next_seq, 4);
    gate_free(&g);
    free(pages);
}

/* `bad` of MANY jobs fail, spread out, all in one group. */
static void check_failing(fix *f, size_t bad)
{
    bool fails[MANY] = {false};
    mlc_error err;
    gate g;
    uint64_t order = 0;
    uint64_t good = 0;
    for (size_t i = 0; i < bad; i++)
        fails[i * MANY / bad] = true;
    fails[MANY - 1] = true; /* the watermark of the last must not stay */
    gate_close(f, &g);
    page *const pages = submit_pages(f, MANY, &order, fails);
    gate_open(&g);
    st_check(mlc_store_drain(f->s.store, &err), &err);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(pages[i].completed, 1);
        assert_int_equal(pages[i].place, i + 1);
        assert_int_equal(pages[i].code, fails[i] ? MLC_E_REJECTED : MLC_OK);
        assert_int_equal(pages[i].told_why, fails[i]);
        if (!fails[i]) /* gapless: the failed ones took no sequence */
            assert_int_equal(pages[i].seq, ++good);
    }
    assert_int_equal(st_stats(&f->s, f->ob).next_seq, good + 1);
    assert_int_equal(watermark(f), MANY - 1);
    assert_int_equal(st_find(&f->s, f->ob, "page-1"), 0);
    gate_free(&g);
    free(pages);
}

static void test_failing_job_changes_nothing_and_hurts_no_other(void **state)
{
    check_failing(*state, 1);
}

static void test_many_failing_jobs_hurt_no_other(void **state)
{
    check_failing(*state, 20);
}

static void test_run_waits_and_tells_why(void **state)
{
    fix *const f = *state;
    mlc_error err;
    page p = {.ob = f->ob, .number = 7, .fails = true};
    assert_int_equal(mlc_store_run(f->s.store, store_page, &p, &err), MLC_E_REJECTED);
    assert_int_equal(err.code, MLC_E_REJECTED);
    assert_string_equal(err.message, "page 7 is bad");
    assert_int_equal(watermark(f), 0);
    p.fails = false;
    st_check(mlc_store_run(f->s.store, store_page, &p, &err), &err);
    assert_int_equal(watermark(f), 7);
}

static void test_reader_cannot_write(void **state)
{
    fix *const f = *state;
    mlc_error err;
    page p = {.ob = f->ob, .number = 1};
    assert_int_not_equal(mlc_store_read(f->s.store, store_page, &p, &err), MLC_OK);
    assert_int_equal(st_stats(&f->s, f->ob).next_seq, 1);
    st_check(mlc_store_run(f->s.store, store_page, &p, &err), &err);
}

static void test_close_finishes_what_was_submitted(void **state)
{
    fix *const f = *state;
    uint64_t order = 0;
    page *const pages = submit_pages(f, 50, &order, NULL);
    st_close(&f->s);
    assert_int_equal(order, 50);
    for (size_t i = 0; i < 50; i++)
        assert_int_equal(pages[i].code, MLC_OK);
    st_open(&f->s);
    assert_int_equal(watermark(f), 50);
    free(pages);
}

/* A completion that submits the next job; drain has to see the end of it. */
typedef struct relay_run {
    fix *f;
    page page;
    unsigned left;
    mlc_code last;
} relay_run;

static mlc_code store_next(mlc_txn *txn, void *arg, mlc_error *err)
{
    return store_page(txn, &((relay_run *)arg)->page, err);
}

static void next_done(void *arg, mlc_code code, const mlc_error *err)
{
    relay_run *const r = arg;
    mlc_error why;
    (void)err;
    assert_int_equal(code, MLC_OK);
    r->page.number++;
    if (--r->left > 0)
        r->last = mlc_store_submit(r->f->s.store, store_next, next_done, r, &why);
}

static void test_drain_follows_what_completions_submit(void **state)
{
    fix *const f = *state;
    mlc_error err;
    relay_run r = {.f = f, .page = {.ob = f->ob, .number = 1}, .left = 10};
    st_check(mlc_store_submit(f->s.store, store_next, next_done, &r, &err), &err);
    st_check(mlc_store_drain(f->s.store, &err), &err);
    assert_int_equal(r.left, 0);
    assert_int_equal(watermark(f), 10);
}

static void test_completion_while_closing_cannot_submit(void **state)
{
    fix *const f = *state;
    mlc_error err;
    relay_run r = {.f = f, .page = {.ob = f->ob, .number = 1}, .left = 10};
    st_check(mlc_store_submit(f->s.store, store_next, next_done, &r, &err), &err);
    st_close(&f->s);
    assert_int_equal(r.left, 9);
    assert_int_equal(r.last, MLC_E_CLOSED);
    st_open(&f->s);
    assert_int_equal(watermark(f), 1);
}

/* ---- many threads ---- */

enum { THREADS = 4, EACH = 50 };

typedef struct worker {
    fix *f;
    pthread_t thread;
    uint64_t id;
    bool in_order;
} worker;

static void *work(void *arg)
{
    worker *const w = arg;
    uint64_t last = 0;
    w->in_order = true;
    for (uint64_t i = 0; i < EACH; i++) {
        page p = {.ob = w->f->ob, .number = w->id * 1000 + i};
        mlc_outbox_stats stats = {0};
        st_look look = {.ob = w->f->ob, .stats = &stats};
        w->in_order = w->in_order && mlc_store_run(w->f->s.store, store_page, &p, NULL) == MLC_OK &&
                      p.seq > last && mlc_store_read(w->f->s.store, st_look_job, &look, NULL) == MLC_OK &&
                      stats.next_seq > p.seq; /* what was reported is seen */
        last = p.seq;
    }
    return NULL;
}

static void test_threads_write_and_read_together(void **state)
{
    fix *const f = *state;
    worker workers[THREADS];
    for (uint64_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){.f = f, .id = i + 1};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        assert_true(workers[i].in_order);
    }
    assert_int_equal(st_stats(&f->s, f->ob).next_seq, THREADS * EACH + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many_jobs_share_few_commits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_seen_before_it_is_committed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failing_job_changes_nothing_and_hurts_no_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_failing_jobs_hurt_no_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_waits_and_tells_why, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reader_cannot_write, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_finishes_what_was_submitted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_drain_follows_what_completions_submit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_completion_while_closing_cannot_submit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_threads_write_and_read_together, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
