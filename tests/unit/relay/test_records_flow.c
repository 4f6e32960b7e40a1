/* test_records_flow.c - what hangs together when master records are delivered: faults, records that wait for others, rows
 * that are looked up or made, keys that cannot stand in an address, drafts, and records that are gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/records_test.h"

#define V1     "126327.1"
#define V2     "126327.2"
#define OTHER  "99999999-1111-2222-3333-444455556666"
#define ID_OF  "OData-EntityId: https://org/x(" DV_GUID ")\r\n"
#define FOUND  "{\"value\":[{\"accountid\":\"" DV_GUID "\",\"accountnumber\":\"6001\"}]}"
#define NOBODY "{\"value\":[]}"

static const mlc_backoff quick = {1, 2};
/* Whoever is tried again within the patience of a test was woken. */
static const mlc_backoff slow = {120000, 120000};

static uint64_t add_contact(rec_fix *f)
{
    return rec_add_master(f, "contact", "6001/1", V1, false,
                          "{\"F0111\":{\"MLNM\":\"Ann\",\"AN8\":\"6001\"}}");
}

/* ---- faults ---- */

static void all_faults_of_a_record_park_it_unsent(void **state)
{
    rec_fix *const f = *state;
    const uint64_t seq = rec_add_master(f, "customer", "6001", V1, false,
                                        "{\"F0101\":{\"ALPH\":\"A name that is far too "
                                        "long\"},\"F03012\":{\"ACL\":\"1000.05\",\"TRAR\":\"7\"}}");
    rec_open(f, 1, quick);
    const lst_entry entry = rec_wait(f, seq, MLC_ENTRY_PARKED);
    assert_non_null(strstr(entry.last_error, "customer 6001: Account Name (name): "));
    assert_non_null(strstr(entry.last_error, "Dynamics takes 20"));
    assert_non_null(strstr(entry.last_error, "Credit Limit (creditlimit): 1000.05 is above 1000"));
    assert_non_null(strstr(entry.last_error, "Payment Terms (paymenttermscode): Dynamics has no option 7"));
    assert_int_equal(f->dv.count, 0);
}

/* ---- lookups ---- */

static void currency_is_asked_for_once(void **state)
{
    rec_fix *const f = *state;
    static const char rows[] = "{\"F0101\":{\"ALPH\":\"A\"},\"F03012\":{\"CRCD\":\"EUR\"}}";
    dv_next(&f->dv, (dv_reply){.status = 200,
                               .body = "{\"value\":[{\"transactioncurrencyid\":\"" DV_GUID
                                       "\",\"isocurrencycode\":\"EUR\"}]}"});
    const uint64_t first = rec_add_master(f, "customer", "1", V1, false, rows);
    const uint64_t second = rec_add_master(f, "customer", "2", V1, false, rows);
    rec_open(f, 1, quick);
    (void)rec_wait(f, first, MLC_ENTRY_DONE);
    (void)rec_wait(f, second, MLC_ENTRY_DONE);
    assert_int_equal(f->dv.count, 3);
    assert_string_equal(f->dv.seen[0].path,
                        "/api/data/v9.2/transactioncurrencies?$select=transactioncurrencyid,isocurrencycode"
                        "&$orderby=createdon&$filter=isocurrencycode%20eq%20'EUR'");
    assert_non_null(strstr(f->dv.seen[1].body,
                           "\"transactioncurrencyid@odata.bind\":\"/transactioncurrencies(" DV_GUID ")\""));
}

static void missing_currency_parks_with_words(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.status = 200, .body = NOBODY});
    const uint64_t seq = rec_add_master(f, "customer", "1", V1, false,
                                        "{\"F0101\":{\"ALPH\":\"A\"},\"F03012\":{\"CRCD\":\"XXX\"}}");
    rec_open(f, 1, quick);
    assert_non_null(strstr(rec_wait(f, seq, MLC_ENTRY_PARKED).last_error, "XXX"));
    assert_int_equal(f->dv.count, 1);
}

static void absent_price_list_is_made_once(void **state)
{
    rec_fix *const f = *state;
    static const char rows[] = "{\"F4106\":{\"UPRC\":\"1.5\",\"LIST\":\"JDE USD\",\"CRCD\":\"USD\"}}";
    dv_next(&f->dv, (dv_reply){.status = 200, .body = NOBODY}); /* the list */
    dv_next(&f->dv, (dv_reply){.status = 200,
                               .body = "{\"value\":[{\"transactioncurrencyid\":\"" DV_GUID
                                       "\",\"isocurrencycode\":\"USD\"}]}"});
    dv_next(&f->dv, (dv_reply){.status = 412}); /* another was quicker */
    const uint64_t first = rec_add_master(f, "price", "1/M30/0//USD/EA", V1, false, rows);
    const uint64_t second = rec_add_master(f, "price", "2/M30/0//USD/EA", V1, false, rows);
    rec_open(f, 1, quick);
    (void)rec_wait(f, first, MLC_ENTRY_DONE);
    (void)rec_wait(f, second, MLC_ENTRY_DONE);
    assert_int_equal(f->dv.count, 5);
    assert_string_equal(f->dv.seen[2].method, "PATCH");
    assert_non_null(strstr(f->dv.seen[2].head, "If-None-Match: *"));
    assert_non_null(strstr(f->dv.seen[2].path, "/pricelevels("));
    assert_non_null(strstr(f->dv.seen[2].body, "\"name\":\"JDE USD\""));
    assert_non_null(strstr(f->dv.seen[2].body, "/transactioncurrencies(" DV_GUID ")"));
}

/* ---- waiting ---- */

static void contact_waits_for_its_account_and_is_woken(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.status = 200, .body = NOBODY});
    const uint64_t contact = add_contact(f);
    rec_open(f, 1, slow);
    const lst_entry waiting = rec_wait(f, contact, MLC_ENTRY_READY);
    assert_non_null(strstr(waiting.last_error, "waits for that record"));
    dv_next(&f->dv, (dv_reply){.status = 204, .headers = ID_OF});
    const uint64_t account = rec_add_customer(f, "6001", V1);
    mlc_deliverer_poke(f->d);
    (void)rec_wait(f, account, MLC_ENTRY_DONE);
    (void)rec_wait(f, contact, MLC_ENTRY_DONE);
    /* Its account is known now: no other question. */
    assert_int_equal(f->dv.count, 3);
    assert_non_null(
        strstr(f->dv.seen[2].body, "\"parentcustomerid_account@odata.bind\":\"/accounts(" DV_GUID ")\""));
}

static void parked_contact_is_woken_as_well(void **state)
{
    rec_fix *const f = *state;
    for (size_t i = 0; i < REC_ATTEMPTS; i++)
        dv_next(&f->dv, (dv_reply){.status = 200, .body = NOBODY});
    const uint64_t contact = add_contact(f);
    rec_open(f, 1, quick);
    assert_non_null(strstr(rec_wait(f, contact, MLC_ENTRY_PARKED).last_error,
                           "contact 6001/1 points to accounts with accountnumber \"6001\""));
    dv_next(&f->dv, (dv_reply){.status = 204, .headers = ID_OF});
    (void)rec_add_customer(f, "6001", V1);
    mlc_deliverer_poke(f->d);
    (void)rec_wait(f, contact, MLC_ENTRY_DONE);
}

static void deleted_account_is_looked_up_again(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.status = 200, .body = FOUND});
    dv_next(&f->dv, (dv_reply){.status = 404}); /* gone between the two */
    dv_next(&f->dv, (dv_reply){.status = 200, .body = FOUND});
    const uint64_t contact = add_contact(f);
    rec_open(f, 1, quick);
    assert_int_equal(rec_wait(f, contact, MLC_ENTRY_DONE).attempts, 2);
    assert_int_equal(f->dv.count, 4);
}

/* ---- addresses ---- */

static void key_that_no_address_may_hold_goes_by_id(void **state)
{
    rec_fix *const f = *state;
    static const char rows[] = "{\"F4101\":{\"LITM\":\"A/1 #2\",\"DSC1\":\"Bolt\"}}";
    dv_next(&f->dv, (dv_reply){.status = 412}); /* another row has the number */
    dv_next(&f->dv,
            (dv_reply){.status = 200,
                       .body = "{\"value\":[{\"productid\":\"" OTHER "\",\"productnumber\":\"a/1 #2\"}]}"});
    const uint64_t first = rec_add_master(f, "item", "60001", V1, false, rows);
    rec_open(f, 1, quick);
    (void)rec_wait(f, first, MLC_ENTRY_DONE);
    assert_non_null(strstr(f->dv.seen[0].body, "\"productnumber\":\"A/1 #2\""));
    assert_non_null(strstr(f->dv.seen[1].path, "productnumber%20eq%20'A%2F1%20%232'"));
    assert_string_equal(f->dv.seen[2].path, "/api/data/v9.2/products(" OTHER ")?$select=productid,statecode");
    /* The next version knows. */
    const uint64_t second = rec_add_master(f, "item", "60001", V2, false, rows);
    mlc_deliverer_poke(f->d);
    (void)rec_wait(f, second, MLC_ENTRY_DONE);
    assert_string_equal(f->dv.seen[3].path, f->dv.seen[2].path);
}

static void draft_product_is_activated(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv, (dv_reply){.status = 201, .body = "{\"productid\":\"" DV_GUID "\",\"statecode\":2}"});
    const uint64_t seq =
        rec_add_master(f, "item", "1", V1, false, "{\"F4101\":{\"LITM\":\"B1\",\"DSC1\":\"Bolt\"}}");
    rec_open(f, 1, quick);
    assert_string_equal(rec_wait(f, seq, MLC_ENTRY_DONE).outcome, "204 products(" DV_GUID ") activated");
    assert_non_null(strstr(f->dv.seen[0].head, "return=representation"));
    assert_string_equal(f->dv.seen[1].path, "/api/data/v9.2/products(" DV_GUID ")");
    assert_string_equal(f->dv.seen[1].body, "{\"statecode\":0,\"statuscode\":1}");
}

/* ---- gone ---- */

static void check_gone(rec_fix *f, const char *id, const dv_reply *found, const char *outcome,
                       size_t requests)
{
    const size_t before = f->dv.count;
    dv_next(&f->dv, *found);
    const uint64_t seq = rec_add_master(f, "customer", id, V1, true, "{}");
    mlc_deliverer_poke(f->d);
    assert_string_equal(rec_wait(f, seq, MLC_ENTRY_DONE).outcome, outcome);
    assert_int_equal(f->dv.count - before, requests);
}

static void gone_record_is_deactivated(void **state)
{
    rec_fix *const f = *state;
#define THERE(version)                                                                                       \
    &(const dv_reply){.status = 200,                                                                         \
                      .body = "{\"value\":[{\"accountid\":\"" DV_GUID "\",\"ml_sourceversion\":\"" version   \
                              "\"}]}"}
    rec_open(f, 1, quick);
    check_gone(f, "1", THERE(V1), "204 accounts(" DV_GUID ") deactivated", 2);
    assert_string_equal(f->dv.seen[0].path,
                        "/api/data/v9.2/accounts?$select=accountid,ml_sourceversion&$top=1"
                        "&$filter=ml_sourcerecordid%20eq%20'JDE%2Fcustomer%2F1'");
    assert_non_null(strstr(f->dv.seen[1].head, "If-Match: *"));
    assert_non_null(strstr(f->dv.seen[1].body, "\"statecode\":1"));
    dv_next(&f->dv, (dv_reply){.status = 204}); /* the write of the first */
    check_gone(f, "3", THERE(V2), "200 accounts(" DV_GUID ") superseded at target", 1);
    check_gone(f, "4", &(const dv_reply){.status = 200, .body = NOBODY}, "200 accounts was never there", 1);
}

static void gone_row_that_vanished_is_done(void **state)
{
    rec_fix *const f = *state;
    dv_next(&f->dv,
            (dv_reply){.status = 200,
                       .body = "{\"value\":[{\"accountid\":\"" DV_GUID "\",\"ml_sourceversion\":null}]}"});
    dv_next(&f->dv, (dv_reply){.status = 404});
    const uint64_t seq = rec_add_master(f, "customer", "1", V1, true, "{}");
    rec_open(f, 1, quick);
    assert_string_equal(rec_wait(f, seq, MLC_ENTRY_DONE).outcome,
                        "404 accounts(" DV_GUID ") is no more there either");
}

static void gone_row_that_changed_is_looked_at_again(void **state)
{
    rec_fix *const f = *state;
#define AS_FOUND(etag, version)                                                                              \
    (dv_reply){.status = 200,                                                                                \
               .body = "{\"value\":[{\"@odata.etag\":\"W/\\\"" etag "\\\"\",\"accountid\":\"" DV_GUID        \
                       "\",\"ml_sourceversion\":\"" version "\"}]}"}
    dv_next(&f->dv, AS_FOUND("1", V1));
    dv_next(&f->dv, (dv_reply){.status = 412});
    dv_next(&f->dv, AS_FOUND("2", V2));
    const uint64_t seq = rec_add_master(f, "customer", "1", V1, true, "{}");
    rec_open(f, 1, quick);
    assert_non_null(strstr(rec_wait(f, seq, MLC_ENTRY_DONE).outcome, "superseded at target"));
    assert_non_null(strstr(f->dv.seen[1].head, "If-Match: W/\"1\""));
    assert_int_equal(f->dv.count, 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, rec_set_up, rec_tear_down)
    const struct CMUnitTest tests[] = {T(all_faults_of_a_record_park_it_unsent),
                                       T(currency_is_asked_for_once),
                                       T(missing_currency_parks_with_words),
                                       T(absent_price_list_is_made_once),
                                       T(contact_waits_for_its_account_and_is_woken),
                                       T(parked_contact_is_woken_as_well),
                                       T(deleted_account_is_looked_up_again),
                                       T(key_that_no_address_may_hold_goes_by_id),
                                       T(draft_product_is_activated),
                                       T(gone_record_is_deactivated),
                                       T(gone_row_that_vanished_is_done),
                                       T(gone_row_that_changed_is_looked_at_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
