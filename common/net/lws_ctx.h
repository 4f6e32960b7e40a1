/* lws_ctx.h - the one libwebsockets context of a process, driven by the process's libuv loop.
 *
 * Servers (http_server.h, the relay's tunnel server) and the agent's websocket client add vhosts to it.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_NET_LWS_CTX_H
#define MLC_NET_LWS_CTX_H

#include "base/error.h"
#include "base/log.h"

#include <libwebsockets.h>
#include <stdbool.h>
#include <uv.h>

typedef struct mlc_lws mlc_lws;

mlc_code mlc_lws_open(mlc_lws **out, uv_loop_t *loop, mlc_log *log, mlc_error *err);
/* Close all vhosts and connections. Run the loop until it is empty afterwards. May be called inside a
 * libwebsockets callback: the work is done from the loop. */
void mlc_lws_close(mlc_lws *ctx);
struct lws_context *mlc_lws_context(mlc_lws *ctx);
uv_loop_t *mlc_lws_loop(mlc_lws *ctx);
/* Free `memory` with the context: for what its TLS contexts point to, which vhosts may share. False: not taken. */
bool mlc_lws_keep(mlc_lws *ctx, void *memory);
/* The context a connection belongs to, for callbacks of protocols. */
mlc_lws *mlc_lws_of(struct lws *wsi);

/* Make libwebsockets look at its timers. With a libuv loop, version 4.1 arms them only while it handles
 * a socket event: who sets a timeout, schedules a sul or starts a client connection outside of a
 * libwebsockets callback calls this afterwards, or the timeout may come late or never. */
void mlc_lws_poke(mlc_lws *ctx);

#endif
