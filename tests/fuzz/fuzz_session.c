/* parts: tunnel */
/* fuzz_session.c - a peer that says anything to a session machine, as relay and as agent. The first byte chooses how far the
 * session has got before: at its beginning, or open, with an honest peer that went wild. Each websocket message of the
 * input has a length of two bytes before it; a length of zero lets time pass. */
#include "tunnel/session.h"

#include <stdlib.h>
#include <string.h>

enum { BUFFER = 256 * 1024, STEPS_MAX = 2000, TURNS_MAX = 64, PIECE = 7 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

typedef struct end {
    mlc_session *session;
    uint64_t delivered, acked, last;
    bool started, closed;
} end;

static const uint8_t agent_key[MLC_KEY_LEN] = {9, 9, 9};

static void open_end(end *e, mlc_session_role role)
{
    const mlc_session_config config = {.role = role,
                                       .agent_id = role == MLC_SESSION_AGENT ? "fuzz" : NULL,
                                       .key = role == MLC_SESSION_AGENT ? agent_key : NULL,
                                       .software = "fuzz",
                                       .nonce = {(uint8_t)(role + 1)},
                                       .max_frames_per_s = 1000};
    *e = (end){0};
    must(mlc_session_open(&e->session, &config, 0, NULL) == MLC_OK);
}

static void on_deliver(end *e, const mlc_message *message)
{
    must(message->idem.len > 0 && message->seq > e->delivered);
    e->delivered = message->seq;
    if (message->payload_len % 5 == 1)
        mlc_session_refuse(e->session, message->seq, MLC_REFUSAL_INVALID, "no");
    if (message->payload_len % 5 == 2)
        mlc_session_busy(e->session, message->seq, 10, "later");
    else
        mlc_session_committed(e->session, message->seq);
}

static void on_action(end *e, int64_t now, const mlc_action *action)
{
    const mlc_identity identity = {.key = agent_key};
    const mlc_start start = {.epoch = 5};
    must(!e->closed);
    switch (action->type) {
    case MLC_ACTION_IDENTIFY:
        must(action->hello != NULL && action->hello->agent[0] != '\0');
        mlc_session_identify(e->session, now, &identity);
        break;
    case MLC_ACTION_RESUME:
        mlc_session_start(e->session, 1, &start);
        break;
    case MLC_ACTION_STARTED:
        e->started = true;
        e->delivered = action->position.seq;
        mlc_session_committed(e->session, action->position.seq);
        break;
    case MLC_ACTION_DELIVER:
        on_deliver(e, &action->message);
        break;
    case MLC_ACTION_ACKED:
        must(action->seq >= e->acked && action->seq <= e->last);
        e->acked = action->seq;
        mlc_session_confirm(e->session, action->seq);
        break;
    case MLC_ACTION_REFUSED:
        must(action->seq <= e->last);
        break;
    case MLC_ACTION_PAUSED:
    case MLC_ACTION_CONFIRMED:
        break;
    case MLC_ACTION_CLOSED:
        e->closed = true;
        break;
    }
}

/* Carry out what the machine asks for, and offer it something to send. */
static void drive(end *e, int64_t now)
{
    static const char payload[100] = "payload";
    mlc_action action;
    int steps = 0;
    while (mlc_session_next(e->session, &action)) {
        must(++steps < STEPS_MAX);
        on_action(e, now, &action);
    }
    while (mlc_session_room(e->session) > 0 && e->last < 8) {
        const uint64_t seq = mlc_session_next_seq(e->session);
        const mlc_message message = {.seq = seq,
                                     .idem = {"idem", 4},
                                     .key = {"key", 3},
                                     .kind = {"", 0},
                                     .correlation = {"", 0},
                                     .payload = payload,
                                     .payload_len = sizeof payload};
        if (seq > 8 || mlc_session_offer(e->session, &message) != MLC_OFFER_TAKEN)
            break;
        e->last = seq > e->last ? seq : e->last;
    }
}

static void feed(end *e, int64_t now, const uint8_t *data, size_t len)
{
    /* In two pieces, as sockets do. */
    const size_t first = len > PIECE ? PIECE : len;
    mlc_session_receive(e->session, now, data, first, first == len);
    if (first < len)
        mlc_session_receive(e->session, now, data + first, len - first, true);
    drive(e, now);
}

/* Two honest ends until both are quiet. */
static void shake_hands(end *agent, end *relay, uint8_t *buffer)
{
    for (int turn = 0; turn < TURNS_MAX; turn++) {
        size_t n = 0;
        drive(agent, 0);
        drive(relay, 0);
        while ((n = mlc_session_output(agent->session, buffer, BUFFER)) > 0)
            feed(relay, 0, buffer, n);
        while ((n = mlc_session_output(relay->session, buffer, BUFFER)) > 0)
            feed(agent, 0, buffer, n);
    }
    must(mlc_session_is_open(agent->session) && mlc_session_is_open(relay->session));
}

static void talk(end *e, const uint8_t *data, size_t size, uint8_t *buffer)
{
    int64_t now = 1;
    while (size >= 2) {
        size_t len = (size_t)data[0] << 8 | data[1];
        data += 2;
        size -= 2;
        len = len < size ? len : size;
        if (len == 0) {
            now += 3000;
            mlc_session_tick(e->session, now);
            drive(e, now);
        } else if (!mlc_session_is_closed(e->session)) {
            feed(e, now, data, len);
        }
        while (mlc_session_output(e->session, buffer, BUFFER) > 0)
            drive(e, now);
        must(mlc_session_rx_pause(e->session, now) >= 0);
        data += len;
        size -= len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buffer[BUFFER];
    end agent;
    end relay;
    if (size == 0)
        return 0;
    open_end(&agent, MLC_SESSION_AGENT);
    open_end(&relay, MLC_SESSION_RELAY);
    if ((data[0] & 2) != 0)
        shake_hands(&agent, &relay, buffer);
    talk((data[0] & 1) != 0 ? &agent : &relay, data + 1, size - 1, buffer);
    mlc_session_free(agent.session);
    mlc_session_free(relay.session);
    return 0;
}
