/* order_inputs.h - a canonical order as the request that makes it in JDE (contracts/ais.md, section Writing).
 *
 * By orchestration: an object of named inputs, the names of docs/orchestration.md. By form service: the actions
 * of sales order entry P4210. Both carry the order's reference into VR01. Pure; any thread.
 */
#ifndef MLC_AGENT_ORDER_INPUTS_H
#define MLC_AGENT_ORDER_INPUTS_H

#include "agent/ais.h"
#include "record/order.h"

typedef struct mlc_order_target {
    const char *order_type;   /* "SO" */
    const char *company;      /* "00001" */
    const char *branch_plant; /* "30", JDE's MCU */
    const char *form_name;    /* "P4210_W4210A" */
    const char *form_version; /* "ZJDE0001" */
    const char *const
        *form_controls; /* "SoldTo=15": control ids that differ from the defaults of order_form.c */
    size_t form_control_count;
} mlc_order_target;

/* Caller frees with cJSON_Delete. */
mlc_code mlc_order_orchestration_inputs(const mlc_order *order, const mlc_order_target *target, cJSON **out,
                                        mlc_error *err);
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
