/* schema_table.h - what Dataverse says of one table: its columns, option sets and alternate keys
 * (contracts/dataverse.md, Web API, Schema). Pure; relay/schema.h keeps it fresh.
 *
 * The answers of the service are large (names in many languages). They are boiled down to a compact tree, which is also the
 * durable copy:
 *   {"table":"account","set":"accounts","label":"Account","id":"accountid","name":"name","columns":[{"n":"creditlimit",
 *    "l":"Credit Limit","t":"Money","r":"None","w":3,"max":..,"p":4,"lo":0,"hi":1000,"targets":[..],"options":[{"v":1,"l":"Net 30"}]}],
 *    "keys":[{"columns":["accountnumber"],"status":"Active"}]}
 * Thread rule: immutable once made.
 */
#ifndef MLC_RELAY_SCHEMA_TABLE_H
#define MLC_RELAY_SCHEMA_TABLE_H

#include "base/json.h"

enum { MLC_SCHEMA_COLUMNS_MAX = 4000, MLC_SCHEMA_OPTIONS_MAX = 4000, MLC_SCHEMA_TEXT_MAX = 4 << 20 };

typedef enum mlc_column_type {
    MLC_COLUMN_TEXT,    /* String, Memo */
    MLC_COLUMN_DECIMAL, /* Money, Decimal, Double */
    MLC_COLUMN_INTEGER, /* Integer, BigInt */
    MLC_COLUMN_BOOLEAN,
    MLC_COLUMN_CHOICE, /* Picklist, State, Status */
    MLC_COLUMN_DATETIME,
    MLC_COLUMN_GUID,
    MLC_COLUMN_LOOKUP, /* Lookup, Customer, Owner */
    MLC_COLUMN_OTHER   /* values are not checked */
} mlc_column_type;

/* Strings and nodes are the table's. */
typedef struct mlc_schema_column {
    const char *name, *label; /* label: as a user of Dynamics sees it; the name where there is none */
    mlc_column_type type;
    bool required; /* by the system, or by the business */
    bool writable;
    int64_t max_length; /* UTF-16 units; 0: no limit known */
    bool has_low, has_high;
    mlc_decimal low, high;
    int decimals;         /* -1: not known */
    const cJSON *options; /* list of {v: number, l: label}, NULL: not known */
    const cJSON *targets; /* list of tables' names, NULL: not known */
} mlc_schema_column;

typedef struct mlc_schema_table {
    cJSON *tree; /* the compact form, owner of the strings */
    const char *name, *set, *label, *id_column, *name_column;
    mlc_schema_column *columns; /* by name */
    size_t count;
    const cJSON *keys;
} mlc_schema_table;

/* From EntityDefinitions(..)?$expand=Attributes,Keys. *out: cJSON_Delete. MLC_E_PROTOCOL names what is not as
 * documented, MLC_E_LIMIT. */
mlc_code mlc_schema_compact(const cJSON *definition, cJSON **out, mlc_error *err);
/* Add the option sets out of an answer of .../Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata and the like with
 * OptionSet expanded. */
mlc_code mlc_schema_add_options(cJSON *compact, const cJSON *answer, mlc_error *err);
/* Takes over the compact tree, also on failure. *out: mlc_schema_table_free. */
mlc_code mlc_schema_table_new(cJSON *compact, mlc_schema_table **out, mlc_error *err);
void mlc_schema_table_free(mlc_schema_table *table);

/* NULL: the table has no such column. */
const mlc_schema_column *mlc_schema_column_find(const mlc_schema_table *table, const char *name);
bool mlc_schema_option_known(const mlc_schema_column *column, int64_t value);
/* By its label, in any case of letters. */
bool mlc_schema_option_value(const mlc_schema_column *column, const char *label, int64_t *value);
/* State of the alternate key over this one column ("Active", "Pending", "Failed"); NULL: there is no such key. */
const char *mlc_schema_key_status(const mlc_schema_table *table, const char *column);

#endif
