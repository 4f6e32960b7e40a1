/* schema.h - the live metadata of one tenant's Dynamics: what its tables take, as of now.
 *
 * For each table in use the definition, its keys and its option sets are read (contracts/dataverse.md, Web API, Schema), kept in
 * memory and, in the compact form of schema_table.h, in the tenant's store (cursors "schema/..."), so that a restart
 * needs no reading. They are read again once a day, and when Dynamics refuses a write although it had passed the check
 * (mlc_schema_doubt). While new metadata cannot be had the old is used. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_SCHEMA_H
#define MLC_RELAY_SCHEMA_H

#include "relay/odata.h"
#include "relay/schema_table.h"
#include "store/store.h"

#include <uv.h>

enum { MLC_SCHEMA_TABLES_MAX = 16 };

typedef struct mlc_schema mlc_schema;

typedef struct mlc_schema_options {
    uv_loop_t *loop;
    mlc_odata *odata;
    mlc_store *store; /* NULL: no durable copy */
    mlc_log *log;
    const char *tenant;
    const char *const *sets; /* entity sets of the tables in use; copied */
    size_t set_count;
    int64_t refresh_ms; /* 0: one day */
} mlc_schema_options;

/* Reads the durable copies. MLC_E_INVALID: a set that this relay does not know. */
mlc_code mlc_schema_open(mlc_schema **out, const mlc_schema_options *options, mlc_error *err);
/* Nothing is asked any more. Before the mlc_odata is closed. */
void mlc_schema_stop(mlc_schema *schema);
/* After the mlc_odata was closed and the store's jobs were finished. NULL is allowed. */
void mlc_schema_close(mlc_schema *schema);

/* The table of a set; NULL when it was not read yet. Valid until the loop runs on. */
const mlc_schema_table *mlc_schema_table_of(const mlc_schema *schema, const char *set);
/* Logical name of the table with this entity set, NULL when not known: an mlc_schema_set_fn. `user` is not used. */
const char *mlc_schema_name_of(void *user, const char *set);

/* `err` is NULL with MLC_OK. */
typedef void (*mlc_schema_fn)(void *user, mlc_code code, const mlc_error *err);
/* Read the table of this set, unless it is under way; `fn` is called once, later, with how that ended. */
mlc_code mlc_schema_wait(mlc_schema *schema, const char *set, mlc_schema_fn fn, void *user, mlc_error *err);
/* A write that had passed the check was refused. True: the metadata was not of this minute, is read again now, and the record is
 * worth another attempt. */
bool mlc_schema_doubt(mlc_schema *schema, const char *set);
/* Adds "schema": when each table was read, and the last failure. */
void mlc_schema_status(const mlc_schema *schema, cJSON *out);

#endif
