/* trial_side.c - a Dynamics that messages are tried at (trial_private.h). */
#include "relay/trial_private.h"

#include <string.h>

static int64_t number(const mlc_trial *t, const char *name)
{
    char path[128];
    return mlc_cfg_int(t->opt.cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].%s", t->opt.index, name));
}

static mlc_code open_records(mlc_side *side, const mlc_trial *t, mlc_schema *schema, mlc_error *err)
{
    const mlc_lookups_options lookups = {.loop = t->opt.loop,
                                         .odata = side->odata,
                                         .log = t->opt.log,
                                         .cache_max = (size_t)number(t, "dynamics.lookup_cache")};
    mlc_code code = mlc_lookups_open(&side->lookups, &lookups, err);
    mlc_records_options records = t->opt.records;
    records.odata = side->odata;
    records.schema = schema;
    records.lookups = side->lookups;
    return code == MLC_OK ? mlc_records_open(&side->records, &records, err) : code;
}

mlc_code mlc_side_open_dry(mlc_side *side, const mlc_trial *t, mlc_error *err)
{
    const mlc_odata_options odata = {.loop = t->opt.loop,
                                     .http = t->opt.http,
                                     .entra = t->opt.entra,
                                     .log = t->opt.log,
                                     .url = mlc_trial_setting(t, "dynamics.url"),
                                     .max_parallel = (unsigned)number(t, "dynamics.parallel"),
                                     .timeout_ms = number(t, "dynamics.timeout"),
                                     .dry = true};
    const mlc_code code = mlc_odata_open(&side->odata, &odata, err);
    return code == MLC_OK ? open_records(side, t, t->opt.schema, err) : code;
}

static mlc_code open_target(mlc_side *side, const mlc_trial *t, mlc_error *err)
{
    char path[128];
    (void)mlc_cfg_at(path, sizeof path, "tenants[%zu].dynamics", t->opt.index);
    const mlc_http_client_options http = {.loop = t->opt.loop,
                                          .log = t->opt.log,
                                          .ca_file = mlc_trial_setting(t, "replay.ca_file"),
                                          .proxy = mlc_proxy_of(t->opt.cfg, path),
                                          .user_agent = t->opt.software};
    mlc_code code = mlc_http_client_open(&side->own_http, &http, err);
    if (code != MLC_OK)
        return code;
    (void)mlc_cfg_at(path, sizeof path, "tenants[%zu].replay.client_secret", t->opt.index);
    const mlc_entra_options entra = {.loop = t->opt.loop,
                                     .http = side->own_http,
                                     .log = t->opt.log,
                                     .authority = mlc_trial_setting(t, "replay.authority"),
                                     .tenant = mlc_trial_setting(t, "replay.directory"),
                                     .client_id = mlc_trial_setting(t, "replay.client_id"),
                                     .client_secret = mlc_cfg_secret(t->opt.cfg, path),
                                     .scope = mlc_trial_setting(t, "replay.scope")};
    code = mlc_entra_open(&side->own_entra, &entra, err);
    if (code != MLC_OK)
        return code;
    const mlc_odata_options odata = {.loop = t->opt.loop,
                                     .http = side->own_http,
                                     .entra = side->own_entra,
                                     .log = t->opt.log,
                                     .url = t->replay_url,
                                     .max_parallel = 2,
                                     .timeout_ms = number(t, "dynamics.timeout")};
    return mlc_odata_open(&side->odata, &odata, err);
}

mlc_code mlc_side_open_replay(mlc_side *side, const mlc_trial *t, mlc_error *err)
{
    char sets[MLC_MAPPINGS_MAX][128];
    const char *names[MLC_MAPPINGS_MAX];
    if (t->replay_url == NULL)
        return MLC_OK;
    mlc_code code = open_target(side, t, err);
    for (size_t i = 0; i < t->opt.mappings->count; i++)
        names[i] = mlc_map_expand(sets[i], sizeof sets[i], mlc_map_target(t->opt.mappings->maps[i]),
                                  t->opt.records.prefix);
    const mlc_schema_options schema = {.loop = t->opt.loop,
                                       .odata = side->odata,
                                       .log = t->opt.log,
                                       .tenant = t->opt.tenant,
                                       .sets = names,
                                       .set_count = t->opt.mappings->count,
                                       .refresh_ms = number(t, "dynamics.schema_refresh")};
    if (code == MLC_OK)
        code = mlc_schema_open(&side->own_schema, &schema, err);
    return code == MLC_OK ? open_records(side, t, side->own_schema, err) : code;
}

void mlc_side_stop(mlc_side *side)
{
    if (side->own_schema != NULL)
        mlc_schema_stop(side->own_schema);
    if (side->lookups != NULL)
        mlc_lookups_stop(side->lookups);
    mlc_odata_close(side->odata);
    mlc_entra_close(side->own_entra);
    if (side->own_http != NULL)
        mlc_http_client_close(side->own_http);
    side->odata = NULL;
    side->own_entra = NULL;
    side->own_http = NULL;
}

void mlc_side_close(mlc_side *side)
{
    mlc_records_close(side->records);
    mlc_lookups_close(side->lookups);
    mlc_schema_close(side->own_schema);
    memset(side, 0, sizeof *side);
}

mlc_inbound mlc_side_inbound(const mlc_side *side, const mlc_trial *t)
{
    mlc_inbound inbound = *t->opt.live;
    inbound.odata = side->odata;
    inbound.records = side->records;
    return inbound;
}
