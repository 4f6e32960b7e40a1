/* schema_read.h - read the metadata of one table from Dynamics, one request after the other (contracts/dataverse.md, Web API,
 * Schema). Thread rule: loop's thread only. */
#ifndef MLC_RELAY_SCHEMA_READ_H
#define MLC_RELAY_SCHEMA_READ_H

#include "relay/odata.h"

/* `compact`, in the form of schema_table.h, is the receiver's (cJSON_Delete); NULL unless MLC_OK, when `err` is NULL. */
typedef void (*mlc_schema_read_fn)(void *user, mlc_code code, const mlc_error *err, cJSON *compact);

/* `table`: its logical name, borrowed until fn. fn is called once, from the loop; with MLC_E_CLOSED when the client closes. */
mlc_code mlc_schema_read(mlc_odata *odata, const char *table, mlc_schema_read_fn fn, void *user,
                         mlc_error *err);

#endif
