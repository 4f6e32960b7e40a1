/* order_map.h - a Dynamics sales order with its lines to the canonical order (contracts/dataverse.md, section Tables).
 *
 * Header and lines are read by two requests, mlc_order_header_path and mlc_order_lines_path. Pure; any thread.
 */
#ifndef MLC_RELAY_ORDER_MAP_H
#define MLC_RELAY_ORDER_MAP_H

#include "record/order.h"

/* Append the path of the request. `prefix`: of the connector's own columns, "ml_". */
mlc_code mlc_order_header_path(const char *order_id, const char *prefix, mlc_buf *out, mlc_error *err);
mlc_code mlc_order_lines_path(const char *order_id, mlc_buf *out, mlc_error *err);

/* The JDE order number a header carries already, or NULL. Borrowed. */
const char *mlc_order_jde_number(const cJSON *header, const char *prefix);

/* Append the canonical JSON. `lines`: the array of line rows. Faults of the order are reported all together
 * (MLC_E_INVALID), in words for the one who can mend it in Dynamics. */
mlc_code mlc_order_map(const cJSON *header, const cJSON *lines, mlc_buf *out, mlc_error *err);

#endif
