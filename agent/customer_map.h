/* customer_map.h - JDE rows to the canonical customer (contracts/ais.md, section Data).
 *
 * F0101: AN8, ALPH (name), TAX, AT1 (search type), UPMJ, UPMT. F03012: TRAR (terms), CRCD (currency), ACL (credit limit),
 * HOLD (hold code; any code but blank or "N" counts as on hold), UPMJ, UPMT. Pure; any thread.
 */
#ifndef MLC_AGENT_CUSTOMER_MAP_H
#define MLC_AGENT_CUSTOMER_MAP_H

#include "agent/ais.h"
#include "record/customer.h"

/* Columns to ask for, NULL-terminated. */
extern const char *const mlc_customer_f0101_columns[];
extern const char *const mlc_customer_f03012_columns[];

/* A customer with the texts it needs of its own. Strings of `customer` point into the rows and into this struct. */
typedef struct mlc_mapped_customer {
    mlc_customer customer;
    mlc_jde_stamp stamp; /* the newer of the two rows' stamps */
    char source[48];
    char credit_limit[48];
} mlc_mapped_customer;

/* `terms` is the F03012 row, NULL when there is none. MLC_E_INVALID names table, key and column. */
mlc_code mlc_customer_map(const mlc_ais *ais, const cJSON *address, const cJSON *terms,
                          mlc_mapped_customer *out, mlc_error *err);
/* (UPMJ, UPMT) of a row. */
mlc_code mlc_row_stamp(const mlc_ais *ais, const char *table, const cJSON *row, mlc_jde_stamp *out,
                       mlc_error *err);

#endif
