/* agents_job.c - changes of the registry in the control store. Each job sets its result from scratch: it may run twice. */
#include "relay/agents_private.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/cursor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_MAX = MLC_CERT_SERIAL_MAX + 16, REVOKED_NAME_MAX = sizeof REVOKED_PREFIX + MLC_AGENT_NAME_MAX };

/* ---- the trail ---- */

/* `cert`: which one it is about, NULL for none. */
static mlc_code audit_change(mlc_txn *txn, const agents_job *job, const char *action,
                             const mlc_agent_cert *cert, mlc_error *err)
{
    char target[TARGET_MAX] = "", until[MLC_ISO_TEXT_MAX], detail[96] = "";
    if (cert != NULL) {
        (void)snprintf(target, sizeof target, "certificate/%s", cert->info.serial);
        (void)snprintf(detail, sizeof detail, "valid until %s", mlc_iso_text(cert->info.not_after_ms, until));
    }
    const mlc_audit_event event = {.at_ms = job->now_ms,
                                   .actor = job->actor,
                                   .action = action,
                                   .tenant = job->tenant,
                                   .key = job->agent,
                                   .target_id = cert != NULL ? target : NULL,
                                   .detail = cert != NULL ? detail : NULL,
                                   .outcome = "ok"};
    return mlc_audit_append(txn, &event, NULL, err);
}

/* ---- tokens ---- */

static mlc_code put_token(mlc_txn *txn, const agents_job *job, const char *key_hash, mlc_error *err)
{
    char *text = NULL;
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = obj != NULL ? mlc_json_add_str(obj, "tenant", job->tenant, err)
                                : mlc_fail(err, MLC_E_NOMEM, "no memory for a token");
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "agent", job->agent, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "expires", job->expires_ms, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "keyHash", key_hash, err);
    if (code == MLC_OK && (text = mlc_json_print(obj)) == NULL)
        code = mlc_fail(err, MLC_E_NOMEM, "no memory for a token");
    if (code == MLC_OK)
        code = mlc_cursor_put(txn, job->token_name, text, strlen(text), err);
    cJSON_free(text);
    cJSON_Delete(obj);
    return code;
}

/* Is the token good for this agent and key? Fills the job's tenant. */
static mlc_code check_token(mlc_txn *txn, agents_job *job, mlc_error *err)
{
    const void *value = NULL;
    size_t len = 0;
    cJSON *obj = NULL;
    mlc_code code = mlc_cursor_get(txn, job->token_name, &value, &len, err);
    if (code == MLC_E_NOTFOUND)
        return mlc_fail(err, MLC_E_DENIED, "the enrolment token is not known; ask for a new one");
    if (code == MLC_OK)
        code = mlc_json_parse(value, len, AGENT_TEXT_MAX, 4, &obj, err);
    if (code != MLC_OK)
        return code;
    const char *const agent = mlc_json_str(obj, "agent");
    const char *const used_by = mlc_json_str(obj, "keyHash");
    code = mlc_json_int64(obj, "expires", &job->expires_ms, err);
    if (code == MLC_OK && (agent == NULL || strcmp(agent, job->agent) != 0))
        code = mlc_fail(err, MLC_E_DENIED, "the enrolment token is for another agent");
    if (code == MLC_OK && used_by != NULL && used_by[0] != '\0' && strcmp(used_by, job->key_hash) != 0)
        code = mlc_fail(err, MLC_E_DENIED, "the enrolment token was used already; ask for a new one");
    if (code == MLC_OK && job->expires_ms < job->now_ms)
        code = mlc_fail(err, MLC_E_DENIED, "the enrolment token has ended; ask for a new one");
    if (code == MLC_OK)
        code = agents_take_name(job->tenant, mlc_json_str(obj, "tenant"), "tenant of the token", err);
    cJSON_Delete(obj);
    return code;
}

/* Names of tokens, each with its NUL: those of an agent, or those that have ended. */
typedef struct token_search {
    const char *agent; /* NULL: ended before now_ms */
    int64_t now_ms;
    mlc_buf names;
    mlc_code code;
} token_search;

static bool visit_token(const char *name, const void *value, size_t len, void *arg)
{
    token_search *const search = arg;
    cJSON *obj = NULL;
    int64_t expires = 0;
    if (mlc_json_parse(value, len, AGENT_TEXT_MAX, 4, &obj, NULL) != MLC_OK)
        return true;
    const char *const agent = mlc_json_str(obj, "agent");
    const bool ended = mlc_json_int64(obj, "expires", &expires, NULL) == MLC_OK && expires < search->now_ms;
    if (search->agent != NULL ? agent != NULL && strcmp(agent, search->agent) == 0 : ended)
        search->code = mlc_buf_append(&search->names, name, strlen(name) + 1, NULL);
    cJSON_Delete(obj);
    return search->code == MLC_OK;
}

static mlc_code drop_tokens(mlc_txn *txn, const char *agent, int64_t now_ms, bool *any, mlc_error *err)
{
    token_search search = {.agent = agent, .now_ms = now_ms, .code = MLC_OK};
    mlc_code code = mlc_cursor_scan(txn, TOKEN_PREFIX, visit_token, &search, err);
    if (code == MLC_OK && search.code != MLC_OK)
        code = mlc_fail(err, search.code, "no memory for the list of tokens");
    *any = search.names.len > 0;
    for (size_t at = 0; code == MLC_OK && at < search.names.len;) {
        const char *const name = (const char *)search.names.data + at;
        at += strlen(name) + 1;
        code = mlc_cursor_delete(txn, name, err);
    }
    mlc_buf_free(&search.names);
    return code;
}

static mlc_code run_issue(mlc_txn *txn, const agents_job *job, mlc_error *err)
{
    bool any = false;
    mlc_code code = drop_tokens(txn, NULL, job->now_ms, &any, err); /* so that they do not heap up */
    if (code == MLC_OK)
        code = put_token(txn, job, "", err);
    return code == MLC_OK ? audit_change(txn, job, "token issued", NULL, err) : code;
}

/* ---- enrolment ---- */

/* Another agent of the same tenant on disk? Or the same agent of another tenant? */
typedef struct other_agent {
    const agents_job *job;
    char name[MLC_AGENT_NAME_MAX];
    bool taken;
} other_agent;

static bool visit_other(const char *name, const void *value, size_t len, void *arg)
{
    other_agent *const other = arg;
    cJSON *obj = NULL;
    if (mlc_json_parse(value, len, AGENT_TEXT_MAX, 4, &obj, NULL) != MLC_OK)
        return true;
    const char *const tenant = mlc_json_str(obj, "tenant");
    const char *const id = name + strlen(AGENT_PREFIX);
    const bool same_tenant = tenant != NULL && strcmp(tenant, other->job->tenant) == 0;
    const bool same_agent = strcmp(id, other->job->agent) == 0;
    if (same_agent && !same_tenant)
        other->taken = true;
    if (same_tenant && !same_agent)
        (void)snprintf(other->name, sizeof other->name, "%.*s", MLC_AGENT_NAME_MAX - 1, id);
    cJSON_Delete(obj);
    return other->name[0] == '\0' && !other->taken;
}

static mlc_code check_place(mlc_txn *txn, const agents_job *job, mlc_error *err)
{
    other_agent other = {.job = job};
    other.taken = job->owner[0] != '\0' && strcmp(job->owner, job->tenant) != 0;
    const mlc_code code = mlc_cursor_scan(txn, AGENT_PREFIX, visit_other, &other, err);
    if (code != MLC_OK)
        return code;
    /* Says nothing of whose it is: the holder of a token is of another tenant. */
    if (other.taken)
        return mlc_fail(err, MLC_E_EXISTS, "agent %s is in use elsewhere; choose another name for it",
                        job->agent);
    if (other.name[0] != '\0')
        return mlc_fail(err, MLC_E_EXISTS, "tenant %s has agent %s; revoke that one first", job->tenant,
                        other.name);
    return MLC_OK;
}

/* When its newest certificate began, of the agent as it is, or was when it was revoked. 0: there was none. */
static mlc_code read_newest(mlc_txn *txn, const agents_job *job, const mlc_agent_record *before,
                            int64_t *newest_ms, mlc_error *err)
{
    char name[REVOKED_NAME_MAX], text[24] = "";
    const void *value = NULL;
    size_t len = 0;
    (void)snprintf(name, sizeof name, REVOKED_PREFIX "%s", job->agent);
    const mlc_code code = mlc_cursor_get(txn, name, &value, &len, err);
    if (code == MLC_OK && len < sizeof text) {
        memcpy(text, value, len);
        *newest_ms = strtoll(text, NULL, 10);
    }
    if (before != NULL && before->newest_ms > *newest_ms)
        *newest_ms = before->newest_ms;
    return code == MLC_E_NOTFOUND ? MLC_OK : code;
}

static mlc_code keep_newest(mlc_txn *txn, const agents_job *job, mlc_error *err)
{
    char name[REVOKED_NAME_MAX], text[24];
    int64_t newest = 0;
    const mlc_code code = read_newest(txn, job, &job->result, &newest, err);
    (void)snprintf(name, sizeof name, REVOKED_PREFIX "%s", job->agent);
    const int len = snprintf(text, sizeof text, "%" PRId64, newest);
    return code == MLC_OK ? mlc_cursor_put(txn, name, text, (size_t)len, err) : code;
}

static void begin_result(agents_job *job)
{
    memset(&job->result, 0, sizeof job->result);
    memcpy(job->result.id, job->agent, sizeof job->result.id);
    memcpy(job->result.tenant, job->tenant, sizeof job->result.tenant);
    job->result.enrolled_ms = job->now_ms;
}

static mlc_code issue_cert(agents_job *job, size_t at, mlc_error *err)
{
    mlc_buf der = {0};
    mlc_code code =
        mlc_issuer_issue(job->agents->issuer, job->agent, job->tenant, job->public_key, &der, err);
    if (code == MLC_OK)
        code = agents_record_add_cert(&job->result, at, der.data, der.len, err);
    mlc_buf_free(&der);
    return code;
}

/* The same key was certified before and its answer was lost: it gets the same certificate. */
static mlc_code certify(agents_job *job, const mlc_agent_record *before, mlc_error *err)
{
    const mlc_agent_cert *const same = mlc_agent_cert_for(before, job->public_key);
    return same != NULL && same->info.not_after_ms > job->now_ms
               ? agents_record_add_cert(&job->result, 0, same->der, same->len, err)
               : issue_cert(job, 0, err);
}

/* What is known of the agent goes on in the new record, or by its key, or by a certificate. */
static mlc_code fill_result(mlc_txn *txn, agents_job *job, mlc_error *err)
{
    mlc_agent_record *const before = calloc(1, sizeof *before);
    if (before == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for an agent");
    mlc_code code = agents_record_get(txn, &job->agents->ring, job->agent, before, err);
    if (code == MLC_OK || code == MLC_E_NOTFOUND)
        code = read_newest(txn, job, before, &job->result.newest_ms, err);
    if (code == MLC_OK && job->what == CHANGE_CERTIFY)
        code = certify(job, before, err);
    mlc_wipe(before, sizeof *before);
    free(before);
    return code;
}

static mlc_code run_enroll(mlc_txn *txn, agents_job *job, mlc_error *err)
{
    mlc_code code = check_token(txn, job, err);
    if (code == MLC_OK)
        code = check_place(txn, job, err);
    if (code != MLC_OK)
        return code;
    begin_result(job);
    code = fill_result(txn, job, err);
    if (job->what == CHANGE_ENROLL) {
        job->result.has_key = true;
        memcpy(job->result.key, job->key, sizeof job->key);
    }
    if (code == MLC_OK)
        code = put_token(txn, job, job->key_hash, err);
    if (code == MLC_OK)
        code = agents_record_put(txn, &job->agents->ring, &job->result, err);
    job->changed = true;
    return code == MLC_OK ? audit_change(txn, job, "enrolled",
                                         job->result.cert_count > 0 ? job->result.certs : NULL, err)
                          : code;
}

/* ---- renewal ---- */

static mlc_code not_known(mlc_error *err)
{
    return mlc_fail(err, MLC_E_DENIED,
                    "this certificate is not (or no longer) this agent's; enrol the agent again");
}

/* The record as it is, of an agent that shows a certificate. */
static mlc_code take_record(mlc_txn *txn, agents_job *job, mlc_error *err)
{
    const mlc_code code = agents_record_get(txn, &job->agents->ring, job->agent, &job->result, err);
    if (code == MLC_OK)
        memcpy(job->tenant, job->result.tenant, sizeof job->tenant);
    return code == MLC_E_NOTFOUND ? not_known(err) : code;
}

/* The same, with the certificate that was shown at its first place. */
static mlc_code take_shown(mlc_txn *txn, agents_job *job, bool *moved, mlc_error *err)
{
    const mlc_code code = take_record(txn, job, err);
    if (code != MLC_OK)
        return code;
    const mlc_agent_cert *const shown = mlc_agent_cert_of(&job->result, job->fingerprint);
    if (shown == NULL)
        return not_known(err);
    *moved = shown != job->result.certs;
    if (*moved) {
        job->result.certs[0] = *shown;
        job->result.cert_count = 1;
    }
    return MLC_OK;
}

static mlc_code run_renew(mlc_txn *txn, agents_job *job, mlc_error *err)
{
    bool moved = false;
    job->changed = false;
    mlc_code code = take_shown(txn, job, &moved, err);
    if (code != MLC_OK)
        return code;
    if (job->result.certs[0].info.not_after_ms <= job->now_ms)
        return mlc_fail(err, MLC_E_DENIED, "the certificate has expired; enrol the agent again");
    job->changed = true;
    const mlc_agent_cert *const waiting = job->result.cert_count > 1 ? &job->result.certs[1] : NULL;
    if (waiting != NULL && waiting->info.not_after_ms > job->now_ms &&
        memcmp(waiting->info.public_key, job->public_key, sizeof job->public_key) == 0)
        return MLC_OK;
    code = issue_cert(job, 1, err);
    if (code == MLC_OK)
        code = agents_record_put(txn, &job->agents->ring, &job->result, err);
    return code == MLC_OK ? audit_change(txn, job, "certificate renewed", &job->result.certs[1], err) : code;
}

static mlc_code run_used(mlc_txn *txn, agents_job *job, mlc_error *err)
{
    bool moved = false;
    job->changed = false;
    mlc_code code = take_shown(txn, job, &moved, err);
    if (code != MLC_OK || !moved)
        return code;
    job->changed = true;
    code = agents_record_put(txn, &job->agents->ring, &job->result, err);
    return code == MLC_OK ? audit_change(txn, job, "certificate in use", job->result.certs, err) : code;
}

static mlc_code run_adopt(mlc_txn *txn, agents_job *job, mlc_error *err)
{
    mlc_cert_info info;
    job->changed = false;
    mlc_code code = take_record(txn, job, err);
    if (code != MLC_OK)
        return code;
    if (mlc_cert_read(job->der, job->der_len, &info, NULL) == MLC_OK &&
        mlc_agent_cert_of(&job->result, info.fingerprint) != NULL)
        return MLC_OK; /* by another connection, just now */
    code = agents_check_adopted(job->agents->issuer, &job->result, job->der, job->der_len, job->now_ms, &info,
                                err);
    if (code == MLC_OK)
        code = agents_record_add_cert(&job->result, 0, job->der, job->der_len, err);
    if (code == MLC_OK)
        code = agents_record_put(txn, &job->agents->ring, &job->result, err);
    job->changed = true;
    return code == MLC_OK ? audit_change(txn, job, "certificate adopted", job->result.certs, err) : code;
}

/* ---- revocation ---- */

static mlc_code run_revoke(mlc_txn *txn, agents_job *job, mlc_error *err)
{
    char name[sizeof AGENT_PREFIX + MLC_AGENT_NAME_MAX];
    bool tokens = false;
    (void)snprintf(name, sizeof name, AGENT_PREFIX "%s", job->agent);
    job->tenant[0] = '\0';
    mlc_code code = agents_record_get(txn, &job->agents->ring, job->agent, &job->result, err);
    const bool known = code == MLC_OK;
    if (known)
        memcpy(job->tenant, job->result.tenant, sizeof job->tenant);
    if (known)
        code = keep_newest(txn, job, err);
    if (known && code == MLC_OK)
        code = mlc_cursor_delete(txn, name, err);
    else if (code == MLC_E_NOTFOUND)
        code = MLC_OK;
    /* A token that was used works again with its key, and one that was not used with any. */
    if (code == MLC_OK)
        code = drop_tokens(txn, job->agent, job->now_ms, &tokens, err);
    if (code == MLC_OK && !known && !tokens)
        return mlc_fail(err, MLC_E_NOTFOUND, "there is no enrolled agent %s", job->agent);
    return code == MLC_OK ? audit_change(txn, job, "revoked",
                                         known && job->result.cert_count > 0 ? job->result.certs : NULL, err)
                          : code;
}

mlc_code agents_run(mlc_txn *txn, void *arg, mlc_error *err)
{
    agents_job *const job = arg;
    switch (job->what) {
    case CHANGE_ENROLL:
    case CHANGE_CERTIFY:
        return run_enroll(txn, job, err);
    case CHANGE_RENEW:
        return run_renew(txn, job, err);
    case CHANGE_USED:
        return run_used(txn, job, err);
    case CHANGE_ADOPT:
        return run_adopt(txn, job, err);
    case CHANGE_REVOKE:
        return run_revoke(txn, job, err);
    case CHANGE_ISSUE:
    default:
        return run_issue(txn, job, err);
    }
}
