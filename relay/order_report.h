/* order_report.h - what JDE made of an order, written onto the Dynamics order.
 *
 * Delivers "order.result". An order that was made is read first: where a status of JDE (order_progress.h) stands already, it is
 * the later word, and status and message stay. Then PATCH salesorders(id) with the JDE order number, type and company, or why it failed. An update
 * only (If-Match: *): an order that was deleted in Dynamics meanwhile is not made again. Writing the same result twice
 * is harmless, so an uncertain outcome needs no look-up. Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_ORDER_REPORT_H
#define MLC_RELAY_ORDER_REPORT_H

#include "deliver/deliverer.h"
#include "relay/odata.h"

/* Deliver one item; ends in mlc_deliverer_finish. */
void mlc_order_report_deliver(mlc_odata *odata, const char *prefix, mlc_deliverer *deliverer,
                              mlc_delivery *item);

#endif
