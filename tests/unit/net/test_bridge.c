/* Between libwebsockets' socket and a connection that stands: every byte, both ways, in order, whoever ends first (net/bridge.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/bridge.h"
#include "support/net_test.h"

#include <fcntl.h>
#include <sys/wait.h>

enum { LOTS = 3 * 1024 * 1024 };

typedef struct fixture {
    uv_loop_t loop;
    mlc_bridge *bridge;
    int far, near; /* the outer ends; -1: closed */
} fixture;

/* A TCP connection on this machine: *one is given to the bridge. */
static void tcp_pair(int *one, int *other)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&name, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&name, &len), 0);
    *one = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(*one, (const struct sockaddr *)&name, len), 0);
    *other = accept(listener, NULL, NULL);
    assert_true(*other >= 0);
    (void)fcntl(*other, F_SETFL, O_NONBLOCK);
    (void)close(listener);
}

/* As libwebsockets does it: "+@name" is an abstract Unix socket. -1: refused. */
static int connect_near(const fixture *f)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const char *const address = mlc_bridge_address(f->bridge);
    assert_memory_equal(address, "+@", 2);
    memcpy(name.sun_path + 1, address + 2, strlen(address + 2));
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const socklen_t len = (socklen_t)(sizeof(sa_family_t) + 1 + strlen(address + 2));
    if (connect(fd, (const struct sockaddr *)&name, len) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static int set_up(void **state)
{
    fixture *const f = calloc(1, sizeof *f);
    int given = -1;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    (void)signal(SIGPIPE, SIG_IGN);
    tcp_pair(&given, &f->far);
    assert_int_equal(mlc_bridge_open(&f->bridge, &f->loop, given, NULL), MLC_OK);
    f->near = connect_near(f);
    assert_true(f->near >= 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *const f = *state;
    mlc_bridge_close(f->bridge);
    if (f->near >= 0)
        (void)close(f->near);
    if (f->far >= 0)
        (void)close(f->far);
    net_loop_end(&f->loop);
    free(f);
    return 0;
}

/* Write `total` bytes into one end and read them at the other, as fast as both go. Byte i is i's remainder by 251. */
static void assert_carried(fixture *f, int from, int to, size_t total)
{
    char piece[32 * 1024];
    size_t sent = 0;
    size_t got = 0;
    for (int turn = 0; got < total && turn < 100000; turn++) {
        size_t len = total - sent < sizeof piece ? total - sent : sizeof piece;
        for (size_t i = 0; i < len; i++)
            piece[i] = (char)((sent + i) % 251);
        const ssize_t n = len > 0 ? write(from, piece, len) : 0;
        if (n > 0)
            sent += (size_t)n;
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
        const ssize_t m = read(to, piece, sizeof piece);
        assert_true(m > 0 || (m < 0 && errno == EAGAIN));
        for (ssize_t i = 0; i < m; i++, got++)
            if (piece[i] != (char)(got % 251))
                fail_msg("byte %zu is another", got);
        if (m < 0)
            (void)usleep(50);
    }
    assert_int_equal(got, total);
}

/* The end comes, after no more than what the caller expects. */
static void assert_ended(fixture *f, int fd)
{
    char byte = 0;
    ssize_t n = -1;
    for (int turn = 0; turn < 2000 && n != 0; turn++) {
        (void)net_run_for(&f->loop, 1);
        n = read(fd, &byte, 1);
        assert_true(n == 0 || (n < 0 && errno == EAGAIN));
    }
    assert_int_equal(n, 0);
}

static void bytes_go_both_ways(void **state)
{
    fixture *const f = *state;
    assert_carried(f, f->near, f->far, LOTS);
    assert_carried(f, f->far, f->near, LOTS);
    assert_carried(f, f->near, f->far, 1);
}

static void who_does_not_read_holds_up_the_other(void **state)
{
    fixture *const f = *state;
    static const char piece[64 * 1024];
    size_t sent = 0;
    for (int turn = 0; turn < 3000; turn++) {
        const ssize_t n = write(f->far, piece, sizeof piece);
        sent += n > 0 ? (size_t)n : 0;
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    /* What the kernel holds, and one piece: not the 190 MB that were tried. */
    assert_true(sent < (size_t)64 * 1024 * 1024);
}

static void the_far_end_of_the_line(void **state)
{
    fixture *const f = *state;
    assert_carried(f, f->far, f->near, 1000);
    (void)close(f->far);
    f->far = -1;
    assert_ended(f, f->near);
}

static void the_near_end_goes_and_its_last_words_arrive(void **state)
{
    fixture *const f = *state;
    char text[16] = "";
    assert_carried(f, f->near, f->far, 1000);
    assert_int_equal(write(f->near, "goodbye", 7), 7);
    (void)close(f->near);
    f->near = -1;
    mlc_bridge_close(f->bridge);
    f->bridge = NULL;
    for (int turn = 0; turn < 2000 && read(f->far, text, sizeof text - 1) != 7; turn++)
        (void)net_run_for(&f->loop, 1);
    assert_string_equal(text, "goodbye");
    assert_ended(f, f->far);
}

static void one_side_may_say_no_more_and_still_listen(void **state)
{
    fixture *const f = *state;
    assert_carried(f, f->near, f->far, 10);
    assert_int_equal(shutdown(f->near, SHUT_WR), 0);
    assert_ended(f, f->far);
    assert_carried(f, f->far, f->near, 1000);
}

static void only_one_connection(void **state)
{
    fixture *const f = *state;
    assert_carried(f, f->near, f->far, 10);
    assert_int_equal(connect_near(f), -1);
}

/* Another process gets nowhere, and takes nobody's place. */
static void a_stranger_is_sent_away(void **state)
{
    fixture *const f = *state;
    int given = -1;
    int far = -1;
    int status = 0;
    mlc_bridge *const first = f->bridge;
    tcp_pair(&given, &far);
    assert_int_equal(mlc_bridge_open(&f->bridge, &f->loop, given, NULL), MLC_OK);
    const pid_t child = fork();
    if (child == 0) {
        char byte = 0;
        const int fd = connect_near(f);
        (void)fcntl(fd, F_SETFL, 0);
        (void)write(fd, "intruder", 8);
        _exit(fd >= 0 && read(fd, &byte, 1) <= 0 ? 0 : 1);
    }
    (void)net_run_for(&f->loop, 200);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    const int near = connect_near(f);
    assert_true(near >= 0);
    assert_carried(f, near, far, 1000);
    (void)close(near);
    (void)close(far);
    mlc_bridge_close(first);
}

static void nobody_comes(void **state)
{
    fixture f = {.near = -1};
    int given = -1;
    (void)state;
    assert_int_equal(uv_loop_init(&f.loop), 0);
    tcp_pair(&given, &f.far);
    assert_int_equal(mlc_bridge_open(&f.bridge, &f.loop, given, NULL), MLC_OK);
    mlc_bridge_close(f.bridge);
    assert_ended(&f, f.far);
    (void)close(f.far);
    mlc_bridge_close(NULL);
    net_loop_end(&f.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(bytes_go_both_ways, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_does_not_read_holds_up_the_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_far_end_of_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_near_end_goes_and_its_last_words_arrive, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_side_may_say_no_more_and_still_listen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_one_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stranger_is_sent_away, set_up, tear_down),
        cmocka_unit_test(nobody_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
