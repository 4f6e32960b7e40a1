/* order_inputs.h - a canonical order as the request that makes it in JDE (contracts/ais.md, section Writing).
 *
 * By orchestration: an object of named inputs, made by a mapping (map/map.h; built in: order, purchase-order). By form
 * service, sales orders only: the actions of sales order entry P4210. Both carry the order's reference into VR01.
 *
 * The mapping sees the order (record/order.h), and besides:
 *   of a line with a discount (its own, and its share of the header's):
 *     net_price: unitPrice = what one unit costs after it, to 4 decimals, and extended = the line's amount, to 2
 *     else:      adjustment = the discount; the unit price stays as it is
 *   freight, when an item for it is set: one more line with item, quantity 1, price, description and lineType
 * Thread rule: loop's thread, as a mapping belongs to one thread.
 */
#ifndef MLC_AGENT_ORDER_INPUTS_H
#define MLC_AGENT_ORDER_INPUTS_H

#include "agent/ais.h"
#include "map/map.h"
#include "record/order.h"

typedef struct mlc_order_target {
    bool purchase;            /* purchase order (F4301) instead of sales order (F4201) */
    const char *order_type;   /* "SO" */
    const char *company;      /* "00001" */
    const char *branch_plant; /* "30", JDE's MCU */
    const char *supplier;     /* of purchase orders; NULL: as the order says */
    bool net_price;           /* discounts go into the unit price instead of beside it */
    const char *freight_item; /* item of the line for freight; NULL: freight is left to JDE's own rules */
    const char *freight_line_type; /* its line type, "F" */
    const char *form_name;         /* "P4210_W4210A" */
    const char *form_version;      /* "ZJDE0001" */
    const char *const
        *form_controls; /* "SoldTo=15": control ids that differ from the defaults of order_form.c */
    size_t form_control_count;
} mlc_order_target;

/* The order as the mapping sees it. Caller frees with cJSON_Delete. MLC_E_INVALID when discounts cannot be spread. */
mlc_code mlc_order_input_record(const mlc_order *order, const mlc_order_target *target, cJSON **out,
                                mlc_error *err);
/* The orchestration's inputs. Caller frees with cJSON_Delete. MLC_E_INVALID names all that is wrong. */
mlc_code mlc_order_orchestration_inputs(mlc_map *map, const mlc_order *order, const mlc_order_target *target,
                                        cJSON **out, mlc_error *err);
/* A whole form service request but the token. Dates need the user's format, so `ais` must have logged in. */
mlc_code mlc_order_form_request(const mlc_ais *ais, const mlc_order *order, const mlc_order_target *target,
                                cJSON **out, mlc_error *err);

/* Find the JDE order number in an answer: DOCO, DCTO, KCOO as members at any depth. Borrowed from the tree; NULL when
 * absent. */
typedef struct mlc_jde_order_key {
    const char *doco, *dcto, *kcoo;
} mlc_jde_order_key;
bool mlc_order_key_find(const cJSON *answer, mlc_jde_order_key *out);

#endif
