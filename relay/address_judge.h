/* address_judge.h - is the address that a record of Dynamics shows news for JDE? And, when it is, the change that travels.
 *
 * Asked by the intake of an event, by reconciliation, and before an address of JDE is written over it. Works inside jobs and
 * readers of the tenant's store.
 */
#ifndef MLC_RELAY_ADDRESS_JUDGE_H
#define MLC_RELAY_ADDRESS_JUDGE_H

#include "relay/address_memory.h"
#include "relay/address_row.h"
#include "relay/address_shown.h"
#include "store/outbox.h"

typedef enum mlc_address_news {
    MLC_ADDRESS_NONE,  /* it has no address, and none of JDE's is known */
    MLC_ADDRESS_OURS,  /* written by us, or the same as JDE has */
    MLC_ADDRESS_TOLD,  /* an edit that was sent to JDE already */
    MLC_ADDRESS_EDITED /* somebody's edit */
} mlc_address_news;

typedef struct mlc_address_view {
    mlc_address_news news;
    mlc_address_known
        known; /* JDE's address in the version that the row shows; the newest where it shows none */
    mlc_address_known latest; /* the newest that is known of its address number */
    mlc_address_shown shown;
} mlc_address_view;

/* What was written last, or was sent to JDE last, is no news, and neither is JDE's address in the row's version; where that
 * version is not known (a contact, whose version is not JDE's address's; a store that was lost or restored) JDE's newest. */
mlc_code mlc_address_judge(mlc_txn *txn, const char *table, const mlc_address_row *row, mlc_address_view *out,
                           mlc_error *err);
void mlc_address_view_free(mlc_address_view *view);

/* The row shows another version than can follow from what was written last: a backup was restored on either side. */
bool mlc_address_view_doubtful(const mlc_address_view *view, const mlc_address_row *row);

/* ---- the change ---- */

enum { MLC_ADDRESS_IDEM_MAX = 128 };
/* "dyn/address/ID/CHANGE": the key of one version of a row in "down". */
void mlc_address_idem(const char *id, const mlc_address_row *row, char out[MLC_ADDRESS_IDEM_MAX]);

/* An address on its way into "down". */
typedef struct mlc_address_sending {
    char id[40], source[64], idem[MLC_ADDRESS_IDEM_MAX];
    uint8_t hash[MLC_ADDRESS_HASH_LEN]; /* of all that the row shows */
    mlc_buf payload;                    /* canonical JSON */
    mlc_error fault;                    /* code MLC_OK, or what mlc_address_check says */
} mlc_address_sending;

/* With JDE's address in the row's version as its base. Where that is not known, empty columns do not travel: nothing in JDE is
 * emptied that Dynamics perhaps never showed. */
mlc_code mlc_address_sending_make(mlc_address_sending *out, const char *table, const char *id,
                                  const mlc_address_row *row, const mlc_address_view *view, mlc_error *err);
void mlc_address_sending_free(mlc_address_sending *sending);
/* Job: put it, unless that version of the row was put before, and note that JDE is told. `fresh` NULL allowed. */
mlc_code mlc_address_sending_put(mlc_txn *txn, mlc_outbox *down, const char *tenant, const char *correlation,
                                 const mlc_address_sending *sending, bool *fresh, mlc_error *err);

#endif
