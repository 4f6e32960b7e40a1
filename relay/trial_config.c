/* trial_config.c - see trial_config.h. */
#include "relay/trial_config.h"

#include "base/url.h"

#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 128, WHERE_SIZE = 512 };

static const char *setting(const mlc_cfg *cfg, size_t tenant, const char *name)
{
    char path[PATH_SIZE];
    return mlc_cfg_str(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].%s", tenant, name));
}

/* NULL: well. */
static const char *replay_fault(const mlc_cfg *cfg, size_t tenant)
{
    static const char *const needed[] = {"replay.directory", "replay.client_id", "replay.scope"};
    char path[PATH_SIZE];
    const char *const url = setting(cfg, tenant, "replay.url");
    const char *const production = setting(cfg, tenant, "dynamics.url");
    if (url == NULL)
        return NULL;
    if (url[strlen(url) - 1] != '/')
        return "replay.url: the address of the Web API must end with a slash";
    if (production != NULL && mlc_url_same_host(url, production))
        return "replay.url: is the organisation of dynamics.url; a replay goes to a test organisation only, "
               "set "
               "the address of that one or leave replay out";
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (setting(cfg, tenant, needed[i]) == NULL)
            return "replay: a test target needs replay.directory, replay.client_id, replay.client_secret and "
                   "replay.scope; set them, or leave replay.url out";
    (void)mlc_cfg_at(path, sizeof path, "tenants[%zu].replay.client_secret", tenant);
    return mlc_cfg_secret(cfg, path) != NULL
               ? NULL
               : "replay.client_secret: is missing; set it, or leave replay.url out";
}

mlc_code mlc_trial_config_check(const mlc_cfg *cfg, mlc_buf *report, mlc_error *err)
{
    mlc_code code = MLC_OK;
    for (size_t i = 0; i < mlc_cfg_count(cfg, "tenants"); i++) {
        char path[PATH_SIZE], where[WHERE_SIZE];
        const char *const fault = replay_fault(cfg, i);
        if (fault == NULL)
            continue;
        (void)mlc_cfg_where(cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].id", i), where, sizeof where);
        if (report != NULL)
            (void)mlc_buf_printf(report, NULL, "%s: tenants[%zu].%s\n", where, i, fault);
        if (code == MLC_OK)
            code = mlc_fail(err, MLC_E_INVALID, "%s: tenants[%zu].%s", where, i, fault);
    }
    return code;
}
