/* flow_page.h - a page of records on its way into the store: snapshots, positions, and the job that stores them.
 *
 * The page is filled on the loop's thread, then lent to the store's thread until the job is done.
 */
#ifndef MLC_AGENT_FLOW_PAGE_H
#define MLC_AGENT_FLOW_PAGE_H

#include "agent/flow/flow_record.h"
#include "store/outbox.h"

enum { MLC_FLOW_VERSION_MAX = 64, MLC_FLOW_CURSOR_MAX = 80 };

/* What a run would do with a record. */
typedef enum mlc_flow_news {
    MLC_NEWS_NONE, /* as it was sent last, or gone and never sent */
    MLC_NEWS_NEW,
    MLC_NEWS_CHANGED,
    MLC_NEWS_GONE,  /* gone */
    MLC_NEWS_FAULTY /* parked */
} mlc_flow_news;

typedef struct mlc_flow_item {
    char id[MLC_POLL_KEY_MAX];
    char source[MLC_POLL_KEY_MAX + 16];
    bool invalid; /* cannot be made into a record: parked with `why` */
    bool silent;  /* not to be told at all */
    bool gone;    /* told only when the record was sent before */
    bool anyway;  /* told although it is as it was sent last */
    bool wanted;  /* told as gone although nothing is known of its having been sent */
    mlc_error why;
    uint8_t fingerprint[MLC_MASTER_FINGERPRINT_LEN];
    char version[MLC_FLOW_VERSION_MAX];
    mlc_buf payload;    /* JSON */
    mlc_flow_news news; /* set by a preview */
} mlc_flow_item;

/* A position to keep together with the page. */
typedef struct mlc_flow_mark {
    const char *driver; /* names it */
    mlc_watermark watermark;
} mlc_flow_mark;

typedef struct mlc_flow_page {
    const char *tenant;
    const mlc_flow_spec *spec;
    const char *table; /* whose change brought the page about, for the audit */
    mlc_outbox *up;
    mlc_flow_item *items;
    size_t count;
    mlc_flow_mark marks[MLC_FLOW_DRIVERS_MAX]; /* after this page */
    size_t mark_count;
    int64_t emission; /* greatest given out so far */
    int64_t now_ms;
    /* results of the job */
    size_t enqueued, gone, invalid;
} mlc_flow_page;

/* Make the items of all records of the maker's data. Gives out emission numbers. Free with mlc_flow_page_clear in any case. */
mlc_code mlc_flow_page_fill(mlc_flow_page *page, const mlc_flow_record_maker *maker, mlc_error *err);
/* Make one more item, of this key; there is room for it in page->items. */
mlc_code mlc_flow_page_add(mlc_flow_page *page, const mlc_flow_record_maker *maker, const char *key,
                           mlc_error *err);
/* Store the page; its results are set from scratch. Store's thread. */
mlc_code mlc_flow_page_store(mlc_txn *txn, mlc_flow_page *page, mlc_error *err);
/* Set `news` of the items: what storing the page would do. Reads only; any thread. */
mlc_code mlc_flow_page_preview(mlc_txn *txn, mlc_flow_page *page, mlc_error *err);
void mlc_flow_page_clear(mlc_flow_page *page);

/* "flow/customers/F0101": the cursor of a driver; `what` may also be MLC_FLOW_EMISSION or MLC_FLOW_TIMES. */
const char *mlc_flow_cursor(const mlc_flow_spec *spec, const char *what, char out[MLC_FLOW_CURSOR_MAX]);
#define MLC_FLOW_EMISSION "emission"
#define MLC_FLOW_TIMES    "times"

#endif
