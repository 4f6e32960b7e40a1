/* order_config.h - the settings of orders that are more than a schema can check: their mapping and field catalogue. */
#ifndef MLC_AGENT_ORDER_CONFIG_H
#define MLC_AGENT_ORDER_CONFIG_H

#include "agent/catalogue.h"
#include "base/config.h"
#include "map/map.h"

typedef struct mlc_order_config {
    bool purchase;
    const char *order_type; /* borrowed from the configuration */
    mlc_map *map;
    mlc_catalogue *catalogue;
} mlc_order_config;

/* Load what the configuration names; all faults go to `report` (may be NULL), "file:line: ..", err holds the first. Nothing is
 * loaded when orders are not taken. Free with mlc_order_config_free in any case. */
mlc_code mlc_order_config_read(mlc_order_config *out, const mlc_cfg *cfg, mlc_buf *report, mlc_error *err);
void mlc_order_config_free(mlc_order_config *config);

#endif
