/* order_amounts.h - do an order's amounts add up, and what is each line worth once the order's own discount is spread over it.
 * All in exact decimals; nothing rounds unless it says so. Pure; any thread.
 */
#ifndef MLC_RECORD_ORDER_AMOUNTS_H
#define MLC_RECORD_ORDER_AMOUNTS_H

#include "base/faults.h"
#include "record/order.h"

/* Adds a fault for each line whose amount is not quantity x price - discount + tax (to less than one hundredth, as Dynamics
 * rounds each line), and one when the lines' amounts, less the header's discount, plus freight, are not the total. Checks
 * only what is there. Decimals must be readable. */
void mlc_order_check_amounts(const mlc_order *order, mlc_faults *faults);

/* What a line is worth. */
typedef struct mlc_order_share {
    mlc_decimal gross;    /* quantity x price */
    mlc_decimal discount; /* of the line, and its share of the header's discount */
    mlc_decimal net;      /* gross - discount; tax is not in it */
} mlc_order_share;

/* Fill `shares` (line_count of them). The header's discount is spread in proportion to what the lines are worth, to two
 * decimals; what is left over goes to the last line that is worth something, so that the shares add up exactly.
 * MLC_E_INVALID when the discount cannot be spread, MLC_E_LIMIT when an amount has too many digits. */
mlc_code mlc_order_spread(const mlc_order *order, mlc_order_share *shares, mlc_error *err);

#endif
