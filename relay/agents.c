/* agents.c - see agents.h. Changes are jobs on the control store; memory follows after the commit. */
#include "relay/agents_private.h"

#include "base/clock.h"
#include "store/audit.h"
#include "store/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

const mlc_agent_cert *mlc_agent_cert_of(const mlc_agent_record *record,
                                        const uint8_t fingerprint[MLC_SHA256_LEN])
{
    for (size_t i = 0; i < record->cert_count; i++) {
        if (memcmp(record->certs[i].info.fingerprint, fingerprint, MLC_SHA256_LEN) == 0)
            return &record->certs[i];
    }
    return NULL;
}

const mlc_agent_cert *mlc_agent_cert_for(const mlc_agent_record *record,
                                         const uint8_t public_key[MLC_EC_PUBLIC_LEN])
{
    for (size_t i = record->cert_count; i > 0; i--) {
        if (memcmp(record->certs[i - 1].info.public_key, public_key, MLC_EC_PUBLIC_LEN) == 0)
            return &record->certs[i - 1];
    }
    return NULL;
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

mlc_code agents_take_name(char out[MLC_AGENT_NAME_MAX], const char *text, const char *what, mlc_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const size_t len = text != NULL ? strlen(text) : 0;
    if (len == 0 || len >= MLC_AGENT_NAME_MAX || strspn(text, allowed) != len)
        return mlc_fail(err, MLC_E_INVALID, "%s: 1 to %d letters, digits, dots, dashes or underscores", what,
                        MLC_AGENT_NAME_MAX - 1);
    memcpy(out, text, len + 1);
    return MLC_OK;
}

/* ---- reading all ---- */

typedef struct read_all {
    const mlc_keyring *ring;
    mlc_agent_record *records; /* grown as they come */
    size_t count, stale;
    mlc_code code;
    mlc_error *err;
} read_all;

static bool visit_agent(const char *name, const void *value, size_t len, void *arg)
{
    read_all *const all = arg;
    bool stale = false;
    mlc_agent_record *const grown = realloc(all->records, (all->count + 1) * sizeof *grown);
    if (grown == NULL) {
        all->code = mlc_fail(all->err, MLC_E_NOMEM, "no memory for the registry of agents");
        return false;
    }
    all->records = grown;
    all->code = agents_record_read(all->ring, name, value, len, &grown[all->count], &stale, all->err);
    all->count += all->code == MLC_OK ? 1 : 0;
    all->stale += stale ? 1 : 0;
    return all->code == MLC_OK;
}

static void forget_all(read_all *all)
{
    if (all->records != NULL)
        explicit_bzero(all->records, all->count * sizeof *all->records);
    free(all->records);
    all->records = NULL;
    all->count = 0;
}

static mlc_code load_all(mlc_txn *txn, read_all *all, mlc_error *err)
{
    all->code = MLC_OK;
    all->err = err;
    const mlc_code code = mlc_cursor_scan(txn, AGENT_PREFIX, visit_agent, all, err);
    return code != MLC_OK ? code : all->code;
}

static mlc_code load_registry(mlc_txn *txn, void *arg, mlc_error *err)
{
    mlc_agents *const agents = arg;
    read_all all = {.ring = &agents->ring};
    const mlc_code code = load_all(txn, &all, err);
    if (code != MLC_OK) {
        forget_all(&all);
        return code;
    }
    agents->records = all.records;
    agents->count = all.count;
    return MLC_OK;
}

mlc_code mlc_agents_open(mlc_agents **out, mlc_store *control, const mlc_keyring *ring,
                         const mlc_issuer *issuer, mlc_log *log, mlc_error *err)
{
    mlc_agents *const agents = calloc(1, sizeof *agents);
    if (agents == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for the registry of agents");
    agents->control = control;
    agents->log = log;
    agents->ring = *ring;
    agents->issuer = issuer;
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
    mlc_keyring_wipe(&agents->ring);
    free(agents);
}

/* ---- sealing anew ---- */

typedef struct reseal_job {
    const mlc_keyring *ring;
    size_t count;
} reseal_job;

static mlc_code run_reseal(mlc_txn *txn, void *arg, mlc_error *err)
{
    reseal_job *const job = arg;
    read_all all = {.ring = job->ring};
    job->count = 0;
    mlc_code code = mlc_issuer_reseal(txn, job->ring, &job->count, err);
    if (code == MLC_OK)
        code = load_all(txn, &all, err);
    for (size_t i = 0; code == MLC_OK && all.stale > 0 && i < all.count; i++) {
        if (!all.records[i].has_key)
            continue;
        code = agents_record_put(txn, job->ring, &all.records[i], err);
        job->count++;
    }
    forget_all(&all);
    const mlc_audit_event event = {
        .at_ms = mlc_wall_ms(), .actor = "relay", .action = "secrets sealed anew", .outcome = "ok"};
    return code == MLC_OK && job->count > 0 ? mlc_audit_append(txn, &event, NULL, err) : code;
}

mlc_code mlc_agents_reseal(mlc_agents *agents, const mlc_keyring *ring, size_t *count, mlc_error *err)
{
    reseal_job job = {.ring = ring};
    const mlc_code code = mlc_store_run(agents->control, run_reseal, &job, err);
    if (code != MLC_OK)
        return mlc_wrap(err, code, "the control store cannot be sealed anew");
    agents->ring = *ring;
    *count = job.count;
    return MLC_OK;
}

/* ---- known by configuration ---- */

static bool is_configured(const mlc_agent_record *record)
{
    return !record->has_key && record->cert_count == 0;
}

bool mlc_agents_configured(const mlc_agents *agents, const char *id)
{
    const mlc_agent_record *const record = find_record(agents, id);
    return record != NULL && is_configured(record);
}

mlc_code mlc_agents_add_certified(mlc_agents *agents, const char *id, const char *tenant, mlc_error *err)
{
    mlc_agent_record record = {0};
    mlc_code code = agents_take_name(record.id, id, "agent", err);
    if (code == MLC_OK)
        code = agents_take_name(record.tenant, tenant, "tenant", err);
    const mlc_agent_record *const known = code == MLC_OK ? find_record(agents, id) : NULL;
    if (known != NULL && strcmp(known->tenant, tenant) != 0)
        return mlc_fail(err, MLC_E_EXISTS, "agent %s belongs to tenant %s already", id, known->tenant);
    return code == MLC_OK && known == NULL ? keep_record(agents, &record, err) : code;
}

void mlc_agents_drop_certified(mlc_agents *agents, const char *tenant)
{
    for (size_t i = agents->count; i > 0; i--) {
        mlc_agent_record *const record = &agents->records[i - 1];
        if (!is_configured(record) || strcmp(record->tenant, tenant) != 0)
            continue;
        *record = agents->records[--agents->count];
        explicit_bzero(&agents->records[agents->count], sizeof *record);
    }
}

/* ---- changes ---- */

static void job_free(agents_job *job)
{
    explicit_bzero(job, sizeof *job);
    free(job);
}

static void on_job_done(void *arg, mlc_code code, const mlc_error *why)
{
    agents_job *const job = arg;
    mlc_error err = *why;
    if (code == MLC_OK && job->what == CHANGE_REVOKE)
        drop_record(job->agents, job->agent);
    else if (code == MLC_OK && job->changed)
        code = keep_record(job->agents, &job->result, &err);
    if (job->done != NULL)
        job->done(job->user, code, &err);
    else if (code != MLC_OK)
        mlc_log_warn(job->agents->log, "agents", "a change was not stored", MLC_S("agent", job->agent),
                     MLC_S("error", err.message));
    job_free(job);
}

static agents_job *new_job(mlc_agents *agents, agents_change what, const char *actor, mlc_agents_done_fn done,
                           void *user, mlc_error *err)
{
    agents_job *const job = calloc(1, sizeof *job);
    if (job == NULL) {
        (void)mlc_fail(err, MLC_E_NOMEM, "no memory for a change of agents");
        return NULL;
    }
    job->agents = agents;
    job->what = what;
    mlc_strlcpy(job->actor, actor != NULL ? actor : "relay", sizeof job->actor);
    job->now_ms = mlc_wall_ms();
    job->done = done;
    job->user = user;
    return job;
}

static mlc_code submit(agents_job *job, mlc_code code, mlc_error *err)
{
    if (code == MLC_OK)
        code = mlc_store_submit(job->agents->control, agents_run, on_job_done, job, err);
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
                          int64_t expires_ms, const char *actor, mlc_agents_done_fn done, void *user,
                          mlc_error *err)
{
    agents_job *const job = new_job(agents, CHANGE_ISSUE, actor, done, user, err);
    if (job == NULL)
        return MLC_E_NOMEM;
    mlc_code code = agents_take_name(job->agent, agent, "agent", err);
    job->expires_ms = expires_ms;
    if (code == MLC_OK)
        code = agents_take_name(job->tenant, tenant, "tenant", err);
    const mlc_agent_record *const known = code == MLC_OK ? find_record(agents, agent) : NULL;
    if (known != NULL && strcmp(known->tenant, tenant) != 0)
        code = mlc_fail(err, MLC_E_EXISTS, "agent %s is in use elsewhere; choose another name for it", agent);
    if (code == MLC_OK)
        code = name_token(job, token, err);
    return submit(job, code, err);
}

/* With the token, what it binds to, and whose the agent is now. */
static mlc_code prepare_enrolment(agents_job *job, const char *token, const char *agent, const void *bind,
                                  size_t bind_len, mlc_error *err)
{
    uint8_t hash[MLC_SHA256_LEN];
    mlc_code code = agents_take_name(job->agent, agent, "agent", err);
    const mlc_agent_record *const known = code == MLC_OK ? find_record(job->agents, agent) : NULL;
    if (known != NULL)
        memcpy(job->owner, known->tenant, sizeof job->owner);
    if (code == MLC_OK)
        code = name_token(job, token, err);
    if (code == MLC_OK)
        code = mlc_sha256(bind, bind_len, hash, err);
    if (code == MLC_OK)
        mlc_hex(hash, sizeof hash, job->key_hash);
    return code;
}

mlc_code mlc_agents_enroll(mlc_agents *agents, const char *token, const char *agent,
                           const uint8_t key[MLC_KEY_LEN], mlc_agents_done_fn done, void *user,
                           mlc_error *err)
{
    agents_job *const job = new_job(agents, CHANGE_ENROLL, NULL, done, user, err);
    if (job == NULL)
        return MLC_E_NOMEM;
    memcpy(job->key, key, MLC_KEY_LEN);
    return submit(job, prepare_enrolment(job, token, agent, key, MLC_KEY_LEN, err), err);
}

mlc_code mlc_agents_certify(mlc_agents *agents, const char *token, const char *agent,
                            const uint8_t public_key[MLC_EC_PUBLIC_LEN], mlc_agents_done_fn done, void *user,
                            mlc_error *err)
{
    if (agents->issuer == NULL)
        return mlc_fail(err, MLC_E_UNSUPPORTED, "this relay issues no certificates");
    agents_job *const job = new_job(agents, CHANGE_CERTIFY, NULL, done, user, err);
    if (job == NULL)
        return MLC_E_NOMEM;
    memcpy(job->public_key, public_key, MLC_EC_PUBLIC_LEN);
    return submit(job, prepare_enrolment(job, token, agent, public_key, MLC_EC_PUBLIC_LEN, err), err);
}

mlc_code mlc_agents_renew(mlc_agents *agents, const char *agent, const uint8_t fingerprint[MLC_SHA256_LEN],
                          const uint8_t public_key[MLC_EC_PUBLIC_LEN], mlc_agents_done_fn done, void *user,
                          mlc_error *err)
{
    if (agents->issuer == NULL)
        return mlc_fail(err, MLC_E_UNSUPPORTED, "this relay issues no certificates");
    agents_job *const job = new_job(agents, CHANGE_RENEW, NULL, done, user, err);
    if (job == NULL)
        return MLC_E_NOMEM;
    memcpy(job->fingerprint, fingerprint, MLC_SHA256_LEN);
    memcpy(job->public_key, public_key, MLC_EC_PUBLIC_LEN);
    return submit(job, agents_take_name(job->agent, agent, "agent", err), err);
}

void mlc_agents_used(mlc_agents *agents, const char *agent, const uint8_t fingerprint[MLC_SHA256_LEN])
{
    const mlc_agent_record *const record = find_record(agents, agent);
    const mlc_agent_cert *const cert = record != NULL ? mlc_agent_cert_of(record, fingerprint) : NULL;
    mlc_error err;
    if (cert == NULL || cert == record->certs)
        return;
    agents_job *const job = new_job(agents, CHANGE_USED, NULL, NULL, NULL, &err);
    mlc_code code = MLC_E_NOMEM;
    if (job != NULL) {
        memcpy(job->fingerprint, fingerprint, MLC_SHA256_LEN);
        code = submit(job, agents_take_name(job->agent, agent, "agent", &err), &err);
    }
    if (code != MLC_OK) /* the next connection tries it again; until then both certificates are good */
        mlc_log_warn(agents->log, "agents", "a change was not stored", MLC_S("agent", agent),
                     MLC_S("error", err.message));
}

mlc_code mlc_agents_adopt(mlc_agents *agents, const char *agent, const void *der, size_t len,
                          mlc_agents_done_fn done, void *user, mlc_error *err)
{
    if (len > MLC_AGENT_CERT_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "a certificate of agent %s is too large", agent);
    agents_job *const job = new_job(agents, CHANGE_ADOPT, NULL, done, user, err);
    if (job == NULL)
        return MLC_E_NOMEM;
    memcpy(job->der, der, len);
    job->der_len = len;
    return submit(job, agents_take_name(job->agent, agent, "agent", err), err);
}

mlc_code mlc_agents_revoke(mlc_agents *agents, const char *agent, const char *actor, mlc_agents_done_fn done,
                           void *user, mlc_error *err)
{
    agents_job *const job = new_job(agents, CHANGE_REVOKE, actor, done, user, err);
    if (job == NULL)
        return MLC_E_NOMEM;
    return submit(job, agents_take_name(job->agent, agent, "agent", err), err);
}
