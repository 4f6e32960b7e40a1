/* order_progress.h - how far JDE is with an order, written onto the Dynamics order and its lines.
 *
 * Delivers "order.status" (record/order_status.h). Columns, all with the connector's prefix: of the order jdeordernumber,
 * jdeordertype, jdeordercompany, jdeorderstatus, jdeordermessage, jdestatusversion; of its lines jdelinestatus ("560/580", last and
 * next status), jdequantityshipped, jdequantitybackordered. Lines are found by their number, or their place where they have none
 * (order_map.h); only those that differ are written.
 *
 * Versions: an order that carries this version or a newer one is left as it is. The version is written last, after the lines, and
 * only if the order is still as it was read: so the outcome is that of the newest status, however often and in whatever order they
 * are delivered. An order that is not in Dynamics (any more) is done.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_ORDER_PROGRESS_H
#define MLC_RELAY_ORDER_PROGRESS_H

#include "deliver/deliverer.h"
#include "relay/odata.h"

typedef struct mlc_order_progress_options {
    mlc_odata *odata;
    mlc_deliverer *deliverer;
    const char *prefix;
    bool fulfill; /* an order that is shipped whole is set to Fulfilled */
} mlc_order_progress_options;

/* Deliver one item; ends in mlc_deliverer_finish. `options` is copied, its pointers are borrowed. */
void mlc_order_progress_deliver(const mlc_order_progress_options *options, mlc_delivery *item);

#endif
