/* agents.h - who may connect: the registry of agents and the enrolment tokens, durable in the control store.
 *
 * A token is one-time and ends by time; only its SHA-256 is stored. Used with an agent's key it binds to that key: the same
 * token with the same key is answered well again (a lost answer), with another key it is refused. Keys are sealed with the
 * relay's root key. A tenant has one agent at a time: its durable stream is for one receiver.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_RELAY_AGENTS_H
#define MLC_RELAY_AGENTS_H

#include "base/json.h"
#include "base/log.h"
#include "crypto/crypto.h"
#include "store/store.h"

enum { MLC_AGENT_NAME_MAX = 64 };

typedef struct mlc_agents mlc_agents;

typedef struct mlc_agent_record {
    char id[MLC_AGENT_NAME_MAX];
    char tenant[MLC_AGENT_NAME_MAX];
    bool has_key; /* false: known by its client certificate, from the configuration */
    uint8_t key[MLC_KEY_LEN];
    int64_t enrolled_ms;
} mlc_agent_record;

/* Reads the registry; root_key is copied. */
mlc_code mlc_agents_open(mlc_agents **out, mlc_store *control, const uint8_t root_key[MLC_KEY_LEN],
                         mlc_log *log, mlc_error *err);
/* Wipes keys. NULL is allowed. */
void mlc_agents_close(mlc_agents *agents);

/* An agent known by client certificate (configuration). */
mlc_code mlc_agents_add_certified(mlc_agents *agents, const char *id, const char *tenant, mlc_error *err);
/* Forget those of a tenant that are known by certificate only (it leaves the configuration). */
void mlc_agents_drop_certified(mlc_agents *agents, const char *tenant);
/* Borrowed until the next change; NULL when unknown or revoked. */
const mlc_agent_record *mlc_agents_find(const mlc_agents *agents, const char *id);
const mlc_agent_record *mlc_agents_at(const mlc_agents *agents, size_t index);

typedef void (*mlc_agents_done_fn)(void *user, mlc_code code, const mlc_error *err);
/* Remember a new token for (tenant, agent) until expires_ms. `done` after the commit. MLC_E_EXISTS when the agent is another
 * tenant's: names of agents are of the whole relay. */
mlc_code mlc_agents_issue(mlc_agents *agents, const char *tenant, const char *agent, const char *token,
                          int64_t expires_ms, mlc_agents_done_fn done, void *user, mlc_error *err);
/* Exchange. Codes given to `done`: MLC_E_DENIED (token unknown, ended, used or for another agent), MLC_E_EXISTS (the tenant has
 * another agent, or another tenant has this one). */
mlc_code mlc_agents_enroll(mlc_agents *agents, const char *token, const char *agent,
                           const uint8_t key[MLC_KEY_LEN], mlc_agents_done_fn done, void *user,
                           mlc_error *err);
/* Forget an agent. MLC_E_NOTFOUND to `done`. */
mlc_code mlc_agents_revoke(mlc_agents *agents, const char *agent, mlc_agents_done_fn done, void *user,
                           mlc_error *err);

#endif
