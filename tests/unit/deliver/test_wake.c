/* test_wake.c - entries whose reason to wait is over (outbox.h, mlc_outbox_wake). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/loop_store_test.h"

enum { LATER_MS = 3600 * 1000 };

typedef enum prepared { AS_IT_IS, BEGUN, RETRIED, PARKED, ENDED } prepared;

typedef struct change {
    mlc_outbox *stream;
    uint64_t seq;
    prepared how;
} change;

static mlc_code prepare_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const change *const c = arg;
    const int64_t now = mlc_wall_ms();
    mlc_code code = c->how != AS_IT_IS ? mlc_outbox_begin(txn, c->stream, c->seq, now, err) : MLC_OK;
    if (code == MLC_OK && c->how == RETRIED)
        code = mlc_outbox_retry(txn, c->stream, c->seq, now + LATER_MS, true, "waits", err);
    if (code == MLC_OK && c->how == PARKED)
        code = mlc_outbox_park(txn, c->stream, c->seq, now, "waits", err);
    if (code == MLC_OK && c->how == ENDED)
        code = mlc_outbox_done(txn, c->stream, c->seq, now, "ok", err);
    return code;
}

static mlc_code wake_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const change *const c = arg;
    return mlc_outbox_wake(txn, c->stream, c->seq, mlc_wall_ms(), err);
}

typedef struct due {
    mlc_outbox *stream;
    size_t count;
} due;

static bool count_due(const mlc_entry *entry, void *arg)
{
    due *const d = arg;
    (void)entry;
    d->count++;
    return true;
}

static mlc_code due_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    due *const d = arg;
    return mlc_outbox_due(txn, d->stream, mlc_wall_ms(), 10, count_due, d, NULL, err);
}

static void entry_is_due_after_its_wake(void **state)
{
    static const mlc_stream_spec spec = {.name = "dynamics", .mode = MLC_STREAM_KEYED, .supersede = true};
    static const struct {
        prepared how;
        mlc_entry_state after;
        size_t due;
        uint32_t attempts;
    } rows[] = {{AS_IT_IS, MLC_ENTRY_READY, 1, 0},
                {BEGUN, MLC_ENTRY_INFLIGHT, 0, 1},
                {RETRIED, MLC_ENTRY_READY, 1, 1},
                {PARKED, MLC_ENTRY_READY, 1, 0},
                {ENDED, MLC_ENTRY_DONE, 0, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        lst_fix f = {0};
        mlc_error err;
        lst_init(&f);
        mlc_outbox *const stream = lst_stream(&f, &spec);
        change c = {stream, lst_add(&f, stream, "k", "i"), rows[i].how};
        due d = {.stream = stream};
        lst_check(mlc_store_run(f.store, prepare_job, &c, &err), &err);
        lst_check(mlc_store_run(f.store, wake_job, &c, &err), &err);
        lst_check(mlc_store_run(f.store, wake_job, &c, &err), &err);
        const lst_entry entry = lst_get(&f, stream, c.seq);
        assert_int_equal(entry.state, rows[i].after);
        assert_int_equal(entry.attempts, rows[i].attempts);
        assert_int_equal(entry.uncertain, rows[i].how == RETRIED);
        lst_check(mlc_store_read(f.store, due_job, &d, &err), &err);
        assert_int_equal(d.count, rows[i].due);
        mlc_outbox_close(stream);
        lst_close_store(&f);
        lst_end(&f);
    }
}

static void entry_that_is_no_more_is_no_failure(void **state)
{
    static const mlc_stream_spec spec = {.name = "dynamics", .mode = MLC_STREAM_KEYED};
    lst_fix f = {0};
    mlc_error err;
    (void)state;
    lst_init(&f);
    mlc_outbox *const stream = lst_stream(&f, &spec);
    change c = {stream, 77, AS_IT_IS};
    lst_check(mlc_store_run(f.store, wake_job, &c, &err), &err);
    mlc_outbox_close(stream);
    lst_close_store(&f);
    lst_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(entry_is_due_after_its_wake),
                                       cmocka_unit_test(entry_that_is_no_more_is_no_failure)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
