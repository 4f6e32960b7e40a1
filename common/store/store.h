/* store.h - one LMDB environment with one writer thread and group commit.
 *
 * A store is a directory. It is opened by one process at a time (a lock file is held; a second opener
 * gets MLC_E_LOCKED with the owner's pid). All writing is done by the store's own thread: a caller
 * submits a job; the thread runs several waiting jobs in one transaction, commits it with a sync to
 * disk, and only then reports success to each. So many jobs share one sync, and a reported success
 * survives kill -9 and power loss.
 *
 * A job is a pure function of (transaction, arg). It MAY RUN MORE THAN ONCE before it is committed:
 * when a job of the same group fails, the group is rolled back and each job runs again on its own;
 * when the map is full it is grown and the group runs again. So a job sets its results from scratch
 * on each run, frees nothing it did not allocate in that run, and does no I/O. A job that returns an
 * error has changed nothing.
 *
 * The map grows by itself up to map_max; beyond that, and when the disk is full, jobs fail with
 * MLC_E_FULL and the store stays usable (reading, and writing that frees space): new entries are
 * refused some way before the end (an eighth of map_max, 512 KiB to 64 MiB; 1 MiB of the disk), other
 * writing that grows the store at half of that way, and writing that does not grow it never. The file
 * is made up to 4 MiB longer than its use, so that this room is really there.
 *
 * Reading is done on any thread with mlc_store_read; a read transaction lives only during that call,
 * so no reader slot outlives it. Slots left by a killed process are cleared at open.
 */
#ifndef MLC_STORE_STORE_H
#define MLC_STORE_STORE_H

#include "base/error.h"
#include "base/log.h"

#include <stddef.h>
#include <stdint.h>

typedef struct mlc_store mlc_store;
typedef struct mlc_txn mlc_txn; /* one transaction, given to jobs and readers; never kept */

typedef struct mlc_store_options {
    const char *dir;         /* made (0700) when absent */
    size_t map_initial;      /* bytes; 0: 64 MiB */
    size_t map_max;          /* bytes; 0: 64 GiB */
    unsigned group_max;      /* jobs in one commit; 0: 512 */
    unsigned group_delay_us; /* how long a lone job waits for company before its commit; 0: 0 */
    bool read_only;          /* nothing in the folder is changed: reading only, no writer; it must exist */
    mlc_log *log;            /* may be NULL */
    /* Called on the writer thread after completions were queued: must make the owner's thread call
     * mlc_store_dispatch soon (uv_async_send). NULL: nobody is woken, poll with dispatch. */
    void (*wake)(void *wake_arg);
    void *wake_arg;
} mlc_store_options;

typedef mlc_code (*mlc_job_fn)(mlc_txn *txn, void *arg, mlc_error *err);
/* Runs in mlc_store_dispatch. `err` is valid during the call; err->code == code. */
typedef void (*mlc_job_done_fn)(void *arg, mlc_code code, const mlc_error *err);

/* Open or create. Errors: MLC_E_LOCKED, MLC_E_CORRUPT (also a format version newer than known, the
 * text says which), MLC_E_IO, MLC_E_FULL. */
mlc_code mlc_store_open(mlc_store **out, const mlc_store_options *options, mlc_error *err);
/* Finish every submitted job, stop the thread, close. Completions not yet dispatched are dispatched
 * on the calling thread. NULL is allowed. */
void mlc_store_close(mlc_store *store);

/* Queue a job; returns at once, from any thread. `done` (may be NULL) is called by dispatch exactly
 * once. Jobs of one thread are applied in the order of submission. MLC_E_CLOSED, MLC_E_NOMEM. */
mlc_code mlc_store_submit(mlc_store *store, mlc_job_fn fn, mlc_job_done_fn done, void *arg, mlc_error *err);
/* Run a job and wait for its synced commit. For start-up, tools and tests; not on the loop's hot path. */
mlc_code mlc_store_run(mlc_store *store, mlc_job_fn fn, void *arg, mlc_error *err);
/* Run `fn` in a read transaction on the calling thread. Writing functions fail in it. */
mlc_code mlc_store_read(mlc_store *store, mlc_job_fn fn, void *arg, mlc_error *err);
/* Run and dispatch on the calling thread until no job is left, also those that completions submit. */
mlc_code mlc_store_drain(mlc_store *store, mlc_error *err);
/* Deliver queued completions on the calling thread. Returns how many. */
size_t mlc_store_dispatch(mlc_store *store);

/* Random 64-bit identity made when the store was created, never 0: the epoch of its sequences. A store
 * that was lost and made anew has another epoch. Any thread. */
uint64_t mlc_store_epoch(const mlc_store *store);

typedef struct mlc_store_info {
    size_t map_bytes; /* present map size */
    size_t map_max;
    size_t used_bytes; /* pages in use (not counting free pages) */
    unsigned readers;  /* reader slots in use */
    uint64_t commits;  /* since open */
    uint64_t jobs;     /* since open */
} mlc_store_info;
mlc_code mlc_store_info_get(mlc_store *store, mlc_store_info *out, mlc_error *err);
/* Copy a consistent, compacted snapshot into an existing empty directory, while in use. The file is
 * readable for its owner only, and synced when this returns. MLC_E_IO (also: there is one already),
 * MLC_E_FULL; nothing is left behind. */
mlc_code mlc_store_backup(mlc_store *store, const char *dir, mlc_error *err);
/* The same into a file without a name in the store's own folder, which is gone once it is closed: *fd, open for reading and
 * the caller's to close, and its length. It is read at any pace without holding the store up. Any thread; takes as long as
 * the disk needs, and the map does not grow meanwhile. MLC_E_FULL: the disk would have less than 16 MiB left. */
mlc_code mlc_store_snapshot(mlc_store *store, int *fd, uint64_t *bytes, mlc_error *err);

#endif
