#include "net/proxy.h"

#include "crypto/crypto.h"
#include "net/host.h"
#include "net/no_proxy.h"
#include "net/proxy_system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PATH_SIZE = 128, WHERE_SIZE = 512, LINE_SIZE = 1024 };

static const char scheme[] = "http://";

const char *const mlc_proxy_auths[] = {"any", "basic", "digest", "ntlm", "negotiate", NULL};

/* ---- the settings ---- */

static const char *at(const char *group, const char *name, char path[PATH_SIZE])
{
    return mlc_cfg_at(path, PATH_SIZE, "%s.%s", group, name);
}

mlc_proxy mlc_proxy_of(const mlc_cfg *cfg, const char *group)
{
    char path[PATH_SIZE];
    return (mlc_proxy){.url = mlc_cfg_str(cfg, at(group, "proxy", path)),
                       .target = mlc_cfg_str(cfg, at(group, "url", path)),
                       .no_proxy = mlc_cfg_str(cfg, at(group, "no_proxy", path)),
                       .user = mlc_cfg_str(cfg, at(group, "proxy_user", path)),
                       .password = mlc_cfg_secret(cfg, at(group, "proxy_password", path)),
                       .auth = mlc_cfg_str(cfg, at(group, "proxy_auth", path))};
}

static bool is_set(const char *text)
{
    return text != NULL && text[0] != '\0';
}

static bool is_environment(const mlc_proxy *settings)
{
    return is_set(settings->url) && strcmp(settings->url, MLC_PROXY_ENVIRONMENT) == 0;
}

static bool is_system(const mlc_proxy *settings)
{
    return is_set(settings->url) && strcmp(settings->url, MLC_PROXY_SYSTEM) == 0;
}

/* Host and port of "[http://][user:password@]host:port[/]"; *user_len: bytes of the part before the at sign. */
static bool split_url(const char *url, const char **rest, size_t *user_len, char **host, int *port)
{
    const char *const from = strncasecmp(url, scheme, sizeof scheme - 1) == 0 ? url + sizeof scheme - 1 : url;
    const size_t len = strcspn(from, "/");
    const char *const sign = memrchr(from, '@', len);
    const char *const name = sign != NULL ? sign + 1 : from;
    *rest = from;
    *user_len = sign != NULL ? (size_t)(sign - from) : 0;
    *port = 0;
    *host = NULL;
    if (strstr(from, "://") != NULL || (from[len] == '/' && from[len + 1] != '\0'))
        return false;
    return mlc_host_split(name, len - (size_t)(name - from), host, port);
}

static const char *url_fault(const mlc_proxy *settings)
{
    const char *rest = NULL;
    size_t user_len = 0;
    char *host = NULL;
    int port = 0;
    if (!is_set(settings->url) || is_environment(settings))
        return NULL;
    if (is_system(settings))
        return mlc_proxy_system_fault();
    const bool ok = strncasecmp(settings->url, scheme, sizeof scheme - 1) == 0 &&
                    split_url(settings->url, &rest, &user_len, &host, &port);
    free(host);
    if (strchr(settings->url, '@') != NULL)
        return "a user and a password do not stand here; set proxy_user and proxy_password";
    return ok ? NULL : "not the address of an HTTP proxy; write http://HOST:PORT, or from_environment";
}

static const char *user_fault(const mlc_proxy *settings)
{
    const bool negotiate = is_set(settings->auth) && strcmp(settings->auth, "negotiate") == 0;
    if (is_set(settings->user) && !is_set(settings->url))
        return "there is no proxy to sign in to; set proxy, or remove this";
    if (is_set(settings->user) && negotiate)
        return "Negotiate takes the Kerberos ticket of the service's user and no other; remove proxy_user "
               "and proxy_password, or choose another proxy_auth";
    if (is_set(settings->user) != is_set(settings->password))
        return "user and password go together; set both proxy_user and proxy_password";
    return NULL;
}

static const char *auth_fault(const mlc_proxy *settings)
{
    const char *const auth = is_set(settings->auth) ? settings->auth : mlc_proxy_auths[0];
    const bool by_password = strcmp(auth, "any") != 0 && strcmp(auth, "negotiate") != 0;
    if (by_password && is_set(settings->url) && !is_environment(settings) && !is_set(settings->user))
        return "this sign-in needs a user and a password; set proxy_user and proxy_password";
    return NULL;
}

static const char *fault_of(const mlc_proxy *settings, const char **setting)
{
    const struct {
        const char *setting, *fault;
    } looks[] = {{"proxy", url_fault(settings)},
                 {"proxy_user", user_fault(settings)},
                 {"proxy_auth", auth_fault(settings)},
                 {"no_proxy", mlc_no_proxy_fault(settings->no_proxy)}};
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++) {
        *setting = looks[i].setting;
        if (looks[i].fault != NULL)
            return looks[i].fault;
    }
    return NULL;
}

const char *mlc_proxy_fault(const mlc_cfg *cfg, const char *group, const char **setting)
{
    const mlc_proxy settings = mlc_proxy_of(cfg, group);
    return fault_of(&settings, setting);
}

mlc_code mlc_proxy_check(const mlc_cfg *cfg, const char *group, mlc_buf *report, mlc_error *err)
{
    char path[PATH_SIZE];
    char where[WHERE_SIZE];
    const char *setting = NULL;
    const char *const fault = mlc_proxy_fault(cfg, group, &setting);
    if (fault == NULL)
        return MLC_OK;
    (void)at(group, setting, path);
    (void)mlc_cfg_where(cfg, path, where, sizeof where);
    if (report != NULL)
        (void)mlc_buf_printf(report, NULL, "%s: %s: %s\n", where, path, fault);
    return mlc_fail(err, MLC_E_INVALID, "%s: %s: %s", where, path, fault);
}

/* ---- the plan ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decode in place; false when malformed or with a NUL. */
static bool url_decode(char *text)
{
    char *to = text;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p != '%') {
            *to++ = *p;
            continue;
        }
        const int high = hex_digit(p[1]);
        const int low = high < 0 ? -1 : hex_digit(p[2]);
        if (low < 0 || (high == 0 && low == 0))
            return false;
        *to++ = (char)(16 * high + low);
        p += 2;
    }
    *to = '\0';
    return true;
}

static void wipe_free(char **text)
{
    if (*text != NULL)
        mlc_wipe(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void mlc_proxy_plan_free(mlc_proxy_plan *plan)
{
    free(plan->name);
    wipe_free(&plan->user);
    wipe_free(&plan->password);
    free(plan->no_proxy);
    free(plan->env_no_proxy);
    *plan = (mlc_proxy_plan){0};
}

static bool copy_text(char **to, const char *from)
{
    *to = is_set(from) ? mlc_strdup(from) : NULL;
    return !is_set(from) || *to != NULL;
}

static const char *first_variable(const char *const names[], const char **name)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        const char *const value = getenv(names[i]);
        *name = names[i];
        if (is_set(value))
            return value;
    }
    return NULL;
}

/* "user:password" of a URL, unless the settings name a user. */
static mlc_code take_user(mlc_proxy_plan *out, const char *text, size_t len, const char *name, mlc_error *err)
{
    const char *const colon = memchr(text, ':', len);
    const size_t user_len = colon != NULL ? (size_t)(colon - text) : len;
    if (len == 0 || out->user != NULL)
        return MLC_OK;
    out->user = mlc_strndup(text, user_len);
    out->password = colon != NULL ? mlc_strndup(colon + 1, len - user_len - 1) : mlc_strdup("");
    if (out->user == NULL || out->password == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the proxy's settings");
    if (!url_decode(out->user) || !url_decode(out->password))
        return mlc_fail(err, MLC_E_INVALID,
                        "%s: a percent sign in user or password is malformed; write it as %%25", name);
    return MLC_OK;
}

static mlc_code take_url(mlc_proxy_plan *out, const char *url, const char *name, mlc_error *err)
{
    char text[MLC_AUTHORITY_MAX];
    const char *rest = NULL;
    size_t user_len = 0;
    char *host = NULL;
    int port = 0;
    if (!split_url(url, &rest, &user_len, &host, &port))
        return mlc_fail(err, MLC_E_INVALID,
                        "%s: not the address of an HTTP proxy; write http://[user:password@]host:port", name);
    out->name = mlc_strdup(mlc_host_join(host, port, text));
    free(host);
    if (out->name == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the proxy's settings");
    return take_user(out, rest, user_len, name, err);
}

/* The text of ours, since the settings' may go before the plan; NULL: there is none. */
static const char *known_auth(const char *auth)
{
    size_t i = 0;
    while (is_set(auth) && mlc_proxy_auths[i] != NULL && strcmp(mlc_proxy_auths[i], auth) != 0)
        i++;
    return mlc_proxy_auths[i];
}

mlc_code mlc_proxy_plan_make(mlc_proxy_plan *out, const mlc_proxy *settings, mlc_error *err)
{
    static const char *const proxies[] = {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL};
    static const char *const exceptions[] = {"no_proxy", "NO_PROXY", NULL};
    const char *name = "proxy";
    const char *ignored = NULL;
    const char *url = settings->url;
    const char *env_no_proxy = NULL;
    *out = (mlc_proxy_plan){.auth = known_auth(settings->auth)};
    if (out->auth == NULL)
        return mlc_fail(err, MLC_E_INVALID, "proxy_auth: not a way to sign in at a proxy");
    if (is_environment(settings)) {
        url = first_variable(proxies, &name);
        env_no_proxy = first_variable(exceptions, &ignored);
    }
    if (!is_set(url))
        return MLC_OK;
    char *found = NULL;
    mlc_code code = is_system(settings) ? mlc_proxy_system(settings->target, &found, err) : MLC_OK;
    if (code != MLC_OK || (is_system(settings) && found == NULL))
        return code;
    url = found != NULL ? found : url;
    if (!copy_text(&out->user, settings->user) || !copy_text(&out->password, settings->password) ||
        !copy_text(&out->no_proxy, settings->no_proxy) || !copy_text(&out->env_no_proxy, env_no_proxy))
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for the proxy's settings");
    if (code == MLC_OK)
        code = take_url(out, url, name, err);
    free(found);
    if (code != MLC_OK)
        mlc_proxy_plan_free(out);
    return code;
}

bool mlc_proxy_plan_leads(const mlc_proxy_plan *plan, const char *host)
{
    return plan->name != NULL && !mlc_no_proxy_has(plan->no_proxy, host) &&
           !mlc_no_proxy_has(plan->env_no_proxy, host);
}
