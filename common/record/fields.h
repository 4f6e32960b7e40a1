/* fields.h - the checks that customer and order share: each looks at one field and adds a fault when it
 * is not as it must be, with what to do about it.
 *
 * A NULL text is an absent field: only the functions named "needed" object to it.
 */
#ifndef MLC_RECORD_FIELDS_H
#define MLC_RECORD_FIELDS_H

#include "base/faults.h"
#include "base/json.h"

enum { MLC_RECORD_DEPTH_MAX = 8, MLC_AN8_DIGITS = 8, MLC_SHOWN_MAX = 44 };

/* The beginning of a text as it may stand in a message: cut between characters, never inside one. */
const char *mlc_shown(char out[MLC_SHOWN_MAX], const char *text);
/* A fault of this field's text: "\"12x\" is no number". */
void mlc_fault_text(mlc_faults *faults, const char *field, const char *text, const char *reason);

/* The object of a record of this kind out of its bytes. *out is the caller's (cJSON_Delete). */
mlc_code mlc_record_open(const char *text, size_t len, size_t max_len, const char *kind, cJSON **out,
                         mlc_error *err);
/* Text member, borrowed; NULL when absent or null. A member of another type is a fault. */
const char *mlc_field_str(mlc_faults *faults, const cJSON *obj, const char *name);
/* Adds a text member unless the text is NULL. */
mlc_code mlc_field_add(cJSON *obj, const char *name, const char *text, mlc_error *err);
/* Prints and deletes the tree (NULL allowed when `code` is not MLC_OK). */
mlc_code mlc_record_close(cJSON *tree, mlc_code code, mlc_buf *out, mlc_error *err);

/* Present and not empty. */
bool mlc_check_needed(mlc_faults *faults, const char *field, const char *text);
/* At most so many characters (as both systems count them: UTF-16 units). */
void mlc_check_len(mlc_faults *faults, const char *field, const char *text, size_t max);
/* 1 to 8 digits: a number of JDE's address book. Empty counts as absent. */
void mlc_check_an8(mlc_faults *faults, const char *field, const char *text);
/* An exact decimal. Empty counts as absent. */
void mlc_check_decimal(mlc_faults *faults, const char *field, const char *text);
/* "yyyy-mm-dd", a day that exists. Empty counts as absent. */
void mlc_check_date(mlc_faults *faults, const char *field, const char *text);

#endif
