/* test_store_snapshot.c - a copy of a store in use, as a file without a name (store.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/store_test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { ENTRIES = 40 };

static int setup(void **state)
{
    st_fix *const f = calloc(1, sizeof *f);
    *state = f;
    st_init(f);
    return 0;
}

static int teardown(void **state)
{
    st_end(*state);
    free(*state);
    return 0;
}

static mlc_code put(st_fix *f, mlc_outbox *ob, int number)
{
    static const char payload[20000] = {'p'};
    char idem[32];
    (void)snprintf(idem, sizeof idem, "i-%d", number);
    st_op op = {.kind = ST_PUT,
                .ob = ob,
                .key = idem,
                .idem = idem,
                .text = payload,
                .len = sizeof payload,
                .at_ms = 1};
    return st_run(f, &op);
}

static size_t files_in(const char *dir)
{
    size_t count = 0;
    DIR *const d = opendir(dir);
    assert_non_null(d);
    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d))
        count++;
    (void)closedir(d);
    return count;
}

/* The bytes behind `fd` as a store in a folder of its own. */
static void make_store(st_fix *f, st_fix *copy, int fd, uint64_t bytes)
{
    char path[300];
    char *const data = malloc(bytes);
    assert_non_null(data);
    assert_int_equal(pread(fd, data, bytes, 0), (ssize_t)bytes);
    (void)snprintf(copy->dir, sizeof copy->dir, "%s/copy", f->root);
    assert_int_equal(mkdir(copy->dir, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/data.mdb", copy->dir);
    FILE *const out = fopen(path, "we");
    assert_non_null(out);
    assert_int_equal(fwrite(data, 1, bytes, out), bytes);
    assert_int_equal(fclose(out), 0);
    free(data);
}

static void test_snapshot_is_the_store_of_its_moment(void **state)
{
    st_fix *const f = *state;
    st_fix copy = {.store = NULL};
    mlc_error err;
    struct stat info;
    int fd = -1;
    uint64_t bytes = 0;
    mlc_outbox *const ob = st_stream(f, &(mlc_stream_spec){.name = "s"});
    for (int i = 0; i < ENTRIES; i++)
        assert_int_equal(put(f, ob, i), MLC_OK);
    const size_t files = files_in(f->dir);
    st_check(mlc_store_snapshot(f->store, &fd, &bytes, &err), &err);
    assert_int_equal(files_in(f->dir), files);
    assert_int_equal(fstat(fd, &info), 0);
    assert_int_equal(info.st_size, bytes);
    assert_int_equal(info.st_nlink, 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    for (int i = ENTRIES; i < 2 * ENTRIES; i++)
        assert_int_equal(put(f, ob, i), MLC_OK);
    make_store(f, &copy, fd, bytes);
    (void)close(fd);
    st_open(&copy);
    mlc_outbox *const there = st_stream(&copy, &(mlc_stream_spec){.name = "s"});
    assert_int_equal(st_stats(&copy, there).next_seq, ENTRIES + 1);
    assert_true(mlc_store_epoch(copy.store) == mlc_store_epoch(f->store));
    mlc_outbox_close(there);
    st_close(&copy);
    mlc_outbox_close(ob);
}

static void test_no_room_is_told_and_leaves_the_store_usable(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    struct rlimit before;
    int fd = 0;
    uint64_t bytes = 0;
    mlc_outbox *const ob = st_stream(f, &(mlc_stream_spec){.name = "s"});
    for (int i = 0; i < ENTRIES; i++)
        assert_int_equal(put(f, ob, i), MLC_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit small = {.rlim_cur = 100000, .rlim_max = before.rlim_max};
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const mlc_code code = mlc_store_snapshot(f->store, &fd, &bytes, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(code, MLC_E_FULL);
    assert_int_equal(fd, -1);
    assert_non_null(strstr(err.message, f->dir));
    assert_int_equal(put(f, ob, ENTRIES), MLC_OK);
    st_check(mlc_store_snapshot(f->store, &fd, &bytes, &err), &err);
    (void)close(fd);
    mlc_outbox_close(ob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_snapshot_is_the_store_of_its_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room_is_told_and_leaves_the_store_usable, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
