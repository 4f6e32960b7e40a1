/* writer.c - the one thread that writes: takes waiting jobs in groups, commits each group with one sync.
 *
 * A job that fails is taken out of its group; the others run again from the start, so that nothing of it remains. When that
 * happened too often in one group, the rest run one by one. */
#include "store/store_inner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

enum { RERUNS_MAX = 4 };

static void queue_push(store_queue *queue, store_job *job)
{
    job->next = NULL;
    if (queue->tail != NULL)
        queue->tail->next = job;
    else
        queue->head = job;
    queue->tail = job;
}

static store_job *queue_pop(store_queue *queue)
{
    store_job *const job = queue->head;
    if (job == NULL)
        return NULL;
    queue->head = job->next;
    if (queue->head == NULL)
        queue->tail = NULL;
    return job;
}

/* ---- one group ---- */

static void fail_job(store_job *job, mlc_code code, const mlc_error *err)
{
    job->code = code;
    job->err = *err;
    job->err.code = code;
}

typedef enum group_end {
    GROUP_COMMITTED,
    GROUP_JOB_FAILED,
    GROUP_MAP_FULL,
    GROUP_NO_ROOM, /* would leave no room for the writing that frees space */
    GROUP_BROKEN
} group_end;

/* On GROUP_JOB_FAILED *failed is the one. */
static group_end run_jobs(mlc_txn *txn, store_job **jobs, size_t count, size_t *failed)
{
    for (size_t i = 0; i < count; i++) {
        store_job *const job = jobs[i];
        mlc_error_clear(&job->err);
        job->code = job->fn(txn, job->arg, &job->err);
        job->err.code = job->code;
        *failed = i;
        if (txn->map_full)
            return GROUP_MAP_FULL;
        if (job->code != MLC_OK)
            return GROUP_JOB_FAILED;
    }
    return GROUP_COMMITTED;
}

/* Run jobs [0, count) in one transaction. On GROUP_JOB_FAILED *failed is the one; on GROUP_BROKEN err tells why. */
static group_end try_group(mlc_store *s, store_job **jobs, size_t count, size_t *failed, mlc_error *err)
{
    const bool tight = s->disk_short || s->map_size >= s->map_max;
    room_mark before = {0};
    room_mark after = {0};
    mlc_txn txn = {.store = s, .writing = true};
    if (store_check(&txn, mdb_txn_begin(s->env, NULL, 0, &txn.mdb), "begin", err) != MLC_OK)
        return txn.map_full ? GROUP_MAP_FULL : GROUP_BROKEN;
    if (tight)
        room_mark_now(&txn, &before);
    group_end end = run_jobs(&txn, jobs, count, failed);
    if (end == GROUP_COMMITTED && tight) {
        room_mark_now(&txn, &after);
        if (!room_allows(s, &before, &after))
            end = GROUP_NO_ROOM;
    }
    if (end != GROUP_COMMITTED) {
        mdb_txn_abort(txn.mdb);
        return end;
    }
    if (store_check(&txn, mdb_txn_commit(txn.mdb), "commit", err) == MLC_OK)
        return GROUP_COMMITTED;
    if (err->code == MLC_E_IO && room_disk_full(s))
        (void)mlc_wrap(err, MLC_E_FULL, "commit: the disk is full");
    return txn.map_full ? GROUP_MAP_FULL : GROUP_BROKEN;
}

static void fail_group(store_job **jobs, size_t count, const mlc_error *err)
{
    for (size_t i = 0; i < count; i++)
        fail_job(jobs[i], err->code, err);
}

static void fail_for_room(mlc_store *s, store_job *job)
{
    mlc_error err;
    if (s->disk_short)
        (void)mlc_fail(&err, MLC_E_FULL, "store %s: the disk is full; nothing was stored", s->dir);
    else
        (void)mlc_fail(&err, MLC_E_FULL,
                       "store %s has reached its greatest size of %zu bytes; nothing was stored", s->dir,
                       s->map_max);
    fail_job(job, err.code, &err);
}

/* One job alone, growing the map as far as it goes. */
static bool run_alone(mlc_store *s, store_job *job)
{
    size_t failed = 0;
    mlc_error err;
    for (;;) {
        const group_end end = try_group(s, &job, 1, &failed, &err);
        if (end == GROUP_MAP_FULL && store_grow(s))
            continue;
        if (end == GROUP_MAP_FULL || end == GROUP_NO_ROOM)
            fail_for_room(s, job);
        else if (end == GROUP_BROKEN)
            fail_job(job, err.code, &err);
        return end == GROUP_COMMITTED;
    }
}

/* Returns the number of commits made. */
static size_t run_group(mlc_store *s, store_job **jobs, size_t count)
{
    size_t failed = 0;
    size_t commits = 0;
    mlc_error err;
    room_reserve(s);
    for (unsigned reruns = 0; reruns < RERUNS_MAX && count > 1; reruns++) {
        switch (try_group(s, jobs, count, &failed, &err)) {
        case GROUP_COMMITTED:
            return 1;
        case GROUP_JOB_FAILED:
            /* What it saw were the effects of those before it, and they will be committed: its verdict stands. */
            count--;
            for (size_t i = failed; i < count; i++)
                jobs[i] = jobs[i + 1];
            break;
        case GROUP_MAP_FULL:
            if (store_grow(s))
                break;
            reruns = RERUNS_MAX; /* each on its own: small ones may still fit */
            break;
        case GROUP_NO_ROOM:
            reruns = RERUNS_MAX; /* each on its own: those that free space go on */
            break;
        default:
            if (err.code != MLC_E_FULL) {
                fail_group(jobs, count, &err);
                return 0;
            }
            reruns = RERUNS_MAX;
            break;
        }
    }
    for (size_t i = 0; i < count; i++)
        commits += run_alone(s, jobs[i]) ? 1U : 0U;
    return commits;
}

/* ---- the thread ---- */

static size_t take_group(mlc_store *s, store_job **jobs)
{
    size_t count = 0;
    while (s->waiting.head == NULL && !s->stopping)
        (void)pthread_cond_wait(&s->work, &s->mutex);
    if (s->group_delay_us > 0 && s->waiting.head != NULL && s->waiting.head->next == NULL && !s->stopping) {
        const struct timespec delay = {(time_t)(s->group_delay_us / 1000000),
                                       (long)(s->group_delay_us % 1000000) * 1000};
        (void)pthread_mutex_unlock(&s->mutex);
        (void)nanosleep(&delay, NULL);
        (void)pthread_mutex_lock(&s->mutex);
    }
    while (count < s->group_max && s->waiting.head != NULL)
        jobs[count++] = queue_pop(&s->waiting);
    return count;
}

/* Under the mutex. True when the owner's thread has something to dispatch. */
static bool complete_group(mlc_store *s, store_job **jobs, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        store_job *const job = jobs[i];
        if (job->finished != NULL) {
            *job->finished = true;
        } else if (job->done != NULL) {
            queue_push(&s->completed, job);
            any = true;
        } else {
            free(job);
        }
    }
    (void)pthread_cond_broadcast(&s->finished);
    return any;
}

static void *writer_main(void *arg)
{
    mlc_store *const s = arg;
    store_job **const jobs = s->group;
    store_job **const order = s->group + s->group_max;
    (void)pthread_mutex_lock(&s->mutex);
    for (;;) {
        const size_t count = take_group(s, jobs);
        if (count == 0)
            break;
        (void)pthread_mutex_unlock(&s->mutex);
        for (size_t i = 0; i < count; i++)
            order[i] = jobs[i]; /* run_group rearranges */
        const size_t commits = run_group(s, order, count);
        (void)pthread_mutex_lock(&s->mutex);
        s->commits += commits;
        s->jobs += count;
        if (complete_group(s, jobs, count) && s->wake != NULL) {
            (void)pthread_mutex_unlock(&s->mutex);
            s->wake(s->wake_arg);
            (void)pthread_mutex_lock(&s->mutex);
        }
    }
    (void)pthread_mutex_unlock(&s->mutex);
    return NULL;
}

void writer_init(mlc_store *s)
{
    (void)pthread_mutex_init(&s->mutex, NULL);
    (void)pthread_cond_init(&s->work, NULL);
    (void)pthread_cond_init(&s->finished, NULL);
}

mlc_code writer_start(mlc_store *s, mlc_error *err)
{
    sigset_t all;
    sigset_t old;
    s->group = calloc((size_t)s->group_max * 2, sizeof(store_job *));
    if (s->group == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the writer of store %s", s->dir);
    /* Signals are the loop's. */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    const int rc = pthread_create(&s->thread, NULL, writer_main, s);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc != 0)
        return mlc_fail(err, MLC_E_IO, "store %s: cannot start its writer", s->dir);
    s->started = true;
    return MLC_OK;
}

void writer_stop(mlc_store *s)
{
    (void)pthread_mutex_lock(&s->mutex);
    s->stopping = true;
    (void)pthread_cond_signal(&s->work);
    (void)pthread_mutex_unlock(&s->mutex);
    if (s->started)
        (void)pthread_join(s->thread, NULL);
    s->started = false;
}

void writer_destroy(mlc_store *s)
{
    free(s->group);
    (void)pthread_mutex_destroy(&s->mutex);
    (void)pthread_cond_destroy(&s->work);
    (void)pthread_cond_destroy(&s->finished);
}

void writer_counts(mlc_store *s, uint64_t *commits, uint64_t *jobs)
{
    (void)pthread_mutex_lock(&s->mutex);
    *commits = s->commits;
    *jobs = s->jobs;
    (void)pthread_mutex_unlock(&s->mutex);
}

/* ---- submitting ---- */

static mlc_code enqueue(mlc_store *s, store_job *job, mlc_error *err)
{
    (void)pthread_mutex_lock(&s->mutex);
    const bool closed = s->stopping;
    if (!closed) {
        queue_push(&s->waiting, job);
        (void)pthread_cond_signal(&s->work);
    }
    (void)pthread_mutex_unlock(&s->mutex);
    return closed ? mlc_fail(err, MLC_E_CLOSED, "store %s is closing", s->dir) : MLC_OK;
}

mlc_code mlc_store_submit(mlc_store *store, mlc_job_fn fn, mlc_job_done_fn done, void *arg, mlc_error *err)
{
    store_job *const job = calloc(1, sizeof *job);
    if (job == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a job of the store");
    job->fn = fn;
    job->done = done;
    job->arg = arg;
    const mlc_code code = enqueue(store, job, err);
    if (code != MLC_OK)
        free(job);
    /* The job is the queue's now. */
    return code; // NOLINT(clang-analyzer-unix.Malloc)
}

mlc_code mlc_store_run(mlc_store *store, mlc_job_fn fn, void *arg, mlc_error *err)
{
    bool finished = false;
    store_job job = {.fn = fn, .arg = arg, .finished = &finished};
    const mlc_code code = enqueue(store, &job, err);
    if (code != MLC_OK)
        return code;
    (void)pthread_mutex_lock(&store->mutex);
    while (!finished)
        (void)pthread_cond_wait(&store->finished, &store->mutex);
    (void)pthread_mutex_unlock(&store->mutex);
    if (err != NULL)
        *err = job.err;
    return job.code;
}

size_t mlc_store_dispatch(mlc_store *store)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&store->mutex);
    store_job *job = store->completed.head;
    store->completed = (store_queue){NULL, NULL};
    (void)pthread_mutex_unlock(&store->mutex);
    while (job != NULL) {
        store_job *const next = job->next;
        job->done(job->arg, job->code, &job->err);
        free(job);
        job = next;
        count++;
    }
    return count;
}

static mlc_code do_nothing(mlc_txn *txn, void *arg, mlc_error *err)
{
    (void)txn;
    (void)arg;
    (void)err;
    return MLC_OK;
}

mlc_code mlc_store_drain(mlc_store *store, mlc_error *err)
{
    mlc_code code = MLC_OK;
    do
        code = mlc_store_run(store, do_nothing, NULL, err);
    while (mlc_store_dispatch(store) > 0 && code == MLC_OK);
    return code;
}
