#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/timer.h"
#include "net/waker.h"
#include "support/net_test.h"

typedef struct counter {
    mlc_timer *timer;
    mlc_waker *waker;
    int calls, stop_at;
    bool done;
} counter;

static void count(void *arg)
{
    counter *c = arg;
    if (++c->calls < c->stop_at)
        return;
    c->done = true;
    mlc_timer_close(c->timer); /* inside its own callback */
    c->timer = NULL;
}

static void timer_repeats_and_closes_itself(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    counter c = {.stop_at = 3};
    assert_int_equal(mlc_timer_open(&c.timer, &loop, count, &c, NULL), MLC_OK);
    assert_false(mlc_timer_active(c.timer));
    mlc_timer_start(c.timer, -5, 1);
    assert_true(mlc_timer_active(c.timer));
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(c.calls, 3);
    net_loop_end(&loop);
}

static void stopped_and_unreferenced_timers_do_not_call(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    counter c = {.stop_at = 100};
    mlc_timer *second = NULL;
    assert_int_equal(mlc_timer_open(&c.timer, &loop, count, &c, NULL), MLC_OK);
    assert_int_equal(mlc_timer_open(&second, &loop, count, &c, NULL), MLC_OK);
    mlc_timer_start(c.timer, 0, 0);
    mlc_timer_stop(c.timer);
    mlc_timer_start(second, INT64_C(3600) * 1000, 0);
    mlc_timer_unref(second);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(c.calls, 0);
    mlc_timer_close(c.timer);
    mlc_timer_close(second);
    mlc_timer_close(NULL);
    net_loop_end(&loop);
}

static void on_wake(void *arg)
{
    counter *c = arg;
    c->calls++;
    c->done = true;
}

static void *wake_often(void *arg)
{
    for (int i = 0; i < 1000; i++)
        mlc_waker_wake(arg);
    return NULL;
}

static void waker_calls_on_the_loop(void **state)
{
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    counter c = {0};
    assert_int_equal(mlc_waker_open(&c.waker, &loop, on_wake, &c, NULL), MLC_OK);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_often, c.waker), 0);
    assert_true(net_run_until(&loop, &c.done));
    pthread_join(thread, NULL);
    net_run_for(&loop, 5);
    assert_in_range(c.calls, 1, 1000);
    mlc_waker_close(c.waker);
    mlc_waker_close(NULL);
    net_loop_end(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timer_repeats_and_closes_itself),
        cmocka_unit_test(stopped_and_unreferenced_timers_do_not_call),
        cmocka_unit_test(waker_calls_on_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
