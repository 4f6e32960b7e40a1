/* The token bucket of a tenant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relay/quota.h"

static unsigned take_all(mlc_quota *quota, int64_t now_ms)
{
    unsigned count = 0;
    while (mlc_quota_take(quota, now_ms, NULL))
        count++;
    return count;
}

static void test_burst_then_rate(void **state)
{
    (void)state;
    mlc_quota quota;
    int wait = 0;
    mlc_quota_init(&quota, 10, 25, 1000);
    assert_int_equal(take_all(&quota, 1000), 25);
    assert_false(mlc_quota_take(&quota, 1050, &wait));
    assert_int_equal(wait, 1);
    assert_int_equal(take_all(&quota, 1100), 1);
    assert_int_equal(take_all(&quota, 2100), 10);
    assert_int_equal(take_all(&quota, 1000000), 25);
    assert_int_equal(quota.taken, 61);
    assert_int_equal(quota.refused, 5);
}

static void test_one_a_second(void **state)
{
    (void)state;
    mlc_quota quota;
    int wait = 0;
    mlc_quota_init(&quota, 1, 1, 0);
    assert_true(mlc_quota_take(&quota, 0, &wait));
    assert_false(mlc_quota_take(&quota, 1, &wait));
    assert_int_equal(wait, 1);
    assert_false(mlc_quota_take(&quota, 999, &wait));
    assert_int_equal(wait, 1);
    assert_true(mlc_quota_take(&quota, 1000, &wait));
}

static void test_time_that_stands_or_jumps(void **state)
{
    (void)state;
    mlc_quota quota;
    mlc_quota_init(&quota, 1000000, 3, 5000);
    assert_int_equal(take_all(&quota, 5000), 3);
    assert_false(mlc_quota_take(&quota, 4000, NULL));
    assert_int_equal(take_all(&quota, INT64_MAX), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_burst_then_rate),
                                       cmocka_unit_test(test_one_a_second),
                                       cmocka_unit_test(test_time_that_stands_or_jumps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
