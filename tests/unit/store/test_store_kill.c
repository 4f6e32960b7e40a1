/* test_store_kill.c - kill -9 in the middle of writing: what was reported committed is there, whole and gapless
 * (outbox.h, 1 and 2; store.h). The moments of the kills come from a fixed seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/cursor.h"
#include "support/store_test.h"

#include <signal.h>

enum { ROUNDS = 12, OUTSTANDING = 8 };

static const mlc_stream_spec spec = {.name = "up", .mode = MLC_STREAM_SEQUENCE};

static mlc_code read_cursor(mlc_txn *txn, void *arg, mlc_error *err)
{
    const void *value = NULL;
    size_t len = 0;
    *(uint64_t *)arg = 0;
    const mlc_code code = mlc_cursor_get(txn, "jobs", &value, &len, err);
    if (code == MLC_OK)
        memcpy(arg, value, sizeof(uint64_t));
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

/* ---- the child: submits without end, reports each committed job through the pipe ---- */

typedef struct job {
    struct child *child;
    uint64_t number;
} job;

typedef struct child {
    mlc_store *store;
    mlc_outbox *ob;
    int report_fd;
    uint64_t next;
    job jobs[OUTSTANDING];
} child;

/* Two entries and the cursor that covers them. */
static mlc_code write_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    static const char padding[700] = {'p'};
    const job *const j = arg;
    char idem[40];
    mlc_code code = MLC_OK;
    for (int part = 0; code == MLC_OK && part < 2; part++) {
        (void)snprintf(idem, sizeof idem, "%llu-%d", (unsigned long long)j->number, part);
        st_op op = {.kind = ST_PUT,
                    .ob = j->child->ob,
                    .key = "k",
                    .idem = idem,
                    .text = padding,
                    .len = sizeof padding};
        code = st_apply(txn, &op, err);
    }
    return code == MLC_OK ? mlc_cursor_put(txn, "jobs", &j->number, sizeof j->number, err) : code;
}

static void submit_next(job *j);

static void job_done(void *arg, mlc_code code, const mlc_error *err)
{
    job *const j = arg;
    (void)err;
    if (code != MLC_OK ||
        write(j->child->report_fd, &j->number, sizeof j->number) != (ssize_t)sizeof j->number)
        _exit(3);
    submit_next(j);
}

static void submit_next(job *j)
{
    j->number = ++j->child->next;
    if (mlc_store_submit(j->child->store, write_job, job_done, j, NULL) != MLC_OK)
        _exit(4);
}

static void run_child(st_fix *f, int report_fd)
{
    child c = {.report_fd = report_fd};
    if (st_try_open(f, NULL) != MLC_OK || mlc_outbox_open(&c.ob, f->store, &spec, NULL) != MLC_OK)
        _exit(1);
    c.store = f->store;
    if (mlc_store_read(c.store, read_cursor, &c.next, NULL) != MLC_OK)
        _exit(2);
    for (size_t i = 0; i < OUTSTANDING; i++) {
        c.jobs[i].child = &c;
        submit_next(&c.jobs[i]);
    }
    for (;;)
        if (mlc_store_dispatch(c.store) == 0)
            (void)usleep(50);
}

/* ---- the parent ---- */

/* Kill after some reports and a moment more; returns the highest job reported. */
static uint64_t kill_at(st_fix *f, unsigned reports, unsigned moment_us)
{
    int fds[2];
    uint64_t number = 0;
    uint64_t highest = 0;
    assert_int_equal(pipe(fds), 0);
    (void)fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(fds[0]);
        run_child(f, fds[1]);
    }
    (void)close(fds[1]);
    for (unsigned i = 0; i < reports && read(fds[0], &number, sizeof number) == (ssize_t)sizeof number; i++)
        highest = number > highest ? number : highest;
    (void)usleep(moment_us);
    (void)kill(pid, SIGKILL);
    while (read(fds[0], &number, sizeof number) == (ssize_t)sizeof number)
        highest = number > highest ? number : highest;
    (void)close(fds[0]);
    assert_int_equal(st_join(pid), 1000 + SIGKILL); /* not by itself, for some fault */
    return highest;
}

typedef struct walk {
    uint64_t expected;
} walk;

/* Job n is the entries 2n-1 and 2n, since only whole jobs take sequences. */
static bool check_entry(const mlc_entry *entry, void *arg)
{
    walk *const w = arg;
    char idem[40];
    (void)snprintf(idem, sizeof idem, "%llu-%d", (unsigned long long)((w->expected + 1) / 2),
                   w->expected % 2 == 1 ? 0 : 1);
    assert_int_equal(entry->seq, w->expected);
    assert_string_equal(entry->idem, idem);
    assert_int_equal(entry->payload_len, 700);
    w->expected++;
    return true;
}

typedef struct check {
    mlc_outbox *ob;
    walk walk;
} check;

static mlc_code check_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    check *const c = arg;
    c->walk.expected = 1;
    return mlc_outbox_scan(txn, c->ob, 1, SIZE_MAX, check_entry, &c->walk, err);
}

static void check_store(st_fix *f, uint64_t reported)
{
    mlc_error err;
    uint64_t cursor = 0;
    st_open(f);
    check c = {.ob = st_stream(f, &spec)};
    st_check(mlc_store_read(f->store, read_cursor, &cursor, &err), &err);
    assert_true(cursor >= reported);
    st_check(mlc_store_read(f->store, check_job, &c, &err), &err);
    assert_int_equal(c.walk.expected, 2 * cursor + 1);
    const mlc_outbox_stats stats = st_stats(f, c.ob);
    assert_int_equal(stats.next_seq, 2 * cursor + 1);
    assert_int_equal(stats.ready, 2 * cursor);
    mlc_outbox_close(c.ob);
    st_close(f);
}

static void test_nothing_reported_is_lost(void **state)
{
    st_fix f;
    uint64_t random = 0x9e3779b97f4a7c15U;
    uint64_t reported = 0;
    (void)state;
    st_place(&f);
    f.options.map_initial = (size_t)1 << 20; /* it grows in between, too */
    for (int round = 0; round < ROUNDS; round++) {
        const unsigned reports = st_below(&random, 60);
        const uint64_t highest = kill_at(&f, reports, st_below(&random, 3000));
        reported = highest > reported ? highest : reported;
        check_store(&f, reported);
    }
    assert_true(reported >= ROUNDS);
    st_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_reported_is_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
