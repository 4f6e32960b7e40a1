/* bridge_local.h - the side of a bridge that libwebsockets connects to, as remote as systems differ. Private to bridge.c.
 *
 * bridge_local.c: a Unix socket in the abstract namespace, which leaves no file. bridge_local_windows.c: a port of the loopback
 * address. Either way who connects is asked for: only this process is let in.
 */
#ifndef MLC_NET_BRIDGE_LOCAL_H
#define MLC_NET_BRIDGE_LOCAL_H

#include "net/bridge.h"

#include <stdbool.h>

#ifdef _WIN32
typedef uv_tcp_t mlc_bridge_local;
#else
typedef uv_pipe_t mlc_bridge_local;
#endif

/* A listening socket that nothing else uses, -1 when there is none. Its address and port are those of bridge.h. */
int mlc_bridge_local_listen(char address[MLC_BRIDGE_ADDRESS_MAX], int *port);
/* A connection of this process (on Windows: of a socket that `loop` polls); -1: none, or of somebody else, which is closed. */
int mlc_bridge_local_accept(int listen_fd, uv_loop_t *loop);
void mlc_bridge_local_init(mlc_bridge_local *local, uv_loop_t *loop);
/* 0: the socket belongs to `local`, which closes it. */
int mlc_bridge_local_open(mlc_bridge_local *local, int fd);

#endif
