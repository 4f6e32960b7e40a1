/* reconcile_private.h - shared by reconcile.c (asking) and reconcile_store.c (what a page leads to). */
#ifndef MLC_RELAY_RECONCILE_PRIVATE_H
#define MLC_RELAY_RECONCILE_PRIVATE_H

#include "net/timer.h"
#include "relay/delta.h"
#include "relay/reconcile.h"

#define RECONCILE_CURSOR "reconcile/salesorders"
#define RECONCILE_FROM   "reconcile/salesorders.from"
#define RECONCILE_LINK   "reconcile/salesorders.delta"

struct mlc_reconcile {
    mlc_reconcile_options opt;
    mlc_timer *timer, *full_timer;
    bool stopping, running;
    bool untracked;       /* until the next start */
    bool resync_wanted;   /* when this run is over */
    bool whole;           /* this run goes through the whole table */
    char *link;           /* delta link; NULL: none */
    int64_t from_ms;      /* orders changed before are not ours */
    int64_t watermark_ms; /* greatest modifiedon of completed runs */
    int64_t seen_ms;      /* greatest modifiedon of this run */
    int64_t run_ms;       /* when it began */
    /* the page under way */
    char *next;       /* link to the page after it */
    char *new_link;   /* delta link for the next run */
    cJSON *wanted;    /* ids that may be orders to be made */
    size_t wanted_at; /* of which so many were asked about */
    cJSON *rows;      /* orders to be made */
    cJSON *gone;      /* ids of deleted ones */
    /* by the job */
    size_t found, again, deleted;
    mlc_reconcile_status status;
};

/* Job: the events of the page; after the last one the positions too. */
mlc_code reconcile_store_page(mlc_txn *txn, void *arg, mlc_error *err);

#endif
