/* Notes to the service manager: what arrives at its socket, and what happens without one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/notify.h"
#include "support/notify_test.h"

static void test_note_arrives_as_it_is(void **state)
{
    notify_manager manager;
    (void)state;
    for (int abstract = 0; abstract <= 1; abstract++) {
        notify_manager_open(&manager, abstract == 1);
        assert_int_equal(mlc_notify("READY=1\nSTATUS=running", NULL), MLC_OK);
        assert_string_equal(notify_manager_hear(&manager), "READY=1\nSTATUS=running");
        assert_string_equal(notify_manager_hear(&manager), "");
        notify_manager_close(&manager);
    }
}

static void test_without_manager_nothing_happens(void **state)
{
    (void)state;
    (void)unsetenv("NOTIFY_SOCKET");
    assert_int_equal(mlc_notify("READY=1", NULL), MLC_OK);
    (void)setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(mlc_notify("READY=1", NULL), MLC_OK);
}

static void test_bad_address_is_an_error(void **state)
{
    mlc_error err;
    char longer[256];
    (void)state;
    memset(longer, 'x', sizeof longer - 1);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    const char *const bad[] = {"relative/path", "/", "vsock:2:1234", longer};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)setenv("NOTIFY_SOCKET", bad[i], 1);
        assert_int_equal(mlc_notify("READY=1", &err), MLC_E_INVALID);
        assert_non_null(strstr(err.message, "NOTIFY_SOCKET"));
    }
    (void)setenv("NOTIFY_SOCKET", "/nonexistent/mlc-notify", 1);
    assert_int_equal(mlc_notify("READY=1", &err), MLC_E_IO);
    (void)unsetenv("NOTIFY_SOCKET");
}

/* A manager that does not read must not hold the program up. */
static void test_full_socket_does_not_wait(void **state)
{
    notify_manager manager;
    mlc_error err;
    mlc_code code = MLC_OK;
    (void)state;
    notify_manager_open(&manager, false);
    for (int i = 0; i < 100000 && code == MLC_OK; i++)
        code = mlc_notify("WATCHDOG=1", &err);
    assert_int_equal(code, MLC_E_IO);
    notify_manager_close(&manager);
}

static void test_watchdog_interval(void **state)
{
    const struct {
        const char *usec;
        int64_t ms;
    } cases[] = {{"60000000", 30000},        {"3000", 1}, {"1", 1}, {"0", 0}, {"", 0}, {"-5", 0}, {"5s", 0},
                 {"99999999999999999999", 0}};
    char pid[32];
    (void)state;
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    assert_int_equal(mlc_notify_watchdog_ms(), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)setenv("WATCHDOG_USEC", cases[i].usec, 1);
        assert_int_equal(mlc_notify_watchdog_ms(), cases[i].ms);
    }
    (void)setenv("WATCHDOG_USEC", "60000000", 1);
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    (void)setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(mlc_notify_watchdog_ms(), 30000);
    (void)snprintf(pid, sizeof pid, "%ld", (long)getppid());
    (void)setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(mlc_notify_watchdog_ms(), 0);
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_note_arrives_as_it_is),
        cmocka_unit_test(test_without_manager_nothing_happens),
        cmocka_unit_test(test_bad_address_is_an_error),
        cmocka_unit_test(test_full_socket_does_not_wait),

        cmocka_unit_test(test_watchdog_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
