/* sign.c - what agents with an issued certificate and the relay sign (docs/protocol.md, section Proofs). */
#include "tunnel/hello.h"

#include <string.h>

/* The parts, one after another; lengths of all but one are fixed, so no two sets of them give the same bytes. */
typedef struct signed_part {
    const void *bytes;
    size_t len;
} signed_part;

static mlc_code join(const char *label, const signed_part *parts, size_t count, mlc_buf *out, mlc_error *err)
{
    mlc_code code = mlc_buf_puts(out, label, err);
    for (size_t i = 0; code == MLC_OK && i < count; i++)
        code = mlc_buf_append(out, parts[i].bytes, parts[i].len, err);
    return code;
}

static mlc_code agent_bytes(const uint8_t *challenge, const char *agent, const uint8_t *nonce,
                            const uint8_t *fingerprint, mlc_buf *out, mlc_error *err)
{
    const signed_part parts[] = {{challenge, MLC_NONCE_LEN},
                                 {agent, strlen(agent)},
                                 {nonce, MLC_NONCE_LEN},
                                 {fingerprint, MLC_SHA256_LEN}};
    return join("mlc.v1/cert/agent", parts, 4, out, err);
}

static mlc_code relay_bytes(const uint8_t *challenge, const char *agent, const uint8_t *nonce,
                            const uint8_t *fingerprint, mlc_buf *out, mlc_error *err)
{
    const signed_part parts[] = {{nonce, MLC_NONCE_LEN},
                                 {agent, strlen(agent)},
                                 {challenge, MLC_NONCE_LEN},
                                 {fingerprint, MLC_SHA256_LEN}};
    return join("mlc.v1/cert/relay", parts, 4, out, err);
}

static mlc_code request_bytes(const char *what, const char *agent, const uint8_t *fingerprint,
                              const void *data, size_t len, mlc_buf *out, mlc_error *err)
{
    const signed_part parts[] = {
        {what, strlen(what)}, {agent, strlen(agent)}, {fingerprint, MLC_SHA256_LEN}, {data, len}};
    return join("mlc.v1/cert/", parts, 4, out, err);
}

static mlc_code sign(const uint8_t *key, mlc_code code, mlc_buf *bytes, uint8_t *out, mlc_error *err)
{
    if (code == MLC_OK)
        code = mlc_ec_sign(key, bytes->data, bytes->len, out, err);
    mlc_buf_free(bytes);
    return code;
}

static mlc_code verify(const uint8_t *key, mlc_code code, mlc_buf *bytes, const uint8_t *signature,
                       mlc_error *err)
{
    if (code == MLC_OK)
        code = mlc_ec_verify(key, bytes->data, bytes->len, signature, err);
    mlc_buf_free(bytes);
    return code;
}

mlc_code mlc_sign_agent(const mlc_own_identity *own, const uint8_t challenge[MLC_NONCE_LEN],
                        const char *agent, const uint8_t nonce[MLC_NONCE_LEN],
                        uint8_t out[MLC_EC_SIGNATURE_LEN], mlc_error *err)
{
    mlc_buf bytes = {0};
    return sign(own->key, agent_bytes(challenge, agent, nonce, own->fingerprint, &bytes, err), &bytes, out,
                err);
}

mlc_code mlc_sign_relay(const uint8_t authority_key[MLC_EC_PRIVATE_LEN],
                        const uint8_t challenge[MLC_NONCE_LEN], const char *agent,
                        const uint8_t nonce[MLC_NONCE_LEN], const uint8_t fingerprint[MLC_SHA256_LEN],
                        uint8_t out[MLC_EC_SIGNATURE_LEN], mlc_error *err)
{
    mlc_buf bytes = {0};
    return sign(authority_key, relay_bytes(challenge, agent, nonce, fingerprint, &bytes, err), &bytes, out,
                err);
}

mlc_code mlc_signed_by_agent(const uint8_t public_key[MLC_EC_PUBLIC_LEN],
                             const uint8_t challenge[MLC_NONCE_LEN], const char *agent,
                             const mlc_hello *hello, mlc_error *err)
{
    mlc_buf bytes = {0};
    return verify(public_key, agent_bytes(challenge, agent, hello->nonce, hello->fingerprint, &bytes, err),
                  &bytes, hello->signature, err);
}

mlc_code mlc_signed_by_relay(const mlc_own_identity *own, const uint8_t challenge[MLC_NONCE_LEN],
                             const char *agent, const uint8_t nonce[MLC_NONCE_LEN],
                             const uint8_t signature[MLC_EC_SIGNATURE_LEN], mlc_error *err)
{
    mlc_buf bytes = {0};
    return verify(own->relay_key, relay_bytes(challenge, agent, nonce, own->fingerprint, &bytes, err), &bytes,
                  signature, err);
}

mlc_code mlc_sign_request(const mlc_own_identity *own, const char *what, const char *agent, const void *data,
                          size_t len, uint8_t out[MLC_EC_SIGNATURE_LEN], mlc_error *err)
{
    mlc_buf bytes = {0};
    return sign(own->key, request_bytes(what, agent, own->fingerprint, data, len, &bytes, err), &bytes, out,
                err);
}

mlc_code mlc_signed_request(const uint8_t public_key[MLC_EC_PUBLIC_LEN],
                            const uint8_t fingerprint[MLC_SHA256_LEN], const char *what, const char *agent,
                            const void *data, size_t len, const uint8_t signature[MLC_EC_SIGNATURE_LEN],
                            mlc_error *err)
{
    mlc_buf bytes = {0};
    return verify(public_key, request_bytes(what, agent, fingerprint, data, len, &bytes, err), &bytes,
                  signature, err);
}
