/* app_work.c - see app_private.h. */
#include "agent/app_private.h"

#include "agent/config.h"

#include <string.h>

mlc_code app_open_flows(agent_app *app, mlc_error *err)
{
    const mlc_flow_set_options options = {.loop = &app->loop,
                                          .store = app->store,
                                          .up = app->up,
                                          .ais = app->ais,
                                          .log = app->log,
                                          .jde_zone = app->zone,
                                          .zone = app->flow_config.zone,
                                          .tenant = app_str(app, "agent.tenant"),
                                          .site = app_str(app, "agent.id"),
                                          .plans = app->flow_config.plans,
                                          .plan_count = app->flow_config.plan_count,
                                          .parallel = (unsigned)mlc_cfg_int(app->cfg, "flows.parallel"),
                                          .retry_base_ms = mlc_cfg_int(app->cfg, "flows.retry_base"),
                                          .retry_cap_ms = mlc_cfg_int(app->cfg, "flows.retry_cap"),
                                          .on_enqueued = app_on_up_has_work,
                                          .user = app};
    return mlc_flow_set_open(&app->flows, &options, err);
}

static mlc_code set_addresses(agent_app *app, mlc_error *err)
{
    app->addresses = (mlc_address_options){
        .store = app->store,
        .up = app->up,
        .ais = app->ais,
        .log = app->log,
        .zone = app->zone,
        .dry_run = mlc_cfg_bool(app->cfg, "addresses.dry_run"),
        .orchestration = app_str(app, "addresses.orchestration"),
        .orchestration_version = (unsigned)mlc_cfg_int(app->cfg, "addresses.orchestration_version")};
    (void)mlc_address_rule_of(app_str(app, "addresses.conflict"), &app->addresses.rule);
    if (app->addresses.rule == MLC_ADDRESS_NEWEST_WINS && app->zone == NULL)
        return mlc_fail(err, MLC_E_INVALID,
                        "addresses.conflict: newest compares times, so ais.time_zone must be set");
    return MLC_OK;
}

static bool is_set_to(const agent_app *app, const char *path, const char *value)
{
    return strcmp(app_str(app, path), value) == 0;
}

mlc_code app_open_executor(agent_app *app, mlc_error *err)
{
    const bool addresses = mlc_cfg_bool(app->cfg, "addresses.enabled");
    app->gate =
        (mlc_executor_gate){.jde = app->jde, .tenant = app_str(app, "agent.tenant"), .addresses = addresses};
    const mlc_code set = addresses ? set_addresses(app, err) : MLC_OK;
    if (set != MLC_OK)
        return set;
    if (!mlc_cfg_bool(app->cfg, "orders.enabled"))
        return mlc_replay_open(&app->replay, NULL, &app->loop, app->cfg, app->software, err);
    const size_t controls = mlc_cfg_count(app->cfg, "orders.form_controls");
    if (controls > FORM_CONTROLS_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "orders.form_controls: at most %d values", FORM_CONTROLS_MAX);
    for (size_t i = 0; i < controls; i++)
        app->form_controls[i] = mlc_cfg_list_str(app->cfg, "orders.form_controls", i);
    mlc_code code = mlc_order_config_read(&app->orders, app->cfg, NULL, err);
    if (code != MLC_OK)
        return code;
    const mlc_executor_options options = {
        .store = app->store,
        .jde = app->jde,
        .held = app->held,
        .up = app->up,
        .ais = app->ais,
        .log = app->log,
        .tenant = app_str(app, "agent.tenant"),
        .dry_run = mlc_cfg_bool(app->cfg, "orders.dry_run"),
        .by_form = is_set_to(app, "orders.writer", "form"),
        .orchestration = app_str(app, "orders.orchestration"),
        .orchestration_version = (unsigned)mlc_cfg_int(app->cfg, "orders.orchestration_version"),
        .map = app->orders.map,
        .catalogue = app->orders.catalogue,
        .target = {.purchase = app->orders.purchase,
                   .order_type = app->orders.order_type,
                   .supplier = app_str(app, "orders.supplier"),
                   .net_price = is_set_to(app, "orders.discounts", "net_price"),
                   .freight_item = app_str(app, "orders.freight_item"),
                   .freight_line_type = app_str(app, "orders.freight_line_type"),
                   .company = app_str(app, "orders.company"),
                   .branch_plant = app_str(app, "orders.branch_plant"),
                   .form_name = app_str(app, "orders.form"),
                   .form_version = app_str(app, "orders.form_version"),
                   .form_controls = app->form_controls,
                   .form_control_count = controls},
        .addresses = addresses ? &app->addresses : NULL,
        .on_reported = app_on_up_has_work,
        .user = app};
    const mlc_deliverer_options delivery = {
        .loop = &app->loop,
        .max_parallel = (unsigned)mlc_cfg_int(app->cfg, "orders.parallel"),
        .max_group = 1,
        .max_attempts = (uint32_t)mlc_cfg_int(app->cfg, "orders.max_attempts"),
        .backoff = {mlc_cfg_int(app->cfg, "orders.retry_base"), mlc_cfg_int(app->cfg, "orders.retry_cap")},
        .settle_ms = mlc_cfg_int(app->cfg, "orders.settle")};
    code = mlc_replay_open(&app->replay, &options, &app->loop, app->cfg, app->software, err);
    return code == MLC_OK ? mlc_executor_open(&app->executor, &options, &delivery, err) : code;
}

void app_reload(agent_app *app)
{
    mlc_cfg *fresh = NULL;
    mlc_error err;
    mlc_code code = mlc_agent_config_load(&fresh, mlc_cfg_file(app->cfg), NULL, &err);
    if (code == MLC_OK && app->executor != NULL) {
        app->addresses.dry_run = mlc_cfg_bool(fresh, "addresses.dry_run");
        code = mlc_executor_set_dry(app->executor, mlc_cfg_bool(fresh, "orders.dry_run"), &err);
    }
    if (code == MLC_OK)
        mlc_log_info(app->log, "agent",
                     "dry runs are as configured now; other settings count from the next start",
                     MLC_B("orders", mlc_cfg_bool(fresh, "orders.dry_run")),
                     MLC_B("addresses", mlc_cfg_bool(fresh, "addresses.dry_run")));
    else
        mlc_log_error(app->log, "agent", "the configuration was not taken over", MLC_S("error", err.message));
    mlc_cfg_free(fresh);
}

mlc_code app_open_compare(agent_app *app, mlc_error *err)
{
    enum { ATTEMPTS = 1000 }; /* it waits for JDE as long as the relay does */
    const mlc_compare_options options = {.store = app->store,
                                         .ask = app->ask,
                                         .up = app->up,
                                         .ais = app->ais,
                                         .log = app->log,
                                         .tenant = app_str(app, "agent.tenant"),
                                         .zone = app->zone,
                                         .plans = app->flow_config.plans,
                                         .plan_count = app->flow_config.plan_count,
                                         .set = &app->flows,
                                         .on_answered = app_on_up_has_work,
                                         .user = app};
    const mlc_deliverer_options delivery = {
        .loop = &app->loop,
        .max_attempts = ATTEMPTS,
        .backoff = {mlc_cfg_int(app->cfg, "flows.retry_base"), mlc_cfg_int(app->cfg, "flows.retry_cap")},
        .settle_ms = 1};
    return mlc_compare_open(&app->compare, &options, &delivery, err);
}
