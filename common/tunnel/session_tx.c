/* session_tx.c - our stream: window, acknowledgements, refusals, pauses. */
#include "tunnel/session_private.h"

static void queue_start(mlc_session *s)
{
    session_tx *tx = &s->tx;
    mlc_error err = {0};
    const mlc_code code = mlc_start_write(&tx->queue, tx->next, &tx->start, &err);
    if (code != MLC_OK)
        session_fail_error(s, code, &err);
}

void mlc_session_start(mlc_session *s, uint64_t first, const mlc_start *start)
{
    session_tx *tx = &s->tx;
    if (s->state != SESSION_OPEN || tx->started || first == 0)
        return;
    tx->started = true;
    tx->start = *start;
    if (tx->start.acked >= first)
        tx->start.acked = first - 1;
    tx->next = first;
    tx->acked = tx->start.acked;
    tx->confirmed = tx->start.acked;
    queue_start(s);
}

/* The peer asked us to wait and now lets us go on: from what it acknowledged. */
static void rewind_stream(mlc_session *s)
{
    session_tx *tx = &s->tx;
    tx->paused = false;
    tx->next = tx->acked + 1;
    tx->start.acked = tx->confirmed < tx->acked ? tx->confirmed : tx->acked;
    mlc_inflight_clear(&tx->inflight);
    queue_start(s);
}

void session_on_head(mlc_session *s, const mlc_frame *frame)
{
    session_tx *tx = &s->tx;
    if (!tx->started)
        return;
    tx->credit = frame->credit;
    if (frame->ack >= tx->next) {
        session_fail(s, MLC_CLOSE_PROTOCOL, "%llu was acknowledged and never sent",
                     (unsigned long long)frame->ack);
        return;
    }
    if (frame->ack > tx->acked) {
        const size_t before = tx->inflight.count;
        tx->acked = frame->ack;
        mlc_inflight_drop(&tx->inflight, frame->ack);
        mlc_action *action = session_act(s, MLC_ACTION_ACKED);
        action->seq = frame->ack;
        action->count = before - tx->inflight.count;
    }
    if (tx->paused && frame->credit > 0)
        rewind_stream(s);
}

void session_on_nack(mlc_session *s, const mlc_frame *frame)
{
    mlc_notice notice;
    mlc_error err = {0};
    const mlc_code code = mlc_notice_read(frame, &notice, &err);
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return;
    }
    if (!s->tx.started || frame->seq <= s->tx.acked || frame->seq >= s->tx.next) {
        session_fail(s, MLC_CLOSE_PROTOCOL, "NACK of %llu, which is not under way",
                     (unsigned long long)frame->seq);
        return;
    }
    mlc_action *action = session_act(s, MLC_ACTION_REFUSED);
    action->seq = frame->seq;
    action->notice = notice;
}

void session_on_busy(mlc_session *s, const mlc_frame *frame)
{
    session_tx *tx = &s->tx;
    mlc_notice notice;
    mlc_error err = {0};
    const mlc_code code = mlc_notice_read(frame, &notice, &err);
    if (code != MLC_OK || frame->credit != 0 || !tx->started) {
        if (code == MLC_OK)
            session_fail(s, MLC_CLOSE_PROTOCOL, "BUSY with credit, or before START");
        else
            session_fail_error(s, code, &err);
        return;
    }
    tx->paused = true;
    mlc_buf_clear(&tx->queue);
    tx->queue_at = 0;
    mlc_action *action = session_act(s, MLC_ACTION_PAUSED);
    action->seq = frame->seq;
    action->notice = notice;
}

void mlc_session_confirm(mlc_session *s, uint64_t seq)
{
    if (seq > s->tx.confirmed && seq <= s->tx.acked)
        s->tx.confirmed = seq;
}

/* ---- offering ---- */

uint64_t mlc_session_next_seq(const mlc_session *s)
{
    return s->tx.next;
}

size_t mlc_session_room(const mlc_session *s)
{
    const session_tx *tx = &s->tx;
    if (!tx->started || tx->paused || tx->credit == 0 || tx->queue.len - tx->queue_at >= SESSION_QUEUE_MAX)
        return 0;
    if (tx->inflight.count == 0)
        return SIZE_MAX;
    return tx->inflight.total < tx->credit ? tx->credit - tx->inflight.total : 0;
}

mlc_offer mlc_session_offer(mlc_session *s, const mlc_message *message)
{
    session_tx *tx = &s->tx;
    mlc_error err = {0};
    const size_t length = mlc_message_length(message);
    if (length > tx->peer.max_message)
        return MLC_OFFER_TOO_LARGE;
    if (mlc_session_room(s) < mlc_message_cost(length))
        return MLC_OFFER_LATER;
    if (tx->queue_at > 0) {
        mlc_buf_consume(&tx->queue, tx->queue_at);
        tx->queue_at = 0;
    }
    mlc_message numbered = *message;
    numbered.seq = tx->next;
    mlc_code code = mlc_inflight_push(&tx->inflight, tx->next, mlc_message_cost(length), &err);
    if (code == MLC_OK)
        code = mlc_message_write(&tx->queue, &numbered, tx->peer.max_frame, &err);
    if (code != MLC_OK) {
        session_fail_error(s, code, &err);
        return MLC_OFFER_LATER;
    }
    tx->next++;
    return MLC_OFFER_TAKEN;
}

void mlc_session_skip(mlc_session *s, uint64_t last)
{
    session_tx *tx = &s->tx;
    mlc_error err = {0};
    if (!tx->started || tx->paused || last < tx->next)
        return;
    const mlc_code code = mlc_skip_write(&tx->queue, tx->next, last, &err);
    if (code != MLC_OK)
        session_fail_error(s, code, &err);
    tx->next = last + 1;
}
