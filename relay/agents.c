/* agents.c - see agents.h. Changes are jobs on the control store; memory follows after the commit. */
#include "relay/agents.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AGENT_PREFIX "agent/"
#define TOKEN_PREFIX "enroll/"

struct mlc_agents {
    mlc_store *control;
    mlc_log *log;
    uint8_t root[MLC_KEY_LEN];
    mlc_agent_record *records;
    size_t count;
};

/* One change under way. */
typedef struct agents_job {
    mlc_agents *agents;
    enum { JOB_ISSUE, JOB_ENROLL, JOB_REVOKE } what;
    char tenant[MLC_AGENT_NAME_MAX], agent[MLC_AGENT_NAME_MAX];
    char token_name[sizeof TOKEN_PREFIX + (size_t)2 * MLC_SHA256_LEN];
    char key_hash[2 * MLC_SHA256_LEN + 1];
    char owner[MLC_AGENT_NAME_MAX]; /* tenant that has this agent now, "" for none */
    uint8_t key[MLC_KEY_LEN];
    mlc_buf sealed; /* base64 of the sealed key */
    int64_t now_ms, expires_ms;
    mlc_agents_done_fn done;
    void *user;
} agents_job;

/* ---- memory ---- */

static mlc_agent_record *find_record(const mlc_agents *agents, const char *id)
{
    for (size_t i = 0; i < agents->count; i++) {
        if (strcmp(agents->records[i].id, id) == 0)
            return &agents->records[i];
    }
    return NULL;
}

const mlc_agent_record *mlc_agents_find(const mlc_agents *agents, const char *id)
{
    return find_record(agents, id);
}

const mlc_agent_record *mlc_agents_at(const mlc_agents *agents, size_t index)
{
    return index < agents->count ? &agents->records[index] : NULL;
}

static mlc_code keep_record(mlc_agents *agents, const mlc_agent_record *record, mlc_error *err)
{
    mlc_agent_record *place = find_record(agents, record->id);
    if (place == NULL) {
        mlc_agent_record *const grown = realloc(agents->records, (agents->count + 1) * sizeof *grown);
        if (grown == NULL)
            return mlc_fail(err, MLC_E_NOMEM, "no memory for agent %s", record->id);
        agents->records = grown;
        place = &grown[agents->count++];
    }
    *place = *record;
    return MLC_OK;
}

static void drop_record(mlc_agents *agents, const char *id)
{
    mlc_agent_record *const record = find_record(agents, id);
    if (record == NULL)
        return;
    *record = agents->records[--agents->count];
    explicit_bzero(&agents->records[agents->count], sizeof *record);
}

static mlc_code take_name(char out[MLC_AGENT_NAME_MAX], const char *text, const char *what, mlc_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t len = text != NULL ? strlen(text) : 0;
    if (len == 0 || len >= MLC_AGENT_NAME_MAX || strspn(text, allowed) != len)
        return mlc_fail(err, MLC_E_INVALID, "%s: 1 to %d letters, digits, dots, dashes or underscores", what,
                        MLC_AGENT_NAME_MAX - 1);
    memcpy(out, text, len + 1);
    return MLC_OK;
}

/* ---- the registry on disk ---- */

static const char *seal_context(const char *agent, char *out, size_t size)
{
    (void)snprintf(out, size, "relay/agent-key/%s", agent);
    return out;
}

static mlc_code read_agent(mlc_agents *agents, const char *name, const void *value, size_t len,
                           mlc_error *err)
{
    mlc_agent_record record = {.has_key = true};
    char context[MLC_AGENT_NAME_MAX + 32];
    mlc_buf sealed = {0};
    mlc_buf clear = {0};
    cJSON *obj = NULL;
    mlc_code code = take_name(record.id, name + strlen(AGENT_PREFIX), "stored agent", err);
    if (code == MLC_OK)
        code = mlc_json_parse(value, len, 4096, 4, &obj, err);
    if (code == MLC_OK)
        code = take_name(record.tenant, mlc_json_str(obj, "tenant"), "stored agent's tenant", err);
    if (code == MLC_OK)
        code = mlc_json_int64(obj, "enrolled", &record.enrolled_ms, err);
    const char *const base64 = mlc_json_str(obj, "key");
    if (code == MLC_OK)
        code = base64 != NULL ? mlc_base64_parse(base64, strlen(base64), &sealed, err)
                              : mlc_fail(err, MLC_E_CORRUPT, "stored agent %s has no key", record.id);
    if (code == MLC_OK)
        code = mlc_unseal(agents->root, seal_context(record.id, context, sizeof context), sealed.data,
                          sealed.len, &clear, err);
    if (code == MLC_OK && clear.len != MLC_KEY_LEN)
        code = mlc_fail(err, MLC_E_CORRUPT, "stored key of agent %s has a wrong length", record.id);
    if (code == MLC_OK) {
        memcpy(record.key, clear.data, MLC_KEY_LEN);
        code = keep_record(agents, &record, err);
    }
    explicit_bzero(&record, sizeof record);
    mlc_buf_wipe(&clear);
    mlc_buf_free(&sealed);
    cJSON_Delete(obj);
    return code;
}

typedef struct read_all {
    mlc_agents *agents;
    mlc_code code;
    mlc_error *err;
} read_all;

static bool visit_agent(const char *name, const void *value, size_t len, void *arg)
{
    read_all *const all = arg;
    all->code = read_agent(all->agents, name, value, len, all->err);
    return all->code == MLC_OK;
}

static mlc_code load_registry(mlc_txn *txn, void *arg, mlc_error *err)
{
    read_all all = {.agents = arg, .code = MLC_OK, .err = err};
    const mlc_code code = mlc_cursor_scan(txn, AGENT_PREFIX, visit_agent, &all, err);
    return code != MLC_OK ? code : all.code;
}

mlc_code mlc_agents_open(mlc_agents **out, mlc_store *control, const uint8_t root_key[MLC_KEY_LEN],
                         mlc_log *log, mlc_error *err)
{
    mlc_agents *const agents = calloc(1, sizeof *agents);
    if (agents == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the registry of agents");
    agents->control = control;
    agents->log = log;
    memcpy(agents->root, root_key, MLC_KEY_LEN);
    const mlc_code code = mlc_store_read(control, load_registry, agents, err);
    if (code != MLC_OK) {
        mlc_agents_close(agents);
        return mlc_wrap(err, code, "the registry of agents cannot be read");
    }
    *out = agents;
    return MLC_OK;
}

void mlc_agents_close(mlc_agents *agents)
{
    if (agents == NULL)
        return;
    if (agents->records != NULL)
        explicit_bzero(agents->records, agents->count * sizeof *agents->records);
    free(agents->records);
    explicit_bzero(agents->root, sizeof agents->root);
    free(agents);
}

mlc_code mlc_agents_add_certified(mlc_agents *agents, const char *id, const char *tenant, mlc_error *err)
{
    mlc_agent_record record = {0};
    mlc_code code = take_name(record.id, id, "agent", err);
    if (code == MLC_OK)
        code = take_name(record.tenant, tenant, "tenant", err);
    const mlc_agent_record *const known = code == MLC_OK ? find_record(agents, id) : NULL;
    if (known != NULL && strcmp(known->tenant, tenant) != 0)
        return mlc_fail(err, MLC_E_EXISTS, "agent %s belongs to tenant %s already", id, known->tenant);
    return code == MLC_OK && known == NULL ? keep_record(agents, &record, err) : code;
}

void mlc_agents_drop_certified(mlc_agents *agents, const char *tenant)
{
    for (size_t i = agents->count; i > 0; i--) {
        mlc_agent_record *const record = &agents->records[i - 1];
        if (record->has_key || strcmp(record->tenant, tenant) != 0)
            continue;
        *record = agents->records[--agents->count];
        explicit_bzero(&agents->records[agents->count], sizeof *record);
    }
}

/* ---- jobs ---- */

static mlc_code put_json(mlc_txn *txn, const char *name, cJSON *obj, mlc_error *err)
{
    char *const text = mlc_json_print(obj);
    if (text == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for %s", name);
    const mlc_code code = mlc_cursor_put(txn, name, text, strlen(text), err);
    cJSON_free(text);
    return code;
}

static mlc_code put_token(mlc_txn *txn, const agents_job *job, const char *key_hash, mlc_error *err)
{
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = obj != NULL ? mlc_json_add_str(obj, "tenant", job->tenant, err)
                                : mlc_fail(err, MLC_E_NOMEM, "no memory for a token");
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "agent", job->agent, err);
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "expires", job->expires_ms, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "keyHash", key_hash, err);
    if (code == MLC_OK)
        code = put_json(txn, job->token_name, obj, err);
    cJSON_Delete(obj);
    return code;
}

static mlc_code audit_change(mlc_txn *txn, const agents_job *job, const char *action, mlc_error *err)
{
    const mlc_audit_event event = {.at_ms = job->now_ms,
                                   .actor = "relay",
                                   .action = action,
                                   .tenant = job->tenant,
                                   .key = job->agent,
                                   .outcome = "ok"};
    return mlc_audit_append(txn, &event, NULL, err);
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
        code = mlc_json_parse(value, len, 4096, 4, &obj, err);
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
        code = take_name(job->tenant, mlc_json_str(obj, "tenant"), "tenant of the token", err);
    cJSON_Delete(obj);
    return code;
}

static mlc_code put_agent(mlc_txn *txn, const agents_job *job, mlc_error *err)
{
    char name[sizeof AGENT_PREFIX + MLC_AGENT_NAME_MAX];
    cJSON *const obj = cJSON_CreateObject();
    mlc_code code = obj != NULL ? mlc_json_add_str(obj, "tenant", job->tenant, err)
                                : mlc_fail(err, MLC_E_NOMEM, "no memory for an agent");
    if (code == MLC_OK)
        code = mlc_json_add_int(obj, "enrolled", job->now_ms, err);
    if (code == MLC_OK)
        code = mlc_json_add_str(obj, "key", mlc_buf_text(&job->sealed), err);
    (void)snprintf(name, sizeof name, AGENT_PREFIX "%s", job->agent);
    if (code == MLC_OK)
        code = put_json(txn, name, obj, err);
    cJSON_Delete(obj);
    return code;
}

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
    if (mlc_json_parse(value, len, 4096, 4, &obj, NULL) != MLC_OK)
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

/* Says nothing of whose it is: the holder of a token is of another tenant. */
static mlc_code foreign_agent(const char *agent, mlc_error *err)
{
    return mlc_fail(err, MLC_E_EXISTS, "agent %s is in use elsewhere; choose another name for it", agent);
}

static mlc_code run_enroll(mlc_txn *txn, agents_job *job, mlc_error *err)
{
    other_agent other = {.job = job};
    mlc_code code = check_token(txn, job, err);
    other.taken = job->owner[0] != '\0' && strcmp(job->owner, job->tenant) != 0;
    if (code == MLC_OK)
        code = mlc_cursor_scan(txn, AGENT_PREFIX, visit_other, &other, err);
    if (code == MLC_OK && other.taken)
        code = foreign_agent(job->agent, err);
    if (code == MLC_OK && other.name[0] != '\0')
        code = mlc_fail(err, MLC_E_EXISTS, "tenant %s has agent %s; revoke that one first", job->tenant,
                        other.name);
    if (code == MLC_OK)
        code = put_token(txn, job, job->key_hash, err);
    if (code == MLC_OK)
        code = put_agent(txn, job, err);
    return code == MLC_OK ? audit_change(txn, job, "enrolled", err) : code;
}

static mlc_code run_revoke(mlc_txn *txn, agents_job *job, mlc_error *err)
{
    char name[sizeof AGENT_PREFIX + MLC_AGENT_NAME_MAX];
    (void)snprintf(name, sizeof name, AGENT_PREFIX "%s", job->agent);
    const mlc_code code = mlc_cursor_delete(txn, name, err);
    if (code == MLC_E_NOTFOUND)
        return mlc_fail(err, MLC_E_NOTFOUND, "there is no enrolled agent %s", job->agent);
    return code == MLC_OK ? audit_change(txn, job, "revoked", err) : code;
}

static mlc_code run_job(mlc_txn *txn, void *arg, mlc_error *err)
{
    agents_job *const job = arg;
    if (job->what == JOB_ENROLL)
        return run_enroll(txn, job, err);
    if (job->what == JOB_REVOKE)
        return run_revoke(txn, job, err);
    const mlc_code code = put_token(txn, job, "", err);
    return code == MLC_OK ? audit_change(txn, job, "token issued", err) : code;
}

static void job_free(agents_job *job)
{
    explicit_bzero(job->key, sizeof job->key);
    mlc_buf_free(&job->sealed);
    free(job);
}

static void on_job_done(void *arg, mlc_code code, const mlc_error *why)
{
    agents_job *const job = arg;
    mlc_error err = *why;
    if (code == MLC_OK && job->what == JOB_ENROLL) {
        mlc_agent_record record = {.has_key = true, .enrolled_ms = job->now_ms};
        memcpy(record.id, job->agent, sizeof record.id);
        memcpy(record.tenant, job->tenant, sizeof record.tenant);
        memcpy(record.key, job->key, sizeof record.key);
        code = keep_record(job->agents, &record, &err);
        explicit_bzero(&record, sizeof record);
    }
    if (code == MLC_OK && job->what == JOB_REVOKE)
        drop_record(job->agents, job->agent);
    job->done(job->user, code, &err);
    job_free(job);
}

static agents_job *new_job(mlc_agents *agents, mlc_agents_done_fn done, void *user, mlc_error *err)
{
    agents_job *const job = calloc(1, sizeof *job);
    if (job == NULL) {
        (void)mlc_fail(err, MLC_E_NOMEM, "no memory for a change of agents");
        return NULL;
    }
    job->agents = agents;
    job->now_ms = mlc_wall_ms();
    job->done = done;
    job->user = user;
    return job;
}

static mlc_code submit(agents_job *job, mlc_code code, mlc_error *err)
{
    if (code == MLC_OK)
        code = mlc_store_submit(job->agents->control, run_job, on_job_done, job, err);
    if (code != MLC_OK)
        job_free(job);
    return code;
}

static mlc_code name_token(agents_job *job, const char *token, mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    char hex[2 * MLC_SHA256_LEN + 1];
    const mlc_code code = mlc_sha256(token, strlen(token), hash, err);
    if (code != MLC_OK)
        return code;
    mlc_hex(hash, sizeof hash, hex);
    (void)snprintf(job->token_name, sizeof job->token_name, TOKEN_PREFIX "%s", hex);
    return MLC_OK;
}

mlc_code mlc_agents_issue(mlc_agents *agents, const char *tenant, const char *agent, const char *token,
                          int64_t expires_ms, mlc_agents_done_fn done, void *user, mlc_error *err)
{
    agents_job *const job = new_job(agents, done, user, err);
    if (job == NULL)
        return MLC_E_NOMEM;
    mlc_code code = take_name(job->agent, agent, "agent", err);
    job->what = JOB_ISSUE;
    job->expires_ms = expires_ms;
    if (code == MLC_OK)
        code = take_name(job->tenant, tenant, "tenant", err);
    const mlc_agent_record *const known = code == MLC_OK ? find_record(agents, agent) : NULL;
    if (known != NULL && strcmp(known->tenant, tenant) != 0)
        code = foreign_agent(agent, err);
    if (code == MLC_OK)
        code = name_token(job, token, err);
    return submit(job, code, err);
}

mlc_code mlc_agents_enroll(mlc_agents *agents, const char *token, const char *agent,
                           const uint8_t key[MLC_KEY_LEN], mlc_agents_done_fn done, void *user,
                           mlc_error *err)
{
    agents_job *const job = new_job(agents, done, user, err);
    uint8_t hash[MLC_SHA256_LEN];
    char context[MLC_AGENT_NAME_MAX + 32];
    mlc_buf sealed = {0};
    if (job == NULL)
        return MLC_E_NOMEM;
    mlc_code code = take_name(job->agent, agent, "agent", err);
    job->what = JOB_ENROLL;
    memcpy(job->key, key, MLC_KEY_LEN);
    const mlc_agent_record *const known = code == MLC_OK ? find_record(agents, agent) : NULL;
    if (known != NULL)
        memcpy(job->owner, known->tenant, sizeof job->owner);
    if (code == MLC_OK)
        code = name_token(job, token, err);
    if (code == MLC_OK)
        code = mlc_sha256(key, MLC_KEY_LEN, hash, err);
    if (code == MLC_OK) {
        mlc_hex(hash, sizeof hash, job->key_hash);
        code = mlc_seal(agents->root, seal_context(job->agent, context, sizeof context), key, MLC_KEY_LEN,
                        &sealed, err);
    }
    if (code == MLC_OK)
        code = mlc_base64(sealed.data, sealed.len, &job->sealed, err);
    mlc_buf_free(&sealed);
    return submit(job, code, err);
}

mlc_code mlc_agents_revoke(mlc_agents *agents, const char *agent, mlc_agents_done_fn done, void *user,
                           mlc_error *err)
{
    agents_job *const job = new_job(agents, done, user, err);
    if (job == NULL)
        return MLC_E_NOMEM;
    job->what = JOB_REVOKE;
    return submit(job, take_name(job->agent, agent, "agent", err), err);
}
