/* faults.h - what is wrong with a record, all of it at once, in words for an order clerk.
 *
 * Collects "field: reason; remedy" lines while a record is checked. Thread rule: one thread at a time.
 */
#ifndef MLC_BASE_FAULTS_H
#define MLC_BASE_FAULTS_H

#include "base/error.h"

#include <stddef.h>

typedef struct mlc_faults {
    unsigned count;
    unsigned hidden;                       /* of these, not in the text for lack of room */
    char text[MLC_ERROR_MESSAGE_MAX - 64]; /* joined by "; ", cut with ".. and N more" */
} mlc_faults;

void mlc_fault(mlc_faults *faults, const char *field, const char *fmt, ...) MLC_PRINTF(3, 4);
/* MLC_OK when there are none, else MLC_E_INVALID with "order 1a2b: field: reason; ...". */
mlc_code mlc_faults_result(const mlc_faults *faults, const char *record, mlc_error *err);

#endif
