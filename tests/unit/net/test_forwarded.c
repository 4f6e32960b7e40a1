/* Who is behind a proxy: the header counts only as far as proxies of ours wrote it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/forwarded.h"

#include <stdio.h>
#include <string.h>

static mlc_proxies *proxies_of(const char *const *list)
{
    mlc_proxies *proxies = NULL;
    assert_int_equal(mlc_proxies_open(&proxies, NULL), MLC_OK);
    for (; *list != NULL; list++)
        assert_int_equal(mlc_proxies_add(proxies, *list, NULL), MLC_OK);
    return proxies;
}

static void networks_hold_their_addresses(void **state)
{
    (void)state;
    static const char *const list[] = {"10.1.0.0/16", "192.0.2.7", "fd00::/8", "198.51.100.128/25", NULL};
    static const char *const inside[] = {"10.1.0.0", "10.1.255.255",   "192.0.2.7",
                                         "fd12::1",  "198.51.100.200", "::ffff:10.1.2.3"};
    static const char *const outside[] = {"10.2.0.0", "192.0.2.8", "fe00::1", "198.51.100.127", "unix", ""};
    mlc_proxies *const proxies = proxies_of(list);
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        assert_true(mlc_proxies_have(proxies, inside[i]));
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        assert_false(mlc_proxies_have(proxies, outside[i]));
    assert_false(mlc_proxies_have(NULL, "10.1.0.0"));
    mlc_proxies_free(proxies);
}

static void no_network_is_an_error_that_says_so(void **state)
{
    (void)state;
    static const char *const bad[] = {"",          "proxy.example", "10.0.0",  "10.0.0.0/33",
                                      "10.0.0.0/", "10.0.0.0/x",    "::1/129", "10.0.0.0/8/8",
                                      "10.0.0.1 ", "10.0.0.0/-1"};
    mlc_proxies *proxies = NULL;
    mlc_error err;
    assert_int_equal(mlc_proxies_open(&proxies, NULL), MLC_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(mlc_proxies_add(proxies, bad[i], &err), MLC_E_INVALID);
        assert_non_null(strstr(err.message, bad[i]));
    }
    for (int i = 0; i < MLC_PROXIES_MAX; i++)
        assert_int_equal(mlc_proxies_add(proxies, "::1", NULL), MLC_OK);
    assert_int_equal(mlc_proxies_add(proxies, "::1", NULL), MLC_E_LIMIT);
    mlc_proxies_free(proxies);
}

static void only_what_our_proxies_wrote_is_believed(void **state)
{
    (void)state;
    static const char *const list[] = {"10.0.0.0/8", "::1", NULL};
    static const struct {
        const char *peer, *header, *client;
    } cases[] = {
        {"203.0.113.9", "198.51.100.1", "203.0.113.9"}, /* no proxy of ours */
        {"10.0.0.1", NULL, "10.0.0.1"},
        {"10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9", "203.0.113.9"},
        {"10.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"}, /* the first was written by the client */
        {"10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"},
        {"10.0.0.1", "203.0.113.9 ,\t10.0.0.2 , 10.0.0.3", "203.0.113.9"},
        {"10.0.0.1", "10.0.0.5", "10.0.0.5"}, /* a client inside the network */
        {"10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9,", "10.0.0.1"},
        {"10.0.0.1", "203.0.113.9:50123", "203.0.113.9"},
        {"::1", "[2001:db8::5]:443", "2001:db8::5"},
        {"::1", "2001:db8::5", "2001:db8::5"},
        {"::1", "[2001:db8::5", "::1"},
        {"10.0.0.1", "<script>, 10.0.0.2", "10.0.0.2"},
    };
    mlc_proxies *const proxies = proxies_of(list);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char out[64];
        mlc_forwarded_client(proxies, cases[i].peer, cases[i].header, out, sizeof out);
        assert_string_equal(out, cases[i].client);
    }
    mlc_proxies_free(proxies);
}

static void a_long_header_ends(void **state)
{
    (void)state;
    static const char *const list[] = {"10.0.0.0/8", NULL};
    static const char hop[] = ",10.0.0.1";
    char header[8000] = "203.0.113.9", out[64], endless[200];
    size_t len = strlen(header);
    mlc_proxies *const proxies = proxies_of(list);
    for (int i = 0; i < 500; i++, len += sizeof hop - 1)
        memcpy(header + len, hop, sizeof hop);
    mlc_forwarded_client(proxies, "10.0.0.2", header, out, sizeof out);
    assert_string_equal(out, "10.0.0.1");
    memset(endless, '1', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    mlc_forwarded_client(proxies, "10.0.0.2", endless, out, sizeof out);
    assert_string_equal(out, "10.0.0.2");
    mlc_proxies_free(proxies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(no_network_is_an_error_that_says_so),
        cmocka_unit_test(only_what_our_proxies_wrote_is_believed),
        cmocka_unit_test(a_long_header_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
