/* proxy.h - the way out through an HTTP proxy: its settings, and what follows from them.
 *
 * Sign-in. With "any", the proxy is asked first what it takes, and the strongest of Digest, NTLM and Basic is used with user
 * and password. Without a user that is Negotiate, with the Kerberos ticket of the service's user: a password never is
 * the way into it. A scheme that is named is the only one; then nobody between can talk us down to Basic.
 * Thread rule: the plan is immutable after make; any thread.
 */
#ifndef MLC_NET_PROXY_H
#define MLC_NET_PROXY_H

#include "base/config.h"

/* As the operator sets it; texts are borrowed. All zero: no proxy. */
typedef struct mlc_proxy {
    const char
        *url; /* "http://[user:password@]host:port"; MLC_PROXY_ENVIRONMENT, _SYSTEM; NULL or "": none */
    const char *target;   /* what the way leads to, for MLC_PROXY_SYSTEM; NULL: not known */
    const char *no_proxy; /* hosts reached without it (no_proxy.h); with the environment, beside NO_PROXY */
    const char *user, *password; /* win over those in the URL; NULL: none */
    const char *auth;            /* one of mlc_proxy_auths; NULL: "any" */
} mlc_proxy;

/* https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY (the first that is set), no_proxy, NO_PROXY. */
#define MLC_PROXY_ENVIRONMENT "from_environment"

/* What Windows' settings name for the target, also by a PAC script (proxy_system.h). */
#define MLC_PROXY_SYSTEM "from_system"

/* "any", "basic", "digest", "ntlm", "negotiate", NULL. */
extern const char *const mlc_proxy_auths[];

/* Rows of a schema, for a group ("relay", "tenants[].dynamics") that has a proxy, and a row "url" for where it leads. */
/* clang-format off */
#define MLC_PROXY_FIELDS(group) \
    {group ".proxy", MLC_CFG_STRING, false, NULL, 0, 512, NULL, \
     "HTTP proxy, http://HOST:PORT; or from_environment: HTTPS_PROXY and NO_PROXY; or, on Windows, from_system: its settings, also a PAC script"}, \
    {group ".proxy_user", MLC_CFG_STRING, false, NULL, 1, 255, NULL, \
     "User at the proxy; for NTLM also DOMAIN\\\\user"}, \
    {group ".proxy_password", MLC_CFG_SECRET, false, NULL, 0, 0, NULL, "Its password"}, \
    {group ".proxy_auth", MLC_CFG_ENUM, false, "any", 0, 0, mlc_proxy_auths, \
     "Sign-in at the proxy; any: what it offers; negotiate: Kerberos, with the ticket of the service's user"}, \
    {group ".no_proxy", MLC_CFG_STRING, false, NULL, 0, 2048, NULL, \
     "Hosts reached without the proxy: names, .domains, addresses, networks such as 10.0.0.0/8; commas between"}
/* clang-format on */

/* The settings of a group ("relay", "tenants[0].dynamics") whose schema has MLC_PROXY_FIELDS. Borrowed from cfg. */
mlc_proxy mlc_proxy_of(const mlc_cfg *cfg, const char *group);
/* What is wrong with them, as "reason; remedy", and in *setting the setting's name within the group; NULL: nothing. A
 * password in the URL is a fault: it stands in the configuration as a reference. */
const char *mlc_proxy_fault(const mlc_cfg *cfg, const char *group, const char **setting);
/* The same for a program: a fault goes into report (may be NULL) and err as "file:line: group.setting: ...". */
mlc_code mlc_proxy_check(const mlc_cfg *cfg, const char *group, mlc_buf *report, mlc_error *err);

/* What is in force. Zero-initialised it is no proxy. */
typedef struct mlc_proxy_plan {
    char *name;            /* "host:port", for messages too; NULL: no proxy */
    char *user, *password; /* NULL: none */
    char *no_proxy, *env_no_proxy;
    const char *auth; /* one of mlc_proxy_auths */
} mlc_proxy_plan;

/* Copy, with the environment looked up. The caller frees. MLC_E_INVALID names setting or variable, and no password. */
mlc_code mlc_proxy_plan_make(mlc_proxy_plan *out, const mlc_proxy *settings, mlc_error *err);
void mlc_proxy_plan_free(mlc_proxy_plan *plan);
/* Does the way to this host (no port, IPv6 without brackets) lead through the proxy? */
bool mlc_proxy_plan_leads(const mlc_proxy_plan *plan, const char *host);

#endif
