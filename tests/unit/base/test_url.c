/* Two addresses of one host are known as such: a replay never goes to what is written to for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/url.h"

static void one_host_has_many_spellings(void **state)
{
    (void)state;
    const char *const production = "https://org.crm.dynamics.com/api/data/v9.2/";
    assert_true(mlc_url_same_host(production, "https://ORG.crm.dynamics.com:443/api/data/v9.1/"));
    assert_true(mlc_url_same_host(production, "https://org.crm.dynamics.com"));
    assert_true(mlc_url_same_host("http://127.0.0.1/", "http://127.0.0.1:80/x?y"));
    assert_false(mlc_url_same_host(production, "https://org-test.crm.dynamics.com/api/data/v9.2/"));
    assert_false(mlc_url_same_host("https://127.0.0.1:1/", "https://127.0.0.1:2/"));
    assert_true(mlc_url_same_host("https://[::1]", "https://[::1]:443/jderest"));
    assert_false(mlc_url_same_host("https://[::1]:1", "https://[::1]:443"));
    assert_true(mlc_url_same_host("https://user@ais.example:9300", "https://AIS.example:9300/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_host_has_many_spellings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
