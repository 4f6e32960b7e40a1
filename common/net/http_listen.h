/* http_listen.h - what can be found out about listening sockets. Private to common/net. */
#ifndef MLC_NET_HTTP_LISTEN_H
#define MLC_NET_HTTP_LISTEN_H

#include "base/error.h"

#include <uv.h>

/* The listening socket among the loop's polls with that port, or that path when not NULL; -1: none.
 * libwebsockets does not tell which socket it made, and cannot stop listening on a running context. */
int mlc_listen_find(uv_loop_t *loop, int port, const char *unix_path);

/* May a unix socket be bound at the path? Refuses what is no socket, and a socket somebody answers on:
 * libwebsockets would delete either. MLC_E_INVALID, MLC_E_EXISTS. */
mlc_code mlc_listen_path_free(const char *unix_path, mlc_error *err);

bool mlc_listen_is_loopback(const char *host);
/* Of a TCP socket: its port, 0 when it is none; is it bound to a loopback address? */
int mlc_listen_fd_port(int fd);
bool mlc_listen_fd_is_loopback(int fd);
bool mlc_listen_have_ipv6(void);

#endif
