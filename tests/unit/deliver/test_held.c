/* Messages of dry runs: kept whatever happens to their entries, given back once, and never over a newer one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/held.h"
#include "support/loop_store_test.h"

typedef struct held_fix {
    lst_fix s;
    mlc_outbox *held, *to;
} held_fix;

static int set_up(void **state)
{
    static const mlc_stream_spec held = {
        .name = MLC_HELD_STREAM, .mode = MLC_STREAM_KEYED, .supersede = true};
    static const mlc_stream_spec to = {.name = "dynamics", .mode = MLC_STREAM_KEYED, .supersede = true};
    held_fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    lst_init(&f->s);
    f->held = lst_stream(&f->s, &held);
    f->to = lst_stream(&f->s, &to);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    held_fix *const f = *state;
    mlc_outbox_close(f->held);
    mlc_outbox_close(f->to);
    lst_close_store(&f->s);
    lst_end(&f->s);
    free(f);
    return 0;
}

typedef struct keep_arg {
    held_fix *f;
    mlc_delivery item;
} keep_arg;

static mlc_code keep_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const keep_arg *const keep = arg;
    return mlc_held_keep(txn, keep->f->held, &keep->item, 1000, err);
}

static void keep(held_fix *f, const char *key, const char *idem, const char *kind)
{
    mlc_error err;
    keep_arg arg = {.f = f,
                    .item = {.tenant = "acme",
                             .key = key,
                             .idem = idem,
                             .kind = kind,
                             .correlation = "corr",
                             .payload = idem,
                             .payload_len = strlen(idem)}};
    lst_check(mlc_store_run(f->s.store, keep_job, &arg, &err), &err);
}

static bool only_items_are_dry(void *user, const char *kind)
{
    (void)user;
    return strcmp(kind, "item") == 0;
}

static size_t release(held_fix *f, bool snapshots, bool (*is_dry)(void *, const char *))
{
    mlc_error err;
    size_t count = 0;
    const mlc_held_release_options options = {
        .store = f->s.store, .held = f->held, .to = f->to, .snapshots = snapshots, .is_dry = is_dry};
    lst_check(mlc_held_release(&options, &count, &err), &err);
    return count;
}

static void what_was_held_is_given_back_once(void **state)
{
    held_fix *const f = *state;
    keep(f, "customer/1", "jde/customer/1/1", "customer");
    keep(f, "customer/2", "jde/customer/2/1", "customer");
    assert_int_equal(release(f, true, NULL), 2);
    assert_int_equal(release(f, true, NULL), 0);
    assert_int_equal(lst_get(&f->s, f->to, 1).state, MLC_ENTRY_READY);
    assert_int_equal(lst_get(&f->s, f->to, 2).state, MLC_ENTRY_READY);
    assert_int_equal(lst_get(&f->s, f->held, 1).state, MLC_ENTRY_DONE);
}

static void of_a_record_only_the_last_is_held(void **state)
{
    held_fix *const f = *state;
    keep(f, "customer/1", "jde/customer/1/1", "customer");
    keep(f, "customer/1", "jde/customer/1/2", "customer");
    assert_int_equal(release(f, true, NULL), 1);
}

static void kinds_that_run_dry_further_stay(void **state)
{
    held_fix *const f = *state;
    keep(f, "item/1", "jde/item/1/1", "item");
    keep(f, "customer/1", "jde/customer/1/1", "customer");
    assert_int_equal(release(f, true, only_items_are_dry), 1);
    assert_int_equal(lst_get(&f->s, f->held, 1).state, MLC_ENTRY_READY);
    assert_int_equal(release(f, true, NULL), 1);
}

/* The message under way is newer than the one that was tried: an older snapshot must not follow it. */
static void a_newer_snapshot_that_waits_is_not_passed_by(void **state)
{
    held_fix *const f = *state;
    keep(f, "customer/1", "jde/customer/1/1", "customer");
    const uint64_t newer = lst_add(&f->s, f->to, "customer/1", "jde/customer/1/2");
    assert_int_equal(release(f, true, NULL), 0);
    assert_int_equal(lst_get(&f->s, f->to, newer).state, MLC_ENTRY_READY);
    assert_int_equal(lst_get(&f->s, f->held, 1).state, MLC_ENTRY_DONE);
}

static mlc_code is_first(mlc_txn *txn, const mlc_entry *entry, bool *old, void *user, mlc_error *err)
{
    (void)txn;
    (void)user;
    (void)err;
    *old = strcmp(entry->key, "customer/1") == 0;
    return MLC_OK;
}

/* It stayed held for want of room while a later one went. */
static void a_newer_one_that_was_sent_is_not_undone(void **state)
{
    held_fix *const f = *state;
    size_t count = 0;
    mlc_error err;
    keep(f, "customer/1", "jde/customer/1/1", "customer");
    keep(f, "customer/2", "jde/customer/2/1", "customer");
    const mlc_held_release_options options = {
        .store = f->s.store, .held = f->held, .to = f->to, .snapshots = true, .is_old = is_first};
    lst_check(mlc_held_release(&options, &count, &err), &err);
    assert_int_equal(count, 1);
    assert_string_equal(lst_get(&f->s, f->to, 1).key, "customer/2");
    assert_string_equal(lst_get(&f->s, f->held, 1).outcome, "a newer one was sent meanwhile");
}

/* More than fit into one job. */
static void many_are_given_back(void **state)
{
    enum { MANY = 1203 };
    held_fix *const f = *state;
    char key[32];
    char idem[48];
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(key, sizeof key, "customer/%d", i);
        (void)snprintf(idem, sizeof idem, "jde/customer/%d/1", i);
        keep(f, key, idem, "customer");
    }
    assert_int_equal(release(f, true, NULL), MANY);
    assert_int_equal(lst_get(&f->s, f->to, MANY).state, MLC_ENTRY_READY);
}

/* ---- as soon as there is room ---- */

typedef struct small {
    held_fix *f;
    mlc_outbox *to; /* has room for three */
    mlc_held_keeper *keeper;
    int released;
    bool dry;
} small;

static void on_released(void *user)
{
    small *const s = user;
    s->released++;
}

static bool runs_dry(void *user, const char *kind)
{
    const small *const s = user;
    (void)kind;
    return s->dry;
}

static void small_open(small *s, held_fix *f, bool dry)
{
    static const mlc_stream_spec spec = {.name = "small", .mode = MLC_STREAM_KEYED, .max_entries = 3};
    mlc_error err;
    char key[32];
    *s = (small){.f = f, .to = lst_stream(&f->s, &spec), .dry = dry};
    for (int i = 1; i <= 7; i++) {
        (void)snprintf(key, sizeof key, "order/%d", i);
        keep(f, key, key, "order");
    }
    const mlc_held_keeper_options options = {
        .release = {.store = f->s.store, .held = f->held, .to = s->to, .is_dry = runs_dry, .user = s},
        .loop = &f->s.loop,
        .retry_ms = 5,
        .on_released = on_released,
        .user = s};
    lst_check(mlc_held_keeper_open(&s->keeper, &options, &err), &err);
}

static void small_close(small *s)
{
    mlc_held_keeper_close(s->keeper);
    mlc_outbox_close(s->to);
}

typedef struct done_arg {
    mlc_outbox *stream;
    uint64_t seq;
} done_arg;

static mlc_code done_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const done_arg *const done = arg;
    return mlc_outbox_done(txn, done->stream, done->seq, 2000, "sent", err);
}

static void end_one(small *s, uint64_t seq)
{
    mlc_error err;
    done_arg done = {s->to, seq};
    lst_check(mlc_store_run(s->f->s.store, done_job, &done, &err), &err);
}

static uint64_t given(const small *s)
{
    return lst_stats_of(&s->f->s, s->to).next_seq - 1;
}

static bool all_given(void *user)
{
    return given(user) == 7;
}

static bool five_given(void *user)
{
    return given(user) == 5;
}

static void what_found_no_room_goes_when_there_is_some(void **state)
{
    held_fix *const f = *state;
    small s;
    small_open(&s, f, false);
    assert_int_equal(given(&s), 3);
    assert_int_equal(s.released, 1);
    assert_int_equal(lst_get(&f->s, f->held, 4).state, MLC_ENTRY_READY);
    end_one(&s, 1);
    end_one(&s, 2);
    assert_true(lst_run(&f->s, five_given, &s, LST_PATIENCE_MS));
    for (uint64_t seq = 3; seq <= 5; seq++)
        end_one(&s, seq);
    assert_true(lst_run(&f->s, all_given, &s, LST_PATIENCE_MS));
    for (uint64_t seq = 1; seq <= 7; seq++) {
        char key[32];
        (void)snprintf(key, sizeof key, "order/%d", (int)seq);
        assert_string_equal(lst_get(&f->s, s.to, seq).key, key);
    }
    small_close(&s);
}

static void what_ran_dry_goes_when_that_is_over(void **state)
{
    held_fix *const f = *state;
    mlc_error err;
    small s;
    small_open(&s, f, true);
    assert_int_equal(given(&s), 0);
    assert_int_equal(s.released, 0);
    s.dry = false;
    lst_check(mlc_held_keeper_again(s.keeper, &err), &err);
    assert_int_equal(given(&s), 3);
    assert_int_equal(s.released, 1);
    small_close(&s);
}

static mlc_code keep_nowhere_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const mlc_delivery item = {.key = "k"};
    (void)arg;
    return mlc_held_keep(txn, NULL, &item, 1, err);
}

static void a_dry_run_without_a_place_for_its_messages_is_refused(void **state)
{
    held_fix *const f = *state;
    mlc_error err;
    assert_int_equal(mlc_store_run(f->s.store, keep_nowhere_job, NULL, &err), MLC_E_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_held_is_given_back_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_a_record_only_the_last_is_held, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kinds_that_run_dry_further_stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_snapshot_that_waits_is_not_passed_by, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_one_that_was_sent_is_not_undone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_are_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_found_no_room_goes_when_there_is_some, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_ran_dry_goes_when_that_is_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dry_run_without_a_place_for_its_messages_is_refused, set_up,
                                        tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
