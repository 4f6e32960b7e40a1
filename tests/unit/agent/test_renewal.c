/* When a certificate is renewed, and where the relay is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/relay_url.h"
#include "agent/renewal.h"

#include <string.h>

static const int64_t day_ms = 86400000;

static void test_due(void **state)
{
    const mlc_cert_info info = {.not_before_ms = 1000 * day_ms, .not_after_ms = 1090 * day_ms};
    (void)state;
    assert_int_equal(mlc_renewal_due_ms(&info, 66, 0), 1000 * day_ms + 66 * (90 * day_ms / 100));
    /* Never later than a twentieth of the life after that. */
    for (uint64_t i = 1; i < 200; i++) {
        const int64_t due = mlc_renewal_due_ms(&info, 66, i * UINT64_C(0x9e3779b97f4a7c15));
        assert_in_range(due, 1000 * day_ms + 66 * (90 * day_ms / 100),
                        1000 * day_ms + 71 * (90 * day_ms / 100));
    }
    assert_int_not_equal(mlc_renewal_due_ms(&info, 66, 12345), mlc_renewal_due_ms(&info, 66, 0));
}

static void test_expires_soon(void **state)
{
    const mlc_cert_info info = {.not_before_ms = 0, .not_after_ms = 100};
    (void)state;
    assert_false(mlc_identity_expires_soon(&info, 80));
    assert_true(mlc_identity_expires_soon(&info, 81));
    assert_true(mlc_identity_expires_soon(&info, 1000));
}

static void test_addresses(void **state)
{
    static const struct {
        const char *words, *url;
    } cases[] = {
        {"relay.example.com", "wss://relay.example.com/v1/tunnel"},
        {"relay.example.com:8443", "wss://relay.example.com:8443/v1/tunnel"},
        {"https://relay.example.com", "wss://relay.example.com/v1/tunnel"},
        {"https://relay.example.com/", "wss://relay.example.com/v1/tunnel"},
        {"wss://relay.example.com/v1/tunnel", "wss://relay.example.com/v1/tunnel"},
        {"wss://relay.example.com:1/other", "wss://relay.example.com:1/other"},
        {"http://127.0.0.1:8080", "ws://127.0.0.1:8080/v1/tunnel"},
        {"ws://[::1]:8080", "ws://[::1]:8080/v1/tunnel"},
        {"http://localhost", "ws://localhost/v1/tunnel"},
        {"http://relay.example.com", NULL},
        {"http://localhost.example.com", NULL},
        {"http://127.0.0.1.example.com", NULL},
        {"ftp://relay.example.com", NULL},
        {"https://", NULL},
        {"", NULL},
        {"https://user@relay.example.com", NULL},
        {"https://relay.example.com?a=b", NULL},
        {"https://relay.example.com\n", NULL},
        {"relay example", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char url[MLC_RELAY_URL_MAX] = "";
        const mlc_code code = mlc_relay_url_of(cases[i].words, url, NULL);
        if (cases[i].url == NULL ? code != MLC_E_INVALID : code != MLC_OK || strcmp(url, cases[i].url) != 0)
            fail_msg("%s: %s %s", cases[i].words, mlc_code_name(code), url);
    }
    char http[128];
    assert_int_equal(
        mlc_relay_url_http("wss://relay.example.com:1/v1/tunnel", "/v1/enroll", http, sizeof http, NULL),
        MLC_OK);
    assert_string_equal(http, "https://relay.example.com:1/v1/enroll");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due),
        cmocka_unit_test(test_expires_soon),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
