/* Sealed settings open where they were sealed for, and nowhere else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto/sealed.h"

#include <string.h>

static const mlc_keyring key = {.keys = {{1, 2, 3}}, .count = 1};
static const mlc_keyring other_key = {.keys = {{1, 2, 4}}, .count = 1};

static const char *seal(mlc_buf *out, const char *program, const char *setting)
{
    assert_int_equal(mlc_sealed_make(&key, program, setting, "open sesame", 11, out, NULL), MLC_OK);
    assert_int_equal(strncmp(mlc_buf_text(out), "sealed:", 7), 0);
    assert_null(strstr(mlc_buf_text(out), "sesame"));
    return mlc_buf_text(out) + 7;
}

static void test_opens_at_its_setting(void **state)
{
    (void)state;
    mlc_buf sealed = {0};
    mlc_buf clear = {0};
    const char *const base64 = seal(&sealed, "ml-relay", "tenants[acme].webhook_secret");
    assert_int_equal(mlc_sealed_open(&key, "ml-relay", "tenants[acme].webhook_secret", base64, &clear, NULL),
                     MLC_OK);
    assert_string_equal(mlc_buf_text(&clear), "open sesame");
    mlc_buf_wipe(&clear);
    mlc_buf_free(&sealed);
}

static void assert_closed(const mlc_keyring *with, const char *program, const char *setting,
                          const char *base64, mlc_code expected)
{
    mlc_buf clear = {0};
    mlc_error err;
    assert_int_equal(mlc_sealed_open(with, program, setting, base64, &clear, &err), expected);
    assert_int_equal(clear.len, 0);
    mlc_buf_free(&clear);
}

static void test_opens_nowhere_else(void **state)
{
    (void)state;
    mlc_buf sealed = {0};
    const char *const base64 = seal(&sealed, "ml-relay", "tenants[acme].webhook_secret");
    assert_closed(&key, "ml-relay", "tenants[beta].webhook_secret", base64, MLC_E_AUTH);
    assert_closed(&key, "ml-relay", "tenants[acme].dynamics.client_secret", base64, MLC_E_AUTH);
    assert_closed(&key, "ml-agent", "tenants[acme].webhook_secret", base64, MLC_E_AUTH);
    assert_closed(&other_key, "ml-relay", "tenants[acme].webhook_secret", base64, MLC_E_AUTH);
    mlc_buf_free(&sealed);
}

static void test_rubbish(void **state)
{
    (void)state;
    char setting[500];
    mlc_buf out = {0};
    memset(setting, 'x', sizeof setting - 1);
    setting[sizeof setting - 1] = '\0';
    assert_closed(&key, "ml-relay", "a", "not base64!", MLC_E_INVALID);
    assert_closed(&key, "ml-relay", "a", "AAAA", MLC_E_AUTH);
    assert_closed(&key, "ml-relay", setting, "AAAA", MLC_E_INVALID);
    assert_int_equal(mlc_sealed_make(&key, "ml-relay", setting, "x", 1, &out, NULL), MLC_E_INVALID);
    mlc_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_opens_at_its_setting),
                                       cmocka_unit_test(test_opens_nowhere_else),
                                       cmocka_unit_test(test_rubbish)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
