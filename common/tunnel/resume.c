/* resume.c - proofs of the agent's key, and from where a stream goes on after a reconnect. */
#include "tunnel/hello.h"

#include <string.h>

static size_t put(uint8_t *out, size_t at, const void *bytes, size_t len)
{
    memcpy(out + at, bytes, len);
    return at + len;
}

static mlc_code proof(const uint8_t *key, const char *label, const uint8_t *first, const char *agent,
                      const uint8_t *second, uint8_t *out, mlc_error *err)
{
    uint8_t data[16 + 2 * MLC_NONCE_LEN + MLC_AGENT_ID_MAX];
    const size_t agent_len = strlen(agent);
    if (agent_len >= MLC_AGENT_ID_MAX)
        return mlc_fail(err, MLC_E_LIMIT, "the agent id has %zu characters", agent_len);
    size_t at = put(data, 0, label, strlen(label));
    at = put(data, at, first, MLC_NONCE_LEN);
    at = put(data, at, agent, agent_len);
    at = put(data, at, second, MLC_NONCE_LEN);
    return mlc_hmac_sha256(key, MLC_KEY_LEN, data, at, out, err);
}

mlc_code mlc_proof_agent(const uint8_t key[MLC_KEY_LEN], const uint8_t challenge[MLC_NONCE_LEN],
                         const char *agent, const uint8_t nonce[MLC_NONCE_LEN], uint8_t out[MLC_SHA256_LEN],
                         mlc_error *err)
{
    return proof(key, "mlc.v1", challenge, agent, nonce, out, err);
}

mlc_code mlc_proof_relay(const uint8_t key[MLC_KEY_LEN], const uint8_t challenge[MLC_NONCE_LEN],
                         const char *agent, const uint8_t nonce[MLC_NONCE_LEN], uint8_t out[MLC_SHA256_LEN],
                         mlc_error *err)
{
    return proof(key, "mlc.v1/relay", nonce, agent, challenge, out, err);
}

mlc_code mlc_proof_check(const uint8_t key[MLC_KEY_LEN], const char *agent,
                         const uint8_t nonce[MLC_NONCE_LEN], uint8_t out[MLC_SHA256_LEN], mlc_error *err)
{
    return proof(key, "mlc.v1/check", nonce, agent, nonce, out, err);
}

mlc_resume mlc_resume_decide(const mlc_position *claim, const mlc_stream_facts *own)
{
    mlc_resume r = {.kind = MLC_RESUME_UNKNOWN, .first = 1, .generation = own->generation};
    if (claim->epoch != own->epoch || claim->generation < own->generation)
        return r;
    /* What it has is not what we have: our store is an older copy of itself. Which of our entries it has
     * received cannot be told (it may have been restored too), so all goes out again under a new
     * generation, and keys sort out doubles. */
    if (claim->generation > own->generation || claim->seq > own->last || own->mark == MLC_MARK_OTHER) {
        r.kind = MLC_RESUME_REWRITTEN;
        r.generation = claim->generation + 1;
        return r;
    }
    r.kind = claim->seq < own->acked ? MLC_RESUME_BEHIND : MLC_RESUME_NORMAL;
    r.first = claim->seq + 1;
    return r;
}
