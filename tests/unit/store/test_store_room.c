/* test_store_room.c - the map grows while in use; a full map and a full disk refuse new work, and let go on what
 * frees space (store.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/cursor.h"
#include "support/store_test.h"

#include <sys/resource.h>

enum { KEYS = 7, CYCLES = 6 };

static const size_t MIB = (size_t)1 << 20;

static const char payload[20000] = {'p'};

static const mlc_stream_spec spec = {
    .name = "s", .mode = MLC_STREAM_KEYED, .keep_done_ms = 1, .max_bytes = (uint64_t)1 << 40};

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

static mlc_code put(st_fix *f, mlc_outbox *ob, uint64_t number)
{
    char idem[32];
    char key[16];
    (void)snprintf(idem, sizeof idem, "i-%llu", (unsigned long long)number);
    (void)snprintf(key, sizeof key, "k-%d", (int)(number % KEYS));
    st_op op = {.kind = ST_PUT,
                .ob = ob,
                .key = key,
                .idem = idem,
                .text = payload,
                .len = sizeof payload,
                .at_ms = 1};
    return st_run(f, &op);
}

/* Put until the store is full; returns the number of the first one refused. */
static uint64_t fill(st_fix *f, mlc_outbox *ob, uint64_t from)
{
    mlc_code code = MLC_OK;
    while ((code = put(f, ob, from)) == MLC_OK)
        from++;
    assert_int_equal(code, MLC_E_FULL);
    return from;
}

/* Returns false at the first step that is refused. */
static bool deliver_all(st_fix *f, mlc_outbox *ob, uint64_t first, uint64_t end)
{
    for (uint64_t seq = first; seq < end; seq++) {
        st_op begin = {.kind = ST_BEGIN, .ob = ob, .seq = seq, .at_ms = 4};
        st_op done = {.kind = ST_DONE, .ob = ob, .seq = seq, .at_ms = 5, .text = "204 account"};
        if (st_run(f, &begin) != MLC_OK || st_run(f, &done) != MLC_OK)
            return false;
    }
    return true;
}

static bool prune_all(st_fix *f, mlc_outbox *ob)
{
    st_op prune = {.kind = ST_PRUNE, .ob = ob, .at_ms = 1000000};
    do
        if (st_run(f, &prune) != MLC_OK)
            return false;
    while (prune.count > 0);
    return true;
}

static void test_map_grows_while_in_use(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    mlc_store_info info;
    st_entry got;
    f->options.map_initial = MIB;
    f->options.map_max = 16 * MIB;
    st_open(f);
    mlc_outbox *const ob = st_stream(f, &spec);
    for (uint64_t i = 1; i <= 150; i++)
        assert_int_equal(put(f, ob, i), MLC_OK);
    st_check(mlc_store_info_get(f->store, &info, &err), &err);
    assert_in_range(info.map_bytes, 2 * MIB, 16 * MIB);
    assert_in_range(info.used_bytes, 150 * sizeof payload, info.map_bytes);
    assert_int_equal(st_get(f, ob, 1, &got), MLC_OK);
    assert_int_equal(st_stats(f, ob).next_seq, 151);
    mlc_outbox_close(ob);
}

static void test_one_big_job_grows_the_map_as_often_as_needed(void **state)
{
    st_fix *const f = *state;
    char *const big = calloc(1, 6 * MIB);
    f->options.map_initial = MIB;
    f->options.map_max = 64 * MIB;
    st_open(f);
    mlc_outbox *const ob = st_stream(f, &spec);
    ST_OK(f, ST_PUT, ob, .key = "k", .idem = "big", .text = big, .len = 6 * MIB);
    free(big);
    mlc_outbox_close(ob);
}

/* Again and again: the room for what frees space is not used up by and by. */
static void test_full_map_refuses_new_work_and_comes_free_again(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    mlc_store_info info;
    uint64_t next = 1;
    uint64_t first_fill = 0;
    f->options.map_initial = MIB;
    f->options.map_max = 2 * MIB;
    st_open(f);
    mlc_outbox *const ob = st_stream(f, &spec);
    for (int cycle = 0; cycle < CYCLES; cycle++) {
        const uint64_t begin = next;
        next = fill(f, ob, begin);
        if (cycle == 0)
            first_fill = next - begin;
        assert_true(next - begin >= first_fill * 3 / 4);
        assert_int_equal(st_stats(f, ob).next_seq, next); /* gapless: the refused ones took none */
        assert_int_equal(st_stats(f, ob).ready, next - begin);
        st_check(mlc_store_info_get(f->store, &info, &err), &err);
        assert_true(info.map_bytes <= 2 * MIB);
        assert_true(deliver_all(f, ob, begin, next));
        assert_true(prune_all(f, ob));
    }
    assert_true(first_fill * sizeof payload > MIB);
    assert_int_equal(st_stats(f, ob).done, 0);
    mlc_outbox_close(ob);
}

typedef struct told {
    st_op op;
    mlc_code code;
    char message[MLC_ERROR_MESSAGE_MAX];
} told;

static mlc_code told_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    return st_apply(txn, &((told *)arg)->op, err);
}

static void tell(void *arg, mlc_code code, const mlc_error *err)
{
    told *const t = arg;
    t->code = code;
    (void)snprintf(t->message, sizeof t->message, "%s", err->message);
}

static void test_full_map_fails_only_what_needs_room(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    f->options.map_initial = MIB;
    f->options.map_max = 2 * MIB;
    st_open(f);
    mlc_outbox *const ob = st_stream(f, &spec);
    const uint64_t next = fill(f, ob, 1);
    told t[3] = {{.op = {.kind = ST_BEGIN, .ob = ob, .seq = 1, .at_ms = 1}},
                 {.op = {.kind = ST_PUT,
                         .ob = ob,
                         .key = "k",
                         .idem = "one more",
                         .text = payload,
                         .len = sizeof payload}},
                 {.op = {.kind = ST_DONE, .ob = ob, .seq = 1, .at_ms = 2, .text = "204"}}};
    for (size_t i = 0; i < 3; i++)
        st_check(mlc_store_submit(f->store, told_job, tell, &t[i], &err), &err);
    st_check(mlc_store_drain(f->store, &err), &err);
    assert_int_equal(t[0].code, MLC_OK);
    assert_int_equal(t[1].code, MLC_E_FULL);
    assert_non_null(strstr(t[1].message, "greatest size"));
    assert_int_equal(t[2].code, MLC_OK);
    assert_int_equal(st_stats(f, ob).done, 1);
    assert_int_equal(st_stats(f, ob).next_seq, next);
    assert_int_equal(st_find(f, ob, "one more"), 0);
    mlc_outbox_close(ob);
}

/* A store that is full is opened, read and emptied by the next process. */
static void test_full_map_can_be_reopened(void **state)
{
    st_fix *const f = *state;
    f->options.map_initial = MIB;
    f->options.map_max = 2 * MIB;
    st_open(f);
    mlc_outbox *ob = st_stream(f, &spec);
    const uint64_t next = fill(f, ob, 1);
    mlc_outbox_close(ob);
    st_close(f);
    st_open(f);
    ob = st_stream(f, &spec);
    assert_true(deliver_all(f, ob, 1, next));
    assert_true(prune_all(f, ob));
    assert_int_equal(put(f, ob, next), MLC_OK);
    mlc_outbox_close(ob);
}

static mlc_code put_cursor(mlc_txn *txn, void *arg, mlc_error *err)
{
    char name[32];
    (void)snprintf(name, sizeof name, "c-%u", *(const unsigned *)arg);
    return mlc_cursor_put(txn, name, payload, sizeof payload, err);
}

static mlc_code delete_cursor(mlc_txn *txn, void *arg, mlc_error *err)
{
    char name[32];
    (void)snprintf(name, sizeof name, "c-%u", *(const unsigned *)arg);
    return mlc_cursor_delete(txn, name, err);
}

static void test_map_full_of_other_things_comes_free_too(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    f->options.map_initial = MIB;
    f->options.map_max = 2 * MIB;
    st_open(f);
    for (int cycle = 0; cycle < 3; cycle++) {
        unsigned count = 0;
        mlc_code code = MLC_OK;
        while ((code = mlc_store_run(f->store, put_cursor, &count, &err)) == MLC_OK)
            count++;
        assert_int_equal(code, MLC_E_FULL);
        assert_true(count > 40);
        while (count-- > 0)
            st_check(mlc_store_run(f->store, delete_cursor, &count, &err), &err);
    }
}

/* ---- disk full: files of the child may not become longer than 3 MiB ---- */

/* Returns 0, or the number of the step that went wrong. */
static int live_on_a_full_disk(st_fix *f)
{
    const struct rlimit limit = {3 * MIB, 3 * MIB};
    uint64_t next = 1;
    mlc_outbox *ob = NULL;
    mlc_error err;
    st_entry got;
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || st_try_open(f, NULL) != MLC_OK ||
        mlc_outbox_open(&ob, f->store, &spec, NULL) != MLC_OK)
        return 1;
    for (int cycle = 0; cycle < 3; cycle++) {
        const uint64_t begin = next;
        mlc_code code = MLC_OK;
        while ((code = put(f, ob, next)) == MLC_OK)
            next++;
        if (code != MLC_E_FULL)
            return 2;
        if ((next - begin) * sizeof payload < MIB)
            return 3;
        if (st_get(f, ob, begin, &got) != MLC_OK || st_stats(f, ob).next_seq != next)
            return 4;
        char *const big = calloc(1, 4 * MIB); /* the writing itself is cut short, too */
        st_op op = {.kind = ST_PUT, .ob = ob, .key = "k", .idem = "big", .text = big, .len = 4 * MIB};
        code = mlc_store_run(f->store, st_op_job, &op, &err);
        free(big);
        if (code != MLC_E_FULL || strstr(err.message, "disk is full") == NULL)
            return 5;
        if (!deliver_all(f, ob, begin, next))
            return 6;
        if (!prune_all(f, ob))
            return 7;
    }
    if (put(f, ob, next) != MLC_OK)
        return 8;
    mlc_outbox_close(ob);
    st_close(f);
    return 0;
}

static void test_full_disk_refuses_new_work_and_comes_free_again(void **state)
{
    st_fix *const f = *state;
    (void)fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(live_on_a_full_disk(f));
    assert_int_equal(st_join(child), 0);
    st_open(f);
    mlc_outbox *const ob = st_stream(f, &spec);
    const mlc_outbox_stats s = st_stats(f, ob);
    assert_int_equal(s.ready, 1);
    st_state_is(f, ob, s.next_seq - 1, MLC_ENTRY_READY, "");
    assert_int_equal(put(f, ob, s.next_seq), MLC_OK);
    mlc_outbox_close(ob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_map_grows_while_in_use, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_big_job_grows_the_map_as_often_as_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_map_refuses_new_work_and_comes_free_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_map_fails_only_what_needs_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_map_can_be_reopened, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_full_of_other_things_comes_free_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk_refuses_new_work_and_comes_free_again, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
