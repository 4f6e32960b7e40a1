/* address.h - a changed address: from an account or contact of Dynamics on its way to JDE, and the report that comes back.
 *
 * Change as JSON: {"kind":"address","table":"account","id":"<guid>","source":"JDE/F0101/6001","an8":"6001","line":"2",
 *   "version":"1764.126327.143005","modified":"2026-11-23T10:00:00Z","change":"1234",
 *   "now":{"name":"..","line1":"..",..},"base":{..}}
 * `line`: of a contact, its line in who's who (F0111.IDLN). `version`: the source version the row in Dynamics carries: what
 * its editor saw of JDE. `base`: JDE's address in that version, where the relay knows it. `change`: the row's version in
 * Dynamics, another for each change. A field that is absent in `now` is to stay as it is in JDE; "" empties it.
 *
 * Report as JSON: {"kind":"address.result","table":"account","id":"<guid>","source":"..","outcome":"applied"|"unchanged"|
 *   "conflict"|"failed","restore":true,"sent":{..},"jde":{..},"code":"..","detail":"words for a person"}
 * `restore`: JDE's address won, and Dynamics must show it in place of the one that was sent.
 *
 * Fields: name (F0101.ALPH), line1, line2 (F0116.ADD1, ADD2), line3 (ADD3 and ADD4, joined by ", "), city (CTY1), state
 * (ADDS), postalCode (ADDZ), country (CTR); contracts/ais.md, section Data.
 */
#ifndef MLC_RECORD_ADDRESS_H
#define MLC_RECORD_ADDRESS_H

#include "base/buf.h"
#include "base/json.h"

enum { MLC_ADDRESS_MAX = 32 * 1024, MLC_ADDRESS_HASH_LEN = 16, MLC_ADDRESS_LINE_MAX = 40 };

typedef enum mlc_address_field {
    MLC_ADDRESS_NAME,
    MLC_ADDRESS_LINE1,
    MLC_ADDRESS_LINE2,
    MLC_ADDRESS_LINE3,
    MLC_ADDRESS_CITY,
    MLC_ADDRESS_STATE,
    MLC_ADDRESS_POSTAL_CODE,
    MLC_ADDRESS_COUNTRY,
    MLC_ADDRESS_FIELDS
} mlc_address_field;

/* Borrowed texts; NULL: absent. */
typedef struct mlc_address_fields {
    const char *text[MLC_ADDRESS_FIELDS];
} mlc_address_fields;

/* Strings are borrowed from the caller, or from `tree` after parse; NULL: absent. */
typedef struct mlc_address {
    cJSON *tree;
    const char *table; /* "account" or "contact" */
    const char *id, *source, *an8, *line, *version, *modified, *change;
    mlc_address_fields now;
    bool has_base;
    mlc_address_fields base;
} mlc_address;

typedef struct mlc_address_result {
    cJSON *tree;
    const char *table, *id, *source, *outcome, *code, *detail;
    bool restore;
    mlc_address_fields sent, jde;
} mlc_address_result;

mlc_code mlc_address_print(const mlc_address *address, mlc_buf *out, mlc_error *err);
/* What an address must have before it may leave for JDE: who, a state, a postal code ... that fit. MLC_E_INVALID names all
 * faults by the names the fields have in Dynamics. */
mlc_code mlc_address_check(const mlc_address *address, mlc_error *err);
/* Read and mlc_address_check. */
mlc_code mlc_address_parse(const char *text, size_t len, mlc_address *out, mlc_error *err);
void mlc_address_free(mlc_address *address);

mlc_code mlc_address_result_print(const mlc_address_result *result, mlc_buf *out, mlc_error *err);
mlc_code mlc_address_result_parse(const char *text, size_t len, mlc_address_result *out, mlc_error *err);
void mlc_address_result_free(mlc_address_result *result);

/* ---- the fields alone ---- */

/* "postalCode"; the name of the field in JSON. */
const char *mlc_address_field_name(mlc_address_field field);
/* Equal texts in all fields that `mask` has (NULL: all). Absent equals ""; blanks on the right do not count; state and country
 * are codes: their case does not count. */
bool mlc_address_same(const mlc_address_fields *a, const mlc_address_fields *b,
                      const mlc_address_fields *mask);
/* Equal in this one field. */
bool mlc_address_same_field(const mlc_address_fields *a, const mlc_address_fields *b,
                            mlc_address_field field);
/* No field has a text. */
bool mlc_address_empty(const mlc_address_fields *fields);
/* "12 Main St, Denver, CO, 80202, US" for a person, cut to the size. Returns out. */
const char *mlc_address_words(const mlc_address_fields *fields, char *out, size_t size);
/* Equal addresses (mlc_address_same) give equal hashes. */
mlc_code mlc_address_hash(const mlc_address_fields *fields, uint8_t out[MLC_ADDRESS_HASH_LEN],
                          mlc_error *err);
/* As an object, caller's; absent fields are left out. And back, borrowed from the object. NULL when out of memory. */
cJSON *mlc_address_to_json(const mlc_address_fields *fields);
void mlc_address_from_json(const cJSON *object, mlc_address_fields *out);

/* JDE's rows as an address. */
typedef struct mlc_address_rows {
    mlc_address_fields fields; /* point into the rows, and into line3 */
    char line3[2 * MLC_ADDRESS_LINE_MAX * 4 + 4];
} mlc_address_rows;
/* `book`: F0101, NULL: no name. `address`: F0116, NULL: all empty. The rows must outlive *out, which must not be copied. */
void mlc_address_of_rows(const cJSON *book, const cJSON *address, mlc_address_rows *out);

#endif
