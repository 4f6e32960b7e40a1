/* config.h - the agent's settings: the schema of its configuration file (docs/configuration.md).
 * Thread rule: immutable after load. */
#ifndef MLC_AGENT_CONFIG_H
#define MLC_AGENT_CONFIG_H

#include "admin/rotate.h"
#include "base/config.h"

/* Load and check `file`; on faults `report` (may be NULL) gets a line for each. Free with mlc_cfg_free. */
mlc_code mlc_agent_config_load(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err);
/* The schema as a Markdown table. */
mlc_code mlc_agent_config_describe(mlc_buf *out, mlc_error *err);

/* The sealed values of the file, each by the name it is sealed for: "tenants[acme].webhook_secret". The file is checked as by
 * the load above, and each value opens. */
mlc_code mlc_agent_config_sealed(const char *file, mlc_rotate_visit visit, void *user, mlc_buf *report,
                                 mlc_error *err);

#endif
