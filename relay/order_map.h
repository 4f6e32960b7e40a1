/* order_map.h - a Dynamics sales order with its lines to the canonical order (contracts/dataverse.md, section Tables).
 *
 * Header and lines are read by two requests, mlc_order_header_path and mlc_order_lines_path. Pure; any thread.
 */
#ifndef MLC_RELAY_ORDER_MAP_H
#define MLC_RELAY_ORDER_MAP_H

#include "record/order.h"

typedef struct mlc_order_map_options {
    const char *prefix; /* of the connector's own columns, "ml_" */
    const char
        *customer_reference; /* column of the order that holds the customer's own number; NULL or "": none */
    const char *write_in_item; /* JDE item that stands for write-in products; NULL or "": they are a fault */
} mlc_order_map_options;

/* Append the path of the request. */
mlc_code mlc_order_header_path(const char *order_id, const mlc_order_map_options *options, mlc_buf *out,
                               mlc_error *err);
mlc_code mlc_order_lines_path(const char *order_id, mlc_buf *out, mlc_error *err);

/* The JDE order number a header carries already, or NULL. Borrowed. */
const char *mlc_order_jde_number(const cJSON *header, const char *prefix);
/* JDE refused the order before: it may have been mended since. */
bool mlc_order_jde_refused(const cJSON *header, const char *prefix);

/* Append the canonical JSON. `lines`: the array of line rows. Faults of the order are reported all together
 * (MLC_E_INVALID), in words for the one who can mend it in Dynamics.
 * The discount of the header is what the total says: items + tax + freight - total. It must be discountamount, plus
 * discountpercentage of the items to less than one hundredth, as Dynamics rounds it. The ship-to address counts only when it
 * differs from the customer's. */
mlc_code mlc_order_map(const cJSON *header, const cJSON *lines, const mlc_order_map_options *options,
                       mlc_buf *out, mlc_error *err);

#endif
