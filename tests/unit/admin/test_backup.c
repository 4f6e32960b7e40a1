/* The routes of a backup on a real unix socket: one copy at a time, in pieces, given up when nobody asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/admin_private.h"
#include "support/admin_ask.h"

/* The caller frees the text. */
static mlc_buf ask_bytes(admin_fix *f, const char *path, const char *body, long status)
{
    asked a;
    ask_text(f, &a, path, body);
    if (a.status != status)
        fail_msg("%s: %ld instead of %ld: %s", path, a.status, status, mlc_buf_text(&a.text));
    return a.text;
}

static const char *const begin = "{\"store\":\"agent\",\"operator\":\"jane\"}";

static int64_t begin_copy(admin_fix *f, char id[64])
{
    int64_t bytes = 0;
    cJSON *const tree = ask(f, "/v1/backup", begin, 200);
    (void)snprintf(id, 64, "%s", mlc_json_str(tree, "id"));
    lst_check(mlc_json_int64(tree, "bytes", &bytes, NULL), &(mlc_error){.message = "bytes"});
    cJSON_Delete(tree);
    return bytes;
}

static void end_copy(admin_fix *f, const char *id, long status)
{
    char body[128];
    (void)snprintf(body, sizeof body, "{\"id\":\"%s\"}", id);
    cJSON_Delete(ask(f, "/v1/backup/end", body, status));
}

static mlc_buf piece(admin_fix *f, const char *id, int64_t from, long status)
{
    char path[160];
    (void)snprintf(path, sizeof path, "/v1/backup/data?id=%s&from=%lld", id, (long long)from);
    return ask_bytes(f, path, NULL, status);
}

static void stores_are_listed_with_their_folders(void **state)
{
    admin_fix *const f = *state;
    mlc_error err;
    const mlc_admin_store other = {.name = "acme", .store = f->s.store, .folder = "tenants/acme"};
    const mlc_admin_store scratch = {.name = "scratch", .store = f->s.store};
    lst_check(mlc_admin_add_store(f->admin, &other, &err), &err);
    lst_check(mlc_admin_add_store(f->admin, &scratch, &err), &err);
    mlc_buf text = ask_bytes(f, "/v1/backup", NULL, 200);
    assert_string_equal(mlc_buf_text(&text),
                        "{\"stores\":[{\"name\":\"agent\",\"folder\":\"\"},{\"name\":\"acme\",\"folder\":"
                        "\"tenants/acme\"}],\"program\":\"ml-test/1.0\"}");
    mlc_buf_free(&text);
    mlc_admin_remove_store(f->admin, "acme");
    mlc_admin_remove_store(f->admin, "scratch");
}

/* Whatever is written meanwhile, the pieces are of one moment. */
static void a_copy_is_fetched_in_pieces(void **state)
{
    admin_fix *const f = *state;
    char id[64];
    (void)lst_add(&f->s, f->jde, "order/1", "i1");
    const int64_t bytes = begin_copy(f, id);
    assert_true(bytes > 0);
    mlc_buf whole = piece(f, id, 0, 200);
    assert_int_equal(whole.len, bytes);
    (void)lst_add(&f->s, f->jde, "order/2", "i2");
    mlc_buf rest = piece(f, id, 5000, 200);
    assert_int_equal(rest.len, bytes - 5000);
    assert_memory_equal(mlc_buf_text(&rest), mlc_buf_text(&whole) + 5000, rest.len);
    mlc_buf beyond = piece(f, id, bytes + 7, 200);
    assert_int_equal(beyond.len, 0);
    mlc_buf_free(&whole);
    mlc_buf_free(&rest);
    mlc_buf_free(&beyond);
    end_copy(f, id, 200);
    end_copy(f, id, 404);
}

static void one_copy_at_a_time(void **state)
{
    admin_fix *const f = *state;
    char id[64];
    (void)begin_copy(f, id);
    expect_error(f, "/v1/backup", begin, 409, "another backup is under way");
    expect_error(f, "/v1/backup/data?id=00000000000000000000000000000000", NULL, 404, "no such copy");
    expect_error(f, "/v1/backup/data?from=0", NULL, 404, "no such copy");
    end_copy(f, id, 200);
    (void)begin_copy(f, id);
    end_copy(f, id, 200);
}

static void what_is_wrong_is_told(void **state)
{
    admin_fix *const f = *state;
    expect_error(f, "/v1/backup", "{\"store\":\"acme\",\"operator\":\"jane\"}", 404, "known are: agent");
    expect_error(f, "/v1/backup", "{\"store\":\"agent\"}", 400, "operator: ");
    expect_error(f, "/v1/backup", "[", 400, "");
    expect_error(f, "/v1/backup/data?from=x", NULL, 400, "from: must be a whole number");
    expect_error(f, "/v1/backup/end", "{}", 404, "no such copy");
    expect_error(f, "/v1/backup/more", NULL, 404, "no such address");
}

static bool is_given_up(void *arg)
{
    const admin_fix *const f = arg;
    return f->admin->copy == NULL;
}

static void a_copy_that_nobody_fetches_is_given_up(void **state)
{
    admin_fix *const f = *state;
    char id[64];
    f->admin->opt.copy_idle_ms = 20;
    (void)begin_copy(f, id);
    assert_true(lst_run(&f->s, is_given_up, f, LST_PATIENCE_MS));
    mlc_buf text = piece(f, id, 0, 404);
    mlc_buf_free(&text);
    f->admin->opt.copy_idle_ms = 0;
    (void)begin_copy(f, id);
    end_copy(f, id, 200);
}

/* The tear-down closes the admin object with the copy still there. */
static void a_copy_ends_with_the_program(void **state)
{
    admin_fix *const f = *state;
    char id[64];
    assert_true(begin_copy(f, id) > 0);
    assert_non_null(f->admin->copy);
}

typedef struct begun {
    asked a;
    atomic_bool over;
} begun;

static void *begin_thread(void *arg)
{
    begun *const b = arg;
    ask_in_thread(&b->a);
    atomic_store(&b->over, true);
    return NULL;
}

static bool is_being_made(void *arg)
{
    return !is_given_up(arg);
}

static bool is_answered(void *arg)
{
    return atomic_load(&((begun *)arg)->over);
}

static void a_store_that_goes_away_ends_its_copy(void **state)
{
    admin_fix *const f = *state;
    pthread_t thread;
    begun b = {.a = {.socket = f->socket, .path = "/v1/backup", .body = begin}};
    atomic_init(&b.over, false);
    assert_int_equal(pthread_create(&thread, NULL, begin_thread, &b), 0);
    assert_true(lst_run(&f->s, is_being_made, f, LST_PATIENCE_MS));
    mlc_admin_remove_store(f->admin, "agent");
    assert_true(lst_run(&f->s, is_answered, &b, LST_PATIENCE_MS));
    assert_int_equal(pthread_join(thread, NULL), 0);
    /* Whether it was made before is a matter of luck; then the copy lasts, the store is not needed for it. */
    if (b.a.status == 503)
        assert_true(lst_run(&f->s, is_given_up, f, LST_PATIENCE_MS));
    else
        assert_int_equal(b.a.status, 200);
    mlc_buf_free(&b.a.text);
}

#define BACKUP_TEST(name) cmocka_unit_test_setup_teardown(name, admin_fix_set_up, admin_fix_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BACKUP_TEST(stores_are_listed_with_their_folders),
        BACKUP_TEST(a_copy_is_fetched_in_pieces),
        BACKUP_TEST(one_copy_at_a_time),
        BACKUP_TEST(what_is_wrong_is_told),
        BACKUP_TEST(a_copy_that_nobody_fetches_is_given_up),
        BACKUP_TEST(a_copy_ends_with_the_program),
        BACKUP_TEST(a_store_that_goes_away_ends_its_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
