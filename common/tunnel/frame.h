/* frame.h - the bytes on the wire: frames, the bodies of frames, and messages.
 *
 * docs/protocol.md is the specification; a unit test keeps its worked example true. A websocket message
 * carries one or more whole frames. All numbers are big-endian. Decoding borrows from the input and
 * copies nothing; it never reads beyond `len` and refuses what does not add up (MLC_E_PROTOCOL) or
 * passes a limit (MLC_E_LIMIT). Pure; any thread.
 */
#ifndef MLC_TUNNEL_FRAME_H
#define MLC_TUNNEL_FRAME_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    MLC_FRAME_HEADER_LEN = 32,
    MLC_FRAME_MAX = 64 * 1024,         /* default limit of a websocket message */
    MLC_FRAME_MAX_FLOOR = 16 * 1024,   /* no peer may ask for less: a hello must fit */
    MLC_MESSAGE_MAX = 4 * 1024 * 1024, /* default limit of a message put together from chunks */
    MLC_MESSAGE_HEAD_LEN = 20,         /* before the texts */
    MLC_MESSAGE_TEXT_MAX = 1024,       /* of each text of a message */
    MLC_MESSAGE_OVERHEAD = 256,        /* what a message costs of the window besides its bytes */
    MLC_FRAME_TEXT_MAX = 400,          /* of the texts in NACK, BUSY and CLOSE */
    MLC_NONCE_LEN = 32,
    MLC_MARK_LEN = 16,
    MLC_STREAM_CONTROL = 0,
    MLC_STREAM_MESSAGES = 1
};

typedef enum mlc_frame_type {
    MLC_FRAME_CHALLENGE = 1,
    MLC_FRAME_HELLO = 2,
    MLC_FRAME_WELCOME = 3,
    MLC_FRAME_START = 4,
    MLC_FRAME_DATA = 5,
    MLC_FRAME_SKIP = 6,
    MLC_FRAME_ACK = 7,
    MLC_FRAME_NACK = 8,
    MLC_FRAME_BUSY = 9,
    MLC_FRAME_PING = 10,
    MLC_FRAME_PONG = 11,
    MLC_FRAME_CLOSE = 12,
    MLC_FRAME_IGNORABLE = 128 /* unknown types from here on are ignored, below they are an error */
} mlc_frame_type;

enum { MLC_DATA_FIRST = 1, MLC_DATA_LAST = 2 };

/* Why a connection ends: the code in a CLOSE frame and of the websocket close frame. */
typedef enum mlc_close_code {
    MLC_CLOSE_GOODBYE = 4000,  /* orderly end */
    MLC_CLOSE_REPLACED = 4001, /* a newer connection of the same agent took over */
    MLC_CLOSE_AUTH = 4002,     /* agent unknown, or the proof is wrong */
    MLC_CLOSE_VERSION = 4003,  /* no common version */
    MLC_CLOSE_PROTOCOL = 4004, /* the peer broke the protocol */
    MLC_CLOSE_LIMIT = 4005,    /* a size or window was passed */
    MLC_CLOSE_TIMEOUT = 4006,  /* silence, or a handshake that took too long */
    MLC_CLOSE_KICKED = 4007,   /* an operator cut the connection or revoked the agent */
    MLC_CLOSE_LATER = 4008,    /* not now: come back after retry_ms */
    MLC_CLOSE_INTERNAL = 4009  /* a fault on the closing side */
} mlc_close_code;

/* A frame, decoded, or to be encoded. */
typedef struct mlc_frame {
    uint8_t type;
    uint8_t flags;
    uint16_t stream;
    uint64_t seq;
    uint64_t ack;    /* last sequence of the peer's stream that is stored here */
    uint32_t credit; /* bytes the peer may have under way beyond `ack` */
    const uint8_t *body;
    size_t body_len;
} mlc_frame;

/* Short name of a frame type or close code, for logs; never NULL. */
const char *mlc_frame_name(unsigned type);
const char *mlc_close_name(unsigned code);

/* Append a frame. */
mlc_code mlc_frame_write(mlc_buf *out, const mlc_frame *frame, mlc_error *err);
/* Decode the frame at the start of data; *used receives its whole length. MLC_E_PROTOCOL when the bytes
 * end before the frame does. */
mlc_code mlc_frame_read(const uint8_t *data, size_t len, mlc_frame *out, size_t *used, mlc_error *err);
/* Whole length of the encoded frame at `data`, which must hold a header. */
size_t mlc_frame_length(const uint8_t *data);
/* Set ack and credit in an encoded frame. */
void mlc_frame_stamp(uint8_t *data, uint64_t ack, uint32_t credit);

/* Body of START: header seq is the first sequence that follows. */
typedef struct mlc_start {
    uint64_t epoch, generation; /* identity of the stream */
    uint64_t acked;             /* what the sender durably knows to be acknowledged */
} mlc_start;
mlc_code mlc_start_write(mlc_buf *out, uint64_t first, const mlc_start *start, mlc_error *err);
mlc_code mlc_start_read(const mlc_frame *frame, mlc_start *out, mlc_error *err);

mlc_code mlc_skip_write(mlc_buf *out, uint64_t first, uint64_t last, mlc_error *err);
mlc_code mlc_skip_read(const mlc_frame *frame, uint64_t *last, mlc_error *err);

/* Body of NACK, BUSY and CLOSE. `code` is an mlc_refusal_code or mlc_close_code, unused in BUSY. */
typedef struct mlc_notice {
    uint16_t code;
    uint32_t retry_ms;
    char text[MLC_FRAME_TEXT_MAX + 1];
} mlc_notice;
/* The text is cut to MLC_FRAME_TEXT_MAX bytes on a character boundary; NULL gives "". */
mlc_code mlc_notice_write(mlc_buf *out, const mlc_frame *head, unsigned code, int64_t retry_ms,
                          const char *text, mlc_error *err);
mlc_code mlc_notice_read(const mlc_frame *frame, mlc_notice *out, mlc_error *err);

/* Codes of NACK on the wire. */
typedef enum mlc_refusal_code { MLC_REFUSAL_REJECTED = 1, MLC_REFUSAL_INVALID = 2 } mlc_refusal_code;

/* A message. Texts are neither NULL nor necessarily NUL-terminated when decoded. */
typedef struct mlc_text {
    const char *at;
    size_t len;
} mlc_text;
typedef struct mlc_message {
    uint64_t seq;
    int64_t created_ms;
    mlc_text idem, key, kind, correlation;
    const void *payload;
    size_t payload_len;
} mlc_message;

/* Encoded length, and what it takes of the window. */
size_t mlc_message_length(const mlc_message *message);
size_t mlc_message_cost(size_t length);
/* Append the message as one or more DATA frames of at most max_frame bytes each. */
mlc_code mlc_message_write(mlc_buf *out, const mlc_message *message, size_t max_frame, mlc_error *err);
/* Announced length of a message from its first chunk. */
mlc_code mlc_message_announced(const uint8_t *data, size_t len, size_t *length, mlc_error *err);
/* Decode a whole message; texts are checked: UTF-8 without NUL, length, idempotency key not empty. */
mlc_code mlc_message_read(const uint8_t *data, size_t len, uint64_t seq, mlc_message *out, mlc_error *err);
/* Identity of an entry: the first 16 bytes of SHA-256(seq || created || idempotency key). */
mlc_code mlc_message_mark(uint64_t seq, int64_t created_ms, const char *idem, size_t idem_len,
                          uint8_t out[MLC_MARK_LEN], mlc_error *err);

#endif
