/* flow_config.h - the flows as the configuration has them (docs/configuration.md, flows).
 * Thread rule: loop's thread only. */
#ifndef MLC_AGENT_FLOW_CONFIG_H
#define MLC_AGENT_FLOW_CONFIG_H

#include "agent/flow/flow_set.h"
#include "base/config.h"

enum { MLC_FLOW_PLANS_MAX = 16, MLC_FLOW_VALUES_MAX = 32 };

/* Plans of the enabled flows with the lists they point to. Must stay where it is while a set uses it. */
typedef struct mlc_flow_config {
    mlc_flow_plan plans[MLC_FLOW_PLANS_MAX];
    size_t plan_count;
    const char *values[MLC_FLOW_PLANS_MAX][MLC_FLOW_LIST_COUNT][MLC_FLOW_VALUES_MAX + 1];
    mlc_zone *zone; /* of schedules; NULL: UTC */
} mlc_flow_config;

/* Texts are borrowed from cfg. MLC_E_INVALID names file, line and setting; `report` (may be NULL) gets a line for each fault, err
 * holds the first. Free with mlc_flow_config_free in any case. */
mlc_code mlc_flow_config_read(mlc_flow_config *out, const mlc_cfg *cfg, mlc_buf *report, mlc_error *err);
void mlc_flow_config_free(mlc_flow_config *config);

#endif
