/* flow_test.h - a flow over the small AIS server of ais_tables_test.h, its store, and a look at what it stored. Include after
 * cmocka.h. */
#ifndef MLC_TESTS_FLOW_TEST_H
#define MLC_TESTS_FLOW_TEST_H

#include "support/loop_store_test.h"

#include "agent/flow/flow_run.h"
#include "store/cursor.h"
#include "support/ais_tables_test.h"

enum { SHOWN_MAX = 512, DAY_MS = 24 * 3600 * 1000 };

typedef struct flow_fix {
    lst_fix s;
    ais_fix ais;
    mlc_outbox *up;
    mlc_flow_run *run;
    const mlc_flow_spec *spec;
    mlc_flow_settings settings;
    unsigned page_size;
    uint64_t max_entries;
    int ends;
    mlc_flow_end end;
    char error[1024];
    int pages_left; /* then may_go_on says no; below 0: always */
    int pages_asked;
} flow_fix;

static const char *const customers_only[] = {"C", NULL};
static const char *const suppliers_only[] = {"V", NULL};
static const char *const company[] = {"00000", NULL};
static const char *const obsolete[] = {"O", NULL};

static inline const mlc_flow_spec *spec_of(const char *name)
{
    for (size_t i = 0; i < mlc_flow_spec_count(); i++)
        if (strcmp(mlc_flow_specs[i].name, name) == 0)
            return &mlc_flow_specs[i];
    fail_msg("no flow %s", name);
    return NULL;
}

static inline void on_end(void *user, mlc_flow_end end, const mlc_error *err)
{
    flow_fix *const f = user;
    f->ends++;
    f->end = end;
    (void)snprintf(f->error, sizeof f->error, "%s", err->message);
}

static inline bool may_go_on(void *user)
{
    flow_fix *const f = user;
    f->pages_asked++;
    return f->pages_left < 0 || f->pages_left-- > 0;
}

static inline void open_run(flow_fix *f, const char *name)
{
    mlc_error err;
    f->spec = spec_of(name);
    const mlc_flow_run_options options = {.loop = &f->s.loop,
                                          .store = f->s.store,
                                          .up = f->up,
                                          .ais = f->ais.ais,
                                          .tenant = "acme",
                                          .spec = f->spec,
                                          .settings = f->settings,
                                          .overlap_ms = 300000,
                                          .page_size = f->page_size,
                                          .may_go_on = may_go_on,
                                          .on_end = on_end,
                                          .user = f};
    lst_check(mlc_flow_run_open(&f->run, &options, &err), &err);
}

/* Stop whatever is under way, as the agent does when it ends. */
static inline void close_run(flow_fix *f)
{
    mlc_flow_run_stop(f->run);
    ais_fix_close_client(&f->ais);
    lst_check(mlc_store_drain(f->s.store, NULL), &(mlc_error){0});
    mlc_flow_run_close(f->run);
    f->run = NULL;
    ais_fix_client(&f->ais);
}

static inline bool has_ended(void *arg)
{
    return ((flow_fix *)arg)->ends > 0;
}

static inline void run_once(flow_fix *f, mlc_flow_end end)
{
    f->ends = 0;
    mlc_flow_run_start(f->run);
    assert_true(lst_run(&f->s, has_ended, f, LST_PATIENCE_MS));
    if (f->end != end)
        fail_msg("run ended with %d: %s", (int)f->end, f->error);
}

static inline int set_up(void **state)
{
    flow_fix *const f = calloc(1, sizeof *f);
    assert_non_null(f);
    lst_init(&f->s);
    f->up =
        lst_stream(&f->s, &(mlc_stream_spec){.name = "up", .mode = MLC_STREAM_SEQUENCE, .supersede = true});
    ais_fix_open(&f->ais, &f->s);
    f->page_size = 100;
    f->pages_left = -1;
    f->settings.lists[MLC_FLOW_COMPANY] = company;
    f->settings.lists[MLC_FLOW_SEARCH_TYPES] = customers_only;
    f->settings.lists[MLC_FLOW_INACTIVE_TYPES] = obsolete;
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    flow_fix *const f = *state;
    mlc_flow_run_stop(f->run);
    ais_fix_close(&f->ais);
    lst_check(mlc_store_drain(f->s.store, NULL), &(mlc_error){0});
    mlc_flow_run_close(f->run);
    mlc_outbox_close(f->up);
    lst_close_store(&f->s);
    lst_end(&f->s);
    free(f);
    return 0;
}

/* ---- looking ---- */

typedef struct look {
    mlc_outbox *up;
    const char *key;
    char payload[4096];
    mlc_entry_state state;
    size_t count, all; /* entries of the key, of all keys */
} look;

static inline bool look_visit(const mlc_entry *entry, void *arg)
{
    look *const l = arg;
    l->all++;
    if (strcmp(entry->key, l->key) == 0) {
        l->count++;
        l->state = entry->state;
        (void)snprintf(l->payload, sizeof l->payload, "%.*s", (int)entry->payload_len,
                       (const char *)entry->payload);
    }
    return true;
}

static inline mlc_code look_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    look *const l = arg;
    return mlc_outbox_scan(txn, l->up, 1, SIZE_MAX, look_visit, l, err);
}

static inline look look_at(flow_fix *f, const char *key)
{
    mlc_error err;
    look l = {.up = f->up, .key = key};
    lst_check(mlc_store_read(f->s.store, look_job, &l, &err), &err);
    return l;
}

static inline void expect_last(flow_fix *f, const char *key, size_t count, const char *words)
{
    const look l = look_at(f, key);
    if (l.count != count || strstr(l.payload, words) == NULL)
        fail_msg("%s: %zu entries instead of %zu, \"%s\" in %s", key, l.count, count, words, l.payload);
}

/* "yyyy-mm-dd", so many days from today. */
static inline const char *day(int offset, char out[MLC_ISO_TEXT_MAX])
{
    (void)mlc_iso_text(mlc_wall_ms() + (int64_t)offset * DAY_MS, out);
    out[10] = '\0';
    return out;
}

/* ---- rows ---- */

static inline void put_address(flow_fix *f, int an8, const char *type, const char *name, const char *upmj)
{
    char json[SHOWN_MAX];
    (void)snprintf(json, sizeof json,
                   "{\"AN8\":%d,\"ALPH\":\"%s\",\"AT1\":\"%s\",\"UPMJ\":\"%s\",\"UPMT\":101500}", an8, name,
                   type, upmj);
    ais_put(&f->ais, "F0101", 1, json);
}

static inline void put_price(flow_fix *f, const char *group, const char *from, const char *to,
                             const char *price, const char *upmj)
{
    char json[SHOWN_MAX];
    (void)snprintf(
        json, sizeof json,
        "{\"ITM\":60001,\"MCU\":\"          30\",\"AN8\":0,\"CPGP\":\"%s\",\"CRCD\":\"USD\",\"UOM\":\"EA\","
        "\"EXDJ\":\"%s\",\"EFTJ\":\"%s\",\"UPRC\":\"%s\",\"UPMJ\":\"%s\",\"TDAY\":90501}",
        group, to, from, price, upmj);
    ais_put(&f->ais, "F4106", 7, json);
}

#endif
