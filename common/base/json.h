/* json.h - strict JSON in and out on top of cJSON, with exact numbers.
 *
 * cJSON turns every number into a double, which no money may pass through. mlc_json_parse keeps each
 * number's own text: a number arrives as a cJSON_Raw node whose valuestring is the lexeme, so it
 * prints back unchanged, and the accessors below read it exactly. Parsing enforces a size limit, a
 * nesting limit, well-formed UTF-8 and that nothing follows the value; errors name line and column.
 * Duplicate names in an object: the last wins, as in cJSON's getters of this module.
 *
 * Trees are plain cJSON: free with cJSON_Delete, print with mlc_json_print.
 * Thread rule: a tree belongs to one thread at a time.
 */
#ifndef MLC_BASE_JSON_H
#define MLC_BASE_JSON_H

#include "base/buf.h"
#include "base/decimal.h"
#include "base/error.h"

#include <cjson/cJSON.h>

enum { MLC_JSON_DEPTH_DEFAULT = 32 };

/* Parse `len` bytes. max_len 0 means no own limit; max_depth 0 means MLC_JSON_DEPTH_DEFAULT.
 * *out is owned by the caller (cJSON_Delete). Errors: MLC_E_INVALID, MLC_E_LIMIT, MLC_E_NOMEM. */
mlc_code mlc_json_parse(const char *text, size_t len, size_t max_len, unsigned max_depth, cJSON **out,
                        mlc_error *err);

/* Compact text, caller frees with free(). NULL when out of memory. */
char *mlc_json_print(const cJSON *tree);

/* Member of an object, or NULL when absent or `obj` is no object. Case-sensitive. */
const cJSON *mlc_json_get(const cJSON *obj, const char *name);
/* Dotted path of member names ("data.gridData.rowset"). NULL when any step is absent. */
const cJSON *mlc_json_path(const cJSON *obj, const char *path);
/* String value of a member, or NULL when absent or not a string. Borrowed. */
const char *mlc_json_str(const cJSON *obj, const char *name);
/* Text of a string or number node or member (numbers by their lexeme); NULL for others. Borrowed. */
const char *mlc_json_text(const cJSON *node);
const char *mlc_json_member_text(const cJSON *obj, const char *name);
bool mlc_json_is_number(const cJSON *node);
/* Boolean member; `fallback` when absent or not a boolean ("true"/"false" strings count). */
bool mlc_json_bool(const cJSON *obj, const char *name, bool fallback);
/* Whole number from a number or string of digits. MLC_E_NOTFOUND when absent, MLC_E_INVALID otherwise. */
mlc_code mlc_json_int64(const cJSON *obj, const char *name, int64_t *out, mlc_error *err);
/* Exact decimal from a number or string. MLC_E_NOTFOUND when absent or null, MLC_E_INVALID otherwise. */
mlc_code mlc_json_decimal(const cJSON *obj, const char *name, mlc_decimal *out, mlc_error *err);

/* Add members; each returns MLC_E_NOMEM on failure. A NULL text adds null. */
mlc_code mlc_json_add_str(cJSON *obj, const char *name, const char *text, mlc_error *err);
mlc_code mlc_json_add_int(cJSON *obj, const char *name, int64_t value, mlc_error *err);
mlc_code mlc_json_add_bool(cJSON *obj, const char *name, bool value, mlc_error *err);
/* As a JSON number with exactly the decimal's digits. */
mlc_code mlc_json_add_decimal(cJSON *obj, const char *name, mlc_decimal value, mlc_error *err);
/* Takes ownership of `child` also on failure. */
mlc_code mlc_json_add(cJSON *parent, const char *name, cJSON *child, mlc_error *err);

#endif
