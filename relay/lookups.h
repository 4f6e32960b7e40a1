/* lookups.h - finds the rows that other rows point to: currencies by code, units and price lists by name, accounts and
 * products by number.
 *
 * What was found is remembered. Questions that come together go in one request, and the same question is asked once however
 * many wait for it. A price list that is absent is made, with its currency; its id is derived from its name (row_id.h), so
 * that two at once make one. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_LOOKUPS_H
#define MLC_RELAY_LOOKUPS_H

#include "relay/odata.h"

#include <uv.h>

typedef struct mlc_lookups mlc_lookups;

typedef struct mlc_lookups_options {
    uv_loop_t *loop;
    mlc_odata *odata;
    mlc_log *log;
    size_t cache_max; /* 0: 50 000 ids */
} mlc_lookups_options;

mlc_code mlc_lookups_open(mlc_lookups **out, const mlc_lookups_options *options, mlc_error *err);
/* Nothing new is asked. Before the mlc_odata is closed. */
void mlc_lookups_stop(mlc_lookups *lookups);
/* After the mlc_odata was closed; who still waits gets MLC_E_CLOSED. NULL is allowed. */
void mlc_lookups_close(mlc_lookups *lookups);

/* The id of the row of `set` whose `key` is this; NULL: not known here. Borrowed until the next call. */
const char *mlc_lookups_known(mlc_lookups *lookups, const char *set, const char *key, const char *value);
/* A row was just written, or is no more. */
void mlc_lookups_learn(mlc_lookups *lookups, const char *set, const char *key, const char *value,
                       const char *id);
void mlc_lookups_forget(mlc_lookups *lookups, const char *set, const char *key, const char *value);

/* MLC_OK with `found` false: there is no such row. Then known() gives the id of a found one. */
typedef void (*mlc_lookup_fn)(void *user, mlc_code code, const mlc_error *err, bool found);
/* Ask Dynamics. `currency`: ISO code for a price list that has to be made; NULL or "": none is made. `fn` is called
 * once, later, never inside this call. */
mlc_code mlc_lookups_ask(mlc_lookups *lookups, const char *set, const char *key, const char *value,
                         const char *currency, mlc_lookup_fn fn, void *user, mlc_error *err);

#endif
