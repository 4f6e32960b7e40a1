/* account_map.h - the canonical customer as columns of an account (contracts/dataverse.md, Tables). Pure. */
#ifndef MLC_RELAY_ACCOUNT_MAP_H
#define MLC_RELAY_ACCOUNT_MAP_H

#include "record/customer.h"

/* JDE's payment terms ("N30") and the option of account.paymenttermscode that stands for them. */
typedef struct mlc_account_terms {
    const char *terms;
    int64_t option;
} mlc_account_terms;

/* A currency code and the id of its row in transactioncurrencies. */
typedef struct mlc_account_currency {
    const char *code;
    const char *id;
} mlc_account_currency;

typedef struct mlc_account_map {
    const char *prefix;             /* of the connector's own columns: "ml_" */
    const mlc_account_terms *terms; /* none: payment terms are never written */
    size_t terms_count;
    const mlc_account_currency *currencies; /* none: the currency is never written */
    size_t currency_count;
} mlc_account_map;

/* Fields absent in the customer are left out, those that are "" become null. Terms and currencies that the
 * tables do not know are left out. *out is the caller's (cJSON_Delete). */
mlc_code mlc_account_body(const mlc_account_map *map, const mlc_customer *customer, cJSON **out,
                          mlc_error *err);
/* Compare "UPMJ.UPMT" number by number; a missing number counts as 0. */
int mlc_account_version_cmp(const char *a, const char *b);
/* Digits and points only, with at least one digit: something to compare with. */
bool mlc_account_version_valid(const char *version);

#endif
