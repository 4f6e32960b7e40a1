/* parts: tunnel */
/* Bytes of a stranger, then of a peer that is known, into a session. First byte: role and whether the handshake
 * is done; then websocket messages, each after its length (2 bytes). Nothing may be read beyond the input,
 * and whatever happens the session ends in one CLOSED or lives on. */
#include "tunnel/session.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[MLC_KEY_LEN] = {7};

static mlc_session *open_session(mlc_session_role role)
{
    mlc_session *s = NULL;
    const mlc_session_config config = {
        .role = role, .agent_id = "a", .key = key, .software = "fuzz", .limits = {.max_message = 65536}};
    if (mlc_session_open(&s, &config, 0, NULL) != MLC_OK)
        abort();
    return s;
}

/* Carry out what the session asks for, as a rim would. */
static void drain(mlc_session *s)
{
    mlc_action action;
    bool closed = false;
    while (mlc_session_next(s, &action)) {
        if (closed)
            abort();
        switch (action.type) {
        case MLC_ACTION_IDENTIFY:
            mlc_session_identify(s, 0, &(mlc_identity){.key = key});
            break;
        case MLC_ACTION_RESUME:
            mlc_session_start(s, 1, &(mlc_start){.epoch = 5, .generation = 1});
            break;
        case MLC_ACTION_STARTED:
            mlc_session_committed(s, action.position.seq);
            break;
        case MLC_ACTION_DELIVER:
            if (action.message.idem.len == 0)
                abort();
            mlc_session_committed(s, action.seq);
            break;
        case MLC_ACTION_CLOSED:
            closed = true;
            break;
        default:
            break;
        }
    }
    if (closed && !mlc_session_is_closed(s))
        abort();
}

static void carry(mlc_session *from, mlc_session *to)
{
    static uint8_t buf[MLC_FRAME_MAX];
    size_t len = 0;
    while ((len = mlc_session_output(from, buf, sizeof(buf))) > 0) {
        mlc_session_receive(to, 0, buf, len, true);
        drain(to);
    }
}

static void handshake(mlc_session *a, mlc_session *b)
{
    for (int i = 0; i < 3; i++) {
        carry(a, b);
        carry(b, a);
    }
    if (!mlc_session_is_open(a) || !mlc_session_is_open(b))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t sink[MLC_FRAME_MAX];
    if (size < 1)
        return 0;
    mlc_hello hello;
    (void)mlc_hello_parse((const char *)data + 1, size - 1, (data[0] & 4) != 0, &hello, NULL);
    mlc_session *s = open_session((data[0] & 1) != 0 ? MLC_SESSION_AGENT : MLC_SESSION_RELAY);
    mlc_session *peer = open_session((data[0] & 1) != 0 ? MLC_SESSION_RELAY : MLC_SESSION_AGENT);
    if ((data[0] & 2) != 0)
        handshake(s, peer);
    size_t at = 1;
    while (at + 2 <= size) {
        size_t len = (size_t)data[at] << 8 | data[at + 1];
        at += 2;
        len = len < size - at ? len : size - at;
        uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees one byte too many */
        memcpy(exact, data + at, len);
        mlc_session_receive(s, 0, exact, len, true);
        free(exact);
        drain(s);
        while (mlc_session_output(s, sink, sizeof(sink)) > 0)
            ;
        at += len;
    }
    mlc_session_free(s);
    mlc_session_free(peer);
    return 0;
}
