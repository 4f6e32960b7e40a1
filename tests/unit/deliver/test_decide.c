/* What follows from a result: the table of deliverer.h, code by code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "deliver/decide.h"

static mlc_decision base_decision(mlc_code code)
{
    return (mlc_decision){.code = code,
                          .attempt = 1,
                          .created_ms = 1000,
                          .began_ms = 5000,
                          .now_ms = 6000,
                          .random = 0,
                          .max_attempts = 3,
                          .settle_ms = 120000,
                          .backoff = {.base_ms = 1000, .cap_ms = 8000}};
}

static void each_code_has_its_action(void **state)
{
    (void)state;
    static const struct {
        mlc_code code;
        mlc_verdict_action action;
        mlc_peer_news peer;
    } rows[] = {
        {MLC_OK, MLC_VERDICT_DONE, MLC_PEER_ANSWERED},
        {MLC_E_REJECTED, MLC_VERDICT_PARK, MLC_PEER_ANSWERED},
        {MLC_E_INVALID, MLC_VERDICT_PARK, MLC_PEER_NO_NEWS},
        {MLC_E_LIMIT, MLC_VERDICT_PARK, MLC_PEER_NO_NEWS},
        {MLC_E_NOTFOUND, MLC_VERDICT_PARK, MLC_PEER_ANSWERED},
        {MLC_E_UNSUPPORTED, MLC_VERDICT_PARK, MLC_PEER_NO_NEWS},
        {MLC_E_UNREACHABLE, MLC_VERDICT_RETRY, MLC_PEER_FAILED},
        {MLC_E_TIMEOUT, MLC_VERDICT_RETRY, MLC_PEER_FAILED},
        {MLC_E_TLS, MLC_VERDICT_RETRY, MLC_PEER_FAILED},
        {MLC_E_AUTH, MLC_VERDICT_RETRY, MLC_PEER_FAILED},
        {MLC_E_DENIED, MLC_VERDICT_RETRY, MLC_PEER_FAILED},
        {MLC_E_THROTTLED, MLC_VERDICT_RETRY, MLC_PEER_NO_NEWS},
        {MLC_E_UNAVAILABLE, MLC_VERDICT_RETRY, MLC_PEER_FAILED},
        {MLC_E_UNCERTAIN, MLC_VERDICT_RETRY, MLC_PEER_FAILED},
        {MLC_E_CONFLICT, MLC_VERDICT_RETRY, MLC_PEER_ANSWERED},
        {MLC_E_PROTOCOL, MLC_VERDICT_RETRY, MLC_PEER_NO_NEWS},
        {MLC_E_NOMEM, MLC_VERDICT_RETRY, MLC_PEER_NO_NEWS},
        {MLC_E_CLOSED, MLC_VERDICT_LEAVE, MLC_PEER_NO_NEWS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const mlc_decision in = base_decision(rows[i].code);
        const mlc_verdict out = mlc_delivery_decide(&in);
        assert_int_equal(out.action, rows[i].action);
        assert_int_equal(out.peer, rows[i].peer);
    }
}

static void parking_needs_attempts_and_a_peer_that_takes_others(void **state)
{
    (void)state;
    mlc_decision in = base_decision(MLC_E_UNAVAILABLE);
    in.last_taken_ms = 1001;
    assert_int_equal(mlc_delivery_decide(&in).action, MLC_VERDICT_RETRY);
    in.attempt = 3;
    assert_int_equal(mlc_delivery_decide(&in).action, MLC_VERDICT_PARK);
    in.last_taken_ms = 1000; /* not since this one was created */
    assert_int_equal(mlc_delivery_decide(&in).action, MLC_VERDICT_RETRY);
    in.last_taken_ms = 0;
    in.attempt = 3000;
    assert_int_equal(mlc_delivery_decide(&in).action, MLC_VERDICT_RETRY);
    in.code = MLC_E_UNREACHABLE; /* the peer's fault, however often */
    in.last_taken_ms = 1001;
    assert_int_equal(mlc_delivery_decide(&in).action, MLC_VERDICT_RETRY);
}

static void delays_grow_to_the_cap(void **state)
{
    (void)state;
    mlc_decision in = base_decision(MLC_E_UNREACHABLE);
    in.random = 1000; /* the ceiling of the first delay */
    assert_int_equal(mlc_delivery_decide(&in).next_ms, 7000);
    in.attempt = 50;
    in.random = 8000;
    assert_int_equal(mlc_delivery_decide(&in).next_ms, 14000);
    in.retry_after_ms = 60000;
    assert_int_equal(mlc_delivery_decide(&in).next_ms, 66000);
}

static void uncertain_attempts_settle(void **state)
{
    (void)state;
    mlc_decision in = base_decision(MLC_E_UNCERTAIN);
    mlc_verdict out = mlc_delivery_decide(&in);
    assert_true(out.uncertain);
    assert_int_equal(out.next_ms, 125000);
    in = base_decision(MLC_E_UNAVAILABLE);
    out = mlc_delivery_decide(&in);
    assert_false(out.uncertain);
    assert_int_equal(out.next_ms, 6000);
    in.uncertain = true;
    out = mlc_delivery_decide(&in);
    assert_true(out.uncertain);
    assert_int_equal(out.next_ms, 125000);
    in.began_ms = 5000 - 200000; /* settled long ago */
    assert_int_equal(mlc_delivery_decide(&in).next_ms, 6000);
    in = base_decision(MLC_OK);
    in.uncertain = true;
    assert_false(mlc_delivery_decide(&in).uncertain);
}

static void a_throttling_peer_is_left_alone(void **state)
{
    (void)state;
    mlc_decision in = base_decision(MLC_E_THROTTLED);
    assert_int_equal(mlc_delivery_decide(&in).hold_ms, 0);
    in.retry_after_ms = 7000;
    assert_int_equal(mlc_delivery_decide(&in).hold_ms, 7000);
    assert_int_equal(mlc_delivery_decide(&in).next_ms, 13000);
    in.retry_after_ms = 3600000;
    assert_int_equal(mlc_delivery_decide(&in).hold_ms, 300000);
    in.code = MLC_E_UNAVAILABLE;
    assert_int_equal(mlc_delivery_decide(&in).hold_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_has_its_action),
        cmocka_unit_test(parking_needs_attempts_and_a_peer_that_takes_others),
        cmocka_unit_test(delays_grow_to_the_cap),
        cmocka_unit_test(uncertain_attempts_settle),
        cmocka_unit_test(a_throttling_peer_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
