/* order_rows.h - an order's rows in JDE (F4201 with F4211, or F4301 with F4311) as the status that goes to Dynamics.
 *
 * Only orders of ours: VR01 is a reference of 25 characters that a Dynamics id makes. Others are silent, and so is an order
 * whose rows are gone: JDE moves what is over to its history.
 * SOQS is what is to be shipped until ADDJ (actual ship date) is set; only then it counts as shipped. Of purchase orders UREC
 * (received) counts. Pure; any thread.
 */
#ifndef MLC_AGENT_ORDER_ROWS_H
#define MLC_AGENT_ORDER_ROWS_H

#include "base/buf.h"
#include "base/json.h"

/* An mlc_flow_shape_fn (agent/flow/flow_spec.h). MLC_E_INVALID names the column. */
mlc_code mlc_order_rows_shape(const char *id, const cJSON *rows, bool gone, const char *version, mlc_buf *out,
                              bool *silent, mlc_error *err);

#endif
