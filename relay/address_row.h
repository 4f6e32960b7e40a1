/* address_row.h - accounts and contacts of Dynamics as addresses: which columns are read, what they say, and JDE's address as
 * columns (contracts/dataverse.md, Tables). Pure; any thread.
 */
#ifndef MLC_RELAY_ADDRESS_ROW_H
#define MLC_RELAY_ADDRESS_ROW_H

#include "record/address.h"

/* "accounts" for "account", "contacts" for "contact"; NULL for others. */
const char *mlc_address_set_of(const char *table);
/* The column of a field: "address1_line1". */
const char *mlc_address_column(mlc_address_field field);
/* Does a row of this table have the field? */
bool mlc_address_applies(const char *table, size_t field);
/* Append the columns that are read, separated by commas. */
mlc_code mlc_address_row_columns(const char *table, const char *prefix, mlc_buf *out, mlc_error *err);
/* Append the path of the request that reads one row. */
mlc_code mlc_address_row_path(const char *table, const char *id, const char *prefix, mlc_buf *out,
                              mlc_error *err);

/* Is this a source record of JDE's address book, whose address may be edited in this table? "JDE/F0101/6001" of accounts,
 * "JDE/F0111/6001/2" of contacts. */
bool mlc_address_is_source(const char *table, const char *source);

typedef struct mlc_address_row {
    char an8[16], line[16]; /* of the source record; line "" for accounts */
    char change[64];        /* the row's version in Dynamics: digits of its etag */
    const char *etag, *source, *version,
        *modified;             /* borrowed from the row; source NULL: not a record of ours */
    mlc_address_fields fields; /* all that apply to the table; absent in the row: "" */
} mlc_address_row;
/* MLC_E_PROTOCOL when the answer lacks what every row has. MLC_E_UNSUPPORTED: ours, but not of JDE's address book. */
mlc_code mlc_address_row_read(const char *table, const cJSON *row, const char *prefix, mlc_address_row *out,
                              mlc_error *err);
/* Columns that show this address, with the version the row has already, which marks the change as our own. The caller's
 * (cJSON_Delete). */
mlc_code mlc_address_row_body(const char *table, const mlc_address_fields *fields, const char *prefix,
                              const char *version, cJSON **out, mlc_error *err);

#endif
