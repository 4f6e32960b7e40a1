/* tenant_settings.c - see tenant_private.h. */
#include "relay/tenant_private.h"

const char *tenant_at(const mlc_tenant *t, tenant_path *path, const char *name)
{
    return mlc_cfg_at(path->text, sizeof path->text, "tenants[%zu].%s", t->opt.index, name);
}

const char *tenant_str(const mlc_tenant *t, const char *name)
{
    tenant_path path;
    return mlc_cfg_str(t->opt.cfg, tenant_at(t, &path, name));
}

int64_t tenant_num(const mlc_tenant *t, const char *name)
{
    tenant_path path;
    return mlc_cfg_int(t->opt.cfg, tenant_at(t, &path, name));
}

bool tenant_flag(const mlc_tenant *t, const char *name)
{
    tenant_path path;
    return mlc_cfg_bool(t->opt.cfg, tenant_at(t, &path, name));
}

int64_t tenant_limit(const mlc_tenant *t, const char *own, const char *common)
{
    const int64_t value = tenant_num(t, own);
    return value > 0 ? value : mlc_cfg_int(t->opt.cfg, common);
}

const char *tenant_secret(const mlc_tenant *t, const char *name)
{
    tenant_path path;
    return mlc_cfg_secret(t->opt.cfg, tenant_at(t, &path, name));
}
