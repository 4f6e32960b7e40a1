/* agents.h - who may connect: the registry of agents and the enrolment tokens, durable in the control store.
 *
 * A token is one-time and ends by time; only its SHA-256 is stored. Used with an agent's key it binds to that key: the same
 * token with the same key is answered well again (a lost answer), with another key it is refused. What an agent is known by:
 *   a certificate   which this relay issued for the agent's own key pair; here are only certificates
 *   a key           shared with the relay, sealed with its root key, bound to tenant and agent (agents enrolled before)
 *   the configuration, which names its client certificate of another authority
 * A renewed certificate is valid beside the one before until the agent has used it. A control store that was restored from a
 * backup does not know what was renewed since: such a certificate is adopted (mlc_agents_adopt). Revoking forgets the agent with its
 * certificates and tokens. Each change is an entry in the audit trail of the control store.
 * A tenant has one agent at a time: its durable stream is for one receiver.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_AGENTS_H
#define MLC_RELAY_AGENTS_H

#include "base/json.h"
#include "base/log.h"
#include "crypto/keyring.h"
#include "relay/issuer.h"
#include "store/store.h"

enum { MLC_AGENT_NAME_MAX = 64, MLC_AGENT_CERT_MAX = 1280, MLC_AGENT_CERTS = 2 };

typedef struct mlc_agents mlc_agents;

typedef struct mlc_agent_cert {
    uint8_t der[MLC_AGENT_CERT_MAX];
    size_t len;
    mlc_cert_info info;
} mlc_agent_cert;

typedef struct mlc_agent_record {
    char id[MLC_AGENT_NAME_MAX];
    char tenant[MLC_AGENT_NAME_MAX];
    bool has_key; /* neither key nor certificates: known by its client certificate, from the configuration */
    uint8_t key[MLC_KEY_LEN];
    mlc_agent_cert
        certs[MLC_AGENT_CERTS]; /* issued here: the one in use, and a renewed one that was not used yet */
    size_t cert_count;
    int64_t
        newest_ms; /* beginning of the newest certificate that was ever issued for it: no older one comes back */
    int64_t enrolled_ms;
} mlc_agent_record;

/* Reads the registry; the ring is copied. `issuer` must stay until close; NULL: no certificates are issued. */
mlc_code mlc_agents_open(mlc_agents **out, mlc_store *control, const mlc_keyring *ring,
                         const mlc_issuer *issuer, mlc_log *log, mlc_error *err);
/* Wipes keys. NULL is allowed. */
void mlc_agents_close(mlc_agents *agents);

/* An agent known by client certificate (configuration). */
mlc_code mlc_agents_add_certified(mlc_agents *agents, const char *id, const char *tenant, mlc_error *err);
bool mlc_agents_configured(const mlc_agents *agents, const char *id);
/* Forget those of a tenant that are known by certificate only (it leaves the configuration). */
void mlc_agents_drop_certified(mlc_agents *agents, const char *tenant);
/* Borrowed until the next change; NULL when unknown or revoked. */
const mlc_agent_record *mlc_agents_find(const mlc_agents *agents, const char *id);
const mlc_agent_record *mlc_agents_at(const mlc_agents *agents, size_t index);
/* Its certificate with this fingerprint, NULL when it has none such. */
const mlc_agent_cert *mlc_agent_cert_of(const mlc_agent_record *record,
                                        const uint8_t fingerprint[MLC_SHA256_LEN]);
/* The same, by public key. */
const mlc_agent_cert *mlc_agent_cert_for(const mlc_agent_record *record,
                                         const uint8_t public_key[MLC_EC_PUBLIC_LEN]);

typedef void (*mlc_agents_done_fn)(void *user, mlc_code code, const mlc_error *err);
/* Remember a new token for (tenant, agent) until expires_ms. `done` after the commit. MLC_E_EXISTS when the agent is another
 * tenant's: names of agents are of the whole relay. `actor` of the audit trail: "operator:jane"; NULL: the relay. */
mlc_code mlc_agents_issue(mlc_agents *agents, const char *tenant, const char *agent, const char *token,
                          int64_t expires_ms, const char *actor, mlc_agents_done_fn done, void *user,
                          mlc_error *err);
/* Exchange a token for a shared key. Codes given to `done`: MLC_E_DENIED (token unknown, ended, used or for another agent),
 * MLC_E_EXISTS (the tenant has another agent, or another tenant has this one). */
mlc_code mlc_agents_enroll(mlc_agents *agents, const char *token, const char *agent,
                           const uint8_t key[MLC_KEY_LEN], mlc_agents_done_fn done, void *user,
                           mlc_error *err);
/* Exchange a token for a certificate of this public key, which is in the record afterwards. Codes as above;
 * MLC_E_UNSUPPORTED without an issuer. */
mlc_code mlc_agents_certify(mlc_agents *agents, const char *token, const char *agent,
                            const uint8_t public_key[MLC_EC_PUBLIC_LEN], mlc_agents_done_fn done, void *user,
                            mlc_error *err);
/* Issue a further certificate, to the holder of the one with this fingerprint. The same public key again gets the same
 * certificate while that was not used. MLC_E_DENIED to `done`: the agent has no such certificate (any more), or it ended. */
mlc_code mlc_agents_renew(mlc_agents *agents, const char *agent, const uint8_t fingerprint[MLC_SHA256_LEN],
                          const uint8_t public_key[MLC_EC_PUBLIC_LEN], mlc_agents_done_fn done, void *user,
                          mlc_error *err);
/* The agent has shown this certificate: when it is the renewed one, the one before ends. */
void mlc_agents_used(mlc_agents *agents, const char *agent, const uint8_t fingerprint[MLC_SHA256_LEN]);
/* May this certificate (DER), which is not in the record, take the place of those that are? It must be this authority's, for this
 * agent of this tenant, be valid now, and begin later than any that was issued for the agent by what the registry knows: one that
 * was superseded or revoked does not come back. Only an agent that has issued certificates can have another one. MLC_E_DENIED
 * says why not. */
mlc_code mlc_agents_adoptable(const mlc_agents *agents, const char *agent, const void *der, size_t len,
                              mlc_cert_info *info, mlc_error *err);
/* The agent has shown that it has the key of such a certificate: it is the one in the record from now on. Looked at again in the
 * job; MLC_E_DENIED to `done`. */
mlc_code mlc_agents_adopt(mlc_agents *agents, const char *agent, const void *der, size_t len,
                          mlc_agents_done_fn done, void *user, mlc_error *err);
/* Forget an agent, its certificates and its tokens. MLC_E_NOTFOUND to `done`. */
mlc_code mlc_agents_revoke(mlc_agents *agents, const char *agent, const char *actor, mlc_agents_done_fn done,
                           void *user, mlc_error *err);
/* Seal everything in the control store with the ring's first key, in one commit, and use this ring from now on (copied).
 * Blocks for that commit. *count: how many values were sealed anew. */
mlc_code mlc_agents_reseal(mlc_agents *agents, const mlc_keyring *ring, size_t *count, mlc_error *err);

#endif
