/* session.c - life of a session: time, input frame by frame, output queues, the end. */
#include "tunnel/session_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PING_DEFAULT_MS = 10000,
    PING_MAX_MS = 11000, /* 2.5 of them stay below the 30 s in which a dead peer must be noticed */
    HANDSHAKE_DEFAULT_MS = 15000,
    CLOSE_RETRY_NONE = 0,
    TOKEN = 1000
};

static mlc_tunnel_limits with_defaults(mlc_tunnel_limits limits)
{
    if (limits.max_frame == 0)
        limits.max_frame = MLC_FRAME_MAX;
    if (limits.max_frame < MLC_FRAME_MAX_FLOOR)
        limits.max_frame = MLC_FRAME_MAX_FLOOR;
    if (limits.max_message == 0)
        limits.max_message = MLC_MESSAGE_MAX;
    if (limits.window == 0)
        limits.window = MLC_MESSAGE_MAX;
    return limits;
}

mlc_code mlc_session_open(mlc_session **out, const mlc_session_config *config, int64_t now, mlc_error *err)
{
    *out = NULL;
    if (config->role == MLC_SESSION_AGENT && (config->agent_id == NULL || config->agent_id[0] == '\0' ||
                                              strlen(config->agent_id) >= MLC_AGENT_ID_MAX))
        return mlc_fail(err, MLC_E_INVALID, "the agent id must have 1 to %d characters",
                        MLC_AGENT_ID_MAX - 1);
    mlc_session *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return mlc_fail(err, MLC_E_NOMEM, "no memory for a tunnel session");
    s->role = config->role;
    s->limits = with_defaults(config->limits);
    s->ping_interval_ms = config->ping_interval_ms > 0 ? config->ping_interval_ms : PING_DEFAULT_MS;
    if (s->ping_interval_ms > PING_MAX_MS)
        s->ping_interval_ms = PING_MAX_MS;
    s->now = s->heard_at = s->tokens_at = now;
    s->ping_at = now + s->ping_interval_ms;
    s->handshake_until = now + (config->handshake_ms > 0 ? config->handshake_ms : HANDSHAKE_DEFAULT_MS);
    s->max_frames_per_s = config->max_frames_per_s;
    s->tokens = (int64_t)s->max_frames_per_s * TOKEN;
    /* The relay takes little from a stranger. The agent named its limit in its hello. */
    s->in.max = s->role == MLC_SESSION_RELAY ? MLC_FRAME_MAX_FLOOR : s->limits.max_frame;
    memcpy(s->nonce, config->nonce, sizeof(s->nonce));
    mlc_strlcpy(s->software, config->software != NULL ? config->software : "", sizeof(s->software));
    s->tx.peer.max_frame = MLC_FRAME_MAX_FLOOR;
    if (s->role == MLC_SESSION_RELAY) {
        s->state = SESSION_WAIT_HELLO;
        s->has_authority = config->authority_key != NULL;
        if (s->has_authority)
            memcpy(s->authority_key, config->authority_key, sizeof(s->authority_key));
        session_send_challenge(s);
    } else {
        s->state = SESSION_WAIT_CHALLENGE;
        mlc_strlcpy(s->agent, config->agent_id, sizeof(s->agent));
        s->rx.claim = config->received;
        s->has_key = config->key != NULL;
        if (s->has_key)
            memcpy(s->key, config->key, sizeof(s->key));
        s->has_own = config->own != NULL;
        if (s->has_own)
            s->own = *config->own;
    }
    *out = s;
    return MLC_OK;
}

void mlc_session_free(mlc_session *s)
{
    if (s == NULL)
        return;
    mlc_inflight_free(&s->rx.pending);
    mlc_inflight_free(&s->tx.inflight);
    mlc_buf_free(&s->rx.partial);
    mlc_buf_free(&s->tx.queue);
    mlc_buf_free(&s->in);
    mlc_buf_free(&s->control);
    mlc_wipe(s, sizeof(*s));
    free(s);
}

/* ---- actions and the end ---- */

mlc_action *session_act(mlc_session *s, mlc_action_type type)
{
    /* A frame leads to few actions and they are drained before the next one is read. The last place is
     * kept for the end, so an overflow (a bug) could only lose an action of a session that ends. */
    if (s->action_count >= SESSION_ACTIONS_MAX)
        s->action_count = SESSION_ACTIONS_MAX - 1;
    mlc_action *action = &s->actions[s->action_count++];
    memset(action, 0, sizeof(*action));
    action->type = type;
    return action;
}

static void end(mlc_session *s, const mlc_notice *notice, bool by_peer)
{
    s->state = SESSION_CLOSED;
    s->tx.started = false;
    mlc_buf_clear(&s->tx.queue);
    s->tx.queue_at = 0;
    mlc_action *action = session_act(s, MLC_ACTION_CLOSED);
    action->notice = *notice;
    action->by_peer = by_peer;
}

void mlc_session_shutdown(mlc_session *s, unsigned code, int64_t retry_ms, const char *text)
{
    if (s->state == SESSION_CLOSED)
        return;
    session_notice(s, MLC_FRAME_CLOSE, 0, code, retry_ms, text);
    if (s->state == SESSION_CLOSED) /* for lack of memory */
        return;
    mlc_notice notice = {.code = (uint16_t)code, .retry_ms = (uint32_t)(retry_ms > 0 ? retry_ms : 0)};
    mlc_strlcpy(notice.text, text != NULL ? text : "", sizeof(notice.text));
    end(s, &notice, false);
}

void session_fail(mlc_session *s, unsigned code, const char *fmt, ...)
{
    char text[MLC_FRAME_TEXT_MAX + 1];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    mlc_session_shutdown(s, code, CLOSE_RETRY_NONE, text);
}

void session_fail_error(mlc_session *s, mlc_code code, const mlc_error *err)
{
    const unsigned why = code == MLC_E_PROTOCOL || code == MLC_E_INVALID ? MLC_CLOSE_PROTOCOL
                         : code == MLC_E_LIMIT                           ? MLC_CLOSE_LIMIT
                                                                         : MLC_CLOSE_INTERNAL;
    session_fail(s, why, "%s", err->message);
}

bool mlc_session_is_open(const mlc_session *s)
{
    return s->state == SESSION_OPEN;
}

bool mlc_session_is_closed(const mlc_session *s)
{
    return s->state == SESSION_CLOSED;
}

size_t mlc_session_peer_max_frame(const mlc_session *s)
{
    return s->tx.peer.max_frame;
}

/* ---- time ---- */

static int64_t silence_limit(const mlc_session *s)
{
    return s->ping_interval_ms * 5 / 2;
}

int64_t mlc_session_deadline(const mlc_session *s)
{
    if (s->state == SESSION_CLOSED)
        return INT64_MAX;
    if (s->state != SESSION_OPEN)
        return s->handshake_until;
    const int64_t silent_at = s->heard_at + silence_limit(s);
    return silent_at < s->ping_at ? silent_at : s->ping_at;
}

static void ping(mlc_session *s)
{
    s->ping_at = s->now + s->ping_interval_ms;
    /* A peer that does not read what waits already needs no more of it. */
    if (s->control.len > s->control_at)
        return;
    uint8_t body[8];
    mlc_put_u64(body, (uint64_t)s->now);
    session_control(
        s,
        &(mlc_frame){.type = MLC_FRAME_PING, .seq = s->tx.confirmed, .body = body, .body_len = sizeof(body)});
}

void mlc_session_tick(mlc_session *s, int64_t now)
{
    if (now > s->now)
        s->now = now;
    if (s->state == SESSION_CLOSED)
        return;
    if (s->state != SESSION_OPEN) {
        if (s->now >= s->handshake_until)
            session_fail(s, MLC_CLOSE_TIMEOUT, "the tunnel handshake took too long");
        return;
    }
    if (s->now >= s->heard_at + silence_limit(s)) {
        session_fail(s, MLC_CLOSE_TIMEOUT, "nothing was heard for %lld ms",
                     (long long)(s->now - s->heard_at));
        return;
    }
    if (s->now >= s->ping_at)
        ping(s);
}

/* ---- input ---- */

/* The limit counts websocket messages: their size is limited too, so frames within need no count. */
static void spend_token(mlc_session *s)
{
    if (s->max_frames_per_s == 0)
        return;
    const int64_t full = (int64_t)s->max_frames_per_s * TOKEN;
    s->tokens += (s->now - s->tokens_at) * (int64_t)s->max_frames_per_s * TOKEN / 1000;
    s->tokens_at = s->now;
    if (s->tokens > full)
        s->tokens = full;
    s->tokens -= TOKEN;
}

void mlc_session_limit_frames(mlc_session *s, unsigned max_frames_per_s)
{
    const int64_t full = (int64_t)max_frames_per_s * TOKEN;
    s->max_frames_per_s = max_frames_per_s;
    if (s->tokens > full)
        s->tokens = full;
}

void mlc_session_receive(mlc_session *s, int64_t now, const void *data, size_t len, bool end_of_message)
{
    if (now > s->now)
        s->now = now;
    if (s->state == SESSION_CLOSED)
        return;
    s->heard_at = s->now;
    if (s->in_ready) {
        session_fail(s, MLC_CLOSE_INTERNAL, "input came before the last was handled");
        return;
    }
    mlc_error err = {0};
    const mlc_code code = len > 0 ? mlc_buf_append(&s->in, data, len, &err) : MLC_OK;
    if (code == MLC_E_LIMIT)
        session_fail(s, MLC_CLOSE_LIMIT, "a websocket message is larger than %zu bytes", s->in.max);
    else if (code != MLC_OK)
        session_fail_error(s, code, &err);
    if (end_of_message)
        spend_token(s);
    s->in_ready = end_of_message;
}

static void on_ping(mlc_session *s, const mlc_frame *frame)
{
    memset(s->pong, 0, sizeof(s->pong));
    memcpy(s->pong, frame->body, frame->body_len < sizeof(s->pong) ? frame->body_len : sizeof(s->pong));
    s->pong_due = true; /* one answer is enough for several unanswered pings */
    if (frame->seq > 0 && s->rx.started && frame->seq <= s->rx.committed)
        session_act(s, MLC_ACTION_CONFIRMED)->seq = frame->seq;
}

static void on_close(mlc_session *s, const mlc_frame *frame)
{
    mlc_notice notice;
    mlc_error err = {0};
    const mlc_code code = mlc_notice_read(frame, &notice, &err);
    if (code != MLC_OK)
        session_fail_error(s, code, &err);
    else
        end(s, &notice, true);
}

static void on_stream_frame(mlc_session *s, const mlc_frame *frame)
{
    session_on_head(s, frame);
    if (s->state != SESSION_OPEN)
        return;
    switch (frame->type) {
    case MLC_FRAME_START:
        session_on_start(s, frame);
        break;
    case MLC_FRAME_DATA:
        session_on_data(s, frame);
        break;
    case MLC_FRAME_SKIP:
        session_on_skip(s, frame);
        break;
    case MLC_FRAME_NACK:
        session_on_nack(s, frame);
        break;
    case MLC_FRAME_BUSY:
        session_on_busy(s, frame);
        break;
    case MLC_FRAME_PING:
        on_ping(s, frame);
        break;
    case MLC_FRAME_ACK:
    case MLC_FRAME_PONG:
        break;
    default:
        session_fail(s, MLC_CLOSE_PROTOCOL, "%s frame (type %u) after the handshake",
                     mlc_frame_name(frame->type), frame->type);
    }
}

static void on_frame(mlc_session *s, const mlc_frame *frame)
{
    if (frame->type >= MLC_FRAME_IGNORABLE)
        return;
    const bool on_stream =
        frame->type == MLC_FRAME_START || frame->type == MLC_FRAME_DATA || frame->type == MLC_FRAME_SKIP;
    const unsigned stream = on_stream ? MLC_STREAM_MESSAGES : MLC_STREAM_CONTROL;
    if (frame->stream != stream && frame->type != MLC_FRAME_NACK && frame->type != MLC_FRAME_BUSY)
        session_fail(s, MLC_CLOSE_PROTOCOL, "%s frame on stream %u", mlc_frame_name(frame->type),
                     frame->stream);
    else if (frame->type == MLC_FRAME_CLOSE)
        on_close(s, frame);
    else if (s->state == SESSION_OPEN)
        on_stream_frame(s, frame);
    else
        session_on_handshake(s, frame);
}

/* Handle the next frame of the websocket message that is there; false when there is none. */
static bool step(mlc_session *s)
{
    if (!s->in_ready || s->state == SESSION_CLOSED)
        return false;
    if (s->in_at >= s->in.len) {
        mlc_buf_clear(&s->in);
        s->in_at = 0;
        s->in_ready = false;
        return false;
    }
    mlc_frame frame;
    mlc_error err = {0};
    size_t used = 0;
    const mlc_code code = mlc_frame_read(s->in.data + s->in_at, s->in.len - s->in_at, &frame, &used, &err);
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return false;
    }
    s->in_at += used;
    on_frame(s, &frame);
    return true;
}

bool mlc_session_next(mlc_session *s, mlc_action *out)
{
    while (s->action_at == s->action_count) {
        s->action_at = s->action_count = 0;
        if (!step(s) && s->action_count == 0)
            return false;
    }
    *out = s->actions[s->action_at++];
    return true;
}

int64_t mlc_session_rx_pause(mlc_session *s, int64_t now)
{
    int64_t pause = 0;
    if (s->max_frames_per_s > 0 && s->tokens < 0) {
        const int64_t per_ms = (int64_t)s->max_frames_per_s * TOKEN / 1000;
        pause = s->tokens_at - now + -s->tokens / (per_ms > 0 ? per_ms : 1);
    }
    if (s->control.len - s->control_at > SESSION_CONTROL_MAX && pause < 1)
        pause = 1;
    return pause > 0 ? pause : 0;
}

/* ---- output ---- */

uint32_t session_credit(const mlc_session *s)
{
    return s->rx.busy ? 0 : s->limits.window;
}

void session_control(mlc_session *s, mlc_frame *frame)
{
    mlc_error err = {0};
    frame->ack = s->rx.started ? s->rx.committed : 0;
    frame->credit = session_credit(s);
    const mlc_code code = mlc_frame_write(&s->control, frame, &err);
    if (code == MLC_OK) {
        s->ack_due = false;
        return;
    }
    /* Without memory for a frame there is none for a goodbye. */
    if (s->state != SESSION_CLOSED)
        end(s, &(mlc_notice){.code = MLC_CLOSE_INTERNAL, .text = "out of memory"}, false);
}

void session_notice(mlc_session *s, mlc_frame_type type, uint64_t seq, unsigned code, int64_t retry_ms,
                    const char *text)
{
    const mlc_frame head = {.type = (uint8_t)type,
                            .seq = seq,
                            .ack = s->rx.started ? s->rx.committed : 0,
                            .credit = session_credit(s)};
    mlc_error err = {0};
    if (mlc_notice_write(&s->control, &head, code, retry_ms, text, &err) == MLC_OK)
        s->ack_due = false;
    else if (s->state != SESSION_CLOSED)
        end(s, &(mlc_notice){.code = MLC_CLOSE_INTERNAL, .text = "out of memory"}, false);
}

/* Move whole frames from a queue to `to`; returns bytes moved. */
static size_t take_frames(mlc_session *s, mlc_buf *queue, size_t *at, uint8_t *to, size_t room, bool stamp)
{
    size_t moved = 0;
    while (*at < queue->len) {
        const size_t len = mlc_frame_length(queue->data + *at);
        if (len > room - moved)
            break;
        memcpy(to + moved, queue->data + *at, len);
        if (stamp)
            mlc_frame_stamp(to + moved, s->rx.started ? s->rx.committed : 0, session_credit(s));
        moved += len;
        *at += len;
    }
    if (*at == queue->len) {
        mlc_buf_clear(queue);
        *at = 0;
    }
    return moved;
}

size_t mlc_session_output(mlc_session *s, void *buf, size_t size)
{
    const size_t room = size < s->tx.peer.max_frame ? size : s->tx.peer.max_frame;
    uint8_t *to = buf;
    if (s->pong_due && s->state == SESSION_OPEN) {
        s->pong_due = false;
        session_control(s,
                        &(mlc_frame){.type = MLC_FRAME_PONG, .body = s->pong, .body_len = sizeof(s->pong)});
    }
    size_t len = take_frames(s, &s->control, &s->control_at, to, room, false);
    /* Frames of the stream carry the newest acknowledgement. It must not overtake a refusal, so they
     * wait until all control frames are out. */
    if (s->control.len > 0)
        return len;
    const size_t stream = take_frames(s, &s->tx.queue, &s->tx.queue_at, to + len, room - len, true);
    if (stream > 0)
        s->ack_due = false;
    len += stream;
    if (s->ack_due && s->state == SESSION_OPEN && s->rx.started) {
        session_control(s, &(mlc_frame){.type = MLC_FRAME_ACK});
        len += take_frames(s, &s->control, &s->control_at, to + len, room - len, false);
    }
    return len;
}

bool mlc_session_has_output(const mlc_session *s)
{
    if (s->control.len > s->control_at)
        return true;
    if (s->state != SESSION_OPEN)
        return false;
    return s->pong_due || s->tx.queue.len > s->tx.queue_at || (s->ack_due && s->rx.started);
}
