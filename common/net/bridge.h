/* bridge.h - lets libwebsockets use a connection that stands already, such as one through a proxy (mlc_http_connect).
 *
 * libwebsockets makes its connections itself. So it is given the address of a socket of ours (bridge_local.h), and what comes in there is carried to the connection and back, byte for byte. TLS passes through: it is libwebsockets'
 * with the far end. Only this process may use the socket, and once. Each side is read only when the other has taken
 * what was read before.
 * Thread rule: loop's thread only.
 */
#ifndef MLC_NET_BRIDGE_H
#define MLC_NET_BRIDGE_H

#include "base/error.h"

#include <uv.h>

typedef struct mlc_bridge mlc_bridge;

enum { MLC_BRIDGE_ADDRESS_MAX = 16 };

/* `fd` is a connected TCP socket and taken in every case. Nobody there within 20 s: the connection is dropped. */
mlc_code mlc_bridge_open(mlc_bridge **out, uv_loop_t *loop, int fd, mlc_error *err);
/* As lws_client_connect_info.address wants it. Valid until close. */
const char *mlc_bridge_address(const mlc_bridge *bridge);
/* Its port; 0: the address is one of those that have none. */
int mlc_bridge_port(const mlc_bridge *bridge);
/* The local side is done with it. What it has sent still goes out, for 2 s at most; the memory goes when the loop runs after
 * that. NULL is allowed. */
void mlc_bridge_close(mlc_bridge *bridge);

#endif
