/* doctor_relay.c - the way to the relay, and whether it would let this agent in. */
#include "agent/doctor_private.h"

#include "tunnel/hello.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 16384, ANSWER_DEPTH = 4 };
#define ENROL_ANEW                                                                                           \
    "enrol the agent: the relay's operator makes a token (mlctl enroll-token TENANT AGENT), then run "       \
    "\"ml-agent enroll\""

static const char *str(const agent_doctor *d, const char *path)
{
    return mlc_cfg_str(d->cfg, path);
}

/* wss://host:port/v1/tunnel -> https://host:port/path */
static void relay_url(const agent_doctor *d, const char *path, char out[AGENT_DOCTOR_URL_MAX])
{
    if (mlc_relay_url_http(d->url, path, out, AGENT_DOCTOR_URL_MAX, NULL) != MLC_OK)
        out[0] = '\0';
}

/* ---- identity ---- */

static void judge_accepted(const agent_doctor *d, const cJSON *body)
{
    const char *const tenant = mlc_json_str(body, "tenant");
    const char *const own = str(d, "agent.tenant");
    if (tenant == NULL || strcmp(tenant, own) != 0)
        mlc_checkup_fail(d->checkup, d->identity_token,
                         "set agent.tenant to the tenant it is enrolled for, or enrol it anew",
                         "the relay has %s enrolled for tenant \"%.64s\", agent.tenant is \"%s\"",
                         str(d, "agent.id"), tenant != NULL ? tenant : "", own);
    else if (mlc_json_bool(body, "connected", false))
        mlc_checkup_warn(
            d->checkup, d->identity_token,
            "look for the other machine or container that runs as this agent, and stop one of them",
            "the relay accepts %s of tenant %s, but it is connected already, and not from here",
            str(d, "agent.id"), tenant);
    else
        mlc_checkup_ok(d->checkup, d->identity_token, "the relay accepts %s of tenant %s", str(d, "agent.id"),
                       tenant);
}

static void on_checked(void *user, mlc_code code, const mlc_error *err, const mlc_http_response *response)
{
    const agent_doctor *const d = user;
    cJSON *body = NULL;
    if (code == MLC_E_CLOSED)
        return;
    const mlc_code parsed = code == MLC_OK ? mlc_json_parse(response->body, response->body_len, ANSWER_MAX,
                                                            ANSWER_DEPTH, &body, NULL)
                                           : code;
    const char *const words = mlc_json_text(mlc_json_path(body, "error.message"));
    if (code != MLC_OK)
        mlc_checkup_fail(d->checkup, d->identity_token, "try again; look into the relay's log", "%s",
                         err->message);
    else if (response->status == 200 && parsed == MLC_OK)
        judge_accepted(d, body);
    else if (response->status == 404)
        mlc_checkup_skip(d->checkup, d->identity_token,
                         "this relay is too old to be asked; start the agent to see");
    else if (response->status == 403)
        mlc_checkup_fail(d->checkup, d->identity_token, ENROL_ANEW, "the relay refuses %s: %.200s",
                         str(d, "agent.id"), words != NULL ? words : "no reason given");
    else
        mlc_checkup_fail(d->checkup, d->identity_token, "look into the relay's log",
                         "the relay answers with %d: %.200s", response->status,
                         words != NULL ? words : "no reason given");
    cJSON_Delete(body);
}

static mlc_code add_hex(cJSON *body, const char *name, const uint8_t *bytes, size_t len, mlc_error *err)
{
    char text[2 * MLC_EC_SIGNATURE_LEN + 1];
    mlc_hex(bytes, len, text);
    return mlc_json_add_str(body, name, text, err);
}

static mlc_code add_signature(const agent_doctor *d, cJSON *body, mlc_error *err)
{
    uint8_t nonce[MLC_NONCE_LEN], signature[MLC_EC_SIGNATURE_LEN];
    const mlc_own_identity *const own = &d->identity.own;
    mlc_buf base64 = {0};
    mlc_code code = mlc_random(nonce, sizeof nonce, err);
    if (code == MLC_OK)
        code = mlc_sign_request(own, "check", str(d, "agent.id"), nonce, sizeof nonce, signature, err);
    if (code == MLC_OK)
        code = mlc_base64(nonce, sizeof nonce, &base64, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "nonce", mlc_buf_text(&base64), err);
    if (code == MLC_OK)
        code = add_hex(body, "certificate", own->fingerprint, sizeof own->fingerprint, err);
    if (code == MLC_OK)
        code = add_hex(body, "signature", signature, sizeof signature, err);
    mlc_buf_clear(&base64);
    if (code == MLC_OK)
        code = mlc_base64(own->cert, own->cert_len, &base64, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "issued", mlc_buf_text(&base64), err);
    mlc_buf_free(&base64);
    return code;
}

static mlc_code add_proof(const agent_doctor *d, cJSON *body, mlc_error *err)
{
    uint8_t nonce[MLC_NONCE_LEN];
    uint8_t proof[MLC_SHA256_LEN];
    mlc_buf first = {0};
    mlc_buf second = {0};
    mlc_code code = mlc_random(nonce, sizeof nonce, err);
    if (code == MLC_OK)
        code = mlc_proof_check(d->identity.key, str(d, "agent.id"), nonce, proof, err);
    if (code == MLC_OK)
        code = mlc_base64(nonce, sizeof nonce, &first, err);
    if (code == MLC_OK)
        code = mlc_base64(proof, sizeof proof, &second, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "nonce", mlc_buf_text(&first), err);
    if (code == MLC_OK)
        code = mlc_json_add_str(body, "proof", mlc_buf_text(&second), err);
    mlc_buf_free(&first);
    mlc_buf_wipe(&second);
    return code;
}

static mlc_code send_check(agent_doctor *d, bool mtls, mlc_error *err)
{
    static const mlc_http_header header = {"Content-Type", "application/json"};
    char url[AGENT_DOCTOR_URL_MAX];
    cJSON *const body = cJSON_CreateObject();
    char *text = NULL;
    mlc_code code = mlc_json_add_str(body, "agent", str(d, "agent.id"), err);
    if (code == MLC_OK && !mtls)
        code = d->identity.kind == MLC_IDENTITY_CERT ? add_signature(d, body, err) : add_proof(d, body, err);
    if (code == MLC_OK && (text = mlc_json_print(body)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a check");
    relay_url(d, "/v1/agent/check", url);
    if (code == MLC_OK) {
        const mlc_http_request request = {.method = "POST",
                                          .url = url,
                                          .headers = &header,
                                          .header_count = 1,
                                          .body = text,
                                          .body_len = strlen(text),
                                          .timeout_ms = mlc_checkup_left(d->checkup),
                                          .max_body = ANSWER_MAX};
        code = mlc_http_send(d->relay_http, &request, on_checked, d, NULL, err);
    }
    free(text);
    cJSON_Delete(body);
    return code;
}

static void start_identity(mlc_checkup *checkup, unsigned token, void *user)
{
    agent_doctor *const d = user;
    mlc_error err;
    const bool mtls = str(d, "relay.client_cert_file") != NULL;
    d->identity_token = token;
    if (d->tunnel_up)
        mlc_checkup_ok(checkup, token, "the relay has accepted %s: the running service is connected",
                       str(d, "agent.id"));
    else if (d->in_use && !mtls)
        mlc_checkup_fail(
            checkup, token,
            "look at \"running service\" above and into its log; stop the service to have the key "
            "checked by itself",
            "the running service is not connected to the relay");
    else if (d->identity.kind == MLC_IDENTITY_NONE && !mtls)
        mlc_checkup_fail(checkup, token, ENROL_ANEW, "%s is not enrolled", str(d, "agent.id"));
    else if (send_check(d, mtls, &err) != MLC_OK)
        mlc_checkup_fail(checkup, token, NULL, "%s", err.message);
}

static void start_unknown(mlc_checkup *checkup, unsigned token, void *user)
{
    (void)user;
    mlc_checkup_fail(
        checkup, token,
        "set relay.url, or enrol the agent with \"ml-agent enroll --relay URL --token-file FILE\"",
        "the relay's address is not known");
}

mlc_code agent_doctor_add_relay(agent_doctor *d, mlc_error *err)
{
    char url[AGENT_DOCTOR_URL_MAX];
    const mlc_check unknown = {
        .id = "relay.url", .title = "relay: address", .needs = "config", .start = start_unknown, .user = d};
    if (d->url[0] == '\0')
        return mlc_checkup_add(d->checkup, &unknown, err);
    relay_url(d, "/healthz", url);
    const mlc_hop_options hop = {.http = d->relay_http,
                                 .id = "relay",
                                 .name = "relay",
                                 .url = url,
                                 .url_setting = "relay.url",
                                 .proxy_setting = "relay.proxy",
                                 .ca_setting = "relay.ca_file",
                                 .ca_file = str(d, "relay.ca_file"),
                                 .refused = "see that relay.url leads to a ml-relay"};
    const mlc_check identity = {.id = "relay.identity",
                                .title = "relay: this agent's identity",
                                .needs = "relay.answer",
                                .start = start_identity,
                                .user = d};
    const mlc_code code = mlc_hop_add(&d->relay, d->checkup, &hop, "config", err);
    return code == MLC_OK ? mlc_checkup_add(d->checkup, &identity, err) : code;
}
