/* test_store_life.c - one owner at a time, identity, format, what a killed owner leaves, backup in use (store.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/store_private.h"
#include "support/store_test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

static int setup(void **state)
{
    st_fix *const f = calloc(1, sizeof *f);
    *state = f;
    st_place(f);
    return 0;
}

static int teardown(void **state)
{
    st_end(*state);
    free(*state);
    return 0;
}

static void test_epoch_is_the_store_s_own_and_lasting(void **state)
{
    st_fix *const f = *state;
    st_fix other;
    st_open(f);
    const uint64_t epoch = mlc_store_epoch(f->store);
    assert_true(epoch != 0);
    st_close(f);
    st_open(f);
    assert_true(mlc_store_epoch(f->store) == epoch);
    st_init(&other);
    assert_true(mlc_store_epoch(other.store) != epoch);
    st_end(&other);
}

static void test_folder_is_private(void **state)
{
    st_fix *const f = *state;
    struct stat info;
    char path[200];
    st_open(f);
    assert_int_equal(stat(f->dir, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    (void)snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void test_folder_that_cannot_be_is_named(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    (void)snprintf(f->dir, sizeof f->dir, "%s/no/such/place", f->root);
    assert_int_equal(st_try_open(f, &err), MLC_E_IO);
    assert_non_null(strstr(err.message, "no/such/place"));
    assert_null(f->store);
}

static void test_second_opener_of_this_process_is_refused(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    char pid[32];
    mlc_store *second = NULL;
    st_open(f);
    assert_int_equal(mlc_store_open(&second, &f->options, &err), MLC_E_LOCKED);
    (void)snprintf(pid, sizeof pid, "process %ld;", (long)getpid());
    assert_non_null(strstr(err.message, pid));
    st_close(f);
    st_open(f);
}

/* ---- another process that holds the store ---- */

/* In the child: says "open" through ready_fd, then waits to be killed, inside a reader or not. */
static mlc_code wait_for_end(mlc_txn *txn, void *arg, mlc_error *err)
{
    (void)txn;
    (void)err;
    if (write(*(const int *)arg, "r", 1) != 1)
        _exit(3);
    for (;;)
        (void)pause();
}

static pid_t fork_owner(st_fix *f)
{
    int fds[2];
    char byte = 0;
    assert_int_equal(pipe(fds), 0);
    (void)fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (st_try_open(f, NULL) == MLC_OK)
            (void)mlc_store_read(f->store, wait_for_end, &fds[1], NULL);
        _exit(2);
    }
    (void)close(fds[1]);
    assert_int_equal(read(fds[0], &byte, 1), 1);
    (void)close(fds[0]);
    return pid;
}

static void test_second_process_is_refused_with_the_first_one_s_number(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    char wanted[32];
    const pid_t owner = fork_owner(f);
    const mlc_code code = st_try_open(f, &err);
    (void)kill(owner, SIGKILL);
    assert_int_equal(st_join(owner), 1000 + SIGKILL);
    assert_int_equal(code, MLC_E_LOCKED);
    assert_int_equal(err.code, MLC_E_LOCKED);
    (void)snprintf(wanted, sizeof wanted, "process %ld;", (long)owner);
    assert_non_null(strstr(err.message, wanted));
    st_open(f); /* its lock went with it */
}

static void test_reader_of_a_killed_process_is_forgotten(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    mlc_store_info info;
    for (int i = 0; i < 3; i++) {
        const pid_t owner = fork_owner(f);
        (void)kill(owner, SIGKILL);
        assert_int_equal(st_join(owner), 1000 + SIGKILL);
    }
    st_open(f);
    st_check(mlc_store_info_get(f->store, &info, &err), &err);
    assert_int_equal(info.readers, 0);
    /* were a reader remembered, no page could be used again and the file would grow with each round */
    mlc_outbox *const ob = st_stream(f, &(mlc_stream_spec){.name = "s", .keep_done_ms = 1});
    char idem[32];
    size_t early = 0;
    for (int64_t i = 1; i <= 200; i++) {
        (void)snprintf(idem, sizeof idem, "i-%d", (int)i);
        const uint64_t seq = ST_OK(f, ST_PUT, ob, .key = "k", .idem = idem, .at_ms = i);
        ST_OK(f, ST_DONE, ob, .seq = seq, .at_ms = i, .text = "ok");
        ST_OK(f, ST_PRUNE, ob, .at_ms = i + 10);
        st_check(mlc_store_info_get(f->store, &info, &err), &err);
        if (i == 20)
            early = info.used_bytes;
    }
    assert_true(info.used_bytes <= early * 2);
    mlc_outbox_close(ob);
}

static mlc_code count_readers(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_store_info info;
    const mlc_code code = mlc_store_info_get(txn->store, &info, err);
    *(unsigned *)arg = info.readers;
    return code;
}

static void test_reader_slot_lives_as_long_as_the_read(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    mlc_store_info info;
    unsigned during = 0;
    st_open(f);
    st_check(mlc_store_read(f->store, count_readers, &during, &err), &err);
    assert_int_equal(during, 1);
    st_check(mlc_store_info_get(f->store, &info, &err), &err);
    assert_int_equal(info.readers, 0);
}

/* ---- format ---- */

static mlc_code write_format(mlc_txn *txn, void *arg, mlc_error *err)
{
    static const char key[] = "format";
    uint8_t version[8];
    store_be64(version, *(const uint64_t *)arg);
    return store_put(txn, DB_META, key, sizeof key, version, sizeof version, err);
}

static void test_newer_format_is_refused(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    uint64_t version = 3;
    st_open(f);
    st_check(mlc_store_run(f->store, write_format, &version, &err), &err);
    st_close(f);
    for (int i = 0; i < 2; i++) { /* looking at it has changed nothing */
        assert_int_equal(st_try_open(f, &err), MLC_E_CORRUPT);
        assert_null(f->store);
        assert_non_null(strstr(err.message, "format 3"));
        assert_non_null(strstr(err.message, "newer program"));
    }
}

static void test_format_that_is_no_number_is_refused(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    uint64_t version = 0;
    st_open(f);
    st_check(mlc_store_run(f->store, write_format, &version, &err), &err);
    st_close(f);
    assert_int_equal(st_try_open(f, &err), MLC_E_CORRUPT);
    assert_non_null(strstr(err.message, "no number"));
}

static void test_file_of_another_kind_is_refused(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    char path[200];
    st_open(f);
    st_close(f);
    (void)snprintf(path, sizeof path, "%s/data.mdb", f->dir);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (int page = 0; page < 2; page++) /* both heads */
        assert_int_equal(pwrite(fd, "this is no store", 16, page * (off_t)4096 + 16), 16);
    (void)close(fd);
    assert_int_equal(st_try_open(f, &err), MLC_E_CORRUPT);
    assert_non_null(strstr(err.message, f->dir));
}

/* ---- backup ---- */

typedef struct writer {
    st_fix *f;
    mlc_outbox *ob;
    pthread_t thread;
    pthread_mutex_t mutex;
    bool stop, good;
    uint64_t written;
} writer;

static void *write_on(void *arg)
{
    writer *const w = arg;
    char idem[32];
    bool stop = false;
    w->good = true;
    while (!stop) {
        (void)snprintf(idem, sizeof idem, "i-%llu", (unsigned long long)w->written);
        st_op op = {.kind = ST_PUT, .ob = w->ob, .key = "k", .idem = idem};
        w->good = st_run(w->f, &op) == MLC_OK && op.seq == ++w->written && w->good;
        (void)pthread_mutex_lock(&w->mutex);
        stop = w->stop;
        (void)pthread_mutex_unlock(&w->mutex);
    }
    return NULL;
}

static bool check_seq(const mlc_entry *entry, void *arg)
{
    assert_int_equal(entry->seq, ++*(uint64_t *)arg);
    return true;
}

typedef struct scan {
    mlc_outbox *ob;
    uint64_t count;
} scan;

static mlc_code count_entries(mlc_txn *txn, void *arg, mlc_error *err)
{
    scan *const s = arg;
    s->count = 0;
    return mlc_outbox_scan(txn, s->ob, 1, SIZE_MAX, check_seq, &s->count, err);
}

static void test_backup_while_in_use_is_a_whole_store(void **state)
{
    st_fix *const f = *state;
    st_fix copy = {.store = NULL};
    mlc_error err;
    struct stat info;
    char path[200];
    st_open(f);
    writer w = {.f = f, .ob = st_stream(f, &(mlc_stream_spec){.name = "s"})};
    for (int i = 0; i < 30; i++) {
        char idem[32];
        (void)snprintf(idem, sizeof idem, "before-%d", i);
        ST_OK(f, ST_PUT, w.ob, .key = "k", .idem = idem);
    }
    w.written = 30;
    (void)pthread_mutex_init(&w.mutex, NULL);
    assert_int_equal(pthread_create(&w.thread, NULL, write_on, &w), 0);
    (void)snprintf(copy.dir, sizeof copy.dir, "%s/copy", f->root);
    assert_int_equal(mkdir(copy.dir, 0700), 0);
    const mlc_code code = mlc_store_backup(f->store, copy.dir, &err);
    (void)pthread_mutex_lock(&w.mutex);
    w.stop = true;
    (void)pthread_mutex_unlock(&w.mutex);
    (void)pthread_join(w.thread, NULL);
    (void)pthread_mutex_destroy(&w.mutex);
    st_check(code, &err);
    assert_true(w.good);
    /* never over an earlier one */
    assert_int_equal(mlc_store_backup(f->store, copy.dir, &err), MLC_E_IO);
    assert_non_null(strstr(err.message, copy.dir));
    (void)snprintf(path, sizeof path, "%s/data.mdb", copy.dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    st_open(&copy);
    assert_true(mlc_store_epoch(copy.store) == mlc_store_epoch(f->store));
    scan s = {.ob = st_stream(&copy, &(mlc_stream_spec){.name = "s"})};
    st_check(mlc_store_read(copy.store, count_entries, &s, &err), &err);
    assert_in_range(s.count, 30, w.written);
    assert_int_equal(st_stats(&copy, s.ob).next_seq, s.count + 1);
    mlc_outbox_close(s.ob);
    st_close(&copy);
    mlc_outbox_close(w.ob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_epoch_is_the_store_s_own_and_lasting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder_is_private, setup, teardown),
        cmocka_unit_test_setup_teardown(test_folder_that_cannot_be_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_opener_of_this_process_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_process_is_refused_with_the_first_one_s_number, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_reader_of_a_killed_process_is_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reader_slot_lives_as_long_as_the_read, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_format_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_format_that_is_no_number_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_of_another_kind_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_backup_while_in_use_is_a_whole_store, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
