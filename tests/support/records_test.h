/* records_test.h - the delivery of master records with its parts, against the scripted Dynamics of dataverse_test.h: small
 * mappings, and metadata that are known already. Include after cmocka.h. */
#ifndef MLC_TESTS_RECORDS_TEST_H
#define MLC_TESTS_RECORDS_TEST_H

#include "relay/records.h"
#include "relay/schema_copy.h"
#include "support/dataverse_test.h"
#include "support/loop_store_test.h"

enum { REC_PARALLEL = 4, REC_ATTEMPTS = 2 };

typedef struct rec_fix {
    lst_fix s;
    dv_fix dv;
    mlc_outbox *stream;
    mlc_outbox *down; /* where edited addresses are saved; NULL: addresses are not guarded */
    mlc_mappings mappings;
    mlc_schema *schema;
    mlc_lookups *lookups;
    mlc_records *records;
    mlc_deliverer *d;
    bool flag_all; /* give every item as uncertain */
} rec_fix;

static const char *const rec_maps[] = {
    "flow=\"customer\"; target=\"accounts\"; key=\"accountnumber\"; version=1;"
    "fields=({to=\"accountnumber\"; from=\"id\"; required=true;},{to=\"name\"; from=\"F0101.ALPH\";},"
    "{to=\"creditlimit\"; from=\"F03012.ACL\"; type=\"decimal\"; empty=\"omit\";},"
    "{to=\"paymenttermscode\"; from=\"F03012.TRAR\"; type=\"option\"; empty=\"omit\";},"
    "{to=\"transactioncurrencyid\"; from=\"F03012.CRCD\"; empty=\"omit\";"
    " lookup={set=\"transactioncurrencies\"; key=\"isocurrencycode\";};});"
    "inactive=({to=\"statecode\"; const=1; type=\"option\";});",
    "flow=\"contact\"; target=\"contacts\"; key=\"{prefix}sourcerecordid\"; version=1;"
    "fields=({to=\"lastname\"; from=\"F0111.MLNM\";},{to=\"parentcustomerid_account\"; from=\"F0111.AN8\";"
    " lookup={set=\"accounts\"; key=\"accountnumber\";};});"
    "inactive=({to=\"statecode\"; const=1; type=\"option\";});",
    "flow=\"item\"; target=\"products\"; key=\"productnumber\"; version=1;"
    "fields=({to=\"productnumber\"; from=\"F4101.LITM\";},{to=\"name\"; from=\"F4101.DSC1\";});",
    "flow=\"price\"; target=\"productpricelevels\"; key=\"{prefix}sourcerecordid\"; version=1;"
    "fields=({to=\"amount\"; from=\"F4106.UPRC\"; type=\"decimal\";},{to=\"pricelevelid\"; "
    "from=\"F4106.LIST\";"
    " lookup={set=\"pricelevels\"; key=\"name\";};});"};

#define REC_OWN                                                                                              \
    "{\"n\":\"ml_sourcerecordid\",\"l\":\"Source\",\"t\":\"String\",\"w\":3,\"max\":100},"                   \
    "{\"n\":\"ml_sourceversion\",\"l\":\"Version\",\"t\":\"String\",\"w\":3,\"max\":100},"                   \
    "{\"n\":\"statecode\",\"l\":\"Status\",\"t\":\"State\",\"w\":2,\"options\":[{\"v\":0,\"l\":\"Active\"}," \
    "{\"v\":1,\"l\":\"Inactive\"}]}"
#define REC_KEY(column) "\"keys\":[{\"columns\":[\"" column "\"],\"status\":\"Active\"}]}"

static const char *const rec_tables[][2] = {
    {"account",
     "{\"table\":\"account\",\"set\":\"accounts\",\"label\":\"Account\",\"id\":\"accountid\",\"name\":"
     "\"name\","
     "\"columns\":[{\"n\":\"name\",\"l\":\"Account "
     "Name\",\"t\":\"String\",\"r\":\"ApplicationRequired\",\"w\":3,\"max\":20},"
     "{\"n\":\"accountnumber\",\"l\":\"Account Number\",\"t\":\"String\",\"w\":3,\"max\":20},"
     "{\"n\":\"creditlimit\",\"l\":\"Credit Limit\",\"t\":\"Money\",\"w\":3,\"p\":2,\"lo\":0,\"hi\":1000},"
     "{\"n\":\"paymenttermscode\",\"l\":\"Payment "
     "Terms\",\"t\":\"Picklist\",\"w\":3,\"options\":[{\"v\":1,\"l\":\"Net "
     "30\"}]},"
     "{\"n\":\"transactioncurrencyid\",\"l\":\"Currency\",\"t\":\"Lookup\",\"w\":3,\"targets\":["
     "\"transactioncurrency\"]}," REC_OWN "]," REC_KEY("accountnumber")},
    {"contact",
     "{\"table\":\"contact\",\"set\":\"contacts\",\"label\":\"Contact\",\"id\":\"contactid\",\"name\":"
     "\"fullname\","
     "\"columns\":[{\"n\":\"lastname\",\"l\":\"Last Name\",\"t\":\"String\",\"w\":3},"
     "{\"n\":\"parentcustomerid\",\"l\":\"Company\",\"t\":\"Customer\",\"w\":3,\"targets\":[\"account\","
     "\"contact\"]}," REC_OWN "]," REC_KEY("ml_sourcerecordid")},
    {"product", "{\"table\":\"product\",\"set\":\"products\",\"label\":\"Product\",\"id\":\"productid\","
                "\"name\":\"name\","
                "\"columns\":[{\"n\":\"name\",\"l\":\"Name\",\"t\":\"String\",\"w\":3},"
                "{\"n\":\"productnumber\",\"l\":\"Product ID\",\"t\":\"String\",\"w\":3}," REC_OWN
                "]," REC_KEY("productnumber")},
    {"productpricelevel",
     "{\"table\":\"productpricelevel\",\"set\":\"productpricelevels\",\"label\":\"Price List "
     "Item\",\"id\":\"productpricelevelid\",\"name\":\"productnumber\","
     "\"columns\":[{\"n\":\"amount\",\"l\":\"Amount\",\"t\":\"Money\",\"w\":3},"
     "{\"n\":\"pricelevelid\",\"l\":\"Price "
     "List\",\"t\":\"Lookup\",\"w\":3,\"targets\":[\"pricelevel\"]}," REC_OWN
     "]," REC_KEY("ml_sourcerecordid")}};
enum { REC_TABLES = sizeof rec_tables / sizeof rec_tables[0] };

static inline mlc_code rec_nothing_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    (void)txn;
    (void)arg;
    (void)err;
    return MLC_OK;
}

static inline void rec_deliver(void *user, mlc_delivery *const *items, size_t count)
{
    rec_fix *const f = user;
    for (size_t i = 0; f->flag_all && i < count; i++)
        items[i]->uncertain = true;
    mlc_records_deliver(f->records, f->d, items, count);
}

static inline void rec_open(rec_fix *f, size_t group, mlc_backoff backoff)
{
    mlc_error err;
    const mlc_records_options records = {.odata = f->dv.odata,
                                         .store = f->s.store,
                                         .stream = f->stream,
                                         .schema = f->schema,
                                         .lookups = f->lookups,
                                         .mappings = &f->mappings,
                                         .prefix = "ml_",
                                         .max_attempts = REC_ATTEMPTS,
                                         .backoff = backoff,
                                         .down = f->down,
                                         .tenant = "acme"};
    const mlc_deliverer_options options = {.loop = &f->s.loop,
                                           .store = f->s.store,
                                           .stream = f->stream,
                                           .actor = "relay",
                                           .max_parallel = REC_PARALLEL,
                                           .max_group = (unsigned)group,
                                           .max_attempts = REC_ATTEMPTS,
                                           .backoff = backoff,
                                           .settle_ms = 1,
                                           .breaker_failures = 1000000,
                                           .deliver = rec_deliver,
                                           .user = f};
    lst_check(mlc_records_open(&f->records, &records, &err), &err);
    lst_check(mlc_deliverer_open(&f->d, &options, &err), &err);
}

static inline int rec_set_up(void **state)
{
    static const mlc_stream_spec spec = {.name = "dynamics", .mode = MLC_STREAM_KEYED};
    static const char *const sets[] = {"accounts", "contacts", "products", "productpricelevels"};
    rec_fix *const f = calloc(1, sizeof *f);
    mlc_error err;
    assert_non_null(f);
    lst_init(&f->s);
    dv_open(&f->dv, &f->s.loop, 0);
    f->stream = lst_stream(&f->s, &spec);
    for (size_t i = 0; i < sizeof rec_maps / sizeof rec_maps[0]; i++)
        lst_check(mlc_map_load_text("test.map", rec_maps[i], strlen(rec_maps[i]),
                                    &f->mappings.maps[f->mappings.count++], NULL, &err),
                  &err);
    for (size_t i = 0; i < REC_TABLES; i++)
        mlc_schema_copy_keep(f->s.store, NULL, rec_tables[i][0], mlc_wall_ms(), mlc_strdup(rec_tables[i][1]));
    lst_check(mlc_store_run(f->s.store, rec_nothing_job, NULL, &err), &err);
    const mlc_schema_options schema = {
        .loop = &f->s.loop, .odata = f->dv.odata, .store = f->s.store, .sets = sets, .set_count = REC_TABLES};
    const mlc_lookups_options lookups = {.loop = &f->s.loop, .odata = f->dv.odata};
    lst_check(mlc_schema_open(&f->schema, &schema, &err), &err);
    lst_check(mlc_lookups_open(&f->lookups, &lookups, &err), &err);
    *state = f;
    return 0;
}

/* In the order in which a tenant ends. */
static inline int rec_tear_down(void **state)
{
    rec_fix *const f = *state;
    if (f->d != NULL)
        mlc_deliverer_stop(f->d);
    mlc_schema_stop(f->schema);
    mlc_lookups_stop(f->lookups);
    if (f->records != NULL)
        mlc_records_stop(f->records);
    dv_close(&f->dv);
    do
        assert_int_equal(mlc_store_run(f->s.store, rec_nothing_job, NULL, NULL), MLC_OK);
    while (mlc_store_dispatch(f->s.store) > 0);
    mlc_outbox_close(f->stream);
    mlc_outbox_close(f->down);
    lst_close_store(&f->s);
    mlc_deliverer_close(f->d);
    mlc_records_close(f->records);
    mlc_lookups_close(f->lookups);
    mlc_schema_close(f->schema);
    mlc_mappings_free(&f->mappings);
    lst_end(&f->s);
    free(f);
    return 0;
}

/* ---- entries ---- */

static inline uint64_t rec_add(rec_fix *f, const char *key, const char *payload)
{
    mlc_error err;
    lst_put put = {.stream = f->stream, .key = key, .idem = payload, .payload = payload};
    lst_check(mlc_store_run(f->s.store, lst_put_job, &put, &err), &err);
    return put.seq;
}

/* `rows`: text of the object. */
static inline uint64_t rec_add_master(rec_fix *f, const char *kind, const char *id, const char *version,
                                      bool gone, const char *rows)
{
    char key[128];
    char payload[1024];
    (void)snprintf(key, sizeof key, "%s/%s", kind, id);
    (void)snprintf(
        payload, sizeof payload,
        "{\"kind\":\"%s\",\"id\":\"%s\",\"source\":\"JDE/%s/%s\",\"version\":\"%s\",\"gone\":%s,\"rows\":%s}",
        kind, id, kind, id, version, gone ? "true" : "false", rows);
    return rec_add(f, key, payload);
}

static inline uint64_t rec_add_customer(rec_fix *f, const char *id, const char *version)
{
    char rows[128];
    (void)snprintf(rows, sizeof rows, "{\"F0101\":{\"ALPH\":\"Customer %s\"}}", id);
    return rec_add_master(f, "customer", id, version, false, rows);
}

static inline lst_entry rec_get(rec_fix *f, uint64_t seq)
{
    return lst_get(&f->s, f->stream, seq);
}

typedef struct rec_wait_for {
    rec_fix *f;
    uint64_t seq;
    mlc_entry_state state;
} rec_wait_for;

static inline bool rec_reached(void *arg)
{
    const rec_wait_for *const w = arg;
    const lst_entry entry = rec_get(w->f, w->seq);
    return entry.state == w->state && entry.attempts >= 1;
}

static inline lst_entry rec_wait(rec_fix *f, uint64_t seq, mlc_entry_state state)
{
    rec_wait_for w = {f, seq, state};
    if (!lst_run(&f->s, rec_reached, &w, LST_PATIENCE_MS))
        fail_msg("entry %d: %s", (int)seq, rec_get(f, seq).last_error);
    return rec_get(f, seq);
}

#endif
