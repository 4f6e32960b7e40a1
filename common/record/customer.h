/* customer.h - the canonical customer: a full snapshot, from JDE on its way to Dynamics.
 *
 * As JSON: {"kind":"customer","id":"6001","source":"JDE/F0101/6001","version":"126327.143005",
 *   "fields":{"name":"..","searchType":"C","taxId":"..","creditLimit":"50000.00","terms":"N30",
 *   "currency":"USD","holdCode":"","onHold":false}}
 * Money is a string with exact digits. A field that is absent in JSON is not written to the target; a field
 * that is "" empties it. Sources: contracts/ais.md, section Data (F0101, F03012).
 */
#ifndef MLC_RECORD_CUSTOMER_H
#define MLC_RECORD_CUSTOMER_H

#include "base/buf.h"
#include "base/json.h"
#include "crypto/crypto.h"

/* Strings are borrowed from the caller, or from `tree` after parse; NULL: absent. */
typedef struct mlc_customer {
    cJSON *tree;         /* owner of the strings after parse, else NULL */
    const char *id;      /* AN8, digits */
    const char *source;  /* "JDE/F0101/6001" */
    const char *version; /* newest "UPMJ.UPMT" of the rows it was made of */
    const char *name, *search_type, *tax_id;
    const char *credit_limit; /* decimal text */
    const char *terms, *currency, *hold_code;
    bool has_hold, on_hold;
} mlc_customer;

/* Append the JSON text. */
mlc_code mlc_customer_print(const mlc_customer *customer, mlc_buf *out, mlc_error *err);
/* Read and check: required members, lengths, digits, decimals. MLC_E_INVALID names every fault. */
mlc_code mlc_customer_parse(const char *text, size_t len, mlc_customer *out, mlc_error *err);
/* Frees the tree. */
void mlc_customer_free(mlc_customer *customer);
/* The record's content without version: equal content gives equal fingerprints (16 bytes). */
mlc_code mlc_customer_fingerprint(const mlc_customer *customer, uint8_t out[16], mlc_error *err);

#endif
