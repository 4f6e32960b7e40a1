/* schema_copy.h - the durable copy of a table's metadata, in pieces, as cursors "schema/TABLE" and "schema/TABLE/N". */
#ifndef MLC_RELAY_SCHEMA_COPY_H
#define MLC_RELAY_SCHEMA_COPY_H

#include "base/json.h"
#include "base/log.h"
#include "store/store.h"

/* `store` NULL, for both: there is no durable copy. */
/* *compact: the caller's (cJSON_Delete), NULL when there is no usable copy; then *read_ms is 0. */
mlc_code mlc_schema_copy_load(mlc_store *store, const char *table, int64_t *read_ms, cJSON **compact,
                              mlc_error *err);
/* Store it, later. Takes over `text` (free; NULL: nothing happens). A failure is logged: the copy only saves a reading. */
void mlc_schema_copy_keep(mlc_store *store, mlc_log *log, const char *table, int64_t read_ms, char *text);

#endif
