/* flow_config.c - see flow_config.h. */
#include "agent/flow/flow_config.h"

#include <string.h>

enum { PATH_SIZE = 96, WHERE_SIZE = 256 };

/* Which list of which flow stands in which setting. Without a setting's value the default is taken. */
static const struct list_row {
    const char *flow, *setting, *fallback[3];
    mlc_flow_list list;
    bool single; /* a text, not a list of texts */
} lists[] = {
    {"customers", "company", {"00000"}, MLC_FLOW_COMPANY, true},
    {"customers", "search_types", {"C"}, MLC_FLOW_SEARCH_TYPES, false},
    {"suppliers", "search_types", {"V"}, MLC_FLOW_SEARCH_TYPES, false},
    {"contacts", "search_types", {"C", "V"}, MLC_FLOW_SEARCH_TYPES, false},
    {"items", "inactive_types", {"O"}, MLC_FLOW_INACTIVE_TYPES, false},
    {"prices", "inactive_types", {"O"}, MLC_FLOW_INACTIVE_TYPES, false},
};

static mlc_code read_list(const mlc_cfg *cfg, const struct list_row *row, const char **out, mlc_error *err)
{
    char path[PATH_SIZE];
    (void)mlc_cfg_at(path, sizeof path, "flows.%s.%s", row->flow, row->setting);
    if (row->single) {
        out[0] = mlc_cfg_str(cfg, path);
        return MLC_OK;
    }
    const size_t count = mlc_cfg_count(cfg, path);
    if (count > MLC_FLOW_VALUES_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "%s: at most %d values", path, MLC_FLOW_VALUES_MAX);
    for (size_t i = 0; i < count; i++)
        out[i] = mlc_cfg_list_str(cfg, path, i);
    for (size_t i = 0; count == 0 && i < sizeof row->fallback / sizeof row->fallback[0]; i++)
        out[i] = row->fallback[i];
    return MLC_OK;
}

static mlc_code read_lists(mlc_flow_config *c, const mlc_cfg *cfg, mlc_flow_plan *plan, mlc_error *err)
{
    mlc_code code = MLC_OK;
    const size_t at = (size_t)(plan - c->plans);
    for (size_t i = 0; code == MLC_OK && i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(lists[i].flow, plan->spec->name) != 0)
            continue;
        plan->settings.lists[lists[i].list] = c->values[at][lists[i].list];
        code = read_list(cfg, &lists[i], c->values[at][lists[i].list], err);
    }
    return code;
}

/* The faults found, of texts that are more than the schema can check. */
typedef struct findings {
    const mlc_cfg *cfg;
    mlc_buf *report;
    mlc_error *first;
    bool any;
} findings;

/* `why` tells what is wrong with the setting; where it stands is added. */
static void faulty(findings *found, const char *path, mlc_error *why)
{
    char where[WHERE_SIZE];
    char text[MLC_ERROR_MESSAGE_MAX + MLC_ERROR_CAUSE_MAX];
    (void)mlc_wrap(why, MLC_E_INVALID, "%s: %s", mlc_cfg_where(found->cfg, path, where, sizeof where), path);
    if (found->report != NULL)
        (void)mlc_buf_printf(found->report, NULL, "%s\n", mlc_error_text(why, text, sizeof text));
    if (!found->any && found->first != NULL)
        *found->first = *why;
    found->any = true;
}

static mlc_code read_plan(mlc_flow_config *c, findings *found, const mlc_flow_spec *spec, mlc_error *err)
{
    const mlc_cfg *const cfg = found->cfg;
    mlc_error why;
    char path[PATH_SIZE];
    mlc_flow_plan *const plan = &c->plans[c->plan_count];
    if (!mlc_cfg_bool(cfg, mlc_cfg_at(path, sizeof path, "flows.%s.enabled", spec->name)))
        return MLC_OK;
    plan->spec = spec;
    plan->jitter_ms = mlc_cfg_int(cfg, mlc_cfg_at(path, sizeof path, "flows.%s.jitter", spec->name));
    plan->catch_up = mlc_cfg_bool(cfg, mlc_cfg_at(path, sizeof path, "flows.%s.catch_up", spec->name));
    plan->overlap_ms = mlc_cfg_int(cfg, mlc_cfg_at(path, sizeof path, "flows.%s.overlap", spec->name));
    plan->page_size =
        (unsigned)mlc_cfg_int(cfg, mlc_cfg_at(path, sizeof path, "flows.%s.page_size", spec->name));
    (void)mlc_cfg_at(path, sizeof path, "flows.%s.schedule", spec->name);
    if (mlc_cron_parse(mlc_cfg_str(cfg, path), &plan->cron, &why) != MLC_OK)
        faulty(found, path, &why);
    (void)mlc_cfg_at(path, sizeof path, "flows.%s.window", spec->name);
    if (mlc_window_parse(mlc_cfg_str(cfg, path), &plan->window, &why) != MLC_OK)
        faulty(found, path, &why);
    if (spec->ledger)
        plan->settings.ledger =
            (mlc_flow_ledger){.enabled = mlc_cfg_bool(cfg, "flows.customers.open_balance"),
                              .posted_only = mlc_cfg_bool(cfg, "flows.customers.posted_only"),
                              .object_from = mlc_cfg_str(cfg, "flows.customers.object_from"),
                              .object_to = mlc_cfg_str(cfg, "flows.customers.object_to")};
    const mlc_code code = read_lists(c, cfg, plan, err);
    c->plan_count += code == MLC_OK ? 1 : 0;
    return code;
}

mlc_code mlc_flow_config_read(mlc_flow_config *out, const mlc_cfg *cfg, mlc_buf *report, mlc_error *err)
{
    findings found = {.cfg = cfg, .report = report, .first = err};
    const char *const zone = mlc_cfg_str(cfg, "flows.time_zone");
    mlc_code code = MLC_OK;
    mlc_error why;
    memset(out, 0, sizeof *out);
    if (zone != NULL && mlc_zone_open(&out->zone, zone, &why) != MLC_OK)
        faulty(&found, "flows.time_zone", &why);
    for (size_t i = 0; code == MLC_OK && i < mlc_flow_spec_count(); i++)
        code = read_plan(out, &found, &mlc_flow_specs[i], err);
    return code == MLC_OK && found.any ? MLC_E_INVALID : code;
}

void mlc_flow_config_free(mlc_flow_config *config)
{
    mlc_zone_close(config->zone);
    config->zone = NULL;
}
