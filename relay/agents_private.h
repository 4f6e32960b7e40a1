/* agents_private.h - the registry of agents, for its own files only:
 *   agents.c         what is in memory, and the changes as jobs
 *   agents_record.c  an agent as it is stored
 *   agents_job.c     the changes in the control store
 *   agents_adopt.c   a certificate that a restored store does not know
 */
#ifndef MLC_RELAY_AGENTS_PRIVATE_H
#define MLC_RELAY_AGENTS_PRIVATE_H

#include "relay/agents.h"

#define AGENT_PREFIX "agent/"
#define TOKEN_PREFIX "enroll/"
/* Of a revoked agent: newest_ms, for when it is enrolled again. */
#define REVOKED_PREFIX "revoked/"

enum { AGENT_TEXT_MAX = 8192, AGENT_ACTOR_MAX = 128 };

struct mlc_agents {
    mlc_store *control;
    mlc_log *log;
    mlc_keyring ring;
    const mlc_issuer *issuer;
    mlc_agent_record *records;
    size_t count;
};

typedef enum agents_change {
    CHANGE_ISSUE,
    CHANGE_ENROLL,
    CHANGE_CERTIFY,
    CHANGE_RENEW,
    CHANGE_USED,
    CHANGE_ADOPT,
    CHANGE_REVOKE
} agents_change;

/* One change under way. */
typedef struct agents_job {
    mlc_agents *agents;
    agents_change what;
    char actor[AGENT_ACTOR_MAX];
    char tenant[MLC_AGENT_NAME_MAX], agent[MLC_AGENT_NAME_MAX];
    char token_name[sizeof TOKEN_PREFIX + (size_t)2 * MLC_SHA256_LEN];
    char key_hash[2 * MLC_SHA256_LEN + 1]; /* what a token binds to */
    char owner[MLC_AGENT_NAME_MAX];        /* tenant that has this agent now, "" for none */
    uint8_t key[MLC_KEY_LEN];
    uint8_t public_key[MLC_EC_PUBLIC_LEN];
    uint8_t fingerprint[MLC_SHA256_LEN]; /* of the certificate that was shown */
    uint8_t der[MLC_AGENT_CERT_MAX];     /* that certificate, when it is to be adopted */
    size_t der_len;
    int64_t now_ms, expires_ms;
    mlc_agent_record result; /* of the agent after the job */
    bool changed;
    mlc_agents_done_fn done;
    void *user;
} agents_job;

/* A name from outside. MLC_E_INVALID names `what`. */
mlc_code agents_take_name(char out[MLC_AGENT_NAME_MAX], const char *text, const char *what, mlc_error *err);

/* agents_record.c. `name` is AGENT_PREFIX and the id. *stale (may be NULL): its key is to be sealed anew. */
mlc_code agents_record_read(const mlc_keyring *ring, const char *name, const void *value, size_t len,
                            mlc_agent_record *out, bool *stale, mlc_error *err);
mlc_code agents_record_get(mlc_txn *txn, const mlc_keyring *ring, const char *agent, mlc_agent_record *out,
                           mlc_error *err);
mlc_code agents_record_put(mlc_txn *txn, const mlc_keyring *ring, const mlc_agent_record *record,
                           mlc_error *err);
/* Another certificate at this place of the record. */
mlc_code agents_record_add_cert(mlc_agent_record *record, size_t at, const void *der, size_t len,
                                mlc_error *err);

/* agents_adopt.c: see mlc_agents_adoptable. */
mlc_code agents_check_adopted(const mlc_issuer *issuer, const mlc_agent_record *record, const void *der,
                              size_t len, int64_t now_ms, mlc_cert_info *info, mlc_error *err);

/* agents_job.c: a job of the control store; arg: agents_job. */
mlc_code agents_run(mlc_txn *txn, void *arg, mlc_error *err);

#endif
