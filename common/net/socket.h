/* socket.h - sockets as numbers: what systems call differently. On Windows a socket is no file descriptor, but its value fits an
 * int all the same (Windows keeps handles within 32 bits). Thread rule: any thread.
 */
#ifndef MLC_NET_SOCKET_H
#define MLC_NET_SOCKET_H

/* Another number for the same socket, which is closed on its own and which no child inherits; -1 with errno. */
int mlc_socket_dup(int fd);
void mlc_socket_close(int fd);

#endif
