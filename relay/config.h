/* config.h - the relay's settings: the schema of its configuration file (docs/configuration.md).
 * Thread rule: immutable after load. */
#ifndef MLC_RELAY_CONFIG_H
#define MLC_RELAY_CONFIG_H

#include "admin/rotate.h"
#include "base/config.h"
#include "crypto/key_place.h"

/* Load and check `file`; on faults `report` (may be NULL) gets a line for each. Free with mlc_cfg_free. */
mlc_code mlc_relay_config_load(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err);
/* The same, but faults of a tenant stay with it (mlc_cfg_element_faults): it cannot be opened, the others can. */
mlc_code mlc_relay_config_load_partly(mlc_cfg **out, const char *file, mlc_buf *report, mlc_error *err);
/* Where the relay's settings of the root key stand. */
const mlc_key_owner *mlc_relay_key_owner(void);
/* The schema as a Markdown table. */
mlc_code mlc_relay_config_describe(mlc_buf *out, mlc_error *err);

/* The sealed values of the file, each by the name it is sealed for: "tenants[acme].webhook_secret". The file is checked as by
 * the load above, and each value opens. */
mlc_code mlc_relay_config_sealed(const char *file, mlc_rotate_visit visit, void *user, mlc_buf *report,
                                 mlc_error *err);

#endif
