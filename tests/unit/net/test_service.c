/* The program as a service: ready, signs of life from the loop, stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/service.h"
#include "support/net_test.h"
#include "support/notify_test.h"

typedef struct fixture {
    uv_loop_t loop;
    notify_manager manager;
} fixture;

static int set_up(void **state)
{
    fixture *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(uv_loop_init(&f->loop), 0);
    notify_manager_open(&f->manager, false);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *const f = *state;
    notify_manager_close(&f->manager);
    (void)unsetenv("WATCHDOG_USEC");
    (void)uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

static void test_ready_alive_stopping(void **state)
{
    fixture *const f = *state;
    mlc_service *service = NULL;
    (void)setenv("WATCHDOG_USEC", "20000", 1);
    assert_int_equal(mlc_service_ready(&service, &f->loop, NULL, NULL), MLC_OK);
    assert_string_equal(notify_manager_hear(&f->manager), "READY=1\nWATCHDOG=1");
    assert_string_equal(notify_manager_hear(&f->manager), "");
    for (int i = 0; i < 3; i++) {
        while (notify_manager_hear(&f->manager)[0] == '\0')
            (void)net_run_for(&f->loop, 5);
        assert_string_equal(f->manager.heard, "WATCHDOG=1");
    }
    while (notify_manager_hear(&f->manager)[0] != '\0')
        assert_string_equal(f->manager.heard, "WATCHDOG=1");
    mlc_service_stop(service);
    assert_string_equal(notify_manager_hear(&f->manager), "STOPPING=1");
    (void)net_run_for(&f->loop, 40);
    assert_string_equal(notify_manager_hear(&f->manager), "");
}

static void test_no_watchdog_asked_for(void **state)
{
    fixture *const f = *state;
    mlc_service *service = NULL;
    assert_int_equal(mlc_service_ready(&service, &f->loop, NULL, NULL), MLC_OK);
    (void)notify_manager_hear(&f->manager);
    /* Nothing of it holds the loop. */
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_string_equal(notify_manager_hear(&f->manager), "");
    mlc_service_stop(service);
}

static void test_deaf_manager_stops_nothing(void **state)
{
    fixture *const f = *state;
    mlc_service *service = NULL;
    (void)setenv("NOTIFY_SOCKET", "/dev/null/mlc-notify", 1);
    assert_int_equal(mlc_service_ready(&service, &f->loop, NULL, NULL), MLC_OK);
    mlc_service_stop(service);
    mlc_service_stop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ready_alive_stopping, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_watchdog_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deaf_manager_stops_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
