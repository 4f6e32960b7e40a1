/* hello.h - the two sides introduce themselves: HELLO (agent) and WELCOME (relay), their proofs of the
 * agent's key, and from where a stream goes on.
 *
 * The bodies are small JSON objects (docs/protocol.md): limited in size and depth, unknown members and
 * unknown capabilities are ignored. Pure; any thread.
 */
#ifndef MLC_TUNNEL_HELLO_H
#define MLC_TUNNEL_HELLO_H

#include "crypto/ec.h"
#include "crypto/x509.h"
#include "tunnel/frame.h"

enum {
    MLC_TUNNEL_VERSION_MIN = 1,
    MLC_TUNNEL_VERSION_MAX = 1,
    MLC_HELLO_MAX = 8 * 1024,
    MLC_HELLO_DEPTH = 4,
    MLC_AGENT_ID_MAX = 128, /* with the NUL */
    MLC_HELLO_CERT_MAX = 1280,
    MLC_SOFTWARE_MAX = 64
};

/* Capabilities this build knows. */
enum { MLC_CAP_CHUNKS = 1 /* puts messages together from several frames */ };

/* How an agent shows who it is: by the key it shares with the relay, by a client certificate of the relay's configuration,
 * or by its own key pair and the certificate the relay issued for it. */
typedef enum mlc_auth_kind { MLC_AUTH_KEY, MLC_AUTH_MTLS, MLC_AUTH_CERT } mlc_auth_kind;

/* What an agent with an issued certificate shows itself by. */
typedef struct mlc_own_identity {
    uint8_t key[MLC_EC_PRIVATE_LEN];
    uint8_t fingerprint[MLC_SHA256_LEN];  /* SHA-256 of its certificate */
    uint8_t relay_key[MLC_EC_PUBLIC_LEN]; /* of the authority that issued it: the relay proves itself by it */
    uint8_t cert[MLC_CERT_MAX];           /* DER */
    size_t cert_len;
} mlc_own_identity;

/* How far a receiver has got in a sender's stream. epoch 0: nothing was ever received. `mark` is the
 * mlc_message_mark of message `seq`, by which a sender knows its own entry again. */
typedef struct mlc_position {
    uint64_t epoch, generation, seq;
    uint8_t mark[MLC_MARK_LEN];
} mlc_position;

/* What the speaker is willing to receive. */
typedef struct mlc_tunnel_limits {
    uint32_t max_frame;   /* a websocket message */
    uint32_t max_message; /* put together */
    uint32_t window;      /* bytes under way */
} mlc_tunnel_limits;

/* HELLO and WELCOME. In a WELCOME version_min == version_max is the version chosen, agent is empty. */
typedef struct mlc_hello {
    uint32_t version_min, version_max;
    char agent[MLC_AGENT_ID_MAX];
    mlc_auth_kind auth;
    uint8_t nonce[MLC_NONCE_LEN]; /* HELLO with a key or an issued certificate */
    uint8_t proof[MLC_SHA256_LEN];
    bool has_proof;
    uint8_t fingerprint[MLC_SHA256_LEN]; /* HELLO with an issued certificate */
    uint8_t issued[MLC_HELLO_CERT_MAX];  /* that certificate (DER); issued_len 0: it was not shown */
    size_t issued_len;
    uint8_t signature[MLC_EC_SIGNATURE_LEN];
    bool has_signature;
    char software[MLC_SOFTWARE_MAX];
    unsigned capabilities; /* MLC_CAP_* known to us */
    mlc_tunnel_limits limits;
    mlc_position received;
} mlc_hello;

/* Append the JSON text. */
mlc_code mlc_hello_print(mlc_buf *out, const mlc_hello *hello, bool welcome, mlc_error *err);
/* MLC_E_PROTOCOL or MLC_E_LIMIT; the text names the member. */
mlc_code mlc_hello_parse(const char *text, size_t len, bool welcome, mlc_hello *out, mlc_error *err);

/* HMAC-SHA-256(key, "mlc.v1" || challenge || agent id || client nonce): the agent's proof.
 * HMAC-SHA-256(key, "mlc.v1/relay" || client nonce || agent id || challenge): the relay's proof. */
mlc_code mlc_proof_agent(const uint8_t key[MLC_KEY_LEN], const uint8_t challenge[MLC_NONCE_LEN],
                         const char *agent, const uint8_t nonce[MLC_NONCE_LEN], uint8_t out[MLC_SHA256_LEN],
                         mlc_error *err);
mlc_code mlc_proof_relay(const uint8_t key[MLC_KEY_LEN], const uint8_t challenge[MLC_NONCE_LEN],
                         const char *agent, const uint8_t nonce[MLC_NONCE_LEN], uint8_t out[MLC_SHA256_LEN],
                         mlc_error *err);

/* What an agent with an issued certificate signs, and what the relay signs with the key of its issuing authority:
 * "mlc.v1/cert/agent" || challenge || agent id || nonce || fingerprint
 * "mlc.v1/cert/relay" || nonce || agent id || challenge || fingerprint */
mlc_code mlc_sign_agent(const mlc_own_identity *own, const uint8_t challenge[MLC_NONCE_LEN],
                        const char *agent, const uint8_t nonce[MLC_NONCE_LEN],
                        uint8_t out[MLC_EC_SIGNATURE_LEN], mlc_error *err);
mlc_code mlc_sign_relay(const uint8_t authority_key[MLC_EC_PRIVATE_LEN],
                        const uint8_t challenge[MLC_NONCE_LEN], const char *agent,
                        const uint8_t nonce[MLC_NONCE_LEN], const uint8_t fingerprint[MLC_SHA256_LEN],
                        uint8_t out[MLC_EC_SIGNATURE_LEN], mlc_error *err);
/* MLC_E_AUTH: the signature in the hello is not of this public key. */
mlc_code mlc_signed_by_agent(const uint8_t public_key[MLC_EC_PUBLIC_LEN],
                             const uint8_t challenge[MLC_NONCE_LEN], const char *agent,
                             const mlc_hello *hello, mlc_error *err);
mlc_code mlc_signed_by_relay(const mlc_own_identity *own, const uint8_t challenge[MLC_NONCE_LEN],
                             const char *agent, const uint8_t nonce[MLC_NONCE_LEN],
                             const uint8_t signature[MLC_EC_SIGNATURE_LEN], mlc_error *err);
/* "mlc.v1/cert/WHAT" || agent id || fingerprint || data, signed by the agent outside of a tunnel (/v1/agent/check with a nonce,
 * /v1/agent/renew with a certificate request as data). */
mlc_code mlc_sign_request(const mlc_own_identity *own, const char *what, const char *agent, const void *data,
                          size_t len, uint8_t out[MLC_EC_SIGNATURE_LEN], mlc_error *err);
mlc_code mlc_signed_request(const uint8_t public_key[MLC_EC_PUBLIC_LEN],
                            const uint8_t fingerprint[MLC_SHA256_LEN], const char *what, const char *agent,
                            const void *data, size_t len, const uint8_t signature[MLC_EC_SIGNATURE_LEN],
                            mlc_error *err);

/* HMAC-SHA-256(key, "mlc.v1/check" || nonce || agent id || nonce): shows that the agent has its key, without a connection
 * of the tunnel (POST /v1/agent/check). */
mlc_code mlc_proof_check(const uint8_t key[MLC_KEY_LEN], const char *agent,
                         const uint8_t nonce[MLC_NONCE_LEN], uint8_t out[MLC_SHA256_LEN], mlc_error *err);

/* ---- from where a stream goes on ---- */

/* What a sender durably knows of its own stream. */
typedef struct mlc_stream_facts {
    uint64_t epoch, generation;
    uint64_t acked; /* acknowledged mark now */
    uint64_t last;  /* last sequence given out */
    enum {
        MLC_MARK_UNKNOWN,
        MLC_MARK_SAME,
        MLC_MARK_OTHER
    } mark; /* the receiver's mark, compared to our entry */
} mlc_stream_facts;

typedef enum mlc_resume_kind {
    MLC_RESUME_NORMAL, /* go on after what the receiver has */
    /* The receiver knows nothing of this store, or of its generation: everything still kept is sent. */
    MLC_RESUME_UNKNOWN,
    /* It lost what it acknowledged (a restored backup), or that was void and left no trace: send it again. */
    MLC_RESUME_BEHIND,
    /* We lost what we sent (a restored backup): a new generation begins and everything is sent. */
    MLC_RESUME_REWRITTEN
} mlc_resume_kind;

typedef struct mlc_resume {
    mlc_resume_kind kind;
    uint64_t first;      /* sequence to send first */
    uint64_t generation; /* to be made durable before sending when kind is REWRITTEN */
} mlc_resume;

mlc_resume mlc_resume_decide(const mlc_position *claim, const mlc_stream_facts *own);

#endif
