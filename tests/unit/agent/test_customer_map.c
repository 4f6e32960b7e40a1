/* JDE rows to the canonical customer: what is taken from which table, which stamp counts, and faults that name table, row and
 * column (customer_map.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/customer_map.h"
#include "support/ais_test.h"

typedef struct pair {
    ais_fix *f;
    cJSON *address, *terms;
    mlc_mapped_customer out;
    mlc_error err;
} pair;

static mlc_code map(pair *p, const char *address, const char *terms)
{
    memset(p, 0, sizeof *p);
    p->f = ais_fix_new();
    p->f->options.date_format = "dd/MM/yyyy";
    ais_fix_open(p->f);
    assert_int_equal(mlc_json_parse(address, strlen(address), 0, 0, &p->address, NULL), MLC_OK);
    if (terms != NULL)
        assert_int_equal(mlc_json_parse(terms, strlen(terms), 0, 0, &p->terms, NULL), MLC_OK);
    return mlc_customer_map(p->f->ais, p->address, p->terms, &p->out, &p->err);
}

static void end(pair *p)
{
    cJSON_Delete(p->address);
    cJSON_Delete(p->terms);
    ais_fix_free(p->f);
}

#define ADDRESS                                                                                              \
    "{\"AN8\":6001,\"ALPH\":\"Acme\",\"TAX\":\"12-3\",\"AT1\":\"C\",\"UPMJ\":\"24/11/2026\",\"UPMT\":93000}"

static void test_both_rows(void **state)
{
    pair p;
    (void)state;
    assert_int_equal(map(&p, ADDRESS,
                         "{\"AN8\":6001,\"TRAR\":\"N30\",\"CRCD\":\"USD\",\"ACL\":1000.500,\"HOLD\":\"C1\","
                         "\"UPMJ\":\"25/11/2026\",\"UPMT\":\"1\"}"),
                     MLC_OK);
    const mlc_customer *const c = &p.out.customer;
    assert_string_equal(c->id, "6001");
    assert_string_equal(c->source, "JDE/F0101/6001");
    assert_string_equal(c->name, "Acme");
    assert_string_equal(c->tax_id, "12-3");
    assert_string_equal(c->search_type, "C");
    assert_string_equal(c->terms, "N30");
    assert_string_equal(c->currency, "USD");
    assert_string_equal(c->credit_limit, "1000.5"); /* the digits that count, exact */
    assert_true(c->has_hold && c->on_hold);
    assert_int_equal(p.out.stamp.julian, 126329);
    assert_int_equal(p.out.stamp.hms, 1);
    end(&p);
}

static void test_older_terms_leave_the_stamp(void **state)
{
    pair p;
    (void)state;
    assert_int_equal(map(&p, ADDRESS, "{\"AN8\":6001,\"HOLD\":\"N\",\"UPMJ\":\"24/11/2026\",\"UPMT\":92959}"),
                     MLC_OK);
    assert_int_equal(p.out.stamp.julian, 126328);
    assert_int_equal(p.out.stamp.hms, 93000);
    assert_true(p.out.customer.has_hold);
    assert_false(p.out.customer.on_hold); /* N is no hold, as blank is none */
    assert_null(p.out.customer.credit_limit);
    end(&p);
}

static void test_address_without_terms(void **state)
{
    pair p;
    (void)state;
    assert_int_equal(map(&p, "{\"AN8\":7,\"ALPH\":\"B\",\"UPMJ\":null,\"UPMT\":null}", NULL), MLC_OK);
    assert_false(p.out.customer.has_hold);
    assert_null(p.out.customer.terms);
    assert_string_equal(p.out.customer.tax_id, "");
    assert_int_equal(p.out.stamp.julian, 0);
    end(&p);
}

static void refused(const char *address, const char *terms, const char *table, const char *column)
{
    pair p;
    assert_int_equal(map(&p, address, terms), MLC_E_INVALID);
    if (strstr(p.err.message, table) == NULL || strstr(p.err.message, column) == NULL)
        fail_msg("%s does not name %s and %s", p.err.message, table, column);
    end(&p);
}

static void test_faults_name_table_row_and_column(void **state)
{
    (void)state;
    refused("{\"ALPH\":\"x\"}", NULL, "F0101", "AN8");
    refused("{\"AN8\":\"\"}", NULL, "F0101", "AN8");
    refused("{\"AN8\":1,\"UPMJ\":\"31/31/2026\"}", NULL, "F0101 row 1", "UPMJ");
    refused("{\"AN8\":1,\"UPMJ\":\"24/11/2026\",\"UPMT\":999999}", NULL, "F0101 row 1", "UPMT");
    refused(ADDRESS, "{\"AN8\":6001,\"UPMJ\":\"x\"}", "F03012 row 6001", "UPMJ");
    refused(ADDRESS, "{\"AN8\":6001,\"ACL\":\"a lot\"}", "F03012 row 6001", "ACL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_rows),
        cmocka_unit_test(test_older_terms_leave_the_stamp),
        cmocka_unit_test(test_address_without_terms),
        cmocka_unit_test(test_faults_name_table_row_and_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
