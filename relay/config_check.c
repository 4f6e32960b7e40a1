/* config_check.c - see config_check.h. */
#include "relay/config_check.h"

#include "crypto/crypto.h"
#include "net/proxy.h"
#include "schedule/cron.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { PATH_SIZE = 128, WHERE_SIZE = 512, LINE_SIZE = 1024 };

static const char *text_of(const mlc_cfg *cfg, size_t tenant, const char *name)
{
    char path[PATH_SIZE];
    return mlc_cfg_str(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].%s", tenant, name));
}

static const char *secret_of(const mlc_cfg *cfg, size_t tenant, const char *name)
{
    char path[PATH_SIZE];
    return mlc_cfg_secret(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].%s", tenant, name));
}

static mlc_code add(mlc_cfg *cfg, size_t tenant, const char *name, const char *words, mlc_error *err)
{
    char path[PATH_SIZE], where[WHERE_SIZE], line[LINE_SIZE];
    (void)mlc_cfg_where(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].id", tenant), where, sizeof where);
    (void)snprintf(line, sizeof line, "%s: tenants[%zu].%s: %s", where, tenant, name, words);
    return mlc_cfg_element_fault_add(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu]", tenant), line, err);
}

/* ---- names ---- */

/* The name becomes a folder, a part of an address and a label: nothing that means something else there. */
const char *mlc_relay_config_name_fault(const char *id)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    if (id[strspn(id, allowed)] != '\0')
        return "only letters, digits, dots and dashes are allowed; choose another name";
    if (id[0] == '.' || id[0] == '-' || id[0] == '\0')
        return "the name must begin with a letter or a digit; choose another name";
    return NULL;
}

static mlc_code check_id(mlc_cfg *cfg, size_t tenant, mlc_error *err)
{
    const char *const id = text_of(cfg, tenant, "id");
    if (id == NULL)
        return MLC_OK; /* reported already */
    const char *const fault = mlc_relay_config_name_fault(id);
    if (fault != NULL)
        return add(cfg, tenant, "id", fault, err);
    /* Without regard to case, as some file systems have none. The first keeps the name. */
    for (size_t i = 0; i < tenant; i++) {
        const char *const other = text_of(cfg, i, "id");
        if (other != NULL && strcasecmp(id, other) == 0)
            return add(cfg, tenant, "id", "another tenant has this name; choose another name", err);
    }
    return MLC_OK;
}

/* ---- credentials ---- */

/* NULL: well. */
static const char *credential_fault(const mlc_cfg *cfg, size_t tenant)
{
    const char *const secret = secret_of(cfg, tenant, "dynamics.client_secret");
    const char *const cert = text_of(cfg, tenant, "dynamics.client_cert_file");
    const char *const key = text_of(cfg, tenant, "dynamics.client_key_file");
    if ((cert != NULL) != (key != NULL))
        return "a certificate needs its key and a key its certificate; set both client_cert_file and "
               "client_key_file";
    if (secret != NULL && cert != NULL)
        return "two ways to sign in are set; keep either client_secret, or client_cert_file and "
               "client_key_file";
    if (secret == NULL && cert == NULL)
        return "there is no way to sign in; set client_secret, or client_cert_file and client_key_file";
    return NULL;
}

static mlc_code check_proxy(mlc_cfg *cfg, size_t tenant, mlc_error *err)
{
    char group[PATH_SIZE], name[PATH_SIZE];
    const char *setting = NULL;
    (void)mlc_cfg_at(group, sizeof group, "tenants[%zu].dynamics", tenant);
    const char *const fault = mlc_proxy_fault(cfg, group, &setting);
    return fault != NULL ? add(cfg, tenant, mlc_cfg_at(name, sizeof name, "dynamics.%s", setting), fault, err)
                         : MLC_OK;
}

/* ---- nothing in common ---- */

/* Who knows the secret of one tenant must not be able to speak for another. */
static bool shares_secret(const mlc_cfg *cfg, size_t tenant)
{
    const char *const secret = secret_of(cfg, tenant, "webhook_secret");
    for (size_t i = 0; secret != NULL && i < tenant; i++) {
        if (mlc_secret_equal(secret, secret_of(cfg, i, "webhook_secret")))
            return true;
    }
    return false;
}

static bool has_agent(const mlc_cfg *cfg, size_t tenant, const char *agent)
{
    char path[PATH_SIZE];
    (void)mlc_cfg_at(path, sizeof path, "tenants[%zu].mtls_agents", tenant);
    for (size_t i = 0; i < mlc_cfg_count(cfg, path); i++) {
        if (strcmp(mlc_cfg_list_str(cfg, path, i), agent) == 0)
            return true;
    }
    return false;
}

static bool shares_agent(const mlc_cfg *cfg, size_t tenant)
{
    char path[PATH_SIZE];
    (void)mlc_cfg_at(path, sizeof path, "tenants[%zu].mtls_agents", tenant);
    for (size_t i = 0; i < mlc_cfg_count(cfg, path); i++) {
        for (size_t other = 0; other < tenant; other++) {
            if (has_agent(cfg, other, mlc_cfg_list_str(cfg, path, i)))
                return true;
        }
    }
    return false;
}

/* ---- when the comparison runs ---- */

static mlc_code check_schedule(mlc_cfg *cfg, size_t tenant, mlc_error *err)
{
    mlc_cron cron;
    mlc_error why;
    const char *const schedule = text_of(cfg, tenant, "compare.schedule");
    if (schedule == NULL || mlc_cron_parse(schedule, &cron, &why) == MLC_OK)
        return MLC_OK;
    return add(cfg, tenant, "compare.schedule", why.message, err);
}

mlc_code mlc_relay_config_check(mlc_cfg *cfg, mlc_error *err)
{
    mlc_code code = MLC_OK;
    const size_t tenants = mlc_cfg_count(cfg, "tenants");
    for (size_t i = 0; code == MLC_OK && i < tenants; i++) {
        const char *const credential = credential_fault(cfg, i);
        code = check_id(cfg, i, err);
        if (code == MLC_OK && credential != NULL)
            code = add(cfg, i, "dynamics", credential, err);
        if (code == MLC_OK)
            code = check_proxy(cfg, i, err);
        if (code == MLC_OK && shares_secret(cfg, i))
            code = add(cfg, i, "webhook_secret",
                       "another tenant has the same secret; make one for each tenant", err);
        if (code == MLC_OK && shares_agent(cfg, i))
            code = add(cfg, i, "mtls_agents",
                       "another tenant has an agent of this name; an agent serves one tenant", err);
        if (code == MLC_OK)
            code = check_schedule(cfg, i, err);
    }
    return code;
}
