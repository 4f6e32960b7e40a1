/* http_proxy.c - a call's way through the proxy: what libcurl is told, and what a refusal means. */
#include "net/http_private.h"

#include <stdio.h>
#include <string.h>

/* ---- the way ---- */

static long schemes_of(const mlc_proxy_plan *plan)
{
    static const struct {
        const char *auth;
        unsigned long scheme;
    } named[] = {{"basic", CURLAUTH_BASIC},
                 {"digest", CURLAUTH_DIGEST},
                 {"ntlm", CURLAUTH_NTLM},
                 {"negotiate", CURLAUTH_NEGOTIATE}};
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (strcmp(plan->auth, named[i].auth) == 0)
            return (long)named[i].scheme;
    /* ONLY, with one scheme: not before the proxy has asked for it. */
    return plan->user != NULL ? (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST | CURLAUTH_NTLM)
                              : (long)(CURLAUTH_NEGOTIATE | CURLAUTH_ONLY);
}

void mlc_http_proxy_set(const mlc_http_call *call)
{
    CURL *const easy = call->easy;
    const mlc_proxy_plan *const plan = &call->client->proxy;
    /* Ours is the judgement; libcurl would look into the environment as well. */
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROXY, call->proxied ? plan->name : "");
    if (!call->proxied)
        return;
    curl_easy_setopt(easy, CURLOPT_PROXYTYPE, (long)CURLPROXY_HTTP);
    curl_easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXYAUTH, schemes_of(plan));
    /* libcurl signs in only with a user; an empty one stands for the Kerberos ticket. */
    curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, plan->user != NULL ? plan->user : "");
    curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, plan->password != NULL ? plan->password : "");
}

mlc_code mlc_http_proxy_supported(const mlc_proxy_plan *plan, mlc_error *err)
{
    const int features = curl_version_info(CURLVERSION_NOW)->features;
    const bool ntlm = strcmp(plan->auth, "ntlm") == 0 && (features & CURL_VERSION_NTLM) == 0;
    const bool negotiate = strcmp(plan->auth, "negotiate") == 0 && (features & CURL_VERSION_SPNEGO) == 0;
    if (plan->name == NULL || (!ntlm && !negotiate))
        return MLC_OK;
    return mlc_fail(
        err, MLC_E_UNSUPPORTED,
        "proxy_auth: the libcurl of this machine knows no %s; install a full one (RHEL: libcurl in place "
        "of libcurl-minimal)",
        ntlm ? "NTLM" : "Negotiate");
}

const char *mlc_http_client_proxy(const mlc_http_client *client, const char *host)
{
    return mlc_proxy_plan_leads(&client->proxy, host) ? client->proxy.name : NULL;
}

/* ---- refused ---- */

static void list_schemes(unsigned long offered, char out[48])
{
    static const struct {
        unsigned long scheme;
        const char *name;
    } known[] = {{CURLAUTH_NEGOTIATE, "Negotiate"},
                 {CURLAUTH_NTLM, "NTLM"},
                 {CURLAUTH_DIGEST, "Digest"},
                 {CURLAUTH_BASIC, "Basic"}};
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if ((offered & known[i].scheme) != 0)
            len += (size_t)snprintf(out + len, 48 - len, "%s%s", len > 0 ? ", " : "", known[i].name);
}

static const char *remedy_of(const mlc_proxy_plan *plan, unsigned long offered)
{
    static const unsigned long by_password = CURLAUTH_BASIC | CURLAUTH_DIGEST | CURLAUTH_NTLM;
    const unsigned long allowed = (unsigned long)schemes_of(plan);
    const bool ticket = plan->user == NULL && (allowed & CURLAUTH_NEGOTIATE) != 0;
    if ((offered & (by_password | CURLAUTH_NEGOTIATE)) == 0)
        return "have the proxy offer Negotiate, NTLM, Digest or Basic, or let this machine through without a "
               "sign-in";
    if (ticket && (offered & CURLAUTH_NEGOTIATE) != 0)
        return "give the service's user a Kerberos ticket that the proxy accepts (kinit, or "
               "KRB5_CLIENT_KTNAME), or set proxy_user and proxy_password for another sign-in";
    if (plan->user == NULL)
        return "set proxy_user and proxy_password";
    if ((offered & allowed) != 0)
        return "correct proxy_user and proxy_password; see that the account is not locked and may use the "
               "proxy";
    if (offered == CURLAUTH_NEGOTIATE)
        return "set proxy_auth = \"negotiate\", remove proxy_user, and give the service's user a Kerberos "
               "ticket";
    return "set proxy_auth to a sign-in that it offers, or to \"any\"";
}

/* Did the proxy get a password that it does not take? */
static bool is_password_refused(const mlc_proxy_plan *plan, unsigned long offered)
{
    return plan->user != NULL && (offered & (unsigned long)schemes_of(plan)) != 0;
}

mlc_code mlc_http_proxy_refused(const mlc_http_call *call, mlc_error *err)
{
    long status = 0;
    long offered = 0;
    char names[48];
    const mlc_proxy_plan *const plan = &call->client->proxy;
    if (!call->proxied || curl_easy_getinfo(call->easy, CURLINFO_HTTP_CONNECTCODE, &status) != CURLE_OK ||
        status == 0 || status / 100 == 2)
        return MLC_OK;
    if (status != 407)
        return mlc_fail(
            err, MLC_E_UNREACHABLE,
            "%s %s: not sent: the proxy %s answers %ld; have it allow CONNECT to this host and port",
            call->method, call->target, plan->name, status);
    (void)curl_easy_getinfo(call->easy, CURLINFO_PROXYAUTH_AVAIL, &offered);
    list_schemes((unsigned long)offered, names);
    const char *const remedy = remedy_of(plan, (unsigned long)offered);
    if (call->trace != NULL) {
        memcpy(call->trace->proxy_offers, names, sizeof names);
        call->trace->proxy_remedy = remedy;
    }
    const bool refused = is_password_refused(plan, (unsigned long)offered);
    return mlc_fail(err, refused && call->connected != NULL ? MLC_E_AUTH : MLC_E_UNREACHABLE,
                    "%s %s: not sent: the proxy %s wants a sign-in (407) and offers %s; %s", call->method,
                    call->target, plan->name, names[0] != '\0' ? names : "none that is known", remedy);
}
