/* session_hello.c - the handshake: CHALLENGE, HELLO, WELCOME. */
#include "tunnel/session_private.h"

#include <string.h>

void session_send_challenge(mlc_session *s)
{
    session_control(s,
                    &(mlc_frame){.type = MLC_FRAME_CHALLENGE, .body = s->nonce, .body_len = MLC_NONCE_LEN});
}

static void send_hello(mlc_session *s, const mlc_hello *hello, bool welcome)
{
    mlc_buf text = {.max = MLC_HELLO_MAX};
    mlc_error err = {0};
    const mlc_code code = mlc_hello_print(&text, hello, welcome, &err);
    if (code != MLC_OK)
        session_fail_error(s, code, &err);
    else
        session_control(s, &(mlc_frame){.type = welcome ? MLC_FRAME_WELCOME : MLC_FRAME_HELLO,
                                        .body = text.data,
                                        .body_len = text.len});
    mlc_buf_free(&text);
}

static void open_session(mlc_session *s)
{
    s->state = SESSION_OPEN;
    s->heard_at = s->now;
    s->ping_at = s->now + s->ping_interval_ms;
    s->in.max = s->limits.max_frame;
    s->rx.partial.max = s->limits.max_message;
    s->tx.peer = s->peer_hello.limits;
    /* The rim's buffer for output is as large as its own limit. */
    if (s->tx.peer.max_frame > s->limits.max_frame)
        s->tx.peer.max_frame = s->limits.max_frame;
    s->tx.peer_capabilities = s->peer_hello.capabilities;
    if ((s->tx.peer_capabilities & MLC_CAP_CHUNKS) == 0 &&
        s->tx.peer.max_message > s->tx.peer.max_frame - MLC_FRAME_HEADER_LEN)
        s->tx.peer.max_message = s->tx.peer.max_frame - MLC_FRAME_HEADER_LEN;
    s->tx.credit = s->tx.peer.window;
    session_act(s, MLC_ACTION_RESUME)->position = s->peer_hello.received;
}

/* ---- agent ---- */

static void on_challenge(mlc_session *s, const mlc_frame *frame)
{
    if (frame->body_len != MLC_NONCE_LEN) {
        session_fail(s, MLC_CLOSE_PROTOCOL, "CHALLENGE of %zu bytes", frame->body_len);
        return;
    }
    memcpy(s->challenge, frame->body, MLC_NONCE_LEN);
    mlc_hello hello = {.version_min = MLC_TUNNEL_VERSION_MIN,
                       .version_max = MLC_TUNNEL_VERSION_MAX,
                       .auth = s->has_own   ? MLC_AUTH_CERT
                               : s->has_key ? MLC_AUTH_KEY
                                            : MLC_AUTH_MTLS,
                       .has_proof = s->has_key && !s->has_own,
                       .has_signature = s->has_own,
                       .capabilities = MLC_CAP_CHUNKS,
                       .limits = s->limits,
                       .received = s->rx.claim};
    mlc_strlcpy(hello.agent, s->agent, sizeof(hello.agent));
    mlc_strlcpy(hello.software, s->software, sizeof(hello.software));
    memcpy(hello.nonce, s->nonce, sizeof(hello.nonce));
    mlc_error err = {0};
    mlc_code code = MLC_OK;
    if (hello.has_proof)
        code = mlc_proof_agent(s->key, s->challenge, s->agent, s->nonce, hello.proof, &err);
    if (hello.has_signature) {
        memcpy(hello.fingerprint, s->own.fingerprint, sizeof(hello.fingerprint));
        if (s->own.cert_len <= sizeof(hello.issued)) {
            memcpy(hello.issued, s->own.cert, s->own.cert_len);
            hello.issued_len = s->own.cert_len;
        }
        code = mlc_sign_agent(&s->own, s->challenge, s->agent, s->nonce, hello.signature, &err);
    }
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return;
    }
    s->state = SESSION_WAIT_WELCOME;
    send_hello(s, &hello, false);
}

static bool relay_proved_itself(mlc_session *s, const mlc_hello *welcome)
{
    uint8_t expected[MLC_SHA256_LEN];
    if (s->has_own)
        return welcome->has_signature && mlc_signed_by_relay(&s->own, s->challenge, s->agent, s->nonce,
                                                             welcome->signature, NULL) == MLC_OK;
    if (!s->has_key)
        return true;
    if (!welcome->has_proof ||
        mlc_proof_relay(s->key, s->challenge, s->agent, s->nonce, expected, NULL) != MLC_OK)
        return false;
    return mlc_ct_equal(expected, welcome->proof, sizeof(expected));
}

static void on_welcome(mlc_session *s, const mlc_frame *frame)
{
    mlc_error err = {0};
    const mlc_code code =
        mlc_hello_parse((const char *)frame->body, frame->body_len, true, &s->peer_hello, &err);
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return;
    }
    const uint32_t version = s->peer_hello.version_max;
    if (version < MLC_TUNNEL_VERSION_MIN || version > MLC_TUNNEL_VERSION_MAX)
        session_fail(s, MLC_CLOSE_VERSION, "the relay chose version %u, which was not offered", version);
    else if (!relay_proved_itself(s, &s->peer_hello))
        session_fail(s, MLC_CLOSE_AUTH, "the relay did not prove that it knows this agent%s",
                     s->has_own ? ": its issuing authority is another than that of this agent's certificate"
                                : "'s key");
    else
        open_session(s);
}

/* ---- relay ---- */

static void on_hello(mlc_session *s, const mlc_frame *frame)
{
    mlc_error err = {0};
    const mlc_code code =
        mlc_hello_parse((const char *)frame->body, frame->body_len, false, &s->peer_hello, &err);
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return;
    }
    const mlc_hello *hello = &s->peer_hello;
    if (hello->version_max < MLC_TUNNEL_VERSION_MIN || hello->version_min > MLC_TUNNEL_VERSION_MAX) {
        session_fail(s, MLC_CLOSE_VERSION,
                     "this relay speaks tunnel versions %d to %d, the agent %u to %u: update the %s",
                     MLC_TUNNEL_VERSION_MIN, MLC_TUNNEL_VERSION_MAX, hello->version_min, hello->version_max,
                     hello->version_max < MLC_TUNNEL_VERSION_MIN ? "agent" : "relay");
        return;
    }
    mlc_strlcpy(s->agent, hello->agent, sizeof(s->agent));
    s->state = SESSION_WAIT_IDENTITY;
    session_act(s, MLC_ACTION_IDENTIFY)->hello = hello;
}

static bool agent_proved_itself(mlc_session *s, const mlc_identity *identity)
{
    const mlc_hello *hello = &s->peer_hello;
    uint8_t expected[MLC_SHA256_LEN];
    if (hello->auth == MLC_AUTH_MTLS)
        return identity->certificate;
    if (hello->auth == MLC_AUTH_CERT)
        return identity->public_key != NULL && s->has_authority &&
               mlc_signed_by_agent(identity->public_key, s->nonce, s->agent, hello, NULL) == MLC_OK;
    /* An agent without a key costs the same time as one with a wrong proof. */
    static const uint8_t no_key[MLC_KEY_LEN] = {0};
    const uint8_t *key = identity->key != NULL ? identity->key : no_key;
    if (mlc_proof_agent(key, s->nonce, s->agent, hello->nonce, expected, NULL) != MLC_OK)
        return false;
    return mlc_ct_equal(expected, hello->proof, sizeof(expected)) && identity->key != NULL;
}

void mlc_session_identify(mlc_session *s, int64_t now, const mlc_identity *identity)
{
    if (now > s->now)
        s->now = now;
    if (s->state != SESSION_WAIT_IDENTITY)
        return;
    if (!agent_proved_itself(s, identity)) {
        session_fail(s, MLC_CLOSE_AUTH, "the agent is unknown or its credentials are wrong");
        return;
    }
    if (identity->refusal != NULL) {
        session_fail(s, MLC_CLOSE_AUTH, "%s", identity->refusal);
        return;
    }
    s->rx.claim = identity->received;
    const uint32_t highest = s->peer_hello.version_max < MLC_TUNNEL_VERSION_MAX ? s->peer_hello.version_max
                                                                                : MLC_TUNNEL_VERSION_MAX;
    mlc_hello welcome = {.version_min = highest,
                         .version_max = highest,
                         .has_proof = s->peer_hello.auth == MLC_AUTH_KEY,
                         .has_signature = s->peer_hello.auth == MLC_AUTH_CERT,
                         .capabilities = MLC_CAP_CHUNKS,
                         .limits = s->limits,
                         .received = s->rx.claim};
    mlc_strlcpy(welcome.software, s->software, sizeof(welcome.software));
    mlc_error err = {0};
    mlc_code code = MLC_OK;
    if (welcome.has_proof)
        code = mlc_proof_relay(identity->key, s->nonce, s->agent, s->peer_hello.nonce, welcome.proof, &err);
    if (welcome.has_signature)
        code = mlc_sign_relay(s->authority_key, s->nonce, s->agent, s->peer_hello.nonce,
                              s->peer_hello.fingerprint, welcome.signature, &err);
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return;
    }
    open_session(s);
    send_hello(s, &welcome, true);
}

void session_on_handshake(mlc_session *s, const mlc_frame *frame)
{
    if (s->state == SESSION_WAIT_CHALLENGE && frame->type == MLC_FRAME_CHALLENGE)
        on_challenge(s, frame);
    else if (s->state == SESSION_WAIT_WELCOME && frame->type == MLC_FRAME_WELCOME)
        on_welcome(s, frame);
    else if (s->state == SESSION_WAIT_HELLO && frame->type == MLC_FRAME_HELLO)
        on_hello(s, frame);
    else
        session_fail(s, MLC_CLOSE_PROTOCOL, "%s frame (type %u) during the handshake",
                     mlc_frame_name(frame->type), frame->type);
}
