/* schema.c - see schema.h: when tables are read. */
#include "relay/schema.h"

#include "base/clock.h"
#include "net/timer.h"
#include "relay/schema_copy.h"
#include "relay/schema_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DAY_MS = 24 * 3600 * 1000,
    AGAIN_MS = 60 * 1000, /* after a failure */
    FRESH_MS = 60 * 1000  /* metadata of this age are not to blame for a refusal */
};

static const char *const known_sets[][2] = {{"accounts", "account"},
                                            {"contacts", "contact"},
                                            {"products", "product"},
                                            {"pricelevels", "pricelevel"},
                                            {"productpricelevels", "productpricelevel"},
                                            {"uoms", "uom"},
                                            {"uomschedules", "uomschedule"},
                                            {"transactioncurrencies", "transactioncurrency"},
                                            {"leads", "lead"},
                                            {"quotes", "quote"},
                                            {"quotedetails", "quotedetail"},
                                            {"salesorders", "salesorder"},
                                            {"salesorderdetails", "salesorderdetail"},
                                            {"invoices", "invoice"},
                                            {"invoicedetails", "invoicedetail"},
                                            {"systemusers", "systemuser"},
                                            {"teams", "team"},
                                            {"territories", "territory"}};

typedef struct waiter {
    struct waiter *next;
    mlc_schema_fn fn;
    void *user;
} waiter;

typedef struct live_table {
    mlc_schema *schema;
    const char *set, *name;
    mlc_schema_table *table; /* NULL: not read yet */
    int64_t read_ms;         /* wall; 0: never */
    waiter *waiters;
    bool reading;
} live_table;

struct mlc_schema {
    mlc_schema_options opt;
    char *tenant;
    mlc_timer *timer;
    bool closing;
    live_table tables[MLC_SCHEMA_TABLES_MAX];
    size_t count;
    char last_error[256];
};

const char *mlc_schema_name_of(void *user, const char *set)
{
    (void)user;
    for (size_t i = 0; i < sizeof known_sets / sizeof known_sets[0]; i++)
        if (strcmp(known_sets[i][0], set) == 0)
            return known_sets[i][1];
    return NULL;
}

static live_table *find(const mlc_schema *schema, const char *set)
{
    for (size_t i = 0; i < schema->count; i++)
        if (strcmp(schema->tables[i].set, set) == 0)
            return (live_table *)&schema->tables[i];
    return NULL;
}

/* ---- when ---- */

static void arm(mlc_schema *s)
{
    const int64_t now = mlc_wall_ms();
    int64_t delay = s->opt.refresh_ms;
    for (size_t i = 0; i < s->count; i++) {
        const int64_t left = s->tables[i].read_ms + s->opt.refresh_ms - now;
        if (!s->tables[i].reading && left < delay)
            delay = left;
    }
    if (s->last_error[0] != '\0' && delay < AGAIN_MS)
        delay = AGAIN_MS;
    if (!s->closing)
        mlc_timer_start(s->timer, delay > 0 ? delay : 0, 0);
}

/* ---- how it ends ---- */

static void tell(live_table *t, mlc_code code, const mlc_error *err)
{
    waiter *list = t->waiters;
    t->waiters = NULL;
    while (list != NULL) {
        waiter *const w = list;
        list = w->next;
        w->fn(w->user, code, err);
        free(w);
    }
}

static void end_reading(live_table *t, mlc_code code, const mlc_error *err)
{
    mlc_schema *const s = t->schema;
    t->reading = false;
    s->last_error[0] = '\0';
    if (code != MLC_OK) {
        (void)snprintf(s->last_error, sizeof s->last_error, "%s: %.200s", t->name, err->message);
        (void)mlc_utf8_mend(s->last_error);
        if (code != MLC_E_CLOSED)
            mlc_log_warn(s->opt.log, "schema", "metadata of a table cannot be read",
                         MLC_S("tenant", s->tenant), MLC_S("table", t->name), MLC_S("error", err->message));
    }
    /* Whoever waited may wait again at once: after this one is over. */
    tell(t, code, err);
    arm(s);
}

static void take_table(live_table *t, cJSON *compact)
{
    mlc_schema *const s = t->schema;
    mlc_schema_table *table = NULL;
    mlc_error err;
    char *const text = mlc_json_print(compact);
    const mlc_code code = mlc_schema_table_new(compact, &table, &err);
    if (code != MLC_OK) {
        free(text);
        end_reading(t, code, &err);
        return;
    }
    mlc_schema_table_free(t->table);
    t->table = table;
    t->read_ms = mlc_wall_ms();
    mlc_log_info(s->opt.log, "schema", "metadata read", MLC_S("tenant", s->tenant), MLC_S("table", t->name),
                 MLC_I("columns", table->count));
    mlc_schema_copy_keep(s->opt.store, s->opt.log, t->name, t->read_ms, text);
    end_reading(t, MLC_OK, NULL);
}

static void on_read(void *user, mlc_code code, const mlc_error *err, cJSON *compact)
{
    if (code == MLC_OK)
        take_table(user, compact);
    else
        end_reading(user, code, err);
}

static void read_table(live_table *t)
{
    mlc_error err;
    if (t->reading || t->schema->closing)
        return;
    t->reading = true;
    const mlc_code code = mlc_schema_read(t->schema->opt.odata, t->name, on_read, t, &err);
    if (code != MLC_OK)
        end_reading(t, code, &err);
}

static void on_timer(void *arg)
{
    mlc_schema *const s = arg;
    const int64_t now = mlc_wall_ms();
    for (size_t i = 0; i < s->count; i++)
        if (s->tables[i].read_ms + s->opt.refresh_ms <= now)
            read_table(&s->tables[i]);
    arm(s);
}

/* ---- questions ---- */

const mlc_schema_table *mlc_schema_table_of(const mlc_schema *schema, const char *set)
{
    const live_table *const t = find(schema, set);
    return t != NULL ? t->table : NULL;
}

mlc_code mlc_schema_wait(mlc_schema *schema, const char *set, mlc_schema_fn fn, void *user, mlc_error *err)
{
    live_table *const t = find(schema, set);
    if (t == NULL)
        return mlc_fail(err, MLC_E_INVALID, "the metadata of \"%.64s\" are not kept here", set);
    if (schema->closing)
        return mlc_fail(err, MLC_E_CLOSED, "ended before the metadata was read");
    waiter *const w = calloc(1, sizeof *w);
    if (w == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for metadata");
    *w = (waiter){t->waiters, fn, user};
    t->waiters = w;
    read_table(t);
    return MLC_OK;
}

bool mlc_schema_doubt(mlc_schema *schema, const char *set)
{
    live_table *const t = find(schema, set);
    const int64_t age = t != NULL ? mlc_wall_ms() - t->read_ms : 0;
    if (t == NULL || (age >= 0 && age < FRESH_MS && !t->reading))
        return false;
    read_table(t);
    return true;
}

void mlc_schema_status(const mlc_schema *schema, cJSON *out)
{
    char text[MLC_ISO_TEXT_MAX];
    cJSON *const status = cJSON_AddObjectToObject(out, "schema");
    cJSON *const tables = cJSON_AddObjectToObject(status, "tables");
    for (size_t i = 0; i < schema->count; i++) {
        const live_table *const t = &schema->tables[i];
        (void)mlc_json_add_str(tables, t->name,
                               t->read_ms > 0 ? mlc_iso_text(t->read_ms, text) : "not read yet", NULL);
    }
    (void)mlc_json_add_str(status, "lastError", schema->last_error, NULL);
}

/* ---- life ---- */

static mlc_code add_table(mlc_schema *s, const char *set, mlc_error *err)
{
    const char *const name = mlc_schema_name_of(NULL, set);
    if (name == NULL)
        return mlc_fail(err, MLC_E_INVALID, "this relay knows no table of Dynamics with the set \"%.64s\"",
                        set);
    if (find(s, set) != NULL)
        return MLC_OK;
    if (s->count == MLC_SCHEMA_TABLES_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "metadata of at most %d tables are kept", MLC_SCHEMA_TABLES_MAX);
    live_table *const t = &s->tables[s->count++];
    *t = (live_table){.schema = s, .name = name};
    for (size_t i = 0; t->set == NULL; i++)
        if (known_sets[i][1] == name)
            t->set = known_sets[i][0];
    cJSON *compact = NULL;
    mlc_code code = mlc_schema_copy_load(s->opt.store, name, &t->read_ms, &compact, err);
    if (code == MLC_OK && compact != NULL && mlc_schema_table_new(compact, &t->table, NULL) != MLC_OK)
        t->read_ms = 0; /* of another version of the program: read it anew */
    return code;
}

mlc_code mlc_schema_open(mlc_schema **out, const mlc_schema_options *options, mlc_error *err)
{
    *out = NULL;
    mlc_schema *const s = calloc(1, sizeof *s);
    if (s == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for metadata");
    s->opt = *options;
    if (s->opt.refresh_ms <= 0)
        s->opt.refresh_ms = DAY_MS;
    s->tenant = mlc_strdup(options->tenant != NULL ? options->tenant : "");
    mlc_code code = s->tenant != NULL ? mlc_timer_open(&s->timer, options->loop, on_timer, s, err)
                                      : mlc_fail(err, MLC_E_NOMEM, "no memory for metadata");
    for (size_t i = 0; code == MLC_OK && i < options->set_count; i++)
        code = add_table(s, options->sets[i], err);
    if (code != MLC_OK) {
        mlc_schema_close(s);
        return code;
    }
    arm(s);
    *out = s;
    return MLC_OK;
}

void mlc_schema_stop(mlc_schema *schema)
{
    schema->closing = true;
    mlc_timer_stop(schema->timer);
}

void mlc_schema_close(mlc_schema *schema)
{
    if (schema == NULL)
        return;
    for (size_t i = 0; i < schema->count; i++) {
        live_table *const t = &schema->tables[i];
        while (t->waiters != NULL) {
            waiter *const w = t->waiters;
            t->waiters = w->next;
            free(w);
        }
        mlc_schema_table_free(t->table);
    }
    mlc_timer_close(schema->timer);
    free(schema->tenant);
    free(schema);
}
