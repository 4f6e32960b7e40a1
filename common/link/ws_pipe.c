/* ws_pipe.c - see ws_pipe.h. */
#include "link/ws_pipe.h"

#include <stdlib.h>
#include <string.h>

struct mlc_ws_scratch {
    uint8_t bytes[LWS_PRE + MLC_FRAME_MAX];
};

mlc_ws_scratch *mlc_ws_scratch_new(void)
{
    return malloc(sizeof(mlc_ws_scratch));
}

void mlc_ws_begin(struct lws *wsi)
{
    /* Power of two. Without the extension there is nothing to set, which is an error we need not know. */
    (void)lws_set_extension_option(wsi, "permessage-deflate", "rx_buf_size", "17");
}

void mlc_ws_receive(mlc_engine *engine, struct lws *wsi, const void *data, size_t len)
{
    if (mlc_engine_is_closed(engine))
        return;
    if (!lws_frame_is_binary(wsi)) {
        mlc_engine_shutdown(engine, MLC_CLOSE_PROTOCOL, 0,
                            "a websocket text message; only binary ones are used");
        return;
    }
    const bool end = lws_is_final_fragment(wsi) != 0;
    /* What permessage-deflate has still to inflate, libwebsockets 4.1 goes on with only at the next event
     * of any socket: without this the rest could wait for the next ping. */
    if (!end)
        mlc_lws_poke(mlc_lws_of(wsi));
    mlc_engine_receive(engine, data, len, end);
}

/* Write one websocket message; false when the socket is broken, *sent false when there was none. */
static bool write_one(mlc_engine *engine, struct lws *wsi, mlc_ws_scratch *scratch, bool *sent)
{
    const size_t len = mlc_engine_output(engine, scratch->bytes + LWS_PRE, MLC_FRAME_MAX);
    *sent = len > 0;
    return len == 0 || lws_write(wsi, scratch->bytes + LWS_PRE, len, LWS_WRITE_BINARY) >= (int)len;
}

bool mlc_ws_writable(mlc_engine *engine, struct lws *wsi, mlc_ws_scratch *scratch)
{
    bool sent = false;
    if (!write_one(engine, wsi, scratch, &sent))
        return false;
    if (!sent && mlc_engine_is_closed(engine))
        return false;
    if (mlc_engine_has_output(engine) || mlc_engine_is_closed(engine))
        lws_callback_on_writable(wsi);
    mlc_engine_refill(engine);
    return true;
}

void mlc_ws_flush(mlc_engine *engine, struct lws *wsi, mlc_ws_scratch *scratch)
{
    bool sent = true;
    while (sent && !lws_partial_buffered(wsi) && !lws_send_pipe_choked(wsi))
        if (!write_one(engine, wsi, scratch, &sent))
            return;
}

void mlc_ws_close_soon(mlc_lws *ctx, struct lws *wsi)
{
    lws_callback_on_writable(wsi);
    lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, MLC_WS_CLOSE_SECONDS);
    if (ctx != NULL)
        mlc_lws_poke(ctx);
}

void mlc_ws_set_reason(struct lws *wsi, unsigned code)
{
    char text[32];
    mlc_strlcpy(text, mlc_close_name(code), sizeof(text));
    lws_close_reason(wsi, (enum lws_close_status)code, (unsigned char *)text, strlen(text));
}
