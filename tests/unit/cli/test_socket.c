/* test_socket.c - the admin socket that is there is found; with several, mlctl asks which one (cli/socket.h). */
#include "cli/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/net_test.h"

static char dir[64];

static int set_up(void **state)
{
    (void)state;
    net_make_dir(dir, sizeof dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    net_remove_dir(dir);
    return 0;
}

static void listen_at(const char *place)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    assert_true(snprintf(at.sun_path, sizeof at.sun_path, "%s/%s", dir, place) < (int)sizeof at.sun_path);
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(close(fd), 0); /* the name stays */
}

static void make_folder(const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static void link_to(const char *place)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/admin.sock", dir);
    assert_int_equal(symlink(place, path), 0);
}

static void expect(const char *place)
{
    char out[MLCTL_SOCKET_MAX];
    char wanted[MLCTL_SOCKET_MAX];
    mlc_error err;
    assert_int_equal(mlctl_socket_find(dir, out, &err), MLC_OK);
    (void)snprintf(wanted, sizeof wanted, "%s/%s", dir, place);
    assert_string_equal(out, wanted);
}

static void the_only_one_is_found(void **state)
{
    (void)state;
    expect("admin.sock"); /* none: where the packages have it */
    listen_at("relay.sock");
    expect("relay.sock");
}

static void a_link_is_no_second_one(void **state)
{
    (void)state;
    make_folder("agent");
    link_to("agent/admin.sock");
    expect("admin.sock"); /* leads nowhere yet */
    listen_at("agent/admin.sock");
    expect("agent/admin.sock");
}

static void with_several_the_operator_is_asked(void **state)
{
    char out[MLCTL_SOCKET_MAX];
    mlc_error err;
    (void)state;
    listen_at("agent.sock");
    make_folder("relay");
    listen_at("relay/admin.sock");
    link_to("agent.sock");
    assert_int_equal(mlctl_socket_find(dir, out, &err), MLC_E_INVALID);
    assert_non_null(strstr(err.message, "say which one with --socket"));
    assert_non_null(strstr(err.message, "/agent.sock"));
    assert_non_null(strstr(err.message, "/relay/admin.sock"));
}

static void a_plain_file_is_no_socket(void **state)
{
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/agent.sock", dir);
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    listen_at("relay.sock");
    expect("relay.sock");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_only_one_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_link_is_no_second_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(with_several_the_operator_is_asked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_plain_file_is_no_socket, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
