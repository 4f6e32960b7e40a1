#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/backoff.h"

static const mlc_backoff policy = {.base_ms = 1000, .cap_ms = 60000};

static void delay_is_within_the_doubling_ceiling(void **state)
{
    (void)state;
    static const int64_t ceilings[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(mlc_backoff_delay(&policy, i + 1, 0, (uint64_t)ceilings[i]), ceilings[i]);
        assert_int_equal(mlc_backoff_delay(&policy, i + 1, 0, (uint64_t)ceilings[i] + 1), 0);
        assert_true(mlc_backoff_delay(&policy, i + 1, 0, UINT64_MAX) <= ceilings[i]);
    }
    assert_int_equal(mlc_backoff_delay(&policy, UINT32_MAX, 0, 60000), 60000);
    const mlc_backoff huge = {.base_ms = INT64_MAX - 1, .cap_ms = INT64_MAX - 1};
    assert_true(mlc_backoff_delay(&huge, 5, 0, UINT64_MAX) >= 0);
}

static void delay_respects_retry_after(void **state)
{
    (void)state;
    assert_int_equal(mlc_backoff_delay(&policy, 1, 90000, 500), 90000);
    assert_int_equal(mlc_backoff_delay(&policy, 1, 100, 500), 500);
}

static void retry_after_reads_seconds(void **state)
{
    (void)state;
    assert_int_equal(mlc_retry_after_ms("120", 0), 120000);
    assert_int_equal(mlc_retry_after_ms(" 7 ", 0), 7000);
    assert_int_equal(mlc_retry_after_ms("0", 0), 0);
    assert_int_equal(mlc_retry_after_ms("3601", 0), 3600000);
    assert_int_equal(mlc_retry_after_ms("99999999999999999999999999", 0), 3600000);
}

static void retry_after_refuses_nonsense(void **state)
{
    (void)state;
    static const char *const bad[] = {"", " ", "-1", "1.5", "12x", "soon", "1 2"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(mlc_retry_after_ms(bad[i], 0), 0);
    assert_int_equal(mlc_retry_after_ms(NULL, 0), 0);
}

static void retry_after_reads_dates(void **state)
{
    (void)state;
    const int64_t at = 784111777000; /* Sun, 06 Nov 1994 08:49:37 GMT */
    assert_int_equal(mlc_retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", at - 5000), 5000);
    assert_int_equal(mlc_retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", at), 0);
    assert_int_equal(mlc_retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", at + 1), 0);
    assert_int_equal(mlc_retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", 0), 3600000);
}

static void breaker_opens_after_failures_in_a_row(void **state)
{
    (void)state;
    mlc_breaker b;
    mlc_breaker_init(&b, 3, 1000, 4000);
    mlc_breaker_failure(&b, 0);
    mlc_breaker_failure(&b, 0);
    mlc_breaker_success(&b);
    mlc_breaker_failure(&b, 0);
    mlc_breaker_failure(&b, 0);
    assert_true(mlc_breaker_allow(&b, 0));
    assert_int_equal(mlc_breaker_when(&b, 7), 7);
    mlc_breaker_failure(&b, 10);
    assert_false(mlc_breaker_allow(&b, 10));
    assert_false(mlc_breaker_allow(&b, 1009));
    assert_int_equal(mlc_breaker_when(&b, 10), 1010);
}

static void breaker_lets_one_trial_through(void **state)
{
    (void)state;
    mlc_breaker b;
    mlc_breaker_init(&b, 1, 1000, 4000);
    mlc_breaker_failure(&b, 0);
    assert_true(mlc_breaker_allow(&b, 1000));
    assert_false(mlc_breaker_allow(&b, 1001));
    mlc_breaker_success(&b);
    assert_true(mlc_breaker_allow(&b, 1002));
    assert_true(mlc_breaker_allow(&b, 1002));
}

static void breaker_doubles_after_failed_trials(void **state)
{
    (void)state;
    mlc_breaker b;
    mlc_breaker_init(&b, 1, 1000, 3000);
    mlc_breaker_failure(&b, 0);
    assert_true(mlc_breaker_allow(&b, 1000));
    mlc_breaker_failure(&b, 1000);
    assert_int_equal(mlc_breaker_when(&b, 1000), 3000);
    assert_true(mlc_breaker_allow(&b, 3000));
    mlc_breaker_failure(&b, 3000);
    assert_int_equal(mlc_breaker_when(&b, 3000), 6000); /* capped */
    assert_true(mlc_breaker_allow(&b, 6000));
    mlc_breaker_success(&b);
    mlc_breaker_failure(&b, 6000);
    assert_int_equal(mlc_breaker_when(&b, 6000), 7000); /* starts small again */
}

static void breaker_ignores_stragglers_and_lost_trials(void **state)
{
    (void)state;
    mlc_breaker b;
    mlc_breaker_init(&b, 1, 1000, 4000);
    mlc_breaker_failure(&b, 0);
    mlc_breaker_failure(&b, 900); /* sent before it opened */
    assert_int_equal(mlc_breaker_when(&b, 900), 1000);
    assert_true(mlc_breaker_allow(&b, 1000)); /* outcome never told */
    assert_false(mlc_breaker_allow(&b, 1999));
    assert_true(mlc_breaker_allow(&b, 2000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delay_is_within_the_doubling_ceiling),
        cmocka_unit_test(delay_respects_retry_after),
        cmocka_unit_test(retry_after_reads_seconds),
        cmocka_unit_test(retry_after_refuses_nonsense),
        cmocka_unit_test(retry_after_reads_dates),
        cmocka_unit_test(breaker_opens_after_failures_in_a_row),
        cmocka_unit_test(breaker_lets_one_trial_through),
        cmocka_unit_test(breaker_doubles_after_failed_trials),
        cmocka_unit_test(breaker_ignores_stragglers_and_lost_trials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
