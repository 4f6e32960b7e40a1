/* mlctl backup against real admin routes: what it makes, what it refuses, what it finds in a backup that was harmed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "admin/admin_private.h"
#include "cli/backup.h"
#include "support/mlctl_test.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>

/* A folder of the test, "DIR/NAME". */
static const char *at(const admin_fix *f, const char *name)
{
    static char path[400];
    (void)snprintf(path, sizeof path, "%s/%s", f->s.dir, name);
    return path;
}

static int mode_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (int)(info.st_mode & 0777) : -1;
}

/* How many files there are whose names fit. */
static size_t count_of(const admin_fix *f, const char *pattern)
{
    glob_t found = {0};
    const int rc = glob(at(f, pattern), 0, NULL, &found);
    const size_t count = found.gl_pathc;
    assert_true(rc == 0 || rc == GLOB_NOMATCH);
    globfree(&found);
    return count;
}

static size_t left_over(const admin_fix *f)
{
    return count_of(f, "b.*");
}

static int set_up(void **state)
{
    mlc_error err;
    if (admin_fix_set_up(state) != 0)
        return 1;
    admin_fix *const f = *state;
    (void)admin_fix_park(f, f->jde, "order/1", "i1");
    const mlc_admin_store tenant = {.name = "acme", .store = f->s.store, .folder = "tenants/acme"};
    return mlc_admin_add_store(f->admin, &tenant, &err) == MLC_OK ? 0 : 1;
}

static void a_backup_is_made_and_proven(void **state)
{
    admin_fix *const f = *state;
    expect(f, MLCTL_OK, "/b: 2 stores of ml-test/1.0, ", "mlctl backup %s/", at(f, "b"));
    assert_int_equal(mode_of(at(f, "b")), 0700);
    assert_int_equal(mode_of(at(f, "b/backup.json")), 0600);
    assert_int_equal(mode_of(at(f, "b/data.mdb")), 0600);
    assert_int_equal(mode_of(at(f, "b/tenants/acme")), 0700);
    assert_int_equal(mode_of(at(f, "b/tenants/acme/data.mdb")), 0600);
    assert_int_equal(left_over(f), 0);
    expect(f, MLCTL_OK, "; all is as it was written, each opens", "mlctl backup --verify %s", at(f, "b"));
    expect(f, MLCTL_OK, "\"path\":\"", "mlctl backup --json --verify %s", at(f, "b"));
    expect(f, MLCTL_OK, "the chain is whole", "mlctl audit verify --dir %s", at(f, "b/tenants/acme"));
    expect(f, MLCTL_OK, "Not in it: the root key", "mlctl backup %s", at(f, "c"));
}

static void only_an_earlier_backup_is_replaced(void **state)
{
    admin_fix *const f = *state;
    expect(f, MLCTL_OK, "2 stores", "mlctl backup %s", at(f, "b"));
    expect(f, MLCTL_FAILED, "is there already", "mlctl backup %s", at(f, "b"));
    (void)lst_add(&f->s, f->jde, "order/2", "i2");
    expect(f, MLCTL_OK, "2 stores", "mlctl backup %s --force", at(f, "b"));
    expect(f, MLCTL_OK, "all is as it was written", "mlctl backup --verify %s", at(f, "b"));
    assert_int_equal(left_over(f), 0);
    assert_int_equal(mkdir(at(f, "mine"), 0700), 0);
    expect(f, MLCTL_FAILED, "is there and is no backup", "mlctl backup --force %s", at(f, "mine"));
    expect(f, MLCTL_FAILED, "is there and is no folder", "mlctl backup --force %s", at(f, "admin.sock"));
    assert_int_equal(symlink("b", at(f, "latest")), 0);
    expect(f, MLCTL_FAILED, "is there and is no folder", "mlctl backup --force %s", at(f, "latest"));
    expect(f, MLCTL_OK, "all is as it was written", "mlctl backup --verify %s", at(f, "b"));
    (void)unlink(at(f, "latest"));
    assert_int_equal(mode_of(at(f, "mine")), 0700);
}

/* What somebody put into an earlier backup's folder is not deleted with it. */
static void foreign_files_are_kept(void **state)
{
    admin_fix *const f = *state;
    expect(f, MLCTL_OK, "2 stores", "mlctl backup %s", at(f, "b"));
    (void)close(open(at(f, "b/notes.txt"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    expect(f, MLCTL_OK, "2 stores", "mlctl backup %s --force", at(f, "b"));
    assert_int_equal(count_of(f, "b.*.old/notes.txt"), 1);
}

static void what_cannot_be_is_told(void **state)
{
    admin_fix *const f = *state;
    expect(f, MLCTL_FAILED, "make the folder that it is to be in", "mlctl backup %s", at(f, "absent/b"));
    expect(f, MLCTL_FAILED, "is no name for a new folder", "mlctl backup %s", at(f, ".."));
    expect(f, MLCTL_UNREACHABLE, "does not answer", "mlctl --socket %s backup /nonexistent/b",
           at(f, "absent.sock"));
    expect(f, MLCTL_FAILED, "is that a folder that mlctl backup made?", "mlctl backup --verify %s",
           at(f, "store"));
    expect(f, MLCTL_USAGE, "something is missing; usage: mlctl backup FOLDER", "mlctl backup");
    expect(f, MLCTL_USAGE, "either --verify or --force", "mlctl backup --verify --force x");
    expect(f, MLCTL_USAGE, "--force does not belong here", "mlctl status --force");
    assert_int_equal(left_over(f), 0);
}

static void harm(const char *path, off_t where)
{
    char byte = 0;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, where), 1);
    byte = (char)(byte ^ 1);
    assert_int_equal(pwrite(fd, &byte, 1, where), 1);
    (void)close(fd);
}

static void harm_is_found(void **state)
{
    admin_fix *const f = *state;
    expect(f, MLCTL_OK, "2 stores", "mlctl backup %s", at(f, "b"));
    harm(at(f, "b/tenants/acme/data.mdb"), 9000);
    expect(f, MLCTL_FAILED, "store acme of the backup is not proven", "mlctl backup --verify %s", at(f, "b"));
    harm(at(f, "b/tenants/acme/data.mdb"), 9000);
    expect(f, MLCTL_OK, "all is as it was written", "mlctl backup --verify %s", at(f, "b"));
    assert_int_equal(truncate(at(f, "b/data.mdb"), 8192), 0);
    expect(f, MLCTL_FAILED, "8192 bytes", "mlctl backup --verify %s", at(f, "b"));
    assert_int_equal(unlink(at(f, "b/data.mdb")), 0);
    expect(f, MLCTL_FAILED, "store agent of the backup is not proven", "mlctl backup --verify %s",
           at(f, "b"));
}

static void a_tenant_is_not_open(void *user, cJSON *status)
{
    cJSON *const tenants = cJSON_AddObjectToObject(status, "tenants");
    (void)user;
    (void)mlc_json_add_bool(cJSON_AddObjectToObject(tenants, "acme"), "open", true, NULL);
    (void)mlc_json_add_bool(cJSON_AddObjectToObject(tenants, "zeta"), "open", false, NULL);
}

static void a_tenant_that_is_not_open_is_named(void **state)
{
    admin_fix *const f = *state;
    f->admin->opt.status = a_tenant_is_not_open;
    expect(f, MLCTL_FAILED, "/b was made, but without tenant zeta, which is not open", "mlctl backup %s",
           at(f, "b"));
    expect(f, MLCTL_OK, "all is as it was written", "mlctl backup --verify %s", at(f, "b"));
}

/* ---- a program that is not to be trusted ---- */

typedef struct liar {
    const char *stores, *made, *data;
} liar;

static void lie(mlc_http_req *req, void *user)
{
    const liar *const l = user;
    const char *const path = mlc_http_req_path(req);
    const bool get = strcmp(mlc_http_req_method(req), "GET") == 0;
    const char *const text = strcmp(path, "/v1/backup/data") == 0 ? l->data
                             : strcmp(path, "/v1/backup") != 0    ? "{}"
                             : get                                ? l->stores
                                                                  : l->made;
    mlc_http_reply(req, 200, NULL, text, strlen(text));
}

static bool never(void *arg)
{
    (void)arg;
    return false;
}

static void expect_lie(admin_fix *f, liar l, const char *words)
{
    mlc_error err;
    mlc_http_server *server = NULL;
    char socket[200];
    const mlc_http_route routes[] = {{.prefix = "/v1/", .handler = lie, .user = &l}};
    (void)snprintf(socket, sizeof socket, "%s/liar.sock", f->s.dir);
    const mlc_http_server_options options = {
        .name = "liar", .unix_path = socket, .routes = routes, .route_count = 1};
    lst_check(mlc_http_server_open(&server, f->lws, &options, &err), &err);
    expect(f, MLCTL_FAILED, words, "mlctl --socket %s backup %s/b", socket, f->s.dir);
    assert_int_equal(mode_of(at(f, "b")), -1);
    assert_int_equal(left_over(f), 0);
    mlc_http_server_close(server);
    (void)lst_run(&f->s, never, NULL, 20); /* one unix socket after the other */
}

#define LISTED(folder) "{\"program\":\"p\",\"stores\":[{\"name\":\"a\",\"folder\":\"" folder "\"}]}"

static void a_program_cannot_lead_elsewhere(void **state)
{
    admin_fix *const f = *state;
    static const char made[] = "{\"id\":\"1\",\"bytes\":8}";
    expect_lie(f, (liar){LISTED("../../etc"), made, "12345678"}, "a store or a folder that cannot be");
    expect_lie(f, (liar){LISTED("/etc"), made, "12345678"}, "a store or a folder that cannot be");
    expect_lie(f, (liar){"{\"stores\":[]}", made, "12345678"}, "no store open");
    expect_lie(f, (liar){LISTED("a/b/c"), made, "123456789"}, "the length that it told");
    expect_lie(f, (liar){LISTED("a"), made, ""}, "the length that it told");
    expect_lie(f, (liar){LISTED("a"), "{\"id\":\"1\"}", "1"}, "not readable");
    expect_lie(f, (liar){LISTED(""), made, "1234"}, "store a of the backup is not proven");
}

/* ---- the description ---- */

static void refuse(const char *text, const char *words)
{
    mlctl_backup backup = {0};
    mlc_error err;
    assert_int_equal(mlctl_backup_parse(&backup, text, strlen(text), &err), MLC_E_CORRUPT);
    assert_null(backup.stores);
    if (strstr(err.message, words) == NULL)
        fail_msg("%s: \"%s\" is not in \"%s\"", text, words, err.message);
}

#define STORE(folder)                                                                                        \
    "{\"name\":\"a\",\"folder\":\"" folder "\",\"bytes\":1,\"sha256\":\"00\",\"auditHead\":\"0:00\"}"
#define HEAD "{\"format\":1,\"program\":\"p\",\"made\":\"m\",\"stores\":["

static void descriptions_are_checked(void **state)
{
    mlctl_backup backup = {0};
    mlc_error err;
    (void)state;
    static const char good[] = HEAD STORE("tenants/acme") "," STORE("") "]}";
    lst_check(mlctl_backup_parse(&backup, good, strlen(good), &err), &err);
    assert_int_equal(backup.count, 2);
    char *const text = mlctl_backup_text(&backup);
    assert_string_equal(text, good);
    free(text);
    mlctl_backup_free(&backup);
    refuse("", "not readable");
    refuse("{}", "no \"format\"");
    refuse("{\"format\":2}", "use the newer one");
    refuse("{\"format\":1,\"program\":\"p\",\"made\":\"m\"}", "\"stores\"");
    refuse(HEAD STORE("..") "]}", "store 1 is not described");
    refuse(HEAD STORE("a") "," STORE("a/../b") "]}", "store 2 is not described");
    refuse(HEAD STORE("/etc") "]}", "store 1");
    refuse(HEAD STORE("a//b") "]}", "store 1");
    refuse(HEAD STORE("a/") "]}", "store 1");
    refuse(HEAD STORE(".ssh") "]}", "store 1");
    refuse(HEAD STORE("a b") "]}", "store 1");
    refuse(HEAD "{}]}", "store 1");
}

#define BACKUP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, admin_fix_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BACKUP_TEST(a_backup_is_made_and_proven),
        BACKUP_TEST(only_an_earlier_backup_is_replaced),
        BACKUP_TEST(foreign_files_are_kept),
        BACKUP_TEST(what_cannot_be_is_told),
        BACKUP_TEST(harm_is_found),
        BACKUP_TEST(a_tenant_that_is_not_open_is_named),
        BACKUP_TEST(a_program_cannot_lead_elsewhere),
        cmocka_unit_test(descriptions_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
