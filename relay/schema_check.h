/* schema_check.h - is a body fit to be written to a table? All that is wrong with it at once, in words for an order clerk.
 *
 * Checked: unknown and read-only columns, types, lengths (UTF-16 units), ranges and decimals, options that are not in the
 * set, lookups that point to a wrong table, required columns that are empty. Pure.
 */
#ifndef MLC_RELAY_SCHEMA_CHECK_H
#define MLC_RELAY_SCHEMA_CHECK_H

#include "base/faults.h"
#include "relay/schema_table.h"

/* The logical name of the table with this entity set, or NULL when it is not known. */
typedef const char *(*mlc_schema_set_fn)(void *user, const char *set);

/* `whole`: the body may make a new row, so its name must be there; else it changes some columns of an existing one. */
void mlc_schema_check(const mlc_schema_table *table, const cJSON *body, bool whole,
                      mlc_schema_set_fn table_of_set, void *user, mlc_faults *faults);

#endif
