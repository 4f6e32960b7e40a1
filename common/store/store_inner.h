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
    uint64_t migrated_from; /* the format that it had before it was opened; 0: the present one */
    bool read_only;
    bool absent[DB_COUNT]; /* read_only: tables that the store's format does not have */
    size_t map_size, map_max;
    unsigned group_max, group_delay_us;
    void (*wake)(void *wake_arg);
    void *wake_arg;
    /* of the writer's thread only (room.c) */
    size_t allocated; /* the file is known to reach so far on the disk; SIZE_MAX: it cannot be known */
    bool disk_short;  /* it could not be made longer */
    /* Readers hold it shared; the map is grown with it held alone, since LMDB wants no transaction then. */
    pthread_rwlock_t map_lock;
    /* the writer; all below under the mutex */
    pthread_t thread;
    struct store_job **group; /* of the thread: the jobs it took, twice group_max */
    bool started, stopping;
    pthread_mutex_t mutex;
    pthread_cond_t work, finished;
    store_queue waiting, completed;
    uint64_t commits, jobs;
};

/* store.c */
bool store_grow(mlc_store *s);

/* format.c */
/* In the transaction that opens a store for writing: number a new one, bring an older one forward, read the epoch.
 * MLC_E_CORRUPT: newer than this program, or not a store. */
mlc_code format_check(mlc_store *s, mlc_txn *txn, mlc_error *err);
/* Of a store that is opened for reading only: could this program read it? An older one stays as it is. */
mlc_code format_look(const mlc_store *s, mlc_txn *txn, mlc_error *err);
/* After the commit: log that the store was brought forward. */
void format_tell(const mlc_store *s);

/* room.c; on the writer's thread */
typedef struct room_mark {
    size_t pages;   /* that hold data */
    size_t entries; /* of all streams */
    size_t page_bytes;
} room_mark;
/* Between transactions: see to room in the file ahead of its use. */
void room_reserve(mlc_store *s);
/* Was a failed writing due to a full disk? (LMDB reports a write that was cut short as an input/output error.) */
bool room_disk_full(mlc_store *s);
void room_mark_now(mlc_txn *txn, room_mark *mark);
/* May a transaction be committed that went from one mark to the other? */
bool room_allows(const mlc_store *s, const room_mark *before, const room_mark *after);

/* writer.c */
void writer_init(mlc_store *s);
mlc_code writer_start(mlc_store *s, mlc_error *err);
/* Finish every job, end the thread. */
void writer_stop(mlc_store *s);
void writer_destroy(mlc_store *s);
void writer_counts(mlc_store *s, uint64_t *commits, uint64_t *jobs);

#endif
