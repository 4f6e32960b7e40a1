/* store_inner.h - the store's state, shared by store.c (life, reading) and writer.c (jobs). */
#ifndef MLC_STORE_STORE_INNER_H
#define MLC_STORE_STORE_INNER_H

#include "base/buf.h"
#include "store/store_private.h"

#include <pthread.h>

typedef struct store_job {
    struct store_job *next;
    mlc_job_fn fn;
    mlc_job_done_fn done;
    void *arg;
    mlc_code code;
    mlc_error err;
    bool *finished; /* mlc_store_run: set under the mutex; such a job is not freed by the writer */
} store_job;

typedef struct store_queue {
    store_job *head, *tail;
} store_queue;

struct mlc_store {
    char *dir;
    mlc_log *log;
    int lock_fd;
    MDB_env *env;
    MDB_dbi dbi[DB_COUNT];
    uint64_t epoch;
    size_t map_size, map_max;
    unsigned group_max, group_delay_us;
    void (*wake)(void *wake_arg);
    void *wake_arg;
    /* Readers hold it shared; the map is grown with it held alone, since LMDB wants no transaction then. */
    pthread_rwlock_t map_lock;
    /* the writer; all below under the mutex */
    pthread_t thread;
    bool started, stopping;
    pthread_mutex_t mutex;
    pthread_cond_t work, finished;
    store_queue waiting, completed;
    uint64_t commits, jobs;
};

/* store.c */
bool store_grow(mlc_store *s);

/* writer.c */
void writer_init(mlc_store *s);
mlc_code writer_start(mlc_store *s, mlc_error *err);
/* Finish every job, end the thread. */
void writer_stop(mlc_store *s);
void writer_destroy(mlc_store *s);
void writer_counts(mlc_store *s, uint64_t *commits, uint64_t *jobs);

#endif
