/* tenants.c - see tenants.h. */
#include "relay/tenants.h"

#include "net/timer.h"
#include "relay/config_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ID_SIZE = 64, WHY_SIZE = 512, PATH_SIZE = 64 };

/* A configuration that tenants were opened with. */
typedef struct config_ref {
    unsigned refs;
    const mlc_cfg *cfg;
    mlc_cfg *owned; /* NULL: the caller's */
} config_ref;

typedef struct place {
    char id[ID_SIZE];
    config_ref *config;
    size_t index;       /* in its configuration */
    mlc_tenant *tenant; /* NULL: closed */
    bool due;           /* to be opened when all that goes is closed */
    char why[WHY_SIZE]; /* why it is closed, or not as configured; "" when all is well */
    uint64_t failures;
    mlc_webhook_target closed; /* for its webhooks while it is closed */
} place;

struct mlc_tenants {
    mlc_tenants_options opt;
    mlc_timer *retry;
    place **places;
    size_t count;
};

/* ---- configurations ---- */

static config_ref *config_new(const mlc_cfg *cfg, mlc_cfg *owned)
{
    config_ref *const ref = calloc(1, sizeof *ref);
    if (ref != NULL)
        *ref = (config_ref){.refs = 1, .cfg = cfg, .owned = owned};
    return ref;
}

static void config_unref(config_ref *ref)
{
    if (ref == NULL || --ref->refs > 0)
        return;
    mlc_cfg_free(ref->owned);
    free(ref);
}

static const char *element(char path[PATH_SIZE], size_t index)
{
    return mlc_cfg_at(path, PATH_SIZE, "tenants[%zu]", index);
}

static const char *secret_of(const place *p, const char *name)
{
    char path[2 * PATH_SIZE];
    return mlc_cfg_secret(p->config->cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].%s", p->index, name));
}

/* One without a usable name of its own is called by its place in the list: "tenants[2]", which is no tenant's name. */
static void name_of(const mlc_cfg *cfg, size_t index, char out[ID_SIZE])
{
    char path[PATH_SIZE];
    const char *id = mlc_cfg_str(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].id", index));
    bool usable = id != NULL && mlc_relay_config_name_fault(id) == NULL;
    (void)snprintf(out, ID_SIZE, "%.*s", ID_SIZE - 1, usable ? id : "");
    for (size_t i = 0; usable && i < index; i++) {
        const char *const other = mlc_cfg_str(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].id", i));
        usable = other == NULL || strcmp(other, out) != 0;
    }
    if (!usable)
        (void)snprintf(out, ID_SIZE, "%s", element(path, index));
}

/* ---- one place ---- */

static mlc_code add_agents(const mlc_tenants *tenants, const place *p, mlc_error *err)
{
    char path[2 * PATH_SIZE];
    mlc_code code = MLC_OK;
    (void)mlc_cfg_at(path, sizeof path, "tenants[%zu].mtls_agents", p->index);
    for (size_t i = 0; code == MLC_OK && i < mlc_cfg_count(p->config->cfg, path); i++)
        code = mlc_agents_add_certified(tenants->opt.agents, mlc_cfg_list_str(p->config->cfg, path, i), p->id,
                                        err);
    return code;
}

static mlc_code add_secrets(const mlc_tenants *tenants, const place *p, mlc_error *err)
{
    const mlc_code code = mlc_log_add_secret(tenants->opt.log, secret_of(p, "webhook_secret"), err);
    return code == MLC_OK ? mlc_log_add_secret(tenants->opt.log, secret_of(p, "dynamics.client_secret"), err)
                          : code;
}

static mlc_code try_open(mlc_tenants *tenants, place *p, mlc_error *err)
{
    char path[PATH_SIZE];
    const char *const faults = mlc_cfg_element_faults(p->config->cfg, element(path, p->index));
    const mlc_tenant_options options = {.loop = tenants->opt.loop,
                                        .log = tenants->opt.log,
                                        .cfg = p->config->cfg,
                                        .index = p->index,
                                        .software = tenants->opt.software,
                                        .on_down = tenants->opt.on_down,
                                        .user = tenants->opt.user};
    if (faults != NULL)
        return mlc_fail(err, MLC_E_INVALID, "%.*s", WHY_SIZE, faults);
    mlc_code code = mlc_tenant_open(&p->tenant, &options, err);
    if (code != MLC_OK)
        return code;
    code = add_agents(tenants, p, err);
    if (code == MLC_OK)
        return MLC_OK;
    mlc_agents_drop_certified(tenants->opt.agents, p->id);
    mlc_tenant_stop(p->tenant);
    mlc_tenant_close(p->tenant);
    p->tenant = NULL;
    return code;
}

static void open_place(mlc_tenants *tenants, place *p)
{
    mlc_error err;
    char why[WHY_SIZE];
    if (try_open(tenants, p, &err) == MLC_OK) {
        mlc_log_info(tenants->opt.log, "tenants", "tenant opened", MLC_S("tenant", p->id));
        p->why[0] = '\0';
        tenants->opt.on_opened(tenants->opt.user, p->tenant);
        return;
    }
    p->failures++;
    (void)mlc_error_text(&err, why, sizeof why);
    /* Said once, not at each try. */
    if (strcmp(why, p->why) != 0)
        mlc_log_error(tenants->opt.log, "tenants", "tenant cannot be opened, the others are not touched",
                      MLC_S("tenant", p->id), MLC_S("error", why));
    memcpy(p->why, why, sizeof why);
}

static void close_place(mlc_tenants *tenants, place *p)
{
    if (p->tenant == NULL)
        return;
    tenants->opt.on_closing(tenants->opt.user, p->tenant);
    mlc_agents_drop_certified(tenants->opt.agents, p->id);
    mlc_tenant_stop(p->tenant);
    mlc_tenant_close(p->tenant);
    p->tenant = NULL;
}

static void bind_place(mlc_tenants *tenants, place *p, config_ref *config, size_t index)
{
    mlc_error err;
    config->refs++;
    config_unref(p->config);
    p->config = config;
    p->index = index;
    const char *const secret = secret_of(p, "webhook_secret");
    p->closed = (mlc_webhook_target){.tenant = p->id, .secret = secret != NULL ? secret : ""};
    if (add_secrets(tenants, p, &err) != MLC_OK)
        mlc_log_error(tenants->opt.log, "tenants", "secrets cannot be kept out of the log",
                      MLC_S("tenant", p->id), MLC_S("error", err.message));
}

static void free_place(place *p)
{
    config_unref(p->config);
    free(p);
}

/* ---- all of them ---- */

static place *find_place(const mlc_tenants *tenants, const char *id)
{
    for (size_t i = 0; i < tenants->count; i++) {
        if (strcmp(tenants->places[i]->id, id) == 0)
            return tenants->places[i];
    }
    return NULL;
}

static place *add_place(mlc_tenants *tenants, const char *id)
{
    place **const grown = realloc(tenants->places, (tenants->count + 1) * sizeof(place *));
    if (grown == NULL)
        return NULL;
    tenants->places = grown;
    place *const p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    (void)snprintf(p->id, sizeof p->id, "%s", id);
    tenants->places[tenants->count++] = p;
    return p;
}

static void on_retry(void *arg)
{
    mlc_tenants *const tenants = arg;
    for (size_t i = 0; i < tenants->count; i++) {
        place *const p = tenants->places[i];
        char path[PATH_SIZE];
        /* Faults of the configuration go with another configuration only. */
        if (p->tenant == NULL && mlc_cfg_element_faults(p->config->cfg, element(path, p->index)) == NULL)
            open_place(tenants, p);
    }
}

/* A place that is not of the new configuration goes. */
static void drop_old(mlc_tenants *tenants, const config_ref *config)
{
    size_t kept = 0;
    for (size_t i = 0; i < tenants->count; i++) {
        place *const p = tenants->places[i];
        char name[ID_SIZE];
        bool wanted = false;
        for (size_t k = 0; !wanted && k < mlc_cfg_count(config->cfg, "tenants"); k++) {
            name_of(config->cfg, k, name);
            wanted = strcmp(name, p->id) == 0;
        }
        if (wanted) {
            tenants->places[kept++] = p;
            continue;
        }
        mlc_log_info(tenants->opt.log, "tenants", "tenant left the configuration", MLC_S("tenant", p->id));
        close_place(tenants, p);
        free_place(p);
    }
    tenants->count = kept;
}

static bool is_same(const place *p, const mlc_cfg *cfg, const char *path)
{
    char old_path[PATH_SIZE];
    return mlc_cfg_element_same(p->config->cfg, element(old_path, p->index), cfg, path);
}

/* The place of an element, bound to its new settings and closed when these differ. */
static mlc_code prepare(mlc_tenants *tenants, config_ref *config, size_t index, mlc_error *err)
{
    char name[ID_SIZE], path[PATH_SIZE];
    name_of(config->cfg, index, name);
    const char *const faults = mlc_cfg_element_faults(config->cfg, element(path, index));
    place *p = find_place(tenants, name);
    if (p != NULL && p->tenant != NULL && faults != NULL) {
        (void)snprintf(p->why, sizeof p->why, "goes on with its former settings: %s", faults);
        mlc_log_error(tenants->opt.log, "tenants", "tenant goes on with its former settings",
                      MLC_S("tenant", name), MLC_S("error", faults));
        return MLC_OK;
    }
    if (p != NULL && p->tenant != NULL && is_same(p, config->cfg, path)) {
        p->why[0] = '\0';
        return MLC_OK;
    }
    if (p == NULL)
        p = add_place(tenants, name);
    if (p == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for tenant %s", name);
    close_place(tenants, p);
    bind_place(tenants, p, config, index);
    p->due = true;
    return MLC_OK;
}

/* All that goes is closed before anything is opened: an agent may move from one tenant to another. */
static mlc_code apply(mlc_tenants *tenants, config_ref *config, mlc_error *err)
{
    const size_t count = mlc_cfg_count(config->cfg, "tenants");
    mlc_code code = MLC_OK;
    if (count == 0)
        return mlc_fail(err, MLC_E_INVALID, "no tenants are configured; add a group to the list \"tenants\"");
    drop_old(tenants, config);
    for (size_t i = 0; code == MLC_OK && i < count; i++)
        code = prepare(tenants, config, i, err);
    for (size_t i = 0; i < tenants->count; i++) {
        if (tenants->places[i]->due)
            open_place(tenants, tenants->places[i]);
        tenants->places[i]->due = false;
    }
    return code;
}

mlc_code mlc_tenants_reload(mlc_tenants *tenants, mlc_cfg *cfg, mlc_error *err)
{
    config_ref *const config = config_new(cfg, cfg);
    if (config == NULL) {
        mlc_cfg_free(cfg);
        return mlc_fail(err, MLC_E_NOMEM, "no memory for another configuration");
    }
    const mlc_code code = apply(tenants, config, err);
    config_unref(config);
    return code;
}

mlc_code mlc_tenants_open(mlc_tenants **out, const mlc_tenants_options *options, const mlc_cfg *cfg,
                          mlc_error *err)
{
    mlc_tenants *const tenants = calloc(1, sizeof *tenants);
    config_ref *const config = config_new(cfg, NULL);
    mlc_code code =
        tenants != NULL && config != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for tenants");
    if (code == MLC_OK) {
        tenants->opt = *options;
        code = mlc_timer_open(&tenants->retry, options->loop, on_retry, tenants, err);
    }
    if (code == MLC_OK)
        code = apply(tenants, config, err);
    config_unref(config);
    if (code != MLC_OK) {
        mlc_tenants_close(tenants);
        return code;
    }
    mlc_timer_start(tenants->retry, options->retry_ms, options->retry_ms);
    *out = tenants;
    return MLC_OK;
}

void mlc_tenants_close(mlc_tenants *tenants)
{
    if (tenants == NULL)
        return;
    mlc_timer_close(tenants->retry);
    /* First all requests, then the stores: none waits for another. */
    for (size_t i = 0; i < tenants->count; i++) {
        if (tenants->places[i]->tenant != NULL)
            mlc_tenant_stop(tenants->places[i]->tenant);
    }
    for (size_t i = 0; i < tenants->count; i++) {
        mlc_tenant_close(tenants->places[i]->tenant);
        free_place(tenants->places[i]);
    }
    free(tenants->places);
    free(tenants);
}

/* ---- views ---- */

mlc_tenant *mlc_tenants_find(const mlc_tenants *tenants, const char *id)
{
    const place *const p = find_place(tenants, id);
    return p != NULL ? p->tenant : NULL;
}

mlc_tenant *mlc_tenants_at(const mlc_tenants *tenants, size_t at, bool *more)
{
    if (more != NULL)
        *more = at + 1 < tenants->count;
    return at < tenants->count ? tenants->places[at]->tenant : NULL;
}

bool mlc_tenants_known(const mlc_tenants *tenants, const char *id)
{
    return find_place(tenants, id) != NULL;
}

const mlc_webhook_target *mlc_tenants_webhook(const mlc_tenants *tenants, const char *id)
{
    const place *const p = find_place(tenants, id);
    if (p == NULL)
        return NULL;
    if (p->tenant != NULL)
        return mlc_tenant_webhook(p->tenant);
    return p->closed.secret[0] != '\0' ? &p->closed : NULL;
}

void mlc_tenants_status(const mlc_tenants *tenants, cJSON *status)
{
    cJSON *const all = cJSON_AddObjectToObject(status, "tenants");
    for (size_t i = 0; i < tenants->count; i++) {
        const place *const p = tenants->places[i];
        cJSON *const obj = cJSON_AddObjectToObject(all, p->id);
        (void)mlc_json_add_bool(obj, "open", p->tenant != NULL, NULL);
        (void)mlc_json_add_str(obj, "why", p->why[0] != '\0' ? p->why : NULL, NULL);
        (void)mlc_json_add_int(obj, "failures", (int64_t)p->failures, NULL);
        if (p->tenant != NULL)
            mlc_tenant_status(p->tenant, obj);
    }
}

bool mlc_tenants_healthy(const mlc_tenants *tenants, char *why, size_t size)
{
    for (size_t i = 0; i < tenants->count; i++) {
        const place *const p = tenants->places[i];
        if (p->tenant != NULL)
            continue;
        (void)snprintf(why, size, "tenant %s is not open: %s", p->id, p->why);
        return false;
    }
    return true;
}

static void family(mlc_buf *out, const char *name, const char *type, const char *help)
{
    (void)mlc_buf_printf(out, NULL, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void mlc_tenants_metrics(const mlc_tenants *tenants, mlc_buf *out)
{
    family(out, "ml_tenant_open", "gauge", "1: the tenant works; 0: it cannot be opened.");
    for (size_t i = 0; i < tenants->count; i++)
        (void)mlc_buf_printf(out, NULL, "ml_tenant_open{tenant=\"%s\"} %d\n", tenants->places[i]->id,
                             tenants->places[i]->tenant != NULL);
    family(out, "ml_tenant_webhooks_total", "counter",
           "Webhooks with the right secret, by what the quota said.");
    for (size_t i = 0; i < tenants->count; i++) {
        const place *const p = tenants->places[i];
        const mlc_quota *const quota = p->tenant != NULL ? mlc_tenant_webhook(p->tenant)->quota : NULL;
        if (quota == NULL)
            continue;
        (void)mlc_buf_printf(out, NULL,
                             "ml_tenant_webhooks_total{tenant=\"%s\",quota=\"taken\"} %llu\n"
                             "ml_tenant_webhooks_total{tenant=\"%s\",quota=\"refused\"} %llu\n",
                             p->id, (unsigned long long)quota->taken, p->id,
                             (unsigned long long)quota->refused);
    }
}
