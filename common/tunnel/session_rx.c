/* session_rx.c - the peer's stream: gapless order, chunks, window, acknowledgements, refusals. */
#include "tunnel/session_private.h"

static void drop_partial(mlc_session *s)
{
    mlc_buf_clear(&s->rx.partial);
    s->rx.announced = 0;
}

void session_on_start(mlc_session *s, const mlc_frame *frame)
{
    session_rx *rx = &s->rx;
    mlc_start start;
    mlc_error err = {0};
    const mlc_code code = mlc_start_read(frame, &start, &err);
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return;
    }
    const bool again = rx->started;
    if (again && (start.epoch != rx->epoch || start.generation != rx->generation)) {
        session_fail(s, MLC_CLOSE_PROTOCOL, "START with another identity on the same connection");
        return;
    }
    if (!again) {
        const bool known = start.epoch == rx->claim.epoch && start.generation == rx->claim.generation;
        rx->started = true;
        rx->epoch = start.epoch;
        rx->generation = start.generation;
        rx->received = known ? rx->claim.seq : frame->seq - 1;
        /* Acknowledged when the rim has repeated the refusals the peer may not know of yet. */
        rx->committed = known ? start.acked : frame->seq - 1;
    }
    if (frame->seq > rx->received + 1) {
        session_fail(s, MLC_CLOSE_PROTOCOL, "START at %llu leaves a gap after %llu",
                     (unsigned long long)frame->seq, (unsigned long long)rx->received);
        return;
    }
    drop_partial(s);
    rx->dropping = rx->busy;
    rx->expected = frame->seq;
    mlc_action *action = session_act(s, MLC_ACTION_STARTED);
    action->start = start;
    action->seq = frame->seq;
    action->again = again;
    action->position.seq = rx->received;
}

static void deliver(mlc_session *s, const uint8_t *data, size_t len)
{
    session_rx *rx = &s->rx;
    mlc_message message;
    mlc_error err = {0};
    mlc_code code = mlc_message_read(data, len, rx->expected, &message, &err);
    const uint64_t seq = rx->expected++;
    if (code == MLC_OK && seq > rx->received)
        code = mlc_inflight_push(&rx->pending, seq, mlc_message_cost(len), &err);
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return;
    }
    if (seq <= rx->received) /* sent again after a pause, and known */
        return;
    rx->received = seq;
    mlc_action *action = session_act(s, MLC_ACTION_DELIVER);
    action->seq = seq;
    action->message = message;
}

/* First chunk: check what it announces against the limits before anything is kept. */
static bool begin_message(mlc_session *s, const mlc_frame *frame)
{
    session_rx *rx = &s->rx;
    mlc_error err = {0};
    if (rx->partial.len > 0) {
        session_fail(s, MLC_CLOSE_PROTOCOL, "a message begins inside another");
        return false;
    }
    const mlc_code code = mlc_message_announced(frame->body, frame->body_len, &rx->announced, &err);
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return false;
    }
    if (rx->announced > s->limits.max_message) {
        session_fail(s, MLC_CLOSE_LIMIT, "a message of %zu bytes is larger than %u", rx->announced,
                     s->limits.max_message);
        return false;
    }
    if (rx->pending.count > 0 && rx->pending.total + mlc_message_cost(rx->announced) > s->limits.window) {
        session_fail(s, MLC_CLOSE_LIMIT, "more was sent than the window of %u bytes allows",
                     s->limits.window);
        return false;
    }
    return true;
}

void session_on_data(mlc_session *s, const mlc_frame *frame)
{
    session_rx *rx = &s->rx;
    const bool first = (frame->flags & MLC_DATA_FIRST) != 0, last = (frame->flags & MLC_DATA_LAST) != 0;
    mlc_error err = {0};
    if (rx->dropping)
        return;
    if (!rx->started || frame->seq != rx->expected) {
        session_fail(s, MLC_CLOSE_PROTOCOL, "DATA %llu where %llu is due", (unsigned long long)frame->seq,
                     (unsigned long long)rx->expected);
        return;
    }
    if (first && !begin_message(s, frame))
        return;
    if (first && last) {
        deliver(s, frame->body, frame->body_len);
        return;
    }
    if ((!first && rx->partial.len == 0) || frame->body_len == 0 ||
        rx->partial.len + frame->body_len > rx->announced) {
        session_fail(s, MLC_CLOSE_PROTOCOL, "the chunks of message %llu do not add up",
                     (unsigned long long)frame->seq);
        return;
    }
    const mlc_code code = mlc_buf_append(&rx->partial, frame->body, frame->body_len, &err);
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return;
    }
    if (last) {
        deliver(s, rx->partial.data, rx->partial.len);
        drop_partial(s); /* the memory stays until the next message, so the action may borrow it */
    }
}

void session_on_skip(mlc_session *s, const mlc_frame *frame)
{
    session_rx *rx = &s->rx;
    uint64_t last = 0;
    mlc_error err = {0};
    if (rx->dropping)
        return;
    const mlc_code code = mlc_skip_read(frame, &last, &err);
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return;
    }
    if (!rx->started || frame->seq != rx->expected || rx->partial.len > 0) {
        session_fail(s, MLC_CLOSE_PROTOCOL, "SKIP from %llu where %llu is due",
                     (unsigned long long)frame->seq, (unsigned long long)rx->expected);
        return;
    }
    rx->expected = last + 1;
    if (last <= rx->received)
        return;
    rx->received = last;
    if (rx->pending.count == 0) {
        rx->committed = last;
        s->ack_due = true;
    }
}

/* ---- decisions of the rim ---- */

void mlc_session_committed(mlc_session *s, uint64_t seq)
{
    session_rx *rx = &s->rx;
    if (s->state != SESSION_OPEN || seq <= rx->committed || seq > rx->received)
        return;
    mlc_inflight_drop(&rx->pending, seq);
    /* Skipped sequences need no storing: when nothing waits they are done as well. */
    rx->committed = rx->pending.count == 0 ? rx->received : seq;
    s->ack_due = true;
}

void mlc_session_refuse(mlc_session *s, uint64_t seq, unsigned code, const char *text)
{
    if (s->state == SESSION_OPEN)
        session_notice(s, MLC_FRAME_NACK, seq, code, 0, text);
}

void mlc_session_busy(mlc_session *s, uint64_t seq, int64_t retry_ms, const char *text)
{
    session_rx *rx = &s->rx;
    if (s->state != SESSION_OPEN || seq == 0)
        return;
    rx->busy = rx->dropping = true;
    rx->received = rx->committed = seq - 1;
    mlc_inflight_clear(&rx->pending);
    drop_partial(s);
    session_notice(s, MLC_FRAME_BUSY, seq, 0, retry_ms, text);
}

void mlc_session_ready(mlc_session *s)
{
    if (s->state != SESSION_OPEN || !s->rx.busy)
        return;
    s->rx.busy = false;
    session_control(s, &(mlc_frame){.type = MLC_FRAME_ACK});
}
