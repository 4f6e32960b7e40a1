/* order_items.h - which items of an order JDE does not know (F4101.LITM): so that a faulty order is told of with all its faults,
 * those that only JDE would find among them. Thread rule: loop's thread only. */
#ifndef MLC_AGENT_ORDER_ITEMS_H
#define MLC_AGENT_ORDER_ITEMS_H

#include "agent/ais.h"
#include "base/faults.h"
#include "record/order.h"

/* `unknown` has a fault for each line whose item is not there; none when JDE could not be asked (`code`). */
typedef void (*mlc_order_items_fn)(void *user, mlc_code code, const mlc_faults *unknown);
/* The order is kept by the caller until `fn` was called: from the loop, exactly once, unless this call fails. */
mlc_code mlc_order_items_check(mlc_ais *ais, const mlc_order *order, mlc_order_items_fn fn, void *user,
                               mlc_error *err);

#endif
