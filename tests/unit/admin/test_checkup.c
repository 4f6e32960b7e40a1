/* The sequence of checks: order, skipping with its root, deadlines, late ends, output (admin/checkup.h); what lies on this machine
 * (admin/local.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/checkup.h"
#include "admin/local.h"
#include "support/net_test.h"

#include <sys/stat.h>

typedef struct fixture {
    uv_loop_t loop;
    mlc_checkup *checkup;
    bool over;
    char *text;
    size_t text_len;
    FILE *out;
    unsigned held; /* token of a check that did not end by itself */
    char dir[128];
} fixture;

static void on_done(void *user)
{
    ((fixture *)user)->over = true;
}

static void open_checkup(fixture *f, int64_t timeout_ms, int64_t step_ms)
{
    const mlc_checkup_options options = {.loop = &f->loop,
                                         .program = "test/1",
                                         .timeout_ms = timeout_ms,
                                         .step_ms = step_ms,
                                         .out = f->out,
                                         .done = on_done,
                                         .user = f};
    assert_int_equal(mlc_checkup_open(&f->checkup, &options, NULL), MLC_OK);
}

static int set_up(void **state)
{
    fixture *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    f->out = open_memstream(&f->text, &f->text_len);
    assert_non_null(f->out);
    net_make_dir(f->dir, sizeof f->dir);
    open_checkup(f, 0, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *const f = *state;
    mlc_checkup_close(f->checkup);
    net_loop_end(&f->loop);
    (void)fclose(f->out);
    free(f->text);
    net_remove_dir(f->dir);
    free(f);
    return 0;
}

/* ---- checks ---- */

static void well(mlc_checkup *checkup, unsigned token, void *user)
{
    (void)user;
    mlc_checkup_ok(checkup, token, "number %u", token);
    mlc_checkup_fail(checkup, token, NULL, "a second end is no end");
}

static void doubtful(mlc_checkup *checkup, unsigned token, void *user)
{
    (void)user;
    mlc_checkup_warn(checkup, token, "look at it", "old");
}

static void broken(mlc_checkup *checkup, unsigned token, void *user)
{
    (void)user;
    mlc_checkup_fail(checkup, token, "mend\nit", "bro\033ken");
}

static void unfit(mlc_checkup *checkup, unsigned token, void *user)
{
    (void)user;
    mlc_checkup_skip(checkup, token, "not here");
}

static void never(mlc_checkup *checkup, unsigned token, void *user)
{
    (void)checkup;
    ((fixture *)user)->held = token;
}

static void never_called(mlc_checkup *checkup, unsigned token, void *user)
{
    (void)checkup;
    (void)token;
    (void)user;
    fail_msg("a check that must be skipped was begun");
}

/* Ends for a check that is over. */
static void late(mlc_checkup *checkup, unsigned token, void *user)
{
    const fixture *const f = user;
    mlc_checkup_ok(checkup, f->held, "too late");
    mlc_checkup_ok(checkup, token, "in time");
}

static void grow(mlc_checkup *checkup, unsigned token, void *user)
{
    const mlc_check more = {.id = "more", .title = "more", .needs = "grow", .start = well, .user = user};
    assert_int_equal(mlc_checkup_add(checkup, &more, NULL), MLC_OK);
    mlc_checkup_ok(checkup, token, " ");
}

static void add(fixture *f, const char *id, const char *needs, mlc_check_fn start)
{
    const mlc_check check = {.id = id, .title = id, .needs = needs, .start = start, .user = f};
    assert_int_equal(mlc_checkup_add(f->checkup, &check, NULL), MLC_OK);
}

static void run(fixture *f)
{
    mlc_checkup_run(f->checkup);
    assert_false(f->over);
    assert_true(net_run_until(&f->loop, &f->over));
    (void)fflush(f->out);
}

static mlc_check_state state_of(const fixture *f, const char *id)
{
    return mlc_checkup_state(f->checkup, id);
}

static void assert_printed(const fixture *f, const char *line)
{
    if (strstr(f->text, line) == NULL)
        fail_msg("\"%s\" is not in:\n%s", line, f->text);
}

/* ---- the sequence ---- */

static void goes_in_order_and_prints_a_line_for_each(void **state)
{
    fixture *const f = *state;
    add(f, "one", NULL, well);
    add(f, "two", "one", doubtful);
    add(f, "three", "two", well);
    run(f);
    assert_string_equal(f->text, "ok      one: number 0\n"
                                 "warn    two: old -> look at it\n"
                                 "ok      three: number 2\n");
    assert_false(mlc_checkup_failed(f->checkup));
}

static void what_follows_from_a_failure_is_skipped_and_names_its_root(void **state)
{
    fixture *const f = *state;
    add(f, "root", NULL, broken);
    add(f, "child", "root", never_called);
    add(f, "grandchild", "child", never_called);
    add(f, "other", NULL, well);
    run(f);
    assert_printed(f, "FAIL    root: bro ken -> mend it\n");
    assert_printed(f, "skipped grandchild: because of \"root\", which failed\n");
    assert_int_equal(state_of(f, "child"), MLC_CHECK_SKIPPED);
    assert_int_equal(state_of(f, "other"), MLC_CHECK_OK);
    assert_true(mlc_checkup_failed(f->checkup));
}

static void either_of_two_needs_bars(void **state)
{
    fixture *const f = *state;
    mlc_check both = {.id = "both", .title = "both", .needs = "good", .also = "bad", .start = never_called};
    add(f, "good", NULL, well);
    add(f, "bad", NULL, broken);
    assert_int_equal(mlc_checkup_add(f->checkup, &both, NULL), MLC_OK);
    both = (mlc_check){.id = "fine", .title = "fine", .needs = "good", .also = "good", .start = well};
    assert_int_equal(mlc_checkup_add(f->checkup, &both, NULL), MLC_OK);
    run(f);
    assert_printed(f, "skipped both: because of \"bad\", which failed\n");
    assert_int_equal(state_of(f, "fine"), MLC_CHECK_OK);
}

static void a_skip_is_no_failure_but_bars(void **state)
{
    fixture *const f = *state;
    add(f, "unfit", NULL, unfit);
    add(f, "child", "unfit", never_called);
    add(f, "orphan", "nobody", never_called);
    run(f);
    assert_printed(f, "skipped child: because of \"unfit\", which was skipped\n");
    assert_printed(f, "skipped orphan: because \"nobody\" was not checked\n");
    assert_false(mlc_checkup_failed(f->checkup));
}

static void a_check_may_add_checks_and_none_comes_twice(void **state)
{
    fixture *const f = *state;
    add(f, "grow", NULL, grow);
    add(f, "grow", NULL, never_called);
    run(f);
    assert_int_equal(state_of(f, "more"), MLC_CHECK_OK);
}

static void without_checks_it_is_over_at_once(void **state)
{
    fixture *const f = *state;
    run(f);
    assert_false(mlc_checkup_failed(f->checkup));
}

/* ---- time ---- */

static void a_silent_check_fails_and_its_late_end_is_dropped(void **state)
{
    fixture *const f = *state;
    mlc_checkup_close(f->checkup);
    open_checkup(f, 20000, 20);
    add(f, "silent", NULL, never);
    add(f, "next", NULL, late);
    add(f, "child", "silent", never_called);
    run(f);
    assert_int_equal(state_of(f, "silent"), MLC_CHECK_FAIL);
    assert_printed(f, "FAIL    silent: no answer in the time given");
    assert_printed(f, "ok      next: in time\n");
    assert_null(strstr(f->text, "too late"));
}

static void when_all_time_is_over_the_rest_is_skipped_and_all_has_failed(void **state)
{
    fixture *const f = *state;
    mlc_checkup_close(f->checkup);
    open_checkup(f, 20, 20000);
    add(f, "silent", NULL, never);
    add(f, "rest", NULL, never_called);
    run(f);
    assert_int_equal(state_of(f, "rest"), MLC_CHECK_SKIPPED);
    assert_printed(f, "skipped rest: because the time for all checks (--timeout) was over\n");
    assert_true(mlc_checkup_failed(f->checkup));
}

/* ---- output ---- */

static void json_tells_the_same(void **state)
{
    fixture *const f = *state;
    cJSON *tree = NULL;
    add(f, "one", NULL, broken);
    add(f, "two", "one", never_called);
    run(f);
    assert_int_equal(mlc_checkup_json(f->checkup, &tree, NULL), MLC_OK);
    char *const text = mlc_json_print(tree);
    assert_string_equal(text,
                        "{\"program\":\"test/1\",\"ok\":false,\"checks\":["
                        "{\"id\":\"one\",\"title\":\"one\",\"state\":\"fail\",\"detail\":\"bro\\u001bken\","
                        "\"remedy\":\"mend\\nit\"},"
                        "{\"id\":\"two\",\"title\":\"two\",\"state\":\"skipped\","
                        "\"detail\":\"because of \\\"one\\\", which failed\",\"remedy\":null}]}");
    free(text);
    cJSON_Delete(tree);
}

static void the_last_line_counts(void **state)
{
    fixture *const f = *state;
    add(f, "a", NULL, well);
    add(f, "b", NULL, doubtful);
    add(f, "c", NULL, broken);
    add(f, "d", "c", never_called);
    run(f);
    mlc_checkup_print_end(f->checkup, f->out);
    (void)fflush(f->out);
    assert_printed(f, "1 ok, 1 warn, 1 FAIL, 1 skipped\n");
}

/* ---- this machine ---- */

static void look_at_folder(mlc_checkup *checkup, unsigned token, void *user)
{
    mlc_local_folder(checkup, token, user, "agent.data_dir");
}

static void look_at_cert(mlc_checkup *checkup, unsigned token, void *user)
{
    mlc_local_certificate(checkup, token, user);
}

static void add_local(fixture *f, const char *id, mlc_check_fn start, const void *what)
{
    const mlc_check check = {.id = id, .title = id, .start = start, .user = (void *)what};
    assert_int_equal(mlc_checkup_add(f->checkup, &check, NULL), MLC_OK);
}

static void a_folder_may_be_there_or_still_to_be_made(void **state)
{
    fixture *const f = *state;
    char absent[192];
    char file[192];
    char below[224];
    (void)snprintf(absent, sizeof absent, "%s/a/b", f->dir);
    (void)snprintf(file, sizeof file, "%s/file", f->dir);
    (void)snprintf(below, sizeof below, "%s/data", file);
    FILE *const made = fopen(file, "we");
    assert_non_null(made);
    (void)fclose(made);
    add_local(f, "there", look_at_folder, f->dir);
    add_local(f, "absent", look_at_folder, absent);
    add_local(f, "file", look_at_folder, file);
    add_local(f, "below", look_at_folder, below);
    run(f);
    assert_true(state_of(f, "there") <= MLC_CHECK_WARN);
    assert_true(state_of(f, "absent") <= MLC_CHECK_WARN);
    assert_int_equal(state_of(f, "file"), MLC_CHECK_FAIL);
    assert_int_equal(state_of(f, "below"), MLC_CHECK_FAIL);
    assert_printed(f, "or correct agent.data_dir\n");
}

static void a_certificate_is_judged_with_its_key(void **state)
{
    fixture *const f = *state;
    char path[6][192];
    static const char *const names[] = {"server.pem",  "server.key",  "client.key",
                                        "expired.pem", "expired.key", "absent.pem"};
    net_make_certs(f->dir);
    for (size_t i = 0; i < 6; i++)
        (void)snprintf(path[i], sizeof path[i], "%s/%s", f->dir, names[i]);
    const mlc_local_cert good = {path[0], path[1], "cert_file", "key_file"};
    const mlc_local_cert other_key = {path[0], path[2], "cert_file", "key_file"};
    const mlc_local_cert expired = {path[3], path[4], "cert_file", "key_file"};
    const mlc_local_cert absent = {path[5], path[1], "cert_file", "key_file"};
    const mlc_local_cert swapped = {path[1], path[0], "cert_file", "key_file"};
    add_local(f, "good", look_at_cert, &good);
    add_local(f, "other key", look_at_cert, &other_key);
    add_local(f, "expired", look_at_cert, &expired);
    add_local(f, "absent", look_at_cert, &absent);
    add_local(f, "swapped", look_at_cert, &swapped);
    run(f);
    assert_int_equal(state_of(f, "good"), MLC_CHECK_OK);
    assert_printed(f, "is not that of the certificate in");
    assert_printed(f, "expired.pem (/CN=localhost) has expired -> have it renewed\n");
    assert_printed(f, "absent.pem: No such file or directory");
    assert_printed(f, "server.key: no certificate in PEM");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(goes_in_order_and_prints_a_line_for_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_follows_from_a_failure_is_skipped_and_names_its_root, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(either_of_two_needs_bars, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_skip_is_no_failure_but_bars, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_check_may_add_checks_and_none_comes_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_checks_it_is_over_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_silent_check_fails_and_its_late_end_is_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(when_all_time_is_over_the_rest_is_skipped_and_all_has_failed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(json_tells_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_line_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_may_be_there_or_still_to_be_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_certificate_is_judged_with_its_key, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
