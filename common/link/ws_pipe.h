/* ws_pipe.h - moves an engine's bytes through a websocket of libwebsockets. Both transports use it from
 * their protocol callbacks. Thread rule: loop only.
 */
#ifndef MLC_LINK_WS_PIPE_H
#define MLC_LINK_WS_PIPE_H

#include "link/engine.h"
#include "net/lws_ctx.h"

#define MLC_TUNNEL_SUBPROTOCOL "mlc.v1"

enum {
    MLC_WS_RX_BYTES = 16 * 1024, /* of a websocket message in one callback; kept per connection */
    /* The same when messages are compressed: libwebsockets 4.1 aborts the process when a message inflates to
     * more than its buffer at an unlucky place, so the buffer holds a whole message. */
    MLC_WS_RX_BYTES_DEFLATE = 2 * MLC_FRAME_MAX,
    MLC_WS_CLOSE_SECONDS = 3 /* for the goodbye, after which the socket is cut */
};

/* Room for one outgoing websocket message, used by one callback at a time. Free with free(). */
typedef struct mlc_ws_scratch mlc_ws_scratch;
mlc_ws_scratch *mlc_ws_scratch_new(void);

/* The websocket is there (callback ESTABLISHED): sets the buffer for inflating, see above. */
void mlc_ws_begin(struct lws *wsi);
/* Bytes came in (callback RECEIVE). */
void mlc_ws_receive(mlc_engine *engine, struct lws *wsi, const void *data, size_t len);
/* The socket takes data (callback WRITEABLE). False: the connection is to be closed now. */
bool mlc_ws_writable(mlc_engine *engine, struct lws *wsi, mlc_ws_scratch *scratch);
/* Send what a closed engine still has, at once if the socket takes it, for one who cannot wait. */
void mlc_ws_flush(mlc_engine *engine, struct lws *wsi, mlc_ws_scratch *scratch);
/* The session ended: close the socket once the goodbye is out, or by force. */
void mlc_ws_close_soon(mlc_lws *ctx, struct lws *wsi);
/* Tell the reason in the websocket's close frame. */
void mlc_ws_set_reason(struct lws *wsi, unsigned code);

#endif
