/* agents_record.c - an agent in the control store: "agent/ID" ->
 * {"tenant","enrolled","key"}: base64 of the sealed shared key, or {"tenant","enrolled","certs":[base64,...]}, either with
 * "newest": newest_ms. */
#include "relay/agents_private.h"

#include "store/cursor.h"

#include <stdio.h>
#include <string.h>

enum { CONTEXT_MAX = 2 * MLC_AGENT_NAME_MAX + 32, NAME_MAX_LEN = sizeof AGENT_PREFIX + MLC_AGENT_NAME_MAX };

static const char *context_of(const mlc_agent_record *record, char out[CONTEXT_MAX])
{
    (void)snprintf(out, CONTEXT_MAX, "relay/agent-key/%s/%s", record->tenant, record->id);
    return out;
}

/* Keys that were stored by a version that did not bind them to the tenant are stale. */
static mlc_code open_key(const mlc_keyring *ring, const char *base64, mlc_agent_record *record, bool *stale,
                         mlc_error *err)
{
    char context[CONTEXT_MAX];
    mlc_buf sealed = {0}, clear = {0};
    mlc_code code = mlc_base64_parse(base64, strlen(base64), &sealed, err);
    if (code == MLC_OK)
        code = mlc_keyring_unseal(ring, context_of(record, context), sealed.data, sealed.len, &clear, stale,
                                  err);
    if (code == MLC_E_AUTH) {
        (void)snprintf(context, sizeof context, "relay/agent-key/%s", record->id);
        code = mlc_keyring_unseal(ring, context, sealed.data, sealed.len, &clear, NULL, err);
        if (stale != NULL)
            *stale = true;
    }
    if (code == MLC_OK && clear.len != MLC_KEY_LEN)
        code = mlc_fail(err, MLC_E_CORRUPT, "stored key of agent %s has a wrong length", record->id);
    if (code == MLC_OK) {
        memcpy(record->key, clear.data, MLC_KEY_LEN);
        record->has_key = true;
    }
    mlc_buf_wipe(&clear);
    mlc_buf_free(&sealed);
    return code;
}

mlc_code agents_record_add_cert(mlc_agent_record *record, size_t at, const void *der, size_t len,
                                mlc_error *err)
{
    if (at >= MLC_AGENT_CERTS || len > MLC_AGENT_CERT_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "a certificate of agent %s is too large", record->id);
    mlc_agent_cert *const cert = &record->certs[at];
    const mlc_code code = mlc_cert_read(der, len, &cert->info, err);
    if (code != MLC_OK)
        return code;
    memmove(cert->der, der, len);
    cert->len = len;
    record->cert_count = at + 1;
    if (cert->info.not_before_ms > record->newest_ms)
        record->newest_ms = cert->info.not_before_ms;
    return MLC_OK;
}

static mlc_code read_certs(const cJSON *list, mlc_agent_record *record, mlc_error *err)
{
    mlc_code code = MLC_OK;
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, list)
    {
        const char *const text = mlc_json_text(item);
        mlc_buf der = {.max = MLC_AGENT_CERT_MAX};
        code = text != NULL
                   ? mlc_base64_parse(text, strlen(text), &der, err)
                   : mlc_fail(err, MLC_E_CORRUPT, "stored certificate of agent %s is no text", record->id);
        if (code == MLC_OK)
            code = agents_record_add_cert(record, record->cert_count, der.data, der.len, err);
        mlc_buf_free(&der);
        if (code != MLC_OK)
            break;
    }
    return code;
}

mlc_code agents_record_read(const mlc_keyring *ring, const char *name, const void *value, size_t len,
                            mlc_agent_record *out, bool *stale, mlc_error *err)
{
    cJSON *obj = NULL;
    memset(out, 0, sizeof *out);
    mlc_code code = agents_take_name(out->id, name + strlen(AGENT_PREFIX), "stored agent", err);
    if (code == MLC_OK)
        code = mlc_json_parse(value, len, AGENT_TEXT_MAX, 4, &obj, err);
    if (code == MLC_OK)
        code = agents_take_name(out->tenant, mlc_json_str(obj, "tenant"), "stored agent's tenant", err);
    if (code == MLC_OK)
        code = mlc_json_int64(obj, "enrolled", &out->enrolled_ms, err);
    if (code == MLC_OK && mlc_json_get(obj, "newest") != NULL)
        code = mlc_json_int64(obj, "newest", &out->newest_ms, err);
    const char *const base64 = mlc_json_str(obj, "key");
    if (code == MLC_OK && base64 != NULL)
        code = open_key(ring, base64, out, stale, err);
    else if (code == MLC_OK)
        code = read_certs(mlc_json_get(obj, "certs"), out, err);
    if (code == MLC_OK && !out->has_key && out->cert_count == 0)
        code = mlc_fail(err, MLC_E_CORRUPT, "stored agent %s has neither key nor certificate", out->id);
    cJSON_Delete(obj);
    return code;
}

mlc_code agents_record_get(mlc_txn *txn, const mlc_keyring *ring, const char *agent, mlc_agent_record *out,
                           mlc_error *err)
{
    char name[NAME_MAX_LEN];
    const void *value = NULL;
    size_t len = 0;
    (void)snprintf(name, sizeof name, AGENT_PREFIX "%s", agent);
    const mlc_code code = mlc_cursor_get(txn, name, &value, &len, err);
    return code == MLC_OK ? agents_record_read(ring, name, value, len, out, NULL, err) : code;
}

static mlc_code add_key(cJSON *obj, const mlc_keyring *ring, const mlc_agent_record *record, mlc_error *err)
{
    char context[CONTEXT_MAX];
    mlc_buf sealed = {0}, base64 = {0};
    mlc_code code =
        mlc_keyring_seal(ring, context_of(record, context), record->key, MLC_KEY_LEN, &sealed, err);
    if (code == MLC_OK)
        code = mlc_base64(sealed.data, sealed.len, &base64, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "key", mlc_buf_text(&base64), err);
    mlc_buf_free(&sealed);
    mlc_buf_free(&base64);
    return code;
}

static mlc_code add_certs(cJSON *obj, const mlc_agent_record *record, mlc_error *err)
{
    cJSON *const list = cJSON_AddArrayToObject(obj, "certs");
    mlc_code code = list != NULL ? MLC_OK : mlc_fail(err, MLC_E_NOMEM, "no memory for an agent");
    for (size_t i = 0; code == MLC_OK && i < record->cert_count; i++) {
        mlc_buf base64 = {0};
        code = mlc_base64(record->certs[i].der, record->certs[i].len, &base64, err);
        cJSON *const item = code == MLC_OK ? cJSON_CreateString(mlc_buf_text(&base64)) : NULL;
        if (code == MLC_OK && (item == NULL || !cJSON_AddItemToArray(list, item))) {
            cJSON_Delete(item);
            code = mlc_fail(err, MLC_E_NOMEM, "no memory for an agent");
        }
        mlc_buf_free(&base64);
    }
    return code;
}

mlc_code agents_record_put(mlc_txn *txn, const mlc_keyring *ring, const mlc_agent_record *record,
                           mlc_error *err)
{
    char name[NAME_MAX_LEN];
    char *text = NULL;
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = obj != NULL ? mlc_json_add_str(obj, "tenant", record->tenant, err)
                                : mlc_fail(err, MLC_E_NOMEM, "no memory for an agent");
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "enrolled", record->enrolled_ms, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "newest", record->newest_ms, err);
    if (code == MLC_OK)
        code = record->has_key ? add_key(obj, ring, record, err) : add_certs(obj, record, err);
    if (code == MLC_OK && (text = mlc_json_print(obj)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for an agent");
    (void)snprintf(name, sizeof name, AGENT_PREFIX "%s", record->id);
    if (code == MLC_OK)
        code = mlc_cursor_put(txn, name, text, strlen(text), err);
    cJSON_free(text);
    cJSON_Delete(obj);
    return code;
}
