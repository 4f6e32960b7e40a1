/* doctor_tenant.c - the checks of one tenant: configuration, Entra ID, Dynamics, its agents. */
#include "relay/doctor_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *relay_doctor_str(const tenant_doctor *t, const char *name)
{
    char path[96];
    return mlc_cfg_str(t->cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].%s", t->index, name));
}

static const char *check_id(const tenant_doctor *t, const char *name, char out[MLC_CHECK_ID_MAX])
{
    if (name == NULL)
        return NULL;
    (void)snprintf(out, MLC_CHECK_ID_MAX, "tenant.%.63s.%.40s", t->id, name);
    return out;
}

mlc_code relay_doctor_add(tenant_doctor *t, const char *name, const char *title, const char *needs,
                          const char *also, mlc_check_fn start, void *user, mlc_error *err)
{
    char id[MLC_CHECK_ID_MAX];
    char first[MLC_CHECK_ID_MAX];
    char second[MLC_CHECK_ID_MAX];
    char text[160];
    (void)snprintf(text, sizeof text, "%s: %s", t->id, title);
    const mlc_check check = {.id = check_id(t, name, id),
                             .title = text,
                             .needs = needs != NULL ? check_id(t, needs, first) : "config",
                             .start = start,
                             .user = user,
                             .also = check_id(t, also, second)};
    return mlc_checkup_add(t->checkup, &check, err);
}

/* ---- configuration ---- */

static void start_config(mlc_checkup *checkup, unsigned token, void *user)
{
    const tenant_doctor *const t = user;
    char path[32];
    const char *const faults =
        mlc_cfg_element_faults(t->cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu]", t->index));
    if (faults == NULL)
        mlc_checkup_ok(checkup, token, "no faults");
    else
        mlc_checkup_fail(checkup, token, "correct the file; --help-config lists all settings", "%s", faults);
}

static void start_mappings(mlc_checkup *checkup, unsigned token, void *user)
{
    tenant_doctor *const t = user;
    mlc_buf report = {0};
    mlc_error err;
    const mlc_code code = mlc_mappings_load(t->cfg, t->index, &t->mappings, &report, &err);
    if (code == MLC_OK)
        mlc_checkup_ok(checkup, token, "%zu are loaded", t->mappings.count);
    else
        mlc_checkup_fail(checkup, token, "correct the file named (docs/mapping.md)", "%s",
                         report.len > 0 ? mlc_buf_text(&report) : err.message);
    mlc_buf_free(&report);
}

static void start_client_cert(mlc_checkup *checkup, unsigned token, void *user)
{
    const tenant_doctor *const t = user;
    mlc_entra_key *key = NULL;
    mlc_error err;
    const mlc_code code =
        mlc_entra_key_load(&key, relay_doctor_str(t, "dynamics.client_cert_file"),
                           relay_doctor_str(t, "dynamics.client_key_file"),
                           mlc_entra_alg_named(relay_doctor_str(t, "dynamics.client_cert_alg")), &err);
    mlc_entra_key_free(key);
    if (code == MLC_OK)
        mlc_checkup_ok(checkup, token, "readable, and the key fits");
    else
        mlc_checkup_fail(checkup, token, "correct dynamics.client_cert_file and dynamics.client_key_file",
                         "%s", err.message);
}

/* ---- Entra ID ---- */

static const char *remedy_of_refusal(const char *words)
{
    static const struct {
        const char *mark, *remedy;
    } known[] = {
        {"AADSTS7000222",
         "the client secret has expired: make a new one for the application in Entra ID and store it "
         "where dynamics.client_secret points to"},
        {"AADSTS7000215",
         "the client secret is wrong: take its value, not its id, where dynamics.client_secret points to"},
        {"AADSTS700016",
         "correct dynamics.client_id, or dynamics.directory where the application is registered"},
        {"AADSTS90002", "correct dynamics.directory"},
        {"AADSTS700027",
         "upload the certificate of dynamics.client_cert_file to the application in Entra ID"},
        {"AADSTS700024", "set this machine's clock"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strstr(words, known[i].mark) != NULL)
            return known[i].remedy;
    return "see in Entra ID that the application is there and its secret or certificate is in force; correct "
           "dynamics.client_id, client_secret, directory, scope";
}

static void on_token(void *user, mlc_code code, const mlc_error *err, const char *token)
{
    const tenant_doctor *const t = user;
    mlc_entra_status status = {0};
    (void)token;
    if (code == MLC_E_CLOSED)
        return;
    mlc_entra_status_get(t->entra, &status);
    if (code == MLC_OK)
        mlc_checkup_ok(t->checkup, t->token_token, "given, for %lld min",
                       (long long)(status.expires_in_ms / 60000));
    else
        mlc_checkup_fail(t->checkup, t->token_token,
                         code == MLC_E_AUTH ? remedy_of_refusal(err->message) : "try again later", "%s",
                         err->message);
}

static void start_token(mlc_checkup *checkup, unsigned token, void *user)
{
    tenant_doctor *const t = user;
    char path[64];
    mlc_error err;
    const mlc_entra_options entra = {
        .loop = t->doctor->loop,
        .http = t->http,
        .authority = relay_doctor_str(t, "dynamics.authority"),
        .tenant = relay_doctor_str(t, "dynamics.directory"),
        .client_id = relay_doctor_str(t, "dynamics.client_id"),
        .client_secret = mlc_cfg_secret(
            t->cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu].dynamics.client_secret", t->index)),
        .client_cert_file = relay_doctor_str(t, "dynamics.client_cert_file"),
        .client_key_file = relay_doctor_str(t, "dynamics.client_key_file"),
        .alg = mlc_entra_alg_named(relay_doctor_str(t, "dynamics.client_cert_alg")),
        .scope = relay_doctor_str(t, "dynamics.scope"),
        .timeout_ms = RELAY_DOCTOR_REQUEST_MS};
    t->token_token = token;
    mlc_code code = mlc_entra_open(&t->entra, &entra, &err);
    if (code == MLC_OK)
        code = mlc_entra_token(t->entra, on_token, t, &err);
    if (code != MLC_OK)
        mlc_checkup_fail(checkup, token, "correct the settings named", "%s", err.message);
}

/* ---- Dynamics ---- */

static void on_who(void *user, const mlc_odata_answer *answer)
{
    const tenant_doctor *const t = user;
    const char *const id = mlc_json_str(answer->body, "UserId");
    if (answer->code == MLC_E_CLOSED)
        return;
    if (answer->code == MLC_OK && id != NULL)
        mlc_checkup_ok(t->checkup, t->user_token, "user %.64s", id);
    else if (answer->code == MLC_E_AUTH || answer->code == MLC_E_DENIED)
        mlc_checkup_fail(
            t->checkup, t->user_token,
            "add the application as an application user of this environment in the Power Platform admin "
            "centre, with the connector's security role; and see that dynamics.scope is of this "
            "environment",
            "%s", answer->err.message);
    else
        mlc_checkup_fail(t->checkup, t->user_token,
                         "see that dynamics.url ends with /api/data/v9.2/ of this environment", "%s",
                         answer->code != MLC_OK ? answer->err.message : "the answer names no user");
}

static void start_who(mlc_checkup *checkup, unsigned token, void *user)
{
    tenant_doctor *const t = user;
    mlc_error err;
    const mlc_odata_options odata = {.loop = t->doctor->loop,
                                     .http = t->http,
                                     .entra = t->entra,
                                     .url = relay_doctor_str(t, "dynamics.url"),
                                     .max_parallel = 1,
                                     .timeout_ms = RELAY_DOCTOR_REQUEST_MS};
    const mlc_odata_request request = {.method = "GET", .path = "WhoAmI"};
    t->user_token = token;
    mlc_code code = mlc_odata_open(&t->odata, &odata, &err);
    if (code == MLC_OK)
        code = mlc_odata_send(t->odata, &request, on_who, t, &err);
    if (code != MLC_OK)
        mlc_checkup_fail(checkup, token, "correct dynamics.url", "%s", err.message);
}

/* ---- agents ---- */

static void start_agents(mlc_checkup *checkup, unsigned token, void *user)
{
    const tenant_doctor *const t = user;
    const cJSON *const all = mlc_json_get(mlc_json_get(t->doctor->status, "tenants"), t->id);
    const cJSON *agent = NULL;
    const char *why = mlc_json_str(all, "why");
    if (!mlc_json_bool(all, "open", false)) {
        mlc_checkup_fail(checkup, token, "remove the reason; a changed configuration is taken over by SIGHUP",
                         "the running relay has not opened this tenant: %.300s",
                         why != NULL ? why : "it is not in the configuration it was started with");
        return;
    }
    cJSON_ArrayForEach(agent, mlc_json_get(t->doctor->agents, "agents"))
    {
        const char *const tenant = mlc_json_str(agent, "tenant");
        const char *const id = mlc_json_str(agent, "id");
        if (tenant == NULL || id == NULL || strcmp(tenant, t->id) != 0)
            continue;
        why = mlc_json_str(agent, "lastError");
        if (mlc_json_bool(agent, "up", false))
            mlc_checkup_ok(checkup, token, "%.64s is connected", id);
        else
            mlc_checkup_fail(checkup, token, "run \"ml-agent doctor\" at the site",
                             "%.64s is enrolled and not connected%s%.200s", id,
                             why != NULL && *why != '\0' ? ": " : "", why != NULL ? why : "");
        return;
    }
    mlc_checkup_warn(checkup, token,
                     "make a token by \"mlctl enroll-token TENANT AGENT\" and enrol an agent with it",
                     "no agent is enrolled");
}

/* ---- putting together ---- */

static mlc_code open_http(tenant_doctor *t, mlc_error *err)
{
    char path[96];
    (void)mlc_cfg_at(path, sizeof path, "tenants[%zu].dynamics", t->index);
    const mlc_http_client_options http = {.loop = t->doctor->loop,
                                          .ca_file = relay_doctor_str(t, "dynamics.ca_file"),
                                          .proxy = mlc_proxy_of(t->cfg, path),
                                          .user_agent = t->doctor->software};
    return mlc_http_client_open(&t->http, &http, err);
}

static mlc_code add_hop(tenant_doctor *t, mlc_hop *hop, const char *name, const char *what, const char *url,
                        const char *setting, mlc_error *err)
{
    char id[MLC_CHECK_ID_MAX];
    char needs[MLC_CHECK_ID_MAX];
    char title[96];
    (void)snprintf(title, sizeof title, "%.63s: %.24s", t->id, what);
    const mlc_hop_options options = {.http = t->http,
                                     .id = check_id(t, name, id),
                                     .name = title,
                                     .url = url,
                                     .any_status = true,
                                     .url_setting = setting,
                                     .proxy_setting = "dynamics.proxy",
                                     .ca_setting = "dynamics.ca_file",
                                     .ca_file = relay_doctor_str(t, "dynamics.ca_file")};
    return mlc_hop_add(hop, t->checkup, &options, check_id(t, "config", needs), err);
}

static mlc_code add_hops(tenant_doctor *t, mlc_error *err)
{
    const char *const authority = relay_doctor_str(t, "dynamics.authority");
    const size_t len = strlen(authority);
    const bool slash = len > 0 && authority[len - 1] == '/';
    char *const url = mlc_asprintf("%s%s%s/v2.0/.well-known/openid-configuration", authority,
                                   slash ? "" : "/", relay_doctor_str(t, "dynamics.directory"));
    if (url == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the checks");
    mlc_code code = add_hop(t, &t->authority, "entra", "Entra ID", url, "dynamics.authority", err);
    free(url);
    if (code == MLC_OK)
        code = relay_doctor_add(t, "token", "token of Entra ID", "entra.answer", NULL, start_token, t, err);
    if (code == MLC_OK)
        code = add_hop(t, &t->dynamics, "dynamics", "Dynamics", relay_doctor_str(t, "dynamics.url"),
                       "dynamics.url", err);
    return code == MLC_OK ? relay_doctor_add(t, "user", "user in Dynamics (WhoAmI)", "dynamics.answer",
                                             "token", start_who, t, err)
                          : code;
}

mlc_code relay_doctor_add_tenant(tenant_doctor *t, mlc_error *err)
{
    char path[32];
    t->sound =
        mlc_cfg_element_faults(t->cfg, mlc_cfg_at(path, sizeof path, "tenants[%zu]", t->index)) == NULL;
    mlc_code code = relay_doctor_add(t, "config", "configuration", NULL, NULL, start_config, t, err);
    if (code != MLC_OK)
        return code;
    if (!t->sound)
        return relay_doctor_add(t, "rest", "all other checks", "config", NULL, start_config, t, err);
    code = open_http(t, err);
    if (code == MLC_OK)
        code = relay_doctor_add(t, "mappings", "mapping files", "config", NULL, start_mappings, t, err);
    if (code == MLC_OK && relay_doctor_str(t, "dynamics.client_cert_file") != NULL)
        code = relay_doctor_add(t, "client_cert", "certificate of the application", "config", NULL,
                                start_client_cert, t, err);
    if (code == MLC_OK)
        code = add_hops(t, err);
    if (code == MLC_OK)
        code = relay_doctor_add_tables(t, err);
    if (code == MLC_OK)
        code = relay_doctor_add_hooks(t, err);
    if (code != MLC_OK)
        return code;
    char id[MLC_CHECK_ID_MAX];
    char also[MLC_CHECK_ID_MAX];
    char title[96];
    (void)snprintf(title, sizeof title, "%s: agents", t->id);
    const mlc_check agents = {.id = check_id(t, "agents", id),
                              .title = title,
                              .needs = "running",
                              .start = start_agents,
                              .user = t,
                              .also = check_id(t, "config", also)};
    return mlc_checkup_add(t->checkup, &agents, err);
}

void relay_doctor_close_tenant(tenant_doctor *t)
{
    mlc_odata_close(t->odata);
    mlc_entra_close(t->entra);
    if (t->http != NULL)
        mlc_http_client_close(t->http);
    t->odata = NULL;
    t->entra = NULL;
    t->http = NULL;
}

void relay_doctor_free_tenant(tenant_doctor *t)
{
    mlc_hop_free(&t->authority);
    mlc_hop_free(&t->dynamics);
    mlc_mappings_free(&t->mappings);
    free(t->hook_url);
}
