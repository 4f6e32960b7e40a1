/* store.c - a store's life: directory, lock, LMDB environment, reading, growing (store.h). Its writer: writer.c; copies of it: snapshot.c. */
#include "store/disk.h"
#include "store/store_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READERS_MAX = 126, PATH_TEXT_MAX = 1024 };
static const size_t MAP_INITIAL = (size_t)64 << 20;
static const size_t MAP_MAX = (size_t)64 << 30;

static const char *const db_names[DB_COUNT] = {
    "meta", "entry", "live",      "flight", "parked",      "due",   "key",           "idem",
    "done", "inbox", "inbox-age", "cursor", "fingerprint", "audit", "audit-segment", "crossref"};

MDB_dbi store_dbi(const mlc_store *store, store_db db)
{
    return store->dbi[db];
}

bool store_lacks(const mlc_store *store, store_db db)
{
    return store->absent[db];
}

/* ---- opening ---- */

static mlc_code take_lock(mlc_store *s, mlc_error *err)
{
    char path[PATH_TEXT_MAX];
    char owner[32] = "";
    (void)snprintf(path, sizeof path, "%s/owner", s->dir);
    s->lock_fd = open(path, s->read_only ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0 && s->read_only && errno == ENOENT)
        return MLC_OK; /* a copy, such as a backup */
    if (s->lock_fd < 0)
        return mlc_fail(err, MLC_E_IO, "%s: %s; is the folder writable for this user?", path,
                        strerror(errno));
    if (!disk_lock(s->lock_fd)) {
        const ssize_t len = read(s->lock_fd, owner, sizeof owner - 1);
        owner[len > 0 ? len : 0] = '\0';
        owner[strcspn(owner, "\n")] = '\0';
        return mlc_fail(err, MLC_E_LOCKED, "store %s is in use by process %s; stop that one first", s->dir,
                        owner[0] != '\0' ? owner : "(unknown)");
    }
    if (s->read_only)
        return MLC_OK;
    const int len = snprintf(owner, sizeof owner, "%ld\n", (long)getpid());
    if (ftruncate(s->lock_fd, 0) != 0 || write(s->lock_fd, owner, (unsigned)len) != len)
        mlc_log_warn(s->log, "store", "the owner's number cannot be noted", MLC_S("dir", s->dir));
    return MLC_OK;
}

static size_t round_up(size_t value)
{
    const size_t step = (size_t)1 << 20;
    return (value + step - 1) / step * step;
}

static mlc_code open_env(mlc_store *s, mlc_error *err)
{
    char path[PATH_TEXT_MAX];
    struct stat info;
    int dead = 0;
    int rc = mdb_env_create(&s->env);
    (void)snprintf(path, sizeof path, "%s/data.mdb", s->dir);
    if (stat(path, &info) == 0 && (size_t)info.st_size > s->map_size)
        s->map_size = round_up((size_t)info.st_size);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(s->env, DB_COUNT);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(s->env, READERS_MAX);
    if (rc == 0)
        rc = mdb_env_set_mapsize(s->env, s->map_size);
    if (rc == 0)
        /* Nobody else has it open while its lock is held: so no reader needs a slot, and no file to hold it. */
        rc = mdb_env_open(s->env, s->dir, s->read_only ? MDB_NOTLS | MDB_RDONLY | MDB_NOLOCK : MDB_NOTLS,
                          0600);
    if (rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH || rc == MDB_CORRUPTED)
        return mlc_fail(err, MLC_E_CORRUPT, "store %s: %s; restore it from a backup", s->dir,
                        mdb_strerror(rc));
    if (rc != 0)
        return mlc_fail(err, rc == ENOSPC ? MLC_E_FULL : MLC_E_IO, "store %s: %s", s->dir, mdb_strerror(rc));
    (void)mdb_reader_check(s->env, &dead);
    if (dead > 0)
        mlc_log_info(s->log, "store", "reader slots of a killed process cleared", MLC_I("slots", dead));
    return MLC_OK;
}

static mlc_code open_tables(mlc_store *s, mlc_error *err)
{
    mlc_txn txn = {.store = s, .writing = true};
    mlc_code code = store_check(&txn, mdb_txn_begin(s->env, NULL, 0, &txn.mdb), "open store", err);
    if (code != MLC_OK)
        return code;
    for (size_t i = 0; code == MLC_OK && i < DB_COUNT; i++)
        code =
            store_check(&txn, mdb_dbi_open(txn.mdb, db_names[i], MDB_CREATE, &s->dbi[i]), "open store", err);
    if (code == MLC_OK)
        code = format_check(s, &txn, err);
    if (code != MLC_OK) {
        mdb_txn_abort(txn.mdb);
        return code;
    }
    code = store_check(&txn, mdb_txn_commit(txn.mdb), "open store", err);
    if (code == MLC_OK)
        format_tell(s);
    return code;
}

/* Without changing anything: tables may be missing, the format may be an older one. */
static mlc_code look_at_tables(mlc_store *s, mlc_error *err)
{
    mlc_txn txn = {.store = s};
    mlc_code code = store_check(&txn, mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn.mdb), "open store", err);
    if (code != MLC_OK)
        return code;
    for (size_t i = 0; code == MLC_OK && i < DB_COUNT; i++) {
        const int rc = mdb_dbi_open(txn.mdb, db_names[i], 0, &s->dbi[i]);
        s->absent[i] = rc == MDB_NOTFOUND;
        code = rc == MDB_NOTFOUND ? MLC_OK : store_check(&txn, rc, "open store", err);
    }
    if (code == MLC_OK)
        code = format_look(s, &txn, err);
    if (code != MLC_OK) {
        mdb_txn_abort(txn.mdb);
        return code;
    }
    return store_check(&txn, mdb_txn_commit(txn.mdb), "open store", err); /* keeps the tables open */
}

static void release(mlc_store *s)
{
    if (s->env != NULL)
        mdb_env_close(s->env);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
    writer_destroy(s);
    (void)pthread_rwlock_destroy(&s->map_lock);
    free(s->dir);
    free(s);
}

mlc_code mlc_store_open(mlc_store **out, const mlc_store_options *options, mlc_error *err)
{
    mlc_store *const s = calloc(1, sizeof *s);
    if (s == NULL || (s->dir = mlc_strdup(options->dir)) == NULL) {
        free(s);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a store");
    }
    s->log = options->log;
    s->read_only = options->read_only;
    s->stopping = options->read_only; /* jobs are refused */
    s->lock_fd = -1;
    s->map_max = options->map_max > 0 ? round_up(options->map_max) : MAP_MAX;
    s->map_size = options->map_initial > 0 ? round_up(options->map_initial) : MAP_INITIAL;
    if (s->map_size > s->map_max)
        s->map_size = s->map_max;
    s->group_max = options->group_max > 0 ? options->group_max : 512;
    s->group_delay_us = options->group_delay_us;
    s->wake = options->wake;
    s->wake_arg = options->wake_arg;
    (void)pthread_rwlock_init(&s->map_lock, NULL);
    writer_init(s);
    mlc_code code = MLC_OK;
    if (!s->read_only && mkdir(s->dir, 0700) != 0 && errno != EEXIST)
        code = mlc_fail(err, MLC_E_IO, "store %s: %s", s->dir, strerror(errno));
    if (code == MLC_OK)
        code = take_lock(s, err);
    if (code == MLC_OK)
        code = open_env(s, err);
    if (code == MLC_OK)
        code = s->read_only ? look_at_tables(s, err) : open_tables(s, err);
    if (code == MLC_OK && !s->read_only)
        code = writer_start(s, err);
    if (code != MLC_OK) {
        release(s);
        return code;
    }
    *out = s;
    return MLC_OK;
}

void mlc_store_close(mlc_store *store)
{
    if (store == NULL)
        return;
    writer_stop(store);
    (void)mlc_store_dispatch(store);
    release(store);
}

/* ---- growing ---- */

bool store_grow(mlc_store *s)
{
    (void)pthread_rwlock_wrlock(&s->map_lock);
    const size_t wanted = s->map_size > s->map_max / 2 ? s->map_max : s->map_size * 2;
    const bool grown = wanted > s->map_size && mdb_env_set_mapsize(s->env, wanted) == 0;
    if (grown)
        s->map_size = wanted;
    (void)pthread_rwlock_unlock(&s->map_lock);
    if (grown)
        mlc_log_info(s->log, "store", "map grown", MLC_S("dir", s->dir), MLC_I("bytes", wanted));
    return grown;
}

/* ---- reading ---- */

mlc_code mlc_store_read(mlc_store *store, mlc_job_fn fn, void *arg, mlc_error *err)
{
    mlc_txn txn = {.store = store};
    (void)pthread_rwlock_rdlock(&store->map_lock);
    mlc_code code =
        store_check(&txn, mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn.mdb), "read store", err);
    if (code == MLC_OK) {
        code = fn(&txn, arg, err);
        mdb_txn_abort(txn.mdb);
    }
    (void)pthread_rwlock_unlock(&store->map_lock);
    return code;
}

uint64_t mlc_store_epoch(const mlc_store *store)
{
    return store->epoch;
}

/* mdb_reader_list calls once for a heading, then once for each slot in use. */
static int count_line(const char *line, void *count)
{
    (void)line;
    ++*(unsigned *)count;
    return 0;
}

mlc_code mlc_store_info_get(mlc_store *store, mlc_store_info *out, mlc_error *err)
{
    MDB_envinfo info;
    MDB_stat stat;
    unsigned lines = 0;
    memset(out, 0, sizeof *out);
    (void)pthread_rwlock_rdlock(&store->map_lock);
    int rc = mdb_env_info(store->env, &info);
    if (rc == 0)
        rc = mdb_env_stat(store->env, &stat);
    if (rc == 0 && mdb_reader_list(store->env, count_line, &lines) < 0)
        rc = EIO;
    (void)pthread_rwlock_unlock(&store->map_lock);
    if (rc != 0)
        return mlc_fail(err, MLC_E_IO, "store %s: %s", store->dir, mdb_strerror(rc));
    out->map_bytes = info.me_mapsize;
    out->used_bytes = (info.me_last_pgno + 1) * stat.ms_psize;
    out->readers = lines > 0 ? lines - 1 : 0;
    out->map_max = store->map_max;
    writer_counts(store, &out->commits, &out->jobs);
    return MLC_OK;
}
