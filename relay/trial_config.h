/* trial_config.h - what the schema's single rows cannot say of dry runs and of the test target of replays. */
#ifndef MLC_RELAY_TRIAL_CONFIG_H
#define MLC_RELAY_TRIAL_CONFIG_H

#include "base/buf.h"
#include "base/config.h"

/* For all tenants: a replay target is complete and is not the organisation that is written to for good. On faults MLC_E_INVALID;
 * `report` (may be NULL) gets one line for each. */
mlc_code mlc_trial_config_check(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err);

#endif
