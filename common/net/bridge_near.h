/* bridge_near.h - the side of a bridge that libwebsockets connects to, as far as systems differ. Private to bridge.c.
 *
 * bridge_near.c: a Unix socket in the abstract namespace, which leaves no file. bridge_near_windows.c: a port of the loopback
 * address. Either way who connects is asked for: only this process is let in.
 */
#ifndef MLC_NET_BRIDGE_NEAR_H
#define MLC_NET_BRIDGE_NEAR_H

#include "net/bridge.h"

#include <stdbool.h>

#ifdef _WIN32
typedef uv_tcp_t mlc_near;
#else
typedef uv_pipe_t mlc_near;
#endif

/* A listening socket that nothing else uses, -1 when there is none. Its address and port are those of bridge.h. */
int mlc_near_listen(char address[MLC_BRIDGE_ADDRESS_MAX], int *port);
/* A connection of this process; -1: none, or of somebody else, which is closed. */
int mlc_near_accept(int listen_fd);
void mlc_near_init(mlc_near *near, uv_loop_t *loop);
/* 0: the socket belongs to `near`, which closes it. */
int mlc_near_open(mlc_near *near, int fd);

#endif
