/* Files that are written beside the one whose place they take: what a killed maker left is removed, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/fresh.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct place {
    char folder[256];
    char file[300];
} place;

static int set_up(void **state)
{
    const char *const tmp = getenv("TMPDIR");
    place *const p = calloc(1, sizeof *p);
    assert_non_null(p);
    (void)snprintf(p->folder, sizeof p->folder, "%s/mlc-fresh-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_non_null(mkdtemp(p->folder));
    (void)snprintf(p->file, sizeof p->file, "%s/relay.conf", p->folder);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *const p = *state;
    const int rc = rmdir(p->folder); /* fails when anything was left behind */
    free(p);
    return rc;
}

static void make(const place *p, const char *name, char path[400])
{
    (void)snprintf(path, 400, "%s/%s", p->folder, name);
    const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
}

static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

/* A process that makes one and tells its path, then waits. */
static pid_t maker(const place *p, char path[MLC_FRESH_PATH_MAX])
{
    int ends[2], fd = -1;
    char made[MLC_FRESH_PATH_MAX] = "";
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (mlc_fresh_open(p->file, made, &fd, NULL) != MLC_OK ||
            write(ends[1], made, sizeof made) != (ssize_t)sizeof made)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ends[0], path, MLC_FRESH_PATH_MAX), MLC_FRESH_PATH_MAX);
    (void)close(ends[0]);
    (void)close(ends[1]);
    return child;
}

static void end(pid_t child)
{
    int status = 0;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
}

static void what_a_killed_one_left_is_removed_and_what_is_in_use_is_not(void **state)
{
    const place *const p = *state;
    char killed[MLC_FRESH_PATH_MAX], used[MLC_FRESH_PATH_MAX];
    struct stat st;
    const pid_t first = maker(p, killed);
    const pid_t second = maker(p, used);
    assert_int_equal(stat(killed, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(mlc_fresh_clear(p->file), 0);
    end(first);
    assert_true(is_there(killed) && is_there(used));
    assert_int_equal(mlc_fresh_clear(p->file), 1);
    assert_true(!is_there(killed) && is_there(used));
    end(second);
    assert_int_equal(mlc_fresh_clear(p->file), 1);
    assert_int_equal(mlc_fresh_clear(p->file), 0);
}

static void what_is_not_ours_stays(void **state)
{
    static const char *const names[] = {"relay.conf",
                                        "relay.conf.backup",
                                        "relay.conf.mlc-new-",
                                        "relay.conf.mlc-new-abcde",
                                        "relay.conf.mlc-new-abcdefg",
                                        "relay.conf.mlc-new-ab.def",
                                        "agent.conf.mlc-new-abcdef",
                                        "xrelay.conf.mlc-new-abcdef"};
    const place *const p = *state;
    char path[400], target[400], link[400];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        make(p, names[i], path);
    make(p, "target", target);
    (void)snprintf(link, sizeof link, "%s/relay.conf.mlc-new-linked", p->folder);
    assert_int_equal(symlink(target, link), 0);
    assert_int_equal(mlc_fresh_clear(p->file), 0);
    assert_true(is_there(target) && is_there(link));
    assert_int_equal(unlink(target) + unlink(link), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", p->folder, names[i]);
        assert_int_equal(unlink(path), 0);
    }
}

static void a_folder_that_is_not_there(void **state)
{
    char path[MLC_FRESH_PATH_MAX];
    mlc_error err;
    int fd = 7;
    (void)state;
    assert_int_equal(mlc_fresh_clear("/no/such/folder/relay.conf"), 0);
    assert_int_equal(mlc_fresh_open("/no/such/folder/relay.conf", path, &fd, &err), MLC_E_IO);
    assert_int_equal(fd, -1);
    assert_string_equal(err.message, strerror(ENOENT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_a_killed_one_left_is_removed_and_what_is_in_use_is_not, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_ours_stays, set_up, tear_down),
        cmocka_unit_test(a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
