/* row_id.h - ids of rows that the connector makes, out of what the row stands for: making it twice, at once or after an
 * uncertain write, cannot make two rows. Pure.
 */
#ifndef MLC_RELAY_ROW_ID_H
#define MLC_RELAY_ROW_ID_H

#include "crypto/crypto.h"

/* A UUID (version 8) of the SHA-256 over set, column and value. */
mlc_code mlc_row_id(const char *set, const char *column, const char *value, char out[MLC_UUID_TEXT_MAX],
                    mlc_error *err);
/* May the value stand as an alternate key in an address? The service documents that it must not hold
 * / < > * % & : \ ? + # (contracts/dataverse.md; tests/sim/dataverse/README.md). */
bool mlc_row_key_addressable(const char *value);

#endif
