/* poll_page.h - a page of changed customers on its way into the store: keys, snapshots and the job that stores them.
 *
 * The page is filled on the loop's thread, then lent to the store's thread until the job is done.
 */
#ifndef MLC_AGENT_POLL_PAGE_H
#define MLC_AGENT_POLL_PAGE_H

#include "agent/customer_map.h"
#include "agent/watermark.h"
#include "store/outbox.h"

enum { MLC_POLL_VERSION_MAX = 64 };

typedef struct mlc_poll_item {
    char key[MLC_POLL_KEY_MAX]; /* AN8 */
    bool invalid;               /* cannot be mapped: parked with `why` */
    mlc_error why;
    uint8_t fingerprint[16];
    char version[MLC_POLL_VERSION_MAX];
    mlc_buf payload; /* JSON; empty: nothing to store (another search type) */
} mlc_poll_item;

typedef struct mlc_poll_page {
    const char *tenant;
    const char *table; /* names the watermark */
    mlc_outbox *up;
    mlc_poll_item *items;
    size_t count;
    mlc_watermark watermark; /* after this page */
    int64_t emission;        /* greatest given out so far */
    int64_t now_ms;
    /* results of the job */
    size_t enqueued, invalid;
} mlc_poll_page;

/* Room for `count` items. Free with mlc_poll_page_clear. */
mlc_code mlc_poll_page_reserve(mlc_poll_page *page, size_t count, mlc_error *err);
/* Make the snapshot of one item from the present rows. Gives out the next emission number. `wanted`: search types. */
mlc_code mlc_poll_item_fill(mlc_poll_page *page, mlc_poll_item *item, const mlc_ais *ais,
                            const cJSON *address, const cJSON *terms, const char *const *wanted,
                            mlc_error *err);
/* Store the page; its results are set from scratch. Store's thread. */
mlc_code mlc_poll_page_store(mlc_txn *txn, mlc_poll_page *page, mlc_error *err);
void mlc_poll_page_clear(mlc_poll_page *page);

/* Names of the cursors. */
#define MLC_POLL_EMISSION_CURSOR "poll/emission"
#define MLC_POLL_CURSOR_PREFIX   "poll/table/"

#endif
