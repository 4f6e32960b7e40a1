/* doctor_tables.c - the right to read each table, and whether its columns and alternate keys are as the connector and its
 * mappings need them. */
#include "relay/doctor_private.h"

#include "base/faults.h"
#include "relay/schema.h"
#include "relay/schema_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* contracts/dataverse.md, section Tables; without the publisher's prefix. */
static const char *const traced[] = {"sourcerecordid", "sourceversion", NULL};
static const char *const of_orders[] = {"jdeordernumber",
                                        "jdeordertype",
                                        "jdeordercompany",
                                        "jdeorderstatus",
                                        "jdeordermessage",
                                        "jdestatusversion",
                                        NULL};
static const char *const of_lines[] = {"jdelinestatus", "jdequantityshipped", "jdequantitybackordered", NULL};

#define PREPARE                                                                                              \
    "import the connector's solution into this environment, or correct dynamics.prefix or the mapping"

static const char *prefix_of(const tenant_doctor *t)
{
    return relay_doctor_str(t, "dynamics.prefix");
}

/* ---- reading ---- */

static void on_row(void *user, const mlc_odata_answer *answer)
{
    const doctor_set *const s = user;
    const tenant_doctor *const t = s->tenant;
    char remedy[256];
    if (answer->code == MLC_E_CLOSED)
        return;
    if (answer->code == MLC_OK) {
        mlc_checkup_ok(t->checkup, s->read_token, "may be read");
        return;
    }
    if (answer->code == MLC_E_DENIED)
        (void)snprintf(
            remedy, sizeof remedy,
            "give the security role of the connector's application user the privilege Read on %s, for the "
            "organization",
            s->table);
    else
        (void)snprintf(remedy, sizeof remedy,
                       "see that this environment has the table %s (Dynamics 365 Sales)", s->table);
    mlc_checkup_fail(t->checkup, s->read_token, remedy, "%s", answer->err.message);
}

static void start_read(mlc_checkup *checkup, unsigned token, void *user)
{
    doctor_set *const s = user;
    char path[2 * RELAY_DOCTOR_SET_MAX + 32];
    mlc_error err;
    (void)snprintf(path, sizeof path, "%s?$select=%sid&$top=1", s->set, s->table);
    const mlc_odata_request request = {.method = "GET", .path = path};
    s->read_token = token;
    if (mlc_odata_send(s->tenant->odata, &request, on_row, s, &err) != MLC_OK)
        mlc_checkup_fail(checkup, token, NULL, "%s", err.message);
}

/* ---- columns and keys ---- */

static void check_own(const doctor_set *s, const mlc_schema_table *table, mlc_faults *faults)
{
    char name[128];
    for (size_t i = 0; s->own[i] != NULL; i++) {
        (void)snprintf(name, sizeof name, "%.60s%s", prefix_of(s->tenant), s->own[i]);
        const mlc_schema_column *const column = mlc_schema_column_find(table, name);
        if (column == NULL)
            mlc_fault(faults, name, "is missing");
        else if (!column->writable)
            mlc_fault(faults, name, "cannot be written");
    }
}

/* "parentcustomerid" for "parentcustomerid_account", the name of its navigation property. */
static const mlc_schema_column *column_written(const mlc_schema_table *table, const char *name, bool lookup)
{
    const mlc_schema_column *const found = mlc_schema_column_find(table, name);
    if (found != NULL || !lookup)
        return found;
    for (size_t i = 0; i < table->count; i++) {
        const size_t len = strlen(table->columns[i].name);
        if (table->columns[i].type == MLC_COLUMN_LOOKUP &&
            strncasecmp(table->columns[i].name, name, len) == 0 && (name[len] == '\0' || name[len] == '_'))
            return &table->columns[i];
    }
    return NULL;
}

static void check_mapping(const tenant_doctor *t, const mlc_map *map, const mlc_schema_table *table,
                          mlc_faults *faults)
{
    char name[128];
    for (size_t i = 0; i < mlc_map_column_count(map); i++) {
        const mlc_map_column c = mlc_map_column_at(map, i);
        (void)mlc_map_expand(name, sizeof name, c.name, prefix_of(t));
        const mlc_schema_column *const column = column_written(table, name, c.set != NULL);
        if (column == NULL)
            mlc_fault(faults, name, "is missing (mapping of %ss, line %u)", mlc_map_flow(map), c.line);
        else if (!column->writable)
            mlc_fault(faults, name, "cannot be written (mapping of %ss, line %u)", mlc_map_flow(map), c.line);
    }
}

/* The mappings whose target is this table; *weak: a key that is there and not Active. */
static void check_mappings(const doctor_set *s, const mlc_schema_table *table, mlc_faults *faults,
                           mlc_faults *weak)
{
    const tenant_doctor *const t = s->tenant;
    char set[RELAY_DOCTOR_SET_MAX];
    char key[128];
    for (size_t i = 0; i < t->mappings.count; i++) {
        const mlc_map *const map = t->mappings.maps[i];
        if (map == NULL ||
            strcmp(mlc_map_expand(set, sizeof set, mlc_map_target(map), prefix_of(t)), s->set) != 0)
            continue;
        check_mapping(t, map, table, faults);
        (void)mlc_map_expand(key, sizeof key, mlc_map_key(map), prefix_of(t));
        const char *const status = mlc_schema_key_status(table, key);
        if (status == NULL)
            mlc_fault(faults, key, "there is no alternate key on it");
        else if (strcmp(status, "Active") != 0)
            mlc_fault(weak, key, "its alternate key is %s", status);
    }
}

static void judge_table(const doctor_set *s, const mlc_schema_table *table)
{
    const tenant_doctor *const t = s->tenant;
    mlc_faults faults = {0};
    mlc_faults weak = {0};
    check_own(s, table, &faults);
    check_mappings(s, table, &faults, &weak);
    if (faults.count > 0) {
        mlc_checkup_fail(t->checkup, s->columns_token, PREPARE, "%s", faults.text);
    } else if (weak.count > 0) {
        mlc_checkup_warn(t->checkup, s->columns_token,
                         "wait until Dynamics has built it; when it failed, remove doubles of the column and "
                         "activate the key anew",
                         "%s: rows are looked for one by one meanwhile", weak.text);
    } else {
        mlc_checkup_ok(t->checkup, s->columns_token, "columns, keys and mappings fit (%zu columns)",
                       table->count);
    }
}

static void on_schema(void *user, mlc_code code, const mlc_error *err, cJSON *compact)
{
    const doctor_set *const s = user;
    const tenant_doctor *const t = s->tenant;
    mlc_schema_table *table = NULL;
    mlc_error why;
    if (code == MLC_E_CLOSED)
        return;
    if (code == MLC_OK) {
        code = mlc_schema_table_new(compact, &table, &why);
        err = &why;
    }
    if (code == MLC_OK)
        judge_table(s, table);
    else
        mlc_checkup_fail(
            t->checkup, s->columns_token,
            "give the security role of the application user the right to read customizations (entity, "
            "attribute)",
            "the metadata cannot be read: %s", err->message);
    mlc_schema_table_free(table);
}

static void start_schema(mlc_checkup *checkup, unsigned token, void *user)
{
    doctor_set *const s = user;
    mlc_error err;
    s->columns_token = token;
    if (mlc_schema_read(s->tenant->odata, s->table, on_schema, s, &err) != MLC_OK)
        mlc_checkup_fail(checkup, token, NULL, "%s", err.message);
}

/* ---- which tables ---- */

static void want(tenant_doctor *t, const char *set, const char *const *own)
{
    const char *const table = mlc_schema_name_of(NULL, set);
    for (size_t i = 0; i < t->set_count; i++) {
        if (strcmp(t->sets[i].set, set) != 0)
            continue;
        if (own != NULL)
            t->sets[i].own = own;
        return;
    }
    if (table == NULL || t->set_count == RELAY_DOCTOR_SETS_MAX)
        return;
    doctor_set *const s = &t->sets[t->set_count++];
    *s = (doctor_set){.tenant = t, .table = table, .own = own};
    (void)snprintf(s->set, sizeof s->set, "%s", set);
}

static void want_mapped(tenant_doctor *t, const mlc_mappings *mappings)
{
    char set[RELAY_DOCTOR_SET_MAX];
    for (size_t i = 0; i < mappings->count; i++) {
        const mlc_map *const map = mappings->maps[i];
        if (map == NULL)
            continue;
        want(t, mlc_map_expand(set, sizeof set, mlc_map_target(map), prefix_of(t)), traced);
        for (size_t k = 0; k < mlc_map_column_count(map); k++) {
            const mlc_map_column column = mlc_map_column_at(map, k);
            if (column.set != NULL)
                want(t, mlc_map_expand(set, sizeof set, column.set, prefix_of(t)), NULL);
        }
    }
}

mlc_code relay_doctor_add_tables(tenant_doctor *t, mlc_error *err)
{
    char name[64];
    char title[96];
    mlc_mappings mappings;
    mlc_code code = MLC_OK;
    /* Their faults are told by a check of its own. */
    (void)mlc_mappings_load(t->cfg, t->index, &mappings, NULL, NULL);
    want_mapped(t, &mappings);
    mlc_mappings_free(&mappings);
    want(t, "quotes", NULL);
    want(t, "salesorders", of_orders);
    want(t, "salesorderdetails", of_lines);
    for (size_t i = 0; code == MLC_OK && i < t->set_count; i++) {
        doctor_set *const s = &t->sets[i];
        (void)snprintf(name, sizeof name, "read.%s", s->table);
        (void)snprintf(title, sizeof title, "read %s", s->table);
        code = relay_doctor_add(t, name, title, "user", NULL, start_read, s, err);
    }
    for (size_t i = 0; code == MLC_OK && i < t->set_count; i++) {
        doctor_set *const s = &t->sets[i];
        (void)snprintf(name, sizeof name, "columns.%s", s->table);
        (void)snprintf(title, sizeof title, "columns and keys of %s", s->table);
        if (s->own != NULL)
            code = relay_doctor_add(t, name, title, "user", "mappings", start_schema, s, err);
    }
    return code;
}
