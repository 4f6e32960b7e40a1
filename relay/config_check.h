/* config_check.h - what the schema's single rows cannot say of the relay's tenants.
 *
 * Names that are safe as folders and in addresses, and unique; a way to sign in; nothing shared with another tenant; a
 * schedule that can be read.
 * Thread rule: one thread at a time.
 */
#ifndef MLC_RELAY_CONFIG_CHECK_H
#define MLC_RELAY_CONFIG_CHECK_H

#include "base/config.h"

/* Each fault becomes one of its tenant (mlc_cfg_element_faults). */
mlc_code mlc_relay_config_check(mlc_cfg *cfg, mlc_error *err);

/* Why this cannot be the name of a tenant, with the remedy; NULL: it can. */
const char *mlc_relay_config_name_fault(const char *id);

#endif
