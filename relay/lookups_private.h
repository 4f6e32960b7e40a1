/* lookups_private.h - what the files of the lookups share.
 *
 * lookups.c       questions: who asks, who waits, which go together
 * lookups_make.c  making a price list that is absent
 */
#ifndef MLC_RELAY_LOOKUPS_PRIVATE_H
#define MLC_RELAY_LOOKUPS_PRIVATE_H

#include "net/timer.h"
#include "relay/id_cache.h"
#include "relay/lookups.h"

typedef struct mlc_lookup_wait {
    struct mlc_lookup_wait *next;
    mlc_lookup_fn fn;
    void *user;
} mlc_lookup_wait;

typedef struct mlc_lookup_ask {
    struct mlc_lookup_ask *prev, *next; /* in lookups->asks */
    mlc_lookups *lookups;
    char *set, *key, *value, *currency;
    bool sent;
    bool found; /* by the query under way */
    mlc_lookup_wait *waits;
    char new_id[MLC_UUID_TEXT_MAX]; /* of the row being made */
} mlc_lookup_ask;

struct mlc_lookups {
    mlc_lookups_options opt;
    mlc_id_cache *cache;
    mlc_timer *timer;
    mlc_lookup_ask *asks;
    bool stopped;
};

/* The one way out of an ask: everybody who waits is told, and it is freed. */
void mlc_lookup_end(mlc_lookup_ask *ask, mlc_code code, const mlc_error *err, bool found);
/* Is this a row that is made when it is absent? */
bool mlc_lookup_makeable(const mlc_lookup_ask *ask);
/* Make it; ends the ask, now or later. */
void mlc_lookup_make(mlc_lookup_ask *ask);

#endif
