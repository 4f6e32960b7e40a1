/* enroll.c - see enroll.h. */
#include "relay/enroll.h"

#include "base/clock.h"
#include "tunnel/hello.h"

#include <stdlib.h>
#include <string.h>

enum { ACTOR_MAX = 128, BODY_MAX = 8192, BODY_DEPTH = 4, TTL_DEFAULT_S = 3600, TTL_MAX_S = 30 * 24 * 3600 };

/* A request that waits for the store. */
typedef struct desk_task {
    mlc_http_req *req;
    mlc_enroll_desk *desk;
    const char *what; /* for the log */
    char agent[MLC_AGENT_NAME_MAX], tenant[MLC_AGENT_NAME_MAX];
    char token[2 * MLC_ID_TEXT_MAX]; /* the new token, in clear until it was answered */
    int64_t expires_ms;
    bool certify, renewal; /* a certificate of this key is wanted */
    uint8_t public_key[MLC_EC_PUBLIC_LEN];
} desk_task;

static void reply_error(mlc_http_req *req, mlc_code code, const char *message)
{
    int status = 503;
    if (code == MLC_E_DENIED)
        status = 403;
    else if (code == MLC_E_EXISTS || code == MLC_E_CONFLICT)
        status = 409;
    else if (code == MLC_E_NOTFOUND)
        status = 404;
    else if (code == MLC_E_INVALID || code == MLC_E_LIMIT)
        status = 400;
    mlc_http_reply_error(req, status, 0, mlc_code_name(code), message);
}

static void reply_json(mlc_http_req *req, cJSON *obj)
{
    char *const text = obj != NULL ? mlc_json_print(obj) : NULL;
    if (text == NULL)
        reply_error(req, MLC_E_NOMEM, "out of memory");
    else
        mlc_http_reply(req, 200, NULL, text, strlen(text));
    if (text != NULL)
        explicit_bzero(text, strlen(text));
    cJSON_free(text);
    cJSON_Delete(obj);
}

static void task_free(desk_task *task)
{
    explicit_bzero(task->token, sizeof task->token);
    free(task);
}

static cJSON *read_body(mlc_http_req *req)
{
    size_t len = 0;
    cJSON *body = NULL;
    mlc_error err;
    const char *const text = mlc_http_req_body(req, &len);
    if (mlc_json_parse(text, len, BODY_MAX, BODY_DEPTH, &body, &err) == MLC_OK)
        return body;
    reply_error(req, MLC_E_INVALID, err.message);
    return NULL;
}

static void take_name(char out[MLC_AGENT_NAME_MAX], const cJSON *body, const char *name)
{
    const char *const text = mlc_json_str(body, name);
    const size_t len = text != NULL ? strlen(text) : 0;
    if (len > 0 && len < MLC_AGENT_NAME_MAX)
        memcpy(out, text, len + 1);
}

/* What was asked for, and its body, which the caller deletes. NULL: answered already. */
static desk_task *task_new(mlc_http_req *req, mlc_enroll_desk *desk, cJSON **body)
{
    *body = read_body(req);
    if (*body == NULL)
        return NULL;
    desk_task *const task = calloc(1, sizeof *task);
    if (task == NULL) {
        cJSON_Delete(*body);
        reply_error(req, MLC_E_NOMEM, "out of memory");
        return NULL;
    }
    task->req = req;
    task->desk = desk;
    take_name(task->agent, *body, "agent");
    return task;
}

/* "operator:jane" of the body's member, NULL when there is none. */
static const char *actor_of(const cJSON *body, char out[ACTOR_MAX])
{
    const char *const name = mlc_json_str(body, "operator");
    if (name == NULL || name[0] == '\0')
        return NULL;
    mlc_buf text = {.max = ACTOR_MAX - 1};
    (void)mlc_buf_printf(&text, NULL, "operator:%.64s", name);
    mlc_strlcpy(out, mlc_buf_text(&text), ACTOR_MAX);
    mlc_buf_free(&text);
    return out;
}

/* ---- an agent exchanges its token ---- */

static mlc_code add_base64(cJSON *obj, const char *name, const void *data, size_t len, mlc_error *err)
{
    mlc_buf text = {0};
    mlc_code code = mlc_base64(data, len, &text, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, name, mlc_buf_text(&text), err);
    mlc_buf_free(&text);
    return code;
}

/* `cert` NULL: it is known by its key. */
static void reply_enrolled(const desk_task *task, const mlc_agent_record *record, const mlc_agent_cert *cert)
{
    mlc_error err;
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = mlc_json_add_str(obj, "agent", record->id, &err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "tenant", record->tenant, &err);
    if (code == MLC_OK && cert != NULL)
        code = add_base64(obj, "certificate", cert->der, cert->len, &err);
    if (code == MLC_OK && cert != NULL)
        code = add_base64(obj, "authority", task->desk->issuer->cert, task->desk->issuer->cert_len, &err);
    if (code == MLC_OK) {
        reply_json(task->req, obj);
        return;
    }
    cJSON_Delete(obj);
    reply_error(task->req, code, err.message);
}

static void on_enrolled(void *user, mlc_code code, const mlc_error *err)
{
    desk_task *const task = user;
    const mlc_agent_record *const record =
        code == MLC_OK ? mlc_agents_find(task->desk->agents, task->agent) : NULL;
    const mlc_agent_cert *const cert =
        record != NULL && task->certify ? mlc_agent_cert_for(record, task->public_key) : NULL;
    if (record == NULL) {
        mlc_log_warn(task->desk->log, "enroll", task->renewal ? "renewal refused" : "enrolment refused",
                     MLC_S("agent", task->agent), MLC_S("peer", mlc_http_req_peer(task->req)),
                     MLC_S("reason", err->message));
        reply_error(task->req, code, err->message);
    } else if (task->certify && cert == NULL) {
        reply_error(task->req, MLC_E_UNAVAILABLE,
                    "another request of this agent was answered meanwhile; repeat");
    } else {
        mlc_log_info(task->desk->log, "enroll", task->what, MLC_S("agent", record->id),
                     MLC_S("tenant", record->tenant),
                     MLC_S("certificate", cert != NULL ? cert->info.serial : NULL));
        reply_enrolled(task, record, cert);
    }
    task_free(task);
}

/* Name and public key of a request in base64. */
static mlc_code read_csr(const char *text, const char *agent, uint8_t public_key[MLC_EC_PUBLIC_LEN],
                         mlc_buf *der, mlc_error *err)
{
    char name[MLC_CERT_NAME_MAX];
    mlc_code code = mlc_base64_parse(text, strlen(text), der, err);
    if (code == MLC_OK)
        code = mlc_csr_read(der->data, der->len, name, public_key, err);
    if (code == MLC_OK && strcmp(name, agent) != 0)
        code = mlc_fail(err, MLC_E_INVALID, "csr: its common name must be the agent's id");
    return code != MLC_OK ? mlc_fail(err, MLC_E_INVALID, "csr: %.200s", err->message) : MLC_OK;
}

static mlc_code certify(desk_task *task, const char *token, const char *csr_text, mlc_error *err)
{
    mlc_buf der = {.max = MLC_CSR_MAX};
    mlc_code code = read_csr(csr_text, task->agent, task->public_key, &der, err);
    task->certify = true;
    if (code == MLC_OK)
        code = mlc_agents_certify(task->desk->agents, token, task->agent, task->public_key, on_enrolled, task,
                                  err);
    mlc_buf_free(&der);
    return code;
}

void mlc_enroll_handle(mlc_http_req *req, void *user)
{
    mlc_error err;
    mlc_buf key = {0};
    cJSON *body = NULL;
    desk_task *const task = task_new(req, user, &body);
    if (task == NULL)
        return;
    const char *const token = mlc_json_str(body, "token");
    const char *const key_text = mlc_json_str(body, "key");
    mlc_code code = MLC_OK;
    const char *const csr_text = mlc_json_str(body, "csr");
    task->what = "agent enrolled";
    if (token == NULL || (key_text == NULL && csr_text == NULL))
        code = mlc_fail(&err, MLC_E_INVALID, "enrolment needs the members token, agent, and csr or key");
    else if (csr_text != NULL)
        code = certify(task, token, csr_text, &err);
    else
        code = mlc_base64_parse(key_text, strlen(key_text), &key, &err);
    if (code == MLC_OK && csr_text == NULL && key.len != MLC_KEY_LEN)
        code = mlc_fail(&err, MLC_E_INVALID, "key: %d bytes in base64 are wanted", MLC_KEY_LEN);
    if (code == MLC_OK && csr_text == NULL)
        code = mlc_agents_enroll(task->desk->agents, token, task->agent, key.data, on_enrolled, task, &err);
    mlc_buf_wipe(&key);
    cJSON_Delete(body);
    if (code != MLC_OK) {
        reply_error(req, code, err.message);
        task_free(task);
    }
}

/* ---- an agent renews its certificate ---- */

static mlc_code read_hex(const cJSON *body, const char *name, uint8_t *out, size_t len, mlc_error *err)
{
    const char *const text = mlc_json_str(body, name);
    if (text == NULL || strlen(text) != 2 * len || mlc_hex_parse(text, out, len, NULL) != MLC_OK)
        return mlc_fail(err, MLC_E_INVALID, "%s: %zu bytes in hex are wanted", name, len);
    return MLC_OK;
}

/* Who holds a certificate of this agent asks for it. The certificate is looked at again in the job. */
static mlc_code renew(desk_task *task, const cJSON *body, mlc_error *err)
{
    uint8_t fingerprint[MLC_SHA256_LEN], signature[MLC_EC_SIGNATURE_LEN];
    mlc_buf der = {.max = MLC_CSR_MAX};
    const char *const csr_text = mlc_json_str(body, "csr");
    mlc_code code = csr_text != NULL ? read_hex(body, "certificate", fingerprint, sizeof fingerprint, err)
                                     : mlc_fail(err, MLC_E_INVALID, "csr: a certificate request is wanted");
    if (code == MLC_OK)
        code = read_hex(body, "signature", signature, sizeof signature, err);
    const mlc_agent_record *const record = mlc_agents_find(task->desk->agents, task->agent);
    const mlc_agent_cert *const cert =
        code == MLC_OK && record != NULL ? mlc_agent_cert_of(record, fingerprint) : NULL;
    if (code == MLC_OK && cert == NULL)
        return mlc_fail(err, MLC_E_DENIED,
                        "this certificate is not (or no longer) this agent's; enrol the agent again");
    if (code == MLC_OK)
        code = read_csr(csr_text, task->agent, task->public_key, &der, err);
    if (code == MLC_OK && mlc_signed_request(cert->info.public_key, fingerprint, "renew", task->agent,
                                             der.data, der.len, signature, NULL) != MLC_OK)
        code = mlc_fail(err, MLC_E_DENIED, "the signature is not of this certificate's key");
    if (code == MLC_OK)
        code = mlc_agents_renew(task->desk->agents, task->agent, fingerprint, task->public_key, on_enrolled,
                                task, err);
    mlc_buf_free(&der);
    return code;
}

void mlc_renew_handle(mlc_http_req *req, void *user)
{
    mlc_error err;
    cJSON *body = NULL;
    desk_task *const task = task_new(req, user, &body);
    if (task == NULL)
        return;
    task->certify = true;
    task->renewal = true;
    task->what = "certificate renewed";
    const mlc_code code = renew(task, body, &err);
    cJSON_Delete(body);
    if (code != MLC_OK) {
        if (code == MLC_E_DENIED)
            mlc_log_warn(task->desk->log, "enroll", "renewal refused", MLC_S("agent", task->agent),
                         MLC_S("peer", mlc_http_req_peer(req)), MLC_S("reason", err.message));
        reply_error(req, code, err.message);
        task_free(task);
    }
}

/* ---- the operator issues a token ---- */

static void on_issued(void *user, mlc_code code, const mlc_error *err)
{
    desk_task *const task = user;
    char expires[MLC_ISO_TEXT_MAX];
    if (code != MLC_OK) {
        reply_error(task->req, code, err->message);
    } else {
        cJSON *const obj = cJSON_CreateObject();
        (void)mlc_json_add_str(obj, "token", task->token, NULL);
        (void)mlc_json_add_str(obj, "agent", task->agent, NULL);
        (void)mlc_json_add_str(obj, "tenant", task->tenant, NULL);
        (void)mlc_json_add_str(obj, "expires", mlc_iso_text(task->expires_ms, expires), NULL);
        reply_json(task->req, obj);
    }
    task_free(task);
}

void mlc_enroll_tokens_handle(mlc_http_req *req, void *user)
{
    mlc_error err;
    char actor[ACTOR_MAX];
    int64_t ttl = TTL_DEFAULT_S;
    cJSON *body = NULL;
    desk_task *const task = task_new(req, user, &body);
    if (task == NULL)
        return;
    take_name(task->tenant, body, "tenant");
    mlc_code code = mlc_json_int64(body, "ttlSeconds", &ttl, &err);
    if (code == MLC_E_NOTFOUND)
        code = MLC_OK;
    if (code == MLC_OK && (ttl <= 0 || ttl > TTL_MAX_S))
        code = mlc_fail(&err, MLC_E_INVALID, "ttlSeconds: 1 to %d", TTL_MAX_S);
    if (code == MLC_OK && !task->desk->tenant_known(task->desk->user, task->tenant))
        code = mlc_fail(&err, MLC_E_NOTFOUND, "tenant \"%s\" is not in the configuration", task->tenant);
    if (code == MLC_OK)
        code = mlc_random_id(task->token, &err);
    task->expires_ms = mlc_wall_ms() + ttl * 1000;
    if (code == MLC_OK)
        code = mlc_agents_issue(task->desk->agents, task->tenant, task->agent, task->token, task->expires_ms,
                                actor_of(body, actor), on_issued, task, &err);
    cJSON_Delete(body);
    if (code != MLC_OK) {
        reply_error(req, code, err.message);
        task_free(task);
    }
}

/* ---- the operator revokes, lists ---- */

static void on_revoked(void *user, mlc_code code, const mlc_error *err)
{
    desk_task *const task = user;
    if (code != MLC_OK) {
        reply_error(task->req, code, err->message);
    } else {
        cJSON *const obj = cJSON_CreateObject();
        (void)mlc_json_add_str(obj, "revoked", task->agent, NULL);
        mlc_tunnel_server_kick(task->desk->tunnel, task->agent, "revoked by the operator");
        mlc_log_info(task->desk->log, "enroll", "agent revoked", MLC_S("agent", task->agent));
        reply_json(task->req, obj);
    }
    task_free(task);
}

void mlc_revoke_handle(mlc_http_req *req, void *user)
{
    mlc_error err;
    cJSON *body = NULL;
    desk_task *const task = task_new(req, user, &body);
    if (task == NULL)
        return;
    char actor[ACTOR_MAX];
    const mlc_code code =
        mlc_agents_revoke(task->desk->agents, task->agent, actor_of(body, actor), on_revoked, task, &err);
    cJSON_Delete(body);
    if (code != MLC_OK) {
        reply_error(req, code, err.message);
        task_free(task);
    }
}

static cJSON *describe_agent(const mlc_enroll_desk *desk, const mlc_agent_record *record)
{
    char since[MLC_ISO_TEXT_MAX], until[MLC_ISO_TEXT_MAX], enrolled[MLC_ISO_TEXT_MAX];
    mlc_link_status link = {0};
    const mlc_agent_cert *const cert = record->cert_count > 0 ? &record->certs[record->cert_count - 1] : NULL;
    cJSON *const obj = cJSON_CreateObject();
    const bool seen = mlc_tunnel_server_status(desk->tunnel, record->id, &link, NULL) == MLC_OK;
    (void)mlc_json_add_str(obj, "id", record->id, NULL);
    (void)mlc_json_add_str(obj, "tenant", record->tenant, NULL);
    (void)mlc_json_add_str(obj, "auth",
                           cert != NULL      ? "certificate"
                           : record->has_key ? "key"
                                             : "mtls",
                           NULL);
    (void)mlc_json_add_str(
        obj, "enrolled", record->enrolled_ms > 0 ? mlc_iso_text(record->enrolled_ms, enrolled) : NULL, NULL);
    (void)mlc_json_add_str(obj, "serial", cert != NULL ? cert->info.serial : NULL, NULL);
    (void)mlc_json_add_str(obj, "validUntil",
                           cert != NULL ? mlc_iso_text(cert->info.not_after_ms, until) : NULL, NULL);
    (void)mlc_json_add_bool(obj, "up", seen && link.up, NULL);
    (void)mlc_json_add_str(obj, "since", seen ? mlc_iso_text(link.since_ms, since) : NULL, NULL);
    (void)mlc_json_add_str(obj, "lastError", seen ? link.last_error : NULL, NULL);
    return obj;
}

void mlc_agents_handle(mlc_http_req *req, void *user)
{
    const mlc_enroll_desk *const desk = user;
    const mlc_agent_record *record = NULL;
    cJSON *const obj = cJSON_CreateObject();
    cJSON *const list = cJSON_AddArrayToObject(obj, "agents");
    for (size_t i = 0; (record = mlc_agents_at(desk->agents, i)) != NULL; i++)
        (void)cJSON_AddItemToArray(list, describe_agent(desk, record));
    reply_json(req, obj);
}
