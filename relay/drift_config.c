/* drift_config.c - see drift.h: the settings tenants[].compare. */
#include "relay/drift.h"

mlc_code mlc_drift_configure(const mlc_cfg *cfg, size_t index, mlc_drift_options *out, mlc_error *err)
{
    char path[96];
    out->scheduled = mlc_cfg_bool(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].compare.enabled", index));
    out->heal = mlc_cfg_bool(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].compare.heal", index));
    out->patience_ms = mlc_cfg_int(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].compare.timeout", index));
    out->max_gone =
        (uint64_t)mlc_cfg_int(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].compare.max_gone", index));
    const char *const schedule =
        mlc_cfg_str(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].compare.schedule", index));
    return mlc_cron_parse(schedule, &out->schedule, err) == MLC_OK ? MLC_OK
                                                                   : mlc_wrap(err, MLC_E_INVALID, "%s", path);
}
