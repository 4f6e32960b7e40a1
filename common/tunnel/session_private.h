/* session_private.h - the state of a session, shared by session.c (life and output),
 * session_hello.c (handshake), session_rx.c (the peer's stream) and session_tx.c (ours). */
#ifndef MLC_TUNNEL_SESSION_PRIVATE_H
#define MLC_TUNNEL_SESSION_PRIVATE_H

#include "tunnel/inflight.h"
#include "tunnel/session.h"

enum {
    SESSION_QUEUE_MAX = 256 * 1024,  /* bytes of DATA waiting for the socket */
    SESSION_CONTROL_MAX = 64 * 1024, /* bytes of other frames, beyond which reading stops */
    SESSION_ACTIONS_MAX = 4          /* one frame leads to at most so many */
};

typedef enum session_state {
    SESSION_WAIT_CHALLENGE, /* AGENT */
    SESSION_WAIT_HELLO,     /* RELAY */
    SESSION_WAIT_IDENTITY,  /* RELAY, for its rim */
    SESSION_WAIT_WELCOME,   /* AGENT */
    SESSION_OPEN,
    SESSION_CLOSED
} session_state;

/* The peer's stream. */
typedef struct session_rx {
    mlc_position claim; /* what was stored when the session began */
    bool started;
    uint64_t epoch, generation;
    uint64_t expected;  /* next sequence on the wire */
    uint64_t received;  /* last sequence seen in order, skipped ones counted */
    uint64_t committed; /* last sequence stored: what we acknowledge */
    bool busy;          /* we asked the peer to wait */
    bool dropping;      /* until the peer starts again */
    mlc_inflight pending;
    mlc_buf partial; /* chunks of message `expected` */
    size_t announced;
} session_rx;

/* Our stream. */
typedef struct session_tx {
    bool started;
    mlc_start start;
    uint64_t next;      /* next sequence to offer */
    uint64_t acked;     /* last sequence the peer acknowledged */
    uint64_t confirmed; /* durable with us */
    uint32_t credit;
    bool paused; /* the peer is busy */
    mlc_tunnel_limits peer;
    unsigned peer_capabilities;
    mlc_inflight inflight;
    mlc_buf queue; /* START, SKIP and DATA frames */
    size_t queue_at;
} session_tx;

struct mlc_session {
    session_state state;
    mlc_session_role role;
    char agent[MLC_AGENT_ID_MAX];
    char software[MLC_SOFTWARE_MAX];
    bool has_key;
    uint8_t key[MLC_KEY_LEN];
    bool has_own;
    mlc_own_identity own;
    bool has_authority;
    uint8_t authority_key[MLC_EC_PRIVATE_LEN];
    uint8_t nonce[MLC_NONCE_LEN];     /* ours */
    uint8_t challenge[MLC_NONCE_LEN]; /* the relay's, as the agent got it */
    mlc_tunnel_limits limits;
    int64_t ping_interval_ms, now, heard_at, ping_at, handshake_until;
    mlc_hello peer_hello;
    session_rx rx;
    session_tx tx;
    /* input */
    mlc_buf in;
    size_t in_at;
    bool in_ready;
    mlc_action actions[SESSION_ACTIONS_MAX];
    size_t action_at, action_count;
    int64_t tokens; /* thousandths of a websocket message */
    unsigned max_frames_per_s;
    int64_t tokens_at;
    /* output */
    mlc_buf control;
    size_t control_at;
    bool ack_due;
    bool pong_due;
    uint8_t pong[8];
};

/* session.c */
void session_fail(mlc_session *s, unsigned code, const char *fmt, ...) MLC_PRINTF(3, 4);
void session_fail_error(mlc_session *s, mlc_code code, const mlc_error *err);
mlc_action *session_act(mlc_session *s, mlc_action_type type);
uint32_t session_credit(const mlc_session *s);
/* Queue a control frame with the present acknowledgement. */
void session_control(mlc_session *s, mlc_frame *frame);
void session_notice(mlc_session *s, mlc_frame_type type, uint64_t seq, unsigned code, int64_t retry_ms,
                    const char *text);

/* session_hello.c */
void session_send_challenge(mlc_session *s);
void session_on_handshake(mlc_session *s, const mlc_frame *frame);

/* session_rx.c */
void session_on_start(mlc_session *s, const mlc_frame *frame);
void session_on_data(mlc_session *s, const mlc_frame *frame);
void session_on_skip(mlc_session *s, const mlc_frame *frame);

/* session_tx.c */
void session_on_head(mlc_session *s, const mlc_frame *frame); /* ack and credit of any frame */
void session_on_nack(mlc_session *s, const mlc_frame *frame);
void session_on_busy(mlc_session *s, const mlc_frame *frame);

#endif
