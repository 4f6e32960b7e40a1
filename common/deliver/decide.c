/* decide.c - see decide.h. */
#include "deliver/decide.h"

/* A peer that throttles is believed, but not for longer than this at a time. */
enum { HOLD_MAX_MS = 5 * 60 * 1000 };

/* Who is at fault? */
typedef enum fault_of { OF_RECORD, OF_PEER, OF_EITHER } fault_of;

static fault_of classify(mlc_code code)
{
    switch (code) {
    case MLC_E_REJECTED:
    case MLC_E_INVALID:
    case MLC_E_LIMIT:
    case MLC_E_NOTFOUND:
    case MLC_E_UNSUPPORTED:
        return OF_RECORD;
    case MLC_E_UNREACHABLE:
    case MLC_E_TIMEOUT:
    case MLC_E_TLS:
    case MLC_E_AUTH:
    case MLC_E_DENIED:
    case MLC_E_THROTTLED:
        return OF_PEER;
    default:
        return OF_EITHER;
    }
}

static mlc_peer_news news_of(mlc_code code)
{
    switch (code) {
    case MLC_OK:
    case MLC_E_REJECTED:
    case MLC_E_NOTFOUND:
    case MLC_E_CONFLICT:
        return MLC_PEER_ANSWERED;
    case MLC_E_UNREACHABLE:
    case MLC_E_TIMEOUT:
    case MLC_E_TLS:
    case MLC_E_AUTH:
    case MLC_E_DENIED:
    case MLC_E_UNAVAILABLE:
    case MLC_E_UNCERTAIN:
        return MLC_PEER_FAILED;
    default:
        /* A record that our own side found faulty says nothing about the peer. */
        return MLC_PEER_NO_NEWS;
    }
}

static mlc_verdict_action action_of(const mlc_decision *in)
{
    if (in->code == MLC_OK)
        return MLC_VERDICT_DONE;
    if (in->code == MLC_E_CLOSED)
        return MLC_VERDICT_LEAVE;
    switch (classify(in->code)) {
    case OF_RECORD:
        return MLC_VERDICT_PARK;
    case OF_PEER:
        return MLC_VERDICT_RETRY;
    default:
        /* Only when the peer took another record meanwhile is it this record's own fault. */
        return in->attempt >= in->max_attempts && in->last_taken_ms > in->created_ms ? MLC_VERDICT_PARK
                                                                                     : MLC_VERDICT_RETRY;
    }
}

mlc_verdict mlc_delivery_decide(const mlc_decision *in)
{
    mlc_verdict out = {.action = action_of(in), .peer = news_of(in->code)};
    out.uncertain = in->code != MLC_OK && (in->uncertain || mlc_code_is_uncertain(in->code));
    if (in->code == MLC_E_THROTTLED && in->retry_after_ms > 0)
        out.hold_ms = in->retry_after_ms < HOLD_MAX_MS ? in->retry_after_ms : HOLD_MAX_MS;
    if (out.action != MLC_VERDICT_RETRY)
        return out;
    out.next_ms = in->now_ms + mlc_backoff_delay(&in->backoff, in->attempt, in->retry_after_ms, in->random);
    if (out.uncertain && out.next_ms < in->began_ms + in->settle_ms)
        out.next_ms = in->began_ms + in->settle_ms;
    return out;
}
