/* reconcile_private.h - shared by the files of reconciliation.
 *
 * reconcile.c            a run: page of changes -> ask about what the page does not tell -> store -> next page
 * reconcile_store.c      the job of a page, and the positions
 * reconcile_orders.c     the table salesorders
 * reconcile_addresses.c  the tables accounts and contacts
 */
#ifndef MLC_RELAY_RECONCILE_PRIVATE_H
#define MLC_RELAY_RECONCILE_PRIVATE_H

#include "net/timer.h"
#include "relay/delta.h"
#include "relay/reconcile.h"

struct mlc_reconcile_table {
    const char *set, *id; /* "salesorders", "salesorderid" */
    const char *words;    /* of what is found, for a person */
    int page_size;
    /* A page of changes carries too little to judge by: the wanted ids are asked about, by `columns` and `condition`. */
    bool asks;
    /* Append the columns after $select=, id and modifiedon among them: of changes, and of rows that are asked for. */
    mlc_code (*changes)(const mlc_reconcile *r, mlc_buf *out, mlc_error *err);
    mlc_code (*columns)(const mlc_reconcile *r, mlc_buf *out, mlc_error *err);
    /* Append the condition on rows that are asked for, percent-encoded. */
    mlc_code (*condition)(const mlc_reconcile *r, mlc_buf *out, mlc_error *err);
    /* May a changed row be one to be stored? */
    bool (*wanted)(const mlc_reconcile *r, const cJSON *row);
    /* Job: what a row leads to. */
    mlc_code (*put)(mlc_txn *txn, mlc_reconcile *r, const cJSON *row, int64_t now_ms, mlc_error *err);
    /* Job: the row was deleted. NULL: of no concern. */
    mlc_code (*deleted)(mlc_txn *txn, mlc_reconcile *r, const char *id, int64_t now_ms, mlc_error *err);
};

struct mlc_reconcile {
    mlc_reconcile_options opt;
    mlc_timer *timer, *full_timer;
    bool stopping, running;
    bool untracked;       /* until the next start */
    bool resync_wanted;   /* when this run is over */
    bool whole;           /* this run goes through the whole table */
    char *link;           /* delta link; NULL: none */
    int64_t from_ms;      /* rows changed before are not ours */
    int64_t watermark_ms; /* greatest modifiedon of completed runs */
    int64_t seen_ms;      /* greatest modifiedon of this run */
    int64_t run_ms;       /* when it began */
    /* the page under way */
    char *next;       /* link to the page after it */
    char *new_link;   /* delta link for the next run */
    cJSON *wanted;    /* ids to be asked about */
    size_t wanted_at; /* of which so many were */
    cJSON *rows;      /* to be stored */
    cJSON *gone;      /* ids of deleted ones */
    /* by the job */
    size_t found, again, deleted;
    mlc_reconcile_status status;
};

/* Job: what the page leads to; after the last one the positions too. */
mlc_code reconcile_store_page(mlc_txn *txn, void *arg, mlc_error *err);
/* Jobs: read the positions; keep the times of the first start. */
mlc_code reconcile_load_positions(mlc_txn *txn, void *arg, mlc_error *err);
mlc_code reconcile_keep_times(mlc_txn *txn, void *arg, mlc_error *err);

#endif
