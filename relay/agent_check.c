/* agent_check.c - see agent_check.h. */
#include "relay/agent_check.h"

#include "base/clock.h"
#include "tunnel/hello.h"

#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 4096, BODY_DEPTH = 3 };

static mlc_code read_bytes(const cJSON *body, const char *name, uint8_t out[MLC_NONCE_LEN], mlc_error *err)
{
    mlc_buf bytes = {.max = MLC_NONCE_LEN};
    const char *const text = mlc_json_str(body, name);
    mlc_code code = text != NULL ? mlc_base64_parse(text, strlen(text), &bytes, err) : MLC_E_INVALID;
    if (code == MLC_OK && bytes.len == MLC_NONCE_LEN)
        memcpy(out, bytes.data, MLC_NONCE_LEN);
    else
        code = mlc_fail(err, MLC_E_INVALID, "%s: %d bytes in base64 are wanted", name, MLC_NONCE_LEN);
    mlc_buf_wipe(&bytes);
    return code;
}

/* As long for an unknown agent as for a known one. */
static mlc_code check_proof(const cJSON *body, const char *agent, const mlc_agent_record *record,
                            mlc_error *err)
{
    static const uint8_t nobody[MLC_KEY_LEN];
    uint8_t nonce[MLC_NONCE_LEN];
    uint8_t proof[MLC_NONCE_LEN];
    uint8_t expected[MLC_SHA256_LEN];
    const bool known = record != NULL && record->has_key;
    mlc_code code = read_bytes(body, "nonce", nonce, err);
    if (code == MLC_OK)
        code = read_bytes(body, "proof", proof, err);
    if (code == MLC_OK)
        code = mlc_proof_check(known ? record->key : nobody, agent, nonce, expected, err);
    if (code == MLC_OK && (!mlc_ct_equal(proof, expected, sizeof expected) || !known))
        code = mlc_fail(err, MLC_E_DENIED, "this agent is not enrolled here with this key");
    mlc_wipe(expected, sizeof expected);
    return code;
}

static mlc_code read_hex(const cJSON *body, const char *name, uint8_t *out, size_t len, mlc_error *err)
{
    const char *const text = mlc_json_str(body, name);
    if (text == NULL || strlen(text) != 2 * len || mlc_hex_parse(text, out, len, NULL) != MLC_OK)
        return mlc_fail(err, MLC_E_INVALID, "%s: %zu bytes in hex are wanted", name, len);
    return MLC_OK;
}

/* Which of the agent's certificates this is, one that the tunnel would adopt among them. MLC_E_DENIED: none. */
static mlc_code find_cert(const mlc_agents *agents, const cJSON *body, const char *agent,
                          const uint8_t fingerprint[MLC_SHA256_LEN], mlc_cert_info *out, mlc_error *err)
{
    const mlc_agent_record *const record = mlc_agents_find(agents, agent);
    const mlc_agent_cert *const cert = record != NULL ? mlc_agent_cert_of(record, fingerprint) : NULL;
    const char *const issued = mlc_json_str(body, "issued");
    mlc_buf der = {.max = MLC_AGENT_CERT_MAX};
    bool found = cert != NULL;
    if (found)
        *out = cert->info;
    else
        found = issued != NULL && mlc_base64_parse(issued, strlen(issued), &der, NULL) == MLC_OK &&
                mlc_agents_adoptable(agents, agent, der.data, der.len, out, NULL) == MLC_OK &&
                memcmp(out->fingerprint, fingerprint, MLC_SHA256_LEN) == 0;
    mlc_buf_free(&der);
    return found ? MLC_OK
                 : mlc_fail(err, MLC_E_DENIED, "this agent is not enrolled here with this certificate");
}

static mlc_code check_signature(const mlc_agents *agents, const cJSON *body, const char *agent,
                                mlc_error *err)
{
    mlc_cert_info info = {0};
    uint8_t nonce[MLC_NONCE_LEN], fingerprint[MLC_SHA256_LEN], signature[MLC_EC_SIGNATURE_LEN];
    mlc_code code = read_bytes(body, "nonce", nonce, err);
    if (code == MLC_OK)
        code = read_hex(body, "certificate", fingerprint, sizeof fingerprint, err);
    if (code == MLC_OK)
        code = read_hex(body, "signature", signature, sizeof signature, err);
    if (code == MLC_OK)
        code = find_cert(agents, body, agent, fingerprint, &info, err);
    if (code == MLC_OK && mlc_signed_request(info.public_key, fingerprint, "check", agent, nonce,
                                             sizeof nonce, signature, NULL) != MLC_OK)
        code = mlc_fail(err, MLC_E_DENIED, "this agent is not enrolled here with this certificate");
    if (code == MLC_OK && info.not_after_ms <= mlc_wall_ms())
        code = mlc_fail(err, MLC_E_DENIED, "the agent's certificate has expired; enrol the agent again");
    return code;
}

static mlc_code check(mlc_http_req *req, const mlc_enroll_desk *desk, const cJSON *body,
                      const mlc_agent_record **out, mlc_error *err)
{
    const char *const agent = mlc_json_str(body, "agent");
    if (agent == NULL || strlen(agent) >= MLC_AGENT_NAME_MAX)
        return mlc_fail(err, MLC_E_INVALID, "agent: the agent's id is wanted");
    const mlc_agent_record *const record = mlc_agents_find(desk->agents, agent);
    const char *const name = mlc_http_req_client_name(req);
    *out = record;
    if (mlc_json_get(body, "signature") != NULL)
        return check_signature(desk->agents, body, agent, err);
    if (name == NULL || mlc_json_get(body, "proof") != NULL)
        return check_proof(body, agent, record, err);
    if (mlc_agents_configured(desk->agents, agent) && strcmp(name, agent) == 0)
        return MLC_OK;
    return mlc_fail(err, MLC_E_DENIED, "this client certificate does not speak for an agent here");
}

static void reply(mlc_http_req *req, const mlc_enroll_desk *desk, const mlc_agent_record *record)
{
    mlc_link_status link = {0};
    cJSON *const obj = cJSON_CreateObject();
    const bool seen = mlc_tunnel_server_status(desk->tunnel, record->id, &link, NULL) == MLC_OK;
    mlc_code code = mlc_json_add_str(obj, "agent", record->id, NULL);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "tenant", record->tenant, NULL);
    if (code == MLC_OK)
        code = mlc_json_add_bool(obj, "connected", seen && link.up, NULL);
    char *const text = code == MLC_OK ? mlc_json_print(obj) : NULL;
    if (text != NULL)
        mlc_http_reply(req, 200, NULL, text, strlen(text));
    else
        mlc_http_reply_error(req, 503, 0, mlc_code_name(MLC_E_NOMEM), "out of memory");
    free(text);
    cJSON_Delete(obj);
}

void mlc_agent_check_handle(mlc_http_req *req, void *user)
{
    const mlc_enroll_desk *const desk = user;
    const mlc_agent_record *record = NULL;
    size_t len = 0;
    mlc_error err;
    cJSON *body = NULL;
    const char *const text = mlc_http_req_body(req, &len);
    mlc_code code = mlc_json_parse(text, len, BODY_MAX, BODY_DEPTH, &body, &err);
    if (code == MLC_OK)
        code = check(req, desk, body, &record, &err);
    if (code == MLC_OK)
        reply(req, desk, record);
    else
        mlc_http_reply_error(req, code == MLC_E_DENIED ? 403 : 400, 0, mlc_code_name(code), err.message);
    cJSON_Delete(body);
}
