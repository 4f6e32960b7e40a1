/* test_address_judge.c - what is known of the address that a record of Dynamics shows, and whether it is news for JDE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/address_judge.h"
#include "support/store_test.h"

#define SOURCE  "JDE/F0101/6001"
#define CONTACT "JDE/F0111/6001/2"
#define ID      "0a1b2c3d-1111-2222-3333-444455556666"

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

/* ---- steps ---- */

typedef struct step {
    const char *table, *source, *version, *street; /* of a row, or what is done */
    mlc_address_news news;
    mlc_address_shown shown;
    bool doubtful;
} step;

static mlc_address_fields fields_of(const char *street)
{
    return (mlc_address_fields){{"Acme", street, "", "", "Denver", "CO", "80202", "US"}};
}

static mlc_address_row row_of(const step *s)
{
    mlc_address_row row = {.an8 = "6001",
                           .change = "77",
                           .etag = "W/\"77\"",
                           .source = s->source,
                           .version = s->version,
                           .modified = "2026-11-25T00:00:00Z",
                           .fields = fields_of(s->street)};
    if (strcmp(s->table, "contact") == 0) {
        (void)snprintf(row.line, sizeof row.line, "2");
        row.fields.text[MLC_ADDRESS_NAME] = NULL;
    }
    return row;
}

static mlc_code judge_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    step *const s = arg;
    mlc_address_view view;
    const mlc_address_row row = row_of(s);
    const mlc_code code = mlc_address_judge(txn, s->table, &row, &view, err);
    if (code != MLC_OK)
        return code;
    s->news = view.news;
    s->doubtful = mlc_address_view_doubtful(&view, &row);
    mlc_address_view_free(&view);
    return MLC_OK;
}

static step judge(st_fix *f, const char *table, const char *version, const char *street)
{
    mlc_error err;
    step s = {.table = table,
              .source = strcmp(table, "contact") == 0 ? CONTACT : SOURCE,
              .version = version,
              .street = street};
    st_check(mlc_store_run(f->store, judge_job, &s, &err), &err);
    return s;
}

static void is(st_fix *f, const char *version, const char *street, mlc_address_news news)
{
    assert_int_equal(judge(f, "account", version, street).news, news);
}

static mlc_code learn_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const step *const s = arg;
    const mlc_address_fields fields = fields_of(s->street);
    return mlc_address_memory_put(txn, SOURCE, s->version, &fields, err);
}

/* JDE's address in this version. */
static void learn(st_fix *f, const char *version, const char *street)
{
    mlc_error err;
    step s = {.version = version, .street = street};
    st_check(mlc_store_run(f->store, learn_job, &s, &err), &err);
}

static mlc_code begin_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    step *const s = arg;
    const mlc_address_fields fields = fields_of(s->street);
    const mlc_code code = mlc_address_shown_fill(&s->shown, MLC_SHOWN_WRITING, &fields, s->version, err);
    return code == MLC_OK ? mlc_address_shown_put(txn, SOURCE, &s->shown, err) : code;
}

static mlc_code confirm_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    step *const s = arg;
    const mlc_address_fields fields = fields_of(s->street);
    const mlc_code code = mlc_address_shown_fill(&s->shown, MLC_SHOWN_WRITING, &fields, s->version, err);
    return code == MLC_OK ? mlc_address_shown_confirm(txn, SOURCE, &s->shown, err) : code;
}

static mlc_code tell_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    const step *const s = arg;
    const mlc_address_fields fields = fields_of(s->street);
    uint8_t hash[MLC_ADDRESS_HASH_LEN];
    const mlc_code code = mlc_address_hash(&fields, hash, err);
    return code == MLC_OK ? mlc_address_shown_tell(txn, SOURCE, hash, err) : code;
}

static mlc_code forget_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    (void)arg;
    return mlc_address_shown_forget(txn, SOURCE, err);
}

static mlc_code get_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    step *const s = arg;
    return mlc_address_shown_get(txn, SOURCE, &s->shown, err);
}

static void run(st_fix *f, mlc_job_fn job, const char *version, const char *street)
{
    mlc_error err;
    step s = {.version = version, .street = street};
    st_check(mlc_store_run(f->store, job, &s, &err), &err);
}

static mlc_address_shown shown(st_fix *f)
{
    mlc_error err;
    step s = {0};
    st_check(mlc_store_read(f->store, get_job, &s, &err), &err);
    return s.shown;
}

/* ---- what was written ---- */

static void a_confirmed_write_is_known(void **state)
{
    st_fix *const f = *state;
    assert_int_equal(shown(f).state, MLC_SHOWN_NEVER);
    run(f, confirm_job, "1.1.1", "A");
    const mlc_address_shown known = shown(f);
    assert_int_equal(known.state, MLC_SHOWN_KNOWN);
    assert_string_equal(known.version, "1.1.1");
    assert_int_equal(known.mask, 0xff);
    const mlc_address_fields same = fields_of("A  ");
    const mlc_address_fields other = fields_of("B");
    assert_true(mlc_address_shown_same(&known, &same));
    assert_false(mlc_address_shown_same(&known, &other));
}

static void columns_that_were_not_written_do_not_count(void **state)
{
    mlc_address_shown out;
    mlc_error err;
    const mlc_address_fields written = {.text = {[MLC_ADDRESS_CITY] = "Denver", [MLC_ADDRESS_LINE2] = ""}};
    const mlc_address_fields row = fields_of("Any");
    mlc_address_fields moved = row;
    (void)state;
    assert_int_equal(mlc_address_shown_fill(&out, MLC_SHOWN_KNOWN, &written, "1.1.1", &err), MLC_OK);
    assert_true(mlc_address_shown_same(&out, &row));
    moved.text[MLC_ADDRESS_LINE2] = "c/o";
    assert_false(mlc_address_shown_same(&out, &moved));
}

static void only_the_write_that_was_begun_last_is_confirmed(void **state)
{
    st_fix *const f = *state;
    run(f, confirm_job, "1.1.1", "A");
    run(f, begin_job, "2.1.1", "B");
    assert_int_equal(shown(f).state, MLC_SHOWN_WRITING);
    run(f, confirm_job, "1.1.1", "A");
    assert_int_equal(shown(f).state, MLC_SHOWN_WRITING);
    run(f, confirm_job, "2.1.1", "B");
    assert_int_equal(shown(f).state, MLC_SHOWN_KNOWN);
    run(f, begin_job, "3.1.1", "C");
    run(f, forget_job, NULL, NULL);
    run(f, confirm_job, "3.1.1", "C");
    assert_int_equal(shown(f).state, MLC_SHOWN_UNKNOWN);
}

/* ---- news ---- */

static void an_address_of_jde_is_no_news_and_an_edit_is(void **state)
{
    st_fix *const f = *state;
    learn(f, "1.1.1", "A");
    learn(f, "2.1.1", "B");
    is(f, "1.1.1", "A", MLC_ADDRESS_OURS);
    is(f, "2.1.1", "B", MLC_ADDRESS_OURS);
    is(f, "2.1.1", "A", MLC_ADDRESS_EDITED);
    is(f, "2.1.1", "Edit", MLC_ADDRESS_EDITED);
}

static void what_the_mapping_wrote_is_ours_whatever_jde_holds(void **state)
{
    st_fix *const f = *state;
    learn(f, "1.1.1", "A");
    run(f, confirm_job, "1.1.1", "A Street");
    is(f, "1.1.1", "A Street", MLC_ADDRESS_OURS);
    run(f, begin_job, "2.1.1", "B Street");
    is(f, "2.1.1", "B Street", MLC_ADDRESS_OURS);
}

static void an_edit_is_told_once_and_going_back_is_an_edit(void **state)
{
    st_fix *const f = *state;
    learn(f, "1.1.1", "A");
    run(f, confirm_job, "1.1.1", "A");
    is(f, "1.1.1", "Edit", MLC_ADDRESS_EDITED);
    run(f, tell_job, NULL, "Edit");
    is(f, "1.1.1", "Edit", MLC_ADDRESS_TOLD);
    is(f, "1.1.1", "A", MLC_ADDRESS_EDITED);
    /* JDE's next address takes its place. */
    learn(f, "2.1.1", "B");
    run(f, begin_job, "2.1.1", "B");
    run(f, confirm_job, "2.1.1", "B");
    is(f, "2.1.1", "B", MLC_ADDRESS_OURS);
    is(f, "2.1.1", "Edit", MLC_ADDRESS_EDITED);
}

static void an_edit_of_a_record_that_was_forgotten_makes_the_next_write_look(void **state)
{
    st_fix *const f = *state;
    run(f, tell_job, NULL, "Edit");
    assert_int_equal(shown(f).state, MLC_SHOWN_UNKNOWN);
    assert_true(shown(f).told);
}

static void an_unknown_version_is_held_against_jdes_newest(void **state)
{
    st_fix *const f = *state;
    is(f, "9.1.1", "A", MLC_ADDRESS_EDITED);
    learn(f, "1.1.1", "A");
    is(f, "9.1.1", "A", MLC_ADDRESS_OURS);
    is(f, "9.1.1", "B", MLC_ADDRESS_EDITED);
    assert_int_equal(judge(f, "contact", "9.1.1", "A").news, MLC_ADDRESS_OURS);
    assert_int_equal(judge(f, "contact", "9.1.1", "B").news, MLC_ADDRESS_EDITED);
}

static void a_row_that_shows_another_version_than_it_can_is_doubtful(void **state)
{
    st_fix *const f = *state;
    learn(f, "2.1.1", "B");
    run(f, confirm_job, "2.1.1", "B");
    assert_false(judge(f, "account", "2.1.1", "B").doubtful);
    assert_true(judge(f, "account", "1.1.1", "A").doubtful);
    assert_true(judge(f, "account", "9.1.1", "C").doubtful);
    learn(f, "9.1.1", "B"); /* another column of it changed */
    assert_false(judge(f, "account", "9.1.1", "B").doubtful);
}

/* ---- the change ---- */

static mlc_code send_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    step *const s = arg;
    mlc_address_view view;
    mlc_address_sending sending;
    const mlc_address_row row = row_of(s);
    mlc_code code = mlc_address_judge(txn, s->table, &row, &view, err);
    if (code == MLC_OK)
        code = mlc_address_sending_make(&sending, s->table, ID, &row, &view, err);
    if (code != MLC_OK)
        return code;
    assert_string_equal(sending.idem, "dyn/address/" ID "/77");
    assert_int_equal(sending.fault.code, MLC_OK);
    assert_non_null(strstr(mlc_buf_text(&sending.payload), "\"line1\":\"Edit\""));
    /* Without a base nothing is emptied. */
    s->doubtful = strstr(mlc_buf_text(&sending.payload), "\"base\"") != NULL;
    assert_int_equal(strstr(mlc_buf_text(&sending.payload), "\"line2\":\"\"") != NULL, s->doubtful);
    mlc_address_sending_free(&sending);
    mlc_address_view_free(&view);
    return MLC_OK;
}

static void a_change_travels_with_its_base(void **state)
{
    st_fix *const f = *state;
    mlc_error err;
    step s = {.table = "account", .source = SOURCE, .version = "1.1.1", .street = "Edit"};
    st_check(mlc_store_run(f->store, send_job, &s, &err), &err);
    assert_false(s.doubtful);
    learn(f, "1.1.1", "A");
    st_check(mlc_store_run(f->store, send_job, &s, &err), &err);
    assert_true(s.doubtful);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_confirmed_write_is_known),
        TEST(columns_that_were_not_written_do_not_count),
        TEST(only_the_write_that_was_begun_last_is_confirmed),
        TEST(an_address_of_jde_is_no_news_and_an_edit_is),
        TEST(what_the_mapping_wrote_is_ours_whatever_jde_holds),
        TEST(an_edit_is_told_once_and_going_back_is_an_edit),
        TEST(an_edit_of_a_record_that_was_forgotten_makes_the_next_write_look),
        TEST(an_unknown_version_is_held_against_jdes_newest),
        TEST(a_row_that_shows_another_version_than_it_can_is_doubtful),
        TEST(a_change_travels_with_its_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
