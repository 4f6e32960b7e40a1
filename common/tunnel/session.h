/* session.h - one connection of the tunnel as a pure state machine.
 *
 * Bytes, ticks and the rim's decisions go in; bytes and actions come out. There is no socket, clock, disk
 * or random number inside: `now` is a parameter (monotonic milliseconds), nonces are given. The same
 * machine serves both ends; docs/protocol.md has its state tables.
 *
 * How the rim drives it, after every input (receive, tick, a decision):
 *     while (mlc_session_next(s, &action)) ... carry the action out ...
 *     while (mlc_session_room(s) > 0 && there are entries from mlc_session_next_seq(s)) offer or skip
 *     while ((n = mlc_session_output(s, buf, sizeof buf)) > 0) send one websocket message of n bytes
 * Memory held is bounded: one websocket message and one reassembled message of input, a fixed queue of
 * output. Received messages are the rim's once delivered; the window bounds them.
 *
 * Errors do not return from inputs: they close the session, which ends in an MLC_ACTION_CLOSED.
 * One thread at a time.
 */
#ifndef MLC_TUNNEL_SESSION_H
#define MLC_TUNNEL_SESSION_H

#include "tunnel/frame.h"
#include "tunnel/hello.h"

typedef struct mlc_session mlc_session;

typedef enum mlc_session_role { MLC_SESSION_AGENT, MLC_SESSION_RELAY } mlc_session_role;

typedef struct mlc_session_config {
    mlc_session_role role;
    const char *agent_id;         /* AGENT */
    const uint8_t *key;           /* AGENT: 32 bytes, copied; NULL: a certificate speaks for it */
    const mlc_own_identity *own;  /* AGENT: copied; NULL: it has no certificate the relay issued */
    const uint8_t *authority_key; /* RELAY: of its issuing authority, copied; NULL: it has none */
    const char *software;
    uint8_t nonce[MLC_NONCE_LEN]; /* fresh random bytes */
    mlc_tunnel_limits limits;     /* zeros: defaults (64 KiB, 4 MiB, 4 MiB) */
    int64_t ping_interval_ms;     /* 0: 10 s, at most 11 s; silence of 2.5 intervals ends the session */
    int64_t handshake_ms;         /* 0: 15 s */
    unsigned max_frames_per_s;    /* websocket messages; 0: unlimited. Beyond it reading pauses. */
    mlc_position received;        /* AGENT: how far the relay's stream is stored here */
} mlc_session_config;

typedef enum mlc_action_type {
    /* RELAY: who is it? Answer with mlc_session_identify or mlc_session_shutdown, now or later. */
    MLC_ACTION_IDENTIFY,
    /* The peer told how far it has got (`position`): answer with mlc_session_start, now or later. */
    MLC_ACTION_RESUME,
    /* The peer's stream begins. The first time (not `again`) messages that were refused earlier, with
     * sequences after `start.acked`, are to be refused again (mlc_session_refuse); then comes
     * mlc_session_committed with position.seq, the last sequence received. */
    MLC_ACTION_STARTED,
    /* A message in order, to be stored. Borrowed until the next mlc_session_next. */
    MLC_ACTION_DELIVER,
    /* The peer has stored everything of ours up to `seq` (but what it refused). */
    MLC_ACTION_ACKED,
    /* The peer refuses message `seq` for good, with `notice`. Comes before the ACKED that covers it. */
    MLC_ACTION_REFUSED,
    /* The peer cannot store now; `notice` says why. The session goes on by itself later. */
    MLC_ACTION_PAUSED,
    /* The peer durably knows acknowledgements and refusals up to `seq`. */
    MLC_ACTION_CONFIRMED,
    /* The session ended; `notice` says why, `by_peer` who said so. The last action. */
    MLC_ACTION_CLOSED
} mlc_action_type;

typedef struct mlc_action {
    mlc_action_type type;
    const mlc_hello *hello; /* IDENTIFY */
    mlc_position position;  /* RESUME, STARTED */
    mlc_start start;        /* STARTED */
    bool again;             /* STARTED: not the first time on this connection */
    uint64_t seq;
    size_t count;        /* ACKED: messages, skipped sequences not counted */
    mlc_message message; /* DELIVER */
    mlc_notice notice;
    bool by_peer;
} mlc_action;

/* What the relay's rim found out about an agent. */
typedef struct mlc_identity {
    const uint8_t *key; /* its key (copied), NULL when it has none */
    bool certificate;   /* a verified client certificate may act for it */
    /* Of the certificate that HELLO names, which was issued for this agent (copied); NULL: it has no such one. */
    const uint8_t *public_key;
    /* Not NULL: refuse it with these words, but only when it has proved itself, so that strangers learn nothing. */
    const char *refusal;
    mlc_position received; /* how far the agent's stream is stored here */
} mlc_identity;

/* The session begins at once: the transport is connected. Free with mlc_session_free. */
mlc_code mlc_session_open(mlc_session **out, const mlc_session_config *config, int64_t now, mlc_error *err);
void mlc_session_free(mlc_session *s);

/* ---- inputs ---- */

/* A piece of a websocket message; `end` with its last piece. Actions must be drained after each end. */
void mlc_session_receive(mlc_session *s, int64_t now, const void *data, size_t len, bool end);
/* Time has passed. Call at the latest when mlc_session_deadline says. */
void mlc_session_tick(mlc_session *s, int64_t now);
int64_t mlc_session_deadline(const mlc_session *s);
void mlc_session_identify(mlc_session *s, int64_t now, const mlc_identity *identity);
/* Begin sending our stream at `first`. */
void mlc_session_start(mlc_session *s, uint64_t first, const mlc_start *start);
/* Another limit than that of the configuration, known only when the peer was. 0: unlimited. */
void mlc_session_limit_frames(mlc_session *s, unsigned max_frames_per_s);
/* Everything received up to seq is stored. */
void mlc_session_committed(mlc_session *s, uint64_t seq);
/* Message seq is refused for good. Precedes the mlc_session_committed that covers it. */
void mlc_session_refuse(mlc_session *s, uint64_t seq, unsigned code, const char *text);
/* Message seq cannot be stored now (all before it were committed): it and what follows is dropped here
 * and will be sent again after mlc_session_ready. */
void mlc_session_busy(mlc_session *s, uint64_t seq, int64_t retry_ms, const char *text);
void mlc_session_ready(mlc_session *s);
/* Acknowledgements and refusals of our stream up to seq are durable here. */
void mlc_session_confirm(mlc_session *s, uint64_t seq);
/* End the session and tell the peer why. */
void mlc_session_shutdown(mlc_session *s, unsigned code, int64_t retry_ms, const char *text);

/* ---- sending our stream ---- */

/* Next sequence to offer. */
uint64_t mlc_session_next_seq(const mlc_session *s);
/* Bytes that may be offered now; 0: wait (for acknowledgements, for output to be taken, for the peer). */
size_t mlc_session_room(const mlc_session *s);
typedef enum mlc_offer { MLC_OFFER_TAKEN, MLC_OFFER_LATER, MLC_OFFER_TOO_LARGE } mlc_offer;
/* Offer the message with the next sequence. TOO_LARGE: the peer will never take it; skip it. */
mlc_offer mlc_session_offer(mlc_session *s, const mlc_message *message);
/* Nothing is to be sent for the next sequence up to `last`. */
void mlc_session_skip(mlc_session *s, uint64_t last);

/* ---- outputs ---- */

bool mlc_session_next(mlc_session *s, mlc_action *out);
/* Copy whole frames into buf, at most `size` bytes (at least limits.max_frame): one websocket message.
 * 0: nothing to send. */
size_t mlc_session_output(mlc_session *s, void *buf, size_t size);
bool mlc_session_has_output(const mlc_session *s);
/* How long the transport should stop reading: the peer sends faster than allowed, or does not read. */
int64_t mlc_session_rx_pause(mlc_session *s, int64_t now);
/* The handshake is over. */
bool mlc_session_is_open(const mlc_session *s);
/* No more input is wanted; what mlc_session_output still gives is the goodbye. */
bool mlc_session_is_closed(const mlc_session *s);
/* Size of the largest websocket message that is sent to the peer. */
size_t mlc_session_peer_max_frame(const mlc_session *s);

#endif
