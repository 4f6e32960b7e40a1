/* address_read.h - the address that JDE holds now: F0101, and the row of F0116 in force today.
 * Thread rule: loop's thread only. */
#ifndef MLC_AGENT_ADDRESS_READ_H
#define MLC_AGENT_ADDRESS_READ_H

#include "agent/ais.h"
#include "record/address.h"

typedef struct mlc_address_present {
    cJSON *book, *address; /* owners of the texts; NULL: no such row */
    mlc_jde_stamp book_stamp, address_stamp;
    mlc_address_rows rows;
} mlc_address_present;

/* `zone`: of the JDE server, tells its today; NULL: UTC. `an8` is copied. *out is filled before `fn` is called, with MLC_OK
 * only; free it with mlc_address_present_free in any case. MLC_E_NOTFOUND: the address book has no such number.
 * `fn` comes from the loop, never inside the call, and once unless the call fails. */
typedef void (*mlc_address_read_fn)(void *user, mlc_code code, const mlc_error *err);
mlc_code mlc_address_read(mlc_ais *ais, const mlc_zone *zone, const char *an8, mlc_address_present *out,
                          mlc_address_read_fn fn, void *user, mlc_error *err);
void mlc_address_present_free(mlc_address_present *present);

#endif
