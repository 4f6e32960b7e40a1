/* order_status.h - how far JDE is with an order: from JDE on its way to Dynamics, as a full snapshot.
 *
 * {"kind":"order.status","id":"<guid>","reference":"<25 chars>","version":"1764.126327.143005","target":"sales",
 *  "doco":"1001","dcto":"SO","kcoo":"00001","status":"Partly shipped","hold":"","lines":[{"line":1,"item":"ITEM-00001",
 *  "last":"560","next":"580","ordered":"5","shipped":"3","backordered":"2","cancelled":"0","requested":"2026-11-30",
 *  "shipDate":"2026-11-28"}]}
 * Lines are those of the order as it was sent: what JDE split (1.000, 1.001, ..) is added up under the whole number.
 */
#ifndef MLC_RECORD_ORDER_STATUS_H
#define MLC_RECORD_ORDER_STATUS_H

#include "base/buf.h"
#include "base/json.h"

enum { MLC_ORDER_STATUS_LINES_MAX = 4000 };

/* Strings are borrowed from the caller, or from `tree` after parse; NULL: absent. */
typedef struct mlc_order_status_line {
    int64_t line;
    const char *item, *last, *next;                          /* LITM, LTTR, NXTR */
    const char *ordered, *shipped, *backordered, *cancelled; /* decimal texts */
    const char *requested, *ship_date;                       /* "yyyy-mm-dd" or "" */
} mlc_order_status_line;

typedef struct mlc_order_status {
    cJSON *tree;
    const char *id, *reference, *version; /* version: digits and points, as of master records */
    const char *doco, *dcto, *kcoo;
    const char *status; /* one of the words below */
    const char *hold;
    bool purchase;
    mlc_order_status_line *lines; /* malloc'ed after parse */
    size_t line_count;
} mlc_order_status;

#define MLC_ORDER_SHIPPED "Shipped" /* also with some of it cancelled; nothing more will come */

/* "Created", "On hold", "Back-ordered", "Partly shipped", "Shipped", "Cancelled": what lines and hold code amount to; of
 * purchase orders "Received" and "Partly received". */
const char *mlc_order_status_word(const mlc_order_status *status);

mlc_code mlc_order_status_print(const mlc_order_status *status, mlc_buf *out, mlc_error *err);
/* Read and check; MLC_E_INVALID names all faults. */
mlc_code mlc_order_status_parse(const char *text, size_t len, mlc_order_status *out, mlc_error *err);
void mlc_order_status_free(mlc_order_status *status);

#endif
